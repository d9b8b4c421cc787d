r"""Draws of all of a tree's branches together, and what they say: a ratio of diagrams, predictive checks, diagnostics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value
from riskmodel.distributions.diagram import Node, edges_of, evaluate
from riskmodel.distributions.special import log_sigmoids, sigmoid
from riskmodel.errors import ContradictionError, InputError
from riskmodel.mcmc.diagnostics import mcse
from riskmodel.mcmc.problem import Problem
from riskmodel.priors import MuPrior
from riskmodel.priors.drawn import Priors, drawn_from, log_densities, rho_of

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

#: Share of each tail in which a count is flagged.
TAIL = 0.025


class Hyperparameters(NamedTuple):
    """Draws of branches' averages and heterogeneities."""

    mu: Array  # mu, rest: average risk and its complement
    rest: Array
    log_g: Array  # logit of rho
    rho: Array

    @classmethod
    def of(cls, x: Array, w: Array, *, on_tau: bool) -> Hyperparameters:
        """From what is sampled."""
        log_mu, log_rest = log_sigmoids(x)
        log_g = w + log_mu + log_rest if on_tau else w
        return cls(np.exp(log_mu), np.exp(log_rest), log_g, sigmoid(log_g))

    @property
    def shapes(self) -> tuple[Array, Array]:
        """Of the Beta of a setting's risk.

        One worth more than a billion observations is a point for every purpose here, and NumPy's generator agrees.
        """
        size = np.minimum(np.exp(-self.log_g), 1e9)
        return self.mu * size, self.rest * size


def drawn(trace: Any) -> dict[str, Array]:
    """Draws by name, of shape (chains, draws, ...)."""
    return {name: np.asarray(one.values, np.float64) for name, one in trace.posterior.data_vars.items()}


class SampledRisk(NamedTuple):
    """A risk by draws."""

    mean: float  # the probability for the next fetus, E[N]/E[D]
    interval: tuple[float, float]  # equal-tailed credible interval of N/D in a new setting
    mcse: float  # monte Carlo standard error of the mean


class Checked(NamedTuple):
    """A count that was fitted."""

    kind: str  # ``"fine"``, a branch's own, or ``"coarse"``, read through the tree
    place: int  # the branch of a fine count; the place in the sequence of coarse ones
    series: int  # place among the branch's series; 0 for a coarse count
    events: int  # events, total: the count
    total: int

    def __str__(self) -> str:
        """A name for it."""
        return f"fine {self.place}.{self.series}" if self.kind == "fine" else f"coarse {self.place}"


