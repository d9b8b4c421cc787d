"""Exact joint draws of a tree's branches, as ArviZ knows them, beside the sampler's."""

import numpy as np
import pytest
from arviz_asks import ask
from scipy.stats import betabinom, kstest

import riskmodel as rm
from joint_correlations import compare
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.tree.answer import joint

FINDINGS = ("fetal-hepatic-calcification", "fetal-mild-ventriculomegaly", "fetal-echogenic-bowel")


@pytest.mark.parametrize("finding", FINDINGS)
def test_margins_are_the_branches_posteriors(finding):
    model, size = rm.fit(finding), 8000
    draws, together = model.sample(method="exact", draws=size, seed=1).draws, joint(model)
    for i, edge in enumerate(draws.branches):
        exact = together.posterior(edge)
        for drawn, risk in ((draws.mu, exact.average), (draws.theta_new, exact.new_setting), (draws.tau, exact.tau)):
            assert abs(drawn[..., i].mean() - risk.mean) < 4.5 * risk.sd / np.sqrt(size), (edge, risk.mean)


def test_branches_that_a_coarse_count_ties_are_drawn_together():
    model = rm.fit(FINDINGS[0])
    sample = model.sample(method="exact", draws=100_000, seed=2)
    risk = model.risk("good_outcome", anatomy="isolated")
    drawn = sample.risk("good_outcome", anatomy="isolated")
    # The mean of a ratio of products: of branches drawn apart it would be another.
    assert drawn.mean == pytest.approx(risk.mean, abs=5 * drawn.mcse + 0.001)
    assert drawn.interval == pytest.approx(risk.interval(0.95), abs=0.012)


def test_the_groups_name_branches_and_counts():
    model = rm.fit(FINDINGS[0])
    tree = model.to_datatree(draws=400, seed=3)
    assert set(tree.children) == {
        "posterior", "prior", "posterior_predictive", "prior_predictive", "log_likelihood", "log_prior", "observed_data",
        "constant_data",
    }  # fmt: skip
    posterior = tree["posterior"]
    assert posterior["mu"].shape == (4, 100, len(posterior.coords["branch"]))
    assert "karyotype abnormal where anatomy isolated" in posterior.coords["branch"].values
    counts = tree["observed_data"].coords["count"].values
    assert len(set(counts)) == len(counts)
    first = str(counts[0]).split(": ")[1]
    mu, rho = (posterior[name].sel(branch=first).values for name in ("mu", "rho"))
    y, n = (int(tree[group][name].sel(count=counts[0])) for group, name in (("observed_data", "events"), ("constant_data", "totals")))  # fmt: skip
    phi = (1 - rho) / rho
    logged = tree["log_likelihood"]["events"].sel(count=counts[0]).values
    assert logged == pytest.approx(betabinom.logpmf(y, n, mu * phi, (1 - mu) * phi), abs=1e-6)
    assert tree["log_prior"]["mu"].shape == posterior["mu"].shape
    again = model.to_datatree(draws=400, seed=3)
    assert np.array_equal(again["posterior"]["theta_new"], posterior["theta_new"])
    prior = model.to_datatree(draws=8000)["prior"]
    for i, place in enumerate(model.sample(method="exact", draws=1).draws.branches[:3]):
        expected = model.fitted.mu_priors[place].mixture
        assert kstest(prior["mu"].values[..., i].ravel(), expected.cdf).statistic < 0.03


def test_a_coarse_count_s_likelihood_is_a_sum_of_binomials():
    from riskmodel.mcmc.problem import Divided

    parts = Divided(1, (5, 3), (None, None))
    object.__setattr__(parts, "nodes", (0.2, 0.7))
    rng = np.random.default_rng(1)
    drawn = 1 + rng.binomial(5, 0.2, 400_000) + rng.binomial(3, 0.7, 400_000)
    for events in (1, 4, 9):
        assert np.exp(parts.log_probability(events, {})) == pytest.approx((drawn == events).mean(), abs=0.003)


def test_settings_alike_are_drawn_too_and_options_of_the_sampler_are_not_taken():
    drawn = rm.fit(FINDINGS[0], heterogeneity=0).sample(method="exact", draws=400).draws
    assert np.abs(drawn.theta_new - drawn.mu).max() < 1e-4
    model = rm.fit(FINDINGS[0])
    for options in ({"tune": 5}, {"pooled_heterogeneity": True}):
        with pytest.raises(InputError, match="only the sampler"):
            model.sample(method="exact", **options)
    with pytest.raises(UnknownNameError, match="method"):
        model.sample(method="gibbs")


@pytest.fixture(scope="module")
def sampled():
    return rm.fit(FINDINGS[0]).sample(draws=1000, tune=500, chains=2, seed=1)


@pytest.mark.slow
def test_correlations_are_the_sampler_s_within_their_errors(sampled):
    pairs = compare(rm.fit(FINDINGS[0]).sample(method="exact", draws=40_000, seed=1), sampled)
    apart = np.array([pair[-1] for pair in pairs])
    # Normal scores: of so many the largest is seldom above 4, and three in a thousand are above 3.
    assert apart.max() < 4.5
    assert (apart > 3).mean() < 0.02
    assert max(abs(pair[2]) for pair in pairs) > 0.1
    strongest = max(pairs, key=lambda pair: abs(pair[2]))
    assert strongest[3] == pytest.approx(strongest[2], abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["exact", "nuts"])
def test_what_arviz_asks_of_a_tree_works(kind, sampled):
    again = rm.fit(FINDINGS[0]).to_datatree(draws=2000, seed=6)
    tree = sampled.to_datatree() if kind == "nuts" else rm.fit(FINDINGS[0]).to_datatree(draws=2000, seed=5)
    _, compared = ask(tree, again, ["mu", "tau"])
    assert compared["elpd_diff"].abs().max() < 2.0  # of some 60, told to one digit
    assert ("sample_stats" in tree.children) == (kind == "nuts")
