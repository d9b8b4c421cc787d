"""Quantiles on the logit scale: a table for many at once, exact ones by Newton's method, and shortest intervals."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, sici

from riskmodel.distributions.bulk import compiled
from riskmodel.distributions.special import log_sigmoids, sigmoid

Array = NDArray[np.float64]
#: From logits, and whether of each the lower tail is meant, to the tail and the density with respect to the logit.
Tail = Callable[[Array, NDArray[np.bool_]], tuple[Array, Array]]
#: From the first and last logit of a table to what lies below and above them.
Outside = Callable[[float, float], tuple[float, float]]

#: Logits outside this range are 0 or 1 in double precision even as logarithms of a density.
LOGIT_LIMIT = 700.0
#: Scales at the centre of a quantile table that its stretched axis counts as one.
_TABLE_WIDTH = 0.7
#: Spacing of its 101 points on that axis.
_TABLE_STEP = 0.08
#: Move of a logit, or share of it, at which a quantile is found: Newton's next step would be the square of it.
SETTLED = 1e-4
#: Probability of a piece of highest density that is told apart from the others.
_SMALLEST_PIECE = 0.005
#: Numbers that are worked out at once: more leave the cache, and their memory is fetched anew each time.
IN_CACHE = 16_384
#: Share of the density that may lie beyond a logit for each component that is taken to be on one side.
_UNSEEN = 1e-12
#: Errors of all and of half the points of a table below which ends between them are good to 1.1e-8 (178 fits, 2026-11).
_WHOLE, _HALF = 5e-9, 5e-7
_TABLE_AXIS = np.arange(-50, 51) * _TABLE_STEP


class QuantileTable:
    """Quantiles of a smooth distribution on the logit scale, many at once.

    Built from some hundred values of the density on a stretched axis, integrated by the four-point rule of Gill and Miller
    (Computer Journal 1972); between its points the distribution function is the cubic that has the density as its slope,
    and beyond them a straight line on a logarithmic scale, as a power-law tail is. Good to about 1e-5 in probability.
    """

    def __init__(self, density: Callable[[Array], Array], outside: Outside, centre: float, scale: float) -> None:
        for _ in range(4):
            self._build(density, outside, centre, scale)
            low, middle, high = np.interp([0.16, 0.5, 0.84], self.cumulative, self.logits)
            spread = 0.5 * float(high - low)
            if abs(middle - centre) < scale and 0.4 * scale < spread < 2.5 * scale:
                break
            centre, scale = float(middle), max(spread, 1e-12)

    def _build(self, density: Callable[[Array], Array], outside: Outside, centre: float, scale: float) -> None:
        u = _TABLE_AXIS
        self.logits = np.clip(centre + _TABLE_WIDTH * scale * np.sinh(u), -LOGIT_LIMIT + 10, LOGIT_LIMIT - 10)
        found = np.where(np.abs(self.logits) < LOGIT_LIMIT - 10, density(self.logits), 0.0)
        # Ripples about nought cancel in the trapezoidal rule, as they are.
        self.shares, self.at = found * (_TABLE_WIDTH * scale * _TABLE_STEP * np.cosh(u)), (centre, _TABLE_WIDTH * scale)
        self.density, f = np.maximum(found, 0.0), np.maximum(self.shares, 0.0) / _TABLE_STEP
        ends = 0.5 * _TABLE_STEP * np.array([f[0] + f[1], f[-2] + f[-1]])
        cells = _TABLE_STEP / 24 * (13 * (f[1:-2] + f[2:-1]) - f[:-3] - f[3:])
        cumulative = np.concatenate([[0.0], np.cumsum(np.maximum(np.concatenate([ends[:1], cells, ends[1:]]), 0.0))])
        # Where the density has died away at both ends nothing is outside.
        decayed = max(f[0], f[-1]) < 1e-9 * f.max()
        below, above = (0.0, 0.0) if decayed else outside(float(self.logits[0]), float(self.logits[-1]))
        ratio = (1.0 - below - above) / cumulative[-1]
        self.cumulative = below + cumulative * ratio
        self.density = self.density * ratio
        self.outside = (below, above)

    @property
    def fine(self) -> bool:
        """Whether the trapezoidal rule has the whole, and half of its points nearly so: then its sinc series is exact."""
        shares = self.shares
        return bool(abs(shares.sum() - 1) < _WHOLE and abs(2 * shares[::2].sum() - 1) < _HALF)

    def tail(self, logits: Array, lower: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Tails by the sine integrals of the table's sinc series, and the density with respect to the logit."""
        stretched = (logits - self.at[0]) / self.at[1]
        place = (np.arcsinh(stretched)[:, None] - _TABLE_AXIS) / _TABLE_STEP
        # Each tail is summed by itself, as that of the mirrored table is.
        tail = (0.5 + np.where(lower, 1, -1)[:, None] * sici(np.pi * place)[0] / np.pi) @ self.shares
        density = np.sinc(place) @ self.shares / (_TABLE_STEP * self.at[1] * np.sqrt(1 + stretched**2))
        return tail, density

    def __call__(self, levels: Array) -> Array:
        """Logits of the quantiles."""
        grid, cumulative, density = self.logits, self.cumulative, self.density
        if (fast := compiled()) is not None:
            return self._beyond(levels, fast.table_quantiles(levels, grid, cumulative, density))
        cell = np.clip(np.searchsorted(cumulative, levels) - 1, 0, grid.size - 2)
        width = grid[cell + 1] - grid[cell]
        gain = np.maximum(cumulative[cell + 1] - cumulative[cell], 1e-300)
        aim = (levels - cumulative[cell]) / gain
        left, right = density[cell] * width / gain, density[cell + 1] * width / gain
        t = np.clip(aim, 0.0, 1.0)
        for _ in range(3):  # Newton on the cell's cubic
            rest, square = 1 - t, t**2
            value = square * (3 - 2 * t) + left * t * rest**2 - right * square * rest
            slope = 6 * t * rest + left * rest * (1 - 3 * t) + right * t * (3 * t - 2)
            t = np.clip(t - (value - aim) / np.where(np.abs(slope) > 1e-6, slope, 1.0), 0.0, 1.0)
        return self._beyond(levels, np.asarray(grid[cell] + t * width))

    def _beyond(self, levels: Array, found: Array) -> Array:
        """The same where a quantile is not inside the table."""
        below, above = self.outside
        for beyond, mass, at, sign, end in (
            (levels < below, below, levels, 1.0, 0),
            (1 - levels < above, above, 1 - levels, -1.0, -1),
        ):
            if beyond.any():
                slope = mass / max(float(self.density[end]), 1e-300)
                reach = sign * slope * np.log(np.maximum(at, 1e-300) / mass)
                found = np.where(beyond, np.clip(self.logits[end] + reach, -LOGIT_LIMIT, LOGIT_LIMIT), found)
        return found


