r"""Several covariates of the series as a design: what each level adds to the logit of the average, in scores.

A covariate whose levels are a line adds :math:`z (m + s u)` with z from -1/2 to 1/2 and one score u, so that its log odds
ratio of the last level against the first is Normal(m, s). One of K levels without an order adds

.. math::

    m (1_{k > 1} - (K - 1)/K) + \frac{s}{\sqrt 2} (Q u)_k

with K - 1 scores and Q the orthonormal contrasts: what levels add sums to zero, and with m = 0 every level has the same
prior whichever is named first, as if effects Normal(0, s/sqrt 2) of each had been centred. The log odds ratio of any
two is then Normal(0, s), and those of two levels against a third have the correlation 1/2 (Rouder JN, Morey RD,
Speckman PL, Province JM. Default Bayes factors for ANOVA designs. J Math Psychol 2012;56:356-74, for the contrasts;
Higgins JPT, Whitehead A. Stat Med 1996;15:2733-49, for the correlation). Of two levels it is the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import finite_number, shown
from riskmodel._support.columns import columns_of
from riskmodel._support.kept import Value, kept
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.inference.regression.levels import Levels, read_levels
from riskmodel.priors import LogitNormalPrior

Array = NDArray[np.float64]

#: More than any meta-regression has, and a coefficient for each is sampled.
MOST_COEFFICIENTS = 100
#: A combination of columns, each of size about one, that is nothing: numbers of 15 digits leave no less.
_SMALL = 1e-9
#: Columns of the table of a regression, which no covariate may be called.
COLUMNS = (
    *("series", "events", "total", "mean", "lower", "upper", "average", "average_lower", "average_upper"),
    *("ci_prob", "ci_kind"),
)


@dataclass(frozen=True, eq=False)
class Covariate(Value):
    """One covariate of the series."""

    name: str
    levels: Levels

    @property
    def coefficients(self) -> int:
        """How many scores it has."""
        return 1 if self.levels.places else len(self.levels.names) - 1

    @property
    def against_first(self) -> range:
        """The levels whose odds ratio against the first is told: the last of a line, every other without an order."""
        count = len(self.levels.names)
        return range(count - 1 if self.levels.places else 1, count)

    def coded(self, effect: LogitNormalPrior) -> Array:
        """What each level adds: the prior mean, and what multiplies each score, of shape (levels, 1 + coefficients)."""
        if self.levels.places:
            return np.outer(self.levels.places, [effect.location, effect.sd])
        from scipy.linalg import helmert

        count = len(self.levels.names)
        mean = effect.location * ((np.arange(count) > 0) - (count - 1) / count)
        return np.column_stack([mean, effect.sd / np.sqrt(2) * helmert(count).T])

    def at(self, given: Any, effect: LogitNormalPrior) -> Array:
        """The same of a level that is asked about: a name, or a number from the first to the last."""
        names, numbers = self.levels.names, self.levels.numbers
        if numbers and finite_number(given):
            first, last = numbers[0], numbers[-1]
            if not first <= given <= last:
                what = f"{shown(given)} is not from {names[0]} to {names[-1]}, where the series are"
                raise InputError(
                    what, where=self.name, remedy="Ask within; beyond, no series says whether the line goes on"
                )
            return ((float(given) - first) / (last - first) - 0.5) * np.array([effect.location, effect.sd])
        text = given if isinstance(given, str) else f"{given:g}" if finite_number(given) else shown(given)[1:-1]
        if text not in names:
            raise UnknownNameError(f"level of {self.name[:60]}", text, names, where="at")
        return np.asarray(self.coded(effect)[names.index(text)])


@dataclass(frozen=True, eq=False)
class Design(Value):
    """Covariates of the series, and the prior on what each adds."""

    covariates: tuple[Covariate, ...]
    effect: LogitNormalPrior

    @kept
    def slices(self) -> dict[str, slice]:
        """The scores of each covariate: in the order of names, so that the order of covariates changes no draw."""
        found, first = {}, 1
        for one in sorted(self.covariates, key=lambda one: one.name):
            found[one.name] = slice(first, first + one.coefficients)
            first += one.coefficients
        return found

    @property
    def coefficients(self) -> int:
        """How many scores there are."""
        return sum(one.coefficients for one in self.covariates)

    @property
    def names(self) -> list[str]:
        """Of the scores, in their order."""
        found = []
        for name, own in self.slices.items():
            count = own.stop - own.start
            found += [f"effect of {name}"] if count == 1 else [f"effect of {name}, {j + 1}" for j in range(count)]
        return found

    def joined(self, parts: Mapping[str, Array]) -> Array:
        """What covariates add together, from what each adds, of shape (..., 1 + scores)."""
        shape = np.broadcast_shapes(*(one.shape[:-1] for one in parts.values()))
        row = np.zeros((*shape, 1 + self.coefficients))
        for name, own in self.slices.items():
            if name in parts:
                row[..., 0] += parts[name][..., 0]
                row[..., own] = parts[name][..., 1:]
        return row

    @kept
    def rows(self) -> Array:
        """What the covariates add for each series, of shape (series, 1 + scores)."""
        return self.joined({one.name: one.coded(self.effect)[list(one.levels.of)] for one in self.covariates})

    def contrast(self, one: Covariate, level: int) -> Array:
        """Log odds ratio of a level of a covariate against its first, of shape (1 + scores,)."""
        coded = one.coded(self.effect)
        return self.joined({one.name: coded[level] - coded[0]})

    def asked(self, levels: Mapping[str, Any]) -> Array:
        """What covariates add where each has the level that is asked about, of shape (1 + scores,)."""
        known = {one.name: one for one in self.covariates}
        for name in levels:
            if name not in known:
                raise UnknownNameError("covariate", name, known, where="at")
        missing = [name for name in known if name not in levels]
        if missing:
            told = f"no level of {', '.join(missing)}"[:200]
            first = known[missing[0]].levels.names
            raise InputError(
                told, where="at", remedy=f"Give one for each covariate, such as {missing[0][:60]}={first[0]!r:.60}"
            )
        return self.joined({name: known[name].at(level, self.effect) for name, level in levels.items()})


def as_design(by: Any, names: tuple[str, ...], effect: LogitNormalPrior) -> Design:
    """Covariates of what `pool` takes as `by`, for series of these names, or why they cannot be used."""
    columns = columns_of(by, "by")
    if columns is None:
        called = getattr(by, "name", None)
        columns = {called if isinstance(called, str) and called else "by": by}
    if not columns:
        raise InputError("a table without columns", where="by", remedy="Give one column for each covariate")
    taken = [name for name in columns if name in COLUMNS]
    if taken:
        what = f"a covariate called {taken[0]}, as a column of the result is"
        raise InputError(what, where="by", remedy="Give the columns of the covariates alone, or another name")
    found = tuple(
        Covariate(name, read_levels(one, names, name if len(columns) > 1 else "")) for name, one in columns.items()
    )
    design = Design(found, effect)
    if design.coefficients > MOST_COEFFICIENTS:
        told = ", ".join(f"{one.name[:40]} has {one.coefficients}" for one in found if one.coefficients > 1)
        what = f"{design.coefficients} coefficients{f', of which {told[:200]}' if told else ''}"
        raise InputError(
            what, where="by", remedy=f"At most {MOST_COEFFICIENTS} are sampled: join levels, or leave some out"
        )
    _check_apart(design)
    return design


def _check_apart(design: Design) -> None:
    """Refuse covariates of which one is a function of others.

    Of more coefficients than series some are always: then covariates are refused that say the same, and the priors decide.
    """
    covariates = Design(design.covariates, LogitNormalPrior(0.0, 1.0))
    parts = [covariates.rows[:, covariates.slices[one.name]] for one in design.covariates]
    every = range(len(parts))
    for some in dict.fromkeys([*combinations(every, 2), *([tuple(every)] if len(parts) > 1 else [])]):
        series, spans = len(parts[0]), [_with_ones(parts[i]) for i in some]
        whole = _with_ones(*(parts[i] for i in some))
        unfit = _dependent(whole)
        if whole.shape[1] > series:
            same = {_rank(one) for one in (*spans, whole)}
            if len(some) > 2 or len(same) > 1:
                continue
        if not unfit.any():
            continue
        edges = np.cumsum([1, *(parts[i].shape[1] for i in some)])
        places = zip(some, edges[:-1], edges[1:], strict=True)
        named = [design.covariates[i].name[:60] for i, first, last in places if unfit[first:last].any()]
        raise InputError(
            f"{' and '.join(named)} do not tell the series apart in different ways: one is a function of the other"
            + ("s" if len(named) > 2 else ""),
            where="by",
            remedy="Leave one of them out, for the counts cannot tell what each adds",
        )


def _with_ones(*parts: Array) -> Array:
    return np.column_stack([np.ones(len(parts[0])), *parts])


def _rank(columns: Array) -> int:
    return int(np.linalg.matrix_rank(columns, tol=_SMALL))


def _dependent(columns: Array) -> NDArray[np.bool_]:
    """Which columns have a part in a combination of columns that is nothing."""
    _, sizes, vectors = np.linalg.svd(columns)
    nothing = np.append(sizes, np.zeros(len(vectors) - len(sizes))) < _SMALL
    return np.asarray((np.abs(vectors[nothing]) > _SMALL).any(axis=0))
