r"""Draws of all of a tree's branches together, and what they say: a ratio of diagrams, predictive checks, diagnostics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value
from riskmodel.distributions.diagram import Node, edges_of, evaluate
from riskmodel.distributions.special import log_sigmoids, sigmoid
from riskmodel.errors import ContradictionError, InputError
from riskmodel.mcmc.diagnostics import mcse

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
    counts: tuple[Checked, ...] = field(repr=False)  # what was fitted
    #: Events of each count, drawn again for another series of the same size.
    replicated: NDArray[np.int64] = field(repr=False)
    sample_stats: Mapping[str, NDArray[Any]] = field(repr=False)  # what the sampler noted
    #: R-hat and effective sample sizes of everything sampled, by name; divergences, bfmi, sampling_seconds; and the
    #: largest R-hat and smallest effective sample sizes as rhat, ess_bulk and ess_tail.
    diagnostics: Mapping[str, float] = field(repr=False)
    prior: str  # prior, heterogeneity_prior: as stated
    heterogeneity_prior: str

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

    def to_datatree(self) -> Any:
        """Draws as ArviZ knows them."""
        from arviz_base import from_dict

        posterior: dict[str, Any] = {
            "mu": self.mu,
            "rho": self.rho,
            "tau": self.tau,
            "theta_new": self.theta_new,
            **self.hyper,
        }
        if self.own:
            posterior["theta"] = self.theta
        tree = from_dict(
            {
                "posterior": posterior,
                "posterior_predictive": {"events": self.replicated},
                "observed_data": {"events": np.array([count.events for count in self.counts])},
                "constant_data": {"totals": np.array([count.total for count in self.counts])},
                "sample_stats": dict(self.sample_stats),
            },
            dims={name: ["branch"] for name in ("mu", "rho", "tau", "theta_new")}
            | {"theta": ["own"], "events": ["count"], "totals": ["count"]},
            coords={
                "branch": list(self.branches),
                "own": [f"coarse {row}, branch {edge}" for row, edge in self.own],
                "count": [str(count) for count in self.counts],
            },
        )
        tree.attrs.update(
            {
                **{f"diagnostic_{name}": value for name, value in self.diagnostics.items()},
                "model": "beta-binomial tree",
                "method": "nuts",
                "prior": self.prior,
                "heterogeneity_prior": self.heterogeneity_prior,
            }
        )
        return tree
