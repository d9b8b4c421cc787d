"""Several covariates by the sampler: odds ratios, and a posterior for any combination of their levels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskmodel._support.kept import once
from riskmodel.distributions.base import Distribution
from riskmodel.distributions.draws import Draws
from riskmodel.errors import UnavailableError
from riskmodel.inference.regression.covariates import COLUMNS, Design
from riskmodel.inference.regression.fit import stated
from riskmodel.inference.regression.told import Told, told_of
from riskmodel.posterior import Posterior
from riskmodel.priors import HeterogeneityPrior, MuPrior
from riskmodel.priors.drawn import log_densities
from riskmodel.report.wording import html_table, three_digits

if TYPE_CHECKING:
    import pandas as pd

    from riskmodel.mcmc.draws import Hyperparameters

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_WAY_OUT = "take fewer covariates"


@dataclass(frozen=True, eq=False)
class SampledRegression(Told):
    """What published series say of one risk, given several covariates, or one whose levels have no order.

    Parameters
    ----------
    events, totals : ndarray of int, shape (series,)
        The counts.
    labels : tuple of str
        A name for each series.
    design : Design
        The covariates, and the prior on what each adds.
    mu_prior, heterogeneity_prior : MuPrior, HeterogeneityPrior
        On the average where every covariate is half-way, and on how much settings differ.
    middle, scores, spread : ndarray of float, shape (chains, draws) or (chains, draws, coefficients)
        Draws of the logit of the average half-way, of what the covariates add in standard deviations of its prior, and of
        tau, or of rho where the prior is on that.
    sample_stats : mapping of str to ndarray
        What the sampler noted at each draw, with shape (chains, draws).
    diagnostics : mapping of str to float
        R-hat and effective sample sizes of each quantity, divergences, E-BFMI, and seconds of sampling.
    seed : int
        Of every draw.
    """

    events: Counts
    totals: Counts
    labels: tuple[str, ...]
    design: Design
    mu_prior: MuPrior
    heterogeneity_prior: HeterogeneityPrior
    middle: Array = field(repr=False)
    scores: Array = field(repr=False)
    spread: Array = field(repr=False)
    sample_stats: dict[str, NDArray[Any]] = field(repr=False)
    diagnostics: dict[str, float]
    seed: int

    @property
    def levels(self) -> dict[str, tuple[str, ...]]:
        """Levels of each covariate, in their order."""
        return {one.name: one.levels.names for one in self.design.covariates}

    @property
    def heterogeneity(self) -> Distribution:
        """How much settings of the same levels differ: tau, or rho where the prior is on that."""
        return Draws(self.spread.ravel(), self.heterogeneity_prior.scale)

    @property
    def log_evidence(self) -> float:
        """There is none: a sampler does not give it.

        Raises
        ------
        UnavailableError
            Always.
        """
        raise UnavailableError(
            "draws do not give the probability of the counts",
            where="log_evidence",
            remedy='Compare by arviz.loo of to_datatree(integrated=True), or use method="exact" with one covariate',
        )

    def at(self, **levels: Any) -> Posterior:
        """Posterior at one combination of levels, whether some series has it or none.

        Parameters
        ----------
        **levels : str or float
            A level of each covariate by its name; of numbers any from the first to the last.

        Returns
        -------
        Posterior
            `average` and `new_setting` are of settings of these levels, `series` those that have them.

        Raises
        ------
        InputError
            If a covariate is left out, or a number is beyond those of the series.
        UnknownNameError
            If there is no such covariate or level.
        """
        row = self.design.asked(levels)
        return once(self, ("at", row.tobytes()), lambda: self._at(row))

    def table(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Each combination of levels that some series has, with its average and the risk in a new setting, one row each.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            A column for each covariate, then series, events, total, mean, lower, upper (of a new setting), average,
            average_lower, average_upper, ci_prob, ci_kind.
        """
        import pandas as pd

        named = [one.name for one in self.design.covariates]
        of = sorted({*zip(*(one.levels.of for one in self.design.covariates), strict=True)})
        rows: list[dict[str, Any]] = []
        for places in of:
            row: dict[str, Any] = {
                one.name: one.levels.given(place) for one, place in zip(self.design.covariates, places, strict=True)
            }
            rows.append(row | told_of(self.at(**row), ci_prob) | {"ci_prob": ci_prob, "ci_kind": "eti"})
        return pd.DataFrame(rows, columns=[*named, *COLUMNS])

    def to_datatree(self, *, seed: int = 0, integrated: bool = False) -> Any:
        """Draws as ArviZ knows them, with what its checks need.

        Parameters
        ----------
        seed : int
            Of the draws from the priors, of the series' own risks, and of the predictive ones.
        integrated : bool
            Whether log_likelihood and posterior_predictive are those of a series from a new setting of the same levels;
            otherwise those of the same setting once more. `arviz.loo` needs the former.

        Returns
        -------
        xarray.DataTree
            Groups posterior and prior (middle, the average half-way; log_odds_ratio by effect; tau or rho; mu, the
            average at each series' levels; theta by series), log_prior (middle, effects, tau or rho), log_likelihood,
            posterior_predictive, prior_predictive, observed_data, constant_data and sample_stats.
        """
        from arviz_base import from_dict
        from scipy.stats import betabinom, binom

        rng = np.random.default_rng(seed)
        on = self.heterogeneity_prior.scale
        size = self.middle.size
        before = (
            self.mu_prior.sample(size, rng).reshape(self.middle.shape),
            rng.standard_normal(self.scores.shape),
            self.heterogeneity_prior.sample(size, rng).reshape(self.middle.shape),
        )
        a, b = self._hyper(self.design.rows, self.middle, self.scores, self.spread).shapes
        theta = rng.beta(a + self.events, b + (self.totals - self.events))
        if integrated:
            log_likelihood, again = betabinom.logpmf(self.events, self.totals, a, b), rng.beta(a, b)
        else:
            log_likelihood, again = binom.logpmf(self.events, self.totals, theta), theta
        prior_theta = rng.beta(*self._hyper(self.design.rows, *before).shapes)
        densities = log_densities(
            (self.mu_prior, self.heterogeneity_prior),
            expit(self.middle),
            self.spread,
            self.spread if on == "rho" else None,
        )
        groups: dict[str, Any] = {
            "posterior": self._named(self.middle, self.scores, self.spread) | {"theta": theta},
            "prior": self._named(*before) | {"theta": prior_theta},
            "log_likelihood": {"events": log_likelihood},
            "log_prior": {
                "middle": densities["mu"],
                "effects": -0.5 * (self.scores**2 + np.log(2 * np.pi)).sum(axis=-1),
                on: densities[on],
            },
            "posterior_predictive": {"events": rng.binomial(self.totals, again)},
            "prior_predictive": {"events": rng.binomial(self.totals, prior_theta)},
            "observed_data": {"events": self.events},
            "constant_data": {"totals": self.totals},
            "sample_stats": self.sample_stats,
        }
        effects = [f"{term}: {level} against {first}" for term, level, first, _ in self._ratios()]
        tree = from_dict(
            groups,
            dims={name: ["series"] for name in ("mu", "theta", "events", "totals")} | {"log_odds_ratio": ["effect"]},
            coords={"series": list(self.labels), "effect": effects},
        )
        tree.attrs.update(
            {f"diagnostic_{name}": value for name, value in self.diagnostics.items()}
            | self._stated
            | {"draws_are": "the sampler's, joint"}
        )
        return tree

    @property
    def _stated(self) -> dict[str, str]:
        prior = stated(self.mu_prior, self.design.effect)
        named = {"model": "beta-binomial", "method": "nuts", "prior": prior}
        return named | {"heterogeneity_prior": str(self.heterogeneity_prior)}

    def _ratios(self) -> list[tuple[str, str, str, Distribution]]:
        """Covariate, level, first level, and the odds ratio between them."""
        found: list[tuple[str, str, str, Distribution]] = []
        for one in self.design.covariates:
            for level in one.against_first:
                logs = _line(self.design.contrast(one, level), 0.0, self.scores)
                ratio = Draws(np.exp(logs).ravel(), "odds ratio")
                found.append((one.name, one.levels.names[level], one.levels.names[0], ratio))
        return found

    def _at(self, row: Array) -> Posterior:
        from riskmodel.mcmc.branch import posterior_of

        own = (self.design.rows == row).all(axis=1)
        return posterior_of(
            self._hyper(row, self.middle, self.scores, self.spread),
            (self.events[own], self.totals[own], tuple(np.array(self.labels, object)[own])),
            (self.diagnostics, self.sample_stats),
            prior=self._stated["prior"],
            heterogeneity_prior=str(self.heterogeneity_prior),
            seed=self.seed,
            way_out=_WAY_OUT,
        )

    def _hyper(self, rows: Array, middle: Array, scores: Array, spread: Array) -> Hyperparameters:
        """Hyperparameters at some draws, of shape (chains, draws) at one row, and with one axis more at several."""
        from riskmodel.mcmc.regression import hyperparameters

        x = _line(rows, middle, scores)
        common = spread if rows.ndim == 1 else spread[..., None]
        return hyperparameters(x, np.broadcast_to(common, x.shape), on_tau=self.heterogeneity_prior.scale == "tau")

    def _named(self, middle: Array, scores: Array, spread: Array) -> dict[str, Array]:
        """Draws by the names that ArviZ is told."""
        contrasts = [
            _line(self.design.contrast(one, level), 0.0, scores)
            for one in self.design.covariates
            for level in one.against_first
        ]
        return {
            "middle": expit(middle),
            "log_odds_ratio": np.stack(contrasts, axis=-1),
            self.heterogeneity_prior.scale: spread,
            "mu": expit(_line(self.design.rows, middle, scores)),
        }

    @property
    def _head(self) -> str:
        """Series and covariates, and what decides where coefficients are more than series."""
        count, series = 1 + self.design.coefficients, self.events.size
        more = f"; {count} coefficients, so that the priors decide what the counts cannot" if count > series else ""
        shown = ", ".join(one.name[:40] for one in self.design.covariates[:6])
        shown += ", ..." if len(self.design.covariates) > 6 else ""
        return f"{series} series on {shown} (beta-binomial, nuts; {self._stated['prior']}; {self.heterogeneity_prior}{more})"

    def _repr_html_(self) -> str:
        """Every odds ratio in a table, for a notebook."""
        rows = [
            (f"{term}: {level} against {first}", *map(three_digits, (one.median, *one.interval(0.95))))
            for term, level, first, one in self._ratios()
        ]
        spread = self.heterogeneity
        rows.append((self.heterogeneity_prior.scale, *map(three_digits, (spread.median, *spread.interval(0.95)))))
        return html_table(f"Odds ratios of {self._head}", ("", "median", "2.5 %", "97.5 %"), rows)

    def __repr__(self) -> str:
        """Odds ratios, as a reader would say them."""
        ratios = self._ratios()
        lines = [f"SampledRegression of {self._head}"]
        for term, level, first, ratio in ratios[:4]:
            lower, upper = ratio.interval(0.95)
            lines.append(
                f"  {term[:20]}, {level[:20]} against {first[:20]}: odds ratio {ratio.median:.3g}, "
                f"95 % interval {lower:.3g} to {upper:.3g}"
            )
        if len(ratios) > 4:
            lines.append(f"  and {len(ratios) - 4} more: odds_ratios()")
        return "\n".join(lines)


