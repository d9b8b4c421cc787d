"""Candidate heterogeneity priors, judged by leave-one-series-out prediction and cross-validated by data set.

    python validation/choose_default_prior.py [--corpus FILE] [--seeds N] [--jobs N] [--out FILE]

Writes one Markdown table. The draws are those of `riskmodel calibrate`, with N seeds. Each case is fitted twice, under a
wide reference prior on tau and under one on rho; every candidate reweights the nodes of one of these fits by the ratio of
its density to the reference's, which gives the posterior that `pool` would give under it (the largest difference found on a
sample is printed). That makes a hundred candidates as cheap as two, and allows families that `pool` does not take.

Cross-validated rows choose a family's parameters on all clusters but one, by mean log score, and are scored on that one.
"""

import argparse
import math
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from scipy.special import gammaln

import riskmodel as rm
from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.cross_validation import KS, LARGEST, MOST
from riskmodel.calibration.leave_out import LOWEST_LOG_SCORE, Task, draw_cases
from riskmodel.calibration.predictors import PREDICTORS
from riskmodel.calibration.scores import AVERAGE, Scores, rarity
from riskmodel.distributions.special import log_rising, tau_of
from riskmodel.errors import RiskModelError
from riskmodel.priors import BetaOnRho, HalfNormalOnTau, LogNormalOnTau, as_mu_prior

#: Wide, so that every candidate's mass is covered, and smooth, so that the quadrature's nodes serve them all.
REFERENCES = {"tau": LogNormalOnTau(0.8, 1.4), "rho": BetaOnRho(0.7, 1.5)}
MEDIANS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0, 1.2)
SIGMAS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)


class OnTau:
    """A density on tau, given mu, as the log of it; turned into one on log g."""

    scale = "tau"

    def __init__(self, log_pdf):
        self.log_pdf = log_pdf

    def log_density(self, mu, rest, g):
        """Logarithm of the density of log g, as `riskmodel.priors` has it."""
        tau, log_slope = tau_of(mu, rest, g)
        return self.log_pdf(tau, mu, rest) + log_slope


def half_t(scale, df):
    """Student's t folded at zero (df = 1: half-Cauchy)."""
    constant = math.log(2) + gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * math.log(df * math.pi) - math.log(scale)
    return OnTau(lambda tau, mu, rest: constant - (df + 1) / 2 * np.log1p((tau / scale) ** 2 / df))


def log_t(median, scale, df):
    """Student's t on log tau: a log-normal with heavier tails."""
    constant = gammaln((df + 1) / 2) - gammaln(df / 2) - 0.5 * math.log(df * math.pi) - math.log(scale)

    def log_pdf(tau, mu, rest):
        z = (np.log(tau) - math.log(median)) / scale
        return constant - (df + 1) / 2 * np.log1p(z**2 / df) - np.log(tau)

    return OnTau(log_pdf)


def log_normal_by_risk(median, sigma, slope):
    """Log-normal whose median is larger by (4 mu (1 - mu))**slope: symmetric in mu, `median` at one half."""

    def log_pdf(tau, mu, rest):
        z = (np.log(tau) - math.log(median) - slope * np.log(4 * mu * rest)) / sigma
        return -0.5 * z**2 - math.log(sigma) - 0.5 * math.log(2 * math.pi) - np.log(tau)

    return OnTau(log_pdf)


