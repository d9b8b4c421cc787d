"""Special functions that stay exact where the textbook forms cancel.

The beta-binomial likelihood is a ratio of rising factorials. Written with log-gamma it subtracts numbers of size
``phi log phi`` to leave one of size ``y``: at ``phi = 1e10`` nothing is left. Written as a product over
``mu + j g`` with ``g = rho / (1 - rho)`` it is exact down to ``g = 0``, where it is the binomial's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

from riskmodel.distributions.bulk import compiled

Array = NDArray[np.float64]

#: From this argument on, five terms of Stirling's series are good to 2e-13: the sixth is 691/360360 / 8**11.
_STIRLING_FROM = 8
#: Factors multiplied before one logarithm is taken. Four stay inside a double for factors of 1e-75 to 1e+75.
_FACTORS_PER_LOG = 4
#: Numbers that are worked out at once: more leave the cache.
_IN_CACHE = 8_192
#: What one remainder by Stirling's series costs, in factors multiplied (measured 2026-11: 30 to 40 on 2,000 nodes).
_STIRLING_COST = 32

#: Coefficients of the asymptotic series of trigamma in 1/x**3, 1/x**5, ... (Bernoulli's numbers), and of minus its slope.
_BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730)
_SLOPES = tuple((2 * order + 3) * number for order, number in enumerate(_BERNOULLI))


def log_rising(start: Array, step: Array, counts: NDArray[np.int64]) -> Array:
    r"""Logarithm of a product of rising factorials, summed over series.

    .. math:: \sum_i \sum_{j < c_i} \log(s + j g)

    Notes
    -----
    Factor `j` occurs once for every series with more than `j` events, so the sum needs a logarithm for every few `j`
    and none for every series. Long products end in Stirling's series of a difference, whose large terms cancel
    before they are formed (NIST DLMF 5.11.1).
    """
    start, step = np.asarray(start, float), np.asarray(step, float)
    total = np.zeros(np.broadcast_shapes(start.shape, step.shape))
    factors, series, left = _factors(counts.tobytes())
    column, some = (-1, *(1,) * total.ndim), max(1, _IN_CACHE // max(total.size, 1))
    for low in range(0, len(series), some):
        high = min(low + some, len(series))
        product = start + factors[0][1][low:high].reshape(column) * step  # every product has a first factor
        for rows, each, before in factors[1:]:
            own = slice(before[low], before[high])
            product[rows[own] - low] *= start + each[own].reshape(column) * step
        np.log(product, out=product)
        product *= series[low:high].reshape(column)
        for row in product:
            total += row
    for direct, count, repeat in left:
        total += repeat * log_rising_remainder(start + direct * step, step, count)
    return total


def direct_and_left(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[tuple[int, float, int]]]:
    """How many factors of each product are multiplied, ascending, and what Stirling's series sums: first, count, repeats."""
    left = _factors(counts.tobytes())[2]
    direct = np.sort(counts)
    return (np.minimum(direct, left[0][0]) if left else direct), left


#: First, second and so on of the factors of some products: of which products, their numbers, and how many come before each.
_Factors = list[tuple[NDArray[np.int64], Array, list[int]]]


@lru_cache(maxsize=256)
def _factors(counts: bytes) -> tuple[_Factors, Array, list[tuple[int, float, int]]]:
    """Products of few factors that the same series have, of how many series each is, and what Stirling's series sums.

    That is from which factor on, how many, for how many series; it takes over where that is cheapest.
    """
    values, repeats = np.unique(np.frombuffer(counts, np.int64), return_counts=True)
    values, repeats = values[values > 0], repeats[values > 0]
    if not values.size:
        return [], np.empty(0), []
    direct = _direct_length(values)
    edges = np.minimum([0, *values], direct).tolist()
    beyond = np.cumsum(repeats[::-1])[::-1].tolist()
    products = [
        (range(first, min(first + _FACTORS_PER_LOG, high)), series)
        for low, high, series in zip(edges[:-1], edges[1:], beyond, strict=True)
        for first in range(low, high, _FACTORS_PER_LOG)
    ]
    factors: _Factors = []
    for i in range(max(len(one) for one, _ in products)):
        rows = np.array([row for row, (one, _) in enumerate(products) if len(one) > i])
        each = np.array([float(products[row][0][i]) for row in rows])
        factors.append((rows, each, np.searchsorted(rows, np.arange(len(products) + 1)).tolist()))
    left = [(direct, float(value - direct), int(each)) for value, each in zip(values, repeats, strict=True)]
    return factors, np.array([float(series) for _, series in products]), [one for one in left if one[1] > 0]


def _direct_length(values: NDArray[np.int64]) -> int:
    """How many factors to multiply one by one: the cheapest length at which Stirling's series may take over."""
    candidates = np.concatenate([[min(_STIRLING_FROM, values[-1])], values[values > _STIRLING_FROM]])
    longer = values.size - np.searchsorted(values, candidates, side="right")
    return int(candidates[np.argmin(candidates + _STIRLING_COST * longer)])