def beta_tails(
    weights: Array, a: Array, b: Array, log_beta: Array, logits: Array, lower: NDArray[np.bool_]
) -> tuple[Array, Array]:
    """Lower or upper tail of a mixture of Betas at each logit, and its density with respect to the logit.

    A Beta's density is log-concave in the logit, so where its logarithm has the slope s at most density / abs(s) of it lies
    beyond: a component of which that does not show is on one side, and needs no incomplete beta function.
    """
    log_x, log_rest = log_sigmoids(logits)
    if (fast := compiled()) is not None:
        return fast.beta_tails(weights, a, b, log_beta, (log_x, log_rest), lower)  # type: ignore[no-any-return]
    x, rest = np.exp(log_x), np.exp(log_rest)
    log_density = np.outer(log_x, a) + np.outer(log_rest, b) - log_beta
    parts = np.exp(np.minimum(log_density, 700.0)) * weights
    density = parts.sum(axis=1)
    slope = np.outer(rest, a) - np.outer(x, b)
    split = parts > _UNSEEN * np.minimum(density, 1.0)[:, None] * np.abs(slope)
    whole = (~split & ((slope < 0) == lower[:, None])) @ weights
    row, one = np.nonzero(split)
    low, a, b = lower[row], a[one], b[one]
    # The upper tail from one minus the risk: near one a risk itself has lost the digits that tell.
    inside = betainc(np.where(low, a, b), np.where(low, b, a), np.where(low, x[row], rest[row]))
    return whole + np.bincount(row, inside * weights[one], minlength=whole.size), density


