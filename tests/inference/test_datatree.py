"""An exact fit as ArviZ knows it: draws that are joint, with the groups that its checks ask for."""

import numpy as np
import pytest
from arviz_asks import ask
from every_model import EVENTS, TOTALS, TRIED, fitted
from scipy.stats import beta, binom, kstest

import riskmodel as rm


@pytest.fixture(scope="module", params=TRIED)
def post(request):
    return fitted(request.param)


def test_joint_draws_have_the_exact_margins(post):
    size = 40_000
    joint = post.settings.joint(size, np.random.default_rng(1))
    mu = 1 / (1 + np.exp(-joint.logit))
    pairs = [(mu, post.average), (joint.new, post.new_setting), *zip(joint.own.T, post.series, strict=True)]
    for drawn, exact in pairs:
        assert abs(drawn.mean() - exact.mean) < 4.5 * exact.sd / np.sqrt(size)
        levels = np.linspace(0.05, 0.95, 19)
        below = (drawn[:, None] <= exact.ppf(levels)).mean(axis=0)
        # Hyperparameters lie on the nodes of the quadrature: as near as these are.
        assert np.abs(below - levels).max() < (0.03 if drawn is mu else 0.012)


def test_draws_are_paired(post):
    one = post.to_datatree(draws=8_000, seed=2)["posterior"]
    logits = np.log(one["mu"].values / (1 - one["mu"].values)).ravel()
    new = np.log(one["theta_new"].values / (1 - one["theta_new"].values)).ravel()
    tau = one["tau"].values.ravel()
    # A new setting lies about the average by tau: pairs that were shuffled would not.
    wider = {"contaminated-beta-binomial": np.sqrt(0.8 + 0.2 * 4), "logit-t": np.sqrt(10 / 8)}.get(post.model, 1.0)
    assert np.std((new - logits) / tau) == pytest.approx(wider, abs=0.15)
    narrow = tau < np.quantile(tau, 0.1)
    assert np.corrcoef(logits[narrow], new[narrow])[0, 1] > np.corrcoef(logits, new)[0, 1] + 0.05


def test_a_beta_binomial_s_correlations_are_the_nodes_own():
    post = rm.pool([40, 3, 0, 5], [61, 14, 7, 5])
    one = post.to_datatree(draws=100_000, seed=3)["posterior"]
    mixture = post.new_setting
    mean, rho = mixture.a / (mixture.a + mixture.b), 1 / (1 + mixture.a + mixture.b)
    centred = [values - mixture.weights @ values for values in (mean, rho)]
    cov = mixture.weights @ (centred[0] * centred[1])
    exact = cov / np.sqrt(np.prod([mixture.weights @ values**2 for values in centred]))
    assert np.corrcoef(one["mu"].values.ravel(), one["rho"].values.ravel())[0, 1] == pytest.approx(exact, abs=0.015)


def test_groups_and_coordinates(post):
    tree = post.to_datatree(draws=400)
    assert set(tree.children) == {
        "posterior", "prior", "posterior_predictive", "prior_predictive", "log_likelihood", "log_prior", "observed_data",
        "constant_data",
    }  # fmt: skip
    assert list(tree["posterior"]["theta"].coords["series"].values) == list("abcde")
    assert tree["posterior"]["theta"].shape == (4, 100, 5)
    theta, logged = tree["posterior"]["theta"].values, tree["log_likelihood"]["events"].values
    assert logged == pytest.approx(binom.logpmf(EVENTS, TOTALS, theta))
    assert tree["prior_predictive"]["events"].shape == tree["posterior_predictive"]["events"].shape == (4, 100, 5)
    assert ("rho" in tree["posterior"]) == (not post.model.startswith("logit-"))
    assert "tau" in tree["posterior"]


def test_the_prior_s_draws_are_the_prior_s(post):
    prior = post.to_datatree(draws=8000, seed=4)["prior"]
    assert kstest(prior["mu"].values.ravel(), beta(0.5, 0.5).cdf).statistic < 0.02
    assert np.median(prior["tau"].values) == pytest.approx(0.85, abs=0.06)  # log-normal of median 0.9, ending about pi


def test_log_priors_are_densities_of_what_they_are_named_after():
    post = rm.pool(EVENTS, TOTALS, heterogeneity=(1, 9), prior=(2, 5))
    tree = post.to_datatree(draws=400)
    for name, exact in (("mu", beta(2, 5)), ("rho", beta(1, 9))):
        assert tree["log_prior"][name].values == pytest.approx(exact.logpdf(tree["posterior"][name].values), abs=1e-8)
    alike = rm.pool(EVENTS, TOTALS, heterogeneity=0).to_datatree(draws=400)
    assert set(alike["log_prior"]) == {"mu"}
    mu = np.broadcast_to(alike["posterior"]["mu"].values[..., None], (4, 100, 5))
    assert alike["posterior"]["theta"].values == pytest.approx(mu, rel=1e-12)


@pytest.mark.slow
def test_what_arviz_asks_of_a_fit_works(post):
    for integrated in (False, True):
        one, again = (post.to_datatree(draws=2000, seed=seed, integrated=integrated) for seed in (5, 6))
        ask(one, again, ["mu", "tau"])
    assert again["log_likelihood"]["events"].shape == (4, 500, 5)


def test_integrated_likelihoods_are_those_of_a_series_from_a_new_setting(post):
    tree = post.to_datatree(draws=40_000, seed=7, integrated=True)
    each = np.exp(tree["log_likelihood"]["events"].values).mean(axis=(0, 1))
    for i, (y, n) in enumerate(zip(EVENTS, TOTALS, strict=True)):
        assert each[i] == pytest.approx(post.predict(n)[y], rel=0.02)
    again = tree["posterior_predictive"]["events"].values[..., 0].ravel()
    assert np.bincount(again, minlength=21)[:21] / again.size == pytest.approx(post.predict(20), abs=0.01)
