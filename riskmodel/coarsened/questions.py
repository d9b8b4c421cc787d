"""Questions to a finding's tree as decision diagrams: which branches they depend on, and how. No count enters here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from riskmodel.distributions.diagram import Node, branch
from riskmodel.evidence.finding import Finding, Given, Variable, given_text


class NotOnTreeError(Exception):
    """A question that the tree has no way to; carries the reason, and never reaches a caller of the package."""


@dataclass(frozen=True, eq=False)
class Questions:
    """Diagrams of a finding's tree, each built once."""

    finding: Finding  # whose tree is asked
    _built: dict[tuple[tuple[str, str], ...], Node] = field(default_factory=dict, repr=False)

    def diagram(self, wanted: Mapping[str, str]) -> Node:
        """Probability of some states, as a function of the branches."""
        key = tuple(sorted(wanted.items()))
        if key not in self._built:
            self._built[key] = self._diagram((), dict(wanted))
        return self._built[key]

    def _variable(self, name: str) -> Variable:
        return next(one for one in self.finding.variables if one.name == name)

    def _diagram(self, path: Given, wanted: dict[str, str]) -> Node:
        """Probability, beyond `path`, of the states wanted."""
        if not wanted:
            return 1.0
        edge = self.finding.edges[self.finding.splits[path][0]]
        order = [variable.name for variable in self.finding.variables]
        skipped = [name for name in wanted if order.index(name) < order.index(edge.variable)]
        if skipped:
            return self._skipped(path, wanted, skipped[0])
        parts: dict[str, Node] = {}
        variable = self._variable(edge.variable)
        for state in variable.states:
            if state not in wanted.get(variable.name, state).split("|"):
                parts[state] = 0.0
                continue
            rest = {name: value for name, value in wanted.items() if name != variable.name}
            parts[state] = self._diagram((*path, (variable.name, state)), rest)
        return self._split(path, parts)

    def _split(self, path: Given, parts: Mapping[str, Node]) -> Node:
        """The choice between the states of the variable that leaves a path: one branch for all but the last state."""
        places = self.finding.splits[path]
        last = self.finding.edges[places[-1]]
        (node,) = (part for state, part in parts.items() if state not in (*last.after, last.category))
        for i in reversed(places):
            edge = self.finding.edges[i]
            if edge.status == "structural":
                node = parts[edge.category] if edge.probability else node
            else:
                node = branch(i, parts[edge.category], node)
        return node

    def _skipped(self, path: Given, wanted: dict[str, str], name: str) -> Node:
        """A variable that this path leaves out, by an independence that the finding states."""
        known = dict(path)
        for stated in self.finding.independences:
            if stated.variable != name or stated.of not in known or not set(stated.given) <= set(path):
                continue
            swapped = self._variable(stated.of)
            for state in swapped.states:
                at = tuple((one, state if one == stated.of else value) for one, value in path)
                cut = at[: [one for one, _ in at].index(stated.of) + 1]
                places = self.finding.splits.get(cut, ())
                if not places or self.finding.edges[places[0]].variable != name:
                    continue
                rest = self._diagram(path, {one: value for one, value in wanted.items() if one != name})
                asked = wanted[name].split("|")
                return self._split(cut, {one: rest if one in asked else 0.0 for one in self._variable(name).states})
        raise NotOnTreeError(f"no series, and no stated independence, tells {name} where {given_text(path)}")