def beta_table(weights: Array, a: Array, b: Array, log_beta: Array) -> QuantileTable:
    """Quantiles of a mixture of Betas whose beta functions have the logarithms `log_beta`."""
    centres = np.log(a) - np.log(b)
    spread = 1 / a + 1 / b + 1 / np.minimum(a, b) ** 2  # about the variance of the logit
    spread = np.minimum(spread, 25.0)  # a Beta with tiny shapes lies at 0 and 1: not to be resolved
    centre = float(weights @ centres)
    scale = float(np.sqrt(weights @ (spread + (centres - centre) ** 2)))
    keep = weights >= lightest_kept(weights, 1e-5)
    a, b, weights, log_beta = a[keep], b[keep], weights[keep], log_beta[keep]
    logs = np.stack([a, b, np.log(weights) - log_beta])

    def density(logits: Array) -> Array:
        if (fast := compiled()) is not None:
            return fast.beta_density(weights, a, b, log_beta, *log_sigmoids(logits))  # type: ignore[no-any-return]
        points = np.stack([*log_sigmoids(logits), np.ones(logits.size)], axis=1)
        found = np.zeros(logits.size)
        for one in range(0, a.size, IN_CACHE):
            step = max(1, IN_CACHE // min(a.size, IN_CACHE))
            for first in range(0, logits.size, step):
                # Single precision, several times as fast, leaves 1e-6 of a density that the table needs to 1e-5.
                parts = points[first : first + step] @ logs[:, one : one + IN_CACHE]
                np.clip(parts, -100.0, 80.0, out=parts)
                found[first : first + step] += np.exp(parts.astype(np.float32)).sum(axis=1)
        return found

    def outside(low: float, high: float) -> tuple[float, float]:
        below, above = beta_tails(weights, a, b, log_beta, np.array([low, high]), np.array([True, False]))[0]
        return float(below), float(above)

    return QuantileTable(density, outside, centre, scale)


def lightest_kept(weights: Array, share: float) -> float:
    """The least weight among those that are kept where the lightest, which together hold less than a share, are left out."""
    light = np.sort(weights[weights < share])
    beyond = np.searchsorted(np.cumsum(light), share)
    return float(light[beyond]) if beyond < light.size else share


def exact_quantiles(levels: Array, table: Callable[[], QuantileTable], tail: Tail, within: float = SETTLED) -> Array:
    """Quantiles at levels in [0, 1], of their shape: those of a table, improved on the logit scale."""
    values = np.where(levels < 0.5, 0.0, 1.0)
    inner = (levels > 0) & (levels < 1)
    if inner.any():
        values[inner] = sigmoid(_logit_quantiles(levels[inner], table()(levels[inner]), tail, within))
    return values


def _logit_quantiles(levels: Array, guess: Array, tail: Tail, within: float) -> Array:
    """Solve for quantiles on the logit scale by safeguarded Newton steps on the logarithm of the smaller tail.

    On this scale a power-law tail is a straight line, so that the lower limit of a series without events, 1e-12 say, is
    found in a few steps as surely as a median.
    """
    x = np.clip(np.array(guess, float), -LOGIT_LIMIT, LOGIT_LIMIT)
    low, high = np.full(x.shape, -LOGIT_LIMIT), np.full(x.shape, LOGIT_LIMIT)
    lower = levels <= 0.5
    sign = np.where(lower, 1.0, -1.0)
    target = np.log(np.where(lower, levels, 1 - levels))
    active = np.arange(x.size)
    for _ in range(100):
        probability, density = tail(x[active], lower[active])
        probability = np.maximum(probability, 1e-300)
        gap = sign[active] * (np.log(probability) - target[active])  # positive where x is too high
        high[active] = np.where(gap > 0, x[active], high[active])
        low[active] = np.where(gap < 0, x[active], low[active])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = x[active] - gap * probability / density
        inside = (step >= low[active]) & (
            step <= high[active]
        )  # a step of nothing stays; false where the step is not a number
        new = np.where(gap == 0, x[active], np.where(inside, step, (low[active] + high[active]) / 2))
        settled = np.abs(new - x[active]) <= within * np.maximum(1.0, np.abs(new))
        x[active] = new
        active = active[~settled]
        if not active.size:
            break
    return np.asarray(x)


def shortest_start(ppf: Callable[[Array], Array], prob: float) -> float:
    """Level at which the shortest interval of probability `prob` begins: a scan, refined around its best."""
    low, high = 0.0, 1.0 - prob
    for _ in range(6):
        starts = np.linspace(low, high, 33)
        ends = np.minimum(starts + prob, 1.0)
        quantiles = ppf(np.concatenate([starts, ends]))
        best = int(np.argmin(quantiles[33:] - quantiles[:33]))
        low, high = starts[max(best - 1, 0)], starts[min(best + 1, 32)]
        if high - low < 1e-9:
            break
    return float(starts[best])


def densest(ppf: Callable[[Array], Array], prob: float, cells: int, valley: float) -> list[tuple[float, float]]:
    """Levels between which the density is highest, of probability `prob` together: one piece, or one about each peak.

    Cells of equal probability are the narrower the higher the density is; a rank among them needs no density, which may be
    infinite at 0 and 1. From each peak heights are made to fall, so that noise makes no pieces.
    """
    width = np.maximum(
        np.diff(ppf(np.linspace(0.0, 1.0, cells + 1))), 1e-12
    )  # below it doubles near one have no digits
    height = -np.log(width)
    peaks = _peaks(height, -float(np.log(1 - valley)))
    valleys = [a + int(np.argmin(height[a:b])) for a, b in pairwise(peaks)]
    for low, peak, high in zip([0, *valleys], peaks, [*valleys, cells], strict=True):
        fall = 1e-9 * np.arange(cells)  # of two alike the one nearer to its peak is higher
        height[peak:high] = np.minimum.accumulate(height[peak:high]) - fall[: high - peak]
        height[low : peak + 1] = (np.minimum.accumulate(height[low : peak + 1][::-1]) - fall[: peak + 1 - low])[::-1]
    fine = (np.arange(50 * cells) + 0.5) / (50 * cells)
    ranked = np.argsort(-np.interp(fine, (np.arange(cells) + 0.5) / cells, height), kind="stable")
    inside = np.zeros(fine.size + 2, int)
    inside[ranked[: max(1, round(prob * fine.size))] + 1] = 1
    ends = np.flatnonzero(np.diff(inside)).reshape(-1, 2) / fine.size
    return [(low, high) for low, high in ends.tolist() if high - low >= min(_SMALLEST_PIECE, prob / 4)]


def _peaks(height: Array, depth: float) -> list[int]:
    """Places of the peaks between which heights fall by more than `depth` below both."""
    found, top, bottom, rising = [], 0, 0, True
    for i, one in enumerate(height.tolist()):
        if rising and one > height[top]:
            top = i
        elif rising and one < height[top] - depth:
            found.append(top)
            bottom, rising = i, False
        elif not rising and one < height[bottom]:
            bottom = i
        elif not rising and one > height[bottom] + depth:
            top, rising = i, True
    return [*found, top] if rising else found
