"""A consultation in plain words, for the people it is about: the same numbers, short sentences, no orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.brief import FEW, SURE, plain_result
from riskmodel.report.wording import (
    SMALL,
    bullets,
    capital,
    denominator,
    frequency,
    frequency_range,
    headline,
    numbered,
    read,
)

Answer = Mapping[str, Any]

_STATES = {
    "due": "can be done now",
    "planned": "can be planned now, for after the birth",
    "awaited": "the result is not there yet",
    "declined": "not wanted now; you can change your mind",
    "done": "the result is known",
    "blocked": "later, when another step is done",
    "not indicated": "depends on what else was found; ask your team",
}

_OFFER = "Each of these is an offer. You decide, and you can ask what a result would change for you before you choose."
_MIDDLE = "The middle value has as much chance below it as above it."
_NOTHING_OPEN = "## What may happen\n\nEverything this page could tell about is already known."
_CLOSING = (
    "This page comes from a research tool for health professionals. It offers facts, not orders. Your doctor can check each "
    "number against the studies named here."
)


def sections(answer: Answer, shown: Sequence[str]) -> dict[str, str]:
    """What follows the first screen, by the names under which it is asked for; all are short."""
    evidence = [
        bullets(map(_sentences, answer["risks"]), f"## What may happen\n\n{_MIDDLE}") or _NOTHING_OPEN,
        *(bullets(map(_sentences, one["risks"]), f"### If {plain_result(one, answer)}") for one in answer["branches"]),
        bullets((one["plain_text"] for one in answer["neighbours"]["given"]), "## To compare with"),
    ]
    return {
        "evidence": "\n\n".join(filter(None, evidence)),
        "workup": _steps(answer),
        "robustness": _limits(answer),
        "sources": f"## The studies behind these numbers\n\n{_studies(answer)}\n\n---\n\n"
        f"{answer['review']['plain_statement']} {_CLOSING}",
    }


def _sentences(risk: Answer) -> str:
    """What may happen, how often, how much centres differ, and how few studies say so."""
    head = f"**{capital(risk['plain_title'])}.**"
    p = risk["probability"]
    if p is None:
        bounds = risk["bounds"]
        if bounds is None or bounds == [0.0, 1.0]:
            return f"{head} Nobody can give a number for this. No study tells about such babies by themselves."
        # Also the whole range: with the bounds alone a reader would take their lower end for certain.
        whole = (
            f", in one more hospital {frequency_range(risk['bounds_interval'], 100)}" if risk["bounds_interval"] else ""
        )
        return (
            f"{head} Nobody can give one number for this. For some of these babies no study tells this. It could be "
            f"anything from {frequency_range(bounds, 100)} of 100{whole}."
        )
    if risk["by_definition"]:
        return (
            f"{head} There is no number for this here. These studies rule it out by how they count, whatever the health of "
            "the child. Your doctor or counselor can tell you what is known from elsewhere."
        )
    kind, ends = read(risk)
    of = denominator(*ends)
    low, high = (frequency(end, of) for end in risk["bounds_interval"] or risk["interval"])
    counted = " and few babies were counted" if risk["fetuses"] < FEW else ""
    studies = "One study" if risk["series"] == 1 else f"{risk['series']} studies"
    few = f"{studies} with {risk['fetuses']:,} babies {'stands' if risk['series'] == 1 else 'stand'} behind this"
    if kind == "range":
        beside = "Some babies were not followed, so this is a range and not one number. "
    else:
        other = frequency_range([1 - end for end in reversed(ends)], of)
        beside = f"For the other {other} of {of:,} this is not so. {_beside(risk, of)}"
    return (
        f"{head} About {frequency_range(ends, of)} of {of:,}. {beside}"
        f"The true number could be anything from {low} to {high}, since hospitals differ{counted}. "
        f"{few}: the number is {SURE.get(risk['certainty'], 'uncertain')}."
    )


def _beside(risk: Answer, of: int) -> str:
    """What stands beside the figure: the middle value, or the average where the middle value comes first; and the count."""
    mean = frequency(risk["probability"], of)
    if risk["headline"]["statistic"] == "mean":
        text = f"The middle value is {frequency(risk['median'], of)}. "
    else:
        side = "higher" if risk["probability"] > risk["median"] else "lower"
        text = f"This is the middle value. The average is {side}, {mean} of {of:,}, since a few hospitals may differ a lot. "
    crude = risk["crude"]
    if crude is not None:
        asked = "the one study" if crude["series"] == 1 else f"the {crude['series']} studies"
        text += f"In {asked} that asked just this, it was so for {crude['events']:,} of {crude['total']:,} babies. "
    return text


def _steps(answer: Answer) -> str:
    if not answer["workup"]:
        return ""
    steps = (f"{step['plain_title']}: {_STATES[step['state']]}." for step in answer["workup"])
    ends = bullets(one["plain_text"] for one in answer["ends"])
    return "\n\n".join(filter(None, ["## Steps you can talk about", numbered(steps), ends, _OFFER]))


def _readings(risk: Answer) -> list[str]:
    """How far a number moves where a study can be read in more than one way; empty where it does not."""
    of = denominator(headline(risk))
    found = [one["probability"] for one in (risk, *risk["robustness"]["readings"]) if one["probability"] is not None]
    low, high = (frequency(end, of) for end in (min(found), max(found)))
    text = (
        f'Some studies can be read in more than one way. Depending on that, the number for "{risk["plain_title"]}" '
        f"is between {low} and {high} of {of:,}."
    )
    return [text] if low != high else []


def _together(risk: Answer) -> list[str]:
    """How wide a range is if a hospital that does worse in one thing does worse in all; empty where it stays."""
    of = denominator(headline(risk))
    now, then = (
        [frequency(end, of) for end in one["interval"]] for one in (risk, risk["robustness"]["dependence"][-1])
    )
    text = (
        f"A hospital that sees one problem more often may see all of them more often. If so, the number for "
        f'"{risk["plain_title"]}" could be anything from {then[0]} to {then[1]} of {of:,}.'
    )
    return [text] if now != then else []


def _limits(answer: Answer) -> str:
    sizes = [risk["fetuses"] / risk["series"] for risk in answer["risks"] if risk["series"]]
    small = "were small and " if sizes and max(sizes) < SMALL else ""
    counted = (risk for risk in answer["risks"] if risk["probability"] is not None and not risk["by_definition"])
    moved = [risk for risk in counted if risk["robustness"] is not None]
    tied = [risk for risk in moved if risk["robustness"]["dependence"]]
    lines = [f"The studies {small}were not all done in the same way."]
    # Of the first of them alone.
    lines += [text for risk in moved[:1] for text in _readings(risk)]
    lines += [text for risk in tied[:1] for text in _together(risk)]
    told = {one["outcome"] for one in answer["neighbours"]["given"]}
    untold = [risk["plain_title"] for risk in answer["risks"] if risk["outcome"] not in told]
    if untold and answer["neighbours"]["missing"]:
        said = "For babies without this finding, these studies do not say how often this happens"
        lines.append(f"{said}: {'; '.join(untold)}.")
    return bullets(lines, "## What these numbers cannot say")


def _studies(answer: Answer) -> str:
    groups = [answer["risks"], *(branch["risks"] for branch in answer["branches"]), answer["neighbours"]["given"]]
    used = {source for group in groups for one in group for source in one["sources"]}
    return bullets(citation for key, citation in answer["sources"].items() if key in used) or "- None."
