"""Priors: one class a family, read by Python, by the command line's text and by PyMC."""

import itertools
import os
import re
from dataclasses import dataclass

import numpy as np
import pytest
from every_model import TRIED
from scipy.integrate import quad
from scipy.stats import beta, cauchy, expon, halfcauchy, halfnorm, lognorm, norm
from scipy.stats import t as student

import riskmodel as rm
from riskmodel.priors import HeterogeneityPrior, MuPrior, TauPrior, as_heterogeneity_prior, as_mu_prior


class _folded_t:
    """A folded t by SciPy's t."""

    def __init__(self, df, scale):
        self.t = student(df, scale=scale)

    def logpdf(self, x):
        return np.log(2) + self.t.logpdf(x)

    def ppf(self, q):
        return self.t.ppf(0.5 + np.asarray(q) / 2)

    def median(self):
        return float(self.ppf(0.5))


@pytest.fixture
def families():
    """A folded Cauchy on tau and a Cauchy on logit(mu), each one class, forgotten afterwards."""
    before = dict(MuPrior.families), dict(HeterogeneityPrior.families)

    @dataclass(frozen=True)
    class FoldedCauchyOnTau(TauPrior):
        family = "folded-cauchy"
        said = '("folded-cauchy", scale) on tau'
        ranges = ((1e-2, 5.0),)
        width: float

        def formula(self, tau, xp=np):
            return -xp.log1p((tau / self.width) ** 2) + np.log(2 / np.pi / self.width)

        def median_and_spread(self):
            return self.width, float(np.pi / 2)

        def sample(self, size, rng):
            return np.abs(self.width * rng.standard_cauchy(size))

        def __str__(self):
            return f"tau ~ FoldedCauchy({self.width:g})"

    @dataclass(frozen=True)
    class CauchyOnLogit(MuPrior):
        family = "cauchy"
        said = '("cauchy", location, scale) on logit(mu)'
        ranges = ((-10.0, 10.0), (0.1, 5.0))
        location: float
        width: float

        def formula(self, logit, log_mu, log_rest, xp=np):
            return -xp.log1p(((logit - self.location) / self.width) ** 2) - np.log(np.pi * self.width)

        def mirrored(self):
            return CauchyOnLogit(-self.location, self.width)

        def sample(self, size, rng):
            return self.location + self.width * rng.standard_cauchy(size)

        def __str__(self):
            return f"logit(mu) ~ Cauchy({self.location:g}, {self.width:g})"

    yield CauchyOnLogit, FoldedCauchyOnTau
    for kind, held in zip((MuPrior, HeterogeneityPrior), before, strict=True):
        kind.families.clear()
        kind.families.update(held)


@pytest.mark.parametrize("model", TRIED)
def test_a_family_is_one_class_and_pool_takes_it_by_name_and_as_text(families, model):
    on_mu, on_tau = families
    stated = {"prior": ("cauchy", 0.5, 2), "heterogeneity": ("folded-cauchy", 0.4)}
    post = rm.pool([19, 10], [19, 11], model=model, **stated)
    assert (post.prior, post.heterogeneity_prior) == ("logit(mu) ~ Cauchy(0.5, 2)", "tau ~ FoldedCauchy(0.4)")
    assert post == rm.pool([19, 10], [19, 11], model=model, prior="cauchy,0.5,2", heterogeneity="folded-cauchy, 0.4")
    assert post == rm.pool([19, 10], [19, 11], model=model, prior=on_mu(0.5, 2.0), heterogeneity=on_tau(0.4))
    mirror = rm.pool([0, 1], [19, 11], model=model, prior=("cauchy", -0.5, 2), heterogeneity=on_tau(0.4))
    assert post.average.mean == pytest.approx(1 - mirror.average.mean, abs=1e-12)
    with pytest.raises(rm.InputError, match="tested range") as caught:
        rm.pool([19], [19], heterogeneity="folded-cauchy,9")
    assert caught.value.where == "heterogeneity"
    with pytest.raises(rm.InputError, match="folded-cauchy"):  # the way out names it
        rm.pool([19], [19], heterogeneity="folded-cauchy,1,2")


def test_the_same_class_gives_pymc_its_density(families):
    assert_symbolic_is_numeric(families[0](0.5, 2.0), families[1](0.4))


