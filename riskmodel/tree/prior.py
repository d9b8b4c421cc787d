r"""The prior of a tree's averages that does not punish detail: a Dirichlet tree.

Three Jeffreys branches in a row give a good outcome the prior mean 1/8, so the same babies, reported in finer cells, would
lower the answer. Here each branch's Beta has as its shapes the sums of the shapes below it. In a group within which the
finding asks (`Finding.within`) every state of the last variable has the same sum, shared equally by the ends of the tree
that have this state, and all together one: the average of either of two states is Beta(1/2, 1/2), Jeffreys' prior of one
risk, however many branches lead there, and the order of the branches does not matter. Ends that a definition closes have
none.

Dennis SY. On the hyper-Dirichlet type 1 and hyper-Liouville distributions. Commun Stat Theory Methods 1991;20:4069-81 (sums
of shapes); Perks W. Some observations on inverse probability. J Inst Actuar 1947;73:285-334 (a total of one).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskmodel._support.kept import once
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import UnknownNameError
from riskmodel.evidence.finding import Edge, Finding, Given
from riskmodel.priors import MU_PRIORS, MixturePrior, MuPrior, as_mu_prior

#: The prior by name.
DIRICHLET_TREE = "dirichlet-tree"


def as_branch_priors(finding: Finding, prior: Any) -> tuple[MuPrior, tuple[MuPrior, ...]]:
    """The prior of a risk that series report directly, and that of each branch, from what `fit` takes as `prior`."""
    if isinstance(prior, str) and prior.strip() == DIRICHLET_TREE:
        jeffreys = MU_PRIORS["jeffreys"][0]

        def branches() -> tuple[MuPrior, ...]:
            shapes = dirichlet_tree(finding)
            return tuple(
                MixturePrior(BetaMixture.beta(*shapes[i])) if i in shapes else jeffreys
                for i in range(len(finding.edges))
            )

        return jeffreys, once(finding, DIRICHLET_TREE, branches)
    try:
        one = as_mu_prior(prior)
    except UnknownNameError as error:
        raise UnknownNameError("prior", str(prior), [DIRICHLET_TREE, *MU_PRIORS], where=error.where) from None
    return one, (one,) * len(finding.edges)


def dirichlet_tree(finding: Finding) -> dict[int, tuple[float, float]]:
    """Shapes of the Beta of each branch that no definition closes, by its place in the finding's edges."""
    states = finding.target.states
    shapes: dict[int, tuple[float, float]] = {}

    def ends(path: Given) -> dict[str, int]:
        """How many ends below a path have each state of the last variable."""
        found = dict.fromkeys(states, 0)
        for state in _open(finding, path):
            below = (*path, (finding.edges[finding.splits[path][0]].variable, state))
            if below[-1][0] == finding.target.name:
                found[state] += 1
            else:
                for name, number in ends(below).items():
                    found[name] += number
        return found

    def share(path: Given, weights: Mapping[str, float]) -> dict[str, float]:
        """Shapes of the states that leave a path, and of the branches below."""
        edges = [finding.edges[i] for i in finding.splits[path]]
        variable = finding.variable(edges[0].variable)
        assert variable is not None
        sums = {}
        for state in variable.states:
            below = (*path, (variable.name, state))
            if state not in _open(finding, path):
                sums[state] = 0.0
            elif variable.name == finding.target.name:
                sums[state] = weights[state]
            else:
                inside = variable.name in finding.within
                sums[state] = sum(share(below, _equal(ends(below)) if inside else weights).values())
        if variable.name in finding.within:
            sums = {state: one and 1.0 / len(variable.states) for state, one in sums.items()}
        left = dict(sums)
        for i, edge in zip(finding.splits[path], edges, strict=True):
            hit = left.pop(edge.category)
            if _closed(edge) is None:
                shapes[i] = hit, sum(left.values())
        return sums

    share((), _equal(ends(())))
    return {i: pair for i, pair in shapes.items() if min(pair) > 0}


def _equal(ends: Mapping[str, int]) -> dict[str, float]:
    """What each end with a state has: states alike, and all ends together one."""
    reached = sum(number > 0 for number in ends.values())
    return {state: 1.0 / (reached * number) if number else 0.0 for state, number in ends.items()}


def _closed(edge: Edge) -> float | None:
    """The value that a definition gives a branch."""
    return edge.probability if edge.status in ("structural", "unknown") else None


def _open(finding: Finding, path: Given) -> list[str]:
    """States that can leave a path, by the definitions."""
    edges = [finding.edges[i] for i in finding.splits[path]]
    variable = finding.variable(edges[0].variable)
    assert variable is not None
    states = list(variable.states)
    for edge in edges:
        value = _closed(edge)
        if value == 1.0:
            return [edge.category]
        if value == 0.0:
            states.remove(edge.category)
    return states
