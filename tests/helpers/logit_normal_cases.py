"""Counts of every shape for the logit-normal model, and numbers that others published for it."""

import json
from pathlib import Path

import numpy as np
from scipy.special import expit

VALIDATION = Path(__file__).parents[2] / "validation"
PUBLISHED = json.loads((VALIDATION / "logit_normal.json").read_text())
RBEST = {"model": "logit-normal", "prior": ("normal", 0, 2), "heterogeneity": ("half-normal", 1)}

CASES = {
    "one series": ([20], [21]),
    "one of one": ([1], [1]),
    "no events": ([0, 0, 0], [21, 11, 14]),
    "all events": ([21, 11, 14], [21, 11, 14]),
    "none and all": ([0, 30], [30, 30]),
    "none of a million": ([0], [10**6]),
    "a million of a million": ([10**6], [10**6]),
    "two large": ([120_000, 95_000], [10**6, 10**6]),
    "sizes of every kind": ([1, 500_000, 3], [1, 10**6, 100]),
    "rare": ([14, 7, 5, 17], [24_600, 7260, 7500, 19_200]),
    "associated": ([40, 3, 2, 1, 21], [61, 14, 7, 5, 28]),
    "unlike": (PUBLISHED["unlike_series"]["events"], PUBLISHED["unlike_series"]["totals"]),
}


def drawn(size, largest, seed=1):
    rng = np.random.default_rng(seed)
    totals = rng.integers(1, largest, size)
    return rng.binomial(totals, expit(rng.normal(-1.5, 0.8, size))), totals
