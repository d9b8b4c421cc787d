"""A posterior for each level of a covariate, and of the odds ratio between the last level and the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import kept, once
from riskmodel.distributions.base import Distribution, PointMass
from riskmodel.distributions.settings import AlikeSettings, Settings
from riskmodel.errors import AccuracyError, UnknownNameError
from riskmodel.inference.beta_binomial import LatticeSettings
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.logit_normal_settings import LogitNormalSettings
from riskmodel.inference.marginals import (
    AverageMarginal,
    BetaTauMarginal,
    HeterogeneityMarginal,
    OddsMarginal,
    SettingRisk,
    TauMarginal,
)
from riskmodel.inference.quadrature import (
    LARGEST_ERROR,
    integrate,
    integrate_one,
    log_combinations,
    should_mirror,
)
from riskmodel.inference.regression.levels import Levels
from riskmodel.inference.regression.problem import LogitProblem, Problem
from riskmodel.inference.regression.told import Told, told_of
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import LogitNormalPrior, MuPrior

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

#: Rows and columns at which the inner rule is compared with a finer one.
_CHECKED = 6
#: How much finer the inner rule is made until its error is small.
_FINER = (1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, eq=False)
class Regression(Told):
    """What published series say of one risk at each level of a covariate.

    Parameters
    ----------
    levels : tuple of str
        Names of the levels, in their order.
    of : tuple of int
        The level of each series, by its place in `levels`.
    labels : tuple of str
        A name for each series.
    model : str
        As `riskmodel.pool` takes it.
    problem : Problem
        Counts and priors.
    """

    levels: tuple[str, ...]
    of: tuple[int, ...]
    labels: tuple[str, ...]
    model: str
    problem: Problem = field(repr=False)

    def level(self, name: str) -> Posterior:
        """Posterior at one level, given all series: the slope and the heterogeneity are learned from every one.

        Parameters
        ----------
        name : str
            Of `levels`.

        Returns
        -------
        Posterior
            `average` and `new_setting` are of settings of this level, `series` those of its own; `log_evidence` is of all
            series together.

        Raises
        ------
        UnknownNameError
            If there is no such level.
        """
        if name not in self.levels:
            raise UnknownNameError("level", name, self.levels, where="by")
        return once(self, ("level", name), lambda: self._level(self.levels.index(name)))

    @property
    def odds_ratio(self) -> Distribution:
        """Odds of the average risk at the last level over those at the first."""
        return OddsMarginal(self._slope[0])

    @property
    def heterogeneity(self) -> Distribution:
        """How much settings of one level differ: tau, or rho where the prior is on that."""
        prior = self.problem.heterogeneity_prior
        if prior is None:
            return PointMass(0.0, "tau" if isinstance(self.problem, LogitProblem) else "rho")
        return TauMarginal(self._slope[0]) if prior.scale == "tau" else HeterogeneityMarginal(self._slope[0])

    @property
    def log_evidence(self) -> float:
        """Logarithm of the probability of all counts; less that of `pool` without `by`, the log Bayes factor."""
        return self._slope[0].log_total + log_combinations(self.problem.events, self.problem.totals)

    @property
    def error(self) -> ErrorEstimate:
        """How far the odds ratio's numbers may be from exact; each level's posterior has its own."""
        return self._slope[1]

    def _ratios(self) -> Iterator[tuple[str, Any, Any, Distribution]]:
        yield "by", self.levels[-1], self.levels[0], self.odds_ratio

    def table(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Each level with its average and the risk in a new setting, one row each.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            Columns level, series, events, total, mean, lower, upper (of a new setting), average, average_lower,
            average_upper, odds_ratio, odds_ratio_lower, odds_ratio_upper (against the first level, at the posterior
            median), ci_prob, ci_kind.
        """
        import pandas as pd

        tail = 0.5 * (1 - ci_prob)
        against = self.odds_ratio.ppf([0.5, tail, 1 - tail])
        rows = []
        for k, name in enumerate(self.levels):
            row = {"level": name} | told_of(self.level(name), ci_prob)
            # The log odds ratio is a line: what a level differs from the first is its share of the whole.
            share = self.problem.places[k] + 0.5
            ends = zip(("odds_ratio", "odds_ratio_lower", "odds_ratio_upper"), against**share, strict=True)
            rows.append(row | dict(ends) | {"ci_prob": ci_prob, "ci_kind": "eti"})
        return pd.DataFrame(rows)

    @property
    def _stated(self) -> dict[str, str]:
        problem = self.problem
        return {
            "model": self.model,
            "method": "quadrature",
            "prior": stated(problem.mu_prior, problem.effect_prior),
            "heterogeneity_prior": str(problem.heterogeneity_prior or "heterogeneity 0"),
        }

    def __repr__(self) -> str:
        """Levels with their averages, and the odds ratio, as a reader would say them."""
        problem = self.problem
        prior = problem.heterogeneity_prior or "heterogeneity 0"
        head = f"Regression of {len(self.of)} series on {len(self.levels)} levels ({self.model}, quadrature; "
        lines = [f"{head}{stated(problem.mu_prior, problem.effect_prior)}; {prior})"]
        width = max(map(len, self.levels), default=0)
        for name in self.levels if len(self.levels) <= 4 else (self.levels[0], self.levels[-1]):
            average = self.level(name).average
            lower, upper = average.interval(0.95)
            lines.append(f"  {name:<{width}}  mean {average.mean:.4f}, 95 % interval {lower:.4f} to {upper:.4f}")
        lower, upper = self.odds_ratio.interval(0.95)
        lines.append(
            f"  odds ratio, {self.levels[-1]} against {self.levels[0]}: median {self.odds_ratio.median:.3g}, "
            f"95 % interval {lower:.3g} to {upper:.3g}"
        )
        return "\n".join(lines)

    @kept
    def _slope(self) -> tuple[Lattice, ErrorEstimate]:
        return _integrated(self.problem)

    def _level(self, k: int) -> Posterior:
        problem = replace(self.problem, at=k)
        events, totals = problem.level_events[k], problem.level_totals[k]
        flip = should_mirror(events, totals)
        lattice, error = _integrated(problem.mirrored() if flip else problem)
        lattice = lattice.mirrored() if flip else lattice
        prior = problem.heterogeneity_prior
        average: Distribution = AverageMarginal(lattice)
        heterogeneity: Distribution = HeterogeneityMarginal(lattice)
        tau: Distribution = BetaTauMarginal(lattice)
        settings: Settings
        if prior is None:
            risk = SettingRisk(lattice)
            average, settings = risk, AlikeSettings(events, totals, risk)
            heterogeneity, tau = self.heterogeneity, PointMass(0.0, "tau")
        elif isinstance(problem, LogitProblem):
            heterogeneity = tau = TauMarginal(lattice)
            settings = LogitNormalSettings(events, totals, lattice, problem.spreads)
        else:
            settings = LatticeSettings(events, totals, lattice)
        return Posterior(
            events=events,
            totals=totals,
            labels=tuple(label for label, place in zip(self.labels, self.of, strict=True) if place == k),
            average=average,
            settings=settings,
            heterogeneity=heterogeneity,
            tau=tau,
            model=self.model,
            method="quadrature",
            prior=stated(problem.mu_prior, problem.effect_prior),
            heterogeneity_prior="heterogeneity 0" if prior is None else str(prior),
            log_evidence=lattice.log_total + log_combinations(problem.events, problem.totals),
            error=error,
        )