PRIORS = ("jeffreys", "normal,0,2", rm.BetaMixture([0.3, 0.7], [1, 4], [2, 3]))
SPREADS = (
    "1,9",
    "half-normal,1",
    "log-normal,0.8,0.6",
    "bounded-log-normal,0.9,0.5",
    "half-t,4,0.7",
    "exponential,0.6",
)
SOAK = bool(os.environ.get("RISKMODEL_SOAK"))
#: Each with every third of the others; the soak run has all pairs.
PAIRS = [
    (prior, spread)
    for (i, prior), (j, spread) in itertools.product(enumerate(PRIORS), enumerate(SPREADS))
    if SOAK or (i + j) % 3 == 0
]


@pytest.mark.parametrize(("prior", "heterogeneity"), PAIRS)
def test_the_symbolic_density_is_the_quadrature_s(prior, heterogeneity):
    assert_symbolic_is_numeric(as_mu_prior(prior), as_heterogeneity_prior(heterogeneity))


def test_the_symbolic_density_of_the_contaminated_model_is_the_quadrature_s():
    assert_symbolic_is_numeric(as_mu_prior("jeffreys"), as_heterogeneity_prior("default"), share=0.2, near=1e-6)


def assert_symbolic_is_numeric(mu_prior, heterogeneity_prior, share=0.0, near=1e-9):
    """Constants and all, with the likelihood of some counts."""
    pytensor = pytest.importorskip("pytensor")
    import pytensor.tensor as pt

    from riskmodel.inference import beta_binomial, contaminated
    from riskmodel.mcmc.branch import log_density
    from riskmodel.mcmc.density import repeats

    events, totals = np.array([40, 3, 0, 5]), np.array([61, 14, 7, 5])
    plain = beta_binomial.Problem(events, totals, mu_prior, heterogeneity_prior)
    problem = contaminated.Problem(events, totals, mu_prior, heterogeneity_prior, share) if share else plain
    x, w = pt.dscalars("x", "w")
    sides = (events, totals - events, totals)
    rows = [counts[:, None] if share else counts[None] for counts in sides]
    often = [pt.constant(np.stack([repeats(row, 70) for row in some])) for some in rows]
    density = log_density(x, w, *often, mu_prior, heterogeneity_prior, share)
    symbolic = pytensor.function([x, w], density, mode="FAST_COMPILE")
    points = [(0.1, -1.0), (-3.0, 0.5), (2.0, -9.0), (0.0, -25.0), (-0.5, 2.0)]
    numeric = [float(problem.log_density(np.array([a]), np.array([b]))[0]) for a, b in points]
    assert [float(symbolic(a, b)) for a, b in points] == pytest.approx(numeric, abs=near)


@pytest.mark.parametrize(
    ("text", "stated"),
    [("1,1", (1, 1)), ("normal,0,2", ("normal", 0, 2)), (" beta, 2, 5", (2, 5)), ("uniform", "uniform")],
)
def test_a_prior_on_the_average_may_be_text(text, stated):
    assert as_mu_prior(text) == as_mu_prior(stated)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("1,9", (1, 9)), ("log-normal,0.8,0.6", ("log-normal", 0.8, 0.6)), ("half-normal,1", ["half-normal", 1]),
        ("rho-beta-1-9", "rho-beta-1-9"), ("0", 0), ("beta,1,9", (1, 9)), ("exponential,0.6", ("exponential", 0.6)),
    ],
)  # fmt: skip
def test_a_heterogeneity_prior_may_be_text(text, stated):
    assert as_heterogeneity_prior(text) == as_heterogeneity_prior(stated)
    assert (as_heterogeneity_prior(text) is None) == (text == "0")


def test_text_that_states_no_prior_is_refused():
    for text in ("1", "normal,0", "normal,0,x", "half-normal,1", "1,nan", ",", ""):
        with pytest.raises(rm.InputError) as caught:
            as_mu_prior(text)
        assert caught.value.where == "prior"
        assert '("normal", mean, sd)' in caught.value.remedy or "jeffreys" in caught.value.remedy
    for text in ("0.3", "log-normal,1", "normal,0,2", "half-normal,-1", "-1"):
        with pytest.raises(rm.InputError, match="heterogeneity"):
            as_heterogeneity_prior(text)


@pytest.mark.parametrize(
    ("prior", "density"),
    [("normal,0.3,1.5", norm(0.3, 1.5).logpdf), ("cauchy,1,2", cauchy(1, 2).logpdf)],
)
def test_densities_on_the_logit_are_scipy_s(families, prior, density):
    x = np.linspace(-5, 5, 7)
    assert as_mu_prior(prior).log_density(x) == pytest.approx(density(x), abs=1e-12)


