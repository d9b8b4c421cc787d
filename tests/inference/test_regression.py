"""One covariate on logit(mu): against plain sums, other software, a publication, and what must hold by symmetry."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, polygamma
from scipy.stats import betabinom, norm

import riskmodel as rm
from riskmodel.errors import InputError, UnavailableError, UnknownNameError
from riskmodel.priors import as_heterogeneity_prior

EVENTS, TOTALS, BY = [9, 6, 3, 11, 0], [19, 11, 15, 60, 9], ["early", "early", "late", "late", "late"]
LATITUDE = json.loads((Path(__file__).parents[2] / "validation" / "published.json").read_text())[
    "tuberculosis_by_latitude"
]


SOAK = pytest.mark.skipif(not os.environ.get("RISKMODEL_SOAK"), reason="make soak")


@pytest.fixture(scope="module", params=["beta-binomial", "logit-normal"])
def found(request):
    return rm.pool(EVENTS, TOTALS, by=BY, model=request.param)


def test_three_quadratures_over_the_same_posterior_have_one_integral(found):
    evidence = [found.log_evidence, *(found.level(name).log_evidence for name in found.levels)]
    assert np.ptp(evidence) < 2e-7
    assert max(one.error.mean for one in (found, *map(found.level, found.levels))) < 1e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "counts"),
    [
        ({}, ([0, 0, 0], [50, 30, 20])),
        pytest.param({"effect": ("normal", 0, 10)}, ([0, 0, 4], [20, 30, 12]), marks=SOAK),
        ({"prior": rm.BetaMixture([0.5, 0.5], [50, 2], [500, 2])}, ([0, 2, 4], [20, 30, 12])),
        ({"prior": "tsd5", "effect": ("normal", 0, 30)}, ([1, 2, 9], [20, 30, 12])),
        ({"heterogeneity": ("half-normal", 0.01)}, ([200, 210, 310], [1000] * 3)),
        pytest.param({"model": "logit-t"}, ([9, 6, 3], [19, 11, 15]), marks=SOAK),
    ],
)
def test_three_quadratures_have_one_integral_where_it_is_hard(options, counts):
    found = rm.pool(*counts, by=[0, 0, 1], **options)
    # 2e-6 where the prior has a narrow and a wide part, 3e-8 at most elsewhere (2026-11).
    assert np.ptp([found.log_evidence, *(found.level(name).log_evidence for name in found.levels)]) < 5e-6
    assert found.error.mean < 2e-6


def gs_of(tau, mu):
    low, high = np.full(mu.shape, -30.0), np.full(mu.shape, 20.0)
    for _ in range(70):
        middle = 0.5 * (low + high)
        a, b = mu * np.exp(-middle), (1 - mu) * np.exp(-middle)
        small = polygamma(1, a) + polygamma(1, b) < tau**2
        low, high = np.where(small, middle, low), np.where(small, high, middle)
    return np.exp(middle)


@pytest.mark.parametrize("heterogeneity", [("half-normal", 1), (1, 9)])
def test_against_a_plain_sum(heterogeneity):
    found = rm.pool(EVENTS, TOTALS, by=BY, heterogeneity=heterogeneity, prior=(1, 1), effect=("normal", 0.5, 0.8))
    x = np.linspace(-10.0, 8.0, 181)
    prior = as_heterogeneity_prior(heterogeneity)
    total, moments = 0.0, np.zeros(5)
    for s in np.linspace(-13.0, 2.5, 125) if prior.scale == "tau" else np.linspace(-12, 4, 81):
        spread = np.exp(s) if prior.scale == "tau" else expit(s)  # tau, or rho on its logit
        height = np.exp(-0.5 * spread**2) * spread if prior.scale == "tau" else spread * (1 - spread) ** 9
        mu = expit(x)
        g = gs_of(spread, mu) if prior.scale == "tau" else np.full(x.shape, spread / (1 - spread))
        sides = []
        for level in ("early", "late"):
            those = [i for i, one in enumerate(BY) if one == level]
            each = [betabinom.logpmf(EVENTS[i], TOTALS[i], mu / g, (1 - mu) / g) for i in those]
            sides.append(np.exp(np.sum(each, axis=0)))
        middle = expit(0.5 * (x[:, None] + x))
        weights = sides[0][:, None] * sides[1] * middle * (1 - middle) * norm.pdf(x - x[:, None], 0.5, 0.8) * height
        apart = np.broadcast_to(x - x[:, None], weights.shape)
        values = [mu[:, None], mu, mu**2, apart, np.full(apart.shape, spread)]
        total += weights.sum()
        moments += [(weights * value).sum() for value in values]
    moments /= total
    late = found.level("late")
    assert found.level("early").average.mean == pytest.approx(moments[0], abs=2e-5)
    assert late.average.mean == pytest.approx(moments[1], abs=2e-5)
    assert late.average.sd == pytest.approx(np.sqrt(moments[2] - moments[1] ** 2), abs=2e-5)
    assert np.log(found.odds_ratio.sample(400_000, 1)).mean() == pytest.approx(moments[3], abs=0.005)
    assert found.heterogeneity.mean == pytest.approx(moments[4], abs=2e-4)


def test_which_level_is_first_and_which_side_is_counted_changes_nothing(found):
    back = rm.pool(EVENTS[::-1], TOTALS[::-1], by=BY[::-1], model=found.model)
    other = rm.pool([n - y for y, n in zip(EVENTS, TOTALS, strict=True)], TOTALS, by=BY, model=found.model)
    assert back.levels == found.levels[::-1]
    levels = np.array([0.025, 0.5, 0.975])
    assert 1 / back.odds_ratio.ppf(1 - levels) == pytest.approx(found.odds_ratio.ppf(levels), rel=1e-5)
    assert 1 / other.odds_ratio.ppf(1 - levels) == pytest.approx(found.odds_ratio.ppf(levels), rel=1e-5)
    for name in found.levels:
        new = found.level(name).new_setting
        assert back.level(name).new_setting.mean == pytest.approx(new.mean, abs=1e-6)
        assert 1 - other.level(name).new_setting.mean == pytest.approx(new.mean, abs=1e-6)
        assert 1 - other.level(name).new_setting.ppf(0.1) == pytest.approx(new.ppf(0.9), abs=1e-5)


def test_without_a_difference_it_is_the_pool(found):
    none = rm.pool(EVENTS, TOTALS, by=BY, model=found.model, effect=("normal", 0, 0.001))
    whole = rm.pool(EVENTS, TOTALS, model=found.model)
    assert none.level("early").average.mean == pytest.approx(whole.average.mean, abs=1e-5)
    assert none.level("late").new_setting.interval() == pytest.approx(whole.new_setting.interval(), abs=1e-4)
    assert none.log_evidence == pytest.approx(whole.log_evidence, abs=1e-5)
    assert none.heterogeneity.median == pytest.approx(
        whole.heterogeneity.median if whole.model != "beta-binomial" else none.heterogeneity.median, abs=1e-4
    )


def test_settings_alike_are_a_logistic_regression():
    statsmodels = pytest.importorskip("statsmodels.api")
    y, n, at = np.array([400, 380, 520, 610]), np.full(4, 1000), np.array([1.0, 2.0, 3.0, 5.0])
    line = statsmodels.GLM(
        np.stack([y, n - y], 1), statsmodels.add_constant(at), family=statsmodels.families.Binomial()
    )
    fitted = line.fit()
    found = rm.pool(y, n, by=at, heterogeneity=0, effect=("normal", 0, 10))
    lower, median, upper = np.log(found.odds_ratio.ppf([0.025, 0.5, 0.975])) / 4
    assert median == pytest.approx(fitted.params[1], rel=0.002)
    assert [lower, upper] == pytest.approx(fitted.conf_int()[1], rel=0.004)
    assert found.level("3").average.mean == pytest.approx(expit(fitted.params @ [1, 3]), abs=2e-4)
    assert found.level("3").new_setting.mean == found.level("3").average.mean


@pytest.mark.parametrize("arm", ["control", "vaccinated"])
def test_metafor_s_meta_regression_of_log_odds_on_latitude(arm):
    events, totals = np.array(LATITUDE["events"][arm]), np.array(LATITUDE["events"][arm]) + LATITUDE["others"][arm]
    found = rm.pool(
        events,
        totals,
        by=LATITUDE["latitude"],
        model="logit-normal",
        prior="tsd5",
        effect=("normal", 0, 30),
        heterogeneity=("half-cauchy", 1),
    )
    slope = np.log(found.odds_ratio.ppf([0.16, 0.5, 0.84])) / (55 - 13)
    # metafor's two arms share a correlation of 1, and it says nothing of how uncertain tau is: a third less width.
    error = LATITUDE["slope_standard_error"][arm]
    assert slope[1] == pytest.approx(LATITUDE["slope"][arm], abs=0.3 * error)
    assert 1 < (slope[2] - slope[0]) / 2 / error < 1.5
    middle = found.level("33").average.median
    assert np.log(middle / (1 - middle)) == pytest.approx(LATITUDE["intercept"][arm], abs=0.15)


def test_levels_have_an_order_and_series_are_told_by_label():
    bands = pd.Categorical(["wide", "narrow", "middle", "wide"], ["narrow", "middle", "wide"], ordered=True)
    found = rm.pool([8, 2, 5, 7], [10, 20, 15, 12], by=bands)
    assert found.levels == ("narrow", "middle", "wide")
    assert found.of == (2, 0, 1, 2)
    years = pd.Series([2001, 1990], index=["Oak", "Elm"])
    assert rm.pool({"Elm": 1, "Oak": 18}, {"Oak": 20, "Elm": 30}, by=years).of == (0, 1)
    trend = rm.pool([1, 3, 9], [20, 20, 20], by=[1990, 2000, 2020])
    table = trend.table()
    assert table["odds_ratio"].iloc[1] == pytest.approx(table["odds_ratio"].iloc[2] ** (1 / 3))
    assert table["average"].is_monotonic_increasing
    assert list(table["level"]) == ["1990", "2000", "2020"]
    assert "odds ratio, 2020 against 1990" in repr(trend)
    assert trend.level("2000").labels == ("series 2",)
    again = pickle.loads(pickle.dumps(trend))
    assert again == trend
    assert hash(again) == hash(trend)


@pytest.mark.parametrize(
    ("by", "said"),
    [
        (["a", "b"], "2 labels for 3 series"),
        (["a", "a", "a"], "every series is"),
        (["a", "b", None], "series 3"),
        (["a", "b", "c"], "without an order"),
        ([[1, 2], [3, 4], [5, 6]], "several labels for a series"),
        (np.zeros((3, 2)), "2 covariates"),
        (pd.DataFrame({"year": [1, 2, 3], "kind": [1, 2, 2]}), "2 covariates"),
        (pd.Series([1, 2, 3], index=["x", "y", "z"]), "its own labels"),
        (pd.Series([1, 2, 3], index=[1, 2, 3]), "its own labels"),
        (pd.Categorical([1, 2, 3]), "without an order"),
        ([{"a": {}}, {"a": {}}, {"a": {}}], "series 1"),
        ([1e308, -1e308, 0], "too far apart"),
    ],
)
def test_labels_that_cannot_be_used_are_refused_with_the_way_out(by, said):
    with pytest.raises(InputError, match=said) as refused:
        rm.pool([1, 2, 3], [9, 9, 9], by=by)
    assert refused.value.remedy


def test_rows_of_a_data_frame_are_the_same_rows():
    """Series named by the numbers of their rows: other rows are no covariate of theirs, nor an order."""
    frame = pd.DataFrame({"events": [1, 2, 3, 4], "total": [10, 11, 12, 13], "year": [1990, 2000, 2010, 2020]})
    some = frame[1:]
    assert rm.pool(some.events, some.total, by=some.year).of == (0, 1, 2)
    assert rm.pool(list(some.events), list(some.total), by=frame.year[:3]).of == (0, 1, 2)
    with pytest.raises(InputError, match="its own labels"):
        rm.pool(some.events, some.total, by=frame.year[:3])
    with pytest.raises(InputError, match="different labels"):
        rm.between.cumulative(rm.pool(some.events, some.total), order=frame.year[:3])


def test_what_has_no_covariate_says_so():
    with pytest.raises(UnavailableError, match="covariates"):
        rm.pool([1, 2], [9, 9], by=[0, 1], model="contaminated-beta-binomial")
    with pytest.raises(InputError, match="only the sampler"):
        rm.pool([1, 2], [9, 9], by=[0, 1], seed=1)
    with pytest.raises(InputError, match="not a normal"):
        rm.pool([1, 2], [9, 9], by=[0, 1], effect=(1, 1))
    with pytest.raises(UnknownNameError, match="level"):
        rm.pool([1, 2], [9, 9], by=[0, 1]).level("2")


@pytest.mark.slow
@SOAK
def test_the_same_model_in_pymc():
    import pymc as pm

    y, n, z = np.array(EVENTS), np.array(TOTALS), np.array([-0.5, -0.5, 0.5, 0.5, 0.5])
    with pm.Model():
        middle, slope = pm.Normal("middle", 0.0, 2.0), pm.Normal("slope", 0.0, 1.0)
        tau, away = pm.HalfNormal("tau", 1.0), pm.Normal("away", 0.0, 1.0, shape=5)
        pm.Binomial("y", n, logit_p=middle + slope * z + tau * away, observed=y)
        trace = pm.sample(4000, tune=2000, chains=4, cores=1, random_seed=1, target_accept=0.95, progressbar=False)
    drawn = trace.posterior
    found = rm.pool(y, n, by=BY, model="logit-normal", prior="rbest", heterogeneity=("half-normal", 1))
    assert float(drawn["slope"].median()) == pytest.approx(np.log(found.odds_ratio.median), abs=0.03)
    assert float(drawn["tau"].mean()) == pytest.approx(found.heterogeneity.mean, abs=0.03)
    for level, place in (("early", -0.5), ("late", 0.5)):
        mu = expit(drawn["middle"].values + drawn["slope"].values * place)
        assert mu.mean() == pytest.approx(found.level(level).average.mean, abs=0.006)
