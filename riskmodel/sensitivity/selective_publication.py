"""Selective publication: how many poor outcomes that nobody reported would change a conclusion.

A case series is more likely to be written where things went well. A fixed number of unreported fetuses, all with the poor
outcome, is added to the counts of one branch, and the branch is fitted again: the smallest number with which the answer
crosses a threshold is its tipping point. No model of who publishes is needed, and the reader judges whether so many could
have gone unreported (the fail-safe reasoning of Rosenthal, Psychological Bulletin 1979;86:638-641, on counts).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from riskmodel.errors import InputError, UnavailableError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Edge
from riskmodel.evidence.known import Known
from riskmodel.tree.model import ProbabilityTree

#: Unreported fetuses that are tried, at most.
LARGEST = 1000
#: So many are tried one by one; more by doubling, and then by halves.
ONE_BY_ONE = 32


def tipping_point(model: ProbabilityTree, outcome: str, /, *, threshold: float, **known: str) -> dict[str, Any]:
    """How many unreported fetuses would carry an answer across a threshold.

    Parameters
    ----------
    model : ProbabilityTree
        The fitted tree.
    outcome : str
        Name of an outcome that one branch decides, given what is known.
    threshold : float
        Probability of the outcome that would change the conclusion, in (0, 1).
    **known : str
        Known states.

    Returns
    -------
    dict
        outcome, known, branch, threshold, probability (now), total (fetuses counted), unreported (the fewest that carry the
        answer across, None if 1,000 do not), after (the probability with that many), and reading, the result in words. The
        unreported are one more series, all of them with the outcome where the threshold is above the answer and all
        without it where it is below.

    Raises
    ------
    InputError
        If the threshold is not in (0, 1).
    UnavailableError
        If the answer is not estimable, or no branch with counts asks for this outcome at the end of what is known.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, float) or not 0 < threshold < 1:
        raise InputError(
            f"{threshold!r} is not a probability", where="threshold", remedy="Give one in (0, 1), such as 0.9"
        )
    asked = model.evidence.outcome(outcome)
    risk = model.risk(outcome, **known)
    edge = _deciding(model, outcome, known)
    if risk.mean is None or edge is None:
        remedy = "Ask where one branch with counts decides: with all known that comes before it"
        raise UnavailableError(risk.reason or "more than one branch decides", where=outcome, remedy=remedy)
    rising = threshold > risk.mean
    hit = rising == (asked.state == edge.category)

    def answer(unreported: int) -> float:
        rows = _with_unreported(model.evidence, edge, unreported, events=unreported if hit else 0)
        value = model.variant(evidence=rows).risk(outcome, **known).mean
        assert value is not None
        return value

    def across(value: float) -> bool:
        return value >= threshold if rising else value <= threshold

    # One by one first: a discordant series also makes settings look more different, so nothing promises a steady course.
    first = next((number for number in range(1, ONE_BY_ONE + 1) if across(answer(number))), None)
    low, high = (0, 1) if first == 1 else (first - 1, first) if first else (ONE_BY_ONE, 2 * ONE_BY_ONE)
    while high <= LARGEST and not across(answer(high)):
        low, high = high, 2 * high
    found: int | None = None
    if high <= LARGEST or across(answer(LARGEST)):
        high = min(high, LARGEST)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if across(answer(middle)) else (middle, high)
        found = high
    what = f"{asked.title if rising else asked.complement_title}"
    total = sum(row.total for row in model.counts[model.edges.index(edge)])
    side = "at least" if rising else "at most"
    end = f"would bring it to {side} {threshold:g}"
    words = (
        f"{found} unreported fetuses with {what}, beside {total} counted, {end}."
        if found is not None
        else f"Not even {LARGEST:,} unreported fetuses with {what} {end}."
    )
    return {
        "outcome": outcome,
        "known": dict(risk.known),
        "branch": edge.said,
        "threshold": threshold,
        "probability": risk.mean,
        "total": total,
        "unreported": found,
        "after": None if found is None else answer(found),
        "reading": words,
    }


def _deciding(model: ProbabilityTree, outcome: str, known: dict[str, str]) -> Edge | None:
    """The one branch with counts whose risk the question is."""
    asked = model.evidence.outcome(outcome)
    given = Known.of(model.evidence.finding, known, several=False)
    for i, edge in enumerate(model.edges):
        if edge.variable == asked.variable and not edge.after and set(edge.given) == set(given) and model.counts[i]:
            return edge
    return None


def _with_unreported(evidence: Evidence, edge: Edge, unreported: int, *, events: int) -> Evidence:
    """The evidence with one more series of the branch; it has no source, and is never written."""
    first = next(row for row in evidence.counts if row.role == "fit" and row.variable == edge.variable)
    row = replace(
        first,
        source="unreported",
        category=edge.category,
        given=edge.given,
        events=events,
        total=unreported,
        note="Supposed, not published.",
        row=0,
    )
    return replace(evidence, counts=(*evidence.counts, row))
