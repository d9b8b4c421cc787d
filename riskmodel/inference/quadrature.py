r"""Adaptive two-dimensional quadrature over two hyperparameters.

They are integrated by nested trapezoid rules. The outer variable ``w`` says how much settings differ. The inner variable
is ``x = logit(mu)``, on a grid of its own for every w, since its posterior is narrow where settings are alike and wide
where they differ. Each axis is stretched, ``x = centre + scale * sinh(u)``, so that Gaussian bulk and exponential tails
decay alike; for such integrands the trapezoid rule converges geometrically (Trefethen and Weideman, SIAM Review 2014,
sections 5 and 14).

Between nodes nothing is interpolated by polynomials: the rule's own interpolant is the sinc series, whose integral is
the sine integral (Stenger, SIAM Review 1981, section 4), so that distribution functions are as accurate as moments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from riskmodel.distributions.special import log_choose
from riskmodel.errors import AccuracyError
from riskmodel.inference.lattice import Lattice
from riskmodel.posterior import ErrorEstimate

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Reach of each stretched axis: sinh(3.7) = 20 doubled scales either way, 1e-17 of a tail that decays like exp(-x).
_REACH = 3.7
_ZOOM_STEP = 0.35  # grid on which bulk and scale are found
_START_STEP = 0.16  # first grid of the integral itself
_ONE_STEP = 0.07  # grid of a single axis
#: Scales of the bulk that the stretched axis counts as one: the fewest nodes for 1e-8 on the evidence shipped (2026-11).
_WIDEN = 2.0
#: Logit beyond which four factors of the likelihood could underflow.
FARTHEST = 170.0
_NEGLIGIBLE = -36.0  # log of 2e-16: what a double no longer adds to one
_BETWEEN_NODES = 1e-6
_TOLERANCE = 1e-8  # estimated error at which steps are no longer divided
#: What a step is divided by: by two a rule that was all but fine enough would have twice the nodes that it needs.
_FINER = 2**0.5
#: Estimated error above which a fit is refused.
LARGEST_ERROR = 1e-6
_MAX_ZOOMS = 25
_MAX_DIVISIONS = 8


class Integrand(Protocol):
    """What `integrate` needs of a model with two hyperparameters: x = logit(average) and an outer variable w."""

    @property
    def events(self) -> Counts:
        """Events of each series."""

    @property
    def totals(self) -> Counts:
        """Total of each series."""

    @property
    def log_g_over_m(self) -> bool:
        """Whether w is log g - log(mu (1 - mu)), as `Lattice` has it."""

    def start(self) -> tuple[float, float]:
        """Centre and scale of w under its prior."""

    def first_guess(self, w: Array) -> tuple[Array, Array]:
        """Centre and scale of x given w."""

    def log_density(self, x: Array, w: Array) -> Array:
        """Logarithm of likelihood times prior density with respect to x and w."""

    def rough_log_density(self, x: Array, w: Array) -> Array:
        """The same to a few percent, to find where it matters."""


def log_combinations(events: Counts, totals: Counts) -> float:
    """Logarithm of the product of the binomial coefficients."""
    return float(log_choose(totals, events).sum())


def integrate_one(log_density: Callable[[Array], Array]) -> tuple[Lattice, ErrorEstimate]:
    """Nodes and weights of one logit, on a single row."""
    u: Array = np.asarray(np.arange(-60, 61) * _ONE_STEP, np.float64)
    centre, scale = 0.0, 2.0
    for _ in range(_MAX_ZOOMS):
        x = centre + scale * np.sinh(u)[None]
        log_f = log_density(x) + np.log(np.cosh(u) * scale * _ONE_STEP)
        weights = np.exp(log_f - log_f.max())
        (new_centre,), (spread,) = _moments(weights, x)
        new_scale = max(float(spread), 0.1 * scale)
        if abs(new_centre - centre) < 0.1 * new_scale and abs(np.log(new_scale / scale)) < 0.1:
            break
        centre, scale = float(new_centre), new_scale
    total = weights.sum()
    lattice = Lattice(
        weights=weights / total,
        w=np.zeros(1),
        centre=np.array([centre]),
        scale=np.array([scale]),
        u=u,
        step=_ONE_STEP,
        log_g_over_m=False,
        mirror=False,
        log_total=float(log_f.max() + np.log(total)),
    )
    log_evidence, mean, sd = (float(error) for error in _axis_errors(lattice, 1)[0])
    return lattice, ErrorEstimate(mean, sd, log_evidence, u.size, "quadrature")


def integrate(problem: Integrand, *, between_nodes: bool = False) -> tuple[Lattice, ErrorEstimate]:
    """Nodes and weights of the posterior, refined until the estimated error is small."""
    place = _locate(problem)
    steps = _first_steps(problem)
    for divided in range(_MAX_DIVISIONS + 1):
        lattice = _lattice(problem, *place, *steps)
        by_axis, coarse = zip(*(_axis_errors(lattice, axis, between_nodes) for axis in (0, 1)), strict=True)
        errors = np.max(by_axis, axis=0)
        # Between its nodes a sinc series is as good as the rule with every second node, so that is bounded as well.
        refine = [by_axis[axis].max() > _TOLERANCE or coarse[axis] > _BETWEEN_NODES for axis in (0, 1)]
        if not any(refine) or divided == _MAX_DIVISIONS:
            break
        steps = [
            step / _division(seen) if finer else step for step, finer, seen in zip(steps, refine, coarse, strict=True)
        ]
    if errors.max() > LARGEST_ERROR:
        raise AccuracyError(
            f"the estimated error {errors.max():.1g} of the quadrature is above 1e-6 for {problem.events.size} series",
            where="pool",
            remedy='Use a prior without mass at the extremes, or the beta-binomial model with method="nuts"',
        )
    log_evidence, mean, sd = (float(error) for error in errors)
    return lattice, ErrorEstimate(mean, sd, log_evidence, lattice.weights.size, "quadrature")


def _first_steps(problem: Integrand) -> list[float]:
    """Steps of w and of x at which most of such fits need no finer ones (measured 2026-11).

    Few small series have long tails, no events at all the longest; many or large ones seldom do, and cost more.
    """
    series, largest = problem.events.size, int(problem.totals.max(initial=0))
    rarer = min(problem.events.sum(), (problem.totals - problem.events).sum())
    small = series < 10 and largest < 1000
    outer, inner = (2.0, 1.5) if small else (float(series < 20 and largest < 1000), 0.0)
    if small and series + rarer < 5:
        outer = 3.0
    if rarer == 0:
        inner += 2.0 - 0.5 * small
    return [_START_STEP / _FINER**outer, _START_STEP / _FINER**inner]


def _division(seen: float) -> float:
    """What a step is divided by where half the nodes leave an error: its logarithm is in proportion to their number."""
    powers = np.ceil(np.log(np.log(_BETWEEN_NODES) / np.log(min(seen, 0.5))) / np.log(_FINER))
    return float(_FINER ** max(powers, 1.0))


def should_mirror(events: Counts, totals: Counts) -> bool:
    """Whether the complement is the rarer side; ties are broken so that a problem and its mirror choose alike."""
    others = totals - events
    if events.sum() != others.sum():
        return bool(events.sum() > others.sum())
    return tuple(events) > tuple(others)


Inner = Callable[[Array], tuple[Array, Array]]
Ends = tuple[float, float]


class _Place(NamedTuple):
    """Where an integrand is: centre and scale of w, and of x as functions of w, and the ends of both stretched axes."""

    centre: float
    scale: float
    inner: Inner
    v: Ends
    u: Ends


def _locate(problem: Integrand) -> _Place:
    """Zoom on coarse grids until centres and scales agree with their moments."""
    centre, scale = problem.start()
    inner: Inner = problem.first_guess
    u = np.arange(-12, 13) * _ZOOM_STEP
    stretch, slope = np.sinh(u), np.log(np.cosh(u))
    for _ in range(_MAX_ZOOMS):
        w = np.clip(centre + scale * stretch, -150.0, 60.0)
        x_centre, x_scale = inner(w)
        x = x_centre[:, None] + x_scale[:, None] * stretch
        log_f = problem.rough_log_density(np.clip(x, -FARTHEST, FARTHEST), w[:, None])
        log_f += slope + np.log(x_scale)[:, None]
        log_f[np.abs(x) > FARTHEST] = -np.inf
        peak = log_f.max(axis=1)
        rows = np.exp(log_f - peak[:, None])
        row_sums = rows.sum(axis=1)
        new_x, spread = _moments(rows, x)
        new_s = np.maximum(spread, 0.3 * x_scale * _ZOOM_STEP)
        log_outer = peak + np.log(row_sums) + slope
        outer = np.exp(log_outer - log_outer.max())
        new_w, w_spread = (value[0] for value in _moments(outer[None], w[None]))
        new_scale = max(float(w_spread), 0.3 * scale * _ZOOM_STEP)
        heavy = outer > 1e-8
        settled = bool(
            np.all(np.abs(new_x - x_centre)[heavy] < 0.5 * new_s[heavy])
            and np.all(np.abs(np.log(new_s / x_scale))[heavy] < 0.6)
            and abs(new_w - centre) < 0.5 * new_scale
            and abs(np.log(new_scale / scale)) < 0.6
        )
        # Light rows keep what a heavy neighbour found: their own moments may lie between two nodes.
        inner = _interpolated(w[heavy], new_x[heavy], new_s[heavy])
        centre, scale = float(new_w), new_scale
        if settled:
            break

    def widened(at: Array) -> tuple[Array, Array]:
        x, s = inner(at)
        return x, _WIDEN * s

    log_f += slope[:, None]
    matters = log_f > log_f.max() + _NEGLIGIBLE
    x_centre, x_scale = widened(w)
    down: Array = np.repeat(np.arcsinh((w - centre) / (_WIDEN * scale))[:, None], u.size, axis=1)
    across: Array = np.arcsinh((x - x_centre[:, None]) / x_scale[:, None])
    return _Place(centre, _WIDEN * scale, widened, _ends(matters, down), _ends(matters.T, across.T))


def _ends(matters: NDArray[np.bool_], at: Array) -> Ends:
    """From where to where what matters reaches along the first axis, and one cell on: without end where the grid ends."""
    wider = matters.copy()
    wider[1:] |= matters[:-1]
    wider[:-1] |= matters[1:]
    found = at[wider]
    return -np.inf if matters[0].any() else float(found.min()), np.inf if matters[-1].any() else float(found.max())


def _moments(weights: Array, values: Array) -> tuple[Array, Array]:
    """Mean and standard deviation along the last axis."""
    total = weights.sum(axis=-1)
    mean = (weights * values).sum(axis=-1) / total
    return mean, np.sqrt((weights * (values - mean[..., None]) ** 2).sum(axis=-1) / total)


def _interpolated(w: Array, x: Array, s: Array) -> Inner:
    log_s = np.log(s)
    return lambda at: (np.interp(at, w, x), np.exp(np.interp(at, w, log_s)))


def _lattice(
    problem: Integrand, centre: float, scale: float, inner: Inner, v_ends: Ends, u_ends: Ends, *steps: float
) -> Lattice:
    """Evaluate the integrand on a grid that reaches until it is negligible, and normalise."""
    v, u = (_axis(step, ends) for step, ends in zip(steps, (v_ends, u_ends), strict=True))
    w = centre + scale * np.sinh(v)
    inside = (w > -150) & (w < 60)
    v, w = v[inside], w[inside]
    x_centre, x_scale = inner(w)
    log_f = _log_integrand(problem.log_density, w, x_centre, x_scale, u) + np.log(np.cosh(v))[:, None]
    top = log_f.max()
    rows, columns = (_span(log_f.max(axis=axis) > top + _NEGLIGIBLE) for axis in (1, 0))
    log_f, u, w, x_centre, x_scale = log_f[rows, columns], u[columns], w[rows], x_centre[rows], x_scale[rows]
    weights = np.exp(log_f - top)
    total = weights.sum()
    return Lattice(
        weights=weights / total,
        w=w,
        centre=x_centre,
        scale=x_scale,
        u=u,
        step=steps[1],
        log_g_over_m=problem.log_g_over_m,
        mirror=False,
        log_total=float(top + np.log(total) + np.log(steps[0] * scale * steps[1])),
        outer_centre=centre,
        outer_scale=scale,
        outer_step=steps[0],
    )


def _axis(step: float, ends: Ends) -> Array:
    """Nodes of a stretched axis between its ends."""
    at = np.arange(-int(_REACH / step), int(_REACH / step) + 1) * step
    return np.asarray(at[(at >= ends[0]) & (at <= ends[1])])


def _log_integrand(
    log_density: Callable[[Array, Array], Array], w: Array, centre: Array, scale: Array, u: Array
) -> Array:
    x = centre[:, None] + scale[:, None] * np.sinh(u)
    inside = np.abs(x) < FARTHEST
    log_f = log_density(np.where(inside, x, np.clip(centre, -FARTHEST, FARTHEST)[:, None]), w[:, None])
    return np.where(inside, log_f + np.log(np.cosh(u)) + np.log(scale)[:, None], -np.inf)


def _span(mask: NDArray[np.bool_]) -> slice:
    found = mask.nonzero()[0]
    return slice(max(0, int(found[0]) - 1), int(found[-1]) + 2)


def _axis_errors(lattice: Lattice, axis: int, between_nodes: bool = False) -> tuple[Array, float]:
    """Estimated errors of log evidence, mean and sd from halving the grid of one axis; and those with half the nodes.

    The difference between every second and every fourth node against all of them shows the rate of convergence; at a
    geometric rate the error of the full rule is about the square of the error with every second node, estimated as in
    Bailey, Jeyabalan and Li (Experimental Mathematics 2005, section 5) as max(d1**(log d1/log d2), d1**2).
    """
    weights, mu = lattice.weights, lattice.mu
    full = _functionals(weights, mu, 1)
    index: list[slice] = [slice(None), slice(None)]
    differences = []
    for stride in (2, 4):
        index[axis] = slice(0, None, stride)
        part = tuple(index)
        differences.append(np.abs(_functionals(weights[part], mu[part], stride) - full))
    first, second = (np.clip(difference, 1e-16, 0.5) for difference in differences)
    rate = np.clip(np.log(first) / np.log(second), 1.0, 2.0)
    edge = weights.take([0, -1], axis=axis).sum()  # what the truncated tails may hold
    return np.asarray(np.maximum(first**rate, 1e-14) + 10 * edge), float(first[0 if between_nodes else 1 :].max())


def _functionals(weights: Array, mu: Array, stride: int) -> Array:
    total = weights.sum()
    mean = (weights * mu).sum() / total
    return np.array([np.log(total * stride), mean, np.sqrt((weights * (mu - mean) ** 2).sum() / total)])
