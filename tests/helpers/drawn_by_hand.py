"""Series with two covariates, and a regression on them whose draws were never sampled."""

import numpy as np

from riskmodel.inference.regression.covariates import as_design
from riskmodel.inference.regression.sampled import SampledRegression
from riskmodel.priors import LogitNormalPrior, as_heterogeneity_prior, as_mu_prior

EVENTS, TOTALS = [3, 14, 9, 2, 0, 5, 8, 1, 6, 2, 12, 4], [20, 30, 25, 40, 11, 22, 30, 25, 18, 40, 33, 29]
YEARS = [1990, 1992, 1995, 1996, 1999, 2000, 2001, 2003, 2006, 2008, 2009, 2010]
REGIONS = ["north", "south", "west"] * 4
NAMES = tuple(f"series {i + 1}" for i in range(12))
TABLE = {"year": YEARS, "region": REGIONS}
EFFECT = LogitNormalPrior(0.0, 1.0)


def by_hand(table=TABLE, names=NAMES, effect=EFFECT, shift=0.0):
    """A regression of draws that were never sampled: independent normals about known values."""
    rng, design = np.random.default_rng(1), as_design(table, names, effect)
    size = len(names)
    return SampledRegression(
        np.array(EVENTS[:size]), np.array(TOTALS[:size]), names, design, as_mu_prior("jeffreys"),
        as_heterogeneity_prior("default"), rng.normal(-1 + shift, 0.1, (4, 500)),
        rng.normal(0.5, 0.1, (4, 500, design.coefficients)), np.exp(rng.normal(-1, 0.1, (4, 500))), {},
        {"sampling_seconds": 1.0, "divergences": 0.0, "bfmi": 1.0}, 0,
    )  # fmt: skip
