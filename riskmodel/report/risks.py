"""Risks of a consultation as tables and sentences: by outcome, by branch, by kind, by setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.wording import (
    bullets,
    capital,
    counted,
    denominator,
    frequency,
    frequency_range,
    given_states,
    headline,
    listed,
    said,
    sentence,
    span,
    table,
    told,
)

Answer = Mapping[str, Any]

_HEAD = ("Outcome", "Mean", "Median", "95 % range, one more centre")


def in_words(risk: Answer) -> str:
    """A risk in a sentence: the figure with what one centre could have, or why there is none."""
    p = risk["probability"]
    if p is None:
        bounds, between = _bounds(risk), ""
        if bounds:
            low, high = (frequency(end, 100) for end in bounds)
            between = f"; {low} of 100 if none of those whom no series follows had it, {high} of 100 if all had"
        return f"cannot be estimated from the published series{between}."
    if risk["by_definition"]:
        counted = "always counted so" if p == 1 else "never counted so"
        return f"{counted}, by definition; how these pregnancies go is not in these series."
    of = denominator(headline(risk))
    if risk["certainty"] == "very low":
        # Words and a range first: two series or an unknown branch do not carry a figure.
        return (
            f"too little is published for one figure: anywhere from {frequency_range(risk['interval'], of)} of {of:,} in "
            f"one particular centre; if one must be named, {_figures(risk)} ({risk['series']} series)."
        )
    return (
        f"{_figures(risk)}; one particular centre could have "
        f"{frequency_range(risk['interval'], of)} of {of:,} (certainty {risk['certainty']}, {risk['series']} series)."
    )


def _figures(risk: Answer) -> str:
    """Mean and median, the headline first, and the crude count."""
    first, second = ("probability", "median") if risk["headline"]["statistic"] == "mean" else ("median", "probability")
    of, names = denominator(headline(risk)), {"probability": "mean", "median": "median"}
    return f"{names[first]} {frequency(risk[first], of)} of {of:,}, {names[second]} {frequency(risk[second], of)}, " + (
        "no series counts exactly this" if risk["crude"] is None else f"counted {counted(risk['crude'])}"
    )


def _bounds(risk: Answer) -> Sequence[float] | None:
    """With the unknown branches at 0 or 1; None where they say nothing."""
    return None if risk["bounds"] == [0.0, 1.0] else risk["bounds"]


def outcome_title(risk: Answer) -> str:
    """What the risk is of, with a capital."""
    return capital(str(risk["title"]))


def risk_section(risks: Sequence[Answer]) -> str:
    """Risks as a table, and what must be said of each."""
    rows = []
    for risk in risks:
        average = "" if risk["average"] is None else span(risk["average"]["interval"], headline(risk))
        crude = "" if risk["by_definition"] else counted(risk["crude"])
        row = [*_row(risk), average, crude, _basis(risk), risk["certainty"]]
        rows.append(row)
    text = table([*_HEAD, "Average of centres", "Crude count", "Rests on", "Certainty"], rows)
    return bullets((note for risk in risks for note in _notes(risk)), text) or text


def _row(risk: Answer) -> list[str]:
    """An outcome, its mean and median, the headline of the two in bold, and the range."""
    return [outcome_title(risk), _mean(risk), _median(risk), _interval(risk)]


def _mean(risk: Answer) -> str:
    p = risk["probability"]
    if p is None:
        bounds = _bounds(risk)
        return "not estimable" + (f"; {span(bounds)} of 100" if bounds else "")
    if risk["by_definition"]:
        return "by definition " + ("all" if p == 1 else "none")
    return _one(risk, "mean", p)


def _median(risk: Answer) -> str:
    return "" if risk["probability"] is None or risk["by_definition"] else _one(risk, "median", risk["median"])


def _one(risk: Answer, statistic: str, value: float) -> str:
    """A figure on the denominator of the headline."""
    of = denominator(headline(risk))
    number = frequency(value, of)
    about = "about " if risk["certainty"] == "very low" and number[0].isdigit() else ""
    text = f"{about}{number} of {of:,}"
    return f"**{text}**" if risk["headline"]["statistic"] == statistic else text


def _interval(risk: Answer) -> str:
    if risk["by_definition"]:
        return ""
    if risk["probability"] is not None:
        return f"{span(risk['interval'], headline(risk))} of {denominator(headline(risk)):,}"
    return f"{span(risk['bounds_interval'])} of 100" if risk["bounds_interval"] else ""


def _basis(risk: Answer) -> str:
    if not risk["series"]:
        return "no series" if not risk["by_definition"] else "definition"
    return f"{risk['series']} series, {risk['fetuses']:,} fetuses: {listed(risk['sources'])}"


def _notes(risk: Answer) -> list[str]:
    name = outcome_title(risk)
    notes = []
    p = risk["probability"]
    if p is None:
        notes.append(f"**{name}: not estimable.** {sentence(risk['reason'])}")
    elif risk["by_definition"]:
        notes.append(f"**{name}:** {sentence(risk['reason'])}")
    else:
        of = denominator(headline(risk))
        no = frequency(1 - headline(risk), of)
        notes.append(
            f"**{name}:** {_figures(risk)}; by the {risk['headline']['statistic']} {no} of {of:,} with "
            f"{risk['complement_title']}. The range is about centres: nobody can say which group this fetus is in."
        )
        if risk["headline"]["reason"]:
            notes.append(f"Why the median comes first: {risk['headline']['reason']}.")
        if risk["spread_between"] is not None:
            share = round(100 * risk["spread_between"])
            notes.append(
                f"Why the range is this wide: about {share} % of its variance is spread between centres, the rest is not "
                f"knowing their average. Certainty {risk['certainty']}: {risk['certainty_why']}."
            )
    if risk["unknown"] and p is not None:
        notes.append(
            f"{name} with the unknown branches at 0 and at 1: {span(risk['bounds'])} of 100. "
            + " ".join(f"{one['branch']}: {sentence(one['why'])}" for one in risk["unknown"])
        )
    if risk["coarse"]:
        notes.append(
            f"{name}: {listed(risk['coarse'])} {'reports' if len(risk['coarse']) == 1 else 'report'} a wider group only, "
            "read through the tree: each way in which the fetuses can have divided is weighed by its probability."
        )
    routes = [risk[route] for route in ("direct", "indirect", "combined")]
    if all(route and route["probability"] is not None for route in routes[:2]):
        direct, indirect, combined = routes
        refused = combined["probability"] is None
        together = "refused" if refused else told(combined)
        notes.append(
            f"{name}, by route: series that report exactly this and nothing finer ({listed(direct['sources'])}) "
            f"{told(direct)}; finer counts through the tree ({listed(indirect['sources'])}) {told(indirect)}; together, "
            f"each series once, {together}. {sentence(combined['reason'])}".rstrip()
        )
    return notes


def branch_section(branch: Answer) -> str:
    """The risks if one more thing were known."""
    rows = [[*_row(risk), _basis(risk)] for risk in branch["risks"]]
    reasons = [
        f"**{outcome_title(risk)}: not estimable.** {sentence(risk['reason'])}"
        for risk in branch["risks"]
        if risk["probability"] is None
    ]
    text = f"### If {given_states(branch['given'])}\n\n" + table([*_HEAD, "Rests on"], rows)
    return bullets(reasons, text) or text


def kinds_section(answer: Answer) -> str:
    """Shares of the kinds that a state has, and what must be said of their counts."""
    tables = []
    for name, kinds in answer["kinds"].items():
        variable = answer["variables"][name]
        if not kinds or answer["known"].get(name) == next(iter(variable["states"])):
            continue
        state, title = list(variable["states"])[1], capital(variable["title"])
        rows = []
        for one in kinds:
            p, average = one["probability"], span(one["average"]["interval"], one["probability"])
            counted = f"{one['events']} of {one['total']}"
            rows.append([one["kind"].replace("-", " "), counted, said(p, one["interval"]), average])
        series = f"{kinds[0]['series']} series: {listed(kinds[0]['sources'])}"
        told = (
            f"Share of each kind where the {variable['title']} is {state}: the mean with what one more centre "
            f"could have, and the range of the average. Together the shares are one ({series})."
        )
        notes = [told, *dict.fromkeys(note for one in kinds for note in one["notes"])]
        head = ["Kind", "Counted", "Share, one more centre", "Average of centres"]
        tables.append(bullets(notes, f"### {title}, {state}: which kinds\n\n" + table(head, rows)))
    return "\n\n".join(tables)


def settings_section(answer: Answer) -> str:
    """The same risks by setting, side by side: the largest difference in the data."""
    titles = {risk["outcome"]: outcome_title(risk) for risk in answer["risks"]}
    if not titles or not answer["settings"]:
        return ""
    rows = []
    for outcome, title in titles.items():
        cells = [title]
        for setting in answer["settings"]:
            found = next(one for one in setting["risks"] if one["outcome"] == outcome)
            if found["probability"] is None:
                cells.append("not estimable")
                continue
            series = f"{found['series']} series, {found['fetuses']:,} fetuses: {listed(found['sources'])}"
            cells.append(f"{told(found)}; {series if found['series'] else 'definition'}")
        rows.append(cells)
    head = ["Outcome", *(one["title"].capitalize() for one in answer["settings"])]
    note = (
        "A setting alone has fewer series: figures lie nearer the middle and ranges are wider, so compare the ranges."
    )
    return "## By setting\n\n" + table(head, rows) + f"\n\n{note}"


def brief(risk: Answer) -> str:
    """A risk in a few words."""
    if risk["probability"] is None:
        bounds = _bounds(risk)
        return "not estimable" + (f", {span(bounds)} of 100" if bounds else "")
    if risk["probability"] in (0.0, 1.0) and risk["interval"] == [risk["probability"]] * 2:
        return "none, by definition" if risk["probability"] == 0.0 else "all, by definition"
    return told(risk)
