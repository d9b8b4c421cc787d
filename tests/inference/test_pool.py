"""pool(): its arguments, its error messages, and what a posterior can say."""

import itertools
import json
import os

import numpy as np
import pandas as pd
import pytest
from command_line import run

import riskmodel as rm
from riskmodel.priors import HETEROGENEITY_PRIORS, MU_PRIORS


@pytest.mark.parametrize(
    ("events", "totals", "where", "what"),
    [
        ([22], [21], "series 1", "22 events of 21"),
        ([1, 5], [2, 4], "series 2", "5 events of 4"),
        ([-1], [21], "series 1", "-1 events"),
        ([1], [0], "series 1", "a total of 0"),
        ([1], [-4], "series 1", "a total of -4"),
        ([1.5], [21], "events, series 1", "'1.5' is not a whole number"),
        ([float("nan")], [21], "events, series 1", "a missing count"),
        ([float("inf")], [21], "events, series 1", "'inf' is not a whole number"),
        ([None], [21], "events, series 1", "a missing count"),
        (["20 %"], [21], "events, series 1", "'20 %' is not a whole number"),
        ([True], [21], "events, series 1", "'True' is not a whole number"),
        ([2 + 1j], [21], "events, series 1", "is not a whole number"),
        ("20/21", [20], "series 1", "'20/21' beside a total of 20"),
        (None, [21], "events", "is not a list"),
        ({1}, [21], "events", "is not a list"),
        ([], [], "pool", "no series"),
        ([1, 2], [3], "pool", "2 numbers of events but 1 totals"),
        (np.array([[1, 2]]), [[3, 4]], "events", "counts of shape (1, 2)"),
        ([[1, 2]], [[3, 4]], "events, series 1", "is not a whole number"),
        ([[1], [2, 3]], [3, 4], "events, series 1", "is not a whole number"),
        ([1], [10**10], "series 1", "a total of 10000000000"),
        ([10**400], [10**401], "events, series 1", "is too large"),
        (np.zeros(100_001, int), np.ones(100_001, int), "events", "100,001 series"),
    ],
)
def test_counts_that_cannot_be_are_refused(events, totals, where, what):
    with pytest.raises(rm.InputError) as caught:
        rm.pool(events, totals)
    assert caught.value.where == where
    assert what in caught.value.what
    json.dumps(caught.value.to_dict())


