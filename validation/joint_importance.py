"""The joint answers of two findings by a way of its own: nothing here comes from the package, and no line is shared with it.

Each branch has an average mu and a spread tau, the standard deviation of logit(theta) between settings. Its own counts weigh
a grid of logit(mu) and log(tau); what is drawn from the grids weighs as the coarse counts' likelihood, which is summed over
how many fetuses took each branch. Batches are drawn apart, and their differences tell the standard errors.

    python validation/joint_importance.py    # writes joint_importance.json beside it; some minutes
    python validation/joint_importance.py --ends    # ends of the bowel's intervals under Jeffreys' prior; ten minutes
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import betaln, gammaln, polygamma

#: A branch's number, what follows where its event happens, and where it does not; 1 and 0 are the end.
Tree = Any
Array = np.ndarray[Any, np.dtype[np.float64]]

#: tau ~ LogNormal(median 0.9, sigma 0.5), its density times exp(-(tau / pi)**4).
TAU_MEDIAN, TAU_SIGMA = 0.9, 0.5
#: Half the grid of logit(mu); Beta(1/8, 1/8) has 1e-8 beyond 150. Steps of 0.2 are exact for functions as smooth as these.
LOGITS = np.arange(-150.0, 0.01, 0.2)
DEVIATES = np.arange(-4.6, 4.61, 0.2)
BATCHES, SIZE, AT_ONCE = 40, 600, 200

# Counts as riskmodel/data/*/counts.csv has them, reading "primary": series, events, total.
BOWEL = {
    "own": {
        0: [(272, 882)],  # another anomaly: Yang 2022
        1: [(5, 139), (3, 16), (0, 74)],  # karyotype abnormal, isolated: Al-Kouatly 2001, JMFM 1999, Maillet 2014
        2: [],  # karyotype abnormal, associated
        3: [(5, 175), (0, 74)],  # cystic fibrosis, isolated, normal karyotype: Al-Kouatly 2001, Maillet 2014
        4: [(0, 74)],  # infection, with none of these: Maillet 2014
        5: [(1, 74)],  # fetal death, with none of these: Maillet 2014
        **{
            i: [] for i in (6, 7, 8, 9, 10)
        },  # fetal death where infected, cystic fibrosis, abnormal; associated: normal, abnormal
    },
    "karyotype": [
        ((0, (2, 1, 0), (1, 1, 0)), 24, 682, None),  # Simon-Bouy 2003
        ((0, (2, 1, 0), (1, 1, 0)), 3, 106, None),  # Berlin 1999
        ((0, (2, 1, 0), (1, 1, 0)), 4, 147, None),  # Fan 2021
        ((0, (2, 1, 0), (1, 1, 0)), 45, 882, 272),  # Yang 2022, of whom 272 had another anomaly
    ],
    "death": [  # Aboujaoude 2006
        (
            (
                0,
                (2, (10, 1, 0), (9, 1, 0)),
                (1, (8, 1, 0), (3, (7, 1, 0), (4, (6, 1, 0), (5, 1, 0)))),
            ),
            5,
            65,
            None,
        )
    ],
}
HEPATIC = {
    "own": {
        # another anomaly: Simchen 2002, Bronshtein 1995, Koopman 1998, Achiron 1996, AJOG-368 2009
        0: [(40, 61), (3, 14), (2, 7), (1, 5), (21, 28)],
        1: [(1, 21), (0, 11), (0, 14)],  # karyotype abnormal, isolated: Simchen, Bronshtein, Ocal 2014
        2: [(10, 40), (2, 3), (4, 21)],  # karyotype abnormal, associated: Simchen, Bronshtein, AJOG-368
        4: [(1, 20), (0, 11), (0, 17)],  # infection, isolated, normal karyotype: Simchen, Bronshtein, Ocal
        6: [(19, 19), (10, 11)],  # good outcome, with none of these: Simchen, Bronshtein
        8: [(1, 40), (0, 3)],  # infection, associated, normal karyotype: Simchen, Bronshtein
        # Branches 1 and 4 again, for fetuses who were not all tested: they learn nothing from these.
        101: [(1, 21), (0, 11), (0, 14)],
        104: [(1, 20), (0, 11), (0, 17)],
    },
    # An infected fetus, or one with an abnormal karyotype, is not a good outcome by the finding's definitions.
    "outcome": [
        (
            (101, 0, (104, 0, (6, 1, 0))),
            5,
            5,
            None,
        ),  # Koopman 1998: two of the five karyotyped, one tested for infection
        ((1, 0, (4, 0, (6, 1, 0))), 4, 4, None),  # Achiron 1996
    ],
    "infection": [((0, (8, 1, 0), (4, 1, 0)), 0, 6, None)],  # Avni 1994
}
#: Shapes of the priors of the averages, by hand: in each group a state of the last variable has a sum of one by the number
#: of states, shared equally by the ends of the tree that have it.
DIRICHLET = {
    "fetal-echogenic-bowel": {
        0: (1 / 2, 1 / 2), 1: (1 / 4, 3 / 4), 2: (1 / 2, 1 / 2), 3: (1 / 4, 1 / 2), 4: (1 / 4, 1 / 4),
        **dict.fromkeys((5, 6, 7, 8), (1 / 8, 1 / 8)), 9: (1 / 4, 1 / 4), 10: (1 / 4, 1 / 4),
    },
    "fetal-hepatic-calcification": {
        0: (1 / 2, 1 / 2), 1: (1 / 6, 5 / 6), 2: (1 / 6, 5 / 6), 4: (1 / 6, 2 / 3), 6: (1 / 2, 1 / 6), 8: (1 / 6, 2 / 3),
    },
}  # fmt: skip
FINDINGS = {"fetal-echogenic-bowel": BOWEL, "fetal-hepatic-calcification": HEPATIC}
_DEATH = BOWEL["death"][0][0]
#: Question: the diagram of what is asked and known, and that of what is known.
ISOLATED, ASSOCIATED = (0, 0, 1), (0, 1, 0)
QUESTIONS = {
    "fetal-echogenic-bowel": {
        "abnormal_karyotype | isolated": ((0, 0, (1, 1, 0)), ISOLATED),
        "abnormal_karyotype | associated": ((0, (2, 1, 0), 0), ASSOCIATED),
        "abnormal_karyotype": ((0, (2, 1, 0), (1, 1, 0)), 1),
        "fetal_death | isolated": ((0, 0, _DEATH[2]), ISOLATED),
        "fetal_death": (_DEATH, 1),
    },
    "fetal-hepatic-calcification": {
        "good_outcome | isolated": ((0, 0, (1, 0, (4, 0, (6, 1, 0)))), ISOLATED),
        "abnormal_karyotype | isolated": ((0, 0, (1, 1, 0)), ISOLATED),
        "abnormal_karyotype": ((0, (2, 1, 0), (1, 1, 0)), 1),
        "associated_anomaly": (ASSOCIATED, 1),
    },
}


class Grid:
    """Points of logit(mu) and log(tau), with the Beta's shapes there."""

    def __init__(self) -> None:
        tau = TAU_MEDIAN * np.exp(TAU_SIGMA * DEVIATES)
        self.log_tau = -0.5 * DEVIATES**2 - (tau / np.pi) ** 4
        log_mu, log_rest = -np.logaddexp(0.0, -LOGITS)[:, None], -np.logaddexp(0.0, LOGITS)[:, None]
        # By halving: tau**2 = psi_1(mu phi) + psi_1((1 - mu) phi) falls as phi rises.
        low, high = (np.broadcast_to(at - log_mu, (LOGITS.size, tau.size)).copy() for at in (-12.0, 12.0))
        for _ in range(60):
            middle = 0.5 * (low + high)
            wide = polygamma(1, np.exp(log_mu + middle)) + polygamma(1, np.exp(log_rest + middle)) > tau**2
            low, high = np.where(wide, middle, low), np.where(wide, high, middle)
        log_phi = 0.5 * (low + high)
        mirror = slice(-2, None, -1)  # the other half, without 0 again
        self.log_mu, self.log_rest = (
            np.concatenate([one, two[mirror]]) for one, two in ((log_mu, log_rest), (log_rest, log_mu))
        )
        self.log_phi = np.concatenate([log_phi, log_phi[mirror]])

    def branch(self, prior: tuple[float, float], series: Sequence[tuple[int, int]]) -> Array:
        """Posterior weights of the points, given the branch's own counts."""
        log_weight = prior[0] * self.log_mu + prior[1] * self.log_rest - betaln(*prior) + self.log_tau
        a, b, whole = (np.exp(self.log_phi + one) for one in (self.log_mu, self.log_rest, 0.0))
        for events, total in series:
            for start, count, sign in ((a, events, 1), (b, total - events, 1), (whole, total, -1)):
                for j in range(count):
                    log_weight = log_weight + sign * np.log(start + j)
        weight = np.exp(log_weight - log_weight.max())
        return np.asarray(weight / weight.sum())

    def draw(self, weight: Array, size: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
        """Average and shapes of evenly spread draws, shuffled."""
        levels = (np.arange(size) + rng.random(size)) / size
        chosen = np.minimum(np.searchsorted(np.cumsum(weight.ravel()), levels), weight.size - 1)
        chosen = rng.permutation(chosen)
        x, t = np.unravel_index(chosen, weight.shape)
        log_mu, log_rest, log_phi = self.log_mu[x, 0], self.log_rest[x, 0], self.log_phi[x, t]
        return np.exp(log_mu), np.exp(log_mu + log_phi), np.exp(log_rest + log_phi)


class Likelihood:
    """Probability of a coarse count at each of some draws of the branches' shapes."""

    def __init__(self, shapes: Mapping[int, tuple[Array, Array]], events: int, total: int) -> None:
        self.shapes, self.events, self.total = shapes, events, total
        self.logs = gammaln(np.arange(total + 2) + 1.0)
        self.rising: dict[int, tuple[Array, Array, Array]] = {}

    def beta_binomial(self, branch: int, hits: Any, total: Any) -> Array:
        """Of shape (draws, ...); sums of logarithms, for log-gamma functions of huge shapes have no digits left."""
        if branch not in self.rising:
            a, b = self.shapes[branch]
            start = np.zeros((a.size, 1))
            parts = (np.cumsum(np.log(one[:, None] + np.arange(self.total)), axis=1) for one in (a, b, a + b))
            first, second, both = (np.concatenate([start, one], axis=1) for one in parts)
            self.rising[branch] = first, second, both
        first, second, both = self.rising[branch]
        choose = self.logs[total] - self.logs[hits] - self.logs[total - hits]
        return np.asarray(np.exp(choose + first[:, hits] + second[:, total - hits] - both[:, total]))

    def table(self, node: Tree, arrive: int | None = None) -> Array:
        """Probability of y events, at most those of the count, of n who arrive, of shape (draws, n, events + 1).

        For every n up to the count's total; at the end of a tree also for one alone.
        """
        n = np.arange(self.total + 1)[:, None] if arrive is None else np.array([[arrive]])
        y = np.arange(self.events + 1)[None, :]
        if not isinstance(node, tuple):
            return (y == n * node).astype(float)[None]
        branch, hit, miss = node
        if (hit, miss) == (1, 0):
            return self.beta_binomial(branch, np.minimum(y, n), n) * (y <= n)
        left, right = self.table(hit), self.table(miss)
        found = np.zeros((self.shapes[branch][0].size, self.total + 1, self.events + 1))
        for took in range(self.total + 1):
            arrive = np.arange(took, self.total + 1)
            chance = self.beta_binomial(branch, np.full(arrive.size, took), arrive)
            for some in range(self.events + 1):
                part = (chance * left[:, took, some, None])[..., None] * right[
                    :, arrive - took, : self.events + 1 - some
                ]
                found[:, took:, some:] += part
        return found

    def of(self, node: Tree, took: int | None) -> Array:
        """Of the count, with as many known to have taken the first branch, or summed over that."""
        branch, hit, miss = node
        if took is not None:
            left, right = self.table(hit, took), self.table(miss, self.total - took)
            return np.asarray((left[:, 0] * right[:, 0, ::-1]).sum(axis=1))
        left, right = self.table(hit), self.table(miss)
        hits = np.arange(self.total + 1)
        chance = self.beta_binomial(branch, hits, np.full(hits.size, self.total))
        return np.asarray((chance * (left * right[:, ::-1, ::-1]).sum(axis=2)).sum(axis=1))


def value(node: Tree, mu: Mapping[int, Array]) -> Any:
    """A diagram at the branches' averages."""
    if not isinstance(node, tuple):
        return float(node)
    return mu[node[0]] * value(node[1], mu) + (1 - mu[node[0]]) * value(node[2], mu)


def weighed(grid: Grid, finding: str, priors: Mapping[int, tuple[float, float]], seed: int) -> list[dict[str, Any]]:
    """Answers given all coarse counts, and given each kind of them alone where there are two."""
    counts = FINDINGS[finding]
    kinds = [name for name in counts if name != "own"]
    posteriors = {i: grid.branch(priors[i % 100], series) for i, series in counts["own"].items()}
    sums: dict[str, list[tuple[Array, Array]]] = {}
    squares: dict[str, Array] = {}
    for batch in range(BATCHES):
        rng = np.random.default_rng([seed, batch])
        drawn = {i: grid.draw(one, SIZE, rng) for i, one in posteriors.items()}
        mu = {i: one[0] for i, one in drawn.items()}
        factors = {kind: np.ones(SIZE) for kind in kinds}
        for first in range(0, SIZE, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            shapes = {i: (a[part], b[part]) for i, (_, a, b) in drawn.items()}
            for kind in kinds:
                for node, events, total, took in counts[kind]:
                    factors[kind][part] *= Likelihood(shapes, events, total).of(node, took)
        for name, used in {"all": kinds, kinds[0]: kinds[:1]}.items():
            weight = np.prod([factors[kind] for kind in used], axis=0)
            squares[name] = squares.get(name, np.zeros(2)) + np.array([weight.sum(), (weight**2).sum()])
            for question, pair in QUESTIONS[finding].items():
                one = tuple(np.asarray((weight * value(node, mu)).sum()) for node in pair)
                sums.setdefault(f"{name}: {question}", []).append((one[0], one[1]))
    found = []
    for name, (first, second) in squares.items():
        answers = {}
        for question in QUESTIONS[finding]:
            top, bottom = np.array(sums[f"{name}: {question}"], float).T
            mean = top.sum() / bottom.sum()
            error = (top - mean * bottom).std(ddof=1) * np.sqrt(BATCHES) / bottom.sum()
            answers[question] = {"mean": float(mean), "standard_error": float(error)}
        share = float(first**2 / second / (BATCHES * SIZE))
        found.append({"finding": finding, "coarse": name, "effective_share": share, "answers": answers})
    return found


def ends(
    grid: Grid, finding: str, priors: Mapping[int, tuple[float, float]], seed: int, batches: int, each: int
) -> None:
    """Print means and 95 % intervals of the risk in a new setting: some risks of each branch at every draw of its shapes."""
    counts = FINDINGS[finding]
    posteriors = {i: grid.branch(priors[i % 100], series) for i, series in counts["own"].items()}
    normal = (0, (2, 0, _DEATH[1][2]), (1, 0, _DEATH[2][2])), (0, (2, 0, 1), (1, 0, 1))
    questions = QUESTIONS[finding] | {"fetal_death | normal karyotype": normal}
    found: dict[str, list[Array]] = {name: [] for name in questions}
    for batch in range(batches):
        rng = np.random.default_rng([seed, batch])
        drawn = {i: grid.draw(one, SIZE, rng) for i, one in posteriors.items()}
        weight = np.ones(SIZE)
        for first in range(0, SIZE, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            shapes = {i: (a[part], b[part]) for i, (_, a, b) in drawn.items()}
            for kind in (name for name in counts if name != "own"):
                for node, events, total, took in counts[kind]:
                    weight[part] *= Likelihood(shapes, events, total).of(node, took)
        risk = {}
        for i, (mu, a, b) in drawn.items():
            theta = rng.beta(np.maximum(a, 1e-300), np.maximum(b, 1e-300), (each, SIZE))
            risk[i] = np.where(np.isnan(theta), mu, theta)
        for name, (above, below) in questions.items():
            bottom = np.broadcast_to(value(below, risk), (each, SIZE))
            found[name].append(np.stack([value(above, risk) / np.maximum(bottom, 1e-300), weight * bottom]))
    for name, parts in found.items():
        risks, weights = np.concatenate(parts, axis=1).reshape(2, -1)
        order = np.argsort(risks)
        upto = np.cumsum(weights[order]) / weights.sum()
        low, high = risks[order][np.searchsorted(upto, [0.025, 0.975])]
        mean = (risks * weights).sum() / weights.sum()
        sys.stdout.write(f"{finding}, {name}: {mean:.4f}, {low:.4f} to {high:.4f}\n")


def main() -> None:
    """Write every answer beside this file; with --ends print intervals."""
    grid, cases = Grid(), []
    if "--ends" in sys.argv:
        bowel = dict.fromkeys(DIRICHLET["fetal-echogenic-bowel"], (1 / 2, 1 / 2))
        ends(grid, "fetal-echogenic-bowel", bowel, seed=2, batches=260, each=20)
        return
    for finding, shapes in DIRICHLET.items():
        for prior, priors in (("dirichlet-tree", shapes), ("jeffreys", dict.fromkeys(shapes, (1 / 2, 1 / 2)))):
            cases += [{"prior": prior} | one for one in weighed(grid, finding, priors, seed=2026)]
    made = {
        "script": "validation/joint_importance.py",
        "numpy": np.__version__,
        "draws": BATCHES * SIZE,
        "heterogeneity": f"tau ~ LogNormal(median {TAU_MEDIAN}, sigma {TAU_SIGMA}) to pi",
    }
    text = json.dumps({"source": made, "cases": cases}, indent=1)
    Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
