"""Correlations of a tree's branches by exact joint draws beside PyMC's, for each shipped finding: minutes each.

Usage: ``python validation/joint_correlations.py [FINDING ...] [--draws N]``. Prints, for each finding, how many pairs of
hyperparameters there are, the largest difference of their correlations, and the largest in standard errors of both.
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

import numpy as np

import riskmodel as rm

FINDINGS = ("fetal-hepatic-calcification", "fetal-mild-ventriculomegaly", "fetal-echogenic-bowel")


def columns(sample: Any) -> dict[str, np.ndarray]:
    """Logits of mu and of rho of each branch, of shape (chains, draws)."""
    draws = sample.draws
    found = {}
    for i, edge in enumerate(draws.branches):
        for name in ("mu", "rho"):
            value = np.clip(getattr(draws, name)[..., i], 1e-12, 1 - 1e-12)
            found[f"{name}[{edge}]"] = np.log(value) - np.log1p(-value)
    return found


def correlation(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Correlation of ranks, and its Monte Carlo standard error from the effective size of the product of the scores."""
    from arviz_stats.base import array_stats
    from scipy.stats import rankdata

    scores = [rankdata(part.ravel()).reshape(part.shape) for part in (one, other)]
    scores = [(score - score.mean()) / score.std() for score in scores]
    found = float((scores[0] * scores[1]).mean())
    # The influence function of a correlation: its mean is zero and its spread that of the estimate.
    influence = scores[0] * scores[1] - 0.5 * found * (scores[0] ** 2 + scores[1] ** 2)
    return found, float(array_stats.mcse(influence, chain_axis=0, draw_axis=1, method="mean"))


def compare(exact: Any, sampled: Any) -> list[tuple[str, str, float, float, float]]:
    """Each pair of hyperparameters with both correlations, and how far apart in standard errors."""
    here, there = columns(exact), columns(sampled)
    found = []
    for first, second in itertools.combinations(here, 2):
        (one, error), (other, error_too) = (correlation(held[first], held[second]) for held in (here, there))
        found.append((first, second, one, other, abs(one - other) / np.hypot(error, error_too)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("findings", nargs="*", default=FINDINGS)
    parser.add_argument("--draws", type=int, default=2000)
    asked = parser.parse_args()
    for name in asked.findings:
        model, began = rm.fit(name), time.perf_counter()
        exact = model.sample(method="exact", draws=40_000, seed=1)
        middle = time.perf_counter()
        sampled = model.sample(draws=asked.draws, seed=1)
        pairs = compare(exact, sampled)
        worst = max(pairs, key=lambda pair: pair[-1])
        above = sum(pair[-1] > 3 for pair in pairs)
        print(
            f"{name}: {len(pairs)} pairs; exact {middle - began:.1f} s, sampler {time.perf_counter() - middle:.0f} s; "
            f"largest difference {max(abs(pair[2] - pair[3]) for pair in pairs):.3f}; "
            f"above 3 standard errors {above}; largest {worst[-1]:.2f} at {worst[0]}, {worst[1]} "
            f"({worst[2]:.3f} and {worst[3]:.3f})"
        )
        for pair in sorted(pairs, key=lambda pair: -abs(pair[2]))[:5]:
            print(f"  {pair[0]:>9} {pair[1]:>9}  exact {pair[2]:+.3f}  sampled {pair[3]:+.3f}")


if __name__ == "__main__":
    main()
