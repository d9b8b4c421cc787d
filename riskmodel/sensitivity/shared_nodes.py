r"""Many fits of one risk on the same nodes: priors weight them anew, and a series that is left out is left out of a sum.

An exact fit places its nodes where its own posterior is. Hundreds of fits that differ by a prior or by a series have their
posteriors in much the same place, so here the nodes of average and spread are placed once, what a series' counts say at
them is worked out once, and so is the distribution function of a new setting's risk at each:

.. math:: F(t) = \sum_j w_j F(t \mid x_j, \tau_j), \qquad w_j \propto \pi(x_j, \tau_j) \prod_i L_i(x_j, \tau_j)

Each fit is then a row of weights, and all of them one product of matrices. The sums are trapezoid rules, as those of an
exact fit, with fewer nodes and no estimate of their error: `tests/sensitivity/test_multiverse.py` holds them to `pool`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, ndtr

from riskmodel._support.kept import Value, kept
from riskmodel.distributions.settings import SHARE, wider
from riskmodel.distributions.special import log_sigmoids, logit, sigmoid
from riskmodel.inference.beta_binomial import Problem
from riskmodel.inference.logit_normal_likelihood import NORMAL, RandomEffect, Spreads, hermite, student
from riskmodel.inference.pool import DEGREES
from riskmodel.inference.quadrature import should_mirror
from riskmodel.priors import HeterogeneityPrior, MuPrior, TauPrior, as_heterogeneity_prior, as_mu_prior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Rows of the spread: log q for models of Betas, q near tau squared, and 2 log tau for models on the logit. In the first
#: settings are alike for every purpose: it stands for all smaller spreads, and alone for none at all.
_ROWS = np.linspace(-13.0, 7.0, 51)
#: The cell of the first row beside that of another: a density of tau that is level near 0 has exp(w / 2) below it.
_SMALLER = 0.5 + 2 / (_ROWS[1] - _ROWS[0])
#: Columns of the average: sinh of an even grid, so that they are close at its centre and reach this far on the logit.
_COLUMNS, _REACH = 49, 34.0
#: Share of the heaviest node's weight below which a node does not show.
_LIGHT = 1e-9
#: Logits at which distribution functions are tabulated: as many, up to so far from the centre.
_LEVELS, _FAR = 161, 40.0


@dataclass(frozen=True, eq=False)
class SharedNodes(Value):
    """Nodes of average and spread for one risk, placed by all of its series."""

    events: Counts  # events, totals: of every series that any fit has, of shape (series,)
    totals: Counts
    model: str  # as `pool` takes it

    @kept
    def flip(self) -> bool:
        """Whether one minus the risk is modelled, so that no digits are lost to risks near one."""
        return bool(should_mirror(self.events, self.totals))

    @property
    def _on_logit(self) -> bool:
        return self.model.startswith("logit-")

    @kept
    def _placed(self) -> tuple[Array, Array, Array]:
        """logit(mu) and the rows' outer variable at the nodes, and each node's cell, of shape (rows, columns)."""
        hits = self.totals - self.events if self.flip else self.events
        prior = as_mu_prior("jeffreys"), as_heterogeneity_prior("default")
        assert prior[1] is not None
        centre, scale = Problem(hits, self.totals, prior[0], prior[1]).first_guess(np.minimum(_ROWS, 2.0))
        far = np.arcsinh(_REACH / scale)[:, None]
        u = far * np.linspace(-1.0, 1.0, _COLUMNS)
        x = centre[:, None] + scale[:, None] * np.sinh(u)
        cell = scale[:, None] * np.cosh(u) * far * (2 / (_COLUMNS - 1))
        return x, np.broadcast_to(_ROWS[:, None], x.shape), cell

    @kept
    def _hyper(self) -> tuple[Array, Array, Array]:
        """mu, 1 - mu, and g of the models of Betas or tau of the others, of shape (nodes,)."""
        x, w, _ = self._placed
        log_mu, log_rest = log_sigmoids(x)
        spread = np.exp(w / 2) if self._on_logit else np.exp(w + log_mu + log_rest)
        return np.exp(log_mu).ravel(), np.exp(log_rest).ravel(), np.maximum(spread.ravel(), 1e-280)

    @kept
    def shapes(self) -> tuple[Array, Array]:
        """Shapes of the Beta at each node, of events, of shape (nodes,)."""
        mu, rest, g = self._hyper
        return (rest / g, mu / g) if self.flip else (mu / g, rest / g)

    @kept
    def _spreads(self) -> Spreads:
        return student(DEGREES) if self.model == "logit-t" else NORMAL

    def log_likelihood(self, events: Counts, totals: Counts) -> Array:
        """What each of some series says at the nodes, but for a constant, of shape (series, nodes)."""
        hits = totals - events if self.flip else events
        mu, rest, spread = self._hyper
        if self._on_logit:
            x, w, _ = self._placed
            found = RandomEffect(hits, totals).mixed_log_likelihood(x, np.exp(w[:, 0] / 2), self._spreads)
            return np.asarray(found.reshape(hits.size, -1))

        def beta_binomial(g: Array) -> Array:
            a, b = mu / g, rest / g
            y, n = hits[:, None], totals[:, None]
            # Where settings are alike to many digits the difference of two large terms has none: the binomial's then.
            alike = np.multiply.outer(hits, np.log(mu)) + np.multiply.outer(totals - hits, np.log(rest))
            return np.asarray(np.where(a + b > 1e9, alike, betaln(a + y, b + n - y) - betaln(a, b)))

        if self.model == "beta-binomial":
            return beta_binomial(spread)
        parts = beta_binomial(spread) + np.log1p(-SHARE), beta_binomial(wider(mu, rest, spread)) + np.log(SHARE)
        return np.asarray(np.logaddexp(*parts))

    def log_prior(self, prior: MuPrior, heterogeneity: HeterogeneityPrior | None) -> Array:
        """Logarithm of the prior's probability of each node's cell, of shape (nodes,); None for settings alike."""
        x, w, cell = self._placed
        found = (prior.mirrored() if self.flip else prior).log_density(x) + np.log(cell)
        if heterogeneity is None:
            found[1:] = -np.inf
            return found.ravel()
        mu, rest, spread = self._hyper
        found[0] += np.log(_SMALLER)
        if isinstance(heterogeneity, TauPrior) and self._on_logit:
            return np.asarray(found.ravel() + heterogeneity.formula(spread) + w.ravel() / 2)
        return np.asarray(found.ravel() + heterogeneity.log_density(mu, rest, spread))

    @kept
    def means(self) -> Array:
        """Mean risk of a new setting at each node, of events, of shape (nodes,)."""
        mu, rest, tau = self._hyper
        if not self._on_logit:
            return rest if self.flip else mu
        z, weights = hermite(40)
        x = self._placed[0].ravel()[:, None]
        found = np.zeros(x.size)
        for factor, share in zip(self._spreads.factors, self._spreads.shares, strict=True):
            found += share * (sigmoid(x + factor * tau[:, None] * z) @ weights)
        return 1 - found if self.flip else found

    @kept
    def levels(self) -> Array:
        """Logits of what is modelled at which distribution functions are tabulated, ascending."""
        x, _, cell = self._placed
        middle, close = _COLUMNS // 2, 2 * cell[0].min()
        even = np.linspace(-1.0, 1.0, _LEVELS)
        return np.asarray(x[0, middle] + close * np.sinh(even * np.arcsinh(_FAR / close)))

    @kept
    def below(self) -> Array:
        """Probability at each node that what is modelled is below each level in a new setting, (nodes, levels)."""
        x, _, cell = self._placed
        found = self._below_rows()
        # Where settings are alike the risk is the average, and spread evenly over the node's cell.
        found[:_COLUMNS] = np.clip((self.levels - x[0][:, None]) / cell[0][:, None] + 0.5, 0.0, 1.0)
        return found

    def _below_rows(self) -> Array:
        mu, rest, spread = self._hyper
        if self._on_logit:
            x = self._placed[0].ravel()[:, None]
            parts = (
                share * ndtr((self.levels - x) / (factor * spread[:, None]))
                for factor, share in zip(self._spreads.factors, self._spreads.shares, strict=True)
            )
            return np.asarray(sum(parts))

        def betas(g: Array) -> Array:
            a, b = (np.maximum(one / g, 1e-280)[:, None] for one in (mu, rest))
            return np.asarray(betainc(a, b, sigmoid(self.levels)))

        if self.model == "beta-binomial":
            return betas(spread)
        return (1 - SHARE) * betas(spread) + SHARE * betas(wider(mu, rest, spread))

    def scores(self, weights: Array) -> Array:
        """Logits of the distribution function at the levels under rows of weights, of shape (rows, levels)."""
        shown = weights.max(axis=0) > _LIGHT * weights.max()
        table = weights[:, shown] @ self.below[shown]
        return logit(np.maximum.accumulate(np.clip(table, 1e-300, 1 - 1e-16), axis=1))

    def at(self, scores: Array, levels: Array) -> Array:
        """Events' risk in a new setting at logits of levels, by a row of `scores`, of the shape of `levels`."""
        sign = -1.0 if self.flip else 1.0
        return sigmoid(sign * np.interp(sign * levels, scores, self.levels))

    def quantiles(self, weights: Array, probabilities: Sequence[float]) -> Array:
        """Quantiles of events' risk in a new setting under rows of weights, of shape (rows, probabilities)."""
        wanted = logit(np.asarray(probabilities, float))
        return np.array([self.at(row, wanted) for row in self.scores(weights)])


def normalised(logs: Array) -> Array:
    """Rows of logarithms as weights that sum to one."""
    found = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.asarray(found / found.sum(axis=-1, keepdims=True))
