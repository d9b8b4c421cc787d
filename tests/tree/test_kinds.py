"""Shares of kinds: closed forms, the two-state model, and brute force over everything at once."""

import numpy as np
import pytest
from scipy.special import gammaln

from riskmodel.distributions.special import g_of, log_sigmoids
from riskmodel.errors import InputError
from riskmodel.inference.beta_binomial import Problem
from riskmodel.inference.pool import pool
from riskmodel.priors import HETEROGENEITY_PRIORS, as_heterogeneity_prior, as_mu_prior
from riskmodel.tree.kinds import KindProblem, pool_kinds

PRIORS = ["default", "half-normal-1", "uniform-rho", ("log-normal", 0.3, 0.5)]
SHIPPED = [[4, 2, 1, 1, 3], [0, 0, 2, 0, 0], [0, 0, 1, 0, 0]]


@pytest.mark.parametrize("heterogeneity", PRIORS)
@pytest.mark.parametrize("counts", [[[4, 7], [2, 0]], [[1, 39], [20, 20]], [[0, 3]]])
def test_two_kinds_are_the_model_of_one_risk(counts, heterogeneity):
    events, totals = np.array(counts)[:, 0], np.sum(counts, axis=1)
    first, second = pool_kinds(counts, heterogeneity=heterogeneity)
    one = pool(events, totals, heterogeneity=heterogeneity)
    for name in ("average", "new_setting", "heterogeneity"):
        assert getattr(first, name).interval() == getattr(one, name).interval()
    assert second.new_setting.mean == pytest.approx(1 - first.new_setting.mean, abs=1e-12)
    # And so is the integrand of any number of kinds, at every node: w is log g there, log g - log(mu (1 - mu)) in `pool`.
    prior = as_heterogeneity_prior(heterogeneity)
    general = KindProblem(np.array(counts), np.full(2, 0.5), 0, prior)
    special = Problem(events, totals, as_mu_prior("jeffreys"), prior)
    x, log_g = np.meshgrid(np.linspace(-6, 6, 9), np.linspace(-7, 2, 7))
    w = log_g - np.add(*log_sigmoids(x)) if special.log_g_over_m else log_g
    for shown in (general.log_density(x, log_g), general.rough_log_density(x, log_g)):
        np.testing.assert_allclose(shown, special.log_density(x, w), rtol=1e-12, atol=1e-11)


def test_settings_alike_are_the_dirichlet():
    shares = pool_kinds(SHIPPED, heterogeneity=0)
    for share, cases in zip(shares, np.sum(SHIPPED, axis=0), strict=True):
        assert share.average.mean == pytest.approx((cases + 0.2) / 15, abs=1e-12)
    merged = pool_kinds([[4, 2, 1, 4], [0, 0, 2, 0], [0, 0, 1, 0]], heterogeneity=0)
    # Merged kinds would have twice the shape of one alone; evenly split anew, the others' shapes grow from 1/5 to 1/4.
    assert merged[3].average.mean == pytest.approx(4.25 / 15, abs=1e-12)


@pytest.mark.parametrize("heterogeneity", PRIORS)
@pytest.mark.parametrize(
    "counts", [SHIPPED, [[4, 4, 3], [2, 0, 0]], [[1, 0, 0]], [[0, 0, 40], [20, 20, 0]], [[300, 20, 150]]]
)
def test_shares_sum_to_one_and_have_one_evidence(counts, heterogeneity):
    """Margins of one joint posterior, each by a lattice of its own. Observed: 1e-6, one case of a half-normal 3e-5."""
    shares = pool_kinds(counts, heterogeneity=heterogeneity)
    assert sum(one.new_setting.mean for one in shares) == pytest.approx(1, abs=2e-5)
    assert sum(one.average.mean for one in shares) == pytest.approx(1, abs=2e-5)
    assert np.ptp([one.log_evidence for one in shares]) < 1e-4
    assert np.ptp([one.heterogeneity.mean for one in shares]) < 1e-4