@dataclass(frozen=True, eq=False)
class TreeDraws(Value):
    """Joint draws of a tree's branches, converged."""

    branches: tuple[int, ...]  # branches, in the order of the last axis
    #: mu, rho, tau: average risk, intra-class correlation, and standard deviation of logit(theta) between settings.
    mu: Array = field(repr=False)
    rho: Array = field(repr=False)
    tau: Array = field(repr=False)
    theta_new: Array = field(repr=False)  # risk in a new setting
    theta: Array = field(repr=False)  # risks of the series that report coarse counts
    own: tuple[tuple[int, int], ...] = field(repr=False)  # coarse count and branch of each of those
    #: With pooled heterogeneity: ``tau_median``, the median over branches, and ``tau_sd``, the standard deviation of
    #: log(tau) between them; empty otherwise.
    hyper: Mapping[str, Array] = field(repr=False)
    problem: Problem = field(repr=False)  # what was fitted
    #: Events of each count, drawn again for another series of the same size.
    replicated: NDArray[np.int64] = field(repr=False)
    sample_stats: Mapping[str, NDArray[Any]] = field(repr=False)  # what the sampler noted; nothing where none was
    #: R-hat and effective sample sizes of everything sampled, by name; divergences, bfmi, sampling_seconds; and the
    #: largest R-hat and smallest effective sample sizes as rhat, ess_bulk and ess_tail.
    diagnostics: Mapping[str, float] = field(repr=False)
    prior: str  # prior, heterogeneity_prior: as stated
    heterogeneity_prior: str
    priors: tuple[Priors, ...] = field(repr=False)  # of each branch; none where spreads are of one population

    @property
    def counts(self) -> tuple[Checked, ...]:
        """What was fitted."""
        return counted(self.problem)

    def evaluate(
        self,
        numerator: Node,
        denominator: Node = 1.0,
        *,
        fixed: Mapping[int, float] | None = None,
        ci_prob: float = 0.95,
    ) -> SampledRisk:
        r"""Ratio of two diagrams, as `riskmodel.distributions.propagated` means it.

        The mean is :math:`E[N]/E[D]`: given the hyperparameters the risks of a new setting are independent with means mu
        and the diagrams multilinear, so the draws of mu give it, with less error than those of theta_new. The interval is
        of N/D over new settings, each weighted by its D.
        """
        if not 0 < ci_prob < 1:
            raise InputError(f"{ci_prob!r} is not in (0, 1)", where="ci_prob")
        given = dict(fixed or {})
        missing = (edges_of(numerator) | edges_of(denominator)) - set(self.branches) - set(given)
        if missing:
            raise InputError(
                f"branches {sorted(missing)} were not sampled", where="evaluate", remedy="Give their values in fixed"
            )
        top, bottom = (self._values(part, self.mu, given) for part in (numerator, denominator))
        if not bottom.mean() > 0:
            raise ContradictionError("what is given cannot be", where="denominator", remedy="Leave part of it out")
        mean = float(top.mean() / bottom.mean())
        excess = (top - mean * bottom) / bottom.mean()
        above, below = (self._values(part, self.theta_new, given).ravel() for part in (numerator, denominator))
        possible = below > 0
        values, weights = above[possible] / below[possible], below[possible]
        order = np.argsort(values)
        share = np.cumsum(weights[order]) - 0.5 * weights[order]
        tail = 0.5 * (1 - ci_prob)
        ends = np.interp([tail, 1 - tail], share / weights.sum(), values[order])
        return SampledRisk(mean, (float(ends[0]), float(ends[1])), mcse(excess) if np.ptp(excess) > 0 else 0.0)

    def _values(self, node: Node, risks: Array, fixed: Mapping[int, float]) -> Array:
        named: dict[int, Any] = dict(fixed) | {edge: risks[..., i] for i, edge in enumerate(self.branches)}
        return np.broadcast_to(np.asarray(evaluate(node, named), np.float64), risks.shape[:2])

    def checks(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Posterior predictive check of each count.

        Each is drawn again for another series of the same size, whose own risks come from the fitted hyperparameters.
        The count itself is among what they were fitted to, so a contradiction shows less than in prediction: 40 of 100
        beside six series near 95 % has a mid_p of 0.036, and 0.0002 where it is left out. Coarse counts that agree with
        each other and not with the branches are not flagged either: they move the branches.

        Gelman A, Meng X-L, Stern H. Posterior predictive assessment of model fitness via realized discrepancies.
        Statistica Sinica 1996;6:733-807. Marshall EC, Spiegelhalter DJ. Approximate cross-validatory predictive checks in
        disease mapping models. Stat Med 2003;22:1649-60.
        """
        import pandas as pd

        rows = []
        for i, count in enumerate(self.counts):
            again = self.replicated[..., i].ravel()
            mid_p = float((again < count.events).mean() + 0.5 * (again == count.events).mean())
            ends = np.quantile(again, [0.5 * (1 - ci_prob), 0.5 * (1 + ci_prob)], method="inverted_cdf")
            rows.append(
                count._asdict()
                | {
                    "expected": float(again.mean()),
                    "lower": int(ends[0]),
                    "upper": int(ends[1]),
                    "ci_prob": ci_prob,
                    "ci_kind": "eti",
                    "mid_p": mid_p,
                    "flagged": bool(min(mid_p, 1 - mid_p) < TAIL),
                    "testable": bool(0.5 * min((again == 0).mean(), (again == count.total).mean()) < TAIL),
                }
            )
        return pd.DataFrame(rows)

    def to_datatree(
        self, *, branches: Sequence[str] | None = None, counts: Sequence[str] | None = None, seed: int = 0
    ) -> Any:
        """Draws as ArviZ knows them; names of the branches and of the counts are coordinates.

        Likelihoods of counts of one branch are given its hyperparameters, of other coarse counts given their series' own
        risks: those that were sampled. Replicated counts are of other series.
        """
        from arviz_base import from_dict

        rng = np.random.default_rng(seed)
        shapes = _shapes(self.mu, self.rho)
        shown = {name: getattr(self, name) for name in ("mu", "rho", "tau", "theta_new")}
        groups: dict[str, Any] = {
            "posterior": shown | dict(self.hyper) | ({"theta": self.theta} if self.own else {}),
            "posterior_predictive": {"events": self.replicated},
            "log_likelihood": {"events": self._log_likelihood(*shapes)},
            "observed_data": {"events": np.array([count.events for count in self.counts])},
            "constant_data": {"totals": np.array([count.total for count in self.counts])},
        }
        if self.priors:
            size = self.mu[..., 0].size
            logits, tau = (
                np.stack(one, axis=-1).reshape(self.mu.shape)
                for one in zip(*(drawn_from(priors, size, rng) for priors in self.priors), strict=True)
            )
            rho = rho_of(logits, tau)
            before = _shapes(sigmoid(logits), rho)
            groups["prior"] = {"mu": sigmoid(logits), "rho": rho, "tau": tau, "theta_new": rng.beta(*before)}
            groups["prior_predictive"] = {"events": replicated(self.problem, *before, rng)}
            each = [
                log_densities(priors, self.mu[..., i], self.tau[..., i], self.rho[..., i])
                for i, priors in enumerate(self.priors)
            ]
            groups["log_prior"] = {name: np.stack([one[name] for one in each], axis=-1) for name in each[0]}
        if self.sample_stats:
            groups["sample_stats"] = dict(self.sample_stats)
        named = list(branches or map(str, self.branches))
        of = dict(zip(self.branches, named, strict=True))
        labels = list(counts or map(str, self.counts))
        coarse = labels[len(labels) - len(self.problem.coarse) :]
        tree = from_dict(
            groups,
            dims={name: ["branch"] for name in ("mu", "rho", "tau", "theta_new")}
            | {"theta": ["own"], "events": ["count"], "totals": ["count"]},
            coords={"branch": named, "own": [f"{coarse[i]} | {of[edge]}" for i, edge in self.own], "count": labels},
        )
        tree.attrs.update(
            {
                **{f"diagnostic_{name}": value for name, value in self.diagnostics.items()},
                "model": "beta-binomial tree",
                "method": "nuts" if self.sample_stats else "quadrature",
                "prior": self.prior,
                "heterogeneity_prior": self.heterogeneity_prior,
                "draws_are": "the sampler's, joint" if self.sample_stats else "independent, joint",
            }
        )
        return tree

    def _log_likelihood(self, a: Array, b: Array) -> Array:
        """Of each count at each draw, of shape (chains, draws, counts)."""
        from scipy.stats import betabinom

        problem = self.problem
        found = [
            betabinom.logpmf(y, n, a[..., i], b[..., i])
            for i, pair in enumerate(zip(problem.events, problem.totals, strict=True))
            for y, n in zip(*(side.tolist() for side in pair), strict=True)
        ]
        alone = {row: one for (row, _), one in zip(problem.alone, problem.lone, strict=True)}
        for row, (_, events, _, _) in enumerate(problem.coarse):
            if row in alone:
                i, hits, missed = alone[row]
                found.append(betabinom.logpmf(hits, hits + missed, a[..., i], b[..., i]))
                continue
            risks = {edge: self.theta[..., k] for k, (of, edge) in enumerate(self.own) if of == row}
            found.append(np.broadcast_to(problem.divided[row].log_probability(events, risks), a.shape[:2]))
        return np.stack(found, axis=-1) if found else np.empty((*a.shape[:2], 0))


def _shapes(mu: Array, rho: Array) -> tuple[Array, Array]:
    """Of the Betas of settings' risks; one worth more than a billion observations is a point for every purpose here."""
    with np.errstate(divide="ignore"):
        size = np.minimum((1 - rho) / rho, 1e9)
    return np.maximum(mu * size, 1e-300), np.maximum((1 - mu) * size, 1e-300)


def stated(priors: Mapping[int, MuPrior]) -> str:
    """The priors on the branches' averages, as written down."""
    if len(set(priors.values())) == 1:
        return str(next(iter(priors.values())))
    return "; ".join(f"{edge}: {prior}" for edge, prior in priors.items())


def counted(problem: Problem) -> tuple[Checked, ...]:
    """What a problem counts: each branch's series, then coarse counts."""
    fine = [
        Checked("fine", edge, series, y, n)
        for edge, events, totals in zip(problem.edges, problem.events, problem.totals, strict=True)
        for series, (y, n) in enumerate(zip(events.tolist(), totals.tolist(), strict=True))
    ]
    coarse = [Checked("coarse", row, 0, events, total) for row, (_, events, total, _) in enumerate(problem.coarse)]
    return (*fine, *coarse)


def replicated(problem: Problem, a: Array, b: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Each count drawn again for another series of its size, with the same cells where it had some."""
    drawn = [
        rng.binomial(n, rng.beta(a[..., i], b[..., i]))
        for i, totals in enumerate(problem.totals)
        for n in totals.tolist()
    ]
    for parts, (_, _, _, known) in zip(problem.divided, problem.coarse, strict=True):
        risks = {}
        for i, edge in enumerate(problem.edges):
            hits, seen = known.get(edge, (0, 0))
            risks[edge] = rng.beta(a[..., i] + hits, b[..., i] + (seen - hits))
        again = np.full(a.shape[:2], parts.certain)
        for size, node in zip(parts.sizes, parts.nodes, strict=True):
            again = again + rng.binomial(size, np.clip(evaluate(node, risks), 0.0, 1.0))
        drawn.append(again)
    return np.stack(drawn, axis=-1)
