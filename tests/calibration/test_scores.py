"""Scores: the bar, coverage over K, and bands that hold as often as they say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.leave_out import Task, draw_cases
from riskmodel.calibration.scores import Scores, ecdf_band, rarity, verdict


def scores(pit, gap, clusters=20, each=50):
    """Made-up scores at every K: some PIT values, and a default that is `gap` above RBesT's."""
    ks = ("1", "2", "3", "5", "all")
    n = clusters * each
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(n * 5)
    return Scores(
        ks=ks,
        k=np.repeat(ks, n),
        cluster=np.tile(np.repeat([f"c{i}" for i in range(clusters)], each), 5),
        rarity=np.repeat(rarity(0.2), 5 * n),
        total=np.full(5 * n, 50),
        pit={"default": np.tile(pit, 5), "rbest": np.tile(pit, 5), "naive": np.tile(pit, 5)},
        log_score={"default": noise, "rbest": noise - gap, "naive": noise - 3},
        seed=1,
        resamples=200,
    )


def test_the_bar_passes_and_fails_where_it_should():
    even = (np.arange(1000) + 0.5) / 1000
    assert {row["status"] for row in verdict(scores(even, 0.02), "default", {})} == {"pass"}
    wide = 0.5 + (even - 0.5) * 0.6
    failed = {row["criterion"] for row in verdict(scores(wide, 0.02), "default", {}) if row["status"] == "fail"}
    assert failed == {"95 % intervals hold", "50 % intervals hold"}
    failed = [row for row in verdict(scores(even, -0.06), "default", {}) if row["status"] == "fail"]
    assert [row["k"] for row in failed] == ["pooled", "1", "2", "3", "5", "all"]
    failed = [row for row in verdict(scores(even, -0.04), "default", {}) if row["status"] == "fail"]
    assert [row["k"] for row in failed] == ["pooled"]


def of_few(pit, clusters=3, each=2):
    """Six series and one K: what a user's own small corpus gives."""
    ks = ["1", "2", "3", "5", "all"]
    n = clusters * each
    return replace(
        scores(np.resize(pit, n * 10), 0.02, clusters=clusters),
        k=np.repeat(ks, n),
        cluster=np.tile(np.repeat([f"c{i}" for i in range(clusters)], each), 5),
        rarity=np.repeat(rarity(0.2), 5 * n),
        total=np.full(5 * n, 50),
        pit=dict.fromkeys(("default", "rbest", "naive"), np.resize(pit, 5 * n)),
        log_score={name: np.zeros(5 * n) - less for name, less in (("default", 0), ("rbest", 0.1), ("naive", 3))},
    )


@pytest.mark.parametrize("pit", [np.full(6, 0.5), np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.99]), np.full(6, 0.999)])
def test_so_few_series_that_no_share_lies_in_the_range_cannot_tell(pit):
    rows = [row for row in verdict(of_few(pit), "default", {}) if row["criterion"] == "95 % intervals hold"]
    assert {row["status"] for row in rows} == {"not available"}
    assert all("6 predictions cannot tell" in row["reason"] for row in rows)


@pytest.mark.parametrize("pit", [np.full(6, 0.5), np.full(40, 0.5), np.full(40, 0.999), np.linspace(0.3, 0.7, 200)])
def test_one_data_set_cannot_fail_since_it_has_no_interval(pit):
    rows = verdict(of_few(pit, clusters=1, each=pit.size), "default", {})
    assert "fail" not in {row["status"] for row in rows}
    assert all(row["reason"] for row in rows if row["status"] == "not available")
    assert any("one data set cannot tell" in row["reason"] for row in rows)


def test_what_misses_by_less_than_its_own_interval_decides_nothing():
    just = (np.arange(1000) + 0.5) / 1000 * 0.978 + 0.011  # 97.1 % inside, and 50 % intervals hold 51.1
    rows = {(row["criterion"], row["k"]): row for row in verdict(scores(just, 0.02), "default", {})}
    found = rows["95 % intervals hold", "average"]
    assert (found["value"], found["status"]) == (pytest.approx(0.972, abs=0.002), "inconclusive")
    far = verdict(scores(0.5 + (just - 0.5) * 0.6, 0.02), "default", {})
    assert "fail" in {row["status"] for row in far}


def test_coverage_counts_the_middle_and_averages_over_k():
    row = scores((np.arange(1000) + 0.5) / 1000, 0).rows[5]
    assert (row["k"], row["cases"], row["data_sets"]) == ("average", 5000, 20)
    assert [row[f"coverage_{level}"] for level in (50, 80, 95)] == pytest.approx([0.5, 0.8, 0.95])


def counted(events, total, cluster, expected, risk=0.05):
    """Predictions from one series each."""
    n = len(events)
    return Scores(
        ks=("1",),
        k=np.full(n, "1"),
        cluster=np.array(cluster),
        rarity=np.full(n, rarity(risk)),
        total=np.array(total),
        pit={"mine": np.full(n, 0.5)},
        log_score={"mine": np.zeros(n)},
        seed=1,
        resamples=400,
        events=np.array(events),
        expected={"mine": np.array(expected, float)},
    )


