"""Many problems in one call: the same numbers as one by one, wherever they are made."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import riskmodel as rm
from riskmodel.inference import pool_many as batch
from sbc_calibrate import simulation_based_calibration

PROBLEMS = {
    "a": ([20, 10], [21, 11]),
    "b": ([1], [61]),
    "c": ([10, 20], [11, 21]),
    "d": (np.array([0]), pd.Series([5])),
}


def test_it_is_what_pool_says_problem_by_problem():
    table = rm.pool_many(PROBLEMS, estimands=["average", "new_setting", "heterogeneity"], ci_prob=0.8)
    assert table["problem"].tolist() == [name for name in PROBLEMS for _ in range(3)]
    for name, (events, totals) in PROBLEMS.items():
        post = rm.pool(events, totals)
        for estimand in ("average", "new_setting", "heterogeneity"):
            row = table[(table["problem"] == name) & (table["estimand"] == estimand)].iloc[0]
            one = getattr(post, estimand)
            assert row["mean"] == pytest.approx(one.mean, abs=1e-9)
            assert row["sd"] == pytest.approx(one.sd, abs=1e-9)
            assert row["median"] == pytest.approx(one.median, abs=1e-9)
            assert [row["lower"], row["upper"]] == pytest.approx(one.interval(0.8), abs=1e-9)
            assert row["log_evidence"] == pytest.approx(post.log_evidence, abs=1e-9)
            assert (row["series"], row["events"], row["total"]) == (len(events), sum(events), sum(totals))
            assert (row["ci_prob"], row["ci_kind"], row["reason"]) == (0.8, "eti", "")


def test_problems_with_the_same_counts_are_fitted_once(monkeypatch):
    fitted = []
    monkeypatch.setattr(
        batch, "pool", lambda events, totals, **kw: fitted.append(events) or rm.pool(events, totals, **kw)
    )
    table = rm.pool_many([([1, 2], [9, 8]), ([2, 1], [8, 9]), ([1, 2], [9, 8]), ([1, 2], [8, 9])])
    assert len(fitted) == 2
    assert table["mean"].iloc[0] == table["mean"].iloc[2] == table["mean"].iloc[4] != table["mean"].iloc[6]


@pytest.mark.parametrize("model", ["beta-binomial", "contaminated-beta-binomial", "logit-normal"])
def test_the_table_is_the_same_wherever_it_is_made(model, processes):
    rng = np.random.default_rng(2)
    problems = [(rng.binomial(20, 0.3, k), [20] * k) for k in rng.integers(1, 5, 120)]
    one = rm.pool_many(problems, model=model)
    with ThreadPoolExecutor(2) as threads:
        pd.testing.assert_frame_equal(one, rm.pool_many(problems, model=model, executor=threads), check_exact=True)
    told = []
    other = rm.pool_many(problems, model=model, executor=processes, progress=lambda *part: told.append(part))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] == len(told) - 1


def test_a_problem_without_an_answer_says_why_and_the_others_have_theirs(monkeypatch):
    def picky(events, totals, **kw):
        if events == (3,):
            raise rm.AccuracyError("too hard", where="pool", remedy="Give up")
        return rm.pool(events, totals, **kw)

    monkeypatch.setattr(batch, "pool", picky)
    table = rm.pool_many([([3], [4]), ([2], [4])], estimands=["average"])
    assert np.isnan(table["mean"].iloc[0])
    assert "too hard" in table["reason"].iloc[0]
    assert table["mean"].iloc[1] == pytest.approx(0.5)


def test_all_problems_at_fault_are_named():
    with pytest.raises(rm.InputError) as caught:
        rm.pool_many([([1], [2]), ([3], [2]), ([1, 2], [2]), 7, ([0.5], [2])])
    for words in (
        "problem 1: series 1: 3 events of 2",
        "problem 2: pool: 2 numbers",
        "problem 3: not a pair",
        "problem 4",
    ):
        assert words in str(caught.value)
    for arguments, error in (
        (([],), rm.InputError), ((3,), rm.InputError), (("ab",), rm.InputError),
    ):  # fmt: skip
        with pytest.raises(error):
            rm.pool_many(*arguments)
    one = [([1], [2])]
    for keyword, error in (
        ({"estimands": ["mean"]}, rm.UnknownNameError), ({"estimands": []}, rm.InputError), ({"ci_prob": 95}, rm.InputError),
        ({"prior": "none"}, rm.InputError), ({"model": "poisson"}, rm.InputError),
    ):  # fmt: skip
        with pytest.raises(error):
            rm.pool_many(one, **keyword)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_dask_does_the_same_work(dask):
    """Client.get_executor() is a concurrent.futures.Executor: batches, calibration and simulation take it as it is."""
    problems = [([i % 5, 2], [9, 20]) for i in range(130)]
    pd.testing.assert_frame_equal(rm.pool_many(problems), rm.pool_many(problems, executor=dask), check_exact=True)
    ours = simulation_based_calibration(replications=120, seed=3, executor=dask)
    assert ours.chunks == simulation_based_calibration(replications=120, seed=3).chunks
    judged = rm.calibrate(predictors="default", ks=[1], most=1, executor=dask)
    assert judged.arms == rm.calibrate(predictors="default", ks=[1], most=1).arms
