"""Models with heavier tails between settings, and the end of tau's prior: plain sums, limits, symmetry, what is refused."""

from functools import cache

import numpy as np
import pytest
from scipy.interpolate import CubicSpline
from scipy.special import betaln, expit, gammaln, log_expit, polygamma
from scipy.stats import beta, lognorm, norm
from scipy.stats import t as student_t

import riskmodel as rm
from riskmodel.distributions.settings import FACTOR, SHARE, wider
from riskmodel.distributions.special import log_rising, tau_of
from riskmodel.inference import contaminated
from riskmodel.inference.contaminated import _each_log_rising
from riskmodel.inference.logit_normal_likelihood import student
from riskmodel.priors import as_heterogeneity_prior, as_mu_prior

CASES = {
    "three": ([20, 10, 5], [21, 11, 5]),
    "unlike": ([40, 3, 0, 5], [61, 14, 7, 5]),
    "no events": ([0], [19]),
    "an outlier": ([2, 3, 1, 2, 18], [20] * 5),
}
HEAVY = ("contaminated-beta-binomial", "logit-t")
TAU = ("log-normal", 0.8, 0.5)
LEVELS = [0.025, 0.5, 0.975]


def jeffreys(x):
    return 0.5 * (log_expit(x) + log_expit(-x)) - np.log(np.pi)


def choose(y, n):
    return gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)


# ---------------------------------------------------------------- plain sums


@cache
def by_plain_sums(name):
    """The contaminated model on even grids of logit(mu) and log tau, with SciPy's polygamma, splines and log-Beta."""
    x, log_tau = np.linspace(-42, 26, 681), np.linspace(-6, 2.6, 173)
    log_phi = np.linspace(-40, 16, 1601)
    phi = np.empty((2, x.size, log_tau.size))
    for i, at in enumerate(x):
        a, b = (np.exp(side + log_phi) for side in (log_expit(at), log_expit(-at)))
        spline = CubicSpline(0.5 * np.log(polygamma(1, a) + polygamma(1, b))[::-1], log_phi[::-1])
        phi[:, i] = np.exp([spline(log_tau), spline(log_tau + np.log(2))])
    a, b = expit(x)[:, None] * phi, expit(-x)[:, None] * phi
    share = np.array([0.8, 0.2])[:, None, None]
    events, totals = CASES[name]
    log_w = jeffreys(x)[:, None] + lognorm(s=TAU[2], scale=TAU[1]).logpdf(np.exp(log_tau)) + log_tau
    parts = []
    for y, n in zip(events, totals, strict=True):
        parts.append(share * np.exp(betaln(a + y, b + n - y) - betaln(a, b) + choose(y, n)))
        log_w = log_w + np.log(np.maximum(parts[-1].sum(0), 1e-300))
    total = np.exp(log_w).sum()
    w = np.exp(log_w) / total
    own = w * parts[0] / np.maximum(parts[0].sum(0), 1e-300)
    y, n = events[0], totals[0]
    return {
        "log_evidence": np.log(total * (x[1] - x[0]) * (log_tau[1] - log_tau[0])),
        "mean": (w * expit(x)[:, None]).sum(),
        "square": (w * share * a * (a + 1) / ((a + b) * (a + b + 1))).sum(),
        "own": (own * (a + y) / (a + b + n)).sum(),
        "rho": (w / (1 + phi[0])).sum(),
        "below": lambda at: (w * share * beta.cdf(at, a, b)).sum(),
        "own_below": lambda at: (own * beta.cdf(at, a + y, b + n - y)).sum(),
    }


