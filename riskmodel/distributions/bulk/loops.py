"""Compiled loops for bulk work, in Numba: what plain functions say to the last digits, in a fraction of the time.

Compiled when first imported and then kept on disk. Loops go over blocks that stay in the nearest cache and are written to
become vector instructions: no branches, no calls but those that are taken in, and few arrays that could overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

_NUMBER, WHOLE, _TRUTH = types.float64, types.int64, types.boolean
#: Arrays that are read, of one and of two dimensions, and such as are written.
ROW, _TABLE = (types.Array(_NUMBER, dimensions, "C", readonly=True) for dimensions in (1, 2))
_COUNTS, _TRUTHS = types.Array(WHOLE, 2, "C", readonly=True), types.Array(_TRUTH, 1, "C", readonly=True)
_OUT, _OUTS, _PLACES = _NUMBER[::1], _NUMBER[:, ::1], WHOLE[:, ::1]

_BLOCK = 256
_LN2, _LN2_HIGH, _LN2_LOW = 0.6931471805599453, 0.693147180369123816490, 1.90821492927058770002e-10
_ROUND = 1.5 * 2.0**52  # added and taken away again it rounds to a whole number
_EXPONENT, _MANTISSA = 1023 << 52, (1 << 52) - 1
_HALF_LOG_2PI = 0.9189385332046727
_UNSEEN_NODE, _UNSEEN_BETA = 1e-14, 1e-12
#: Largest a + b of a Beta whose density by logarithms has twelve digits.
_LARGEST = 2000.0


def compiled_for[Function: Callable[..., Any]](*signature: Any) -> Callable[[Function], Function]:
    """Compiled when this file is first imported, for one kind of arguments, so that whatever is wrong shows there.

    Sums may be fused with products, and a division by zero is infinite as in NumPy; nothing is reordered.
    """
    made: Callable[[Function], Function]
    made = njit(signature, cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
    return made


def _read_as(kind: Any, width: Any) -> Any:
    """The same 64 bits as another type."""

    @intrinsic  # type: ignore[untyped-decorator]
    def read(context: Any, value: Any) -> Any:
        return kind(value), lambda _, builder, signature, given: builder.bitcast(given[0], width)

    return read


_bits, _number = _read_as(WHOLE, ir.IntType(64)), _read_as(_NUMBER, ir.DoubleType())


@compiled_for(_NUMBER)
def _exp(x: float) -> float:
    """Exponential to the last digit or so, for x in [-708, 709]."""
    shifted = x / _LN2 + _ROUND
    whole = shifted - _ROUND
    r = (x - whole * _LN2_HIGH) - whole * _LN2_LOW
    tail = 1 / 40320 + r * (1 / 362880 + r * (1 / 3628800 + r * (1 / 39916800 + r / 479001600)))
    value = 1 + r * (
        1 + r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r * (1 / 720 + r * (1 / 5040 + r * tail))))))
    )
    return _number(_bits(value) + (_bits(shifted) << 52))  # type: ignore[no-any-return]


@compiled_for(_NUMBER)
def _log(x: float) -> float:
    """Logarithm to the last digit or so, of a positive number that is no denormal."""
    bits = _bits(x) - _bits(0.7071067811865476)
    exponent = _number((bits >> 52) + _bits(_ROUND)) - _ROUND
    m = _number((bits & _MANTISSA) + _bits(0.7071067811865476))
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    tail = 1 / 11 + q * (1 / 13 + q * (1 / 15 + q * (1 / 17 + q * (1 / 19 + q / 21))))
    odd = 2 * s * (1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * tail)))))
    return exponent * _LN2_HIGH + (odd + exponent * _LN2_LOW)  # type: ignore[no-any-return]


@compiled_for(_NUMBER)
def _asinh(x: float) -> float:
    """Inverse hyperbolic sine, exact as a sum is."""
    size = abs(x)
    found = _log(size + np.sqrt(size * size + 1.0))
    return found if x > 0 else -found


@compiled_for(_NUMBER)
def _sine_pi(x: float) -> float:
    """Sine of pi times x."""
    whole = (x + _ROUND) - _ROUND
    half = 0.5 * whole
    odd = 2.0 * abs(half - ((half + _ROUND) - _ROUND))  # 1 where whole is odd
    r = np.pi * (x - whole)
    q = r * r
    tail = -1 / 39916800 + q * (
        1 / 6227020800 + q * (-1 / 1307674368000 + q * (1 / 355687428096000 - q / 121645100408832000))
    )
    return r * (1 - 2 * odd) * (1 + q * (-1 / 6 + q * (1 / 120 + q * (-1 / 5040 + q * (1 / 362880 + q * tail)))))


@compiled_for(_NUMBER)
def _trigamma(x: float) -> Any:
    """Trigamma and minus x times its slope, as `riskmodel.distributions.special.trigamma_and_slope` has them."""
    inverse = 1.0 / (x + 6.0)
    square = inverse * inverse
    trigamma = 1 / 6 + square * (
        -1 / 30 + square * (1 / 42 + square * (-1 / 30 + square * (5 / 66 - square * 691 / 2730)))
    )
    slope = 1 / 2 + square * (-1 / 6 + square * (1 / 6 + square * (-3 / 10 + square * (5 / 6 - square * 691 / 210))))
    trigamma = inverse + square * (0.5 + inverse * trigamma)
    slope = square * (1.0 + inverse + square * slope)
    for j in range(6):
        inverse = 1.0 / (x + j)
        square = inverse * inverse
        trigamma += square
        slope += 2.0 * square * inverse
    return trigamma, slope * x


@compiled_for(ROW, ROW, ROW, _OUT, _OUT)
def taus(mu: Any, rest: Any, g: Any, tau: Any, slope: Any) -> None:
    """Standard deviation of logit(theta) in the beta-binomial, and its slope in log g."""
    for i in range(mu.size):
        left, left_slope = _trigamma(mu[i] / g[i])
        right, right_slope = _trigamma(rest[i] / g[i])
        tau[i] = np.sqrt(left + right)
        slope[i] = (left_slope + right_slope) / (2.0 * tau[i])


@compiled_for(_NUMBER)
def _stirling(x: float) -> float:
    """What Stirling's formula leaves out of log-gamma, for x of at least eight."""
    s = 1.0 / (x * x)
    return (1 / 12 - s * (1 / 360 - s * (1 / 1260 - s * (1 / 1680 - s / 1188)))) / x


