"""A finding's branches with the rows that feed each, allocated once, and what those rows say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from riskmodel._support.kept import Shelf, Value
from riskmodel.coarsened.nodes import thinned
from riskmodel.coarsened.read_coarse import Reading, read_coarse
from riskmodel.distributions.base import DeferredDistribution, Distribution
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge, Finding
from riskmodel.inference.pool import before_counts, pool
from riskmodel.posterior import Posterior
from riskmodel.priors import HeterogeneityPrior, MuPrior

Rows = tuple[Count, ...]
#: Source, events and total of counts of one branch.
Cells = tuple[tuple[str, int, int], ...]

#: The same rows under the same priors are asked for by many trees: variants of one fit share all but what they change.
_FITS = Shelf(256)


@dataclass(frozen=True, eq=False, repr=False)
class Branches(Value):
    """Branches of a finding, each with its rows, and the priors under which they are fitted when first asked for."""

    finding: Finding
    rows: tuple[Rows, ...]  # that feed each branch, in the order of the finding's edges
    coarse: Rows  # of coarser groups
    mu_prior: MuPrior  # on a risk that series report directly
    mu_priors: tuple[MuPrior, ...]  # on the average of each branch
    heterogeneity_prior: HeterogeneityPrior | None

    @property
    def edges(self) -> tuple[Edge, ...]:
        """The branches, in the order of the finding."""
        return self.finding.edges

    def posterior(self, edge: int, more: Cells = ()) -> Posterior:
        """What a branch's own rows say of it, and more cells of it; its prior where there are none."""
        edge %= len(self.edges)  # copies of a branch are fitted as it is
        cells = (*((row.source, row.events, row.total) for row in self.rows[edge]), *more)
        return self._fitted(cells, self.mu_priors[edge])

    def pooled(self, rows: Rows, edge: int | None = None) -> Posterior:
        """What some rows say of one risk, of a branch or of none."""
        prior = self.mu_prior if edge is None else self.mu_priors[edge]
        return self._fitted(tuple((row.source, row.events, row.total) for row in rows), prior)

    def _fitted(self, cells: Cells, prior: MuPrior) -> Posterior:
        heterogeneity = 0 if self.heterogeneity_prior is None else self.heterogeneity_prior

        def fitted() -> Posterior:
            if not cells:
                # Its tails are long; no count of its own makes all their nodes matter.
                return thinned(before_counts(prior, heterogeneity), rows=1)
            labels, events, totals = zip(*cells, strict=True)
            return pool(events, totals, prior=prior, heterogeneity=heterogeneity, labels=labels)

        return _FITS.get_or_make((cells, prior, self.heterogeneity_prior), fitted)

    def unfed(self, edge: int) -> bool:
        """Whether a branch waits for counts and has none, or is declared unknown."""
        status = self.edges[edge].status
        return status == "unknown" or (status == "counts" and not self.rows[edge])

    @property
    def defined(self) -> dict[int, float]:
        """Unknown branches that a definition fills, and its value."""
        return {
            i: edge.probability
            for i, edge in enumerate(self.edges)
            if edge.status == "unknown" and edge.probability is not None
        }

    def read(self, row: Count, fixed: Mapping[int, float]) -> Reading:
        """A coarse row as a diagram of the branches."""
        return read_coarse(row, self.finding, self.rows, fixed)


def allocate(
    evidence: Evidence,
    setting: str,
    mu_prior: MuPrior,
    mu_priors: tuple[MuPrior, ...],
    heterogeneity_prior: HeterogeneityPrior | None,
) -> Branches:
    """Give each branch its rows, once for every question."""
    rows = tuple(
        evidence.for_edge(edge, setting=setting) if edge.status == "counts" else () for edge in evidence.finding.edges
    )
    return Branches(evidence.finding, rows, evidence.coarse(setting), mu_prior, mu_priors, heterogeneity_prior)


@dataclass(frozen=True, eq=False, repr=False)
class PooledRisk(DeferredDistribution):
    """One risk as some rows tell it, fitted when first asked for: many answers are never asked for all their routes."""

    branches: Branches  # whose priors hold
    rows: Rows
    average: bool  # the average across settings, not the risk in a new one

    @property
    def made(self) -> Distribution:
        """The risk itself."""
        posterior = self.branches.pooled(self.rows)
        return posterior.average if self.average else posterior.new_setting

    @property
    def mean(self) -> float:
        """Posterior mean; a new setting's is the average's."""
        return self.branches.pooled(self.rows).average.mean
