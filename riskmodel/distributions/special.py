"""Special functions that stay exact where the textbook forms cancel.

The beta-binomial likelihood is a ratio of rising factorials. Written with log-gamma it subtracts numbers of size
``phi log phi`` to leave one of size ``y``: at ``phi = 1e10`` nothing is left. Written as a product over
``mu + j g`` with ``g = rho / (1 - rho)`` it is exact down to ``g = 0``, where it is the binomial's.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

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


def log_rising(start: Array, step: Array, counts: NDArray[np.int64], log_start: Array | float | None = None) -> Array:
    r"""Logarithm of a product of rising factorials, summed over series; `log_start` where the logarithm of s is known.

    .. math:: \sum_i \sum_{j < c_i} \log(s + j g)

    Notes
    -----
    Factor `j` occurs once for every series with more than `j` events, so the sum needs a logarithm for every few `j`
    and none for every series. Four factors about t are :math:`(t^2 - 9g^2/4)(t^2 - g^2/4)`, where nothing cancels once the
    first, s itself, is apart. Long products end in Stirling's series of a difference, whose large terms cancel before they
    are formed (NIST DLMF 5.11.1).
    """
    start, step = np.asarray(start, float), np.asarray(step, float)
    total = np.zeros(np.broadcast_shapes(start.shape, step.shape))
    if not counts.any():
        return total
    middle, series, longer, left = _factors(counts.tobytes())
    total += np.count_nonzero(counts) * (np.log(start) if log_start is None else log_start)
    column, some, square = (-1, *(1,) * total.ndim), max(1, _IN_CACHE // max(total.size, 1)), step * step
    for low in range(0, middle.size, some):
        product = middle[low : low + some].reshape(column) * step + start
        two, three, four = (min(max(number - low, 0), len(product)) for number in longer)
        pairs = product[:two] * product[:two]
        np.subtract(pairs[:four], 2.25 * square, out=product[:four])
        pairs[:four] -= 0.25 * square
        pairs[four:three] -= square
        product[:three] *= pairs[:three]
        np.subtract(pairs[three:], 0.25 * square, out=product[three:two])
        np.log(product, out=product)
        product *= series[low : low + some].reshape(column)
        total += product.sum(axis=0)
    for direct, count, repeat in left:
        total += repeat * log_rising_remainder(start + direct * step, step, count)
    return total


def direct_and_left(counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], list[tuple[int, float, int]]]:
    """How many factors of each product are multiplied, ascending, and what Stirling's series sums: first, count, repeats."""
    values, repeats = np.unique(counts[counts > 0], return_counts=True)
    direct = _direct_length(values) if values.size else 0
    left = [
        (direct, float(value - direct), int(each))
        for value, each in zip(values, repeats, strict=True)
        if value > direct
    ]
    return np.minimum(np.sort(counts), direct), left


@lru_cache(maxsize=256)
def _factors(counts: bytes) -> tuple[Array, Array, list[int], list[tuple[int, float, int]]]:
    """The middle of each few factors that the same series have, of how many series, and what Stirling's series sums.

    Fours come first, and how many groups have two, three and four is told. Of Stirling's, from which factor on, how many and
    for how many series; it takes over where that is cheapest.
    """
    lengths, left = direct_and_left(np.frombuffer(counts, np.int64))
    edges = np.unique([1, *lengths[lengths > 0]]).tolist()
    groups = [
        (first - min(first + _FACTORS_PER_LOG, high), first, int((lengths >= high).sum()))
        for low, high in pairwise(edges)
        for first in range(low, high, _FACTORS_PER_LOG)
    ]
    fewer, firsts, series = np.array(sorted(groups), float).reshape(-1, 3).T
    longer = [int((-fewer >= number).sum()) for number in (2, 3, 4)]
    return firsts - (fewer + 1) / 2, series.copy(), longer, left


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
    Hurwitz zeta function and takes some ten times as long. Terms j and 5 - j of the recurrence are one division: x + j times
    x + 5 - j is x (x + 5) + j (5 - j), and their sum is the same for all.
    """
    inverse = 1.0 / (x + 6.0)
    square = inverse * inverse
    trigamma, slope = square * _BERNOULLI[-1], square * _SLOPES[-1]
    for number, times in zip(_BERNOULLI[-2:0:-1], _SLOPES[-2:0:-1], strict=True):
        trigamma += number
        trigamma *= square
        slope += times
        slope *= square
    trigamma += _BERNOULLI[0]
    trigamma *= inverse
    trigamma += 0.5
    trigamma *= square
    trigamma += inverse
    slope += _SLOPES[0]
    slope *= square
    slope += 1.0 + inverse
    slope *= square
    both, product = x + x, x * (x + 5.0)
    both += 5.0
    summed, cubes = both * both, np.zeros_like(product)
    for offset in (0.0, 4.0, 6.0):
        inverse = 1.0 / (product + offset)
        pair = summed * inverse
        pair -= 2.0
        pair *= inverse
        trigamma += pair  # 1 / (x + j)**2 + 1 / (x + 5 - j)**2
        pair -= inverse
        pair *= inverse
        cubes += pair
    cubes *= both
    slope += 2.0 * cubes
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


def between(table: Array, places: Array) -> Array:
    """Lines through a table's entries at places among them, its ends beyond: what is even needs no search."""
    places = np.clip(places, 0.0, table.size - 1.0)
    first = np.minimum(places.astype(np.int64), table.size - 2)
    low = table.take(first)
    return np.asarray(low + (places - first) * (table.take(first + 1) - low))


def log_choose(totals: NDArray[np.int64], events: NDArray[np.int64]) -> Array:
    """Logarithms of binomial coefficients."""
    return np.asarray(gammaln(totals + 1.0) - gammaln(events + 1.0) - gammaln(totals - events + 1.0))


def tau_of(mu: Array, rest: Array, g: Array) -> tuple[Array, Array]:
    r"""Standard deviation of logit(theta) in the beta-binomial, and the logarithm of its slope in log g.

    .. math:: \tau^2 = \psi_1(\mu\phi) + \psi_1((1-\mu)\phi), \qquad \phi = 1/g
    """
    if (fast := compiled()) is not None:
        return fast.tau_of(mu, rest, g)  # type: ignore[no-any-return]
    trigamma, slope = (side.sum(axis=0) for side in trigamma_and_slope(np.array((mu / g, rest / g))))
    tau = np.sqrt(trigamma)
    return tau, np.log(slope / (2 * tau))


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
