"""Where a density is highest: one interval, or pieces where it has several peaks; the shortest interval then says so."""

import math

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.distributions.base import Complement, PointMass
from riskmodel.distributions.draws import Draws


def beta(a, b):
    return rm.BetaMixture.beta(a, b)


@pytest.mark.parametrize("prob", [0.2, 0.5, 0.8, 0.95])
def test_the_pieces_of_an_arcsine_density_are_known(prob):
    """Beta(1/2, 1/2) has the quantile sin^2(pi q / 2), and its densest part lies at both ends alike."""
    (low, left), (right, high) = beta(0.5, 0.5).highest_density(prob)
    end = math.sin(math.pi * prob / 4) ** 2
    assert (low, high) == (0, 1)
    assert [left, 1 - right] == pytest.approx([end, end], abs=1e-4)


@pytest.mark.parametrize(
    ("distribution", "peaks"),
    [
        (rm.pool([0, 20], [20, 20]).new_setting, 2),
        (rm.pool([1], [2]).new_setting, 2),
        (rm.pool([21, 0, 4], [21, 9, 9]).new_setting, 2),
        (beta(0.3, 0.6), 2),
        (Complement(beta(0.3, 0.6)), 2),
        (rm.BetaMixture([0.5, 0.3, 0.2], [50, 50, 200], [200, 50, 50]), 3),
        (Draws(np.random.default_rng(3).beta(0.3, 0.3, 4000)), 2),
    ],
)
def test_the_shortest_interval_of_several_peaks_says_so_and_where_they_are(distribution, peaks):
    pieces = distribution.highest_density(0.8)
    assert len(pieces) == peaks
    inside = sum(float(distribution.cdf(high) - distribution.cdf(low)) for low, high in pieces)
    assert inside == pytest.approx(0.8, abs=2e-3)
    with pytest.raises(rm.InputError, match=f"the density has {peaks} peaks: its densest 0.8 is") as caught:
        distribution.interval(0.8, kind="hdi")
    assert "highest_density(0.8)" in caught.value.remedy
    assert f"{pieces[-1][0]:.3g} to" in caught.value.what
    lower, upper = distribution.interval(0.8)
    assert float(distribution.cdf(upper) - distribution.cdf(lower)) == pytest.approx(0.8, abs=1e-3)


def test_symmetric_counts_have_symmetric_pieces_and_density_is_highest_in_them():
    for counts in (([0, 20], [20, 20]), ([1], [2])):
        one = rm.pool(*counts).new_setting
        for prob in (0.5, 0.95):
            (_, left), (right, _) = one.highest_density(prob)
            assert left == pytest.approx(1 - right, abs=1e-3)
            outside, inside = np.linspace(left + 0.01, right - 0.01, 9), np.linspace(0.01, left - 0.01, 9)
            assert one.pdf(outside).max() < one.pdf(inside).min()


@pytest.mark.parametrize(
    "distribution",
    [
        beta(3, 9), beta(1, 1), beta(0.5, 4), beta(4, 0.5), beta(2000, 3), PointMass(0.3),
        rm.BetaMixture([0.5, 0.5], [20, 24], [30, 30]), rm.BetaMixture([0.999, 0.001], [50, 2], [100, 300]),
        rm.pool([19, 10], [19, 11]).average, rm.pool([19, 10], [19, 11]).new_setting, rm.pool([0], [9]).average,
        rm.pool([1], [2]).average, rm.pool([1], [2]).heterogeneity, Draws(np.random.default_rng(4).beta(1, 5, 4000)),
        Draws(np.random.default_rng(5).random(4000)),
    ],
)  # fmt: skip
def test_one_peak_has_one_interval_the_shortest(distribution):
    for prob in (0.5, 0.9):
        (piece,) = distribution.highest_density(prob)
        assert piece == distribution.interval(prob, kind="hdi")
        lower, upper = distribution.interval(prob)
        assert piece[1] - piece[0] <= upper - lower + 1e-12


def test_highest_density_asks_for_sense():
    for prob in (0, 1, "0.5", True, float("nan")):
        with pytest.raises(rm.InputError):
            beta(2, 3).highest_density(prob)


# ---------------------------------------------------------------- seeds


@pytest.mark.parametrize(
    "one",
    [
        beta(2, 3), PointMass(0.2), Complement(beta(2, 3)), Draws(np.linspace(0.1, 0.9, 50)),
        *(getattr(rm.pool([1, 2], [5, 9], heterogeneity=h), name) for h in ("default", 0, (1, 4))
          for name in ("average", "new_setting", "heterogeneity")),
        rm.pool([1, 2], [5, 9], model="logit-normal").new_setting, rm.pool([1], [5]).series[0],
        rm.fit("fetal-hepatic-calcification").risk("good_outcome", anatomy="isolated").new_setting,
    ],
)  # fmt: skip
def test_a_seed_is_a_source_of_randomness(one):
    wanted = one.sample(5, np.random.default_rng(1))
    for rng in (1, np.int64(1), 1.0):
        assert (one.sample(5, rng) == wanted).all()


def test_what_is_no_source_of_randomness_is_refused():
    for rng in (None, -1, 1.5, "1", True, np.random.RandomState(1), [1]):
        with pytest.raises(rm.InputError, match="is not a seed"):
            beta(2, 3).sample(5, rng)


def test_draws_of_a_posterior_are_not_the_same_of_each_estimand():
    post = rm.pool([1, 2], [5, 9])
    drawn, again = post.sample(4, 1), post.sample(4, np.random.default_rng(1))
    assert all((drawn[name] == again[name]).all() for name in drawn)
    assert len({tuple(np.argsort(drawn[name])) for name in ("average", "new_setting", "heterogeneity")}) > 1


def test_counts_of_an_update_are_read_as_those_of_a_pool():
    prior = beta(1, 1)
    for events, total in ((2.0, 5), ("2", "5"), (np.int8(2), np.float64(5))):
        assert prior.update(events, total) == prior.update(2, 5)
    for events, total in ((2.5, 5), ("2,0", 5), (None, 5), (True, 5), (6, 5)):
        with pytest.raises(rm.InputError):
            prior.update(events, total)
