"""Between the series: exact leave-one-out and power-scaling beside ArviZ's, shrinkage, weights, and series as they come."""

import os
import warnings

import numpy as np
import pandas as pd
import pytest
from every_model import EVENTS, TOTALS, TRIED, fitted
from scipy.stats import betabinom

import riskmodel as rm
from riskmodel.errors import InputError

SOAK = bool(os.environ.get("RISKMODEL_SOAK"))


@pytest.fixture(scope="module", params=TRIED)
def post(request):
    return fitted(request.param)


def test_loo_is_what_a_fit_without_the_series_foretells(post):
    found = rm.between.loo(post)
    for i, elpd in enumerate(found.elpd_i):
        rest = rm.pool(np.delete(EVENTS, i), np.delete(TOTALS, i), model=post.model)
        assert np.exp(elpd) == pytest.approx(rest.predict(TOTALS[i])[EVENTS[i]], rel=2e-5)
    assert found.elpd == pytest.approx(found.elpd_i.sum())
    assert found.table()["label"].iloc[0] == "b"


def test_loo_beside_arviz(post):
    az = pytest.importorskip("arviz")
    found = rm.between.loo(post)
    tree = post.to_datatree(draws=20_000, seed=1, integrated=True)
    psis = az.loo(tree, var_name="events", pointwise=True)
    assert not psis.warning
    assert psis.elpd == pytest.approx(found.elpd, abs=0.05)
    assert psis.elpd_i.values == pytest.approx(found.elpd_i, abs=0.05)
    assert (psis.se, psis.p) == pytest.approx((found.se, found.p), abs=0.05)
    compared = az.compare({"exact": found.to_arviz(), "weighted": psis})
    assert compared["elpd_diff"].abs().max() < 0.05
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        own = az.loo(post.to_datatree(draws=20_000, seed=1), var_name="events")
    # Draws of each series' own risk, weighted by the inverse of its likelihood, cannot tell: ArviZ says so.
    assert own.warning
    assert own.elpd > found.elpd + 1


def test_loo_of_one_series_is_the_prior_s_and_of_settings_alike_a_beta_binomial():
    assert rm.between.loo(rm.pool([3], [20])).elpd == pytest.approx(np.log(rm.before_counts().predict(20)[3]), abs=1e-5)
    alike = rm.between.loo(rm.pool([3, 14], [20, 30], heterogeneity=0))
    assert alike.elpd_i[0] == pytest.approx(betabinom.logpmf(3, 20, 14.5, 16.5))


def test_power_scaling_beside_arviz(post):
    az = pytest.importorskip("arviz")
    size, near = (160_000, 0.006) if SOAK else (40_000, 0.012)  # with 40,000 ArviZ's own error is 0.005
    found = rm.between.power_scaling(post, draws=size)
    tree = post.to_datatree(draws=size, seed=3)
    for group in ("prior", "likelihood"):
        weighed = az.psense(tree, var_names=list(found.index), group=group)
        for name in found.index:
            assert float(weighed[name]) == pytest.approx(found.loc[name, group], abs=near, rel=0.05), (group, name)


def test_power_scaling_of_one_risk_is_a_beta_s():
    found = rm.between.power_scaling(rm.pool([3, 14], [20, 30], heterogeneity=0, prior=(2, 5)))
    from scipy.stats import beta

    x, tail = np.linspace(0, 1, 200_001), 1 / 4001
    base = beta(19, 38)
    x = x[(base.cdf(x) >= tail) & (base.sf(x) >= tail)]
    width = x[1] - x[0]

    def rate(alpha, scaled):
        p, q = base.cdf(x), scaled.cdf(x)
        ends = []
        for one, other in ((p, q), (1 - p, 1 - q)):
            middle = np.log2(0.5 * (one + other))
            apart = (one * (np.log2(one) - middle) + other * (np.log2(other) - middle)).sum() * width
            ends.append(np.sqrt(apart / ((one + other).sum() * width)))
        return max(ends) / abs(np.log2(alpha))

    prior = np.mean([rate(alpha, beta(alpha * 1 + 18, alpha * 4 + 34)) for alpha in (0.99, 1.01)])
    likelihood = np.mean([rate(alpha, beta(alpha * 17 + 2, alpha * 33 + 5)) for alpha in (0.99, 1.01)])
    assert found.loc["mu", "prior"] == pytest.approx(prior, rel=5e-3)
    assert found.loc["mu", "likelihood"] == pytest.approx(likelihood, rel=5e-3)
    assert list(found.index) == ["mu", "theta_new"]


