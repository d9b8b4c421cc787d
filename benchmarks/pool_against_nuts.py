"""pool() beside PyMC's sampler on the same counts: time and error, side by side in one run.

    python benchmarks/pool_against_nuts.py [--repeats 15] [--draws 2000]

Medians of several repeats; the sampler is timed from a standing start (the model built and compiled, as a new set of counts
needs) and without compilation, by PyMC's own clock. Its error is its distance from
high-precision integration (`validation/exact_reference.json`), as is quadrature's.
"""

import argparse
import json
import platform
import statistics
import sys
import time
from pathlib import Path

import numpy as np

import riskmodel as rm

HERE = Path(__file__).parent.parent / "validation"
CASES = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
REFERENCE = json.loads((HERE / "exact_reference.json").read_text(encoding="utf-8"))
#: The prior of those numbers, by its name and as they name it; times without the sampler are of the default prior.
PRIOR, HELD = "first-default", "log-normal-0.8-0.6"


def intervals(posterior):
    return posterior.average.interval(0.95), posterior.new_setting.interval(0.95)


def median_time(action, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def synthetic(size):
    rng = np.random.default_rng(size)
    totals = rng.integers(5, 60, size)
    return rng.binomial(totals, rng.beta(2, 8, size)), totals


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--draws", type=int, default=2000)
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, {platform.machine()}, riskmodel {rm.__version__}")

    print("\nquadrature alone: milliseconds, medians")
    print(f"{'case':<14}{'series':>7}{'fit and means':>15}{'with both':>15}{'error of mean':>15}{'estimated':>11}")
    shapes = {name: (case["events"], case["totals"]) for name, case in CASES.items()}
    shapes |= {f"{size} drawn": synthetic(size) for size in (5, 12)}
    for name, (events, totals) in sorted(shapes.items(), key=lambda item: len(item[1][0])):
        fit = median_time(lambda e=events, t=totals: rm.pool(e, t).average.mean, options.repeats)
        whole = median_time(lambda e=events, t=totals: intervals(rm.pool(e, t)), options.repeats)
        held = rm.pool(events, totals, heterogeneity=PRIOR)
        known, estimate = REFERENCE.get(f"{name} | {HELD}"), f"{held.error.mean:.1e}"
        error = f"{abs(held.average.mean - known['mean']):.1e}" if known else ""
        print(f"{name:<14}{len(events):>7}{1e3 * fit:>15.2f}{1e3 * whole:>15.2f}{error:>15}{estimate:>11}")

    print("\nbeside PyMC (4 chains): seconds; error of the mean and of the upper 95 % limit of the new setting")
    print(f"{'case':<12}{'engine':<22}{'time':>9}{'ratio':>8}{'mean':>10}{'limit':>10}")
    for name in ("isolated", "karyotype", "rats"):
        events, totals = CASES[name]["events"], CASES[name]["totals"]
        known = REFERENCE[f"{name} | {HELD}"]
        limit = 1 / (1 + np.exp(-known["new_setting_logits"][1]))
        exact = rm.pool(events, totals, heterogeneity=PRIOR)
        base = median_time(
            lambda e=events, t=totals: rm.pool(e, t, heterogeneity=PRIOR).new_setting.interval(0.95), options.repeats
        )
        row("quadrature", name, base, base, exact, known["mean"], limit)
        fit = median_time(lambda e=events, t=totals: rm.pool(e, t, heterogeneity=PRIOR).average.mean, options.repeats)
        row("quadrature, means only", name, fit, base, exact, known["mean"], limit)
        start = time.perf_counter()
        sampled = rm.pool(events, totals, heterogeneity=PRIOR, method="nuts", draws=options.draws, seed=1)
        sampled.new_setting.interval(0.95)
        row("nuts, standing start", name, time.perf_counter() - start, base, sampled, known["mean"], limit)
        row("nuts, sampling alone", name, sampled.diagnostics["sampling_seconds"], base, sampled, known["mean"], limit)


def row(label, name, taken, base, post, mean, limit):
    mean_error = abs(post.new_setting.mean - mean)
    limit_error = abs(post.new_setting.interval(0.95)[1] - limit)
    print(f"{name:<12}{label:<22}{taken:>9.4f}{taken / base:>8.1f}{mean_error:>10.1e}{limit_error:>10.1e}")


if __name__ == "__main__":
    main()