@pytest.mark.parametrize(
    ("prior", "exact"),
    [
        ("half-normal,0.7", halfnorm(scale=0.7)), ("log-normal,0.8,0.6", lognorm(0.6, 0, 0.8)),
        ("half-cauchy,0.4", halfcauchy(scale=0.4)), ("folded-cauchy,0.4", halfcauchy(scale=0.4)),
        ("half-t,4,0.7", _folded_t(4, 0.7)), ("half-t,1,0.4", halfcauchy(scale=0.4)),
        ("exponential,0.6", expon(scale=0.6)),
    ],
)  # fmt: skip
def test_densities_of_tau_are_scipy_s_and_so_are_their_middles(families, prior, exact):
    one, tau = as_heterogeneity_prior(prior), np.array([0.01, 0.5, 3.0])
    assert one.formula(tau) == pytest.approx(exact.logpdf(tau), abs=1e-12)
    median, spread = one.median_and_spread()
    assert median == pytest.approx(exact.median(), rel=1e-12)
    logs = np.log(exact.ppf((np.arange(200_000) + 0.5) / 200_000))
    assert spread == pytest.approx(logs.std(), rel=2e-4)


@pytest.mark.parametrize("numbers", [(0.9, 0.5), (3, 0.01), (0.05, 8)])
def test_the_bounded_log_normal_is_the_log_normal_up_to_its_end(numbers):
    one, tau = as_heterogeneity_prior(("bounded-log-normal", *numbers)), np.array([0.01, 0.9, 2.0, 3.0, 4.0])
    median, sigma = numbers
    edge = np.log(np.pi / median) / sigma  # beyond twice pi nothing is left

    def density(z):
        return norm.pdf(z) * np.exp(-((median * np.exp(sigma * z) / np.pi) ** 4))

    points = np.clip([edge - 1 / sigma, edge, edge + 0.7 / sigma], -12, 12)
    whole = quad(density, -12, points[-1], points=points[:-1], limit=500, epsabs=1e-13)[0]
    expected = lognorm(sigma, 0, median).logpdf(tau) - (tau / np.pi) ** 4 - np.log(whole)
    assert one.formula(tau) == pytest.approx(expected, abs=1e-9)
    assert str(as_heterogeneity_prior("bounded-log-normal,0.9,0.5")) == "tau ~ LogNormal(median 0.9, sigma 0.5) to pi"


def test_a_beta_on_rho_is_scipy_s():
    rho = np.array([0.01, 0.3, 0.9])
    expected = beta(1, 9).logpdf(rho) + np.log(rho) + np.log1p(-rho)  # of log g
    assert as_heterogeneity_prior((1, 9)).log_density(0.5, 0.5, rho / (1 - rho)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("name", ["log-normal", "exponential", "half-t"])
def test_a_family_without_its_numbers_is_told_how_it_is_stated(name):
    with pytest.raises(rm.InputError, match=rf'numbers are missing.*Give \("{name}", '):
        rm.pool([1, 2], [10, 20], heterogeneity=name)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"heterogeneity": ("half-normal",)}, '("half-normal", scale)'),
        ({"heterogeneity": "half-t,1"}, '("half-t", df, scale)'),
        ({"heterogeneity": ["log-normal", "1", 2]}, '("log-normal", median, sigma)'),
        ({"heterogeneity": ("exponential", 1, 2)}, '("exponential", '),
        ({"prior": "normal,0"}, '("normal", mean, sd)'),
    ],
)
def test_a_family_with_other_numbers_than_its_own_is_told_how_it_is_stated(stated, said):
    with pytest.raises(rm.InputError, match=f"has not the numbers of.*{re.escape(said)}"):
        rm.pool([1, 2], [10, 20], **stated)


@pytest.mark.parametrize("family", sorted(HeterogeneityPrior.families))
def test_at_the_ends_of_its_ranges_a_family_answers_or_is_refused(family):
    """Every family that is known, one of one's own too: no other fault, and intervals in order; the soak run has all models."""
    ranges = HeterogeneityPrior.families[family].ranges
    corners = list(itertools.product(*ranges)) if SOAK else [tuple(low for low, _ in ranges)]
    models = ("beta-binomial", "logit-normal", "logit-t") if SOAK and family != "beta" else ("beta-binomial",)
    for corner, counts, model in itertools.product(corners, (([5, 5], [10**6, 10**6]), ([20, 0], [21, 9])), models):
        try:
            post = rm.pool(*counts, model=model, heterogeneity=corner if family == "beta" else (family, *corner))
            for one in (post.average, post.new_setting, post.series[0], post.heterogeneity):
                lower, upper = one.interval()
                # A risk that is 0 or 1 in every setting has no digits left to be in order.
                assert 0 <= lower <= one.median + 1e-300 <= upper + 2e-300, (corner, counts, model)
        except rm.errors.AccuracyError:
            continue
