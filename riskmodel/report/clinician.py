"""A consultation as text: Markdown for people, JSON for programs. Every number comes from `Consultation.to_dict`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.patient import to_plain_markdown
from riskmodel.report.wording import denominator, frequency, frequency_range, listed

Answer = Mapping[str, Any]


def to_json(answer: Answer) -> str:
    """A consultation as JSON text."""
    return json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_markdown(answer: Answer) -> str:
    """A consultation as Markdown, worded for its audience."""
    if answer["audience"] == "patient":
        return to_plain_markdown(answer)
    researcher = answer["audience"] == "researcher"
    parts = [_head(answer)]
    parts.append(_short(answer))
    if answer["risks"]:
        parts.append("## The risks now\n\n" + _risk_section(answer["risks"]))
    else:
        parts.append("## The risks now\n\nEverything the finding asks about is already known.")
    parts += [_branch(one) for one in answer["branches"]]
    parts.append(_kinds(answer))
    parts.append(_settings(answer))
    parts.append(_neighbours(answer))
    parts.append(_workup(answer))
    parts.append(_statements("Differential diagnosis", answer["differential"]))
    parts.append(_statements("Prognosis as published, and what the counts say", answer["prognosis"]))
    parts.append(_statements("Pitfalls and limits", answer["cautions"]))
    parts.append(_counted(answer))
    parts.append(_movement(answer))
    if researcher:
        parts.append(_researcher(answer))
    body = "\n\n".join(part for part in parts if part)
    return "\n\n".join([body, _sources(answer, body), _foot(answer)]) + "\n"


def said(probability: float, interval: Sequence[float] | None = None) -> str:
    """A probability as a frequency, with its range on the same denominator."""
    of = denominator(probability)
    text = f"{frequency(probability, of)} of {of:,}"
    return text if interval is None else f"{text} ({frequency_range(interval, of)})"


def _head(answer: Answer) -> str:
    known = [f"{name}: {state}" for name, state in answer["known"].items()]
    lines = [f"# {answer['title']}", ""]
    lines.append(f"**Known:** {'; '.join(known) if known else 'only that it was seen'}.")
    if answer["described"]:
        stated = "; ".join(f"{name}: {_value(value)}" for name, value in answer["described"].items())
        lines.append(f"**Stated, not part of any number:** {stated}.")
    setting = "all settings" if answer["setting"] == "any" else f"setting {answer['setting']}"
    lines.append(f"**Rests on:** evidence {answer['evidence_version']}, reading {answer['reading']}, {setting}.")
    return "  \n".join(lines[:1]) + "\n\n" + "  \n".join(lines[2:])


def _short(answer: Answer) -> str:
    """The main answer, the branches where it has none, and the next steps, in a few lines."""
    lines = []
    main = answer["risks"][0] if answer["risks"] else None
    if main is not None:
        lines.append(f"**{_title(main)}**: {_in_words(main)}")
        for branch in answer["branches"]:
            found = next((one for one in branch["risks"] if one["outcome"] == main["outcome"]), None)
            if found is not None:
                new = listed(
                    [f"{name} {state}" for name, state in branch["given"].items() if name not in answer["known"]]
                )
                lines.append(f"{_title(main)}, if {new}: {_in_words(found)}")
    due = [step["title"] for step in answer["workup"] if step["state"] == "due"]
    if answer["workup"]:
        lines.append(f"**Next:** {'; '.join(due) if due else 'no step of the algorithm is due'}.")
    return "## In short\n\n" + "\n".join(f"- {line}" for line in lines)


def _in_words(risk: Answer) -> str:
    p = risk["probability"]
    if p is None:
        bounds = risk["bounds"]
        between = ""
        if bounds is not None and bounds != [0.0, 1.0]:
            low, high = (frequency(end, 100) for end in bounds)
            between = f"; {low} of 100 if none of those whom no series follows had it, {high} of 100 if all had"
        return f"cannot be estimated from the published series{between}."
    if risk["by_definition"]:
        counted = "always counted so" if p == 1 else "never counted so"
        return f"{counted}, by definition; how these pregnancies go is not in these series."
    of = denominator(p)
    if risk["certainty"] == "very low":
        # Words and a range first: two series or an unknown branch do not carry a figure.
        return (
            f"too little is published for one figure: anywhere from {frequency_range(risk['interval'], of)} of {of:,} in "
            f"one particular centre, about {frequency(p, of)} if one must be named ({risk['series']} series)."
        )
    return (
        f"best single figure {frequency(p, of)} of {of:,}; one particular centre could have "
        f"{frequency_range(risk['interval'], of)} of {of:,} (certainty {risk['certainty']}, {risk['series']} series)."
    )


def _value(value: Any) -> str:
    return (
        " x ".join(f"{part:g}" for part in value)
        if isinstance(value, list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _title(risk: Answer) -> str:
    return str(risk["title"][:1].upper() + risk["title"][1:])


def _risk_section(risks: Sequence[Answer]) -> str:
    rows = []
    for risk in risks:
        average = "" if risk["average"] is None else _range(risk["average"]["interval"], risk["probability"])
        rows.append([_title(risk), _figure(risk), _interval(risk), average, _basis(risk), risk["certainty"]])
    head = [
        "Outcome",
        "Best single figure",
        "95 % range, one more centre",
        "Average of centres",
        "Rests on",
        "Certainty",
    ]
    text = _table(head, rows)
    notes = [note for risk in risks for note in _notes(risk)]
    return text + ("\n\n" + "\n".join(f"- {note}" for note in notes) if notes else "")


def _figure(risk: Answer) -> str:
    p = risk["probability"]
    if p is None:
        bounds = risk["bounds"]
        return "not estimable" if bounds is None or bounds == [0.0, 1.0] else f"not estimable; {_range(bounds)} of 100"
    if risk["by_definition"]:
        return "by definition " + ("all" if p == 1 else "none")
    if risk["certainty"] == "very low":
        return f"about {said(p)}"
    return said(p)


def _range(interval: Sequence[float] | None, figure: float | None = None) -> str:
    if interval is None:
        return ""
    return frequency_range(interval, denominator(figure) if figure is not None else 100)


def _interval(risk: Answer) -> str:
    if risk["by_definition"]:
        return ""
    if risk["probability"] is not None:
        return f"{_range(risk['interval'], risk['probability'])} of {denominator(risk['probability']):,}"
    return f"{_range(risk['bounds_interval'])} of 100" if risk["bounds_interval"] else ""


def _basis(risk: Answer) -> str:
    if not risk["series"]:
        return "no series" if not risk["by_definition"] else "definition"
    events = "" if risk["events"] is None else f"{risk['events']} of "
    return f"{risk['series']} series, {events}{risk['fetuses']} fetuses: {listed(risk['sources'])}"


def _notes(risk: Answer) -> list[str]:
    name = _title(risk)
    notes = []
    p = risk["probability"]
    if p is None:
        notes.append(f"**{name}: not estimable.** {_sentence(risk['reason'])}")
    elif risk["by_definition"]:
        notes.append(f"**{name}:** {_sentence(risk['reason'])}")
    else:
        of = denominator(p)
        yes, no = frequency(p, of), frequency(1 - p, of)
        notes.append(
            f"**{name}:** best single figure {yes} of {of:,}, and {no} of {of:,} with {risk['complement_title']}. "
            f"The range is about centres: nobody can say which group this fetus is in."
        )
        if risk["spread_between"] is not None:
            share = round(100 * risk["spread_between"])
            notes.append(
                f"Why the range is this wide: about {share} % of its variance is spread between centres, the rest is not "
                f"knowing their average. Certainty {risk['certainty']}: {risk['certainty_why']}."
            )
    if risk["unknown"] and p is not None:
        notes.append(
            f"{name} with the unknown branches at 0 and at 1: {_range(risk['bounds'])} of 100. "
            + " ".join(f"{one['branch']}: {_sentence(one['why'])}" for one in risk["unknown"])
        )
    if risk["coarse"]:
        notes.append(
            f"{name}: {listed(risk["coarse"])} {'reports' if len(risk["coarse"]) == 1 else 'report'} a wider group only, read "
            "through the tree: each way in which the fetuses can have divided is weighed by its probability."
        )
    routes = [risk[route] for route in ("direct", "indirect", "combined")]
    if all(route and route["probability"] is not None for route in routes[:2]):
        direct, indirect, combined = routes
        together = (
            said(combined["probability"], combined["interval"]) if combined["probability"] is not None else "refused"
        )
        notes.append(
            f"{name}, by route: series that report exactly this and nothing finer ({listed(direct['sources'])}) "
            f"{said(direct['probability'], direct['interval'])}; finer counts through the tree "
            f"({listed(indirect['sources'])}) {said(indirect['probability'], indirect['interval'])}; together, each series "
            f"once, {together}. {_sentence(combined['reason'])}".rstrip()
        )
    return notes


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""


def _branch(branch: Answer) -> str:
    given = listed([f"{name} {state}" for name, state in branch["given"].items()])
    rows = [[_title(risk), _figure(risk), _interval(risk), _basis(risk)] for risk in branch["risks"]]
    reasons = [
        f"- **{_title(risk)}: not estimable.** {_sentence(risk['reason'])}"
        for risk in branch["risks"]
        if risk["probability"] is None
    ]
    text = f"### If {given}\n\n" + _table(
        ["Outcome", "Best single figure", "95 % range, one more centre", "Rests on"], rows
    )
    return text + ("\n\n" + "\n".join(reasons) if reasons else "")


def _kinds(answer: Answer) -> str:
    tables = []
    for name, kinds in answer["kinds"].items():
        variable = answer["variables"][name]
        if not kinds or answer["known"].get(name) == next(iter(variable["states"])):
            continue
        rows = [
            [
                one["kind"].replace("-", " "),
                f"{one['events']} of {one['total']}",
                said(one["probability"], one["interval"]),
                listed(one["sources"]),
            ]
            for one in kinds
        ]
        heading = (
            f"### {variable['title'][:1].upper()}{variable['title'][1:]}, {list(variable['states'])[1]}: which kinds"
        )
        tables.append(f"{heading}\n\n" + _table(["Kind", "Counted", "Share", "Source"], rows))
    return "\n\n".join(tables)


def _settings(answer: Answer) -> str:
    """The same risks by setting, side by side: the largest difference in the data."""
    titles = {risk["outcome"]: _title(risk) for risk in answer["risks"]}
    if not titles:
        return ""
    rows = []
    for outcome, title in titles.items():
        cells = [title]
        for setting in answer["settings"]:
            found = next(one for one in setting["risks"] if one["outcome"] == outcome)
            if found["probability"] is None:
                cells.append("not estimable")
            else:
                series = "definition"
                if found["series"]:
                    series = f"{found['series']} series, {found['fetuses']} fetuses: {listed(found['sources'])}"
                cells.append(f"{said(found['probability'], found['interval'])}; {series}")
        rows.append(cells)
    head = ["Outcome", *(one["title"].capitalize() for one in answer["settings"])]
    note = (
        "A setting alone has fewer series: figures lie nearer the middle and ranges are wider, so compare the ranges."
    )
    return "## By setting\n\n" + _table(head, rows) + f"\n\n{note}"


def _neighbours(answer: Answer) -> str:
    """What the risks can be weighed against: without the finding, and what the tests may do."""
    steps = {step["step"]: step["title"] for step in answer["workup"]}
    titles = {risk["outcome"]: _title(risk) for risk in answer["risks"]}
    lines = []
    for one in answer["neighbours"]["given"]:
        if one["kind"] == "background":
            lead = f"**{titles[one['outcome']]} without this finding:** {said(one['probability'])}."
        else:
            lead = f"**{steps[one['step']]}, its harm:** {said(one['probability'])}"
            lead += "." if one["without"] is None else f", and {said(one['without'])} without the test."
        if one["difference"]:
            excess, low, high = (f"{1000 * value:.1f}" for value in one["difference"])
            lead += f" Difference {excess} of 1,000 (95 % interval {low} to {high})."
        lines.append(f"- {lead} {one['text']} ({'; '.join(one['sources'])})")
    if answer["neighbours"]["missing"]:
        lines.append(f"- Not in the evidence: {'; '.join(answer['neighbours']['missing'])}.")
    if not lines:
        return ""
    return "## To weigh this against\n\nAs published; not fitted here.\n\n" + "\n".join(lines)


def _wider(answer: Answer) -> list[str]:
    """Counts of wider groups, and whether they agree with the branches or could not have disagreed."""
    lines = []
    for one in answer["coarse_counts"]:
        found = one["agreement"]
        if found is None:
            lines.append(f"- {_count(one)}: not read through the tree, for {one['reason']}")
            continue
        ends = [f"{found['detectable_low']} or fewer"] if found["detectable_low"] is not None else []
        ends += [f"{found['detectable_high']} or more"] if found["detectable_high"] is not None else []
        could = (
            f"it would have shown one at {' or at '.join(ends)}"
            if ends
            else "it could not have shown one: not testable"
        )
        verdict = "in conflict" if found["conflict"] else "no conflict"
        lines.append(
            f"- {_count(one)}: the finer counts expect {found['expected']:.1f}; {verdict} (mid-p {found['mid_p']:.2f}; "
            f"{could})"
        )
    return lines


def _workup(answer: Answer) -> str:
    if not answer["workup"]:
        return ""
    lines = ["## The work-up, in order"]
    for number, step in enumerate(answer["workup"], 1):
        title = step["title"]
        lines.append(
            f"{number}. **{title}**: *{step['state']}*. {_sentence(step['why'])} {_sentence(step['detail'])} "
            f"({'; '.join(step['sources'])})"
        )
        lines += [f"    - {text}" for text in _changes(step)]
    return "\n\n".join([lines[0], "\n".join(lines[1:])])


def _changes(step: Answer) -> list[str]:
    if not step["changes"]:
        return []
    texts = []
    if step["p_abnormal"] is not None:
        # Of what the test looks for: a positive blood test of the mother is another thing, and is not counted.
        texts.append(f"What it looks for is expected in {said(step['p_abnormal'])}.")
    for change in step["changes"]:
        after = f"if normal {_brief(change['if_normal'])}; if abnormal {_brief(change['if_abnormal'])}"
        if len(change["results"]) > 2:
            after = "; ".join(f"if {one['state']} {_brief(one)}" for one in change["results"])
        bits = "" if change["bits"] is None else f" (expected information {_bits(change['bits'])})"
        if change["bits"] is None and change["bits_at_most"] is not None:
            bits = f" (expected information at most {_bits(change['bits_at_most'])}; an unknown branch matters)"
        texts.append(f"{change['outcome'].replace('_', ' ').capitalize()}: {after}{bits}.")
    return texts


def _bits(bits: float) -> str:
    return "under 0.01 bits" if bits < 0.005 else f"{bits:.2f} bits"


def _brief(risk: Answer) -> str:
    if risk["probability"] is None:
        bounds = risk["bounds"]
        open_ended = bounds is None or bounds == [0.0, 1.0]
        return "not estimable" + ("" if open_ended else f", {_range(bounds)} of 100")
    if risk["probability"] in (0.0, 1.0) and risk["interval"] == [risk["probability"]] * 2:
        return "none, by definition" if risk["probability"] == 0.0 else "all, by definition"
    return said(risk["probability"], risk["interval"])


def _statements(title: str, statements: Sequence[Answer]) -> str:
    if not statements:
        return ""
    lines = []
    for one in statements:
        parts = [one["text"]]
        if one["counts"]:
            parts.append("Counts: " + "; ".join(_count(count) for count in one["counts"]) + ".")
        if one["risk"] and one["risk"]["probability"] is not None:
            risk = one["risk"]
            given = listed([f"{name} {state}" for name, state in risk["given"].items()])
            parts.append(f"Risk of {risk['title']} ({given}): {said(risk['probability'], risk['interval'])}.")
        if one["comment"]:
            parts.append(one["comment"])
        parts += one["remarks"]
        if one["sources"] and not one["counts"]:
            parts.append(f"({'; '.join(one['sources'])})")
        lines.append("- " + " ".join(parts))
    return f"## {title}\n\n" + "\n".join(lines)


def _count(count: Answer) -> str:
    what = count["variable"].replace("_", " ") + ("" if count["category"] == "yes" else f" {count['category']}")
    given = f" where {count['given'].replace('=', ' ').replace('; ', ', ')}" if count["given"] else ""
    basis = "" if count["basis"] == "abstract" else f", {count['basis']}"
    return f"{what} {count['events']} of {count['total']}{given} ({count['source']}{basis})"


def _counted(answer: Answer) -> str:
    rows = [
        [
            one["variable"].replace("_", " "),
            one["given"].replace("=", " "),
            f"{one['events']} of {one['total']}",
            one["source"],
            one["note"],
        ]
        for one in answer["also_counted"]
    ]
    if not rows:
        return ""
    return "## Also counted, not modelled\n\n" + _table(["Outcome", "Among", "Count", "Source", "Note"], rows)


def _movement(answer: Answer) -> str:
    lines = []
    for risk in answer["risks"]:
        moved = risk["robustness"]
        if moved is None or risk["probability"] is None or risk["by_definition"]:
            continue
        of = denominator(risk["probability"])
        if moved["reason"]:
            lines.append(f"- **{risk['title'].capitalize()}**: not worked out, since {moved['reason']}.")
            continue
        ends = frequency_range([moved["lowest"], moved["highest"]], of)
        lines.append(
            f"- **{risk['title'].capitalize()}**: best single figure {ends} of {of:,} over other priors, "
            "readings and each series left out."
        )
        for one in moved["readings"]:
            if one["changed"]:
                value = "not estimable" if one["probability"] is None else said(one["probability"])
                lines.append(f"    - reading {one['reading']}: {value}; it has {listed(one['changed'])}")
            else:
                lines.append(f"    - reading {one['reading']}: no count behind this answer differs")
        for one in moved["untested"]:
            value = "not estimable" if one["probability_if_fewest"] is None else said(one["probability_if_fewest"])
            lines.append(
                f"    - if only {one['fewest']} of {one['most']} had been tested: {value}. {one['text']} "
                f"({'; '.join(one['sources'])})"
            )
        for one in moved["left_out"]:
            value = "not estimable" if one["probability"] is None else said(one["probability"])
            lines.append(f"    - without {one['source']}: {value}")
    lines += [
        f"- **{one['key']}** ({'; '.join(one['sources'])}): the article: {one['article']} The abstract: "
        f"{one['primary']} Effect: {one['effect'][:1].lower()}{one['effect'][1:]}"
        for one in answer["disagreements"]
    ]
    wider = _wider(answer)
    if wider:
        lines = [*wider, *lines]
    if not lines:
        return ""
    return "## How far the answer moves, and where the article and the abstracts disagree\n\n" + "\n".join(lines)


def _researcher(answer: Answer) -> str:
    rows = []
    for risk in answer["risks"]:
        for variant in (risk["robustness"] or {}).get("priors", ()):
            value = "" if variant["probability"] is None else f"{variant['probability']:.4f}"
            rows.append([risk["outcome"], variant["variant"], value])
    model = answer["model"]
    text = (
        f"## Model\n\nBeta-binomial for each branch; prior on the average {model['prior']}, heterogeneity "
        f"{model['heterogeneity']}. "
        f"Estimand: {model['estimand']}. Intervals are 95 %, equal-tailed."
    )
    return text + ("\n\n" + _table(["Outcome", "Variant", "Probability"], rows) if rows else "")


def _sources(answer: Answer, body: str) -> str:
    cited = {key: citation for key, citation in answer["sources"].items() if key in body}
    return "## Sources\n\n" + "\n".join(f"- **{key}**: {citation}" for key, citation in cited.items())


def _foot(answer: Answer) -> str:
    review = answer["review"]
    updated = f" Article last updated {review['article_updated']}." if review["article_updated"] else ""
    return (
        f"---\n\n**Review:** {review['status']}. {review['statement']}{updated} Evidence updated {answer['updated']}.\n\n"
        f"{answer['disclaimer']}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    keep = [i for i, name in enumerate(head) if name]
    lines = [
        [head[i] for i in keep],
        ["---" for _ in keep],
        *([row[i].replace("|", "\\|") for i in keep] for row in rows),
    ]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