@pytest.mark.parametrize(
    "arguments",
    [
        {"prior": "jefreys"}, {"prior": (0, 1)}, {"prior": (1, -1)}, {"prior": ("normal", 0, 0)}, {"prior": (1, float("nan"))},
        {"prior": 3}, {"prior": ("normal", float("inf"), 1)}, {"prior": (1e-9, 1)}, {"heterogeneity": -1},
        {"heterogeneity": 0.3}, {"heterogeneity": ("half-normal", -1)}, {"heterogeneity": ("log-normal", 1)},
        {"heterogeneity": "defalt"}, {"heterogeneity": ("half-normal", 1e9)}, {"heterogeneity": None}, {"heterogeneity": ()},
        {"heterogeneity": True}, {"model": "binomial"}, {"method": "gibbs"}, {"labels": ["a", "b"]}, {"seed": 3},
        {"method": "nuts", "drawz": 3}, {"method": "nuts", "draws": 3}, {"method": "nuts", "chains": 1},
        {"method": "nuts", "target_accept": 2},
    ],
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused(arguments):
    with pytest.raises(rm.InputError) as caught:
        rm.pool([20], [21], **arguments)
    assert caught.value.where


def test_a_misspelt_prior_gets_the_nearest_name():
    with pytest.raises(rm.UnknownNameError, match=r"Did you mean 'jeffreys'\?"):
        rm.pool([20], [21], prior="jefreys")


def test_a_normal_prior_without_heterogeneity_can_predict():
    post = rm.pool([20], [21], prior=("normal", 0, 2), heterogeneity=0)
    pmf = post.predict(3)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert pmf @ np.arange(4) == pytest.approx(3 * post.new_setting.mean, abs=1e-9)


def test_what_is_not_built_says_so():
    with pytest.raises(rm.UnavailableError, match="logit-normal"):
        rm.pool([20], [21], model="logit-normal", method="nuts")


@pytest.mark.parametrize(
    "events",
    [np.array([20, 10]), pd.Series([20, 10]), (20, 10), [20.0, np.int8(10)], pd.Series([20, 10], dtype="Int64")],
)
def test_counts_come_in_many_containers(events):
    assert rm.pool(events, [21, 11]).average.mean == rm.pool([20, 10], [21, 11]).average.mean


def test_one_series_may_be_two_numbers():
    assert rm.pool(20, 21).average.mean == rm.pool([20], [21]).average.mean


def test_inputs_are_not_changed():
    events, totals = np.array([20, 10]), np.array([21, 11])
    rm.pool(events, totals)
    assert (events.tolist(), totals.tolist()) == ([20, 10], [21, 11])


@pytest.mark.parametrize("text", ["3/20 11/61", "3/20, 11/61", "3/20;11/61"])
def test_the_command_line_s_spelling_is_told_as_lists(text):
    with pytest.raises(rm.InputError, match="is not a whole number") as caught:
        rm.pool(text)
    told = "Give events and totals as two lists, such as pool([3, 11], [20, 61])"
    assert caught.value.remedy == told
    assert rm.pool([3, 11], [20, 61]).average.mean == rm.pool(["3/20", "11/61"]).average.mean


PRIORS = [*MU_PRIORS, (2, 3), ("normal", 0, 1.5), rm.BetaMixture([0.5, 0.5], [1, 4], [1, 2])]
SPREADS = [*HETEROGENEITY_PRIORS, 0, (1, 4), ("half-normal", 0.3), ("log-normal", 1, 0.4), ("exponential", 0.6)]
#: Each with every third of the others; the soak run has all pairs.
PAIRS = [
    (prior, spread)
    for (i, prior), (j, spread) in itertools.product(enumerate(PRIORS), enumerate(SPREADS))
    if os.environ.get("RISKMODEL_SOAK") or (i + j) % 3 == 0
]


@pytest.mark.parametrize(("prior", "heterogeneity"), PAIRS)
def test_every_prior_gives_a_coherent_posterior(prior, heterogeneity):
    post = rm.pool([19, 10], [19, 11], prior=prior, heterogeneity=heterogeneity)
    for one in (post.average, post.new_setting, *post.series):
        lower, upper = one.interval(0.95)
        assert 0 <= lower < one.mean < upper <= 1
        assert lower < one.median < upper
        assert one.cdf(lower) == pytest.approx(0.025, abs=1e-6)
        if upper < 1 - 1e-9:  # nearer to one a double has no digits left for the quantile itself
            assert one.sf(upper) == pytest.approx(0.025, abs=1e-6)
    assert post.new_setting.mean == pytest.approx(post.average.mean, abs=1e-7)
    assert post.new_setting.sd >= post.average.sd - 1e-9


def test_more_spread_means_a_wider_new_setting_and_the_same_order_of_limits():
    # One series of 20/21: what decides the lower limit is the prior on the spread, and that must be seen.
    wide, narrow = (rm.pool([20], [21], heterogeneity=("half-normal", s)) for s in (1.0, 0.5))
    series = [one.series[0].interval()[0] for one in (wide, narrow)]
    average = [one.average.interval()[0] for one in (wide, narrow)]
    new = [one.new_setting.interval()[0] for one in (wide, narrow)]
    assert all(value == pytest.approx(0.79, abs=0.015) for value in series)
    assert average[0] < average[1] < series[0]
    assert new[0] < new[1] < average[1]


def test_the_default_keeps_rare_outcomes_rare():
    # With rho ~ Beta(1, 9) and a uniform prior on mu these counts give a mean of 1.7 % and an upper limit of 16 %.
    counts = ([14, 7, 5, 17], [24600, 7260, 7500, 19200])
    assert rm.pool(*counts).new_setting.interval()[1] < 0.005
    badly_scaled = rm.pool(*counts, prior="uniform", heterogeneity="rho-beta-1-9").new_setting
    assert badly_scaled.mean == pytest.approx(0.017, abs=0.0005)
    assert badly_scaled.interval()[1] == pytest.approx(0.16, abs=0.005)


def test_intervals_ask_for_sense():
    post = rm.pool([20], [21]).average
    for prob in (0, 1, -1, 2, float("nan"), "0.95", None, True):
        with pytest.raises(rm.InputError):
            post.interval(prob)
    with pytest.raises(rm.UnknownNameError):
        post.interval(0.95, kind="hpd")
    with pytest.raises(rm.InputError):
        post.ppf(1.5)


def test_the_shortest_interval_is_no_longer_than_the_equal_tailed_one():
    post = rm.pool([19, 10], [19, 11]).new_setting
    eti, hdi = post.interval(0.9), post.interval(0.9, kind="hdi")
    assert hdi[1] - hdi[0] <= eti[1] - eti[0]
    assert post.cdf(hdi[1]) - post.cdf(hdi[0]) == pytest.approx(0.9, abs=1e-6)


def test_samples_follow_the_distribution():
    post = rm.pool([19, 10, 3], [19, 11, 9])
    rng = np.random.default_rng(5)
    for one in (post.average, post.new_setting, post.series[1], post.heterogeneity):
        drawn = one.sample(20_000, rng)
        assert drawn.shape == (20_000,)
        assert drawn.mean() == pytest.approx(one.mean, abs=4 * one.sd / np.sqrt(20_000))
        assert np.quantile(drawn, 0.9) == pytest.approx(float(one.ppf(0.9)), abs=0.01)


def test_densities_integrate_to_the_distribution_function():
    post = rm.pool([19, 10, 3], [19, 11, 9])
    x = np.linspace(0.3, 0.9, 4001)
    for one in (post.average, post.new_setting, post.series[1]):
        mass = np.trapezoid(one.pdf(x), x)
        assert mass == pytest.approx(float(one.cdf(0.9) - one.cdf(0.3)), abs=1e-5)
    x = np.linspace(0.01, 0.5, 4001)
    assert np.trapezoid(post.heterogeneity.pdf(x), x) == pytest.approx(
        float(post.heterogeneity.cdf(0.5) - post.heterogeneity.cdf(0.01)), abs=2e-3
    )


def test_prediction_sums_to_one_and_has_the_mean_of_the_risk():
    post = rm.pool([19, 10], [19, 11])
    for total in (0, 1, 10, 1000):
        pmf = post.predict(total)
        assert pmf.shape == (total + 1,)
        assert pmf.sum() == pytest.approx(1, abs=1e-12)
        assert pmf @ np.arange(total + 1) == pytest.approx(total * post.new_setting.mean, rel=1e-9)
    assert all((post.predict(same) == post.predict(10)).all() for same in (10.0, np.int8(10), "10"))
    for total in (-1, 2.5, "3.5", None, 10**7, True):
        with pytest.raises(rm.InputError):
            post.predict(total)


def test_the_table_and_the_dict_have_the_same_numbers():
    post = rm.pool([19, 10], [19, 11], labels=["Simchen 2002", "Bronshtein 1995"])
    table, body = post.table(), post.to_dict()
    assert list(table["estimand"]) == ["series", "series", "average", "new_setting", "heterogeneity", "heterogeneity"]
    assert list(table["mean"]) == [one["mean"] for one in body["estimands"]]
    assert table["events"].isna().tolist() == [False, False, True, True, True, True]
    assert table.attrs == {}
    json.dumps(body, allow_nan=False)


def test_errors_say_what_where_and_the_way_out():
    error = rm.InputError("22 events of 21", where="series 1", remedy="Swap them")
    assert str(error) == "series 1: 22 events of 21. Swap them"
    assert isinstance(error, ValueError)
    assert isinstance(error, rm.RiskModelError)


def test_the_command_asks_whether_the_sum_of_the_others_is_a_total():
    """Its series have no labels, so that nobody knows; of few fetuses a sum comes about by chance."""
    code, out, said = run("pool", "3/20", "9/15", "1/40", "13/75")
    assert code == 0
    assert "series 4, 13/75, is the sum of the others. Is it a total" in said
    assert "average" in out
    for other in (("3/20", "9/15", "1/40", "12/75"), ("1/2", "1/3", "2/5"), ("13/75", "13/75")):
        assert run("pool", *other, "--json")[::2] == (0, "")
