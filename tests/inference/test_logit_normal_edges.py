"""The logit-normal model at its edges: symmetry, limits, and what is refused."""

import numpy as np
import pytest
from logit_normal_cases import CASES, RBEST, drawn
from scipy.special import expit
from scipy.stats import beta, halfnorm, lognorm, norm

import riskmodel as rm
from riskmodel.inference import logit_normal as binomial_normal
from riskmodel.priors import as_heterogeneity_prior, as_mu_prior


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("heterogeneity", ["default", ("half-normal", 1), 0])
@pytest.mark.parametrize("prior", ["jeffreys", ("normal", 0.7, 2), (2, 5)])
def test_a_posterior_and_its_complement_agree(name, heterogeneity, prior):
    y, n = (np.array(counts) for counts in CASES[name])
    mirrored = ("normal", -0.7, 2) if prior == ("normal", 0.7, 2) else (5, 2) if prior == (2, 5) else prior
    there = rm.pool(y, n, model="logit-normal", heterogeneity=heterogeneity, prior=prior)
    back = rm.pool(n - y, n, model="logit-normal", heterogeneity=heterogeneity, prior=mirrored)
    for one, other in (
        (there.average, back.average),
        (there.new_setting, back.new_setting),
        (there.series[0], back.series[0]),
    ):
        assert one.mean == pytest.approx(1 - other.mean, abs=1e-12)
        assert one.sd == pytest.approx(other.sd, abs=1e-12)
        lower, upper = one.interval()
        assert (lower, upper) == pytest.approx((1 - other.interval()[1], 1 - other.interval()[0]), abs=1e-12)
    assert there.predict(20) == pytest.approx(back.predict(20)[::-1], abs=1e-12)
    assert there.heterogeneity.mean == pytest.approx(back.heterogeneity.mean, abs=1e-12)


@pytest.mark.parametrize("name", sorted(CASES))
@pytest.mark.parametrize("heterogeneity", ["default", ("half-normal", 1), ("half-normal", 10), ("half-normal", 0.01)])
def test_every_case_gives_a_coherent_posterior(name, heterogeneity):
    post = rm.pool(*CASES[name], model="logit-normal", heterogeneity=heterogeneity)
    assert post.error.mean < 1e-6
    for one in (post.average, post.new_setting, *post.series):
        lower, upper = one.interval()
        assert 0 <= lower <= upper <= 1
        assert lower <= one.median <= upper
        if lower > 1e-9 and upper < 1 - 1e-9:
            assert one.cdf([lower, upper]) == pytest.approx([0.025, 0.975], abs=1e-6)
    pmf = post.predict(30)
    assert pmf @ np.arange(31) / 30 == pytest.approx(post.new_setting.mean, abs=1e-7)
    # The series' means are sums over nodes, their distributions tables: two routes.
    for one in post.series:
        assert one.made.mean == pytest.approx(one.mean, abs=1e-6)


@pytest.mark.parametrize(("size", "largest"), [(2, 10**6), (12, 60), (40, 60), (40, 10**5), (100, 60)])
def test_many_series(size, largest):
    events, totals = drawn(size, largest)
    post = rm.pool(events, totals, **RBEST)
    assert post.error.mean < 1e-6
    # Forty or a hundred series drawn with mu = -1.5 and tau = 0.8: within four posterior standard deviations.
    assert post.average.mean == pytest.approx(expit(-1.5), abs=4 * post.average.sd)
    assert post.heterogeneity.mean == pytest.approx(0.8, abs=4 * post.heterogeneity.sd)


@pytest.mark.parametrize(
    ("prior", "heterogeneity"), [("jeffreys", ("half-normal", 1)), (("normal", 0, 2), ("log-normal", 0.8, 0.6))]
)
def test_no_series_gives_the_prior(prior, heterogeneity):
    none = np.array([], np.int64)
    tau = as_heterogeneity_prior(heterogeneity)
    post = binomial_normal.fit(none, none, labels=(), mu_prior=as_mu_prior(prior), tau_prior=tau)
    exact = halfnorm() if heterogeneity[0] == "half-normal" else lognorm(s=0.6, scale=0.8)
    levels = np.array([0.025, 0.3, 0.5, 0.975])
    assert post.heterogeneity.ppf(levels) == pytest.approx(exact.ppf(levels), abs=1e-6)
    assert (post.heterogeneity.mean, post.heterogeneity.sd) == pytest.approx((exact.mean(), exact.std()), abs=1e-8)
    assert post.heterogeneity.cdf([0.2, 1.0]) == pytest.approx(exact.cdf([0.2, 1.0]), abs=1e-6)
    assert post.heterogeneity.sf(1.0) == pytest.approx(exact.sf(1.0), abs=1e-6)
    assert post.heterogeneity.pdf(1.0) == pytest.approx(exact.pdf(1.0), abs=1e-5)
    average = beta(0.5, 0.5).ppf(levels) if prior == "jeffreys" else expit(norm(0, 2).ppf(levels))
    assert post.average.ppf(levels) == pytest.approx(average, abs=1e-7)
    assert post.log_evidence == pytest.approx(0, abs=1e-8)
    assert list(post.series) == []
    assert post.new_setting.mean == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize("prior", ["jeffreys", (2, 3)])
