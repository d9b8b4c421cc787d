"""Selective publication: how many poor outcomes that nobody reported would change a conclusion.

A case series is more likely to be written where things went well. A number of unreported fetuses is added to the counts of
one branch, and the tree is fitted again: the smallest number with which the answer crosses a threshold is its tipping point.
How the fetuses would have been published matters as much as how many they are, so three scenarios stand side by side. No
model of who publishes is needed, and the reader judges whether so many could have gone unreported (the fail-safe reasoning
of Rosenthal, Psychological Bulletin 1979;86:638-641, on counts).
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from riskmodel._support.doors import door
from riskmodel._support.kept import Value
from riskmodel.errors import InputError, UnavailableError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge
from riskmodel.evidence.known import Known
from riskmodel.tree.model import ProbabilityTree, as_tree

#: Unreported fetuses that are tried, at most.
LARGEST = 1000
#: So many are tried one by one; more by doubling, and then by halves.
ONE_BY_ONE = 32


@dataclass(frozen=True, eq=False)
class _Scenario(Value):
    """How unreported fetuses would have been published."""

    name: str
    words: str  # after "12 unreported fetuses with the outcome"
    most: int  # fetuses that can be added, at most
    add: Callable[[int], Evidence]  # the evidence with so many


@door
def tipping_point(
    model: str | Path | Evidence | ProbabilityTree, outcome: str, /, *, threshold: float, **known: str
) -> dict[str, Any]:
    """How many unreported fetuses would carry an answer across a threshold, by three scenarios.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The fitted tree, or a finding as `fit` takes it.
    outcome : str
        Name of an outcome that one branch decides, given what is known.
    threshold : float
        Probability of the outcome that would change the conclusion, in (0, 1).
    **known : str
        Known states.

    Returns
    -------
    dict
        outcome, known, branch, threshold, probability (now) and total (fetuses counted); scenarios, a list of dict with
        scenario, unreported (the fewest fetuses with the outcome, or without it where the threshold is below the answer,
        that carry the answer across; None if none do), after (the probability with them) and reading, in words; and
        scenario, unreported, after and reading of the one with the fewest. The scenarios are ``"one series"``: one more
        series, all of them with poor outcomes; but where the branch's event is the rarer state and is what is added, of the
        published series' median size, so many of its fetuses with the event, for two of two is no series. ``"spread"``: the
        published series have them besides, each as many as its size demands. ``"case reports"``: each is a series of one.

    Raises
    ------
    InputError
        If the threshold is not in (0, 1).
    UnavailableError
        If the answer is not estimable, or no branch with counts asks for this outcome at the end of what is known.
    """
    if not 0 < threshold < 1:
        remedy = "Give one in (0, 1), such as 0.9"
        raise InputError(f"{threshold!r} is not a probability", where="threshold", remedy=remedy)
    model = as_tree(model)
    asked = model.evidence.outcome(outcome)
    risk = model.risk(outcome, **known)
    edge = _deciding(model, outcome, known)
    if risk.mean is None or edge is None:
        remedy = "Ask where one branch with counts decides: with all known that comes before it"
        raise UnavailableError(risk.reason or "more than one branch decides", where=outcome, remedy=remedy)
    rising = threshold > risk.mean
    rows = model.counts[model.edges.index(edge)]
    event = rising == (asked.state == edge.category)
    rare = event and (risk.mean if rising else 1 - risk.mean) < 0.5
    what = asked.title if rising else asked.complement_title
    end = f"would bring it to {'at least' if rising else 'at most'} {threshold:g}"
    found: list[dict[str, Any]] = []
    for scenario in _scenarios(model.evidence, edge, rows, risk.coarse, event=event, rare=rare):

        def answer(unreported: int, scenario: _Scenario = scenario) -> float | None:
            return model.variant(evidence=scenario.add(unreported)).risk(outcome, **known).mean

        number, after, tried = _first(answer, lambda p: p >= threshold if rising else p <= threshold, scenario.most)
        if number is None:
            more = "" if tried == scenario.most else ", and with more it cannot be worked out"
            words = f"Not even {_fetuses(tried)} with {what} {scenario.words} {end}{more}."
        else:
            how = "as a single case report" if number == 1 and scenario.name == "case reports" else scenario.words
            words = f"{_fetuses(number)} with {what} {how}, beside {_total(rows)} counted, {end}."
        found.append({"scenario": scenario.name, "unreported": number, "after": after, "reading": words})
    smallest = min(found, key=lambda one: LARGEST + 1 if one["unreported"] is None else one["unreported"])
    if smallest["unreported"] is None:
        smallest = smallest | {"scenario": None, "reading": " ".join(one["reading"] for one in found)}
    return {
        "outcome": outcome,
        "known": dict(risk.known),
        "branch": edge.said,
        "threshold": threshold,
        "probability": risk.mean,
        "total": _total(rows),
        **smallest,
        "scenarios": found,
    }


def _first(
    answer: Callable[[int], float | None], across: Callable[[float], bool], most: int
) -> tuple[int | None, float | None, int]:
    """The smallest number whose answer is across, that answer, and the largest number that was tried.

    One by one first: a discordant series also makes settings look more different, so nothing promises a steady course.
    """
    steps = list(range(1, min(ONE_BY_ONE, most) + 1))
    while steps[-1] < most:
        steps.append(min(2 * steps[-1], most))
    low = 0
    for high in steps:
        value = answer(high)
        if value is None:
            return None, None, low
        if across(value):
            break
        low = high
    else:
        return None, None, most
    while high - low > 1:
        middle = (low + high) // 2
        between = answer(middle)
        assert between is not None  # more fetuses had an answer
        low, high, value = (low, middle, between) if across(between) else (middle, high, value)
    return high, value, high


def _scenarios(
    evidence: Evidence, edge: Edge, rows: Sequence[Count], coarse: Sequence[Count], *, event: bool, rare: bool
) -> list[_Scenario]:
    """The three ways in which fetuses with or without a branch's event could have gone unreported."""
    size = round(statistics.median(row.total for row in rows))

    def series(*counts: tuple[int, int]) -> Evidence:
        # Of a kind of clinic that speaks for the model's setting.
        like = replace(rows[0], category=edge.category, given=edge.given, note="Supposed, not published.", row=0)
        supposed = (
            replace(like, source=f"unreported {number}", events=events, total=total)
            for number, (events, total) in enumerate(counts, 1)
        )
        return replace(evidence, counts=(*evidence.counts, *supposed))

    def one(number: int) -> Evidence:
        return series((number, size) if rare else (number if event else 0, number))

    def reports(number: int) -> Evidence:
        return series(*[(int(event), 1)] * number)

    # The published series that report this, also those that report it of a wider group.
    wider = (row for row in coarse if row.variable == edge.variable and set(row.given) <= set(edge.given))
    published = [*rows, *wider]
    places = {(row.source, row.row): i for i, row in enumerate(published)}

    def spread(number: int) -> Evidence:
        shares = _shared(number, [row.total for row in published])

        def with_more(row: Count) -> Count:
            place = places.get((row.source, row.row))
            if place is None or row.variable != edge.variable:
                return row
            more = shares[place]
            hits = more if event == (row.category == edge.category) else 0
            return replace(row, events=row.events + hits, total=row.total + more)

        return replace(evidence, counts=tuple(map(with_more, evidence.counts)))

    alone = f"in one more series of {size}" if rare else "as one more series"
    return [
        _Scenario("one series", alone, min(size, LARGEST) if rare else LARGEST, one),
        _Scenario("spread", f"spread over the {len(published)} published series", LARGEST, spread),
        _Scenario("case reports", "as single case reports", LARGEST, reports),
    ]


def _shared(number: int, sizes: Sequence[int]) -> list[int]:
    """Whole numbers that add up to `number` and are as the sizes, by largest remainders."""
    whole = sum(sizes)
    shares = [number * size // whole for size in sizes]
    by_rest = sorted(range(len(sizes)), key=lambda i: -(number * sizes[i] % whole))
    for i in by_rest[: number - sum(shares)]:
        shares[i] += 1
    return shares


def _total(rows: Sequence[Count]) -> int:
    return sum(row.total for row in rows)


def _fetuses(number: int) -> str:
    return "1 unreported fetus" if number == 1 else f"{number:,} unreported fetuses"


def _deciding(model: ProbabilityTree, outcome: str, known: dict[str, str]) -> Edge | None:
    """The one branch with counts whose risk the question is."""
    asked = model.evidence.outcome(outcome)
    given = Known.of(model.evidence.finding, known, several=False)
    for i, edge in enumerate(model.edges):
        if edge.variable == asked.variable and not edge.after and set(edge.given) == set(given) and model.counts[i]:
            return edge
    return None
