"""Tails of mixtures and products of rising factorials against the sums that they spare."""

import numpy as np
import pytest
from scipy.special import betainc, gammaln

import riskmodel as rm
from riskmodel.distributions.special import log_rising, sigmoid


@pytest.mark.parametrize("heterogeneity", ["default", "half-normal-1"])
def test_tails_of_a_mixture_are_the_sums_of_its_components_tails(heterogeneity):
    mixture = rm.pool([1, 0, 0], [21, 11, 14], heterogeneity=heterogeneity).new_setting
    logits = np.linspace(-30.0, 8.0, 20)
    for lower in (True, False):
        a, b, at = (mixture.a, mixture.b, logits) if lower else (mixture.b, mixture.a, -logits)
        expected = [mixture.weights @ betainc(a, b, one) for one in sigmoid(at)]
        found, density = mixture._tail(logits, np.full(logits.size, lower))
        # Largest difference observed 2026-11: 2e-11 of a tail.
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-300)
        risks = sigmoid(logits)
        assert density == pytest.approx(mixture.pdf(risks) * risks * (1 - risks), rel=1e-9)


@pytest.mark.parametrize("shape", [(1,), (3,), (5, 4), (30, 40), (9000,)])
@pytest.mark.parametrize("counts", [[1], [3], [0, 7, 7], [19, 10, 21], [5, 400, 1200], list(range(60))])
def test_products_of_rising_factorials_are_ratios_of_gamma_functions(shape, counts):
    rng = np.random.default_rng(3)
    start, step = (np.exp(rng.normal(-1, 1, size)) for size in (shape, (*shape[:-1], 1)))
    scaled, counts = start / step, np.array(counts)
    expected = sum(n * np.log(step) + gammaln(scaled + n) - gammaln(scaled) for n in counts)
    # Largest difference observed 2026-11: 5e-14.
    assert log_rising(start, step, counts) == pytest.approx(expected, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("model", ["beta-binomial", "logit-normal", "contaminated-beta-binomial"])
def test_what_is_no_number_has_no_probability(model):
    post = rm.pool([11, 3], [61, 20], model=model)
    asked = rm.fit("fetal-hepatic-calcification").risk("abnormal_karyotype", infection="negative")
    alike = rm.pool([11, 3], [61, 20], heterogeneity=0)
    risks = [asked.new_setting, asked.average, alike.average, alike.heterogeneity]
    for one in (post.average, post.new_setting, post.heterogeneity, post.tau, post.series[0], *risks):
        for at in (one.pdf, one.cdf, one.sf):
            assert np.isnan(at(np.nan)), (one, at)
            assert np.isnan(at([[np.nan, 0.2], [0.3, 0.4]])).sum() == 1, (one, at)
