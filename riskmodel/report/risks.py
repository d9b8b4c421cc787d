"""Risks of a consultation as tables and sentences: by outcome, by branch, by kind, by setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.wording import (
    bullets,
    capital,
    counted,
    denominator,
    figure,
    frequency,
    frequency_range,
    given_states,
    headline,
    listed,
    read,
    said,
    sentence,
    span,
    table,
    told,
)

Answer = Mapping[str, Any]

_HEAD = ("Outcome", "Mean", "Median", "95 % range, one more centre")


def _figures(risk: Answer) -> str:
    """Mean and median, the headline first, or the range that unknown branches leave; and the crude count."""
    counts = "no series counts exactly this" if risk["crude"] is None else f"counted {counted(risk['crude'])}"
    if read(risk)[0] == "range":
        return f"{figure(risk)} as babies fare whom no series follows, {counts}"
    first, second = ("probability", "median") if risk["headline"]["statistic"] == "mean" else ("median", "probability")
    of, names = denominator(headline(risk)), {"probability": "mean", "median": "median"}
    return f"{names[first]} {frequency(risk[first], of)} of {of:,}, {names[second]} {frequency(risk[second], of)}, {counts}"


def outcome_title(risk: Answer) -> str:
    """What the risk is of, with a capital."""
    return capital(str(risk["title"]))


def risk_section(risks: Sequence[Answer]) -> str:
    """Risks as a table, and what must be said of each."""
    rows = []
    for risk in risks:
        average = "" if risk["average"] is None else span(risk["average"]["interval"], headline(risk))
        crude = "" if risk["by_definition"] else counted(risk["crude"])
        rows.append([*_row(risk), average, crude, _basis(risk), risk["certainty"]])
    text = table([*_HEAD, "Average of centres", "Crude count", "Rests on", "Certainty"], rows)
    return bullets([*_without(risks), *(note for risk in risks for note in _notes(risk))], text) or text


def _without(risks: Sequence[Answer]) -> list[str]:
    """Which risks have no figure, and why: each reason once."""
    reasons: dict[str, list[str]] = {}
    for risk in risks:
        if risk["probability"] is None:
            reasons.setdefault(sentence(risk["reason"]), []).append(outcome_title(risk))
    return [f"**{listed(titles)}: no figure.** {reason}" for reason, titles in reasons.items()]


def _row(risk: Answer) -> list[str]:
    """An outcome, its mean and median, the headline of the two in bold, and the range."""
    figures = [figure(risk), ""]
    if read(risk)[0] == "figure":
        figures = [_one(risk, "mean", risk["probability"]), _one(risk, "median", risk["median"])]
    return [outcome_title(risk), *figures, _interval(risk)]


def _one(risk: Answer, statistic: str, value: float) -> str:
    """A figure on the denominator of the headline."""
    of = denominator(headline(risk))
    number = frequency(value, of)
    about = "about " if risk["certainty"] == "very low" and number[0].isdigit() else ""
    text = f"{about}{number} of {of:,}"
    return f"**{text}**" if risk["headline"]["statistic"] == statistic else text


def _interval(risk: Answer) -> str:
    interval, of = risk["bounds_interval"] or risk["interval"], denominator(*read(risk)[1])
    return f"{frequency_range(interval, of)} of {of:,}" if interval and not risk["by_definition"] else ""


def _basis(risk: Answer) -> str:
    return _counted_in(risk) if risk["series"] else "definition" if risk["by_definition"] else "no series"


def _counted_in(risk: Answer) -> str:
    own = listed([source for source in risk["sources"] if source not in risk["weighing"]])
    more = f"; what is known is weighed by {listed(risk['weighing'])}" if risk["weighing"] else ""
    return f"{risk['series']} series, {risk['fetuses']:,} fetuses: {own}{more}"


def _notes(risk: Answer) -> list[str]:
    name = outcome_title(risk)
    notes = []
    p = risk["probability"]
    if risk["by_definition"]:
        notes.append(f"**{name}:** {sentence(risk['reason'])}")
    elif p is not None:
        low, high = read(risk)[1]
        of = denominator(low, high)
        notes.append(
            f"**{name}:** {_figures(risk)}; the other {frequency_range((1 - high, 1 - low), of)} of {of:,}: "
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
        together = "refused" if combined["probability"] is None else told(combined)
        which = " (each with the unknown branches at 0)" if read(risk)[0] == "range" else ""
        notes.append(
            f"{name}, by route{which}: series that report exactly this and nothing finer ({listed(direct['sources'])}) "
            f"{told(direct)}; finer counts through the tree ({listed(indirect['sources'])}) {told(indirect)}; together, "
            f"each series once, {together}. {sentence(combined['reason'])}".rstrip()
        )
    return notes


def branch_section(branch: Answer) -> str:
    """The risks if one more thing were known."""
    rows = [[*_row(risk), _basis(risk)] for risk in branch["risks"]]
    text = f"### If {given_states(branch['given'])}\n\n" + table([*_HEAD, "Rests on"], rows)
    return bullets(_without(branch["risks"]), text) or text


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
            basis = f"; {_counted_in(found) if found['series'] else 'definition'}"
            cells.append(told(found) + ("" if found["probability"] is None else basis))
        rows.append(cells)
    head = ["Outcome", *(one["title"].capitalize() for one in answer["settings"])]
    note = (
        "A setting alone has fewer series: figures lie nearer the middle and ranges are wider, so compare the ranges."
    )
    return f"## By setting\n\n{table(head, rows)}\n\n{note}"