def candidates():
    """Family, what it is, the prior on heterogeneity, the prior on mu."""
    found = [
        ("log-normal", f"tau ~ LogNormal(median {m:g}, sigma {s:g})", LogNormalOnTau(m, s), "jeffreys")
        for m in MEDIANS
        for s in SIGMAS
    ]
    found += [
        ("half-normal", f"tau ~ HalfNormal({s:g})", HalfNormalOnTau(s), "jeffreys")
        for s in (0.5, 0.75, 1, 1.25, 1.5, 2)
    ]
    found += [
        ("half-t, 4 df", f"tau ~ HalfT(4 df, {s:g})", half_t(s, 4), "jeffreys") for s in (0.4, 0.6, 0.8, 1.0, 1.25, 1.5)
    ]
    found += [("half-Cauchy", f"tau ~ HalfCauchy({s:g})", half_t(s, 1), "jeffreys") for s in (0.3, 0.4, 0.6, 0.8, 1.0)]
    found += [
        ("log-t, 4 df", f"log tau ~ T(4 df, median {m:g}, scale {s:g})", log_t(m, s, 4), "jeffreys")
        for m in (0.7, 0.8, 0.9, 1.0)
        for s in (0.2, 0.3, 0.4, 0.6)
    ]
    found += [
        (
            "log-normal by risk",
            f"tau ~ LogNormal(median {m:g} (4 mu (1 - mu))^{b:g}, sigma {s:g})",
            log_normal_by_risk(m, s, b),
            "jeffreys",
        )
        for m in (0.7, 0.8, 0.9, 1.0)
        for s in (0.4, 0.6)
        for b in (-0.2, -0.1, 0.1, 0.2)
    ]
    found += [
        ("Beta on rho", f"rho ~ Beta({a:g}, {b:g})", BetaOnRho(a, b), "jeffreys")
        for a, b in ((1, 1), (1, 3), (1, 9), (1, 19), (0.5, 5), (0.5, 10))
    ]
    found += [
        (
            "log-normal, uniform mu",
            f"tau ~ LogNormal(median {m:g}, sigma {s:g}), mu uniform",
            LogNormalOnTau(m, s),
            "uniform",
        )
        for m in (0.7, 0.8, 0.9)
        for s in (0.3, 0.4, 0.5, 0.6)
    ]
    found += [
        (
            "log-normal, N(0, 2) mu",
            f"tau ~ LogNormal(median {m:g}, sigma {s:g}), logit mu ~ N(0, 2)",
            LogNormalOnTau(m, s),
            "rbest",
        )
        for m in (0.7, 0.8, 0.9)
        for s in (0.3, 0.4, 0.5, 0.6)
    ]
    return found


def reference_fits(events, totals):
    """One posterior for each reference."""
    return {scale: rm.pool(events, totals, heterogeneity=prior) for scale, prior in REFERENCES.items()}


