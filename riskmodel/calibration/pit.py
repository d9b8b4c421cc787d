"""PIT values beside the uniform distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from riskmodel._support.checks import checked_seed, checked_whole
from riskmodel._support.doors import door
from riskmodel.calibration.scores import ecdf_differences
from riskmodel.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@door
def pit_table(values: ArrayLike, *, points: int = 50, ci_prob: float = 0.95, seed: int = 1) -> pd.DataFrame:
    """PIT values as distances from the uniform distribution, with simultaneous bands.

    Parameters
    ----------
    values : array_like of float, shape (values,)
        In [0, 1], such as `riskmodel.between.loo_pit` gives.
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
    checked_whole(points, "points", 2, 10_000)
    if not 0 < ci_prob < 1:
        raise InputError(f"{ci_prob!r} is no probability between 0 and 1", where="ci_prob", remedy="Give 0.95")
    if not found.size or not np.all((found >= 0) & (found <= 1)):
        raise InputError(
            "no values, or some outside [0, 1]", where="pit_table", remedy="Give those of rm.between.loo_pit"
        )
    rows = ecdf_differences(found, points=points, prob=ci_prob, seed=checked_seed(seed, "seed"))
    return pd.DataFrame({"quantity": f"{found.size} series, each foretold by the others", **row} for row in rows)
