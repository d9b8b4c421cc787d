r"""Whether predictions hold: coverage, log scores and PIT values, with intervals from resampling whole data sets.

The randomised PIT of a count y with predictive distribution F and a uniform u is :math:`F(y - 1) + u\,p(y)`: uniform
where predictions are right (Czado, Gneiting and Held, Biometrics 2009, section 2.1). A central interval of probability q
holds y where the PIT lies in the middle q. The log score is :math:`\log p(y)`: larger is better. Calibration in the large is
the expected number of events, summed over left-out series, over the observed (Debray et al., BMJ 2017;356:i6460, as O:E).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc

from riskmodel._support.kept import Value, kept
from riskmodel.errors import InputError, UnknownNameError

Array = NDArray[np.float64]

#: Probabilities of the central intervals whose coverage is told.
LEVELS = (0.5, 0.8, 0.95)
#: The shipped series of findings have totals up to 61: the size at which the package is used.
SMALL_TOTAL = 61
#: Rarity of an arm, of event or non-event, whichever is rarer: upper ends and names.
RARITY = ((0.01, "rarer than 1 %"), (0.1, "1 to 10 %"), (1.0, "more than 10 %"))
#: Strata by name, in the order of a table.
STRATA = ("all", *(name for _, name in RARITY), f"total up to {SMALL_TOTAL}", f"total above {SMALL_TOTAL}")
#: The row beside the values of K that is their mean.
AVERAGE = "average"
#: What is counted: events, and what a series has besides.
CODINGS = ("events", "non-events")


def rarity(risk: float) -> str:
    """Name of the stratum of an arm."""
    rarer = min(risk, 1 - risk)
    return next(name for end, name in RARITY if rarer < end)


@dataclass(frozen=True, eq=False)
class Scores(Value):
    """Predictions of left-out series beside what was observed."""

    ks: tuple[str, ...]  # how many series were pooled, in the order of a table
    k: NDArray[np.str_]  # k, cluster, rarity: of each prediction
    cluster: NDArray[np.str_]
    rarity: NDArray[np.str_]
    total: NDArray[np.int64]  # size of the left-out series
    pit: Mapping[str, Array]  # pit, log_score: by predictor
    log_score: Mapping[str, Array]
    seed: int  # seed, resamples: of the intervals
    resamples: int = 2000
    events: NDArray[np.int64] | None = None  # of the left-out series
    expected: Mapping[str, Array] = field(default_factory=dict)  # number of events foretold, by predictor

    @kept
    def clusters(self) -> NDArray[np.str_]:
        """Names of the clusters."""
        return np.unique(self.cluster)

    @kept
    def _weights(self) -> Array:
        """How often each resample holds each cluster, the sample itself first."""
        size = self.clusters.size
        rng = np.random.default_rng([self.seed, 1])
        drawn = rng.multinomial(size, np.full(size, 1 / size), size=self.resamples) if size else np.zeros((0, 0))
        return np.vstack([np.ones((1, size)), drawn])

    def _means(self, values: Array, stratum: str, *, per: Array | None = None) -> tuple[Array, NDArray[np.int64]]:
        """Means by resample and K, their average over K, and the pooled mean; and cases by K.

        With `per` ratios of the two sums in place of means.
        """
        inside = self._inside(stratum)
        at = np.searchsorted(self.clusters, self.cluster[inside])
        columns = np.array([self.ks.index(one) for one in self.k[inside]], int)
        sums, counts, shared = np.zeros((3, self.clusters.size, len(self.ks)))
        np.add.at(sums, (at, columns), values[inside])
        np.add.at(counts, (at, columns), 1)
        np.add.at(shared, (at, columns), 1 if per is None else per[inside])
        upper, lower = self._weights @ sums, self._weights @ shared
        with np.errstate(invalid="ignore", divide="ignore"):
            by_k = upper / lower
            known = np.isfinite(by_k)
            average = np.where(known, by_k, 0).sum(1) / known.sum(1)
            pooled = upper.sum(1) / lower.sum(1)
        return np.column_stack([by_k, average, pooled]), counts.sum(0).astype(int)

    def _inside(self, stratum: str) -> NDArray[np.bool_]:
        if stratum == "all":
            return np.ones(self.k.size, bool)
        if stratum == STRATA[-2]:
            return self.total <= SMALL_TOTAL
        if stratum == STRATA[-1]:
            return self.total > SMALL_TOTAL
        return np.asarray(self.rarity == stratum)

    @kept
    def rows(self) -> list[dict[str, Any]]:
        """Coverage and log score of every predictor, by stratum and K.

        Each has predictor, stratum, k (or ``"average"`` over K), cases, data_sets; and coverage_50, coverage_80,
        coverage_95 and log_score, each with _lower and _upper (95 % percentile interval) and _se. NaN where nothing is
        known.
        """
        found = []
        for name in self.pit:
            tables: dict[str, NDArray[Any]] = {
                f"coverage_{round(100 * q)}": np.abs(self.pit[name] - 0.5) <= q / 2 for q in LEVELS
            }
            tables["log_score"] = self.log_score[name]
            for stratum in STRATA:
                inside = self._inside(stratum)
                data_sets = np.unique(self.cluster[inside]).size
                columns: dict[str, Array] = {}
                for statistic, values in tables.items():
                    columns[statistic], cases = self._means(values.astype(float), stratum)
                for j, k in enumerate((*self.ks, AVERAGE)):
                    row: dict[str, Any] = {
                        "predictor": name,
                        "stratum": stratum,
                        "k": k,
                        "cases": int(cases[j] if j < len(self.ks) else cases.sum()),
                        "data_sets": data_sets,
                    }
                    for statistic, means in columns.items():
                        row |= _with_interval(statistic, means[:, j], (0.025, 0.975), data_sets)
                    found.append(row)
        return found

    @kept
    def ratios(self) -> list[dict[str, Any]]:
        """Expected over observed number of events, and of non-events, of every predictor by stratum and K.

        Each has predictor, stratum, k (or ``"average"`` over K), coding, cases, data_sets, expected and observed (sums;
        NaN for the average), and ratio with _lower, _upper (95 % percentile interval) and _se.
        """
        found = []
        for name, foretold in self.expected.items():
            assert self.events is not None
            sides = ((foretold, self.events), (self.total - foretold, self.total - self.events))
            for stratum, (coding, (expected, observed)) in itertools.product(STRATA, zip(CODINGS, sides, strict=True)):
                inside = self._inside(stratum)
                data_sets = np.unique(self.cluster[inside]).size
                ratios, cases = self._means(expected, stratum, per=observed.astype(float))
                for j, k in enumerate((*self.ks, AVERAGE)):
                    at = inside & (self.k == k)
                    row: dict[str, Any] = {
                        "predictor": name,
                        "stratum": stratum,
                        "k": k,
                        "coding": coding,
                        "cases": int(cases.sum() if k == AVERAGE else cases[j]),
                        "data_sets": data_sets,
                        "expected": float("nan") if k == AVERAGE else float(expected[at].sum()),
                        "observed": None if k == AVERAGE else int(observed[at].sum()),
                    }
                    found.append(row | _with_interval("ratio", ratios[:, j], (0.025, 0.975), data_sets))
        return found

    def differences(self, reference: str) -> list[dict[str, Any]]:
        """Log score of every predictor less a reference's, on the same series with the same others."""
        if reference not in self.log_score:
            raise UnknownNameError("predictor", reference, self.log_score, where="reference")
        found = []
        for name in self.log_score:
            if name == reference:
                continue
            means, _ = self._means(self.log_score[name] - self.log_score[reference], "all")
            for j, k in enumerate((*self.ks, AVERAGE, "pooled")):
                if k != AVERAGE:
                    row: dict[str, Any] = {"predictor": name, "reference": reference, "k": k}
                    found.append(row | _with_interval("log_score", means[:, j], (0.05, 0.95), self.clusters.size))
        return found

    def histogram(self, name: str, *, bins: int = 20) -> list[dict[str, float]]:
        """How PIT values spread over [0, 1], all K together."""
        edges = np.linspace(0, 1, bins + 1)
        place = np.minimum((self.pit[name] * bins).astype(int), bins - 1)
        found = []
        for j in range(bins):
            means, _ = self._means((place == j).astype(float) * bins, "all")
            interval = _with_interval("density", means[:, -1], (0.025, 0.975), self.clusters.size)
            found.append({"left": float(edges[j]), "right": float(edges[j + 1]), **interval})
        return found

    def ecdf(self, name: str, *, points: int = 50, prob: float = 0.95) -> list[dict[str, Any]]:
        """Distance of the PIT values' distribution from the uniform one, by K, with simultaneous bands."""
        by_k = {k: self.pit[name][self.k == k] for k in self.ks}
        return [
            {"k": k, **row}
            for k, values in by_k.items()
            if values.size
            for row in ecdf_differences(values, points=points, prob=prob, seed=self.seed)
        ]


