r"""Shares of kinds: the Dirichlet-multinomial model of counts that divide into three or more.

.. math::

    \theta_i \sim \mathrm{Dirichlet}(\phi m), \quad y_i \sim \mathrm{Multinomial}(n_i, \theta_i), \quad
    m \sim \mathrm{Dirichlet}(1/K, \ldots, 1/K), \quad p(\phi \mid m) = \sum_c m_c\, p(\phi \mid \mu = m_c)

The last factor is `pool`'s prior on heterogeneity, which speaks of one risk and its complement, put on one kind against
the rest: the kind of a case drawn at random. With two kinds its terms are equal and the model is `pool`'s; a kind that
hardly occurs hardly has a say. The prior on the average shares is worth one case however many kinds are told apart, and
merged kinds have the sum of their shapes (Perks, J Inst Actuar 1947; Berger, Bernardo and Sun, Bayesian Analysis 2015).

Each term of p(phi | m) depends on one share alone, and given phi the likelihood's rising factorials are polynomials in the
others with positive coefficients, whose moments under a Dirichlet are closed form (Antoniak, Annals of Statistics 1974).
So all shares but two are summed out exactly, and each kind's is a lattice of two variables with one inner integral.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, gammaln, logsumexp

from riskmodel._support.kept import Value, kept
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.distributions.special import log_rising, log_sigmoids
from riskmodel.errors import AccuracyError, InputError
from riskmodel.inference.beta_binomial import LatticeSettings, Problem
from riskmodel.inference.lattice import Lattice
from riskmodel.inference.marginals import AverageMarginal, BetaTauMarginal, HeterogeneityMarginal
from riskmodel.inference.pool import pool
from riskmodel.inference.quadrature import _lattice, _locate
from riskmodel.posterior import ErrorEstimate, Posterior
from riskmodel.priors import BetaOnRho, HeterogeneityPrior, MixturePrior, as_heterogeneity_prior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: First steps of the lattices and of the inner integral: five kinds of 14 cases are then off by 1e-6 and take 0.1 s; by 4e-5
#: at steps of 0.3, by 1e-7 at 0.2 and 0.3 (2026-11).
_STEP, _INNER_STEP = 0.22, 0.33
_REACH = 3.7  # of the inner integral's stretched axis, as of the outer ones
#: Disagreement between the kinds, of log evidence and of the sum of shares, at which steps are no longer halved, and at
#: which shares are refused.
_TOLERANCE, _LARGEST_ERROR = 1e-5, 1e-2
_MAX_HALVINGS = 1
_CELL = 0.1  # of a table in log h: its cubics are then good to 1e-7 for ten cases, 3e-5 for a thousand


def pool_kinds(
    counts: ArrayLike, *, heterogeneity: Any = "default", labels: Sequence[str] | None = None
) -> tuple[Posterior, ...]:
    """Posterior of the share of each kind from the cases of several series.

    Parameters
    ----------
    counts : array_like of int, shape (series, kinds)
        Cases of each kind in each series; at least two kinds, and a case in each series.
    heterogeneity : optional
        On how much settings differ, as `pool` takes it; it is stated for one kind against the rest.
    labels : sequence of str, optional
        A name for each series.

    Returns
    -------
    tuple of Posterior
        For each kind its share in a new setting, on average across settings and in each series. They are margins of one
        joint posterior: their means sum to one.

    Raises
    ------
    InputError
        If the counts or the prior cannot be used.
    AccuracyError
        If the kinds' margins do not agree, which is how their error is estimated.

    Examples
    --------
    >>> shares = pool_kinds([[4, 4, 3], [2, 0, 0]])
    >>> [round(one.new_setting.mean, 3) for one in shares]
    [0.49, 0.278, 0.232]
    """
    table = _checked(counts)
    names = tuple(labels) if labels is not None else tuple(f"series {i + 1}" for i in range(len(table)))
    prior, kinds = as_heterogeneity_prior(heterogeneity), table.shape[1]
    totals = table.sum(axis=1)
    shapes = np.full(kinds, 1.0 / kinds)
    if prior is None or kinds == 2:  # one risk: the closed form, or the same model
        even, stated = (1.0 / kinds, 1.0 - 1.0 / kinds), 0 if prior is None else prior
        return tuple(pool(y, totals, prior=even, heterogeneity=stated, labels=names) for y in table.T)
    problems = [KindProblem(table, shapes, kind, prior) for kind in range(kinds)]
    lattices, error = _integrated(problems)
    ways = float((gammaln(totals + 1) - gammaln(table + 1).sum(axis=1)).sum())
    return tuple(
        Posterior(
            events=one.events,
            totals=totals,
            labels=names,
            average=AverageMarginal(lattice),
            settings=LatticeSettings(one.events, totals, lattice),
            heterogeneity=HeterogeneityMarginal(lattice),
            tau=BetaTauMarginal(lattice),
            model="dirichlet-multinomial",
            method="quadrature",
            prior=f"shares ~ Dirichlet({', '.join(f'{shape:.4g}' for shape in shapes)})",
            heterogeneity_prior=str(prior),
            log_evidence=lattice.log_total + ways,
            error=error,
        )
        for one, lattice in zip(problems, lattices, strict=True)
    )


def _checked(counts: ArrayLike) -> Counts:
    given = np.asarray(counts)
    if given.ndim != 2 or given.shape[1] < 2 or not np.issubdtype(given.dtype, np.integer):
        remedy = "Give whole numbers, a row for each series and a column for each of two kinds or more"
        raise InputError("not a table of counts", where="counts", remedy=remedy)
    if (given < 0).any() or (given.sum(axis=1) < 1).any():
        raise InputError("a negative count, or a series without cases", where="counts", remedy="Leave it out")
    return given.astype(np.int64)


def _integrated(problems: Sequence[KindProblem]) -> tuple[list[Lattice], ErrorEstimate]:
    """A lattice for each kind, by steps at which all have the same evidence and shares that sum to one."""
    same = [tuple(one.events.tolist()) for one in problems]  # kinds with the same cases have the same margin
    distinct = dict(zip(same, problems, strict=True))
    located = {cases: _locate(one) for cases, one in distinct.items()}
    for halvings in range(_MAX_HALVINGS + 1):
        step, inner = _STEP * 0.5**halvings, _INNER_STEP * 0.5**halvings
        by_cases = {
            cases: _lattice(replace(one, inner_step=inner), *located[cases], step, step)
            for cases, one in distinct.items()
        }
        lattices = [by_cases[cases] for cases in same]
        evidence = [one.log_total for one in lattices]
        spread = max(evidence) - min(evidence)
        total = abs(sum(float((one.weights * one.mu).sum()) for one in lattices) - 1.0)
        if max(spread, total) < _TOLERANCE:
            break
    if max(spread, total) > _LARGEST_ERROR:
        raise AccuracyError(
            f"shares of {len(problems)} kinds sum to one but for {total:.1g}, their evidence differs by {spread:.1g}",
            where="kinds",
            remedy="Use a heterogeneity prior without mass at the extremes",
        )
    return lattices, ErrorEstimate(total, total, spread, lattices[0].weights.size, "quadrature")


class Summed:
    """A likelihood's part of some kinds, their average shares summed out.

    Of log h, the logarithm of E[prod_k prod_i prod_(l < y_ik) (z_k + l h)] over z ~ Dirichlet(shapes): a polynomial in h
    with positive coefficients, as cubics in log h; of one kind, whose share is 1, the product itself.
    """

    def __init__(self, table: Counts, shapes: Array) -> None:
        self.table, self.cases = table, int(table.sum())
        self.end = 30.0 + 2 * float(np.log1p(self.cases))
        if table.shape[1] > 1:
            self.cubics, self.slope = self._cubics(shapes)

    def __call__(self, log_h: Array) -> Array:
        """The logarithm, of the shape of `log_h`."""
        if self.table.shape[1] == 1:
            return log_rising(np.ones_like(log_h), np.exp(log_h), self.table[:, 0])
        place = (np.clip(log_h, -self.end, self.end) + self.end) / _CELL
        cell = np.minimum(place.astype(np.int64), len(self.cubics) - 1)
        part = place - cell
        c = self.cubics[cell]
        value = c[..., 0] + part * (c[..., 1] + part * (c[..., 2] + part * c[..., 3]))
        return np.asarray(value + self.slope * np.maximum(log_h - self.end, 0.0))

    def _cubics(self, shapes: Array) -> tuple[Array, int]:
        """Coefficients of each cell, from values and slopes at its ends; and the slope beyond the last."""
        terms = reduce(_product, (_expanded(column, shape) for column, shape in zip(self.table.T, shapes, strict=True)))
        degree = np.arange(terms.size)
        terms = terms - (gammaln(shapes.sum() + degree) - gammaln(shapes.sum()))
        terms, powers = terms[np.isfinite(terms)], self.cases - degree[np.isfinite(terms)]
        at = -self.end + _CELL * np.arange(int(np.ceil(2 * self.end / _CELL)) + 1)
        logs = terms + np.outer(at, powers)
        value = logsumexp(logs, axis=1)
        slope = _CELL * (np.exp(logs - value[:, None]) @ powers)
        rise = np.diff(value)
        low, high = slope[:-1], slope[1:]
        return np.stack([value[:-1], low, 3 * rise - 2 * low - high, low + high - 2 * rise], axis=1), int(powers.max())


def _expanded(column: Counts, shape: float) -> Array:
    """Log coefficients of prod_i prod_(l < y_i) (z + l h) by the power of z, each times that moment's rising factorial."""
    log = np.zeros(1)
    for factor in (factor for count in column for factor in range(int(count))):
        by_z = np.concatenate([[-np.inf], log])
        log = np.logaddexp(by_z, np.concatenate([log + np.log(factor), [-np.inf]])) if factor else by_z
    degree = np.arange(log.size)
    return np.asarray(log + gammaln(shape + degree) - gammaln(shape))


