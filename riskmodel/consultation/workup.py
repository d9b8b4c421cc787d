"""The work-up for what is known: which steps are due, and what each result would change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from riskmodel._support.kept import Value, once
from riskmodel.consultation.question import Stated
from riskmodel.consultation.undecided import Undecided, risk, state_risk
from riskmodel.evidence.known import Known
from riskmodel.evidence.workup import Step
from riskmodel.tree.answer import MOST_UNKNOWN, blanks, probabilities
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree


@dataclass(frozen=True, eq=False)
class Change(Value):
    """What the result of a step would do to the risk of one outcome."""

    outcome: str  # name of the outcome
    before: RiskEstimate  # before, if_normal, if_abnormal: now, after the reassuring result, and after any other
    if_normal: RiskEstimate
    if_abnormal: RiskEstimate
    #: Each result, its own probability, and the outcome after it.
    results: tuple[tuple[str, RiskEstimate | None, RiskEstimate], ...]
    information: Information  # expected of the result about the outcome


@dataclass(frozen=True, eq=False, repr=False)
class StepState(Value):
    """One step of the work-up for what is known."""

    step: Step  # the step
    state: str  # state, why: one of `riskmodel.evidence.workup.STEP_STATES`, and the reason
    why: str
    #: Probability of any but the reassuring result; None where the step resolves no variable that is still open.
    p_abnormal: RiskEstimate | None
    changes: tuple[Change, ...]  # what its result would do to each open outcome, the headline first
    reason: str  # why there are no changes


def plan(model: ProbabilityTree, stated: Stated, *, every: bool = False) -> tuple[StepState, ...]:
    """State of every step, and what its result would change of the first open outcome; with `every` of all of them."""
    known, undecided, facts = stated.known, stated.undecided, stated.facts
    states = []
    for step in model.evidence.workup.steps:
        rule, resolves = step.decide(facts), step.resolves
        p_abnormal: RiskEstimate | None = None
        changes: tuple[Change, ...] = ()
        reason = ""
        if resolves is None:
            reason = "its result by itself is not a variable of the tree; no series counts what it changes"
        elif known.states(resolves):
            reason = "its result is known"
        else:
            p_abnormal = state_risk(model, resolves, known, undecided)
            worked = partial(_changes, model, known, undecided, resolves, every)
            changes = once(model, ("changes", known, undecided, resolves, every), worked)
        states.append(StepState(step, rule.state, rule.why, p_abnormal, changes, reason))
    return tuple(states)


def _changes(
    model: ProbabilityTree, known: Known, undecided: Undecided, variable: str, every: bool
) -> tuple[Change, ...]:
    finding, declared = model.evidence.finding, model.evidence.variable(variable)
    settled = (None, variable, *dict(known))
    still_open = [one for one in finding.outcomes if one.headline and one.variable not in settled]
    changes = []
    for outcome in still_open if every else still_open[:1]:
        assert outcome.variable is not None
        assert outcome.state is not None

        def after(state: str, name: str = outcome.name) -> RiskEstimate:
            return risk(model, name, known.with_state(finding, variable, state), undecided)

        results = tuple(
            (state, None if undecided else model.state_risk(variable, state, **dict(known)), after(state))
            for state in declared.states
            if every
        )
        before = risk(model, outcome.name, known, undecided)
        told = Information(None, None, None, before.reason)
        if not undecided:
            told = information(model, known, variable, outcome.variable, outcome.state)
        changes.append(Change(outcome.name, before, after(declared.normal), after(declared.other), results, told))
    return tuple(changes)


class Information(NamedTuple):
    """What a test's result is expected to tell of an outcome, in bits."""

    bits: float | None  # None where a branch that matters is unknown
    #: The most it could be with the unknown branches at 0 or 1, and never more than there is to know of the test's result.
    at_most: float | None
    #: How much of `bits`, or else of `at_most`, comes from results after which the outcome is settled by definition.
    by_definition: float | None
    reason: str  # why `bits` is missing


