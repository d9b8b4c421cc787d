"""Compiled loops for bulk work, in Numba: what the plain functions of NumPy say, to the last digits, in a fraction of the time.

Compiled once for a machine and kept on disk. Loops go over blocks that stay in the nearest cache, in a form that compilers
turn into vector instructions: no branches, no calls.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numpy.typing import NDArray
from scipy.special import betainc, sici

Array = NDArray[np.float64]

_NUMBER, _WHOLE = types.float64, types.int64
#: Arrays that are read, of one and of two dimensions, and such as are written.
_ROW, _TABLE = (types.Array(_NUMBER, dimensions, "C", readonly=True) for dimensions in (1, 2))
_OUT, _OUTS = _NUMBER[::1], _NUMBER[:, ::1]

_BLOCK = 256
_LN2 = 0.6931471805599453
_EXPONENT, _MANTISSA = 1023 << 52, (1 << 52) - 1
#: Cells of length pi from zero in each of which the sine integral is a polynomial; beyond them its asymptotic series.
_CELLS, _DEGREE = 12, 18
_UNSEEN_NODE, _UNSEEN_BETA = 1e-14, 1e-12
#: Largest a + b of a Beta whose density by logarithms has twelve digits.
_LARGEST = 2000.0


def _compiled(*signature: Any) -> Any:
    """Compiled when this file is first imported, for one kind of arguments, so that whatever is wrong shows there.

    Sums may be fused with products, and a division by zero is infinite as in NumPy; nothing is reordered.
    """
    return njit(signature, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})


def _sine_cells() -> Any:
    """Of each cell the coefficients of the polynomial in its middle's distance, highest power first."""
    nodes = np.cos(np.pi * (np.arange(2 * _DEGREE) + 0.5) / (2 * _DEGREE))
    cells = [np.polynomial.Chebyshev.fit(nodes, sici(np.pi * (cell + 0.5 + 0.5 * nodes))[0], _DEGREE) for cell in range(_CELLS)]
    return np.array([one.convert(kind=np.polynomial.Polynomial).coef[::-1] for one in cells])


SINE_CELLS = _sine_cells()


@_compiled(_TABLE, _ROW, types.Array(_WHOLE, 2, "C", readonly=True), _OUT)
def _log_products(starts: Any, step: Any, counts: Any, found: Any) -> None:
    """Log of the rising factorials of two starts over that of a third, for sorted counts of each.

    A product that runs is multiplied to the whole at each series' count; what it has beyond one is kept as exponents.
    """
    running, product = np.empty(_BLOCK), np.empty(_BLOCK)
    bits, product_bits = running.view(np.int64), product.view(np.int64)
    exponent, exponents = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    for first in range(0, step.size, _BLOCK):
        size = min(_BLOCK, step.size - first)
        g = step[first : first + size]
        product[:] = 1.0
        exponents[:] = 0
        for side in range(3):
            start = starts[side, first : first + size]
            running[:] = 1.0
            exponent[:] = 0
            done, sign = 0, 1 if side < 2 else -1
            for count in counts[side]:
                while done < count:
                    some = min(4, count - done)
                    for j in range(done, done + some):
                        for i in range(size):
                            running[i] *= start[i] + j * g[i]
                    for i in range(size):
                        exponent[i] += (bits[i] >> 52) - 1023
                        bits[i] = (bits[i] & _MANTISSA) | _EXPONENT
                    done += some
                for i in range(size):
                    product[i] = product[i] * running[i] if side < 2 else product[i] / running[i]
                    exponents[i] += sign * exponent[i] + (product_bits[i] >> 52) - 1023
                    product_bits[i] = (product_bits[i] & _MANTISSA) | _EXPONENT
        for i in range(size):
            found[first + i] = np.log(product[i]) + _LN2 * exponents[i]


