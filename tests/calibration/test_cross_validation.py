"""Leave-one-series-out calibration: what it finds, by which protocol, and of which predictors."""

from decimal import Decimal

import numpy as np
import pytest

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.cross_validation import calibrate
from riskmodel.calibration.leave_out import Task, draw_cases
from riskmodel.calibration.predictors import PREDICTORS, PoolPredictor, as_predictors, asked, stated


def uniform(events, totals, total):
    return np.full(total + 1, 1 / (total + 1))


# ---------------------------------------------------------------- what it finds


def test_coverage_is_right_where_the_model_is_and_naive_pooling_fails(tmp_path, written):
    corpus = load_corpus(written(tmp_path / "many.csv", 60, 5, 7))
    record = calibrate(corpus, ["default", "naive"], ks=[2], most=2, resamples=200)
    rows = {row["predictor"]: row for row in record.scores.rows if row["stratum"] == "all" and row["k"] == "2"}
    for level in (0.5, 0.8, 0.95):
        error = np.sqrt(level * (1 - level) / 120)
        assert abs(rows["default"][f"coverage_{round(100 * level)}"] - level) < 4 * error
    assert rows["naive"]["coverage_95"] < 0.8
    gap = next(row for row in record.scores.differences("naive") if row["k"] == "pooled")
    assert gap["log_score_lower"] > 1
    assert record.verdict("naive") == "fail"


def test_naive_pooling_holds_where_settings_are_alike(tmp_path, written):
    corpus = load_corpus(written(tmp_path / "alike.csv", 60, 5, 3, heterogeneity=False))
    record = calibrate(corpus, "naive", ks=["all"], most=2, resamples=200)
    row = record.scores.rows[0]
    assert abs(row["coverage_95"] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 120)


def test_scores_are_those_of_the_closed_form(small):
    # Uniform predictions: log score -log(n + 1), PIT (y + u) / (n + 1).
    record = calibrate(small, {"flat": uniform}, ks=[1])
    for arm in record.arms.values():
        n, y, u = (np.array(arm[name]) for name in ("total", "events", "u"))
        np.testing.assert_allclose(arm["scores"]["flat"]["log_score"], -np.log(n + 1), rtol=1e-12)
        np.testing.assert_allclose(arm["scores"]["flat"]["pit"], (y + u) / (n + 1), rtol=1e-12)


def test_a_record_tells_expected_over_observed_in_both_codings(small):
    record = calibrate(small, {"flat": uniform}, ks=[1, 2], resamples=50)
    table = record.expected_table().set_index(["stratum", "coding", "k"])
    chosen = [
        (y, n, k) for arm in record.arms.values() for y, n, k in zip(arm["events"], arm["total"], arm["k"], strict=True)
    ]
    ratios = []
    for k in ("1", "2"):
        events, total = np.array([(y, n) for y, n, at in chosen if at == k]).T
        ratios.append(total.sum() / 2 / events.sum())  # half of each series is expected
        assert table.loc["all", "events", k]["ratio"] == pytest.approx(ratios[-1], rel=1e-12)
        assert table.loc["all", "non-events", k]["ratio"] == pytest.approx(total.sum() / 2 / (total - events).sum())
    assert table.loc["all", "events", "average"]["ratio"] == pytest.approx(np.mean(ratios))
    page = record.to_markdown()
    assert f"| flat, all, K = 1 | {len(chosen) // 2} |" in page.split("## Expected over observed")[1]


def test_a_probability_of_zero_counts_and_does_not_spoil_the_mean(small):
    record = calibrate(small, {"sure": lambda events, totals, total: np.eye(total + 1)[0]}, ks=[1])
    values = record.scores.log_score["sure"]
    assert set(values) <= {0.0, -690.0}
    assert np.isfinite(record.scores.rows[0]["log_score"])


def test_the_default_answers_non_events_alike(small):
    record = calibrate(small, ["default", {"flat": uniform}["flat"]], ks=[2], most=2, mirrored=True)
    rows = {row["predictor"]: row for row in record.symmetry()}
    assert rows["default"]["largest_difference"] < 1e-12
    lopsided = {"lopsided": lambda events, totals, total: np.arange(1, total + 2) / ((total + 1) * (total + 2) / 2)}
    found = calibrate(small, lopsided, ks=[1], most=1, mirrored=True).symmetry()[0]
    assert found["largest_difference"] > 1e-3
    assert found["log_score"] != pytest.approx(found["mirrored_log_score"])
    assert "Events and non-events exchanged" in record.to_markdown()


# ---------------------------------------------------------------- the protocol


def test_the_draws_keep_the_protocol():
    corpus = load_corpus()
    for arm in corpus.arms:
        cases = draw_cases(Task(arm, (), 1, ("1", "2", "3", "5", "all"), 12, 3000, False))
        left_out = {case.left_out for case in cases}
        usable = [i for i, total in enumerate(arm.totals) if total <= 3000]
        assert len(left_out) == min(12, len(usable))
        for case in cases:
            assert case.left_out not in case.others
            assert set(case.others) <= set(usable)
            assert len(set(case.others)) == (len(usable) - 1 if case.k == "all" else int(case.k))
            assert 0 <= case.u < 1


