"""Ascertainment adjusted, beside ascertainment restricted: each branch in each kind of setting, three ways."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel._support.doors import door
from riskmodel.errors import InputError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count
from riskmodel.mcmc.diagnostics import mcse
from riskmodel.tree.model import ProbabilityTree, as_tree

if TYPE_CHECKING:
    import pandas as pd

    from riskmodel.mcmc.ascertainment import SettingDraws


@dataclass(frozen=True, eq=False)
class AdjustedSettings:
    """Branches whose risk may differ by setting, partially pooled.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The tree, or a finding as `fit` takes it; its own setting is left aside, for all are in it.
    branches : tuple of int
        Places in `edges` of the branches with counts.
    settings : tuple of str
        The finding's settings.
    draws : SettingDraws
        With diagnostics.
    """

    model: ProbabilityTree
    branches: tuple[int, ...]
    settings: tuple[str, ...]
    draws: SettingDraws

    def table(self, *, ci_prob: float = 0.95) -> pd.DataFrame:
        """Each branch in each setting: adjusted, restricted to the setting's series, and with all settings taken alike.

        Parameters
        ----------
        ci_prob : float
            Probability of the equal-tailed intervals, for one more setting of the kind.

        Returns
        -------
        pandas.DataFrame
            Columns branch, setting, series (of the setting), adjusted, adjusted_lower, adjusted_upper, mcse (of adjusted),
            restricted, restricted_lower, restricted_upper (missing where the setting has no series), all, all_lower and
            all_upper. The latter two are exact, of the branches' own counts.
        """
        import pandas as pd

        tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
        whole = self.model.variant(setting="any")
        rows = []
        for i, place in enumerate(self.branches):
            edge = self.model.edges[place]
            every = whole.posterior(edge)
            for k, setting in enumerate(self.settings):
                alone = self.model.variant(setting=setting).posterior(edge)
                drawn = self.draws.mu[..., i, k]
                lower, upper = np.quantile(self.draws.theta_new[..., i, k], tails)
                row: dict[str, Any] = {
                    "branch": edge.said,
                    "setting": setting,
                    "series": 0 if alone is None else alone.events.size,
                    "adjusted": float(drawn.mean()),
                    "adjusted_lower": float(lower),
                    "adjusted_upper": float(upper),
                    "mcse": mcse(drawn),
                }
                for name, posterior in (("restricted", alone), ("all", every)):
                    ends = (None, None) if posterior is None else posterior.new_setting.interval(ci_prob)
                    row |= {name: None if posterior is None else posterior.average.mean}
                    row |= {f"{name}_lower": ends[0], f"{name}_upper": ends[1]}
                rows.append(row)
        table = pd.DataFrame(rows)
        return table.astype({name: "float64" for name in table.columns if name not in ("branch", "setting", "series")})

    @property
    def omega(self) -> tuple[float, float, float]:
        """How much kinds of setting differ, as a standard deviation of logits: mean and 95 % equal-tailed interval."""
        values = self.draws.omega
        lower, upper = np.quantile(values, [0.025, 0.975])
        return float(values.mean()), float(lower), float(upper)

    def __repr__(self) -> str:
        """What was fitted."""
        mean, lower, upper = self.omega
        return (
            f"AdjustedSettings({len(self.branches)} branches, {' and '.join(self.settings)}; "
            f"omega {mean:.2f}, 95 % interval {lower:.2f} to {upper:.2f})"
        )


@door
def adjusted_settings(
    model: str | Path | Evidence | ProbabilityTree,
    *,
    draws: int = 2000,
    tune: int = 1500,
    chains: int = 4,
    seed: int = 0,
    target_accept: float = 0.98,
    progressbar: bool = False,
) -> AdjustedSettings:
    """Fit all branches with risks that may differ by kind of setting, by PyMC's sampler.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The tree, or a finding as `fit` takes it; its priors hold. Counts of coarser groups are left out.
    draws, tune, chains, seed, target_accept, progressbar : int, float or bool
        As `riskmodel.mcmc.ascertainment.fit_settings` takes them.

    Returns
    -------
    AdjustedSettings
        With `table`, `omega` and the draws.

    Raises
    ------
    InputError
        If the finding declares fewer than two settings, or no branch has counts.
    UnavailableError
        If a total is too large for the sampler, or all settings are taken to be alike.
    ConvergenceError
        If the draws cannot be trusted.
    """
    from riskmodel.mcmc.ascertainment import fit_settings

    model = as_tree(model)
    settings = model.evidence.finding.settings
    if len(settings) < 2:
        raise InputError("fewer than two settings", where="model", remedy="Declare [[settings]] in finding.toml")
    counts = model.variant(setting="any").counts
    branches = tuple(i for i, rows in enumerate(counts) if rows)

    def kind(row: Count) -> int:
        return next((k for k, one in enumerate(settings) if row.ascertainment in one.ascertainments), -1)

    drawn = fit_settings(
        [
            ([row.events for row in counts[i]], [row.total for row in counts[i]], [kind(row) for row in counts[i]])
            for i in branches
        ],
        len(settings),
        mu_priors=[model.fitted.mu_priors[i] for i in branches],
        heterogeneity_prior=model.fitted.heterogeneity_prior,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        target_accept=target_accept,
        progressbar=progressbar,
    )
    return AdjustedSettings(model, branches, tuple(one.name for one in settings), drawn)