def test_without_heterogeneity_it_is_the_conjugate_beta(prior):
    post = rm.pool([3, 5], [20, 31], model="logit-normal", prior=prior, heterogeneity=0)
    same = rm.pool([3, 5], [20, 31], prior=prior, heterogeneity=0)
    assert post.model == "logit-normal"
    assert post.average.interval() == same.average.interval()
    assert post.log_evidence == same.log_evidence
    assert (post.heterogeneity.mean, post.heterogeneity.scale) == (0.0, "tau")


def test_little_heterogeneity_is_nearly_none():
    none = rm.pool([3, 5], [20, 31], **RBEST | {"heterogeneity": 0})
    little = rm.pool([3, 5], [20, 31], **RBEST | {"heterogeneity": ("half-normal", 1e-3)})
    for one, other in (
        (none.average, little.average),
        (none.new_setting, little.new_setting),
        (none.series[1], little.series[1]),
    ):
        assert one.mean == pytest.approx(other.mean, abs=1e-6)
        assert one.interval() == pytest.approx(other.interval(), abs=1e-5)
    assert none.predict(9) == pytest.approx(little.predict(9), abs=1e-6)
    assert none.log_evidence == pytest.approx(little.log_evidence, abs=1e-5)


def test_the_new_setting_is_wider_than_the_average_and_its_mean_nearer_a_half():
    post = rm.pool([2, 18, 0, 2], [30] * 4, **RBEST)
    assert post.new_setting.sd > post.average.sd
    assert post.average.mean < post.new_setting.mean < 0.5


def test_samples_and_densities_follow_the_distribution():
    post = rm.pool([19, 10, 3], [19, 11, 9], **RBEST)
    rng = np.random.default_rng(5)
    for one in (post.average, post.new_setting, post.series[1], post.heterogeneity):
        values = one.sample(20_000, rng)
        assert values.mean() == pytest.approx(one.mean, abs=4 * one.sd / np.sqrt(20_000))
        x = np.linspace(0.2, 0.9, 4001)
        assert np.trapezoid(one.pdf(x), x) == pytest.approx(float(one.cdf(0.9) - one.cdf(0.2)), abs=1e-5)
    tree = post.to_datatree(draws=50)
    assert set(tree["posterior"].data_vars) == {"mu", "theta_new", "theta", "tau"}
    assert [one["estimand"] for one in post.to_dict()["estimands"]] == ["series"] * 3 + [
        "average",
        "new_setting",
        "heterogeneity",
    ]


def test_rbest_defaults_have_names():
    named = rm.pool([20], [21], model="logit-normal", prior="rbest", heterogeneity="rbest")
    assert named.new_setting.interval() == rm.pool([20], [21], **RBEST).new_setting.interval()


@pytest.mark.parametrize("heterogeneity", [(1, 9), "uniform-rho", "rho-beta-1-9"])
def test_a_prior_on_rho_is_refused(heterogeneity):
    with pytest.raises(rm.InputError, match="which the logit-normal model does not have") as caught:
        rm.pool([20], [21], model="logit-normal", heterogeneity=heterogeneity)
    assert caught.value.where == "heterogeneity"


@pytest.mark.parametrize("total", [-1, 2.5, "three", None, 10**7, True])
def test_totals_that_cannot_be_predicted_are_refused(total):
    with pytest.raises(rm.InputError):
        rm.pool([20], [21], **RBEST).predict(total)


def test_counts_against_all_expectation_are_refused_rather_than_misjudged():
    # None of a million and all of a million, and a prior that has settings alike to one in a thousand.
    with pytest.raises(rm.AccuracyError):
        rm.pool([0, 10**6], [10**6, 10**6], model="logit-normal", heterogeneity=("log-normal", 0.01, 0.01))