@compiled_for(ROW, _OUT, _OUT)
def log_sigmoids(x: Any, log_mu: Any, log_rest: Any) -> None:
    """Logarithms of the inverse logit and of its complement."""
    for i in range(x.size):
        beyond = _exp(-min(abs(x[i]), 700.0))
        more = 1.0 + beyond
        beyond = _log(more) + (beyond - (more - 1.0)) / more
        log_mu[i], log_rest[i] = min(x[i], 0.0) - beyond, min(-x[i], 0.0) - beyond


@compiled_for(ROW, ROW, _TRUTH, _COUNTS, _OUTS)
def integrand(x: Any, w: Any, over_m: bool, counts: Any, found: Any) -> None:
    """Of each node log(mu), log(1 - mu), tau or g, and the log-likelihood, with the slope of tau in log g where it is tau.

    The product of factors that runs is multiplied to the whole at each series' count; powers of two are counted apart.
    """
    columns, outer, starts = x.size // max(w.size, 1), np.empty(_BLOCK), np.ones((3, _BLOCK))
    spread, tau, running, power = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    whole, powers = np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(0, x.size, _BLOCK):
        size = min(_BLOCK, x.size - first)
        at, log_mu, log_rest = x[first : first + size], found[0, first : first + size], found[1, first : first + size]
        for i in range(size):
            outer[i] = w[(first + i) // columns]
        log_sigmoids(at, log_mu, log_rest)
        mu, rest = starts[0], starts[1]
        for i in range(size):
            mu[i], rest[i] = _exp(log_mu[i]), _exp(log_rest[i])
        for i in range(size):
            spread[i] = _exp(outer[i] + (log_mu[i] + log_rest[i] if over_m else 0.0))
        whole[:] = 1.0
        powers[:] = 0.0
        for side in range(3):
            start = starts[side]
            running[:] = 1.0
            power[:] = 0.0
            done = 0
            for count in counts[side]:
                while done < count:
                    if count - done >= 4:
                        for i in range(size):
                            one, g = start[i] + done * spread[i], spread[i]
                            running[i] *= (one * (one + g)) * ((one + 2.0 * g) * (one + 3.0 * g))
                    else:
                        for j in range(done, count):
                            for i in range(size):
                                running[i] *= start[i] + j * spread[i]
                    for i in range(size):
                        bits = _bits(running[i])
                        power[i] += _number((bits >> 52) + _bits(_ROUND)) - (_ROUND + 1023.0)
                        running[i] = _number((bits & _MANTISSA) | _EXPONENT)
                    done = min(done + 4, count)
                sign = 1.0 if side < 2 else -1.0
                for i in range(size):
                    bits = _bits(whole[i] * running[i] if side < 2 else whole[i] / running[i])
                    whole[i] = _number((bits & _MANTISSA) | _EXPONENT)
                    powers[i] += sign * power[i] + (_number((bits >> 52) + _bits(_ROUND)) - (_ROUND + 1023.0))
        if over_m:
            taus(mu[:size], rest[:size], spread[:size], tau[:size], running[:size])
            for i in range(size):
                whole[i] *= running[i]
        found[2, first : first + size] = tau[:size] if over_m else spread[:size]
        value = found[3, first : first + size]
        for i in range(size):
            value[i] = _log(whole[i]) + _LN2 * powers[i]


@compiled_for(_TABLE, ROW, ROW, _NUMBER, _NUMBER, ROW)
def average_density(weights: Any, centre: Any, scale: Any, u: float, step: float, logits: Any) -> Any:
    """Density of the average with respect to its logit: the sinc series of every row, added up."""
    rows, columns = weights.shape
    place, terms, density = np.empty(logits.size), np.empty(logits.size), np.zeros(logits.size)
    for row in range(rows):
        middle, width = centre[row], scale[row]
        for j in range(logits.size):
            at = (_asinh((logits[j] - middle) / width) - u) / step
            near = (at + _ROUND) - _ROUND
            place[j] = near + 1e-12 if abs(at - near) < 1e-12 else at
        terms[:] = 0.0
        for column in range(0, columns - 3, 4):  # four fractions are one division
            first, second, third, fourth = weights[row, column : column + 4]
            for j in range(logits.size):
                a = place[j] - column
                b, c, d = a - 1.0, a - 2.0, a - 3.0
                terms[j] += ((first * b - second * a) * (c * d) + (third * d - fourth * c) * (a * b)) / (
                    (a * b) * (c * d)
                )
        for column in range(columns // 4 * 4, columns):
            signed = (-1.0 if column % 2 else 1.0) * weights[row, column]
            for j in range(logits.size):
                terms[j] += signed / (place[j] - column)
        for j in range(logits.size):
            z = (logits[j] - middle) / width
            density[j] += _sine_pi(place[j]) * terms[j] / (np.pi * step * width * np.sqrt(1.0 + z * z))
    return density


@compiled_for(_TABLE, ROW, ROW, _NUMBER, _NUMBER, ROW, _TABLE)
def average_below(weights: Any, centre: Any, scale: Any, u: float, step: float, logits: Any, cells: Any) -> Any:
    """Probability of an average below each logit: the sine integrals of every row's series, added up."""
    rows, columns = weights.shape
    below = np.zeros(logits.size)
    for j in range(logits.size):
        for row in range(rows):
            place = (_asinh((logits[j] - centre[row]) / scale[row]) - u) / step
            sine, cosine = _sine_pi(place), _sine_pi(place + 0.5)
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


@compiled_for(ROW, ROW)
def log_beta(a: Any, b: Any) -> Any:
    """Logarithm of the beta function: Stirling's formula of both and of their sum, eight further on (NIST DLMF 5.11.1)."""
    found = np.empty(a.size)
    for i in range(a.size):
        shift = 0.0
        for first in (0.0, 4.0):
            left, right = 1.0, 1.0
            for j in (first, first + 1.0, first + 2.0, first + 3.0):
                left *= (a[i] + b[i] + 2.0 * j) / (a[i] + j)
                right *= (a[i] + b[i] + 2.0 * j + 1.0) / (b[i] + j)
            shift += _log(left) + _log(right)
        x, y = a[i] + 8.0, b[i] + 8.0
        large, small = max(x, y), min(x, y)
        ratio = small / large
        more = 1.0 + ratio
        log_more = _log(more) + (ratio - (more - 1.0)) / more
        leading = small * (_log(ratio) - log_more) - (large - 0.5) * log_more - 0.5 * _log(small) + _HALF_LOG_2PI
        found[i] = leading + _stirling(x) + _stirling(y) - _stirling(x + y) + shift
    return found


@compiled_for(ROW, ROW, ROW, ROW, ROW, ROW)
def beta_density(weights: Any, a: Any, b: Any, log_beta: Any, log_x: Any, log_rest: Any) -> Any:
    """Density of a mixture of Betas with respect to the logit."""
    density = np.zeros(log_x.size)
    for i in range(a.size):
        for j in range(log_x.size):
            log_density = log_x[j] * a[i] + log_rest[j] * b[i] - log_beta[i]
            density[j] += weights[i] * _exp(min(max(log_density, -200.0), 80.0))
    return density


@compiled_for(_OUT, WHOLE)
def _fractions(held: Any, size: int) -> float:
    """Sum of factors times the continued fractions of incomplete beta functions (NIST DLMF 8.17.22).

    One array holds, block after block, a, b, x, factor and what the recurrence needs: they are then known not to overlap.
    """
    for i in range(size):
        a, b, x = held[i], held[_BLOCK + i], held[2 * _BLOCK + i]
        value = 1.0 / (1.0 - (a + b) * x / (a + 1.0))
        held[4 * _BLOCK + i], held[5 * _BLOCK + i], held[6 * _BLOCK + i] = value, value, value
    for m in range(1, 400):
        step = float(m)
        for i in range(size):
            a, b, before, below = held[i], held[_BLOCK + i], held[4 * _BLOCK + i], held[5 * _BLOCK + i]
            value, twice = held[6 * _BLOCK + i], a + 2.0 * step
            scaled = held[2 * _BLOCK + i] / ((twice - 1.0) * twice * (twice + 1.0))
            even = step * (b - step) * (twice + 1.0) * scaled
            odd = -(a + step) * (a + b + step) * (twice - 1.0) * scaled
            top, bottom = value + even * before, 1.0 + even * below
            inverse = 1.0 / (bottom + odd)
            new = (top + odd * value) * inverse
            held[4 * _BLOCK + i], held[5 * _BLOCK + i], held[6 * _BLOCK + i] = top * inverse, bottom * inverse, new
            held[7 * _BLOCK + i] = abs(new - value) - 1e-14 * abs(new)
        if m % 4 == 0 and not np.any(held[7 * _BLOCK : 7 * _BLOCK + size] > 0):
            break
    total = 0.0
    for i in range(size):
        total += held[3 * _BLOCK + i] * held[6 * _BLOCK + i]
    return total


@compiled_for(ROW, ROW, ROW, ROW, _TABLE, _TRUTHS, _OUT, _OUT, _PLACES)
def beta_tails(
    weights: Any, a: Any, b: Any, log_beta: Any, logs: Any, lower: Any, tail: Any, density: Any, left: Any
) -> int:
    """Tail and density of a mixture of Betas at each point; the components left for another method, and how many."""
    parts, held = np.empty(a.size), np.empty(8 * _BLOCK)
    remain = 0
    for j in range(lower.size):
        log_x, log_rest, low = logs[0, j], logs[1, j], lower[j]
        x, rest = np.exp(log_x), np.exp(log_rest)
        for i in range(a.size):
            parts[i] = log_x * a[i] + log_rest * b[i] - log_beta[i]
        for i in range(a.size):
            parts[i] = _exp(min(max(parts[i], -700.0), 700.0)) * weights[i]
        total = np.sum(parts)
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
                held[size], held[_BLOCK + size] = (a[i], b[i]) if near else (b[i], a[i])
                held[2 * _BLOCK + size] = x if near else rest
                held[3 * _BLOCK + size] = (parts[i] if near == low else -parts[i]) / held[size]
                if near != low:
                    found += weights[i]
                size += 1
                if size == _BLOCK:
                    found += _fractions(held, size)
                    size = 0
        tail[j] = found + _fractions(held, size)
    return remain


@compiled_for(ROW, ROW, ROW, ROW, WHOLE)
def predict(weights: Any, a: Any, b: Any, none: Any, total: int) -> Any:
    """Probabilities of every number of events, from those of none: each component by the ratio of neighbouring terms."""
    found, one = np.zeros(total + 1), np.empty(_BLOCK)
    for first in range(0, a.size, _BLOCK):
        size = min(_BLOCK, a.size - first)
        left, right, share = a[first : first + size], b[first : first + size], weights[first : first + size]
        one[:size] = none[first : first + size]
        for k in range(total + 1):
            whole = 0.0
            for i in range(0, size):
                whole += share[i] * one[i]
            found[k] += whole
            more, fewer, ratio = float(k), float(total - 1 - k), (total - k) / (k + 1.0)
            if k < total:
                for i in range(size):
                    one[i] *= (left[i] + more) / (right[i] + fewer) * ratio
    return found
