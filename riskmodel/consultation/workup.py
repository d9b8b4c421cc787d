"""The work-up for what is known: which steps are due, and what each result would change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from riskmodel.coarsened.read_coarse import MOST_UNKNOWN
from riskmodel.evidence.finding import Given
from riskmodel.evidence.workup import Step
from riskmodel.tree.answer import blanks, probability
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree


@dataclass(frozen=True, eq=False)
class Change:
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

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        body: dict[str, Any] = {"outcome": self.outcome}
        for name in ("before", "if_normal", "if_abnormal"):
            body[name] = _brief(getattr(self, name))
        body["results"] = [
            {"state": state, "expected": expected.mean} | _brief(after) for state, expected, after in self.results
        ]
        return body | {"bits": self.bits, "bits_at_most": self.bits_at_most, "reason": self.reason}


def _brief(risk: RiskEstimate) -> dict[str, Any]:
    interval = risk.interval()
    return {
        "probability": risk.mean,
        "interval": None if interval is None else list(interval),
        "bounds": None if risk.bounds is None else list(risk.bounds),
        "reason": risk.reason,
    }


@dataclass(frozen=True, eq=False)
class StepState:
    """One step of the work-up for what is known."""

    step: Step  # the step
    state: str  # state, why: ``"due"``, ``"done"``, ``"not indicated"`` or ``"blocked"``, and the reason
    why: str
    #: Probability of any but the reassuring result; None where the step resolves no variable that is still open.
    p_abnormal: RiskEstimate | None
    changes: tuple[Change, ...]  # what its result would do to each open outcome, the headline first
    reason: str  # why there are no changes

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it: `if_normal`, `if_abnormal` and `bits` are those of the first outcome, `changes` has all."""
        main = self.changes[0] if self.changes else None
        reasons = [self.reason]
        if main is not None:
            reasons += [main.if_normal.reason, main.if_abnormal.reason, main.reason]
        return {
            "step": self.step.key,
            "title": self.step.title,
            "plain_title": self.step.plain_title,
            "detail": self.step.detail,
            "algorithm_step": self.step.algorithm_step,
            "immediate": self.step.immediate,
            "state": self.state,
            "why": self.why,
            "sources": list(self.step.sources),
            "outcome": main.outcome if main else None,
            "if_normal": main.if_normal.mean if main else None,
            "if_abnormal": main.if_abnormal.mean if main else None,
            "p_abnormal": self.p_abnormal.mean if self.p_abnormal else None,
            "bits": main.bits if main else None,
            "reason": "; ".join(dict.fromkeys(filter(None, reasons))),
            "changes": [change.to_dict() for change in self.changes],
        }


def plan(model: ProbabilityTree, known: Given, described: Mapping[str, Any]) -> tuple[StepState, ...]:
    """State of every step, and what its result would change."""
    facts = dict(known) | dict(described)
    states = []
    for step in model.evidence.workup.steps:
        rule = step.decide(facts)
        p_abnormal: RiskEstimate | None = None
        changes: tuple[Change, ...] = ()
        reason = ""
        if step.resolves is None:
            reason = "its result by itself is not a variable of the tree; no series counts what it changes"
        elif step.resolves in dict(known):
            reason = "its result is known"
        else:
            p_abnormal, changes = _changes(model, known, step.resolves)
        states.append(StepState(step, rule.state, rule.why, p_abnormal, changes, reason))
    return tuple(states)


def _changes(model: ProbabilityTree, known: Given, variable: str) -> tuple[RiskEstimate | None, tuple[Change, ...]]:
    finding = model.evidence.finding
    declared = model.evidence.variable(variable)
    states = dict(known)
    p_abnormal = model.state_risk(variable, declared.other, **states)
    expected = {state: model.state_risk(variable, state, **states) for state in declared.states}
    changes = []
    for outcome in finding.outcomes:
        if not outcome.headline or outcome.variable in (None, variable, *dict(known)):
            continue
        assert outcome.variable is not None
        assert outcome.state is not None
        before, normal, abnormal = (
            model.risk(outcome.name, **states | extra)
            for extra in ({}, {variable: declared.normal}, {variable: declared.other})
        )
        results = tuple(
            (state, risk, model.risk(outcome.name, **states | {variable: state})) for state, risk in expected.items()
        )
        bits, most, reason = information(model, known, variable, outcome.variable, outcome.state)
        changes.append(Change(outcome.name, before, normal, abnormal, results, bits, most, reason))
    return p_abnormal, tuple(changes)


def information(
    model: ProbabilityTree, known: Given, variable: str, target: str, state: str
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
    model: ProbabilityTree, known: Given, variable: str, target: str, state: str, corner: Mapping[int, float]
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
