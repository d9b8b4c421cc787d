"""A risk where a test speaks of a variable without telling its state: a mother is infected, and the fetus may be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from riskmodel.distributions.base import PointMass
from riskmodel.evidence.finding import Outcome
from riskmodel.evidence.known import Known
from riskmodel.tree.estimate import RiskEstimate, Route
from riskmodel.tree.model import ProbabilityTree

#: Variables of which a test says something other than their state, each with the test's result in words.
type Undecided = Sequence[tuple[str, str]]
_SAME = 0.005  # means that differ by less read as one


def risk(model: ProbabilityTree, outcome: str, known: Known, undecided: Undecided) -> RiskEstimate:
    """Risk of an outcome; between those of the states of an undecided variable, without a figure, where it depends on it."""
    return _between(model, model.risk(outcome, **dict(known)), known, undecided)


def state_risk(model: ProbabilityTree, variable: str, known: Known, undecided: Undecided) -> RiskEstimate:
    """Risk of any but the reassuring state of a variable, in the same way."""
    found = model.state_risk(variable, model.evidence.variable(variable).other, **dict(known))
    return _between(model, found, known, undecided)


def _between(model: ProbabilityTree, found: RiskEstimate, known: Known, undecided: Undecided) -> RiskEstimate:
    finding, outcome = model.evidence.finding, found.outcome
    for name, result in undecided:
        if known.states(name) or found.definition_only:
            continue
        variable = model.evidence.variable(name)
        ends: tuple[Route, ...] = ()
        if outcome.variable != name:
            given = [dict(known.with_state(finding, name, state)) for state in variable.states]
            after = [_of(model, outcome, one) for one in given]
            means = [one.mean for one in after if one.mean is not None]
            if len(means) == len(after) and max(means) - min(means) < _SAME:
                continue
            ends = tuple(end for one in after for end in _ends(one))
        reason = f"{result}, and no series counts what that makes of the {variable.title}"
        none = Route.none(reason)
        routes: dict[str, Any] = dict.fromkeys(("direct", "indirect", "combined"), none)
        found = replace(found, **vars(none), **routes, corners=ends)
    return found


def _of(model: ProbabilityTree, outcome: Outcome, given: Mapping[str, str]) -> RiskEstimate:
    """The risk of a state of the tree, or of what is counted by itself."""
    if outcome.variable is None or outcome.state is None:
        return model.risk(outcome.name, **given)
    return model.state_risk(outcome.variable, outcome.state, **given)


def _ends(risk: RiskEstimate) -> tuple[Route, ...]:
    """A risk as the ends between which it lies."""
    if risk.estimable:
        return (risk,)
    return risk.bound_routes or tuple(Route(PointMass(end), PointMass(end), (), "") for end in (0.0, 1.0))