def test_the_order_of_kinds_does_not_matter():
    shares = pool_kinds([row[::-1] for row in SHIPPED])
    for one, other in zip(pool_kinds(SHIPPED), reversed(shares), strict=True):
        assert one.new_setting.interval() == pytest.approx(other.new_setting.interval(), abs=1e-5)


def test_kinds_before_any_tell_the_prior():
    """One case of three kinds: predicted with 1/3 each, then (1 + 1/3) / 2 under the prior's one case."""
    first, second, _ = pool_kinds([[1, 0, 0]])
    assert first.log_evidence == pytest.approx(np.log(1 / 3), abs=1e-5)
    assert first.average.mean == pytest.approx(2 / 3, abs=1e-5)
    assert second.average.mean == pytest.approx(1 / 6, abs=1e-5)


def drawn(counts, size, rng):
    """The model itself: shares, a kind for the prior on tau, phi; weighted by the likelihood of the counts."""
    counts = np.array(counts)
    kinds = counts.shape[1]
    m = np.clip(rng.dirichlet(np.full(kinds, 1 / kinds), size), 1e-290, 1.0)
    kind = np.minimum((rng.random(size)[:, None] > np.cumsum(m, axis=1)).sum(axis=1), kinds - 1)
    mu = np.clip(m[np.arange(size), kind], 1e-12, 1 - 1e-12)
    phi = 1 / g_of(HETEROGENEITY_PRIORS["default"][0].sample(size, rng), mu, 1 - mu)
    a = np.maximum(phi[:, None] * m, 1e-290)
    log = np.zeros(size)
    for row in counts:
        for k in np.flatnonzero(row):
            log += np.log(a[:, [k]] + np.arange(row[k])).sum(axis=1)
        log -= np.log(phi[:, None] + np.arange(row.sum())).sum(axis=1)
    ways = (gammaln(counts.sum(axis=1) + 1) - gammaln(counts + 1).sum(axis=1)).sum()
    weights = np.exp(log - log.max())
    return m, a, weights / weights.sum(), np.log(weights.mean()) + log.max() + ways


def test_brute_force_agrees():
    """300,000 draws of everything at once; four standard errors."""
    counts, rng = [[4, 4, 3], [2, 0, 0]], np.random.default_rng(3)
    m, a, weights, evidence = drawn(counts, 300_000, rng)
    shares = pool_kinds(counts)
    effective = 1 / (weights**2).sum()
    assert shares[0].log_evidence == pytest.approx(evidence, abs=4 / effective**0.5)
    picked = rng.gamma(a[rng.choice(weights.size, 100_000, p=weights)])
    picked /= picked.sum(axis=1, keepdims=True)
    for k, share in enumerate(shares):
        error = np.sqrt((weights**2 * (m[:, k] - share.average.mean) ** 2).sum())
        assert weights @ m[:, k] == pytest.approx(share.average.mean, abs=4 * error)
        below = [(picked[:, k] <= end).mean() for end in share.new_setting.interval()]
        # 40,000 of the draws are worth as much as unweighted ones.
        assert below == pytest.approx([0.025, 0.975], abs=4 * (0.025 * 0.975 / effective) ** 0.5)


def test_series_that_disagree_widen_the_range():
    """1 of 40 and 20 of 40: one Dirichlet said 0.18 to 0.37 of the first kind."""
    first = pool_kinds([[1, 39, 0], [20, 20, 0]])[0]
    low, high = first.new_setting.interval()
    assert low < 0.05
    assert high > 0.7


@pytest.mark.parametrize("counts", [[[1], [2]], [1, 2], [[1, -1]], [[0, 0]], [[0.5, 1.0]], []])
def test_what_is_no_table_of_cases_is_refused(counts):
    with pytest.raises(InputError):
        pool_kinds(counts)
