"""A consultation as Markdown for a clinician. Every number comes from `Consultation.to_dict`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.risks import (
    branch_section,
    brief,
    in_words,
    kinds_section,
    outcome_title,
    risk_section,
    settings_section,
)
from riskmodel.report.wording import (
    bullets,
    denominator,
    frequency_range,
    gestation,
    given_states,
    headline,
    listed,
    said,
    sentence,
    table,
    told,
)

Answer = Mapping[str, Any]


def to_markdown(answer: Answer, *more: str) -> str:
    """A consultation as Markdown; `more` are sections before the sources."""
    risks = risk_section(answer["risks"]) if answer["risks"] else "Everything the finding asks about is already known."
    parts = [
        _head(answer),
        _short(answer),
        f"## The risks now\n\n{risks}",
        *(branch_section(one) for one in answer["branches"]),
        kinds_section(answer),
        settings_section(answer),
        _neighbours(answer),
        _workup(answer),
        _statements("Differential diagnosis", answer["differential"]),
        _statements("Prognosis as published, and what the counts say", answer["prognosis"]),
        _statements("Pitfalls and limits", answer["cautions"]),
        _counted(answer),
        _movement(answer),
        *more,
    ]
    body = "\n\n".join(filter(None, parts))
    return "\n\n".join([body, _sources(answer, body), _foot(answer)]) + "\n"


def _head(answer: Answer) -> str:
    known = [f"{name}: {state}" for name, state in answer["known"].items()]
    lines = [f"**Known:** {'; '.join(known) or 'only that it was seen'}."]
    if answer["described"]:
        stated = "; ".join(f"{name}: {_value(value, name)}" for name, value in answer["described"].items())
        lines.append(f"**Stated, not part of any number:** {stated}.")
    setting = "all settings" if answer["setting"] == "any" else f"setting {answer['setting']}"
    lines.append(f"**Rests on:** evidence {answer['evidence_version']}, reading {answer['reading']}, {setting}.")
    return f"# {answer['title']}\n\n" + "  \n".join(lines)


def _value(value: Any, name: str) -> str:
    if name == "weeks" and isinstance(value, float):
        return gestation(value)
    if isinstance(value, list):
        return " x ".join(f"{part:g}" for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _short(answer: Answer) -> str:
    """The main answer, the branches where it has none, and the next steps, in a few lines."""
    lines = []
    main = answer["risks"][0] if answer["risks"] else None
    if main is not None:
        lines.append(f"**{outcome_title(main)}**: {in_words(main)}")
        for branch in answer["branches"]:
            found = next((one for one in branch["risks"] if one["outcome"] == main["outcome"]), None)
            if found is not None:
                new = given_states(branch["given"], but=answer["known"])
                lines.append(f"{outcome_title(main)}, if {new}: {in_words(found)}")
    due = [step["title"] for step in answer["workup"] if step["state"] == "due"]
    if answer["workup"]:
        due += [f"{step['title']}, after birth" for step in answer["workup"] if step["state"] == "planned"]
        due += [f"{step['title']}: result awaited" for step in answer["workup"] if step["state"] == "awaited"]
        if due:
            lines.append(f"**Next:** {'; '.join(due)}.")
        lines += [
            f"**Here the algorithm stops:** {end['text']} ({'; '.join(end['sources'])})" for end in answer["ends"]
        ]
    return bullets(lines, "## In short")


def _neighbours(answer: Answer) -> str:
    """What the risks can be weighed against: without the finding, and what the tests may do."""
    steps = {step["step"]: step["title"] for step in answer["workup"]}
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
            read = one["reason"].startswith("not compared")
            lines.append(f"- {_count(one)}: {'' if read else 'not read through the tree, for '}{one['reason']}")
            continue
        far = (("low", "fewer"), ("high", "more"))
        ends = [f"{end} or {more}" for side, more in far if (end := found[f"detectable_{side}"]) is not None]
        could = f"it would have shown one at {' or at '.join(ends)}" if ends else ""
        could = could or "it could not have shown one: not testable"
        verdict = "in conflict" if found["conflict"] else "no conflict"
        lines.append(
            f"- {_count(one)}: the finer counts expect {found['expected']:.1f}; {verdict} (mid-p {found['mid_p']:.2f}; "
            f"{could})"
        )
    return lines


def _workup(answer: Answer) -> str:
    if not answer["workup"]:
        return ""
    lines = []
    for number, step in enumerate(answer["workup"], 1):
        told = f"*{step['state']}*. {sentence(step['why'])} {sentence(step['detail'])} ({'; '.join(step['sources'])})"
        lines += [f"{number}. **{step['title']}**: {told}", *(f"    - {text}" for text in _changes(step))]
    return "## The work-up, in order\n\n" + "\n".join(lines)


def _changes(step: Answer) -> list[str]:
    if not step["changes"]:
        return []
    texts = []
    if step["p_abnormal"] is not None:
        # Of what the test looks for: a positive blood test of the mother is another thing, and is not counted.
        texts.append(f"What it looks for is expected in {said(step['p_abnormal'])}.")
    for change in step["changes"]:
        after = f"if normal {brief(change['if_normal'])}; if abnormal {brief(change['if_abnormal'])}"
        if len(change["results"]) > 2:
            after = "; ".join(f"if {one['state']} {brief(one)}" for one in change["results"])
        texts.append(f"{change['outcome'].replace('_', ' ').capitalize()}: {after}{_information(change)}.")
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
            given = given_states(risk["given"])
            parts.append(f"Risk of {risk['title']} ({given}): {told(risk)}.")
        if one["comment"]:
            parts.append(one["comment"])
        parts += one["remarks"]
        if one["sources"] and not one["counts"]:
            parts.append(f"({'; '.join(one['sources'])})")
        lines.append(" ".join(parts))
    return bullets(lines, f"## {title}")


def _count(count: Answer) -> str:
    what = count["variable"].replace("_", " ") + ("" if count["category"] == "yes" else f" {count['category']}")
    given = f" where {count['given'].replace('=', ' ').replace('; ', ', ')}" if count["given"] else ""
    basis = "" if count["basis"] == "abstract" else f", {count['basis']}"
    return f"{what} {count['events']} of {count['total']}{given} ({count['source']}{basis})"


def _counted(answer: Answer) -> str:
    rows = []
    for one in answer["also_counted"]:
        what, among = one["variable"].replace("_", " "), one["given"].replace("=", " ")
        rows.append([what, among, f"{one['events']} of {one['total']}", one["source"], one["note"]])
    if not rows:
        return ""
    return "## Also counted, not modelled\n\n" + table(["Outcome", "Among", "Count", "Source", "Note"], rows)


def _if_any(probability: float | None) -> str:
    return "not estimable" if probability is None else said(probability)


def _movement(answer: Answer) -> str:
    lines = []
    for risk in answer["risks"]:
        moved = risk["robustness"]
        if moved is None or risk["probability"] is None or risk["by_definition"]:
            continue
        of = denominator(headline(risk))
        if moved["reason"]:
            lines.append(f"- **{risk['title'].capitalize()}**: not worked out, since {moved['reason']}.")
            continue
        ends = frequency_range([moved["lowest"], moved["highest"]], of)
        lines.append(
            f"- **{risk['title'].capitalize()}**: mean {ends} of {of:,} over other priors, "
            "readings and each series left out."
        )
        for one in moved["readings"]:
            what = f"{_if_any(one['probability'])}; it has {listed(one['changed'])}"
            lines.append(
                f"    - reading {one['reading']}: {what if one['changed'] else 'no count behind this answer differs'}"
            )
        lines += [
            f"    - if only {one['fewest']} of {one['most']} had been tested: {_if_any(one['probability_if_fewest'])}. "
            f"{one['text']} ({'; '.join(one['sources'])})"
            for one in moved["untested"]
        ]
        lines += _dependence(moved)
        lines += [f"    - without {one['source']}: {_if_any(one['probability'])}" for one in moved["left_out"]]
    lines += [
        f"- **{one['key']}** ({'; '.join(one['sources'])}): the article: {one['article']} The abstract: "
        f"{one['primary']} Effect: {one['effect'][:1].lower()}{one['effect'][1:]}"
        for one in answer["disagreements"]
    ]
    lines = [*_coarse(answer), *lines]
    if not lines:
        return ""
    return "## How far the answer moves, and where the article and the abstracts disagree\n\n" + "\n".join(lines)


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
    cited = {key: citation for key, citation in answer["sources"].items() if key in body}
    return bullets((f"**{key}**: {citation}" for key, citation in cited.items()), "## Sources")


def _foot(answer: Answer) -> str:
    review = answer["review"]
    updated = f" Article last updated {review['article_updated']}." if review["article_updated"] else ""
    return (
        f"---\n\n**Review:** {review['status']}. {review['statement']}{updated} Evidence updated {answer['updated']}.\n\n"
        f"{answer['disclaimer']}"
    )
