"""A finding's tree by the sampler: its questions put to joint draws of all branches."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel._support.checks import checked_seed, checked_whole
from riskmodel._support.kept import Value
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.diagram import Node, cancel, edges_of, restrict
from riskmodel.errors import ContradictionError, InputError, UnavailableError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge
from riskmodel.evidence.known import Known
from riskmodel.mcmc.draws import SampledRisk, TreeDraws, replicated, stated
from riskmodel.mcmc.problem import Problem
from riskmodel.priors import MuPrior
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

    def to_datatree(self, *, seed: int = 0) -> Any:
        """Draws as ArviZ knows them, with the groups of `Posterior.to_datatree` for branches and counts by name.

        Parameters
        ----------
        seed : int
            Seed of the draws of the priors.

        Returns
        -------
        xarray.DataTree
            See `TreeDraws.to_datatree`. Branches are named by what they are of, counts by source and branch or group.
        """
        said = {i: edge.said for i, edge in enumerate(self.edges)}
        said |= {i: f"{said[i % len(said)]} (not all tested)" for i in self.draws.branches if i not in said}
        names = []
        for one in self.draws.counts:
            if one.kind == "fine":
                row = self.counts[one.place % len(self.edges)][one.series]
                names.append(f"{row.source}: {said[one.place]}")
            else:
                row = self.coarse[one.place]
                names.append(
                    f"{row.source}: {row.variable} {row.category}, {row.given or 'all'}, {row.events} of {row.total}"
                )
        return self.draws.to_datatree(branches=[said[i] for i in self.draws.branches], counts=names, seed=seed)


def sampled(
    tree: ProbabilityTree, method: str, fixed: dict[int, float], pooled_heterogeneity: bool, **options: Any
) -> TreeSample:
    """Draws by the sampler, or exact ones, which take fewer options."""
    if method == "nuts":
        return sample_tree(tree, fixed, pooled_heterogeneity, **options)
    if method != "exact":
        raise UnknownNameError("method", method, ("nuts", "exact"), where="method")
    beyond = sorted(set(options) - {"draws", "seed"}) + ["pooled_heterogeneity"] * pooled_heterogeneity
    if beyond:
        what = f"{', '.join(beyond)}: only the sampler takes this"
        raise InputError(what, where="sample", remedy='Use method="nuts"')
    return draw_tree(tree, fixed, **options)


def sample_tree(
    tree: ProbabilityTree, fixed: Mapping[int, float], pooled_heterogeneity: bool, **options: Any
) -> TreeSample:
    """All branches and every count that can be read, in one model by PyMC's sampler; `options` are the sampler's."""
    from riskmodel.mcmc.tree import fit_tree

    own, coarse, priors = _counts(tree, fixed)
    drawn = fit_tree(
        own,
        coarse,
        mu_prior=priors,
        heterogeneity_prior=tree.fitted.heterogeneity_prior,
        pooled_heterogeneity=pooled_heterogeneity,
        **options,
    )
    return _sample(tree, fixed, drawn)


def draw_tree(tree: ProbabilityTree, fixed: Mapping[int, float], *, draws: int = 4000, seed: int = 0) -> TreeSample:
    """The same by independent draws from the exact posterior, in four chains where they divide evenly."""
    from riskmodel.coarsened.joint_draws import joint_draws

    size, seed = checked_whole(draws, "draws", 1, 1_000_000), checked_seed(seed, "seed")
    own, coarse, priors = _counts(tree, fixed)
    problem, rng = Problem.checked(own, coarse), np.random.default_rng(seed)
    a, b, tau, theta = joint_draws(joint(tree, fixed), problem.edges, problem.own + problem.alone, size, rng)
    chains = 4 if size % 4 == 0 and size >= 400 else 1

    def shaped(values: Any) -> Any:
        return values.reshape(chains, size // chains, -1)

    g = 1 / (a + b)
    on_spread = tree.fitted.heterogeneity_prior
    found = TreeDraws(
        branches=problem.edges,
        mu=shaped(a * g),
        rho=shaped(g / (1 + g)),
        tau=shaped(tau),
        theta_new=shaped(rng.beta(a, b)),
        theta=shaped(theta),
        own=problem.own + problem.alone,
        hyper={},
        problem=problem,
        replicated=replicated(problem, shaped(a), shaped(b), rng),
        sample_stats={},
        diagnostics={},
        prior=stated(priors),
        heterogeneity_prior="heterogeneity 0" if on_spread is None else str(on_spread),
        priors=tuple((priors[edge], on_spread) for edge in problem.edges),
    )
    return _sample(tree, fixed, found)


def _counts(tree: ProbabilityTree, fixed: Mapping[int, float]) -> tuple[dict[int, Any], list[Any], dict[int, MuPrior]]:
    """Counts of each branch, coarse ones as diagrams, and each branch's prior."""
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
    return (
        {i: ([row.events for row in counts], [row.total for row in counts]) for i, counts in own.items()},
        [(node, one.row.events, one.row.total, one.known) for node, one in zip(nodes, rows, strict=True)],
        {i: branches.mu_priors[i % len(branches.edges)] for i in sorted(own)},
    )


def _sample(tree: ProbabilityTree, fixed: Mapping[int, float], drawn: TreeDraws) -> TreeSample:
    branches = tree.fitted
    filled = {i: edge.probability for i, edge in enumerate(branches.edges) if edge.probability is not None}
    coarse = tuple(one.row for one in joint(tree, fixed).rows)
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
