"""A consultation as Markdown for a clinician. Every number comes from `Consultation.to_dict`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from riskmodel.report.brief import short_title
from riskmodel.report.risks import branch_section, kinds_section, outcome_title, risk_section, settings_section
from riskmodel.report.wording import (
    bullets,
    capital,
    denominator,
    figure,
    frequency_range,
    given_states,
    headline,
    listed,
    meaning,
    named,
    read,
    said,
    sentence,
    table,
    told,
)

Answer = Mapping[str, Any]


def sections(answer: Answer, shown: Sequence[str]) -> dict[str, str]:
    """What follows the first screen, of the names that are to be shown; the sources are all that the rest names."""
    texts = {
        name: "\n\n".join(filter(None, part(answer))) for name, part in _PARTS.items() if {name, "sources"} & {*shown}
    }
    if "sources" not in shown:
        return texts
    return texts | {"sources": f"{_sources(answer, ' '.join(texts.values()))}\n\n{_foot(answer)}"}


def _evidence(answer: Answer) -> list[str]:
    risks = risk_section(answer["risks"]) if answer["risks"] else "Everything the finding asks about is already known."
    return [
        f"## The risks now\n\n{risks}",
        *(branch_section(one) for one in answer["branches"]),
        _definitions(answer),
        kinds_section(answer),
        settings_section(answer),
        _neighbours(answer),
        _counted(answer),
    ]


def _steps_and_statements(answer: Answer) -> list[str]:
    return [
        _workup(answer),
        _statements("Differential diagnosis", answer["differential"]),
        _statements("Prognosis as published, and what the counts say", answer["prognosis"]),
        _statements("Pitfalls and limits", answer["cautions"]),
    ]


def _definitions(answer: Answer) -> str:
    """What each outcome means, until when and among whom it is counted."""
    return bullets(
        (
            f"**{outcome_title(risk)}:** {meaning(risk)}"
            + (f" {sentence(risk['terminations'])}" if risk.get("terminations") else "")
            for risk in answer["risks"]
        ),
        "### What is counted",
    )


def _neighbours(answer: Answer) -> str:
    """What the risks can be weighed against: without the finding, and what the tests may do."""
    steps = {step["step"]: capital(short_title(step)) for step in answer["workup"]}
    titles = {risk["outcome"]: outcome_title(risk) for risk in answer["risks"]}
    lines = []
    for one in answer["neighbours"]["given"]:
        if one["kind"] == "error":
            lead = f"**{steps[one['step']]}, what it misses:** {said(one['probability'], one['interval'])}."
        elif one["kind"] == "background":
            lead = f"**{titles[one['outcome']]} without this finding:** {said(one['probability'])}."
        else:
            lead = f"**{steps[one['step']]}, its harm:** {said(one['probability'])}"
            lead += "." if one["without"] is None else f", and {said(one['without'])} without the test."
        if one["difference"]:
            excess, low, high = (f"{1000 * value:.1f}" for value in one["difference"])
            lead += f" Difference {excess} of 1,000 (95 % interval {low} to {high})."
        lines.append(" ".join(filter(None, (lead, one["text"], one["differs"], f"({'; '.join(one['sources'])})"))))
    if answer["neighbours"]["missing"]:
        lines.append(f"Not in the evidence: {'; '.join(answer['neighbours']['missing'])}.")
    return bullets(lines, "## To weigh this against\n\nAs published; not fitted here.")


def _coarse(answer: Answer) -> list[str]:
    """Coarse counts, and whether they agree with the branches or could not have disagreed."""
    lines = []
    for one in answer["coarse_counts"]:
        found = one["agreement"]
        if found is None:
            lead = "" if one["reason"].startswith("not compared") else "not read through the tree, for "
            lines.append(f"- {_count(one)}: {lead}{one['reason']}")
            continue
        far = (("low", "fewer"), ("high", "more"))
        ends = [f"{end} or {more}" for side, more in far if (end := found[f"detectable_{side}"]) is not None]
        shown = f"it would have shown one at {' or at '.join(ends)}"
        could = shown if ends else "it could not have shown one: not testable"
        verdict = f"{'in' if found['conflict'] else 'no'} conflict (mid-p {found['mid_p']:.2f}; {could})"
        lines.append(f"- {_count(one)}: the finer counts expect {found['expected']:.1f}; {verdict}")
    return lines


def _workup(answer: Answer) -> str:
    if not answer["workup"]:
        return ""
    lines = []
    for number, step in enumerate(answer["workup"], 1):
        # Of a step that is done the result is known; whether it was done as its title has it nobody said.
        state = "result known" if step["state"] == "done" else step["state"]
        told = f"*{state}*. {sentence(step['why'])} {sentence(step['detail'])} ({'; '.join(step['sources'])})"
        lines += [f"{number}. **{capital(short_title(step))}**: {told}", *(f"    - {text}" for text in _changes(step))]
    ends = (f"**Here it stops: {one['title']}.** {one['text']} ({'; '.join(one['sources'])})" for one in answer["ends"])
    return "\n\n".join(filter(None, ["## The work-up, in order", "\n".join(lines), bullets(ends)]))


def _changes(step: Answer) -> list[str]:
    if not step["changes"]:
        return []
    texts = []
    if step["p_abnormal"] is not None:
        # Of what the test looks for: a positive blood test of the mother is another thing, and is not counted.
        texts.append(f"What it looks for is expected in {said(step['p_abnormal'])}.")
    for change in step["changes"]:
        after = f"if normal {told(change['if_normal'])}; if abnormal {told(change['if_abnormal'])}"
        if len(change["results"]) > 2:
            after = "; ".join(f"if {one['state']} {told(one)}" for one in change["results"])
        texts.append(f"{named(change['outcome']).capitalize()}: {after}{_information(change)}.")
    return texts


def _information(change: Answer) -> str:
    """What a test is expected to tell, and how much of it a definition tells."""
    unknown = change["bits"] is None
    whole, part = change["bits_at_most"] if unknown else change["bits"], change["bits_by_definition"]
    if whole is None:
        return ""
    words = f" (expected information {'at most ' if unknown else ''}{_bits(whole)}"
    if part and whole >= 0.005:
        words += ", all of it by definition" if part > 0.995 * whole else f", {_bits(part)} of it by definition"
    return words + ("; an unknown branch matters)" if unknown else ")")


def _bits(bits: float) -> str:
    return "under 0.01 bits" if bits < 0.005 else f"{bits:.2f} bits"


def _statements(title: str, statements: Sequence[Answer]) -> str:
    lines = []
    for one in statements:
        parts = [one["text"]]
        if one["counts"]:
            parts.append("Counts: " + "; ".join(_count(count) for count in one["counts"]) + ".")
        if one["risk"] and one["risk"]["probability"] is not None:
            risk = one["risk"]
            given = given_states(risk["given"]) or "all"
            parts.append(f"Risk of {risk['title']} ({given}): {told(risk)}.")
        if one["comment"]:
            parts.append(one["comment"])
        parts += one["remarks"]
        if one["sources"] and not one["counts"]:
            parts.append(f"({'; '.join(one['sources'])})")
        lines.append(" ".join(parts))
    return bullets(lines, f"## {title}")


def _count(count: Answer) -> str:
    what = named(count["variable"]) + ("" if count["category"] == "yes" else f" {count['category']}")
    given = f" where {named(count['given'])}" if count["given"] else ""
    basis = "" if count["basis"] == "abstract" else f", {count['basis']}"
    return f"{what} {count['events']} of {count['total']}{given} ({count['source']}{basis})"


def _counted(answer: Answer) -> str:
    rows = [
        [named(one["variable"]), named(one["given"]), f"{one['events']} of {one['total']}", one["source"], one["note"]]
        for one in answer["also_counted"]
    ]
    shown = table(["Outcome", "Among", "Count", "Source", "Note"], rows)
    return f"## Also counted, not modelled\n\n{shown}" if rows else ""


def _moved(one: Answer, probability: float | None) -> str:
    """A figure under another choice; where there is none the bounds or the reason."""
    return figure(dict(one) | {"headline": {"figure": probability}, "probability": probability, "by_definition": False})


def _movement(answer: Answer) -> str:
    lines: list[str] = []
    refused: dict[str, list[str]] = {}
    for risk in answer["risks"]:
        moved = risk["robustness"]
        if moved is None or risk["probability"] is None or risk["by_definition"]:
            continue
        of = denominator(headline(risk))
        if moved["reason"]:
            refused.setdefault(moved["reason"], []).append(outcome_title(risk))
            continue
        what = "lower end, with the unknown branches at 0," if read(risk)[0] == "range" else "mean"
        ends = frequency_range([moved["lowest"], moved["highest"]], of)
        over = "over other priors, readings and each series left out"
        lines.append(f"- **{risk['title'].capitalize()}**: {what} {ends} of {of:,} {over}.")
        for one in moved["readings"]:
            found = "no count behind this answer differs"
            if one["changed"]:
                found = f"{_moved(one, one['probability'])}; it has {listed(one['changed'])}"
            lines.append(f"    - reading {one['reading']}: {found}")
        lines += [
            f"    - if only {one['fewest']} of {one['most']} had been tested: {_moved(one, one['probability_if_fewest'])}. "
            f"{one['text']} ({'; '.join(one['sources'])})"
            for one in moved["untested"]
        ]
        lines += _dependence(moved)
        lines += [f"    - without {one['source']}: {_moved(one, one['probability'])}" for one in moved["left_out"]]
    lines += [f"- **{listed(titles)}**: not worked out, since {reason}." for reason, titles in refused.items()]
    lines += [
        f"- **{one['key']}** ({'; '.join(one['sources'])}): the article: {one['article']} The abstract: "
        f"{one['primary']} Effect: {one['effect'][:1].lower()}{one['effect'][1:]}"
        for one in answer["disagreements"]
    ]
    text = "\n".join([*_coarse(answer), *lines])
    disagree = ", and where the article and the abstracts disagree" if answer["disagreements"] else ""
    return text and f"## How far the answer moves{disagree}\n\n{text}"


def _dependence(moved: Answer) -> list[str]:
    """A line on what is assumed of one centre's risks: that they have nothing to do with each other."""
    if not moved["dependence"]:
        return []
    cells = "; ".join(
        f"{one['correlation']:g}: {said(one['probability'], one['interval'])}" for one in moved["dependence"]
    )
    what = "if what one centre has against it came together in all branches, which are taken as independent"
    return [f"    - {what} (correlation of their risks {cells})"]


