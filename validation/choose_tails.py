"""Heavier tails between settings, and an end of tau's prior, judged by leave-one-series-out prediction.

    python validation/choose_tails.py [--corpus FILE] [--seeds N] [--jobs N]

Prints one Markdown table. Cases, scores and cross-validated rows are those of `choose_default_prior.py`. Each case is fitted
once for a model's likelihood, under a prior that covers all candidates, and the nodes are weighted again for each of them.
"""

import argparse
from dataclasses import dataclass, replace

import numpy as np

import riskmodel as rm
from choose_default_prior import CHECKS, cross_validated, judged, tails
from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.cross_validation import KS
from riskmodel.calibration.leave_out import LOWEST_LOG_SCORE, draw_cases
from riskmodel.calibration.scores import AVERAGE, Scores, rarity
from riskmodel.distributions.special import trigamma_and_slope
from riskmodel.inference import contaminated, logit_normal
from riskmodel.inference.logit_normal_likelihood import NORMAL, student
from riskmodel.inference.logit_normal_settings import LogitNormalSettings
from riskmodel.priors import BoundedLogNormalOnTau, LogNormalOnTau, TauPrior, as_mu_prior

#: Wide, so that every candidate's mass is covered.
REFERENCE = LogNormalOnTau(0.8, 0.8)
JEFFREYS = as_mu_prior("jeffreys")


@dataclass(frozen=True)
class Candidate:
    """A model and its prior on tau."""

    family: str
    number: float  # share of settings that differ more, or degrees of freedom; 0 and infinity are the plain models
    prior: TauPrior

    def __str__(self):
        said = {"contaminated": f", a share of {self.number:g}", "logit-t": f", {self.number:g} df"}
        return f"{self.family}{said.get(self.family, '')}, {self.prior}"


def candidates():
    """The default first."""
    plain = [
        Candidate("beta-binomial", 0, prior) for prior in (LogNormalOnTau(0.9, 0.5), BoundedLogNormalOnTau(0.9, 0.5))
    ]
    mixed = [
        Candidate("contaminated", share, kind(median, 0.5))
        for share in (0.1, 0.2)
        for kind, medians in ((LogNormalOnTau, (0.7, 0.8, 0.9)), (BoundedLogNormalOnTau, (0.8,)))
        for median in medians
    ]
    normal = [Candidate("logit-normal", np.inf, LogNormalOnTau(median, 0.5)) for median in (0.8, 0.9)]
    student_t = [
        Candidate("logit-t", df, LogNormalOnTau(median, 0.5))
        for df, medians in ((4, (0.6, 0.7, 0.8)), (10, (0.7, 0.8, 0.9)))
        for median in medians
    ]
    return plain + mixed + normal + student_t


def fitted(family, number, events, totals):
    """Posterior of a likelihood under the reference."""
    counts = {"labels": ("",) * len(events), "mu_prior": JEFFREYS}
    events, totals = np.asarray(events, np.int64), np.asarray(totals, np.int64)
    if family.startswith("logit"):
        spreads = NORMAL if np.isinf(number) else student(number)
        return logit_normal.fit(events, totals, tau_prior=REFERENCE, spreads=spreads, **counts)
    # A share of next to nothing is the plain model.
    return contaminated.fit(events, totals, heterogeneity_prior=REFERENCE, share=max(number, 1e-12), **counts)


def ratio(prior, tau):
    """Density of tau under a candidate's prior, over the reference's."""
    return np.exp(prior.formula(tau) - REFERENCE.formula(tau))


def new_setting(post, candidate):
    """Its risk in a new setting, from the posterior under the reference."""
    if candidate.family.startswith("logit"):
        held = post.average.lattice
        weights = held.weights * ratio(candidate.prior, np.exp(held.w))[:, None]
        settings = replace(post.settings, lattice=replace(held, weights=weights / weights.sum()))
        assert isinstance(settings, LogitNormalSettings)
        return settings.new_setting
    usual, wide = post.settings.usual, post.settings.wide
    weights, share = usual.weights * ratio(candidate.prior, tau_of_betas(usual)), post.settings.share
    weights = np.maximum(np.concatenate([weights * (1 - share), weights * share]), 1e-300)
    return rm.BetaMixture(weights, np.concatenate([usual.a, wide.a]), np.concatenate([usual.b, wide.b]))


def tau_of_betas(mixture):
    """Standard deviation of the logit of each component."""
    return np.sqrt(trigamma_and_slope(mixture.a)[0] + trigamma_and_slope(mixture.b)[0])