def test_expected_over_observed_by_hand():
    # Cluster a: 3 + 1 expected and 1 + 1 seen of 20; cluster b: 5 expected and 4 seen of 20.
    found = counted([1, 1, 4], [10, 10, 20], ["a", "a", "b"], [3, 1, 5])
    events, others = (
        next(row for row in found.ratios if (row["coding"], row["stratum"], row["k"]) == (coding, "1 to 10 %", "1"))
        for coding in ("events", "non-events")
    )
    assert (events["cases"], events["data_sets"], events["expected"], events["observed"]) == (3, 2, 9.0, 6)
    assert events["ratio"] == pytest.approx(9 / 6, abs=1e-12)
    assert (others["expected"], others["observed"]) == (31.0, 34)
    assert others["ratio"] == pytest.approx(31 / 34, abs=1e-12)
    # Resamples of two clusters are a twice, b twice, or both: the percentiles are those of one cluster alone.
    assert (events["ratio_lower"], events["ratio_upper"]) == pytest.approx((5 / 4, 4 / 2), abs=1e-12)
    assert (others["ratio_lower"], others["ratio_upper"]) == pytest.approx((15 / 16, 16 / 18)[::-1], abs=1e-12)
    empty = next(row for row in found.ratios if row["stratum"] == "more than 10 %" and row["k"] == "1")
    assert (empty["cases"], empty["observed"]) == (0, 0)
    assert np.isnan(empty["ratio"])


def test_where_nothing_was_observed_there_is_no_ratio():
    with np.errstate(all="raise"):
        row = counted([0, 0], [10, 10], ["a", "b"], [1, 1]).ratios[0]
    assert not np.isfinite(row["ratio"])


def test_the_document_says_what_is_expected_and_what_came():
    text = (Path(__file__).parents[2] / "docs" / "calibration.md").read_text(encoding="utf-8")
    told = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 7 and cells[1] == "all":
            told[cells[0]] = (int(cells[2]), float(cells[3]), int(cells[4]), float(cells[5].split()[0]))
    sums = {name: np.zeros(3) for name in told}
    for arm in load_corpus().arms:
        if sum(total <= 3000 for total in arm.totals) < 3:
            continue
        for case in draw_cases(Task(arm, (), 1, ("all",), 12, 3000, False)):
            others = list(case.others)
            mean = rm.pool([arm.events[i] for i in others], [arm.totals[i] for i in others]).average.mean
            seen = np.array([1, mean * arm.totals[case.left_out], arm.events[case.left_out]])
            for name in ("all", rarity(arm.pooled_risk)):
                sums[name] += seen
    for name, (cases, expected, observed) in sums.items():
        assert told[name] == (cases, round(expected, 1), observed, round(expected / observed, 2)), name


def test_one_data_set_has_no_interval():
    row = scores((np.arange(50) + 0.5) / 50, 0, clusters=1).rows[0]
    assert np.isnan(row["log_score_lower"])
    assert np.isfinite(row["log_score"])


def test_rarity_does_not_depend_on_the_coding():
    assert rarity(0.005) == rarity(0.995) == "rarer than 1 %"
    assert rarity(0.05) == rarity(0.95) == "1 to 10 %"
    assert rarity(0.5) == "more than 10 %"


@pytest.mark.parametrize("size", [20, 300])
def test_uniform_values_stay_inside_the_band_as_often_as_it_says(size):
    lower, upper = ecdf_band(size, points=20)
    values = np.random.default_rng(11).random((3000, size))
    share = (values[:, None, :] <= (np.arange(1, 20) / 20)[:, None]).mean(2)
    inside = ((share >= lower - 1e-12) & (share <= upper + 1e-12)).all(1).mean()
    # Counts are discrete, so the band holds a little more often; 0.004 is one standard error.
    assert 0.938 < inside < 0.975


def test_the_document_of_the_default_prior_says_what_pool_says():
    text = (Path(__file__).parents[2] / "docs" / "default-prior.md").read_text(encoding="utf-8")
    for median, sigma in ((0.8, 0.6), (0.9, 0.5)):
        row = next(
            line for line in text.splitlines() if f"LogNormal(median {median}, sigma {sigma})" in line and "|" in line
        )
        told = [cell.strip() for cell in row.strip("|").split("|")][-3:]
        rare, none, every = (
            rm.pool(events, totals, heterogeneity=("log-normal", median, sigma)).new_setting
            for events, totals in (
                ([14, 7, 5, 17], [24600, 7260, 7500, 19200]),
                ([0] * 6, [100, 150, 200, 325, 400, 700]),
                ([19], [19]),
            )
        )
        assert told == [f"{100 * rare.interval(0.95)[1]:.2f} %", f"{100 * none.mean:.2f} %", f"{every.mean:.3f}"]
        assert rare.interval(0.95)[1] < 0.01
        assert none.mean < 0.003
        assert 0.9 < every.mean < 0.97
