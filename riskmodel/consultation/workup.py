"""The work-up for what is known: which steps are due, and what each result would change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from riskmodel._support.kept import Value, once
from riskmodel.evidence.known import Known
from riskmodel.evidence.workup import Step
from riskmodel.tree.answer import MOST_UNKNOWN, blanks, probability
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
    results: tuple[tuple[str, RiskEstimate, RiskEstimate], ...]
    bits: float | None  # expected information about the outcome, in bits; None where a branch that matters is unknown
    #: The most it could be with the unknown branches at 0 or 1: mutual information is convex in them, so its maximum
    #: lies there.
    bits_at_most: float | None
    reason: str  # why `bits` is missing


@dataclass(frozen=True, eq=False)
class StepState(Value):
    """One step of the work-up for what is known."""

    step: Step  # the step
    state: str  # state, why: ``"due"``, ``"done"``, ``"not indicated"`` or ``"blocked"``, and the reason
    why: str
    #: Probability of any but the reassuring result; None where the step resolves no variable that is still open.
    p_abnormal: RiskEstimate | None
    changes: tuple[Change, ...]  # what its result would do to each open outcome, the headline first
    reason: str  # why there are no changes


def plan(
    model: ProbabilityTree, known: Known, described: Mapping[str, Any], *, every: bool = False
) -> tuple[StepState, ...]:
    """State of every step, and what its result would change of the first open outcome; with `every` of all of them."""
    facts = dict(known) | dict(described)
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
            p_abnormal = model.state_risk(resolves, model.evidence.variable(resolves).other, **dict(known))
            changes = once(model, ("changes", known, resolves, every), partial(_changes, model, known, resolves, every))
        states.append(StepState(step, rule.state, rule.why, p_abnormal, changes, reason))
    return tuple(states)


def _changes(model: ProbabilityTree, known: Known, variable: str, every: bool) -> tuple[Change, ...]:
    finding, declared = model.evidence.finding, model.evidence.variable(variable)
    open_outcomes = [
        one for one in finding.outcomes if one.headline and one.variable not in (None, variable, *dict(known))
    ]
    changes = []
    for outcome in open_outcomes if every else open_outcomes[:1]:
        assert outcome.variable is not None
        assert outcome.state is not None

        def after(state: str, name: str = outcome.name) -> RiskEstimate:
            return model.risk(name, **dict(known.with_state(finding, variable, state)))

        results = tuple(
            (state, model.state_risk(variable, state, **dict(known)), after(state))
            for state in declared.states
            if every
        )
        before, normal, abnormal = (
            model.risk(outcome.name, **dict(known)),
            after(declared.normal),
            after(declared.other),
        )
        bits, most, reason = information(model, known, variable, outcome.variable, outcome.state)
        changes.append(Change(outcome.name, before, normal, abnormal, results, bits, most, reason))
    return tuple(changes)


def information(
    model: ProbabilityTree, known: Known, variable: str, target: str, state: str
) -> tuple[float | None, float | None, str]:
    r"""Mutual information of a test's result and an outcome, for the next fetus.

    .. math:: I = H(o) - \sum_r P(r)\,H(o \mid r)

    Lindley DV. On a measure of the information provided by an experiment. Ann Math Stat 1956;27:986-1005, section 2.
    """
    states = model.evidence.variable(variable).states
    blank = blanks(model, [dict(known) | {target: state, variable: result} for result in states])
    if len(blank) > MOST_UNKNOWN:
        return None, None, "too many unknown branches matter"
    corners = [dict(zip(blank, values, strict=True)) for values in itertools.product((0.0, 1.0), repeat=len(blank))]
    values = [_mutual(model, known, variable, target, state, corner) for corner in corners]
    possible = [value for value in values if value is not None]
    if not possible:
        return None, None, "the tree does not reach this question"
    most = max(possible)
    if most - min(possible) < 1e-12:
        return most, most, ""
    defined = {i: model.edges[i].probability for i in blank}
    # A blank that a definition fills is filled; the others must not matter.
    free = [i for i, value in defined.items() if value is None]
    filled = {i: value for i, value in defined.items() if value is not None}
    spread = [
        _mutual(model, known, variable, target, state, filled | dict(zip(free, ends, strict=True)))
        for ends in itertools.product((0.0, 1.0), repeat=len(free))
    ]
    settled = [value for value in spread if value is not None]
    if settled and max(settled) - min(settled) < 1e-12:
        return settled[0], most, ""
    return None, most, "a branch that matters is unknown"


def _mutual(
    model: ProbabilityTree, known: Known, variable: str, target: str, state: str, corner: Mapping[int, float]
) -> float | None:
    declared = model.evidence.variable(variable)
    total = probability(model, {target: state}, known, corner)
    if total is None:
        return None
    bits = _entropy(total)
    for result in declared.states:
        share = probability(model, {variable: result}, known, corner)
        joint = probability(model, {variable: result, target: state}, known, corner)
        if share is None or joint is None:
            return None
        if share > 0:
            bits -= share * _entropy(joint / share)
    return max(0.0, bits)


def _entropy(probability: float) -> float:
    p = min(max(probability, 0.0), 1.0)
    return -sum(q * math.log2(q) for q in (p, 1 - p) if q > 0)