@_compiled(_NUMBER)
def _trigamma(x: float) -> Any:
    """Trigamma and minus x times its slope, as `riskmodel.distributions.special.trigamma_and_slope` has them."""
    inverse = 1.0 / (x + 6.0)
    square = inverse * inverse
    trigamma = 1 / 6 + square * (-1 / 30 + square * (1 / 42 + square * (-1 / 30 + square * (5 / 66 - square * 691 / 2730))))
    slope = 1 / 2 + square * (-1 / 6 + square * (1 / 6 + square * (-3 / 10 + square * (5 / 6 - square * 691 / 210))))
    trigamma = inverse + square * (0.5 + inverse * trigamma)
    slope = square * (1.0 + inverse + square * slope)
    for j in range(6):
        inverse = 1.0 / (x + j)
        square = inverse * inverse
        trigamma += square
        slope += 2.0 * square * inverse
    return trigamma, slope * x


@_compiled(_ROW, _ROW, _ROW, _OUT, _OUT)
def _tau_of(mu: Any, rest: Any, g: Any, tau: Any, slope: Any) -> None:
    """Standard deviation of logit(theta) in the beta-binomial, and its slope in log g."""
    for i in range(mu.size):
        left, left_slope = _trigamma(mu[i] / g[i])
        right, right_slope = _trigamma(rest[i] / g[i])
        tau[i] = np.sqrt(left + right)
        slope[i] = (left_slope + right_slope) / (2.0 * tau[i])


@_compiled(_TABLE, _ROW, _ROW, _NUMBER, _NUMBER, _ROW)
def _average_density(weights: Any, centre: Any, scale: Any, u: float, step: float, logits: Any) -> Any:
    """Density of the average with respect to its logit: the sinc series of every row, added up."""
    rows, columns = weights.shape
    place, terms, density = np.empty(logits.size), np.empty(logits.size), np.zeros(logits.size)
    for row in range(rows):
        for j in range(logits.size):
            at = (np.arcsinh((logits[j] - centre[row]) / scale[row]) - u) / step
            near = np.rint(at)
            place[j] = near + 1e-8 if abs(at - near) < 1e-8 else at
            terms[j] = 0.0
        for column in range(columns):
            signed = (-1.0 if column % 2 else 1.0) * weights[row, column]
            for j in range(logits.size):
                terms[j] += signed / (place[j] - column)
        for j in range(logits.size):
            z = (logits[j] - centre[row]) / scale[row]
            angle = np.pi * place[j]
            density[j] += np.sin(angle) * terms[j] / (np.pi * step * scale[row] * np.sqrt(1.0 + z * z))
    return density


@_compiled(_TABLE, _ROW, _ROW, _NUMBER, _NUMBER, _ROW, _TABLE)
def _average_below(weights: Any, centre: Any, scale: Any, u: float, step: float, logits: Any, cells: Any) -> Any:
    """Probability of an average below each logit: the sine integrals of every row's series, added up."""
    rows, columns = weights.shape
    below = np.zeros(logits.size)
    for j in range(logits.size):
        for row in range(rows):
            place = (np.arcsinh((logits[j] - centre[row]) / scale[row]) - u) / step
            sine, cosine = np.sin(np.pi * place), np.cos(np.pi * place)
            found = 0.0
            for column in range(columns):
                weight = weights[row, column]
                if weight > _UNSEEN_NODE:
                    distance = abs(place - column)
                    if distance < cells.shape[0]:
                        cell = int(distance)
                        x = 2.0 * (distance - cell) - 1.0
                        value = cells[cell, 0]
                        for power in range(1, cells.shape[1]):
                            value = value * x + cells[cell, power]
                        value = value if place > column else -value
                        found += weight * (0.5 + value / np.pi)
                    else:
                        r = 1.0 / (np.pi * (place - column))
                        s = r * r
                        f, g = 1.0, 1.0
                        for k in range(9, 0, -1):
                            f = 1.0 - 2 * k * (2 * k - 1) * s * f
                            g = 1.0 - 2 * k * (2 * k + 1) * s * g
                        sign = -1.0 if column % 2 else 1.0
                        tail = sign * r * (f * cosine + r * g * sine) / np.pi
                        found += weight * ((1.0 if place > column else 0.0) - tail)
            below[j] += found
    return below


