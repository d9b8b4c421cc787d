"""What tells series apart: the levels of a covariate, in order, and where each lies between the first and the last."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import finite_number, is_missing, shown
from riskmodel._support.columns import as_column
from riskmodel.errors import InputError

Array = NDArray[np.float64]

#: Levels that are fitted; more of a number are a trend all the same, and their bands say it as well.
MOST_LEVELS = 40
_ONE = "Give one label for each series: pool takes one covariate, and several are a model to write in PyMC"


class Levels(NamedTuple):
    """Levels of a covariate."""

    names: tuple[str, ...]
    of: tuple[int, ...]  # the level of each series
    places: tuple[float, ...]  # of each level: -1/2 the first, 1/2 the last


def as_levels(by: Any, names: tuple[str, ...]) -> Levels:
    """Levels of what `pool` takes as `by`, for series of these names, or why it cannot be used."""
    if getattr(by, "ndim", 1) > 1:
        raise InputError(f"{np.shape(by)[-1]} covariates", where="by", remedy=_ONE)
    column = as_column(by, "by")
    given = column.values
    if any(isinstance(one, (list, tuple)) for one in given):
        raise InputError("several labels for a series", where="by", remedy=_ONE)
    if len(given) != len(names):
        raise InputError(f"{len(given)} labels for {len(names)} series", where="by", remedy=_ONE)
    if column.labels is not None and not column.numbered:
        told = [str(one) for one in column.labels]
        if len(set(told)) < len(told) or set(told) != set(names):
            raise InputError(
                "its own labels are not those of the series",
                where="by",
                remedy="Give a list, in the order of the series",
            )
        given = [given[told.index(name)] for name in names]
    for i, one in enumerate(given):
        if is_missing(one):
            raise InputError(
                f"series {i + 1} ({names[i]}) has none", where="by", remedy="Name its level, or leave the series out"
            )
    ordered = _ordered(by, given)
    if len(ordered) < 2:
        raise InputError(
            f"every series is {shown(ordered[0])}",
            where="by",
            remedy="Leave it out, or give labels that tell series apart",
        )
    if len(ordered) > MOST_LEVELS:
        raise InputError(f"{len(ordered)} levels", where="by", remedy=f"Cut it into bands, at most {MOST_LEVELS}")
    numbers = all(map(finite_number, ordered))
    values = np.array(ordered if numbers else range(len(ordered)), np.float64)
    places = (values - values[0]) / (values[-1] - values[0]) - 0.5
    texts = tuple(f"{one:g}" if numbers else str(one) for one in ordered)
    return Levels(texts, tuple(ordered.index(one) for one in given), tuple(places.tolist()))


def _ordered(by: Any, given: list[Any]) -> list[Any]:
    """The levels that occur, in their order: that of numbers, of an ordered category, or for two as they first appear."""
    found = list(dict.fromkeys(given))
    kind = getattr(by, "dtype", None)
    if getattr(kind, "ordered", False):
        return [one for one in kind.categories if one in found]  # type: ignore[union-attr]
    if all(map(finite_number, found)) or all(isinstance(one, (bool, np.bool_)) for one in found):
        return sorted(found)
    if len(found) > 2:
        raise InputError(
            f"{len(found)} levels without an order: {', '.join(map(shown, found[:5]))}",
            where="by",
            remedy="Give numbers, or an ordered pandas.Categorical; levels without an order are groups to pool apart",
        )
    return found