def judge(task):
    """Probability of what was observed, and PIT value, under every candidate, for one arm and seed."""
    events, totals = np.array(task.arm.events), np.array(task.arm.totals)
    rows = []
    for case in draw_cases(task):
        others = list(case.others)
        y, n = int(events[case.left_out]), int(totals[case.left_out])
        p, pit = [], []
        likelihood = None
        for one in candidates():
            if likelihood != (one.family, one.number):
                likelihood = (one.family, one.number)
                post = fitted(*likelihood, events[others], totals[others])
                both = (
                    None
                    if one.family.startswith("logit")
                    else [tails(part, y, n) for part in (post.settings.usual, post.settings.wide)]
                )
            if both is None:
                pmf = new_setting(post, one).predict(n)
                at, below = pmf[y], pmf[:y].sum()
            else:
                usual, share = post.settings.usual, post.settings.share
                weights = usual.weights * ratio(one.prior, tau_of_betas(usual))
                weights /= weights.sum()
                (at, below), (at_wide, below_wide) = ((weights @ part for part in side) for side in both)
                at, below = at + share * (at_wide - at), below + share * (below_wide - below)
            p.append(at)
            pit.append(np.clip(below + case.u * at, 0, 1))
        rows.append((task.arm.cluster, task.arm.pooled_risk, case.k, n, p, pit))
    return rows


def gathered(corpus, seeds, jobs):
    """All cases of all seeds, as `Scores` takes them, and the log scores and PIT values as arrays."""
    cluster, risk, k, total, p, pit = (np.array(column) for column in judged(judge, corpus, seeds, jobs))
    with np.errstate(divide="ignore"):
        log_score = np.maximum(np.log(p), LOWEST_LOG_SCORE)
    return (
        {"k": k, "cluster": cluster, "rarity": np.array([rarity(one) for one in risk]), "total": total},
        log_score,
        pit,
    )


def sanity(chosen):
    """Upper limit of the rare case, mean of the one without events, and that of 19 of 19, by candidate."""
    found = {str(one): [] for one in chosen}
    for events, totals in CHECKS:
        posts = {key: fitted(*key, events, totals) for key in dict.fromkeys((one.family, one.number) for one in chosen)}
        for one in chosen:
            found[str(one)].append(new_setting(posts[one.family, one.number], one))
    return {name: (rare.interval(0.95)[1], none.mean, most.mean) for name, (rare, none, most) in found.items()}


def report(corpus, seeds, jobs):
    """The table, as Markdown: means over predictions, standard errors by cluster, coverage at each K."""
    chosen = candidates()
    cases, log_score, pit = gathered(corpus, seeds, jobs)
    labels = [str(one) for one in chosen]
    columns = {label: (log_score[:, i], pit[:, i]) for i, label in enumerate(labels)}
    picks = {}
    for name, families in {
        "contaminated": ("contaminated",),
        "logit-t": ("logit-t",),
        "any": tuple({one.family for one in chosen}),
    }.items():
        members = [i for i, one in enumerate(chosen) if one.family in families]
        *columns[f"cross-validated: {name}"], best = cross_validated(cases["cluster"], log_score, pit, members)
        picks[name] = [labels[i] for i in best]
    scores = Scores(
        ks=tuple(str(one) for one in KS),
        pit={name: column[1] for name, column in columns.items()},
        log_score={name: column[0] for name, column in columns.items()},
        seed=1,
        **cases,
    )
    return table(scores, labels[0], sanity(chosen), picks)


def table(scores, default, sane, picks):
    """Rows in the order of candidates."""
    gaps = {(row["predictor"], row["k"]): row for row in scores.differences(default)}
    rows = {(row["predictor"], row["k"]): row for row in scores.rows if row["stratum"] == "all"}
    ks = [*scores.ks, AVERAGE]
    head = ["model, prior", "log score", "less the first's", "its SE", "at K = all", "its SE"]
    head += [f"95 %: {k}" for k in ks] + [f"50 %: {k}" for k in ("5", "all", AVERAGE)]
    head += ["rare: upper", "none: mean", "19/19"]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name in scores.log_score:
        cells = [name, f"{scores.log_score[name].mean():.4f}"]
        for k in ("pooled", "all"):
            gap = gaps.get((name, k), {"log_score": 0.0, "log_score_se": 0.0})
            cells += [f"{gap['log_score']:+.4f}", f"{gap['log_score_se']:.4f}"]
        cells += [f"{100 * rows[name, k]['coverage_95']:.1f}" for k in ks]
        cells += [f"{100 * rows[name, k]['coverage_50']:.1f}" for k in ("5", "all", AVERAGE)]
        rare, none, most = sane.get(name, (None, None, None))
        cells += ["", "", ""] if rare is None else [f"{100 * rare:.2f} %", f"{100 * none:.2f} %", f"{most:.3f}"]
        lines.append("| " + " | ".join(cells) + " |")
    for name, found in picks.items():
        counts = {one: found.count(one) for one in dict.fromkeys(found)}
        lines.append(f"\n{name} chose: " + "; ".join(f"{one} ({k} of {len(found)})" for one, k in counts.items()))
    return "\n".join(lines)


def main():
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    print(report(load_corpus(asked.corpus), asked.seeds, asked.jobs))


if __name__ == "__main__":
    main()