def _line(row: Array, middle: Array | float, scores: Array) -> Array:
    """Logits at some rows of a design, of shape (chains, draws) or (chains, draws, rows)."""
    added = np.asarray(scores @ row[..., 1:].T + row[..., 0])
    return added + (middle[..., None] if isinstance(middle, np.ndarray) and row.ndim > 1 else middle)


def fit(
    events: Counts,
    totals: Counts,
    labels: tuple[str, ...],
    design: Design,
    mu_prior: MuPrior,
    heterogeneity_prior: HeterogeneityPrior,
    **options: Any,
) -> SampledRegression:
    """Joint posterior of the averages at all levels, by the No-U-Turn sampler."""
    from riskmodel.mcmc import regression

    rows, place = np.unique(design.rows, axis=0, return_inverse=True)
    order = np.lexsort((totals, events, place))  # whatever order series come in, one seed gives one answer
    found = regression.sample(
        events[order],
        totals[order],
        place[order],
        rows[:, 1:],
        rows[:, 0],
        design.names,
        mu_prior=mu_prior,
        heterogeneity_prior=heterogeneity_prior,
        way_out=_WAY_OUT,
        **options,
    )
    return SampledRegression(
        events, totals, labels, design, mu_prior, heterogeneity_prior, *found, seed=int(options.get("seed") or 0)
    )
