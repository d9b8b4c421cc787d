"""PIT values of a pool's own series, each foretold by the others: whether the model fits the series that it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel.calibration.scores import ecdf_differences
from riskmodel.errors import InputError
from riskmodel.inference.pool import pool
from riskmodel.posterior import Posterior

if TYPE_CHECKING:
    import pandas as pd


def loo_pit(posterior: Posterior, *, seed: int = 1) -> list[float]:
    """Randomised PIT values of the exact leave-one-out predictive distributions.

    Parameters
    ----------
    posterior : Posterior
        Of a pool of two series or more.
    seed : int
        Of the uniform that stands where a value's own probability is: counts are discrete.

    Returns
    -------
    list of float
        One for each series, uniform if the model is right; where it is, they are nearly independent.

    Raises
    ------
    InputError
        If there are fewer than two series, or the posterior has no priors to fit again.

    References
    ----------
    Gelfand AE, Dey DK, Chang H. Model determination using predictive distributions with implementation via sampling-based
    methods. Bayesian Statistics 4 (1992), 147-67. Czado C, Gneiting T, Held L. Predictive model assessment for count data.
    Biometrics 2009;65:1254-61 (randomised PIT).
    """
    events, totals = posterior.events, posterior.totals
    if events.size < 2 or posterior.priors is None:
        raise InputError("fewer than two series", where="loo_pit", remedy="Pool two or more by rm.pool")
    on_average, spread = posterior.priors
    options: dict[str, Any] = {"prior": on_average, "heterogeneity": 0 if spread is None else spread}
    uniform = np.random.default_rng(seed).random(events.size)
    found = []
    for i, (y, n) in enumerate(zip(events.tolist(), totals.tolist(), strict=True)):
        others = np.arange(events.size) != i
        chances = pool(events[others], totals[others], model=posterior.model, **options).predict(n)  # type: ignore[arg-type]
        found.append(float(chances[:y].sum() + uniform[i] * chances[y]))
    return found


def pit_table(values: Any, *, points: int = 50, ci_prob: float = 0.95, seed: int = 1) -> pd.DataFrame:
    """PIT values as distances from the uniform distribution, with simultaneous bands.

    Parameters
    ----------
    values : array_like of float, shape (values,)
        In [0, 1], such as `loo_pit` gives.
    points : int
        At how many points, less one, they are compared.
    ci_prob : float
        Probability that independent uniform values stay inside the bands everywhere.
    seed : int
        Of the draws by which the bands are adjusted.

    Returns
    -------
    pandas.DataFrame
        Columns quantity, z, difference, lower, upper, which `riskmodel.plots.pit_ecdf` draws.

    Raises
    ------
    InputError
        If there are no values, or one is not in [0, 1].

    References
    ----------
    Säilynoja T, Bürkner PC, Vehtari A. Graphical test for discrete uniformity and its applications in goodness-of-fit
    evaluation and multiple sample comparison. Stat Comput 2022;32:32.
    """
    import pandas as pd

    found = np.asarray(values, float).ravel()
    if not found.size or not np.all((found >= 0) & (found <= 1)):
        raise InputError("no values, or some outside [0, 1]", where="pit_table", remedy="Give those of loo_pit")
    rows = ecdf_differences(found, points=points, prob=ci_prob, seed=seed)
    return pd.DataFrame({"quantity": f"{found.size} series, each foretold by the others", **row} for row in rows)
