"""What is decided by a risk: rules that print themselves, the difference of two, and counts that contradict a prior."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.checks import as_whole, shown
from riskmodel._support.kept import Value, kept
from riskmodel.distributions.base import Distribution
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import InputError
from riskmodel.priors.predictive import over_logit

Array = NDArray[np.float64]

_RULE = re.compile(r"\s*P\(\s*(risk|difference)\s*([<>])\s*(-?[\d.]+(?:e-?\d+)?)\s*\)\s*>\s*([\d.]+)\s*")


@dataclass(frozen=True)
class Decision(Value):
    """A rule on a risk, or on the difference of two: met where its probability is above a bar.

    Parameters
    ----------
    what : {"risk", "difference"}
        What it is on.
    side : {"<", ">"}
        Whether below or above the threshold.
    threshold : float
        A risk, or a difference in [-1, 1].
    bar : float
        Probability in (0, 1) that must be exceeded.

    Examples
    --------
    >>> rule = Decision.parse("P(risk < 0.05) > 0.9")
    >>> print(rule, rule.met(BetaMixture.beta(0.5, 0.5).update(0, 60)))
    P(risk < 0.05) > 0.9 True
    """

    what: str
    side: str
    threshold: float
    bar: float

    @classmethod
    def parse(cls, text: str) -> Decision:
        """Read a rule as it prints itself.

        Parameters
        ----------
        text : str
            Such as ``"P(risk < 0.05) > 0.9"`` or ``"P(difference > 0) > 0.95"``.

        Returns
        -------
        Decision
            The rule.

        Raises
        ------
        InputError
            If it is not written like that, or a number is outside its range.
        """
        match = _RULE.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            remedy = "Write P(risk < 0.05) > 0.9 or P(difference > 0) > 0.95"
            raise InputError(f"{shown(text)} is not a decision rule", where="Decision", remedy=remedy)
        found = cls(match[1], match[2], float(match[3]), float(match[4]))
        if not (0 < found.bar < 1 and (-1 if found.what == "difference" else 0) <= found.threshold <= 1):
            raise InputError(f"{found} has a number outside its range", where="Decision", remedy="Give probabilities")
        return found

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"P({self.what} {self.side} {self.threshold:g}) > {self.bar:g}"

    def probability(self, of: Distribution | Difference) -> float:
        """Probability of what the rule asks.

        Parameters
        ----------
        of : Distribution or Difference
            A risk, or the difference of two.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        InputError
            If a rule on a difference is given a risk, or the other way round.
        """
        if isinstance(of, Difference) != (self.what == "difference"):
            raise InputError(f"the rule is on a {self.what}", where="Decision", remedy=f"Give a {self.what}")
        below = float(of.cdf(self.threshold))
        return below if self.side == "<" else 1.0 - below

    def met(self, of: Distribution | Difference) -> bool:
        """Whether the probability is above the bar.

        Parameters
        ----------
        of : Distribution or Difference
            A risk, or the difference of two.

        Returns
        -------
        bool
            True where it is.
        """
        return self.probability(of) > self.bar

    def met_by(self, prior: BetaMixture, total: int) -> tuple[int, ...]:
        """Numbers of events among `total` after which a rule on a risk is met.

        Parameters
        ----------
        prior : BetaMixture
            Of the risk.
        total : int
            Fetuses to come, at most 10,000.

        Returns
        -------
        tuple of int
            Rising; empty where no number does.

        Raises
        ------
        InputError
            If `total` is no whole number in range.
        """
        n = as_whole(total)
        if not isinstance(n, int) or not 0 <= n <= 10_000:
            raise InputError(f"{total!r} fetuses", where="total", remedy="Give a whole number from 0 to 10,000")
        return tuple(events for events in range(n + 1) if self.met(prior.update(events, n)))


@dataclass(frozen=True, eq=False)
class Difference(Value):
    """One risk less another that has nothing to do with it.

    Parameters
    ----------
    first, second : Distribution
        The risks.
    """

    first: Distribution
    second: Distribution

    @property
    def mean(self) -> float:
        """Mean difference."""
        return self.first.mean - self.second.mean

    @property
    def sd(self) -> float:
        """Standard deviation."""
        return float(np.hypot(self.first.sd, self.second.sd))

    def cdf(self, x: ArrayLike) -> Array:
        r"""Probability of a difference up to `x`.

        .. math:: P(A - B \le x) = \int F_A(b + x) f_B(b) \,\mathrm{d}b

        Parameters
        ----------
        x : array_like
            Differences.

        Returns
        -------
        ndarray
            Of the shape of `x`; to 1e-7, and to 5e-6 where a shape of the second risk is below 1.
        """
        at: Array = np.asarray(x, float)
        risks, mass = self._second
        flat = [float(mass @ self.first.cdf(np.clip(risks + one, 0.0, 1.0))) for one in at.ravel()]
        return np.array(flat).reshape(at.shape)

    @kept
    def _second(self) -> tuple[Array, Array]:
        """Points and shares of the second risk, once for every difference that is asked for."""
        return over_logit(self.second)

    def interval(self, prob: float = 0.95) -> tuple[float, float]:
        """Equal-tailed interval.

        Parameters
        ----------
        prob : float
            In (0, 1).

        Returns
        -------
        tuple of float
            Lower and upper end.

        Raises
        ------
        InputError
            If `prob` is outside (0, 1).
        """
        from scipy.optimize import brentq

        if not 0 < prob < 1:
            raise InputError(f"{prob!r} is no probability", where="prob", remedy="Give one between 0 and 1")
        tails = (1 - prob) / 2, (1 + prob) / 2
        low, high = (brentq(lambda x, level=level: float(self.cdf(x)) - level, -1, 1, xtol=1e-10) for level in tails)
        return float(low), float(high)


def difference(first: Distribution, second: Distribution) -> Difference:
    """One risk less another, independent of it.

    Parameters
    ----------
    first, second : Distribution
        Such as two posteriors' `average`, or priors of `riskmodel.priors` with their counts.

    Returns
    -------
    Difference
        With `cdf`, `mean` and `interval`; rules on a difference take it.

    Raises
    ------
    InputError
        If one of them is no distribution of a risk.

    Examples
    --------
    >>> treated, control = BetaMixture.beta(0.5, 1).update(14, 24), BetaMixture.beta(4, 10).update(1, 6)
    >>> round(1 - float(difference(treated, control).cdf(0)), 4)
    0.9875
    """
    for one in (first, second):
        if not isinstance(one, Distribution):
            raise InputError(f"{type(one).__name__} is no risk", where="difference", remedy="Give two distributions")
    return Difference(first, second)


class Conflict(NamedTuple):
    """Counts beside what a prior predicted for them."""

    expected: float  # events that the prior predicted
    probability: float  # of a number of events that is as improbable as this one, or more so


def conflict(prior: BetaMixture, events: int, total: int) -> Conflict:
    """Whether counts contradict a prior: how improbable they were by it.

    Parameters
    ----------
    prior : BetaMixture
        A prior on the risk of the setting that the counts are from.
    events, total : int
        The counts.

    Returns
    -------
    Conflict
        A small probability speaks of a conflict.

    Raises
    ------
    InputError
        If the counts are impossible.

    References
    ----------
    Box GEP. Sampling and Bayes' inference in scientific modelling and robustness. J R Stat Soc A 1980;143:383-430.

    Examples
    --------
    >>> found = conflict(BetaMixture.beta(3, 17), 12, 20)
    >>> round(found.expected, 6), found.probability < 0.005
    (3.0, True)
    """
    prior.update(events, total)  # counts that cannot be are refused as everywhere
    predicted = prior.predict(total)
    as_rare = predicted <= predicted[int(events)] * (1 + 1e-9)
    return Conflict(float(predicted @ np.arange(predicted.size)), float(predicted[as_rare].sum()))
