"""Priors as people state them: a mean and what it is worth, quantiles, or several opinions at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, expit, logit, ndtri

from riskmodel._support.checks import finite_number
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.errors import InputError

_SOLVED = 1e-9  # of a probability, within which two quantiles count as met
_LARGEST = 1e7  # of a shape, as priors on mu may have


@dataclass(frozen=True, eq=False, repr=False)
class StatedPrior(BetaMixture):
    """A mixture of Betas, with what was stated.

    Parameters
    ----------
    weights, a, b : ndarray of shape (components,)
        As `riskmodel.BetaMixture` has them.
    statement : str
        What was stated, in words.
    misfit : float
        Largest difference between a stated probability and that of the prior below the stated risk; 0 but for three or more
        quantiles.
    """

    statement: str = ""
    misfit: float = 0.0

    def __repr__(self) -> str:
        """The components where they are few, and what was stated."""
        mixture = super().__repr__().removeprefix("BetaMixture(").removesuffix(")")
        return f"{type(self).__name__}({mixture}: {self.statement})"


def stated(
    *,
    mean: float | None = None,
    n: float | None = None,
    quantiles: Mapping[float, float] | None = None,
    mixture: Sequence[tuple[float, BetaMixture]] | None = None,
) -> StatedPrior:
    """Prior on a risk from what somebody holds of it.

    Parameters
    ----------
    mean, n : float, optional
        Mean in (0, 1), and the number of fetuses that it is worth: ``mean=0.15, n=20`` is 3 events in 20, Beta(3, 17).
    quantiles : mapping of float to float, optional
        Risks by the probability below them, two or more: ``{0.05: 0.02, 0.95: 0.4}``. Two are met exactly, more as closely
        as a Beta can, by least squares of the probabilities.
    mixture : sequence of (float, BetaMixture), optional
        Opinions with their weights.

    Returns
    -------
    StatedPrior
        A `riskmodel.BetaMixture`: `pool` takes it as `prior`, and `update` gives its posterior.

    Raises
    ------
    InputError
        If not exactly one of the three is stated, or no Beta can be what was.

    References
    ----------
    Mean and size: Morris DE, Oakley JE, Crowe JA. A web-based tool for eliciting probability distributions. Environ Model
    Softw 2014;52:1-4, where quantiles are matched by least squares too.

    Examples
    --------
    >>> stated(mean=0.15, n=20)
    StatedPrior(1 Beta(3, 17): mean 0.15, worth 20)
    >>> prior = stated(quantiles={0.05: 0.02, 0.95: 0.4})
    >>> [round(float(end), 6) for end in prior.ppf([0.05, 0.95])]
    [0.02, 0.4]
    """
    given = [name for name, one in (("mean", mean), ("quantiles", quantiles), ("mixture", mixture)) if one is not None]
    if len(given) != 1 or (n is not None) != (mean is not None):
        remedy = "Give mean and n, or quantiles, or mixture"
        raise InputError(f"stated by {' and '.join(given) or 'nothing'}", where="stated", remedy=remedy)
    if quantiles is not None:
        return _by_quantiles(quantiles)
    if mixture is not None:
        return _mixed(mixture)
    if not (finite_number(mean) and 0 < mean < 1 and finite_number(n) and n > 0):  # type: ignore[operator]
        remedy = "Give a mean between 0 and 1 and how many fetuses it is worth, such as mean=0.15, n=20"
        raise InputError(f"a mean of {mean!r} worth {n!r}", where="stated", remedy=remedy)
    assert mean is not None
    assert n is not None
    return _one(mean * n, (1 - mean) * n, f"mean {mean:g}, worth {n:g}")


def _one(a: float, b: float, statement: str, misfit: float = 0.0) -> StatedPrior:
    return StatedPrior(np.ones(1), np.array([a]), np.array([b]), statement, misfit)


def _mixed(parts: Sequence[tuple[float, BetaMixture]]) -> StatedPrior:
    for weight, one in parts:
        if not (finite_number(weight) and weight > 0 and isinstance(one, BetaMixture)):
            raise InputError(
                f"{one!r} with weight {weight!r}", where="mixture", remedy="Give pairs of a weight and a prior"
            )
    if not parts:
        raise InputError("no prior is given", where="mixture", remedy="Give pairs of a weight and a prior")
    weights = np.concatenate([weight * one.weights for weight, one in parts])
    a, b = (np.concatenate([getattr(one, name) for _, one in parts]) for name in ("a", "b"))
    total = sum(weight for weight, _ in parts)
    words = " + ".join(f"{weight / total:.3g} ({getattr(one, 'statement', '') or 'a prior'})" for weight, one in parts)
    return StatedPrior(weights, a, b, words, max(getattr(one, "misfit", 0.0) for _, one in parts))


def _by_quantiles(quantiles: Mapping[float, float]) -> StatedPrior:
    from scipy.optimize import least_squares, root

    if not all(finite_number(one) and 0 < one < 1 for pair in quantiles.items() for one in pair):
        remedy = "Give risks by the probability below them, both between 0 and 1, such as {0.05: 0.02, 0.95: 0.4}"
        raise InputError("not risks by probability", where="quantiles", remedy=remedy)
    levels, risks = (np.array(one, float) for one in zip(*sorted(quantiles.items()), strict=True))
    if levels.size < 2 or np.any(np.diff(risks) <= 0):
        what = "one alone" if levels.size < 2 else "a larger probability below a smaller risk"
        raise InputError(what, where="quantiles", remedy="Give two or more, the risks rising with the probabilities")
    said = ", ".join(f"{level:g} below {risk:g}" for level, risk in zip(levels, risks, strict=True))

    def off(shapes: NDArray[np.float64]) -> NDArray[np.float64]:
        found = np.clip(betainc(*np.exp(shapes), risks), 1e-300, 1 - 1e-16)
        # Two are solved on the logit, where the tails are not flat; more are weighed as probabilities.
        return np.asarray(logit(found) - logit(levels) if levels.size == 2 else found - levels)

    slope, centre = np.polyfit(ndtri(levels), logit(risks), 1)
    middle = float(expit(centre))
    size = max(1 / (slope**2 * middle * (1 - middle)), 0.05)
    best, misfit = None, np.inf
    for factor in (1.0, 0.3, 3.0, 0.05, 20.0):
        start = np.log([middle * size * factor, (1 - middle) * size * factor])
        found = (
            root(off, start, tol=1e-13).x if levels.size == 2 else least_squares(off, start, xtol=1e-14, ftol=1e-14).x
        )
        with np.errstate(over="ignore"):
            shapes = np.exp(found)
        if not np.all((shapes > 1e-3) & (shapes < _LARGEST)):
            continue
        miss = float(np.max(np.abs(betainc(*shapes, risks) - levels)))
        if miss < misfit:
            best, misfit = shapes, miss
        if levels.size == 2 and misfit < _SOLVED:
            break
    if best is None or (levels.size == 2 and misfit > _SOLVED):
        raise InputError(
            f"no Beta was found with {said}", where="quantiles", remedy="Give quantiles that are less extreme"
        )
    return _one(float(best[0]), float(best[1]), said, 0.0 if levels.size == 2 else misfit)