def _product(one: Array, other: Array) -> Array:
    """Log coefficients of the product of two polynomials."""
    log = np.full(one.size + other.size - 1, -np.inf)
    for i in np.flatnonzero(np.isfinite(one)):
        log[i : i + other.size] = np.logaddexp(log[i : i + other.size], one[i] + other)
    return log


@dataclass(frozen=True, eq=False)
class KindProblem(Value):
    """One kind against the others, as the quadrature knows a problem; its outer variable is log g, common to all kinds."""

    table: Counts  # cases by series and kind
    shapes: Array  # of the prior on the average shares
    kind: int  # which of them
    prior: HeterogeneityPrior  # on the spread between settings, of one kind against the rest
    inner_step: float = _INNER_STEP

    log_g_over_m = False

    @kept
    def events(self) -> Counts:
        """Cases of the kind in each series."""
        return self.table[:, self.kind]

    @kept
    def totals(self) -> Counts:
        """Cases in each series."""
        return np.asarray(self.table.sum(axis=1))

    @kept
    def average(self) -> MixturePrior:
        """Prior on the kind's average share."""
        return MixturePrior(BetaMixture.beta(self.shapes[self.kind], self.shapes.sum() - self.shapes[self.kind]))

    @kept
    def others(self) -> NDArray[np.int64]:
        """Places of the other kinds."""
        return np.flatnonzero(np.arange(self.shapes.size) != self.kind)

    @kept
    def _rest(self) -> Summed:
        return Summed(self.table[:, self.others], self.shapes[self.others])

    @kept
    def _last(self) -> list[Summed]:
        """For each other kind, those that are left."""
        left = [self.others[self.others != c] for c in self.others]
        return [Summed(self.table[:, kinds], self.shapes[kinds]) for kinds in left]

    @property
    def _one_term(self) -> bool:
        """Whether the prior on heterogeneity is the same whichever kind it is put on."""
        return self.prior.scale == "rho" or self.others.size == 1

    def start(self) -> tuple[float, float]:
        """Centre and scale of log g under its prior, for a kind of even share."""
        centre, scale = self.prior.centre()
        even = 1 / self.shapes.size
        return centre + (float(np.log(even * (1 - even))) if self.prior.scale == "tau" else 0.0), scale

    def first_guess(self, w: Array) -> tuple[Array, Array]:
        """Centre and scale of the logit of the average share given log g, as of one risk."""
        return Problem(self.events, self.totals, self.average, BetaOnRho(1.0, 1.0)).first_guess(w)

    def log_density(self, x: Array, w: Array) -> Array:
        """Logarithm of likelihood times prior density with respect to x and w, the other shares summed out."""
        return self._log_density(x, w, self._others)

    def rough_log_density(self, x: Array, w: Array) -> Array:
        """The same with the heterogeneity's prior put on the other kinds' observed shares."""
        return self._log_density(x, w, self._roughly)

    def _log_density(self, x: Array, w: Array, others: Callable[[Array, Array, Array], Array]) -> Array:
        log_mu, log_rest = log_sigmoids(x)
        mu, rest = np.exp(log_mu), np.exp(log_rest)
        g, log_h = np.exp(w + np.zeros_like(x)), w - log_rest
        value = self.average.formula(x, log_mu, log_rest) + log_rising(mu, g, self.events)
        value = value - log_rising(np.ones_like(g), g, self.totals) + self._rest.cases * log_rest
        own = self._stated(mu, rest, g) + self._rest(log_h)
        if self._one_term:
            return np.asarray(value + own)
        return np.asarray(value + np.logaddexp(log_mu + own, log_rest + others(rest, g, log_h)))

    def _stated(self, share: Array, complement: Array, g: Array) -> Array:
        """Log density of log g where the prior is put on a share; below the floor there is none, and cubes overflow."""
        floor = 1e-90 * g
        with np.errstate(over="ignore"):  # no density where settings differ beyond all numbers
            return self.prior.log_density(np.maximum(share, floor), np.maximum(complement, floor), g)

    def _roughly(self, rest: Array, g: Array, log_h: Array) -> Array:
        seen = self.table[:, self.others].sum(axis=0) + self.shapes[self.others]
        share = rest[..., None] * (seen / seen.sum())
        terms = np.log(seen / seen.sum()) + self._stated(share, 1.0 - share, g[..., None])
        return np.asarray(np.logaddexp.reduce(terms, axis=-1) + self._rest(log_h))

    def _others(self, rest: Array, g: Array, log_h: Array) -> Array:
        """Logarithm of E[z_c p(g | rest z_c) likelihood of the others], summed over the other kinds c."""
        reach = int(_REACH / self.inner_step)
        u = np.arange(-reach, reach + 1) * self.inner_step
        rest, g, log_h = rest[..., None], g[..., None], log_h[..., None]
        h, whole = np.exp(log_h), float(self.shapes[self.others].sum())
        found = []
        for c, last in zip(self.others, self._last, strict=True):
            # z_c ~ Beta(a, b) once its factor z_c is taken into the prior; its logit on a stretched axis about the bulk.
            a, b = self.shapes[c] + 1.0, whole - self.shapes[c]
            y, seen = self.table[:, c], self.table[:, self.others].sum(axis=1)
            weight = 1.0 / (1.0 + np.maximum(seen - 1, 0) * h / (1.0 + h))
            hits, misses = (weight @ y)[..., None] + a, (weight @ (seen - y))[..., None] + min(b, 0.5)
            scale = 2.0 * np.sqrt(1.0 / hits + 1.0 / misses)
            log_z, log_left = log_sigmoids(np.log(hits / misses) + scale * np.sinh(u))
            z, left = np.exp(log_z), np.exp(log_left)
            value = a * log_z + (b + last.cases) * log_left - betaln(a, b) + np.log(self.shapes[c] / whole)
            value = value + self._stated(rest * z, (1.0 - rest) + rest * left, g)
            value = value + log_rising(z, h, y) + last(log_h - log_left)
            found.append(logsumexp(value + np.log(scale * np.cosh(u) * self.inner_step), axis=-1))
        return np.asarray(np.logaddexp.reduce(found))