def reweighted(mixture, chosen, scale):
    """Weights of a reference fit's components under candidates of its scale, ndarray of shape (candidates, components)."""
    size = mixture.a + mixture.b
    mu, rest, g = mixture.a / size, mixture.b / size, 1 / size
    x = np.log(mixture.a) - np.log(mixture.b)
    reference = REFERENCES[scale].log_density(mu, rest, g) + as_mu_prior("jeffreys").log_density(x)
    base = np.log(mixture.weights) - reference
    on_mu = {name: as_mu_prior(name).log_density(x) for name in {one[3] for one in chosen}}
    logs = np.stack([base + one[2].log_density(mu, rest, g) + on_mu[one[3]] for one in chosen])
    weights = np.exp(logs - logs.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def predicted(events, totals, y, n, chosen):
    """Probability of y events of n, and of fewer, under each candidate: two ndarrays of shape (candidates,)."""
    at, below = np.empty((2, len(chosen)))
    for scale, post in reference_fits(events, totals).items():
        places = [i for i, one in enumerate(chosen) if one[2].scale == scale]
        weights = reweighted(post.new_setting, [chosen[i] for i in places], scale)
        here, fewer = tails(post.new_setting, y, n)
        at[places], below[places] = weights @ here, weights @ fewer
    return at, below


def tails(mixture, y, n):
    """Of every component, the probability of y events and that of fewer, from the end that is nearer."""
    a, b, mirror = mixture.a[:, None], mixture.b[:, None], y > n - y
    if mirror:
        a, b, y = b, a, n - y
    k = np.arange(y)
    ratios = np.log((a + k) / (b + (n - 1 - k)) * ((n - k) / (k + 1.0)))
    # Rising factorials, since differences of log-gamma functions cancel where a + b is large.
    one = np.ones_like(b[:, 0])
    start = log_rising(b[:, 0], one, np.array([n])) - log_rising((a + b)[:, 0], one, np.array([n]))
    start = start[:, None]
    pmf = np.exp(np.concatenate([start, start + np.cumsum(ratios, axis=1)], axis=1))
    at, below = pmf[:, y], pmf[:, :y].sum(1)
    return (at, 1 - below - at) if mirror else (at, below)


def judge(task):
    """Log scores and PIT values of every candidate, and of rows that only `pool` can give, for one arm and seed."""
    chosen = candidates()
    events, totals = np.array(task.arm.events), np.array(task.arm.totals)
    rows = []
    for case in draw_cases(task):
        others = np.array(case.others)
        y, n = int(events[case.left_out]), int(totals[case.left_out])
        at, below = predicted(events[others], totals[others], y, n, chosen)
        scores = {"p": list(at), "pit": list(np.clip(below + case.u * at, 0, 1))}
        for name in ("naive", "rbest"):
            try:
                pmf = PREDICTORS[name](events[others], totals[others], n)
            except RiskModelError:
                pmf = np.full(n + 1, np.nan)
            scores["p"].append(pmf[y])
            scores["pit"].append(pmf[:y].sum() + case.u * pmf[y])
        rows.append((task.arm.cluster, task.arm.pooled_risk, case.k, n, scores["p"], scores["pit"]))
    return rows


def judged(judge, corpus, seeds, jobs):
    """All cases of all seeds as a judge of one task tells them: cluster, pooled risk, K, total, p and pit, each in turn."""
    tasks = [
        Task(arm, (), seed, tuple(str(k) for k in KS), MOST, LARGEST, False)
        for seed in range(1, seeds + 1)
        for arm in corpus.arms
        if sum(total <= LARGEST for total in arm.totals) >= 3
    ]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        return zip(*(row for part in pool.map(judge, tasks) for row in part), strict=True)


def gathered(corpus, seeds, jobs):
    """All cases of all seeds: cluster, pooled risk, K, total, and arrays of shape (cases, candidates)."""
    cluster, risk, k, total, p, pit = judged(judge, corpus, seeds, jobs)
    with np.errstate(divide="ignore"):
        log_score = np.maximum(np.log(np.array(p, float)), LOWEST_LOG_SCORE)
    return np.array(cluster), np.array(risk), np.array(k), np.array(total), log_score, np.array(pit, float)


def cross_validated(cluster, log_score, pit, members):
    """Scores of a family whose member is chosen on the other clusters, and how often each was."""
    values, places, picks = np.empty(len(cluster)), np.empty(len(cluster)), []
    for one in np.unique(cluster):
        inside = cluster == one
        best = members[int(np.argmax(log_score[~inside][:, members].mean(0)))]
        values[inside], places[inside] = log_score[inside, best], pit[inside, best]
        picks.append(best)
    return values, places, picks


def stacked(cluster, log_score, pit, pair):
    """Linear pool of two predictors with the weight chosen on the other clusters."""
    grid = np.linspace(0, 1, 21)
    values, places, picks = np.empty(len(cluster)), np.empty(len(cluster)), []
    p = np.exp(log_score[:, pair])
    for one in np.unique(cluster):
        inside = cluster == one
        means = [np.log(w * p[~inside, 0] + (1 - w) * p[~inside, 1]).mean() for w in grid]
        w = grid[int(np.argmax(means))]
        values[inside] = np.log(w * p[inside, 0] + (1 - w) * p[inside, 1])
        places[inside] = w * pit[inside, pair[0]] + (1 - w) * pit[inside, pair[1]]
        picks.append(float(w))
    return values, places, picks


#: Upper limit and mean where events are rare, mean after none, and mean after 19 of 19.
CHECKS = (
    ([14, 7, 5, 17], [24600, 7260, 7500, 19200]),
    ([0] * 6, [100, 150, 200, 325, 400, 700]),
    ([19], [19]),
)


def sanity(chosen):
    """Upper limit of the rare case, mean of the one without events, and and that of 19 of 19; by `pool` where it can."""
    references = [rm.pool(*counts, heterogeneity=REFERENCES["tau"]).new_setting for counts in CHECKS]
    found = []
    for one in chosen:
        risks = []
        for counts, mixture in zip(CHECKS, references, strict=True):
            if isinstance(one[2], OnTau):
                weights = np.maximum(reweighted(mixture, [one], "tau")[0], 1e-300)
                risks.append(rm.BetaMixture(weights, mixture.a, mixture.b))
            else:
                risks.append(rm.pool(*counts, heterogeneity=one[2], prior=one[3]).new_setting)
        found.append((risks[0].interval(0.95)[1], risks[1].mean, risks[2].mean))
    return found


def largest_difference(chosen, corpus):
    """Between reweighting and `pool` itself: log scores under every fifth prior that `pool` takes, on one case of an arm."""
    worst = {"tau": 0.0, "rho": 0.0}
    taken = [one for one in chosen if not isinstance(one[2], OnTau)]
    taken = [one for i, one in enumerate(taken) if one[2].scale == "rho" or i % 5 == 0]
    for i, arm in enumerate(arm for arm in corpus.arms[::3] if max(arm.totals) <= LARGEST):
        k = 1 + i % 3
        y, n = arm.events[-1], arm.totals[-1]
        at, _ = predicted(arm.events[:k], arm.totals[:k], y, n, taken)
        for one, probability in zip(taken, at, strict=True):
            direct = rm.pool(arm.events[:k], arm.totals[:k], heterogeneity=one[2], prior=one[3]).predict(n)[y]
            worst[one[2].scale] = max(worst[one[2].scale], abs(math.log(direct) - math.log(probability)))
    return worst


def report(corpus, seeds, jobs):
    """The table, as Markdown."""
    chosen = candidates()
    cluster, risk, k, total, log_score, pit = gathered(corpus, seeds, jobs)
    labels = [one[1] for one in chosen] + ["naive pooling", "RBesT's default (logit-normal)"]
    families = [one[0] for one in chosen]
    columns = {
        label: (log_score[:, i], pit[:, i]) for i, label in enumerate(labels) if np.isfinite(log_score[:, i]).all()
    }
    default = str(rm.pool([1], [2]).heterogeneity_prior)
    picks = {}
    for family in dict.fromkeys(families):
        members = [i for i, one in enumerate(families) if one == family]
        name = f"cross-validated: {family}"
        *columns[name], best = cross_validated(cluster, log_score, pit, members)
        picks[name] = [labels[i] for i in best]
    plain = [i for i, one in enumerate(families) if one not in ("log-normal by risk",)]
    *columns["cross-validated: any family"], best = cross_validated(cluster, log_score, pit, plain)
    picks["cross-validated: any family"] = [labels[i] for i in best]
    means = {family: max(log_score[:, i].mean() for i, f in enumerate(families) if f == family) for family in families}
    top = {f: next(i for i, g in enumerate(families) if g == f and log_score[:, i].mean() == means[f]) for f in means}
    pairs = [("log-normal", "half-Cauchy"), ("log-normal", "Beta on rho")]
    if np.isfinite(log_score[:, -1]).all():
        pair = [labels.index(default), len(labels) - 1]
        *columns["stacked, cross-validated: default and RBesT's"], weights = stacked(cluster, log_score, pit, pair)
        picks["stacked, cross-validated: default and RBesT's"] = [f"weight {w:.2f}" for w in weights]
    for one, other in pairs:
        name = f"stacked, cross-validated: best {one} and best {other}"
        *columns[name], weights = stacked(cluster, log_score, pit, [top[one], top[other]])
        picks[name] = [f"weight {w:.2f}" for w in weights]
    scores = Scores(
        ks=tuple(str(one) for one in KS),
        k=k,
        cluster=cluster,
        rarity=np.array([rarity(one) for one in risk]),
        total=total,
        pit={name: column[1] for name, column in columns.items()},
        log_score={name: column[0] for name, column in columns.items()},
        seed=1,
    )
    return chosen, scores, default, picks, sanity(chosen)


def table(chosen, scores, default, picks, checks):
    """Rows in the order of candidates; means over predictions, standard errors by cluster."""
    gaps = {(row["predictor"], row["k"]): row for row in scores.differences(default)}
    rows = {row["predictor"]: row for row in scores.rows if row["stratum"] == "all" and row["k"] == AVERAGE}
    sane = {one[1]: check for one, check in zip(chosen, checks, strict=True)}
    head = [
        "prior",
        "log score",
        "its SE",
        "less the default's",
        "its SE",
        "50 %",
        "80 %",
        "95 %",
        "rare: upper",
        "none: mean",
        "19/19",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name in scores.log_score:
        gap = gaps.get((name, "pooled"), {"log_score": 0.0, "log_score_se": 0.0})
        cells = [
            f"**{name}**" if name == default else name,
            f"{scores.log_score[name].mean():.4f}",
            f"{rows[name]['log_score_se']:.2f}",
            f"{gap['log_score']:+.4f}",
            f"{gap['log_score_se']:.4f}",
            *(f"{100 * rows[name][f'coverage_{level}']:.1f}" for level in (50, 80, 95)),
            *(
                (f"{100 * sane[name][0]:.2f} %", f"{100 * sane[name][1]:.2f} %", f"{sane[name][2]:.3f}")
                if name in sane
                else [""] * 3
            ),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    for name, chosen_ones in picks.items():
        counts = {one: chosen_ones.count(one) for one in dict.fromkeys(chosen_ones)}
        lines.append(
            f"\n{name} chose: " + "; ".join(f"{one} ({times} of {len(chosen_ones)})" for one, times in counts.items())
        )
    return "\n".join(lines)


def write_between(path, text):
    """Put the table between the marks of a document, or into a file of its own."""
    start, end = "<!-- table -->\n", "<!-- end of table -->"
    page = path.read_text(encoding="utf-8") if path.is_file() else start + end + "\n"
    head, _, rest = page.partition(start)
    path.write_text(head + start + "\n" + text + "\n\n" + end + rest.partition(end)[2], encoding="utf-8")


def main():
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    corpus = load_corpus(asked.corpus)
    print(f"largest difference from pool(): {largest_difference(candidates(), corpus)}", file=sys.stderr)
    text = table(*report(corpus, asked.seeds, asked.jobs))
    print(text)
    if asked.out:
        write_between(asked.out, text)


if __name__ == "__main__":
    main()
