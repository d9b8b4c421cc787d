"""Questions to a finding's tree as decision diagrams: which branches they depend on, and how. No count enters here."""

from __future__ import annotations

from collections.abc import Mapping

from riskmodel._support.kept import once
from riskmodel.distributions.diagram import Node, branch
from riskmodel.evidence.finding import Finding, Given, Variable
from riskmodel.evidence.known import Known, states_in


class NotOnTreeError(Exception):
    """A question that the tree has no way to; carries the reason, and never reaches a caller of the package."""


def diagram(finding: Finding, wanted: Mapping[str, str]) -> Node:
    """Probability of some states as a function of a finding's branches; several states are joined by ``|``."""
    return once(finding, ("diagram", *sorted(wanted.items())), lambda: _diagram(finding, (), dict(wanted)))


def _variable(finding: Finding, name: str) -> Variable:
    return next(one for one in finding.variables if one.name == name)


def _diagram(finding: Finding, path: Given, wanted: dict[str, str]) -> Node:
    """Probability, beyond `path`, of the states wanted."""
    if not wanted:
        return 1.0
    edge = finding.edges[finding.splits[path][0]]
    order = [variable.name for variable in finding.variables]
    skipped = [name for name in wanted if order.index(name) < order.index(edge.variable)]
    if skipped:
        return _skipped(finding, path, wanted, skipped[0])
    parts: dict[str, Node] = {}
    variable = _variable(finding, edge.variable)
    for state in variable.states:
        if state not in states_in(wanted.get(variable.name, state)):
            parts[state] = 0.0
            continue
        rest = {name: value for name, value in wanted.items() if name != variable.name}
        parts[state] = _diagram(finding, (*path, (variable.name, state)), rest)
    return _split(finding, path, parts)


def _split(finding: Finding, path: Given, parts: Mapping[str, Node]) -> Node:
    """The choice between the states of the variable that leaves a path: one branch for all but the last state."""
    places = finding.splits[path]
    last = finding.edges[places[-1]]
    (node,) = (part for state, part in parts.items() if state not in (*last.after, last.category))
    for i in reversed(places):
        edge = finding.edges[i]
        if edge.status == "structural":
            node = parts[edge.category] if edge.probability else node
        else:
            node = branch(i, parts[edge.category], node)
    return node


def _skipped(finding: Finding, path: Given, wanted: dict[str, str], name: str) -> Node:
    """A variable that this path leaves out, by an independence that the finding states."""
    known = dict(path)
    for stated in finding.independences:
        if stated.variable != name or stated.of not in known or not set(stated.given) <= set(path):
            continue
        for state in _variable(finding, stated.of).states:
            at = tuple((one, state if one == stated.of else value) for one, value in path)
            cut = at[: [one for one, _ in at].index(stated.of) + 1]
            places = finding.splits.get(cut, ())
            if not places or finding.edges[places[0]].variable != name:
                continue
            rest = _diagram(finding, path, {one: value for one, value in wanted.items() if one != name})
            asked = states_in(wanted[name])
            states = _variable(finding, name).states
            return _split(finding, cut, {one: rest if one in asked else 0.0 for one in states})
    raise NotOnTreeError(f"no series, and no stated independence, tells {name} where {Known(path)}")
