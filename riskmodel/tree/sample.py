"""A finding's tree by the sampler: its questions put to joint draws of all branches."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from riskmodel._support.kept import Value
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.diagram import Node, cancel, edges_of, restrict
from riskmodel.errors import ContradictionError, InputError, UnavailableError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge
from riskmodel.evidence.known import Known
from riskmodel.mcmc.draws import SampledRisk, TreeDraws
from riskmodel.tree.answer import joint, numerator

if TYPE_CHECKING:
    import pandas as pd

    from riskmodel.tree.model import ProbabilityTree


@dataclass(frozen=True, eq=False)
class TreeSample(Value):
    """Joint draws of a finding's tree.

    Parameters
    ----------
    draws : TreeDraws
        Of the branches that counts feed or pass.
    edges : tuple of Edge
        Branches of the finding, in its order.
    counts : tuple of tuple of Count
        Rows that feed each branch.
    coarse : tuple of Count
        Coarse rows that are in the draws.
    fixed : mapping of int to float
        Values of the branches that definitions, judgements or the caller fill.
    evidence : Evidence
        Whose questions they answer.
    """

    draws: TreeDraws
    edges: tuple[Edge, ...]
    counts: tuple[tuple[Count, ...], ...]
    coarse: tuple[Count, ...]
    fixed: Mapping[int, float]
    evidence: Evidence

    def risk(self, outcome: str, /, *, ci_prob: float = 0.95, **known: str) -> SampledRisk:
        """Risk of an outcome given what is known, as `ProbabilityTree.risk` means it.

        Parameters
        ----------
        outcome : str
            Name of an outcome that is a state of the tree.
        ci_prob : float
            Probability of the equal-tailed interval.
        **known : str
            Known states by variable.

        Returns
        -------
        SampledRisk
            The probability for the next fetus, the interval of the risk in a new setting, and the Monte Carlo standard
            error of the first.

        Raises
        ------
        UnknownNameError
            If an outcome, variable or state does not exist.
        ContradictionError
            If what is known cannot be.
        UnavailableError
            If the outcome is not on the tree, or needs a branch that nothing fills.
        """
        stated, above, below = _question(self.evidence, outcome, known)
        definite = {i: value for i, value in self.fixed.items() if value in (0.0, 1.0)}
        # A factor that was sampled stays: what is known also tells which draws it came from.
        top, bottom = cancel(restrict(above, definite), restrict(below, definite), keep=frozenset(self.draws.branches))
        if bottom == 0.0:
            raise ContradictionError(
                f"{stated} cannot be by the finding's definitions",
                where="known",
                remedy="Leave one of them out",
            )
        blank = sorted((edges_of(top) | edges_of(bottom)) - set(self.draws.branches) - set(self.fixed))
        if blank:
            edge = self.edges[blank[0]]
            bounds = f"Sample with fixed={{{blank[0]}: 0.0}} and with 1.0 for its bounds"
            raise UnavailableError(
                f"not estimable: no count or definition fills {edge.said}",
                where=outcome,
                remedy=bounds if edge.status == "unknown" else "Ask with more states known, or add a series",
            )
        return self.draws.evaluate(top, bottom, fixed=self.fixed, ci_prob=ci_prob)

    @property
    def diagnostics(self) -> Mapping[str, float]:
        """R-hat, effective sample sizes, divergences and E-BFMI by name."""
        return self.draws.diagnostics

    def checks(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Posterior predictive check of each count: see `TreeDraws.checks`.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals of the replicated events.

        Returns
        -------
        pandas.DataFrame
            Its columns, after source, variable, category and given of each row.
        """
        # A copy of a branch has its counts once more.
        shown = [one.kind != "fine" or one.place < len(self.edges) for one in self.draws.counts]
        table = self.draws.checks(ci_prob=ci_prob)[shown].reset_index(drop=True)
        rows = [
            self.counts[one.place][one.series] if one.kind == "fine" else self.coarse[one.place]
            for one in itertools.compress(self.draws.counts, shown)
        ]
        named = ("source", "variable", "category", "given")
        for place, name in enumerate(named):
            values = [str(row.given) if name == "given" else getattr(row, name) for row in rows]
            table.insert(place, name, values)
        return table

    def to_datatree(self) -> Any:
        """Draws as ArviZ knows them, with the sources of the counts.

        Returns
        -------
        xarray.DataTree
            See `TreeDraws.to_datatree`; its attributes say which branch each number is.
        """
        tree = self.draws.to_datatree()
        tree.attrs["branches"] = "; ".join(f"{i}: {self.edges[i % len(self.edges)].said}" for i in self.draws.branches)
        return tree


def sample_tree(
    tree: ProbabilityTree, fixed: Mapping[int, float], pooled_heterogeneity: bool, **options: Any
) -> TreeSample:
    """All branches and every count that can be read, in one model by PyMC's sampler; `options` are the sampler's."""
    from riskmodel.mcmc.tree import fit_tree

    branches = tree.fitted
    for i, value in fixed.items():
        if i not in range(len(branches.edges)) or branches.edges[i].status != "unknown" or value not in (0.0, 1.0):
            raise InputError(
                f"branch {i!r} at {value!r}",
                where="fixed",
                remedy="Give 0 or 1 for places in edges whose status is unknown",
            )
    rows = joint(tree, fixed).rows
    # Values of branches that no definition fills are the caller's alone.
    nodes = [restrict(one.node, fixed) for one in rows]
    own = {i: branches.rows[i] for i, counts in enumerate(branches.rows) if counts}
    # Also branches that coarse counts alone speak of, and copies of those whose test not all of a count's fetuses had.
    own |= {i: branches.rows[i % len(branches.edges)] for i in frozenset[int]().union(*map(edges_of, nodes))}
    drawn = fit_tree(
        {i: ([row.events for row in counts], [row.total for row in counts]) for i, counts in own.items()},
        [(node, one.row.events, one.row.total, one.known) for node, one in zip(nodes, rows, strict=True)],
        mu_prior={i: branches.mu_priors[i % len(branches.edges)] for i in own},
        heterogeneity_prior=branches.heterogeneity_prior,
        pooled_heterogeneity=pooled_heterogeneity,
        **options,
    )
    filled = {i: edge.probability for i, edge in enumerate(branches.edges) if edge.probability is not None}
    coarse = tuple(one.row for one in rows)
    return TreeSample(drawn, branches.edges, branches.rows, coarse, filled | dict(fixed), tree.evidence)


def _question(evidence: Evidence, outcome: str, known: Mapping[str, str]) -> tuple[Known, Node, Node]:
    asked, stated = evidence.outcome(outcome), Known.of(evidence.finding, known, several=False)
    if asked.variable is None or asked.state is None:
        raise UnavailableError(
            f"{asked.title} is counted by itself, not through the tree",
            where=outcome,
            remedy="Read it from risk, or pool its counts",
        )
    try:
        above = numerator(evidence.finding, stated, asked.variable, asked.state)
        return stated, above, diagram(evidence.finding, dict(stated))
    except NotOnTreeError as reason:
        raise UnavailableError(str(reason), where=outcome, remedy="Ask with more or other states known") from None