def _sources(answer: Answer, body: str) -> str:
    """What the page names by key, the article by what it is called, and where each count of a source is followed."""
    article = answer["review"]["article_source"]
    called = f"{body} {_foot(answer)}"
    cited = {key: citation for key, citation in answer["sources"].items() if key in body}
    if article and re.search(r"\barticle\b", called, re.IGNORECASE):
        cited[article] = answer["sources"][article]
    lines = [f"**{key}**{', called the article here' if key == article else ''}: {text}" for key, text in cited.items()]
    counted = next((one["sources"][0] for one in answer["risks"] if one["sources"]), None)
    if counted is None:
        return bullets(lines, "## Sources")
    command = f'riskmodel evidence ledger {answer["finding"]} --source "{counted}"'
    lead = "Each count of a source, how it came about, what it feeds and what it moves, by the source's key"
    return bullets(lines, f"## Sources\n\n{lead}: `{command}`.")


def _foot(answer: Answer) -> str:
    review = answer["review"]
    updated = f" Article last updated {review['article_updated']}." if review["article_updated"] else ""
    return (
        f"---\n\n**Review:** {review['status']}. {review['statement']}{updated} Evidence updated {answer['updated']}, "
        f"version {answer['evidence_version']}.\n\n"
        f"{answer['disclaimer']}"
    )


_PARTS: Mapping[str, Callable[[Answer], list[str]]] = {
    "evidence": _evidence,
    "workup": _steps_and_statements,
    "robustness": lambda answer: [_movement(answer)],
}
