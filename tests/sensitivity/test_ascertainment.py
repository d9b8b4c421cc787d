"""Risks that differ by kind of setting: against importance sampling from the prior, and beside the restricted answers."""

import numpy as np
import pytest
from scipy.special import betaln, expit, logit

import riskmodel as rm
from riskmodel.distributions.special import g_of
from riskmodel.mcmc.ascertainment import OMEGA_SCALE, fit_settings
from riskmodel.priors import as_heterogeneity_prior, as_mu_prior

pytestmark = pytest.mark.slow

EVENTS, TOTALS, KINDS = (3, 1, 40, 21), (14, 5, 61, 28), (0, 0, 1, 1)


@pytest.fixture(scope="module")
def adjusted(model):
    return rm.adjusted_settings(model, draws=1000, tune=500, chains=2, seed=4)


def test_the_posterior_is_that_of_importance_sampling_from_the_prior():
    mu_prior, heterogeneity = as_mu_prior("jeffreys"), as_heterogeneity_prior("default")
    drawn = fit_settings(
        [(EVENTS, TOTALS, KINDS)],
        2,
        mu_priors=[mu_prior],
        heterogeneity_prior=heterogeneity,
        draws=1500,
        tune=500,
        chains=2,
        seed=1,
    )
    rng, size = np.random.default_rng(5), 600_000
    mu = np.clip(rng.beta(0.5, 0.5, size), 1e-12, 1 - 1e-12)
    tau = np.exp(rng.normal(np.log(0.9), 0.5, size))
    scale = g_of(tau, mu, 1 - mu) / (mu * (1 - mu))
    omega = np.abs(rng.normal(0, OMEGA_SCALE, size))
    # Two kinds whose shifts sum to zero: plus and minus one normal.
    shift = omega * rng.normal(0, 1, size)
    log_weight = np.zeros(size)
    means = []
    for kind, sign in ((0, 1), (1, -1)):
        m = np.clip(expit(logit(mu) + sign * shift), 1e-12, 1 - 1e-12)
        g = scale * m * (1 - m)
        a, b = m / g, (1 - m) / g
        for y, n, k in zip(EVENTS, TOTALS, KINDS, strict=True):
            if k == kind:
                log_weight += betaln(a + y, b + n - y) - betaln(a, b)
        means.append(m)
    weight = np.exp(log_weight - log_weight.max())
    effective = weight.sum() ** 2 / (weight**2).sum()
    assert effective > 3000
    for kind, m in enumerate(means):
        expected = weight @ m / weight.sum()
        error = np.sqrt(weight**2 @ (m - expected) ** 2) / weight.sum()
        assert drawn.mu[..., 0, kind].mean() == pytest.approx(expected, abs=4 * np.hypot(error, 0.003))
    assert drawn.omega.mean() == pytest.approx(weight @ omega / weight.sum(), abs=0.03)


def test_adjusted_answers_lie_between_restricted_and_all_alike(adjusted):
    table = adjusted.table().set_index(["branch", "setting"])
    assert len(table) == 12
    routine, referral = (table.loc[("anatomy associated", name)] for name in ("routine", "referral"))
    assert routine["restricted"] < routine["adjusted"] < routine["all"]
    assert referral["all"] < referral["adjusted"] < referral["restricted"]
    assert routine["restricted"] == pytest.approx(rm.pool([3, 1], [14, 5]).average.mean, abs=1e-12)
    assert routine["series"] == 2
    # With as little as one series of one kind the other branches' series narrow the answer.
    lone = table.loc[("karyotype abnormal where anatomy isolated", "referral")]
    assert lone["series"] == 1
    assert lone["adjusted_upper"] - lone["adjusted_lower"] < lone["restricted_upper"] - lone["restricted_lower"]
    assert (table["mcse"] < 0.01).all()
    low, high = adjusted.omega[1:]
    assert 0 < low < adjusted.omega[0] < high
    assert "omega" in repr(adjusted)
    assert adjusted.draws.diagnostics["divergences"] == 0


def test_what_cannot_be_adjusted_is_refused(model, evidence, tmp_path):
    with pytest.raises(rm.UnavailableError, match="no hierarchy"):
        rm.adjusted_settings(rm.fit(evidence, heterogeneity=0))
    with pytest.raises(rm.InputError, match="whole number"):
        rm.adjusted_settings(model, draws=10)
    from dataclasses import replace

    one = replace(evidence, finding=replace(evidence.finding, settings=evidence.finding.settings[:1]))
    with pytest.raises(rm.InputError, match="fewer than two settings"):
        rm.adjusted_settings(rm.fit(one))