def test_shrinkage_and_weights(post):
    table = rm.between.shrinkage(post)
    assert table["weight"].sum() == pytest.approx(1)
    # Larger series are drawn less and weigh more, though far less than their size.
    by_size = table.sort_values("total")
    assert by_size["shrinkage"].is_monotonic_decreasing
    assert by_size["weight"].is_monotonic_increasing
    assert table["weight"].max() / table["weight"].min() < 40 / 11 / 2
    assert list(table["label"]) == list("abcde")
    if post.model == "beta-binomial":
        nodes = post.new_setting
        size = nodes.a + nodes.b
        assert table["shrinkage"].iloc[0] == pytest.approx(nodes.weights @ (size / (size + 20)), abs=1e-6)
        share = nodes.weights @ ((size * nodes.a / size + 3) / (size + 20))
        assert table["mean"].iloc[0] == pytest.approx(share, abs=1e-6)


def test_where_settings_are_alike_every_fetus_weighs_the_same():
    table = rm.between.shrinkage(rm.pool(EVENTS, TOTALS, heterogeneity=0))
    assert list(table["weight"]) == pytest.approx(np.array(TOTALS) / sum(TOTALS))
    assert list(table["shrinkage"]) == pytest.approx([1.0] * 5)


def test_a_logit_normal_s_correlation_is_that_of_its_risks():
    from riskmodel.between.nodes import Nodes
    from riskmodel.between.weights import rho_at

    post = rm.pool(EVENTS, TOTALS, model="logit-normal")
    rho = rho_at(post, Nodes(np.ones(1), np.array([-2.0]), np.array([1.1]), None))[0]
    theta = 1 / (1 + np.exp(2.0 - 1.1 * np.random.default_rng(1).standard_normal(2_000_000)))
    assert rho == pytest.approx(theta.var() / (theta.mean() * (1 - theta.mean())), rel=0.005)


def test_each_left_out_and_as_they_come(post):
    left = rm.between.leave_one_out(post)
    assert list(left["left_out"]) == ["", *"abcde"]
    assert left["average"].iloc[0] == post.average.mean
    rest = rm.pool(np.delete(EVENTS, 1), np.delete(TOTALS, 1), model=post.model)
    assert left["lower"].iloc[2] == pytest.approx(rest.new_setting.interval()[0], abs=1e-9)
    assert left["tau"].iloc[2] == pytest.approx(rest.tau.median)
    come = rm.between.cumulative(post, order=[2003, 1999, 2001, 2010, 2005])
    assert list(come["added"]) == ["b", "c", "a", "e", "d"]
    assert list(come["total"]) == [30, 55, 75, 86, 126]
    assert come["average"].iloc[-1] == pytest.approx(post.average.mean, abs=1e-8)
    assert list(rm.between.cumulative(post)["added"]) == list("abcde")
    years = pd.Series({"e": 2005, "d": 2010, "c": 2001, "b": 1999, "a": 2003})  # by its labels, not by its places
    pd.testing.assert_frame_equal(rm.between.cumulative(post, order=years), come)


def test_what_cannot_be_asked_says_why():
    one = rm.pool([3], [20])
    for wrong in (
        lambda: rm.between.leave_one_out(one),
        lambda: rm.between.cumulative(one, order=[1, 2]),
        lambda: rm.between.cumulative(rm.pool([1, 2], [9, 9]), order=[1, "b"]),
        lambda: rm.between.cumulative(rm.pool([1, 2, 3], [9, 9, 9]), order=[3, np.nan, 1]),
        lambda: rm.between.cumulative(rm.pool([1, 2], [9, 9]), order=pd.Series([2, 1], index=["a", "b"])),
        lambda: rm.between.power_scaling(one, alphas=(1.01, 1.02)),
        lambda: rm.between.loo("one"),
        lambda: rm.between.loo(rm.pool([1, 2], [9, 9], by=[0, 1]).level("0")),
    ):
        with pytest.raises(InputError) as refused:
            wrong()
        assert refused.value.remedy


def test_tau_and_rho_are_both_told(post):
    table = post.table().set_index("label")
    assert list(table.index[table["estimand"] == "heterogeneity"]) == (
        ["tau"] if post.model.startswith("logit-") else ["rho", "tau"]
    )
    drawn = post.to_datatree(draws=40_000, seed=1)["posterior"]["tau"].values
    assert table.loc["tau", "mean"] == pytest.approx(drawn.mean(), abs=0.012)
    levels = np.array([0.1, 0.5, 0.9])
    # Hyperparameters are drawn at the nodes of the quadrature: as near as these are.
    assert (drawn[..., None] <= post.tau.ppf(levels)).mean(axis=(0, 1)) == pytest.approx(levels, abs=0.04)
    assert post.tau.cdf(post.tau.median) == pytest.approx(0.5, abs=1e-6)
