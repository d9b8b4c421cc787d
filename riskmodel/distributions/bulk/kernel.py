"""What plain functions ask for inside `bulk`: their own arguments to compiled loops and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, sici

from riskmodel.distributions.bulk import loops
from riskmodel.distributions.bulk.loops import ROW, compiled_for

Array = NDArray[np.float64]

#: Cells of length pi from zero in each of which the sine integral is a polynomial; beyond them its asymptotic series.
_CELLS, _DEGREE = 12, 18


def _sine_cells() -> Any:
    """Of each cell the coefficients of the polynomial in its middle's distance, highest power first."""
    nodes = np.cos(np.pi * (np.arange(2 * _DEGREE) + 0.5) / (2 * _DEGREE))
    values = [sici(np.pi * (cell + 0.5 + 0.5 * nodes))[0] for cell in range(_CELLS)]
    fits = [np.polynomial.Chebyshev.fit(nodes, one, _DEGREE, domain=[-1, 1]) for one in values]
    return np.array([one.convert(kind=np.polynomial.Polynomial).coef[::-1] for one in fits])


_SINE_CELLS = _sine_cells()


def integrand(x: Array, w: Array, over_m: bool, counts: NDArray[np.int64]) -> Array:
    """log(mu), log(1 - mu), tau or g, and the log-likelihood with the slope of tau, of shape (4, *x.shape)."""
    found = np.empty((4, x.size))
    loops.integrand(np.ascontiguousarray(x).reshape(-1), w, over_m, counts, found)
    return found.reshape(4, *x.shape)


def log_sigmoids(x: Array) -> tuple[Array, Array]:
    """`riskmodel.distributions.special.log_sigmoids`."""
    log_mu, log_rest = np.empty(x.shape), np.empty(x.shape)
    loops.log_sigmoids(np.ascontiguousarray(x, np.float64).reshape(-1), log_mu.reshape(-1), log_rest.reshape(-1))
    return log_mu, log_rest


def tau_of(mu: Array, rest: Array, g: Array) -> tuple[Array, Array]:
    """`riskmodel.distributions.special.tau_of`."""
    shape = np.broadcast_shapes(np.shape(mu), np.shape(rest), np.shape(g))
    mu, rest, g = (np.ascontiguousarray(np.broadcast_to(one, shape), np.float64).reshape(-1) for one in (mu, rest, g))
    tau, slope = np.empty(shape), np.empty(shape)
    loops.taus(mu, rest, g, tau.reshape(-1), slope.reshape(-1))
    return tau, np.log(slope)


def average_density(lattice: Any, logits: Array) -> Array:
    """Density of the average with respect to its logit."""
    at = -logits if lattice.mirror else logits
    return np.asarray(loops.average_density(np.ascontiguousarray(lattice.weights), *_axes(lattice), at))


def average_below(lattice: Any, logits: Array) -> Array:
    """Probability that what a lattice describes is below each logit of it."""
    return np.asarray(loops.average_below(np.ascontiguousarray(lattice.weights), *_axes(lattice), logits, _SINE_CELLS))


def _axes(lattice: Any) -> tuple[Array, Array, float, float]:
    return lattice.centre, lattice.scale, lattice.u[0], lattice.step


def beta_tails(
    weights: Array, a: Array, b: Array, log_beta: Array, logs: tuple[Array, Array], lower: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """`riskmodel.distributions.quantiles.beta_tails`, from the logarithms of risks and of their complements."""
    tail, density = np.empty(lower.size), np.empty(lower.size)
    left = np.empty((2, lower.size * a.size), np.int64)
    both = np.array(logs)
    number = loops.beta_tails(weights, a, b, log_beta, both, lower, tail, density, left)
    if number:
        at, one = left[:, :number]
        low, x, rest = lower[at], *np.exp(both[:, at])
        a, b = a[one], b[one]
        inside = betainc(np.where(low, a, b), np.where(low, b, a), np.where(low, x, rest))
        tail += np.bincount(at, inside * weights[one], minlength=tail.size)
    return tail, density


@compiled_for(ROW, ROW, ROW, ROW)
def table_quantiles(levels: Any, grid: Any, cumulative: Any, density: Any) -> Any:
    """Logits of quantiles inside a table: Newton's method on the cubic of a cell."""
    found = np.empty(levels.size)
    for i in range(levels.size):
        cell = min(max(np.searchsorted(cumulative, levels[i]) - 1, 0), grid.size - 2)
        width = grid[cell + 1] - grid[cell]
        gain = max(cumulative[cell + 1] - cumulative[cell], 1e-300)
        aim = (levels[i] - cumulative[cell]) / gain
        left, right = density[cell] * width / gain, density[cell + 1] * width / gain
        t = min(max(aim, 0.0), 1.0)
        for _ in range(3):
            rest, square = 1.0 - t, t * t
            value = square * (3.0 - 2.0 * t) + left * t * rest * rest - right * square * rest
            slope = 6.0 * t * rest + left * rest * (1.0 - 3.0 * t) + right * t * (3.0 * t - 2.0)
            t = min(max(t - (value - aim) / (slope if abs(slope) > 1e-6 else 1.0), 0.0), 1.0)
        found[i] = grid[cell] + t * width
    return found


beta_density, log_beta, predict = loops.beta_density, loops.log_beta, loops.predict