@_compiled(_ROW, _ROW, _ROW, _ROW, _ROW, _ROW)
def _beta_density(weights: Any, a: Any, b: Any, log_beta: Any, log_x: Any, log_rest: Any) -> Any:
    """Density of a mixture of Betas with respect to the logit, good to 1e-8 of it."""
    size = log_x.size
    power, value, density = np.empty(size), np.empty(size), np.zeros(size)
    bits, value_bits = power.view(np.int64), value.view(np.int64)
    magic, per = 1.5 * 2.0**52, 1.0 / _LN2
    for i in range(a.size):
        for j in range(size):
            t = per * min(max(log_x[j] * a[i] + log_rest[j] * b[i] - log_beta[i], -200.0), 80.0)
            power[j] = t + magic
            x = _LN2 * (t - (power[j] - magic))
            tail = 1 / 24 + x * (1 / 120 + x * (1 / 720 + x * (1 / 5040 + x / 40320)))
            value[j] = 1.0 + x * (1.0 + x * (0.5 + x * (1 / 6 + x * tail)))
        for j in range(size):
            value_bits[j] += bits[j] << 52
        for j in range(size):
            density[j] += weights[i] * value[j]
    return density


@_compiled(_OUT, _OUT, _OUT, _OUT, _WHOLE, _OUTS)
def _fractions(a: Any, b: Any, x: Any, factor: Any, size: int, state: Any) -> float:
    """Sum of factors times the continued fractions of incomplete beta functions (NIST DLMF 8.17.22)."""
    before, below, value, moved = state
    for i in range(size):
        before[i], below[i] = 1.0, 1.0
        bottom = 1.0 - (a[i] + b[i]) * x[i] / (a[i] + 1.0)
        value[i] = 1.0 / bottom
        before[i] /= bottom
        below[i] /= bottom
    for m in range(1, 400):
        for i in range(size):
            twice = a[i] + 2.0 * m
            scaled = x[i] / ((twice - 1.0) * twice * (twice + 1.0))
            even = m * (b[i] - m) * (twice + 1.0) * scaled
            odd = -(a[i] + m) * (a[i] + b[i] + m) * (twice - 1.0) * scaled
            top, bottom = value[i] + even * before[i], 1.0 + even * below[i]
            inverse = 1.0 / (bottom + odd)
            new = (top + odd * value[i]) * inverse
            before[i], below[i] = top * inverse, bottom * inverse
            moved[i] = abs(new - value[i]) - 1e-14 * abs(new)
            value[i] = new
        if m % 4 == 0 and not np.any(moved[:size] > 0):
            break
    total = 0.0
    for i in range(size):
        total += factor[i] * value[i]
    return total


@_compiled(_ROW, _ROW, _ROW, _ROW, _TABLE, types.Array(types.boolean, 1, "C", readonly=True), _OUT, _OUT, _WHOLE[:, ::1])
def _beta_tails(
    weights: Any, a: Any, b: Any, log_beta: Any, logs: Any, lower: Any, tail: Any, density: Any, left: Any
) -> int:
    """Tail and density of a mixture of Betas at each point; the components that are left for another method, and how many."""
    parts, state = np.empty(a.size), np.empty((4, _BLOCK))
    alpha, beta, at, factor = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    remain = 0
    for j in range(lower.size):
        log_x, log_rest, low = logs[0, j], logs[1, j], lower[j]
        x, rest = np.exp(log_x), np.exp(log_rest)
        total = 0.0
        for i in range(a.size):
            parts[i] = np.exp(min(log_x * a[i] + log_rest * b[i] - log_beta[i], 700.0)) * weights[i]
            total += parts[i]
        density[j] = total
        found, size = 0.0, 0
        for i in range(a.size):
            slope = rest * a[i] - x * b[i]
            if not parts[i] > _UNSEEN_BETA * min(total, 1.0) * abs(slope):
                if (slope < 0) == low:
                    found += weights[i]
            elif a[i] + b[i] > _LARGEST:
                left[0, remain], left[1, remain] = j, i
                remain += 1
            else:
                # The fraction converges fast on the nearer side of the mean; from there the other tail is what is left.
                near = x < (a[i] + 1.0) / (a[i] + b[i] + 2.0)
                alpha[size], beta[size], at[size] = (a[i], b[i], x) if near else (b[i], a[i], rest)
                factor[size] = (parts[i] if near == low else -parts[i]) / alpha[size]
                if near != low:
                    found += weights[i]
                size += 1
                if size == _BLOCK:
                    found += _fractions(alpha, beta, at, factor, size, state)
                    size = 0
        tail[j] = found + _fractions(alpha, beta, at, factor, size, state)
    return remain