def stated(mu_prior: MuPrior, effect: LogitNormalPrior) -> str:
    """The priors on the averages, as written down."""
    return f"half-way {mu_prior}; log odds ratio ~ Normal({effect.location:.6g}, {effect.sd:.6g})"


def fit(
    kind: type[Problem], events: Array, totals: Array, labels: tuple[str, ...], levels: Levels, model: str, **given: Any
) -> Regression:
    """Posterior of a risk at each level of a covariate; `given` are the problem's priors."""
    of = np.array(levels.of)
    parts = [(events[of == k], totals[of == k]) for k in range(len(levels.names))]
    problem = kind(
        level_events=tuple(y for y, _ in parts),
        level_totals=tuple(n for _, n in parts),
        places=levels.places,
        at=None,
        **given,
    )
    found = Regression(levels.names, levels.of, labels, model, problem)
    found.error  # noqa: B018  # refused now, not when a number is printed
    return found


def _integrated(problem: Problem) -> tuple[Lattice, ErrorEstimate]:
    """Nodes and weights, with the error of both rules; the inner one is made finer where that is needed."""
    for finer in _FINER:
        lattice, outer, inner = _once(replace(problem, finer=finer))
        if inner <= 0.1 * LARGEST_ERROR:  # it is seen at some nodes only
            break
    if not inner <= LARGEST_ERROR:
        raise AccuracyError(
            f"the estimated error {inner:.1g} of the inner integral is above 1e-6 for {problem.events.size} series",
            where="by",
            remedy="Use narrower priors, or pool the levels apart",
        )
    error = ErrorEstimate(
        outer.mean + inner, outer.sd + inner, outer.log_evidence + inner, lattice.weights.size, "quadrature"
    )
    return lattice, error


def _once(problem: Problem) -> tuple[Lattice, ErrorEstimate, float]:
    """Nodes and weights, the outer rules' error, and what a finer inner rule changes at some nodes."""
    if problem.heterogeneity_prior is None:
        zero = np.zeros((1, 1))
        lattice, outer = integrate_one(lambda x: problem.log_density(np.atleast_2d(x), zero))
    else:
        lattice, outer = integrate(problem, between_nodes=isinstance(problem, LogitProblem))  # type: ignore[arg-type]
    rows = np.argsort(lattice.weights.sum(axis=1))[::-1][:: max(1, lattice.w.size // _CHECKED)]
    columns = slice(None, None, max(1, lattice.u.size // _CHECKED))
    x, w, weights = lattice.x[rows][:, columns], lattice.w[rows, None], lattice.weights[rows][:, columns]
    change = problem.log_density(x, w) - replace(problem, finer=2 * problem.finer).log_density(x, w)
    return lattice, outer, float((weights * np.abs(change)).sum() / weights.sum())
