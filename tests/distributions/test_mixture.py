"""A mixture of Betas against SciPy's Beta and beta-binomial, component by component."""

import re

import numpy as np
import pytest
from scipy.special import comb
from scipy.stats import beta, betabinom

import riskmodel as rm
from riskmodel.distributions import mixture as module

WEIGHTS, A, B = np.array([0.2, 0.5, 0.3]), np.array([0.5, 3.0, 40.0]), np.array([4.0, 1.0, 25.0])
MIXTURE = rm.BetaMixture(3 * WEIGHTS, A, B)
AT = np.array([[0.0, 0.02, 0.3], [0.65, 0.98, 1.0]])


def each(function):
    """The mixture's weighted sum of something of each component."""
    return sum(w * function(a, b) for w, a, b in zip(WEIGHTS, A, B, strict=True))


def test_weights_are_normalised_and_nothing_can_be_written():
    assert pytest.approx(WEIGHTS, abs=1e-16) == MIXTURE.weights
    for array in (MIXTURE.weights, MIXTURE.a, MIXTURE.b):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert (len(MIXTURE), len(rm.BetaMixture(2, 3, 4))) == (3, 1)


@pytest.mark.parametrize("other", [MIXTURE, MIXTURE.complement()])
def test_mean_and_sd_are_those_of_the_components(other):
    mirrored = other is not MIXTURE
    mean = each(lambda a, b: a / (a + b))
    square = each(lambda a, b: beta(a, b).moment(2))
    assert other.mean == pytest.approx(1 - mean if mirrored else mean, abs=1e-14)
    assert other.sd == pytest.approx(np.sqrt(square - mean**2), abs=1e-14)
    assert other.mean + other.complement().mean == 1