class _At(NamedTuple):
    """Probabilities of a test's results, and of each together with the outcome, with the unknown branches at some values."""

    results: tuple[float, ...]
    joint: tuple[float, ...]

    def settled(self, result: int) -> bool:
        """Whether a result leaves the outcome certain: no mean of a fit is 0 or 1."""
        share, joint = self.results[result], self.joint[result]
        return share > 0 and (joint == 0 or math.isclose(joint, share, rel_tol=1e-14))

    def bits(self, apart: Set[int] | None = None) -> float:
        """Information of the result, or of no more than which of some it is, if any."""
        places = range(len(self.results))
        alone = set(places) if apart is None else set(apart)
        groups = [[i] for i in alone] + [[i for i in places if i not in alone]]
        found = _entropy(sum(self.joint))
        for group in groups:
            share = sum(self.results[i] for i in group)
            if share > 0:
                found -= share * _entropy(sum(self.joint[i] for i in group) / share)
        return max(0.0, found)


def information(model: ProbabilityTree, known: Known, variable: str, target: str, state: str) -> Information:
    r"""Mutual information of a test's result R and an outcome O, for the next fetus.

    .. math:: I(R; O) = H(O) - \sum_r P(r)\,H(O \mid r) = I(Z; O) + I(R; O \mid Z)

    Lindley DV. On a measure of the information provided by an experiment. Ann Math Stat 1956;27:986-1005, section 2. Z says
    which of the results it is that settle the outcome by definition, if any: the first part is what is known without counts
    of the outcome (chain rule, Cover and Thomas 2006, theorem 2.5.2).
    """
    states = model.evidence.variable(variable).states
    blank = blanks(model, [dict(known) | {target: state, variable: result} for result in states])
    if len(blank) > MOST_UNKNOWN:
        return Information(None, None, None, "too many unknown branches matter")

    def at(corner: Mapping[int, float]) -> _At | None:
        results = [{variable: result} for result in states]
        asked = [*results, *({**one, target: state} for one in results)]
        found = [one for one in probabilities(model, asked, known, corner) if one is not None]
        return _At(tuple(found[: len(states)]), tuple(found[len(states) :])) if len(found) == len(asked) else None

    def ends(free: Sequence[int], filled: Mapping[int, float]) -> list[_At]:
        corners = itertools.product((0.0, 1.0), repeat=len(free))
        found = (at({**filled, **dict(zip(free, values, strict=True))}) for values in corners)
        return [one for one in found if one is not None]

    def told(possible: Sequence[_At]) -> tuple[float, float]:
        """The most information at some ends, and how much of it is by definition."""
        apart = {i for i in range(len(states)) if all(one.settled(i) for one in possible)}
        return max((one.bits(), one.bits(apart) if apart else 0.0) for one in possible)

    possible = ends(blank, {})
    if not possible:
        return Information(None, None, None, "the tree does not reach this question")
    most, by_definition = told(possible)
    if most - min(one.bits() for one in possible) < 1e-12:
        return Information(most, most, by_definition, "")
    # A blank that a definition fills is filled; the others must not matter.
    filled = {i: value for i in blank if (value := model.edges[i].probability) is not None}
    settled = ends([i for i in blank if i not in filled], filled)
    # With other values the counts of wider groups say another thing of the result itself.
    most = min(most, max((_entropy(*one.results) for one in settled), default=most))
    if settled and max(one.bits() for one in settled) - min(one.bits() for one in settled) < 1e-12:
        return Information(settled[0].bits(), most, told(settled)[1], "")
    return Information(None, most, min(by_definition, most), "a branch that matters is unknown")


def _entropy(first: float, *others: float) -> float:
    """Bits of an event, or of one of several."""
    parts = (first, *others) if others else (min(max(first, 0.0), 1.0), min(max(1 - first, 0.0), 1.0))
    return -sum(q * math.log2(q) for q in parts if q > 0)