def log_rising_remainder(start: Array, step: Array, count: float) -> Array:
    """Sum of log(start + j step) over j < count, for start / step of at least eight."""
    scaled = start / np.maximum(step, 1e-300)
    leading = (scaled + count - 0.5) * np.log1p(count / scaled) - count
    return count * np.log(start) + leading + _stirling_tail(scaled + count) - _stirling_tail(scaled)


def _stirling_tail(x: Array) -> Array:
    """What Stirling's formula leaves out of log-gamma (NIST DLMF 5.11.1), for x of at least eight."""
    inverse = 1.0 / x
    square = inverse * inverse
    return inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))


def trigamma_and_slope(x: Array) -> tuple[Array, Array]:
    r"""Trigamma and minus x times its derivative, :math:`\psi_1(x)` and :math:`-x\,\psi_2(x)`.

    Notes
    -----
    Recurrence to x + 6, then the asymptotic series (NIST DLMF 5.15.5, 5.15.8). SciPy's ``polygamma`` goes through the
    Hurwitz zeta function and takes some ten times as long.
    """
    inverse = 1.0 / (x + 6.0)
    square = inverse * inverse
    trigamma, slope = np.full_like(square, _BERNOULLI[-1]), np.full_like(square, _SLOPES[-1])
    for number, times in zip(_BERNOULLI[-2::-1], _SLOPES[-2::-1], strict=True):
        trigamma *= square
        trigamma += number
        slope *= square
        slope += times
    trigamma *= inverse
    trigamma += 0.5
    trigamma *= square
    trigamma += inverse
    slope *= square
    slope += 1.0 + inverse
    slope *= square
    for j in range(6):
        inverse = 1.0 / (x + j)
        square = inverse * inverse
        trigamma += square
        square *= inverse
        square *= 2.0
        slope += square
    slope *= x
    return trigamma, slope


def logit(p: ArrayLike) -> Array:
    """Log odds, written so that stored answers keep their last digits: SciPy's differ there for two arguments in five."""
    return np.asarray(np.log(p) - np.log1p(-np.asarray(p)))


def sigmoid(x: ArrayLike) -> Array:
    """Inverse logit, all digits of it in both tails; SciPy's rounds otherwise for three arguments in five."""
    return np.exp(log_sigmoid(x))


def log_sigmoid(x: ArrayLike) -> Array:
    """Logarithm of the inverse logit, exact in both tails."""
    return log_sigmoids(np.asarray(x, float))[0]


def log_sigmoids(x: Array) -> tuple[Array, Array]:
    """Logarithms of the inverse logit and of its complement, in a quarter of the time that SciPy takes for both."""
    if (fast := compiled()) is not None:
        return fast.log_sigmoids(x)  # type: ignore[no-any-return]
    beyond = np.log1p(np.exp(-np.abs(x)))
    return np.asarray(np.minimum(x, 0.0) - beyond), np.asarray(np.minimum(-x, 0.0) - beyond)


def log_choose(totals: NDArray[np.int64], events: NDArray[np.int64]) -> Array:
    """Logarithms of binomial coefficients."""
    return np.asarray(gammaln(totals + 1.0) - gammaln(events + 1.0) - gammaln(totals - events + 1.0))


def tau_of(mu: Array, rest: Array, g: Array) -> tuple[Array, Array]:
    r"""Standard deviation of logit(theta) in the beta-binomial, and the logarithm of its slope in log g.

    .. math:: \tau^2 = \psi_1(\mu\phi) + \psi_1((1-\mu)\phi), \qquad \phi = 1/g
    """
    if (fast := compiled()) is not None:
        return fast.tau_of(mu, rest, g)  # type: ignore[no-any-return]
    left, left_slope = trigamma_and_slope(mu / g)
    right, right_slope = trigamma_and_slope(rest / g)
    tau = np.sqrt(left + right)
    return tau, np.log((left_slope + right_slope) / (2 * tau))


def g_of(tau: Array, mu: Array, rest: Array) -> Array:
    r"""The :math:`g = \rho / (1 - \rho)` at which logit(theta) has a given standard deviation."""
    log_tau = np.log(np.broadcast_to(tau, np.broadcast_shapes(np.shape(tau), np.shape(mu))))
    # Log tau rises with log g at a slope between 1/2 and 1: Newton's method closes in from anywhere.
    log_g = 2 * np.minimum(log_tau, 0) + np.maximum(log_tau, 0) + np.log(mu) + np.log(rest)
    for _ in range(40):
        found, log_slope = tau_of(mu, rest, np.exp(log_g))
        move = (np.log(found) - log_tau) * found / np.exp(log_slope)
        log_g = log_g - move
        if np.abs(move).max(initial=0.0) < 1e-13:
            break
    return np.asarray(np.exp(log_g))