def _with_interval(name: str, means: Array, levels: tuple[float, float], data_sets: int) -> dict[str, float]:
    """A statistic of the sample, and its interval over resamples; NaN for the interval of fewer than two data sets."""
    resampled = means[1:][np.isfinite(means[1:])]
    if data_sets < 2 or resampled.size < 2:
        lower = upper = se = float("nan")
    else:
        lower, upper = (float(end) for end in np.quantile(resampled, levels))
        se = float(resampled.std(ddof=1))
    return {name: float(means[0]), f"{name}_lower": lower, f"{name}_upper": upper, f"{name}_se": se}


def ecdf_band(
    size: int, *, points: int = 50, prob: float = 0.95, seed: int = 1, simulations: int = 4000
) -> tuple[Array, Array]:
    """Simultaneous band of the empirical distribution function of independent uniform values.

    Säilynoja T, Bürkner PC, Vehtari A. Graphical test for discrete uniformity and its applications in goodness-of-fit
    evaluation and multiple sample comparison. Stat Comput 2022;32:32, section 2.2 and algorithm 1.
    """
    if size < 1:
        raise InputError("no values", where="ecdf_band", remedy="Give at least one")
    z = np.arange(1, points) / points
    # The two-sided pointwise probability of every possible count at every point; a band is where it exceeds a level.
    counts = np.arange(size + 1)[:, None]
    pointwise = 2 * np.minimum(bdtr(counts, size, z), np.where(counts > 0, bdtrc(counts - 1.0, size, z), 1.0))
    rng = np.random.default_rng([seed, 2])
    drawn = rng.multinomial(size, np.full(points, 1 / points), size=simulations).cumsum(1)[:, :-1]
    level = np.quantile(pointwise[drawn, np.arange(points - 1)].min(1), 1 - prob)
    inside = pointwise >= level
    return inside.argmax(0) / size, (size - inside[::-1].argmax(0)) / size