@_compiled(_ROW, _ROW, _ROW, _ROW)
def _table_quantiles(levels: Any, grid: Any, cumulative: Any, density: Any) -> Any:
    """Logits of quantiles inside a table: Newton's method on the cubic of a cell."""
    found = np.empty(levels.size)
    for i in range(levels.size):
        cell = min(max(np.searchsorted(cumulative, levels[i]) - 1, 0), grid.size - 2)
        width = grid[cell + 1] - grid[cell]
        gain = max(cumulative[cell + 1] - cumulative[cell], 1e-300)
        aim = (levels[i] - cumulative[cell]) / gain
        left, right = density[cell] * width / gain, density[cell + 1] * width / gain
        t = min(max(aim, 0.0), 1.0)
        for _ in range(4):
            rest, square = 1.0 - t, t * t
            value = square * (3.0 - 2.0 * t) + left * t * rest * rest - right * square * rest
            slope = 6.0 * t * rest + left * rest * (1.0 - 3.0 * t) + right * t * (3.0 * t - 2.0)
            t = min(max(t - (value - aim) / (slope if abs(slope) > 1e-6 else 1.0), 0.0), 1.0)
        found[i] = grid[cell] + t * width
    return found


def _flat(shape: tuple[int, ...], *arrays: Array) -> list[Array]:
    """Arrays of one shape, as rows."""
    return [np.ascontiguousarray(np.broadcast_to(one, shape), np.float64).reshape(-1) for one in arrays]


def log_products(starts: tuple[Array, Array, Array], step: Array, counts: Array) -> Array:
    """Sum of the logarithms of rising factorials of the first two starts, less that of the third; sorted counts of each."""
    shape = np.broadcast_shapes(starts[0].shape, step.shape)
    found = np.empty(shape)
    _log_products(np.stack(_flat(shape, *starts)), *_flat(shape, step), counts, found.reshape(-1))
    return found


def tau_of(mu: Array, rest: Array, g: Array) -> tuple[Array, Array]:
    """`riskmodel.distributions.special.tau_of`."""
    shape = np.broadcast_shapes(np.shape(mu), np.shape(rest), np.shape(g))
    tau, slope = np.empty(shape), np.empty(shape)
    _tau_of(*_flat(shape, mu, rest, g), tau.reshape(-1), slope.reshape(-1))
    return tau, np.log(slope)


def average_density(lattice: Any, logits: Array) -> Array:
    """Density of the average with respect to its logit."""
    at = -logits if lattice.mirror else logits
    return _average_density(*_series(lattice), at)


def average_below(lattice: Any, logits: Array) -> Array:
    """Probability that what a lattice describes is below each logit of it."""
    return _average_below(*_series(lattice), logits, SINE_CELLS)


def _series(lattice: Any) -> tuple[Any, ...]:
    return np.ascontiguousarray(lattice.weights), lattice.centre, lattice.scale, lattice.u[0], lattice.step


def beta_tails(
    weights: Array, a: Array, b: Array, log_beta: Array, logs: tuple[Array, Array], lower: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """`riskmodel.distributions.quantiles.beta_tails`, from the logarithms of risks and of their complements."""
    tail, density = np.empty(lower.size), np.empty(lower.size)
    left = np.empty((2, lower.size * a.size), np.int64)
    logs = np.array(logs)
    number = _beta_tails(weights, a, b, log_beta, logs, lower, tail, density, left)
    if number:
        at, one = left[:, :number]
        low, x, rest = lower[at], *np.exp(logs[:, at])
        a, b = a[one], b[one]
        inside = betainc(np.where(low, a, b), np.where(low, b, a), np.where(low, x, rest))
        tail += np.bincount(at, inside * weights[one], minlength=tail.size)
    return tail, density


beta_density, table_quantiles = _beta_density, _table_quantiles
