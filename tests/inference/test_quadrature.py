"""The two rules of integration on integrands whose integrals are closed forms, and what they say of their own error."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln, comb, expit
from scipy.stats import beta, norm

import riskmodel as rm
from riskmodel.distributions.special import log_sigmoids
from riskmodel.inference import quadrature
from riskmodel.inference.quadrature import integrate, integrate_one, log_combinations, should_mirror


def log_beta(a, b):
    """Beta(a, b), not normalised, as a log density of the logit."""

    def log_density(x):
        below, above = log_sigmoids(x)
        return a * below + b * above

    return log_density


@pytest.mark.parametrize(("a", "b"), [(20.5, 1.5), (0.5, 0.5), (3, 4000), (120_000, 880_000), (2, 0.5)])
def test_one_logit_is_integrated_to_the_closed_form(a, b):
    lattice, error = integrate_one(log_beta(a, b))
    exact = beta(a, b)
    assert lattice.log_total == pytest.approx(betaln(a, b), abs=1e-9 + error.log_evidence)
    assert lattice.weights.sum() == pytest.approx(1, abs=1e-14)
    mean = float((lattice.weights * lattice.mu).sum())
    sd = float(np.sqrt((lattice.weights * (lattice.mu - mean) ** 2).sum()))
    assert mean == pytest.approx(exact.mean(), abs=1e-9)
    assert sd == pytest.approx(exact.std(), abs=1e-9)
    assert abs(mean - exact.mean()) <= error.mean + 1e-13
    assert max(error.mean, error.sd, error.log_evidence) < 1e-8
    assert (error.nodes, error.kind) == (121, "quadrature")
    assert (lattice.mirror, lattice.log_g_over_m, lattice.w.tolist()) == (False, False, [0])
    assert lattice.step == pytest.approx(np.diff(lattice.u)[0])
    # The axis has moved to where the density is, and is as wide as it.
    at = (lattice.weights * lattice.x).sum()
    spread = np.sqrt((lattice.weights * (lattice.x - at) ** 2).sum())
    assert lattice.centre[0] == pytest.approx(at, abs=0.15 * spread)
    assert lattice.scale[0] == pytest.approx(spread, rel=0.15)


@dataclass
class Normals:
    """w is normal, and x given w: their integrals and moments are known."""

    at: tuple = (-1.0, 0.7)  # mean and sd of w
    slope: float = 0.8  # mean of x: slope w + shift, its sd
    shift: float = 1.0
    sd: float = 0.5
    series: int = 3
    largest: int = 20
    log_g_over_m: bool = True
    events: np.ndarray = field(init=False)
    totals: np.ndarray = field(init=False)

    def __post_init__(self):
        self.totals = np.full(self.series, self.largest)
        self.events = self.totals // 2

    def start(self):
        return 0.0, 2.0

    def first_guess(self, w):
        return np.zeros_like(w), np.full_like(w, 2.0)

    def log_density(self, x, w):
        return norm.logpdf(w, *self.at) + norm.logpdf(x, self.slope * w + self.shift, self.sd) + 3.25

    rough_log_density = log_density

    def moments(self):
        """Mean and sd of the inverse logit of x."""
        x = norm(self.slope * self.at[0] + self.shift, np.hypot(self.slope * self.at[1], self.sd))
        first, second = (
            quad(lambda z, k=k: expit(x.mean() + x.std() * z) ** k * norm.pdf(z), -12, 12)[0] for k in (1, 2)
        )
        return first, np.sqrt(second - first**2)


PROBLEMS = (
    Normals(), Normals(at=(-9, 0.05)), Normals(sd=0.1, slope=1), Normals(series=10), Normals(largest=1000),
    Normals(at=(4, 3), slope=-1, log_g_over_m=False), Normals(shift=8, sd=2),
)  # fmt: skip


@pytest.mark.parametrize("between_nodes", [False, True])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_two_axes_are_integrated_to_the_closed_form(problem, between_nodes):
    lattice, error = integrate(problem, between_nodes=between_nodes)
    assert lattice.log_total == pytest.approx(3.25, abs=1e-9)
    weights, (mean, sd) = lattice.weights, problem.moments()
    assert weights.sum() == pytest.approx(1, abs=1e-13)
    found = float((weights * lattice.mu).sum())
    assert found == pytest.approx(mean, abs=1e-9)
    assert np.sqrt((weights * (lattice.mu - found) ** 2).sum()) == pytest.approx(sd, abs=1e-9)
    at = float(weights.sum(axis=1) @ lattice.w)
    assert at == pytest.approx(problem.at[0], abs=1e-7)
    assert np.sqrt(weights.sum(axis=1) @ (lattice.w - at) ** 2) == pytest.approx(problem.at[1], abs=1e-7)
    assert max(error.mean, error.sd, error.log_evidence) <= 1e-8
    assert error.nodes == weights.size < 40_000
    assert (lattice.log_g_over_m, lattice.mirror) == (problem.log_g_over_m, False)
    # Rows lie on the outer axis's own stretched grid, and nothing that counts is cut off.
    v = np.arcsinh((lattice.w - lattice.outer_centre) / lattice.outer_scale) / lattice.outer_step
    assert v == pytest.approx(np.round(v), abs=1e-6)
    assert np.diff(v) == pytest.approx(1, abs=1e-6)
    edges = [weights.take(end, axis=axis).sum() for axis in (0, 1) for end in (0, -1)]
    assert max(edges) < 1e-13


@pytest.mark.parametrize(
    ("one", "outer", "inner"),
    [
        ({"series": 9, "largest": 999}, 2, 1.5), ({"series": 10}, 1, 0), ({"series": 20}, 0, 0), ({"largest": 1000}, 0, 0),
        ({"series": 2, "largest": 3}, 3, 1.5), ({"largest": 1}, 3, 3), ({"series": 9, "largest": 1}, 2, 3),
        ({"series": 20, "largest": 1}, 0, 2),
    ],
)  # fmt: skip
def test_few_small_series_begin_with_the_finer_rule(one, outer, inner):
    """Those of a normal need no division: half of the events, and none where each series is of one."""
    lattice = integrate(Normals(**one))[0]
    assert (lattice.outer_step, lattice.step) == pytest.approx((0.16 / 2 ** (outer / 2), 0.16 / 2 ** (inner / 2)))


def test_a_step_is_divided_at_once_by_what_its_error_asks_for():
    """Half the nodes leave exp(-c / step) of error, so that half the step leaves the square of it."""
    assert quadrature._division(1e-3) == pytest.approx(2.0)
    assert [quadrature._division(one) for one in (2e-6, 1e-7)] == pytest.approx([2**0.5] * 2)
    assert quadrature._division(1.0) == pytest.approx(2 ** (9 / 2))


def test_what_no_rule_of_this_kind_can_integrate_is_refused_with_the_way_out():
    class Box(Normals):
        def log_density(self, x, w):
            return np.where((np.abs(x - 0.13) < 1) & (w < 3), 0.0, -60.0) - w**2 / 2

        rough_log_density = log_density

    with pytest.raises(rm.AccuracyError, match=r"is above 1e-6 for 3 series") as caught:
        integrate(Box())
    assert caught.value.where == "pool"
    assert "nuts" in caught.value.remedy


def test_the_error_is_estimated_from_every_second_and_fourth_node():
    """On a coarse grid the rule is off by what can be seen, and the estimate covers it within a factor of ten."""
    problem = Normals()
    wide = lambda w: (problem.slope * w + problem.shift, np.full_like(w, 2 * problem.sd))  # noqa: E731
    ends = (-np.inf, np.inf)
    place = quadrature._Place(problem.at[0], 2 * problem.at[1], wide, ends, ends)
    seen = []
    for step in (0.5, 0.4, 0.3):
        lattice = quadrature._lattice(problem, *place, step, 0.1)
        estimate, coarse = quadrature._axis_errors(lattice, 0)
        truth = abs(lattice.log_total - 3.25)
        assert truth <= estimate[0]
        assert estimate.shape == (3,)
        # Bailey, Jeyabalan and Li (2005), section 5, of the logarithm of the integral; the tails that are cut off apart.
        first, second = (abs(np.log(n * lattice.weights[::n].sum())) for n in (2, 4))
        rate = min(max(np.log(first) / np.log(second), 1), 2)
        cut = lattice.weights[0].sum() + lattice.weights[-1].sum()
        assert estimate[0] == pytest.approx(first**rate + 10 * cut, rel=1e-9)
        assert quadrature._axis_errors(lattice, 0, True)[1] == pytest.approx(max(first, coarse), rel=1e-9)
        seen.append(coarse)
    assert seen[0] > seen[2] > 0
    across = quadrature._axis_errors(lattice, 1)[0]
    assert across[0] < 1e-12 < estimate[0]  # the other axis is fine already


def test_the_rarer_side_is_fitted_and_ties_are_broken_alike():
    for events, totals, mirror in (
        ([1, 2], [9, 9], False), ([8, 7], [9, 9], True), ([5, 4], [9, 9], True), ([4, 5], [9, 9], False), ([3], [6], False),
    ):  # fmt: skip
        events, totals = np.array(events), np.array(totals)
        assert should_mirror(events, totals) == mirror
        assert should_mirror(totals - events, totals) == (not mirror if (2 * events != totals).any() else mirror)


def test_what_errors_are_estimated_of_is_the_whole_the_mean_and_the_sd():
    weights, mu = np.array([[0.1, 0.3], [0.2, 0.1]]), np.array([[0.2, 0.4], [0.3, 0.9]])
    mean = np.average(mu, weights=weights)
    expected = [np.log(3 * 0.7), mean, np.sqrt(np.average((mu - mean) ** 2, weights=weights))]
    assert quadrature._functionals(weights, mu, 3) == pytest.approx(expected, rel=1e-12)


def test_no_series_at_all_leaves_the_prior():
    assert rm.before_counts(prior=(2, 5)).average.interval() == pytest.approx(beta(2, 5).ppf([0.025, 0.975]), abs=1e-7)


def test_combinations_are_counted():
    assert log_combinations(np.array([2, 0, 5]), np.array([7, 3, 9])) == pytest.approx(np.log(comb(7, 2) * comb(9, 5)))