def ecdf_differences(values: Array, *, points: int = 50, prob: float = 0.95, seed: int = 1) -> list[dict[str, float]]:
    """How far the distribution of some values is from the uniform one at points of (0, 1), with the simultaneous band."""
    z = np.arange(1, points) / points
    share = (values[:, None] <= z).mean(0)
    lower, upper = ecdf_band(values.size, points=points, prob=prob, seed=seed)
    columns = {"z": z, "difference": share - z, "lower": lower - z, "upper": upper - z}
    return [dict(zip(columns, row, strict=True)) for row in np.column_stack(list(columns.values())).tolist()]


#: The bar of a calibration: where each coverage must lie averaged over K and at each K, and how log scores compare.
BAR: Mapping[str, Any] = {
    "ks": ("1", "2", "3", "5", "all"),
    "coverage": {
        0.95: {AVERAGE: (0.93, 0.97), "each": (0.925, 0.975)},
        0.5: {AVERAGE: (0.45, 0.55), "each": (0.43, 0.57)},
    },
    "rbest": {"pooled": 0.0, "each": -0.05},
    "naive": {"pooled": 1.0},
}


def verdict(scores: Scores, name: str, unavailable: Mapping[str, str]) -> list[dict[str, Any]]:
    """Hold a predictor against the bar, criterion by criterion."""
    rows = {row["k"]: row for row in scores.rows if row["predictor"] == name and row["stratum"] == "all"}
    found = []
    for level, ranges in BAR["coverage"].items():
        cases = [rows.get(one, {}).get("cases", 0) for one in BAR["ks"]]
        for k in (AVERAGE, *BAR["ks"]):
            low, high = ranges[AVERAGE if k == AVERAGE else "each"]
            fewest = min(cases) if k == AVERAGE else rows.get(k, {}).get("cases", 0)
            reason = unavailable.get(name, "no series were judged at every K" if k == AVERAGE else "none at this K")
            # An average over other values of K than the bar's is not the bar's average.
            known = rows[k] if k in rows and fewest else {}
            each = ranges["each"]
            if known and np.floor(each[1] * fewest) < each[0] * fewest:
                known, reason = {}, f"{fewest} predictions cannot tell: no share of them lies in the range"
            criterion = f"{round(100 * level)} % intervals hold"
            found.append(_criterion(criterion, k, known, f"coverage_{round(100 * level)}", low, high, reason))
    for reference in ("rbest", "naive"):
        beside = reference in scores.log_score and name in scores.log_score and reference != name
        gaps = {row["k"]: row for row in scores.differences(reference) if row["predictor"] == name} if beside else {}
        reason = unavailable.get(reference, unavailable.get(name, f"{reference} was not judged beside it"))
        bar = BAR[reference]
        criterion = f"log score less {reference}'s, pooled over K"
        found.append(_criterion(criterion, "pooled", gaps.get("pooled", {}), "log_score", bar["pooled"], None, reason))
        for k in BAR["ks"] if "each" in bar else ():
            criterion = f"log score less {reference}'s, lower end (90 %)"
            found.append(_criterion(criterion, k, gaps.get(k, {}), "log_score_lower", bar["each"], None, reason))
    return found


def _criterion(
    criterion: str, k: str, row: Mapping[str, Any], name: str, low: float, high: float | None, reason: str
) -> dict[str, Any]:
    """One line of a verdict: a value outside the range, whose own interval reaches into it, decides nothing."""
    value = row.get(name, float("nan"))
    status = "not available"
    if np.isfinite(value):
        reason = ""
        status = "pass" if (value > low if high is None else low <= value <= high) else "fail"
        lower, upper = row.get(f"{name}_lower", value), row.get(f"{name}_upper", value)
        if status == "fail" and not np.isfinite(upper - lower):
            # One data set has no interval: a miss of its cannot be told from chance.
            status, value, reason = "not available", float("nan"), "one data set cannot tell: it gives no interval"
        elif status == "fail" and lower <= (np.inf if high is None else high) and upper >= low:
            status = "inconclusive"
    return {
        "criterion": criterion,
        "k": k,
        "value": value if np.isfinite(value) else None,
        "low": low,
        "high": high,
        "status": status,
        "reason": reason,
    }
