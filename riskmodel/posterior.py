"""The one posterior type: what counts and priors say of a risk, whichever engine said it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from riskmodel._support.checks import Rng, as_rng
from riskmodel._support.kept import Value, kept
from riskmodel.distributions.base import Distribution, SettingDistribution
from riskmodel.distributions.settings import NewSetting, Settings
from riskmodel.distributions.special import log_choose, logit
from riskmodel.priors.drawn import Priors, drawn_from, log_densities, rho_of
from riskmodel.report.wording import html_table, three_digits

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_COLUMNS = (
    *("estimand", "label", "events", "total", "observed"),
    *("mean", "sd", "median", "lower", "upper", "ci_prob", "ci_kind"),
)


@dataclass(frozen=True, eq=False)
class ErrorEstimate(Value):
    """How far an engine's numbers may be from the exact ones of its model.

    Parameters
    ----------
    mean : float
        Absolute error of the mean of the average and of the new setting.
    sd : float
        Absolute error of the standard deviation of the average.
    log_evidence : float
        Absolute error of the logarithm of the marginal likelihood; NaN where the engine gives none.
    nodes : int
        Nodes of a quadrature, or draws of a sampler.
    kind : str
        ``"exact"``, ``"quadrature"`` or ``"monte carlo"``: a bound of rounding, a difference of rules, or one standard
        error.
    """

    mean: float
    sd: float
    log_evidence: float
    nodes: int
    kind: str


@dataclass(frozen=True, eq=False)
class Posterior(Value):
    """What published series say of one risk.

    Parameters
    ----------
    events, totals : ndarray of int, shape (series,)
        The counts.
    labels : tuple of str
        A name for each series.
    average : Distribution
        mu, the average risk across settings.
    heterogeneity : Distribution
        How much settings differ; its `scale` says on which measure.
    model, method : str
        ``"beta-binomial"``; ``"conjugate"``, ``"quadrature"`` or ``"nuts"``.
    prior, heterogeneity_prior : str
        As stated.
    tau : Distribution
        The standard deviation of logit(theta) between settings, whatever the measure of `heterogeneity`.
    log_evidence : float
        Logarithm of the probability of these counts under the model and its priors; NaN where the engine gives none.
    error : ErrorEstimate
        How far these numbers may be from exact.
    settings : Settings
        How the risk in a new setting, and in each series' own, comes from what was fitted: each is made when first asked
        for, since many fits only need the mean of the average.
    draws : mapping of str to ndarray, optional
        Draws by variable with shape (chains, draws, ...), where a sampler made them.
    sample_stats : mapping of str to ndarray, optional
        What the sampler noted at each draw, with shape (chains, draws).
    diagnostics : mapping of str to float, optional
        What the sampler says of itself.
    priors : tuple of (MuPrior, HeterogeneityPrior or None), optional
        The priors themselves, from which `to_datatree` draws.
    """

    events: NDArray[np.int64]
    totals: NDArray[np.int64]
    labels: tuple[str, ...]
    average: Distribution
    heterogeneity: Distribution
    tau: Distribution
    model: str
    method: str
    prior: str
    heterogeneity_prior: str
    log_evidence: float
    error: ErrorEstimate
    settings: Settings = field(repr=False)
    draws: dict[str, Array] = field(default_factory=dict, repr=False)
    sample_stats: dict[str, NDArray[Any]] = field(default_factory=dict, repr=False)
    diagnostics: dict[str, float] = field(default_factory=dict)
    priors: Priors | None = field(default=None, repr=False)

    @property
    def new_setting(self) -> SettingDistribution:
        """theta_new, the risk in a setting not among the series: what a person in another clinic faces.

        Its mean is the probability of the event for the next fetus.
        """
        return self.settings.new_setting

    @kept
    def next_setting(self) -> NewSetting:
        """The same as `new_setting`, but made when more than its mean is asked for: one object for all who ask."""
        return NewSetting(self.average, self.settings)

    @property
    def series(self) -> Sequence[Distribution]:
        """theta_i, the risk in each series' own setting, shrunken towards the others."""
        return self.settings

    def predict(self, total: int) -> Array:
        """Predictive probabilities of the number of events in a new series from a new setting.

        Parameters
        ----------
        total : int
            Size of the new series, 0 to 1,000,000.

        Returns
        -------
        ndarray of shape (total + 1,)
            Probabilities of 0 to `total` events, summing to one.

        Raises
        ------
        InputError
            If `total` is not a whole number in range.
        """
        return self.new_setting.predict(total)

    def table(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Every estimand with its interval, one row each.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        pandas.DataFrame
            Columns estimand, label, events, total, observed, mean, sd, median, lower, upper, ci_prob, ci_kind. Counts are
            missing for the average, the new setting and the heterogeneity.
        """
        import pandas as pd

        rows = []
        for one in self.to_dict(ci_prob=ci_prob)["estimands"]:
            lower, upper = one.pop("interval")
            one["observed"] = None if one["total"] is None else one["events"] / one["total"]
            rows.append(one | {"lower": lower, "upper": upper, "ci_prob": ci_prob, "ci_kind": "eti"})
        return pd.DataFrame(rows, columns=_COLUMNS).astype({"events": "Int64", "total": "Int64", "observed": "Float64"})

    def to_dict(self, *, ci_prob: float = 0.95) -> dict[str, Any]:
        """As JSON knows it.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals.

        Returns
        -------
        dict
            Keys model, method, prior, heterogeneity_prior, log_evidence, error, ci_prob, ci_kind and estimands: a list with
            estimand, label, events, total, mean, sd, median and interval.
        """
        named: list[tuple[str, str, int | None, int | None, Distribution]] = [
            ("series", label, int(y), int(n), one)
            for label, y, n, one in zip(self.labels, self.events, self.totals, self.series, strict=True)
        ]
        named += [(name, name, None, None, getattr(self, name)) for name in ("average", "new_setting")]
        spreads = {getattr(one, "scale", ""): one for one in (self.heterogeneity, self.tau)}
        named += [("heterogeneity", scale, None, None, one) for scale, one in spreads.items()]
        return {
            "model": self.model,
            "method": self.method,
            "prior": self.prior,
            "heterogeneity_prior": self.heterogeneity_prior,
            "log_evidence": self.log_evidence if math.isfinite(self.log_evidence) else None,
            "error": {"mean": self.error.mean, "kind": self.error.kind},
            "ci_prob": ci_prob,
            "ci_kind": "eti",
            "estimands": [
                {
                    "estimand": name,
                    "label": label,
                    "events": events,
                    "total": total,
                    "mean": float(one.mean),
                    "sd": float(one.sd),
                    "median": one.median,
                    "interval": list(one.interval(ci_prob)),
                }
                for name, label, events, total, one in named
            ],
        }

    def sample(self, size: int, rng: Rng) -> dict[str, Array]:
        """Independent draws of each estimand, each on its own.

        Parameters
        ----------
        size : int
            How many draws.
        rng : int or numpy.random.Generator
            Source of randomness, or the seed of one.

        Returns
        -------
        dict of str to ndarray
            ``average``, ``new_setting`` and ``heterogeneity`` of shape (size,), ``series`` of shape (size, series). The
            margins are exact; draws of different estimands are not paired.
        """
        rng = as_rng(rng)
        series = [one.sample(size, rng) for one in self.series]
        return {
            "average": self.average.sample(size, rng),
            "new_setting": self.new_setting.sample(size, rng),
            "heterogeneity": self.heterogeneity.sample(size, rng),
            "series": np.stack(series, axis=1) if series else np.empty((size, 0)),
        }

    def to_datatree(self, *, draws: int = 4000, seed: int = 0, integrated: bool = False) -> Any:
        """Posterior as ArviZ knows it: draws of everything, paired, with what its checks need.

        Parameters
        ----------
        draws : int
            Draws to take where the posterior is exact and has none of its own: independent ones, in four chains where they
            divide evenly.
        seed : int
            Seed of those draws, and of the predictive ones.
        integrated : bool
            Whether log_likelihood and posterior_predictive are those of a series from a new setting, its own risk integrated
            out; otherwise those of the same setting once more. `arviz.loo`, and PIT by it, need the former where a series
            tells much of its own risk, as nearly all do.

        Returns
        -------
        xarray.DataTree
            Groups posterior (mu, tau, rho where the risks are Betas, theta_new, theta by series), prior (the same but for
            theta), log_likelihood and log_prior of the draws, posterior_predictive, prior_predictive and observed_data
            (events by series); constant_data holds the totals. From a sampler the draws are its own.

        Notes
        -----
        Hyperparameters are drawn from the nodes of the quadrature by their weights, and risks given them.

        References
        ----------
        Merkle EC, Furr D, Rabe-Hesketh S. Bayesian comparison of latent variable models: conditional versus marginal
        likelihoods. Psychometrika 2019;84:802-29 (for `integrated`).
        """
        from arviz_base import from_dict
        from scipy.stats import binom

        rng = np.random.default_rng(seed)
        posterior = self._drawn(draws, rng)
        shape, series = posterior["mu"].shape, self.events.size

        def counted(theta: Array) -> dict[str, NDArray[np.int64]]:
            return {"events": np.asarray(rng.binomial(self.totals, theta))}

        groups: dict[str, Any] = {
            "posterior": posterior,
            "observed_data": {"events": self.events},
            "constant_data": {"totals": self.totals},
        }
        if series and integrated:
            logits, tau = (one.ravel() for one in (logit(posterior["mu"]), posterior["tau"]))
            log_likelihood = log_choose(self.totals, self.events) + self.settings.log_integrated(logits, tau)
            groups["log_likelihood"] = {"events": log_likelihood.reshape(*shape, series)}
            groups["posterior_predictive"] = counted(
                self.settings.given(logits, tau, series, rng).reshape(*shape, series)
            )
        elif series:
            groups["posterior_predictive"] = counted(posterior["theta"])
            groups["log_likelihood"] = {"events": binom.logpmf(self.events, self.totals, posterior["theta"])}
        if self.priors is not None:
            size = int(np.prod(shape))
            logits, tau = drawn_from(self.priors, size, rng)
            theta = self.settings.given(logits, tau, series, rng).reshape(*shape, series)
            new = self.settings.given(logits, tau, 1, rng)[:, 0]
            groups["prior"] = self._named(logits, tau, new, shape)
            groups["log_prior"] = log_densities(self.priors, posterior["mu"], posterior["tau"], posterior.get("rho"))
            if series:
                groups["prior_predictive"] = counted(theta)
        if self.sample_stats:
            groups["sample_stats"] = self.sample_stats
        names = {"theta": ["series"], "events": ["series"], "totals": ["series"]}
        tree = from_dict(groups, dims=names, coords={"series": list(self.labels)})
        tree.attrs.update(
            {
                **{f"diagnostic_{name}": value for name, value in self.diagnostics.items()},
                "model": self.model,
                "method": self.method,
                "prior": self.prior,
                "heterogeneity_prior": self.heterogeneity_prior,
                "draws_are": "the sampler's, joint" if self.draws else "independent, joint",
            }
        )
        return tree

    def _drawn(self, draws: int, rng: np.random.Generator) -> dict[str, Array]:
        """Draws of the posterior by name, of shape (chains, draws, ...)."""
        if self.draws:
            return dict(self.draws)
        chains = 4 if draws % 4 == 0 and draws >= 400 else 1
        joint, shape = self.settings.joint(draws, rng), (chains, draws // chains)
        return self._named(joint.logit, joint.tau, joint.new, shape) | {
            "theta": joint.own.reshape(*shape, self.events.size)
        }

    def _named(self, logits: Array, tau: Array, new: Array, shape: tuple[int, ...]) -> dict[str, Array]:
        """Draws of the hyperparameters and of a new setting's risk by name; rho where risks are Betas."""
        found = {"mu": expit(logits), "tau": tau, "theta_new": new}
        if not self.model.startswith("logit-"):
            found["rho"] = rho_of(logits, tau)
        return {name: values.reshape(shape) for name, values in found.items()}

    def _repr_html_(self) -> str:
        """Every estimand in a table, for a notebook."""
        told = self.to_dict()
        rows = [
            (
                one["label"].replace("_", " ") if one["total"] is None else one["label"],
                "" if one["total"] is None else f"{one['events']}/{one['total']}",
                *map(three_digits, (one["mean"], *one["interval"])),
            )
            for one in told["estimands"]
        ]
        caption = f"{self.model}, {self.method}; {self.prior}; {self.heterogeneity_prior}"
        return html_table(caption, ("", "events/total", "mean", "2.5 %", "97.5 %"), rows)

    def __repr__(self) -> str:
        """Estimands with their intervals, as a reader would say them."""
        head = f"Posterior of {self.events.size} series, {int(self.events.sum())} of {int(self.totals.sum())}"
        lines = [f"{head} ({self.model}, {self.method}; {self.prior}; {self.heterogeneity_prior})"]
        for name in ("average", "new_setting"):
            distribution = getattr(self, name)
            lower, upper = distribution.interval(0.95)
            lines.append(f"  {name:<12} mean {distribution.mean:.4f}, 95 % interval {lower:.4f} to {upper:.4f}")
        return "\n".join(lines)