@pytest.mark.parametrize("name", CASES)
def test_the_contaminated_model_is_what_plain_sums_say(name):
    expected = by_plain_sums(name)
    post = rm.pool(*CASES[name], model="contaminated-beta-binomial", heterogeneity=TAU)
    assert (post.model, post.method, post.heterogeneity.scale) == ("contaminated-beta-binomial", "quadrature", "rho")
    # Observed 2026-11: at most 2e-8 in the log evidence, 9e-9 elsewhere.
    assert post.log_evidence == pytest.approx(expected["log_evidence"], abs=5e-8)
    assert post.average.mean == pytest.approx(expected["mean"], abs=5e-8)
    assert post.new_setting.mean == pytest.approx(post.average.mean, abs=1e-9)
    assert post.new_setting.sd == pytest.approx(np.sqrt(expected["square"] - expected["mean"] ** 2), abs=5e-8)
    assert post.series[0].mean == pytest.approx(expected["own"], abs=5e-8)
    assert post.heterogeneity.mean == pytest.approx(expected["rho"], abs=5e-8)
    for level in LEVELS:
        assert expected["below"](post.new_setting.ppf(level)) == pytest.approx(level, abs=5e-8)
        assert expected["own_below"](post.series[0].ppf(level)) == pytest.approx(level, abs=5e-8)


@cache
def t_by_plain_sums(name):
    """The t model on even grids, each risk summed over Student's own density at z = sinh(s)."""
    x, log_tau, s = np.linspace(-42, 25, 336), np.linspace(-5, 2.6, 96), np.linspace(-7, 7, 561)
    z = np.sinh(s)
    z_weights = student_t(10).pdf(z) * np.cosh(s) * (s[1] - s[0])
    events, totals = CASES[name]
    log_w = jeffreys(x) + (lognorm(s=TAU[2], scale=TAU[1]).logpdf(np.exp(log_tau)) + log_tau)[:, None]
    new, own = np.empty_like(log_w), np.empty_like(log_w)
    for j, tau in enumerate(np.exp(log_tau)):
        t = x[:, None] + tau * z
        risk, log_risk, log_rest = expit(t), log_expit(t), log_expit(-t)
        new[j] = risk @ z_weights
        for i, (y, n) in enumerate(zip(events, totals, strict=True)):
            f = np.exp(choose(y, n) + y * log_risk + (n - y) * log_rest)
            part = np.maximum(f @ z_weights, 1e-300)
            log_w[j] += np.log(part)
            if i == 0:
                own[j] = (f * risk) @ z_weights / part
    total = np.exp(log_w).sum()
    w = np.exp(log_w) / total
    return {
        "log_evidence": np.log(total * (x[1] - x[0]) * (log_tau[1] - log_tau[0])),
        "average": (w * expit(x)).sum(),
        "new": (w * new).sum(),
        "own": (w * own).sum(),
        "tau": (w * np.exp(log_tau)[:, None]).sum(),
    }


@pytest.mark.parametrize("name", CASES)
def test_the_t_model_is_what_plain_sums_of_student_s_density_say(name):
    expected = t_by_plain_sums(name)
    post = rm.pool(*CASES[name], model="logit-t", heterogeneity=TAU)
    assert (post.model, post.heterogeneity.scale) == ("logit-t", "tau")
    # Fourteen normals for Student's density; the bounds hold for 4 degrees of freedom too.
    assert post.log_evidence == pytest.approx(expected["log_evidence"], abs=2e-5)
    assert post.average.mean == pytest.approx(expected["average"], abs=1e-5)
    assert post.new_setting.mean == pytest.approx(expected["new"], abs=1e-5)
    assert post.series[0].mean == pytest.approx(expected["own"], abs=1e-5)
    assert post.series[0].made.mean == pytest.approx(post.series[0].mean, abs=1e-5)
    assert post.heterogeneity.mean == pytest.approx(expected["tau"], abs=1e-5)
    pmf = post.predict(30)
    assert pmf @ np.arange(31) / 30 == pytest.approx(post.new_setting.mean, abs=1e-6)


@pytest.mark.parametrize(
    ("df", "number", "near", "far", "of_cdf"), [(10, 14, 4e-5, 2e-3, 1e-7), (4, 16, 5e-5, 1e-4, 5e-6)]
)
def test_a_few_normals_are_student_s_t(df, number, near, far, of_cdf):
    mixed, d = student(float(df)), np.linspace(0, 8, 3001)
    assert len(mixed.factors) == number
    density = norm.pdf(d[:, None], 0, mixed.factors) @ mixed.shares
    # As its docstring says.
    assert density[d <= 5] == pytest.approx(student_t(df).pdf(d[d <= 5]), rel=near)
    assert density == pytest.approx(student_t(df).pdf(d), rel=far)
    above = norm.sf(d[:, None], 0, mixed.factors) @ mixed.shares
    assert above == pytest.approx(student_t(df).sf(d), abs=of_cdf)