@pytest.mark.parametrize("block", [1, 2, 7, 4_000_000])
def test_density_and_tails_are_the_components_whatever_the_block(block, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK", block)
    for name in ("cdf", "sf"):
        found = getattr(MIXTURE, name)(AT)
        assert found.shape == AT.shape
        assert found == pytest.approx(each(lambda a, b, name=name: getattr(beta(a, b), name)(AT)), abs=1e-14)
    inside = AT[(AT > 0) & (AT < 1)]
    assert MIXTURE.pdf(inside) == pytest.approx(each(lambda a, b: beta(a, b).pdf(inside)), rel=1e-12)
    assert MIXTURE.predict(5) == pytest.approx(each(lambda a, b: betabinom(5, a, b).pmf(np.arange(6))), abs=1e-14)


def test_nothing_is_outside_zero_and_one_and_ends_are_inside():
    assert MIXTURE.pdf([-0.1, 1.1]).tolist() == [0, 0]
    assert MIXTURE.cdf([-0.1, 1.1]).tolist() == [0, 1]
    assert MIXTURE.sf([-0.1, 1.1]).tolist() == [1, 0]
    assert rm.BetaMixture.beta(1, 2).pdf([0, 1]).tolist() == [2, 0]
    assert rm.BetaMixture.beta(2, 1).pdf([0, 1]).tolist() == [0, 2]
    assert MIXTURE.pdf([0.0]) == np.inf  # a shape below one, and no warning
    assert rm.BetaMixture.beta(1e-3, 1).pdf(5e-324) == np.inf  # beyond what a double holds, and no warning


@pytest.mark.parametrize("total", [0, 1, 9])
def test_the_predictive_is_the_components_beta_binomial(total):
    expected = each(lambda a, b: betabinom(total, a, b).pmf(np.arange(total + 1)))
    assert MIXTURE.predict(total) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize(("events", "total"), [(0, 0), (0, 1), (1, 1), (0, 6), (2, 6), (6, 6)])
def test_an_update_reweights_by_what_each_component_foretold(events, total):
    foretold = np.array([betabinom(total, a, b).pmf(events) for a, b in zip(A, B, strict=True)])
    after = MIXTURE.update(events, total)
    assert after.weights == pytest.approx(WEIGHTS * foretold / (WEIGHTS @ foretold), rel=1e-12)
    assert (after.a == A + events).all()
    assert (after.b == B + total - events).all()
    assert MIXTURE.log_probability(events, total) == pytest.approx(
        np.log(WEIGHTS @ foretold / comb(total, events)), abs=1e-12
    )
    moved = MIXTURE.shifted(events, total)
    assert (moved.weights == MIXTURE.weights).all()
    assert (moved.a == after.a).all()
    assert (moved.b == after.b).all()


def test_a_component_without_any_weight_left_is_dropped():
    after = rm.BetaMixture([0.5, 0.5], [1, 1e6], [1, 1e-3]).update(0, 500)
    assert (len(after), after.a[0], after.b[0]) == (1, 1, 501)


def test_impossible_counts_are_refused_and_nobody_changes_nothing():
    for events, total in ((-1, 3), (4, 3), (0, -1), (1.5, 3), (1, "x")):
        with pytest.raises(rm.InputError) as caught:
            MIXTURE.update(events, total)
        assert caught.value.where in ("update", "events", "total")


@pytest.mark.parametrize("q", [0.0, 1e-9, 0.3, 0.5, 0.7, 1 - 1e-9, 1.0])
def test_quantiles_of_one_beta_are_scipy_s_and_mirror(q):
    one = rm.BetaMixture.beta(2.5, 7)
    assert float(one.ppf(q)) == pytest.approx(beta(2.5, 7).ppf(q), abs=1e-13)
    assert float(one.ppf(q)) == pytest.approx(1 - float(one.complement().ppf(1 - q)), abs=1e-12)
    low = rm.BetaMixture.beta(0.01, 7)
    assert float(low.ppf(0.4)) == pytest.approx(beta(0.01, 7).ppf(0.4), rel=1e-9)


def test_quantiles_of_several_are_where_the_distribution_says():
    levels = np.array([[0.01, 0.2], [0.5, 0.999]])
    found = MIXTURE.ppf(levels)
    assert found.shape == levels.shape
    assert MIXTURE.cdf(found) == pytest.approx(levels, abs=1e-8)
    assert MIXTURE.cdf(MIXTURE.quick_ppf(levels)) == pytest.approx(levels, abs=1e-4)
    for verb in (MIXTURE.ppf, MIXTURE.quick_ppf):
        with pytest.raises(rm.InputError):
            verb([1.2])


def test_draws_are_of_the_mixture():
    drawn = MIXTURE.sample(20_000, 3)
    assert drawn.shape == (20_000,)
    assert drawn.mean() == pytest.approx(MIXTURE.mean, abs=4 * MIXTURE.sd / np.sqrt(20_000))
    assert drawn.std() == pytest.approx(MIXTURE.sd, rel=0.02)


@pytest.mark.parametrize(
    ("arrays", "where"),
    [
        (([1, 0], [1, 1], [1, 1]), "weights"), (([1], [-1], [1]), "a"), (([1], [1], [np.inf]), "b"),
        (([], [], []), "weights"), (([[1]], [1], [1]), "weights"), ((["x"], [1], [1]), "weights"),
        (([1, 1], [1], [1]), "BetaMixture"), (([1, 1], [1, 1], [1]), "BetaMixture"),
    ],
)  # fmt: skip
def test_what_is_no_mixture_is_refused(arrays, where):
    with pytest.raises(rm.InputError) as caught:
        rm.BetaMixture(*arrays)
    assert caught.value.where == where


def test_a_few_components_are_written_out():
    assert repr(MIXTURE) == "BetaMixture(0.2 Beta(0.5, 4) + 0.5 Beta(3, 1) + 0.3 Beta(40, 25))"
    four = rm.BetaMixture([1] * 4, [1] * 4, [1] * 4)
    assert re.fullmatch(r"BetaMixture\(4 components, mean 0.5000, sd 0.2887\)", repr(four))
