r"""Dependence within a centre: how far an answer moves if its branches' risks in one centre go together.

The tree takes the risks of its branches in the next centre as independent given the counts: a centre with many abnormal
karyotypes may have any rate of infection. No series can tell, since hardly one reports several branches. So the risks are
tied by a normal copula, each keeping its own distribution: :math:`\theta_i = F_i^{-1}(\Phi(s_i z_i))` with
:math:`\operatorname{corr}(z_i, z_j) = \rho` for every two branches with counts that the answer depends on. The sign
:math:`s_i` says whether a larger risk raises the answer, the others at their means: what one centre has against the outcome
comes together, so that of all orientations this is the one that widens. An equal correlation is that of one common factor,
:math:`z_i = \sqrt\rho\,u_0 + \sqrt{1-\rho}\,u_i` (Joe, Dependence Modeling with Copulas, 2014).

The most influential risk is integrated given the others, which makes the distribution function smooth in them, and those by
trapezoids, as independent ones are. Margins hold every count; that coarse counts also tie the branches to each other is in
the answer at correlation 0. What mean and quantiles move by from there, on the logit scale, moves those of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from riskmodel._support.doors import door
from riskmodel._support.kept import Value, kept, once
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.base import Distribution
from riskmodel.distributions.diagram import Node, cancel, edges_of, evaluate, restrict
from riskmodel.distributions.integral import nodes
from riskmodel.distributions.special import between, logit, sigmoid
from riskmodel.errors import InputError
from riskmodel.evidence.evidence import Evidence
from riskmodel.tree.answer import joint, numerator
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree, as_tree

Array = NDArray[np.float64]

#: Correlations that are shown: at 0.6 any two scores share a third of their variance.
CORRELATIONS = (0.2, 0.4, 0.6)
#: Nearer to 1 the others' nodes no longer follow the main risk.
LARGEST = 0.95
#: Points of more risks than three beside the main one; fewer are integrated by trapezoids. Ends of intervals on the shipped
#: tree agree with a million Sobol points to 0.0004 at correlations 0, 0.6 and 0.9 (2026-11).
POINTS = 8192
#: Normal scores at which the distribution of a risk is tabulated, and to which the main one is integrated.
_SCORES = np.linspace(-6.5, 6.5, 2601)
_INNER = np.linspace(-6.5, 6.5, 261)
_STEP = float(_INNER[1] - _INNER[0])
#: Centres of the main risk's score, given the others', at which it is integrated; lines lead from one to the next.
_CENTRES = 0.04
#: How far from the answer's own ends, in logits, those with the risks tied are sought first.
_NEAR = 0.5
#: Logit of a probability, less that of its level, at which a quantile is found.
_SETTLED = 1e-5


@door
def centre_dependence(
    model: str | Path | Evidence | ProbabilityTree,
    outcome: str,
    /,
    *,
    correlations: Sequence[float] = CORRELATIONS,
    **known: str,
) -> dict[str, Any]:
    """How far an answer moves if the risks of its branches in one centre go together.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The fitted tree, or a finding as `fit` takes it.
    outcome : str
        Name of an outcome.
    correlations : sequence of float
        Of the normal scores of every two branches' risks in the next centre, each in [0, 0.95]; 0 is the answer itself.
    **known : str
        Known states.

    Returns
    -------
    dict
        branches, a list of dict with branch and raises (whether a larger risk of it raises the answer; those that lower it
        go the other way); variants, a list of dict with correlation, probability and interval (95 %, equal-tailed, of the
        risk in the next centre); and reason, why there are none. The probability moves too, by less: the mean of a product
        is not the product of the means where factors go together.

    Raises
    ------
    InputError
        If a correlation is not in [0, 0.95].

    Examples
    --------
    >>> found = centre_dependence("fetal-hepatic-calcification", "good_outcome", correlations=[0.6], anatomy="isolated")
    >>> [round(end, 3) for end in found["variants"][0]["interval"]]
    [0.659, 0.997]
    """
    model = as_tree(model)
    return dependence(model, model.risk(outcome, **known), checked_correlations(correlations))


def checked_correlations(correlations: Sequence[float]) -> tuple[float, ...]:
    """Correlations that the points can follow."""
    for one in correlations:
        if not 0 <= one <= LARGEST:
            what = f"{one!r} is not a correlation from 0 to {LARGEST}"
            raise InputError(what, where="correlations", remedy="Give such as 0.6")
    return tuple(correlations)


def dependence(
    model: ProbabilityTree, risk: RiskEstimate, correlations: tuple[float, ...] = CORRELATIONS
) -> dict[str, Any]:
    """The same of an answer that is there, kept beside the tree."""
    key = ("dependence", risk.outcome.name, risk.known, correlations)
    return once(model, key, lambda: _dependence(model, risk, correlations))


def _dependence(model: ProbabilityTree, risk: RiskEstimate, correlations: tuple[float, ...]) -> dict[str, Any]:
    ratio, interval = _ratio(model, risk), risk.interval()
    if ratio is None or interval is None or risk.mean is None:
        reason = "the answer is not put together from several branches with counts"
        return {"branches": [], "variants": [], "reason": reason}
    raises = ratio.raises()
    exact = _logits([risk.mean, *interval])
    ends = exact[1:].tolist()
    independent = _logits(ratio.tied(0.0, raises, ends))
    variants = []
    for one in correlations:
        mean, low, high = (
            float(value) for value in sigmoid(exact + _logits(ratio.tied(one, raises, ends)) - independent)
        )
        variants.append({"correlation": float(one), "probability": mean, "interval": [low, high]})
    branches = [{"branch": model.edges[i].said, "raises": raises[i]} for i in ratio.risks]
    return {"branches": branches, "variants": variants, "reason": ""}


def _ratio(model: ProbabilityTree, risk: RiskEstimate) -> Ratio | None:
    """The answer as a ratio of diagrams, what is fixed in it put in; None where fewer than two branches can be tied."""
    asked, finding, branches = risk.outcome, model.evidence.finding, model.fitted
    if not risk.estimable or risk.only_direct or risk.definition_only or asked.variable is None or asked.state is None:
        return None
    try:
        below = diagram(finding, dict(risk.known))
        above = numerator(finding, risk.known, asked.variable, asked.state)
    except NotOnTreeError:
        return None
    filled = {
        i: value
        for i in edges_of(above) | edges_of(below)
        if branches.unfed(i) and (value := model.edges[i].probability) is not None
    }
    top, bottom = cancel(restrict(above, filled), restrict(below, filled))
    used, posterior = sorted(edges_of(top) | edges_of(bottom)), joint(model, filled).posterior
    held = {i: float(model.edges[i].probability or 0.0) for i in used if model.edges[i].status == "elicited"}
    risks = {i: posterior(i).next_setting for i in used if i not in held}
    return Ratio(top, bottom, risks, held) if len(risks) > 1 else None


@dataclass(frozen=True, eq=False)
class Ratio(Value):
    """A ratio of diagrams of risks in one centre, of which each has its own distribution."""

    top: Node
    bottom: Node
    risks: Mapping[int, Distribution]  # of the branches that may go together
    held: Mapping[int, float]  # branches with one value

    def at(self, risks: Mapping[int, Any]) -> Array:
        """Its value where risks have some values, the others their means."""
        means: dict[int, Any] = {i: one.mean for i, one in self.risks.items()}
        upper, lower = (
            np.asarray(evaluate(part, {**self.held, **means, **risks}), float) for part in (self.top, self.bottom)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(lower > 0, upper / lower, 0.0))

    @kept
    def _tables(self) -> dict[int, Array]:
        return {i: one.quick_ppf(ndtr(_SCORES)) for i, one in self.risks.items()}

    def raises(self) -> dict[int, bool]:
        """Whether a larger risk of each branch raises it."""
        return {i: bool(self.at({i: 1.0}) >= self.at({i: 0.0})) for i in self.risks}

    def tied(self, correlation: float, raises: Mapping[int, bool], near: Sequence[float] = (0.0, 0.0)) -> list[float]:
        """Mean and 2.5 and 97.5 % quantiles, near some logits, with the risks tied by an equicorrelated normal copula.

        Each centre counts as often as it produces what is known: by its denominator.
        """
        tables = self._tables
        ends = {i: np.interp([-1.3, 1.3], _SCORES, table) for i, table in tables.items()}
        main = max(self.risks, key=lambda i: float(np.ptp(self.at({i: ends[i]}))))
        order = [*(i for i in self.risks if i != main), main]
        root = np.linalg.cholesky(np.where(np.eye(len(order)) > 0, 1.0, correlation))
        logits, weights = nodes(len(order) - 1, POINTS)
        *outer, centre = root[:, :-1] @ ndtri(sigmoid(logits))
        # To turn all signs at once changes nothing: a larger score is a larger main risk.
        drawn: dict[int, Any] = {
            i: _even(tables[i], z if raises[i] == raises[main] else -z) for i, z in zip(order, outer, strict=False)
        }
        low, high = (
            [np.asarray(evaluate(part, {**self.held, **drawn, main: end}), float) for part in (self.top, self.bottom)]
            for end in (0.0, 1.0)
        )
        above, below = (
            tuple(np.broadcast_to(one, weights.shape) for one in (start, end - start))
            for start, end in zip(low, high, strict=True)
        )
        main_risk = _Main(tables[main], centre, float(root[-1, -1]))
        return _summary(weights, above, below, main_risk, near)


class _Main:
    """The main risk given the others: its score is normal around a centre for each point of them."""

    def __init__(self, table: Array, centre: Array, spread: float) -> None:
        self.table, self.centre, self.spread = table, centre, spread
        first, last = float(centre.min()), float(centre.max())
        even = np.linspace(first, last, 2 + int((last - first) / _CENTRES))
        slope = _even(table, even[:, None] + spread * _INNER) * np.exp(-0.5 * _INNER**2) / math.sqrt(2 * math.pi)
        #: Integral of the risk up to each inner score, of shape (even centres, scores).
        self.partial = np.zeros(slope.shape)
        np.cumsum(0.5 * _STEP * (slope[:, 1:] + slope[:, :-1]), axis=1, out=self.partial[:, 1:])
        along = (centre - first) / (even[1] - even[0] or 1.0)
        self.row = np.minimum(along.astype(int), even.size - 2)
        self.along = along - self.row
        self.whole = np.asarray(self._partial(np.full(centre.shape, _INNER.size - 1.0)))

    def _partial(self, place: Array) -> Array:
        """Integral of the risk at each point up to a place among the inner scores, by lines both ways."""
        column = np.minimum(place.astype(int), _INNER.size - 2)
        rest, first = place - column, self.row * _INNER.size + column
        low, high = (
            self.partial.take(one) * (1 - rest) + self.partial.take(one + 1) * rest
            for one in (first, first + _INNER.size)
        )
        return np.asarray(low * (1 - self.along) + high * self.along)

    def up_to(self, cut: Array) -> tuple[Array, Array]:
        """Probability, and integral of the risk, up to a value at each point."""
        score = np.interp(cut, self.table, _SCORES, left=-np.inf, right=np.inf)
        end = np.clip((score - self.centre) / self.spread, _INNER[0], _INNER[-1])
        return ndtr(end), self._partial((end - _INNER[0]) / _STEP)


def _summary(
    weights: Array, top: Sequence[Array], bottom: Sequence[Array], main: _Main, near: Sequence[float]
) -> list[float]:
    """Mean and ends, near some logits, of (n0 + n1 p) / (d0 + d1 p) with p the main risk."""
    (n0, n1), (d0, d1), whole = top, bottom, main.whole
    total = float(weights @ (d0 + d1 * whole))

    def below(t: float) -> float:
        rise, rest = n1 - t * d1, t * d0 - n0
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = np.where(rise == 0, np.where(rest >= 0, np.inf, -np.inf), rest / rise)
        probability, integral = main.up_to(cut)
        share = d0 * probability + d1 * integral
        return float(weights @ np.where(rise < 0, d0 + d1 * whole - share, share)) / total

    ends = (_quantile(below, level, float(at)) for level, at in zip((0.025, 0.975), near, strict=True))
    return [float(weights @ (n0 + n1 * whole)) / total, *ends]


def _quantile(below: Callable[[float], float], level: float, near: float) -> float:
    """By regula falsi between logits about one, which a probability's own logit follows nearly straight."""

    def gap_at(at: float) -> float:
        return float(_logits(below(float(sigmoid(at)))) - _logits(level))

    low, high, reach = near - _NEAR, near + _NEAR, _NEAR
    under, over = gap_at(low), gap_at(high)
    while (under > 0 and low > -30.0) or (over < 0 and high < 30.0):
        reach *= 4
        if under > 0:
            low, high, over = low - reach, low, under
            under = gap_at(low)
        else:
            low, high, under = high, high + reach, over
            over = gap_at(high)
    last = 0.0
    for _ in range(60):
        at = low + (high - low) * min(max(under / (under - over), 0.0), 1.0) if under < over else low
        gap = gap_at(at)
        if abs(gap) < _SETTLED:
            break
        share = 0.5 if gap * last > 0 else 1.0  # an end that stays again counts half (Illinois): both close in
        low, high, under, over = (at, high, gap, over * share) if gap < 0 else (low, at, under * share, gap)
        last = gap
    return float(sigmoid(at))


def _even(table: Array, scores: Array) -> Array:
    """Lines through a table at `_SCORES`."""
    return between(table, (scores - _SCORES[0]) / (_SCORES[1] - _SCORES[0]))


def _logits(values: ArrayLike) -> Array:
    return np.asarray(logit(np.clip(values, 1e-12, 1 - 1e-12)))