# ---------------------------------------------------------------- parts and limits


def test_each_rising_factorial_is_that_of_its_count():
    start, step = np.array([[0.3, 1e-9, 0.5]]), np.array([[0.2], [1e-30], [50.0]])
    counts = np.array([7, 0, 400, 3, 7, 100_000])
    for count, found in zip(counts, _each_log_rising(start, step, counts), strict=True):
        assert found == pytest.approx(log_rising(start, step, np.array([count])), rel=1e-12, abs=1e-12)


def test_the_wide_component_has_twice_the_spread_about_the_same_mean():
    mu, g = np.meshgrid([1e-9, 0.01, 0.5, 1 - 1e-6], [1e-25, 1e-3, 0.4, 1e3])
    g2 = wider(mu, 1 - mu, g)
    assert tau_of(mu, 1 - mu, g2)[0] == pytest.approx(FACTOR * tau_of(mu, 1 - mu, g)[0], rel=1e-11)
    settings = rm.pool(*CASES["three"], model="contaminated-beta-binomial").settings
    usual, wide = settings.usual, settings.wide
    assert wide.a / (wide.a + wide.b) == pytest.approx(usual.a / (usual.a + usual.b), rel=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_a_share_of_nothing_is_the_beta_binomial(name):
    labels = tuple(CASES[name][0])
    counts = [np.array(one) for one in CASES[name]]
    priors = {"mu_prior": as_mu_prior("jeffreys"), "heterogeneity_prior": as_heterogeneity_prior(TAU)}
    none = contaminated.fit(*counts, labels=labels, share=1e-13, **priors)
    plain = rm.pool(*CASES[name], heterogeneity=TAU)
    assert none.log_evidence == pytest.approx(plain.log_evidence, abs=1e-9)
    for one, other in ((none.new_setting, plain.new_setting), (none.series[0], plain.series[0])):
        assert one.ppf(LEVELS) == pytest.approx(other.ppf(LEVELS), abs=1e-8)


@pytest.mark.parametrize("model", HEAVY)
@pytest.mark.parametrize("name", CASES)
def test_a_posterior_and_its_complement_agree(model, name):
    y, n = (np.array(counts) for counts in CASES[name])
    there, back = rm.pool(y, n, model=model), rm.pool(n - y, n, model=model)
    for one, other in ((there.new_setting, back.new_setting), (there.series[0], back.series[0])):
        assert one.mean == pytest.approx(1 - other.mean, abs=1e-12)
        lower, upper = other.interval()
        assert one.interval() == pytest.approx((1 - upper, 1 - lower), abs=1e-12)
    assert there.predict(20) == pytest.approx(back.predict(20)[::-1], abs=1e-12)


@pytest.mark.parametrize("model", HEAVY)
def test_an_outlier_is_shrunken_less_and_moves_the_others_less(model):
    plain = rm.pool(*CASES["an outlier"], model="beta-binomial" if model == HEAVY[0] else "logit-normal")
    heavy = rm.pool(*CASES["an outlier"], model=model)
    assert heavy.series[4].mean > plain.series[4].mean
    assert heavy.average.mean < plain.average.mean
    assert heavy.log_evidence > plain.log_evidence
    alike = [rm.pool([2, 3, 1, 2], [20] * 4, model=one).log_evidence for one in (model, plain.model)]
    assert alike[0] < alike[1]


@pytest.mark.parametrize("model", HEAVY)
@pytest.mark.parametrize("counts", [([0], [10**6]), ([14, 7, 5, 17], [24600, 7260, 7500, 19200]), ([1] * 60, [9] * 60)])
def test_extremes_are_fitted_to_the_stated_error(model, counts):
    post = rm.pool(*counts, model=model)
    assert post.error.mean < 1e-6
    lower, upper = post.new_setting.interval()
    assert 0 <= lower < upper <= 1
    assert post.predict(50).sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("model", HEAVY)
def test_without_heterogeneity_it_is_the_conjugate_beta(model):
    post = rm.pool([3, 5], [20, 31], model=model, heterogeneity=0)
    assert (post.model, post.heterogeneity.scale) == (model, "tau" if model == "logit-t" else "rho")
    assert post.average.interval() == rm.pool([3, 5], [20, 31], heterogeneity=0).average.interval()


def test_what_they_do_not_take_is_refused():
    with pytest.raises(rm.InputError, match="the logit-t model does not have"):
        rm.pool([20], [21], model="logit-t", heterogeneity=(1, 9))
    assert rm.pool([20], [21], model="contaminated-beta-binomial", heterogeneity=(1, 9)).heterogeneity.scale == "rho"
    with pytest.raises(rm.UnknownNameError, match=r"Did you mean 'logit-t'\?"):
        rm.pool([20], [21], model="logit-tt")
    with pytest.raises(rm.UnavailableError, match="logit-t"):
        rm.pool([20], [21], model="logit-t", method="nuts")
    assert SHARE == 0.2  # as `pool` says


# ---------------------------------------------------------------- the end of tau's prior


@pytest.mark.parametrize("series", [1, 2])
def test_no_event_among_more_is_a_smaller_risk_and_the_same_of_events(series):
    sizes = [1, 5, 20, 100, 1000, 5000, 24_600, 100_000, 300_000, 10**6]
    none = [rm.pool([0] * series, [n] * series).new_setting.mean for n in sizes]
    assert np.all(np.diff(none) < 0)
    assert [rm.pool([n] * series, [n] * series).new_setting.mean for n in sizes] == pytest.approx(
        1 - np.array(none), abs=1e-12
    )
    # The log-normal without its end rises from 24,600 on.
    free = [rm.pool([0], [n], heterogeneity=("log-normal", 0.9, 0.5)).average.mean for n in (24_600, 10**6)]
    assert free == pytest.approx([0.01028, 0.01202], abs=1e-5)


@pytest.mark.parametrize(("series", "n"), [(1, 100), (1, 24_600), (1, 10**6), (2, 10**6)])
def test_single_zero_series_are_what_plain_sums_say(series, n):
    """On even grids of logit(mu) and log(mu (1 - mu) phi), with SciPy's polygamma for tau and its slope."""
    x, v = np.linspace(-60, 40, 1001)[:, None], np.linspace(-10, 10, 401)
    a, b = np.exp(v - log_expit(-x)), np.exp(v - log_expit(x))
    tau = np.sqrt(polygamma(1, a) + polygamma(1, b))
    slope = -(a * polygamma(2, a) + b * polygamma(2, b)) / (2 * tau)
    prior = jeffreys(x) + lognorm(0.5, 0, 0.9).logpdf(tau) - (tau / np.pi) ** 4 + np.log(slope)
    log_w = prior + series * (betaln(a, b + n) - betaln(a, b))
    w = np.exp(log_w - log_w.max())
    expected = (w * expit(x)).sum() / w.sum()
    # Observed 2026-11: 6e-8 of a mean of 6e-5, where two series have a million each; 3e-9 otherwise.
    assert rm.pool([0] * series, [n] * series).average.mean == pytest.approx(expected, rel=1e-7)


def test_a_setting_that_no_wide_row_tells_of_is_that_without_heterogeneity():
    """Ten of two million where settings can hardly differ: every wide row holds less than is added up."""
    counts = ([5, 5], [10**6, 10**6])
    one = rm.pool(*counts, model="logit-t", heterogeneity=("half-normal", 1e-3)).new_setting
    none = rm.pool(*counts, model="logit-t", heterogeneity=0).new_setting
    assert one.interval() == pytest.approx(none.interval(), rel=1e-4)
    assert one.mean == pytest.approx(none.mean, rel=1e-4)
