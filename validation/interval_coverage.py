"""Frequentist coverage of intervals over a grid of true risk, spread between settings, number of series and their size.

python validation/interval_coverage.py [--replications 400] [--jobs 2] [--seed 1]: writes
validation/interval_coverage.csv and prints the tables of docs/simulation.md.

Counts are drawn from the beta-binomial with a fixed average risk mu and a fixed tau, the standard deviation of logit(theta).
Asked of every method: how often does its 95 % interval hold the average risk, and how often the risk in a new setting?
statsmodels gives the pooled intervals and DerSimonian and Laird's estimate; its own target is the middle of the logits, and
it is held to that. The prediction interval is that of Higgins, Thompson and Spiegelhalter (JRSS A 2009, section 4.1), a t
distribution with K - 2 degrees of freedom, and so there is none below three series.
"""

import argparse
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import digamma, expit
from scipy.stats import t as student
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.proportion import proportion_confint

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel.distributions.special import g_of

HERE = Path(__file__).parent
RISKS = (0.01, 0.05, 0.2, 0.5)
SPREADS = (0.0, 0.5, 1.0)
SERIES = (1, 3, 5, 10)
SIZES = (10, 20, 60)
POOLED = {"Clopper-Pearson": "beta", "Wilson": "wilson", "Jeffreys": "jeffreys"}
LEVEL = 0.95


def drawn(mu, tau, k, n, replications, rng):
    """Events of shape (replications, k), risks in a new setting, and the expected logit."""
    if tau == 0:
        return rng.binomial(n, mu, (replications, k)), np.full(replications, mu), np.log(mu / (1 - mu))
    size = 1 / g_of(np.array([tau]), np.array([mu]), np.array([1 - mu]))[0]
    a, b = mu * size, (1 - mu) * size
    theta = rng.beta(a, b, (replications, k + 1))
    return rng.binomial(n, theta[:, :k]), theta[:, k], digamma(a) - digamma(b)


def logits_of(events, n):
    """Logits and their variances, half an event added to each side where one is empty."""
    empty = ((events == 0) | (events == n)).any()
    hits, misses = events + 0.5 * empty, n - events + 0.5 * empty
    return np.log(hits / misses), 1 / hits + 1 / misses


def dersimonian_laird(events, n):
    """Confidence interval of the middle, and prediction interval; NaN where there is none."""
    y, variance = logits_of(events, n)
    if y.size == 1:
        half = 1.959964 * np.sqrt(variance[0])
        return (*expit([y[0] - half, y[0] + half]), np.nan, np.nan)
    found = combine_effects(y, variance, method_re="dl")
    middle, se = found.mean_effect_re, found.sd_eff_w_re
    ends = expit([middle - 1.959964 * se, middle + 1.959964 * se])
    if y.size < 3:
        return (*ends, np.nan, np.nan)
    half = student.ppf(0.5 + LEVEL / 2, y.size - 2) * np.sqrt(max(found.tau2, 0.0) + se**2)
    return (*ends, *expit([middle - half, middle + half]))


def cell(mu, tau, k, n, replications, seed, executor):
    rng = np.random.default_rng([seed, round(1e4 * mu), round(10 * tau), k, n])
    events, new, middle = drawn(mu, tau, k, n, replications, rng)
    ours = rm.pool_many([(row, [n] * k) for row in events], executor=executor)
    rows = []

    def row(method, target, truth, low, high):
        known = np.isfinite(low)
        if known.any():
            held = ((low <= truth + 1e-12) & (truth <= high + 1e-12))[known]
            rows.append(
                {
                    "risk": mu, "tau": tau, "series": k, "size": n, "method": method, "target": target,
                    "replications": int(known.sum()), "coverage": held.mean(), "width": (high - low)[known].mean(),
                }
            )  # fmt: skip

    for target, estimand, truth in (
        ("average", "average", np.full(replications, mu)),
        ("new setting", "new_setting", new),
    ):
        one = ours[ours["estimand"] == estimand]
        row("riskmodel", target, truth, one["lower"].to_numpy(), one["upper"].to_numpy())
    total = events.sum(axis=1)
    for name, method in POOLED.items():
        low, high = proportion_confint(total, n * k, alpha=1 - LEVEL, method=method)
        row(name, "average", np.full(replications, mu), low, high)
        row(name, "new setting", new, low, high)
    distinct, back = np.unique(np.sort(events, axis=1), axis=0, return_inverse=True)
    ends = np.array([dersimonian_laird(one, n) for one in distinct])[back.ravel()]
    row("DerSimonian-Laird", "average", np.full(replications, expit(middle)), ends[:, 0], ends[:, 1])
    row("DerSimonian-Laird", "new setting", new, ends[:, 2], ends[:, 3])
    return rows


def pages(table):
    """Markdown: coverage by target, averaged over the rest of the grid, and the worst cell."""
    methods = ["riskmodel", *POOLED, "DerSimonian-Laird"]
    text = []
    for target in ("average", "new setting"):
        part = table[table["target"] == target]
        text += [f"**{target}**", "", "| | " + " | ".join(methods) + " |", "| --- |" + " --- |" * len(methods)]
        groups = [("all", part)]
        groups += [(f"tau {tau:g}", part[part["tau"] == tau]) for tau in SPREADS]
        groups += [(f"{k} series", part[part["series"] == k]) for k in SERIES]
        groups += [(f"risk {100 * risk:g} %", part[part["risk"] == risk]) for risk in RISKS]
        for name, rows in groups:
            means = rows.groupby("method")["coverage"].mean()
            text.append(
                f"| {name} | " + " | ".join(f"{100 * means[m]:.1f}" if m in means else "none" for m in methods) + " |"
            )
        worst, widths = part.groupby("method")["coverage"].min(), part.groupby("method")["width"].mean()
        text.append("| worst cell | " + " | ".join(f"{100 * worst[m]:.1f}" for m in methods) + " |")
        text.append("| mean width | " + " | ".join(f"{widths[m]:.3f}" for m in methods) + " |")
        text.append("")
    return "\n".join(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rows = []
    with workers(asked.jobs) as executor:
        for mu, tau, k, n in itertools.product(RISKS, SPREADS, SERIES, SIZES):
            rows += cell(mu, tau, k, n, asked.replications, asked.seed, executor)
            print(f"risk {mu:g}, tau {tau:g}, {k} series of {n}", file=sys.stderr)
    table = pd.DataFrame(rows)
    table.round(5).to_csv(HERE / "interval_coverage.csv", index=False, lineterminator="\n")
    print(pages(table))


if __name__ == "__main__":
    main()
