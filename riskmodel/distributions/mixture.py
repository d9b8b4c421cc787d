r"""Finite mixtures of Beta distributions: prior, posterior and predictive of one risk.

.. math:: p(\theta) = \sum_k w_k \,\mathrm{Beta}(\theta \mid a_k, b_k)

Given average and heterogeneity the risk of a setting is a Beta, so its posterior under any of this package's
beta-binomial models is such a mixture, and everything asked of it is closed form: no evidence enters here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, betaincc, betaincinv, betaln, xlog1py, xlogy

from riskmodel._support.checks import NotWhole, Rng, as_numbers, as_rng, as_whole, checked_levels, checked_total
from riskmodel._support.kept import kept
from riskmodel.distributions.base import SettingDistribution
from riskmodel.distributions.bulk import compiled
from riskmodel.distributions.quantiles import QuantileTable, beta_table, beta_tails, exact_quantiles
from riskmodel.distributions.special import log_rising, sigmoid
from riskmodel.errors import InputError

Array = NDArray[np.float64]

#: Cells of a (components x points) table computed at a time: 32 MB.
_BLOCK = 4_000_000
#: Logarithm of a probability of no event from which the others follow by multiplication.
_UNDERFLOW = -600.0


@dataclass(frozen=True, eq=False)
class BetaMixture(SettingDistribution):
    """A mixture of Beta distributions.

    Parameters
    ----------
    weights : ndarray of shape (components,)
        Positive; normalised to sum to one.
    a, b : ndarray of shape (components,)
        Shape parameters, positive and finite.

    Raises
    ------
    InputError
        If the shapes differ or a value is not positive and finite.

    Examples
    --------
    >>> prior = BetaMixture.beta(0.5, 0.5)
    >>> posterior = prior.update(20, 21)
    >>> round(posterior.mean, 5), [round(end, 5) for end in posterior.interval(0.95)]
    (0.93182, [0.79824, 0.99481])
    """

    weights: Array
    a: Array
    b: Array

    def __post_init__(self) -> None:
        """Check, normalise and freeze the arrays."""
        arrays = []
        for name in ("weights", "a", "b"):
            given = as_numbers(getattr(self, name))
            if given is None:
                raise InputError("not an array of numbers", where=name, remedy="Give positive numbers")
            array = np.array(given, ndmin=1)
            if array.ndim != 1 or array.size == 0 or not np.all(np.isfinite(array) & (array > 0)):
                raise InputError("needs positive finite numbers, at least one", where=name)
            arrays.append(array)
        if len({array.size for array in arrays}) != 1:
            raise InputError("weights, a and b differ in length", where="BetaMixture")
        arrays[0] = arrays[0] / arrays[0].sum()
        for name, array in zip(("weights", "a", "b"), arrays, strict=True):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def beta(cls, a: float, b: float) -> BetaMixture:
        """One Beta distribution.

        Parameters
        ----------
        a, b : float
            Shape parameters, positive.

        Returns
        -------
        BetaMixture
            With one component.
        """
        return cls(np.array([1.0]), np.array([a], float), np.array([b], float))

    def __len__(self) -> int:
        """How many components."""
        return self.weights.size

    def __repr__(self) -> str:
        """Short: the components where they are few, mean and sd always."""
        if len(self) <= 3:
            parts = [f"{w:.3g} Beta({a:.4g}, {b:.4g})" for w, a, b in zip(self.weights, self.a, self.b, strict=True)]
            return f"BetaMixture({' + '.join(parts)})"
        return f"BetaMixture({len(self)} components, mean {self.mean:.4f}, sd {self.sd:.4f})"

    @kept
    def mean(self) -> float:
        """Mean, the probability of the event for the next one."""
        # The smaller of risk and complement is summed, so that a mixture and its complement agree to the last bit or so.
        risk = float(self.weights @ (self.a / (self.a + self.b)))
        return risk if risk <= 0.5 else 1.0 - float(self.weights @ (self.b / (self.a + self.b)))

    @kept
    def sd(self) -> float:
        """Standard deviation."""
        size = self.a + self.b
        means = self.a / size
        within = (self.a / size) * (self.b / size) / (size + 1)
        return float(np.sqrt(self.weights @ (within + (means - self.mean) ** 2)))

    def complement(self) -> BetaMixture:
        """Distribution of one minus the risk.

        Returns
        -------
        BetaMixture
            With `a` and `b` exchanged.
        """
        return BetaMixture(self.weights, self.b, self.a)

    def update(self, events: int, total: int) -> BetaMixture:
        r"""Posterior after a series from this setting: conjugate.

        .. math:: w_k' \propto w_k \frac{B(a_k + y, b_k + n - y)}{B(a_k, b_k)}

        Parameters
        ----------
        events : int
            Events y, 0 to `total`.
        total : int
            Fetuses n.

        Returns
        -------
        BetaMixture
            Components that have lost all weight are left out.

        Raises
        ------
        InputError
            If the counts are impossible.

        References
        ----------
        Gelman A, et al. Bayesian Data Analysis, 3rd ed. (2013), section 2.4.
        """
        events, total = (as_whole(one) for one in (events, total))  # type: ignore[assignment]
        if isinstance(events, NotWhole) or isinstance(total, NotWhole):
            raise InputError(f"{events!r} of {total!r} are not whole numbers", where="update")
        if not 0 <= events <= total:
            raise InputError(f"{events} of {total} is impossible", where="update", remedy="Give 0 <= events <= total")
        log_weights = np.log(self.weights) + self.log_ratio(events, total - events)
        weights = np.exp(log_weights - log_weights.max())
        keep = weights > 0
        return BetaMixture(weights[keep], self.a[keep] + events, self.b[keep] + (total - events))

    def log_probability(self, events: int, total: int) -> float:
        """Logarithm of the probability of one sequence with these counts.

        Parameters
        ----------
        events, total : int
            Counts, 0 <= events <= total.

        Returns
        -------
        float
            Without the binomial coefficient.
        """
        terms = np.log(self.weights) + self.log_ratio(events, total - events)
        return float(np.logaddexp.reduce(terms))

    def shifted(self, events: int, total: int) -> BetaMixture:
        """Add counts to every component without reweighting: for weights that have seen them already.

        Parameters
        ----------
        events, total : int
            Counts, 0 <= events <= total.

        Returns
        -------
        BetaMixture
            With `events` added to every `a` and the rest to every `b`.
        """
        return BetaMixture(self.weights, self.a + events, self.b + (total - events))

    def log_ratio(self, events: int, others: int) -> Array:
        """Logarithm of each component's probability of counts in one order.

        Parameters
        ----------
        events, others : int
            Events and non-events, at least 0.

        Returns
        -------
        ndarray of shape (components,)
            Logarithm of B(a + events, b + others) / B(a, b), by rising factorials.
        """
        scale = self.a + self.b
        step = 1.0 / scale
        counts = [np.array([count], np.int64) for count in (events, others, events + others)]
        upper = log_rising(self.a * step, step, counts[0]) + log_rising(self.b * step, step, counts[1])
        return upper - log_rising(np.ones_like(step), step, counts[2])

    def predict(self, total: int) -> Array:
        r"""Predictive probabilities of the number of events in a new series of `total`.

        .. math:: p(y) = \sum_k w_k \,\mathrm{BetaBinomial}(y \mid n, a_k, b_k)

        Parameters
        ----------
        total : int
            Size n of the new series, at most 1,000,000.

        Returns
        -------
        ndarray of shape (total + 1,)
            Probabilities of 0, 1, ..., `total` events, summing to one.

        Raises
        ------
        InputError
            If `total` is not a whole number in range.
        """
        n = checked_total(total)
        if n == 0:
            return np.ones(1)
        k = np.arange(n)
        pmf = np.zeros(n + 1)
        start = log_rising(self.b, np.ones_like(self.b), np.array([n])) - log_rising(
            self.a + self.b, np.ones_like(self.b), np.array([n])
        )
        if (fast := compiled()) is not None and start.min() > _UNDERFLOW:
            pmf = fast.predict(self.weights, self.a, self.b, np.exp(start), n)
            return np.asarray(pmf / pmf.sum())
        # Each component by the ratio of neighbouring terms, a sum of logarithms: no log-gamma, nothing cancels.
        pieces = max(1, _BLOCK // (n + 1))
        for first in range(0, len(self), pieces):
            part = slice(first, first + pieces)
            a, b = self.a[part, None], self.b[part, None]
            log_pmf = np.empty((a.shape[0], n + 1))
            log_pmf[:, 0] = start[part]
            np.cumsum(np.log((a + k) / (b + (n - 1 - k)) * ((n - k) / (k + 1.0))), axis=1, out=log_pmf[:, 1:])
            log_pmf[:, 1:] += start[part, None]
            pmf += self.weights[part] @ np.exp(log_pmf)
        return np.asarray(pmf / pmf.sum())

    def pdf(self, x: ArrayLike) -> Array:
        """Density.

        Parameters
        ----------
        x : array_like
            Risks.

        Returns
        -------
        ndarray
            Of the shape of `x`; zero outside [0, 1].
        """
        at: Array = np.asarray(x, float)
        inside = (at >= 0) & (at <= 1)
        flat = np.where(inside, at, 0.5).ravel()

        def density(a: Array, b: Array, points: Array) -> Array:
            with np.errstate(divide="ignore", over="ignore"):
                return np.asarray(np.exp(xlogy(a - 1, points) + xlog1py(b - 1, -points) - betaln(a, b)))

        return np.where(inside, self._average(density, flat).reshape(at.shape), 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Probability of a risk up to `x`.

        Parameters
        ----------
        x : array_like
            Risks.

        Returns
        -------
        ndarray
            Of the shape of `x`.
        """
        at: Array = np.clip(np.asarray(x, float), 0.0, 1.0)
        return self._average(betainc, at.ravel()).reshape(at.shape)

    def sf(self, x: ArrayLike) -> Array:
        """Probability of a risk above `x`, exact where it is small.

        Parameters
        ----------
        x : array_like
            Risks.

        Returns
        -------
        ndarray
            Of the shape of `x`.
        """
        at: Array = np.clip(np.asarray(x, float), 0.0, 1.0)
        return self._average(betaincc, at.ravel()).reshape(at.shape)

    def ppf(self, q: ArrayLike) -> Array:
        """Quantiles, to about 1e-8 in probability.

        Parameters
        ----------
        q : array_like
            Levels in [0, 1].

        Returns
        -------
        ndarray
            Of the shape of `q`.

        Raises
        ------
        InputError
            If a level is outside [0, 1].
        """
        levels = checked_levels(q)
        if len(self) > 1:
            return exact_quantiles(levels, lambda: self._table, self._tail)
        # One Beta: from the nearer end, as exact as SciPy's inverse and with its complement as its mirror image.
        low = betaincinv(self.a[0], self.b[0], np.where(levels < 0.5, levels, 0.5))
        high = 1.0 - betaincinv(self.b[0], self.a[0], np.where(levels < 0.5, 0.5, 1.0 - levels))
        return np.asarray(np.where(levels < 0.5, low, high))

    def sample(self, size: int, rng: Rng) -> Array:
        """Independent draws.

        Parameters
        ----------
        size : int
            How many.
        rng : int or numpy.random.Generator
            Source of randomness, or the seed of one.

        Returns
        -------
        ndarray of shape (size,)
            Risks.
        """
        rng = as_rng(rng)
        chosen = rng.choice(len(self), size=size, p=self.weights)
        return rng.beta(self.a[chosen], self.b[chosen])

    def _average(self, function: np.ufunc | object, points: Array) -> Array:
        """Weighted mean over components of function(a, b, point), in blocks that fit in memory."""
        result = np.empty(points.size)
        step = max(1, _BLOCK // len(self))
        for first in range(0, points.size, step):
            part = points[first : first + step]
            result[first : first + step] = function(self.a[:, None], self.b[:, None], part).T @ self.weights  # type: ignore[operator]
        return result

    def _tail(self, logits: Array, lower: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Lower or upper tail at each logit, and the density with respect to the logit."""
        return beta_tails(self.weights, self.a, self.b, self._log_beta, logits, lower)

    @kept
    def _log_beta(self) -> Array:
        return np.asarray(betaln(self.a, self.b) if (fast := compiled()) is None else fast.log_beta(self.a, self.b))

    def quick_ppf(self, q: Array) -> Array:
        """Quantiles from a table, good to about 1e-5 in probability.

        Parameters
        ----------
        q : ndarray
            Levels in [0, 1].

        Returns
        -------
        ndarray
            Of the shape of `q`.
        """
        return sigmoid(self._table(checked_levels(q)))

    @kept
    def _table(self) -> QuantileTable:
        return beta_table(self.weights, self.a, self.b, self._log_beta)