def test_a_draw_depends_on_nothing_but_seed_and_names():
    arm = load_corpus().arms[0]
    every = draw_cases(Task(arm, (), 1, ("1", "3", "all"), 12, 3000, False))
    some = draw_cases(Task(arm, (), 1, ("3",), 12, 3000, False))
    assert [case for case in every if case.k == "3"] == some
    assert draw_cases(Task(arm, (), 2, ("3",), 12, 3000, False)) != some


def test_arms_without_enough_usable_series_are_named():
    record = calibrate(predictors={"flat": uniform}, ks=[1], most=1)
    assert record.skipped == {"crisafulli2020/cases": "0 series with a total up to 3,000, fewer than 3"}
    assert len(record.arms) == 40
    assert "crisafulli2020/cases was left out" in record.to_markdown()


# ---------------------------------------------------------------- predictors


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda events, totals, total: np.ones(total) / total, r"shape \(\d+,\) where"),
        (lambda events, totals, total: np.full(total + 1, 0.5), "the probabilities sum to"),
        (lambda events, totals, total: np.linspace(-1, 1, total + 1) + 1 / (total + 1), "the probability of 0 events is -"),
        (lambda events, totals, total: np.full(total + 1, np.nan), "the probability of 0 events is nan"),
        (lambda events, totals, total: "likely", "str instead of probabilities"),
        (lambda events, totals, total: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_a_function_that_gives_no_probabilities_is_told_where(small, function, what):
    with pytest.raises(rm.InputError, match=what) as caught:
        calibrate(small, {"mine": function}, ks=[2])
    assert caught.value.where.startswith("mine at set00/x, study ")
    assert caught.value.where.endswith(", K = 2")


def test_what_pool_refuses_is_a_row_without_numbers(small):
    refused = PoolPredictor("refused", model="logit-normal", heterogeneity=(1, 9))
    record = calibrate(small, ["naive", refused], ks=[1])
    assert "logit-normal" in record.unavailable["refused"] or "rho" in record.unavailable["refused"]
    assert "`refused` is not available" in record.to_markdown()
    assert {row["predictor"] for row in record.scores.rows} == {"naive"}
    assert {row["status"] for row in record.bar("refused")} == {"not available"}
    assert all(row["reason"] for row in record.bar("refused"))


def test_predictors_are_named_and_checked():
    assert [one.name for one in as_predictors(None)] == ["default", "naive", "rbest"]
    assert set(PREDICTORS) == {"default", "naive", "rbest", "first-default", "uniform-rho", "rho-beta-1-9"}
    assert as_predictors({"mine": "naive"})[0].to_dict()["heterogeneity"] == "heterogeneity 0"
    assert as_predictors(uniform)[0].name == "uniform"
    assert [one.name for one in asked(heterogeneity="half-normal,1", rows=["uniform-rho"])][::4] == [
        "asked",
        "uniform-rho",
    ]
    assert stated("log-normal,0.8,0.6") == ("log-normal", 0.8, 0.6)
    assert (stated("0"), stated("uniform"), stated("1,9")) == (0, "uniform", (1.0, 9.0))
    with pytest.raises(rm.UnknownNameError, match="Did you mean 'naive'"):
        as_predictors("naiv")
    for wrong in ([], 3, ["naive", "naive"], PoolPredictor("x", prior="none")):
        with pytest.raises(rm.InputError):
            as_predictors(wrong)


def test_whole_numbers_of_every_type_are_taken(small):
    """Seeds and settings from NumPy, a data frame or a database say what a plain integer says."""
    plain = calibrate(small, "naive", ks=[1, "all"], most=1, seed=1)
    for one in (np.int64, np.uint8, Decimal, float):
        same = calibrate(small, "naive", ks=[one(1), "all"], most=one(1), seed=one(1))
        assert (same.settings, same.arms) == (plain.settings, plain.arms)
    assert calibrate(small, "naive", ks=[1], most=1, seed=2**64 - 1).to_json()
    for wrong in (-1, 2**64, True, np.True_, "1", None, 1.5):
        with pytest.raises(rm.InputError, match="is not a seed"):
            calibrate(small, "naive", ks=[1], most=1, seed=wrong)


def test_arguments_that_cannot_be_used_are_refused(small, tmp_path):
    for wrong in ({"ks": []}, {"ks": [0]}, {"ks": 3}, {"ks": [1, 1]}, {"most": 0}, {"seed": -1}, {"largest": 5}):
        with pytest.raises(rm.InputError):
            calibrate(small, "naive", **wrong)
    with pytest.raises(rm.InputError, match="cannot be written"):
        calibrate(small, "naive", save=tmp_path / "nowhere" / "record.json")
    with pytest.raises(rm.InputError, match="jobs"), workers(0):
        pass
    with workers(2) as pool, pytest.raises(rm.InputError, match="cannot be sent to another process"):
        calibrate(small, {"mine": lambda events, totals, total: uniform(events, totals, total)}, executor=pool)
