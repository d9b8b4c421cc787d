"""What tells series apart: the levels of a covariate, and where each lies between the first and the last."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import finite_number, is_missing, shown
from riskmodel._support.columns import as_column, columns_of
from riskmodel.errors import InputError

Array = NDArray[np.float64]

#: Levels that are fitted by quadrature; more of a number are a trend all the same, and their bands say it as well.
MOST_LEVELS = 40
_SAMPLED = 'several covariates, and levels without an order, are for method="nuts"'
_ONE = f"Give one label for each series: {_SAMPLED}"


class Levels(NamedTuple):
    """Levels of a covariate."""

    names: tuple[str, ...]
    of: tuple[int, ...]  # the level of each series
    places: tuple[float, ...]  # of each level: -1/2 the first, 1/2 the last; none where levels have no order
    numbers: tuple[float, ...] = ()  # that the levels are, if so

    def given(self, place: int) -> str | float:
        """A level as it was given: a name, or a number."""
        if not self.numbers:
            return self.names[place]
        number = self.numbers[place]
        return int(number) if number.is_integer() else number


def as_levels(by: Any, names: tuple[str, ...]) -> Levels:
    """Levels of what `pool` takes as `by`, for series of these names, or why the quadrature cannot use it."""
    columns = columns_of(by, "by")
    if columns is not None:
        if len(columns) != 1:
            raise InputError(f"{len(columns)} covariates", where="by", remedy=_ONE)
        (by,) = columns.values()
    found = read_levels(by, names)
    if not found.places:
        raise InputError(
            f"{len(found.names)} levels without an order: {', '.join(map(shown, found.names[:5]))}",
            where="by",
            remedy=f"Give numbers, or an ordered pandas.Categorical; {_SAMPLED}",
        )
    if len(found.names) > MOST_LEVELS:
        raise InputError(
            f"{len(found.names)} levels",
            where="by",
            remedy=f'Cut it into bands, at most {MOST_LEVELS}, or use method="nuts"',
        )
    return found


def read_levels(by: Any, names: tuple[str, ...], called: str = "") -> Levels:
    """Levels of one covariate, which may have a name, or why they cannot be used."""
    about = f"{called[:60]}: " if called else ""
    if getattr(by, "ndim", 1) > 1:
        raise InputError(f"{about}{np.shape(by)[-1]} covariates", where="by", remedy=_ONE)
    column = as_column(by, "by")
    given = column.values
    if any(isinstance(one, (list, tuple)) for one in given):
        raise InputError(f"{about}several labels for a series", where="by", remedy=_ONE)
    if len(given) != len(names):
        what = f"{about}{len(given)} labels for {len(names)} series"
        raise InputError(what, where="by", remedy=_ONE)
    if not column.unlabelled(names):
        told = [str(one) for one in column.labels or ()]
        if len(set(told)) < len(told) or set(told) != set(names):
            raise InputError(
                f"{about}its own labels are not those of the series",
                where="by",
                remedy="Give a list, in the order of the series",
            )
        given = [given[told.index(name)] for name in names]
    for i, one in enumerate(given):
        if is_missing(one):
            what = f"{about}series {i + 1} ({names[i]}) has none"
            raise InputError(what, where="by", remedy="Name its level, or leave the series out")
        try:
            hash(one), str(one)
        except Exception:  # what no label is
            what = f"{about}series {i + 1} ({names[i]}) has {shown(one)}"
            raise InputError(what, where="by", remedy="Give a text or a number") from None
    levels, line = _ordered(by, given)
    if len(levels) < 2:
        raise InputError(
            f"{about}every series is {shown(levels[0])}",
            where="by",
            remedy="Leave it out, or give labels that tell series apart",
        )
    numbers = tuple(map(float, levels)) if line and all(map(finite_number, levels)) else ()
    values = np.array(numbers or range(len(levels)), np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        places = (values - values[0]) / (values[-1] - values[0]) - 0.5
    if not np.isfinite(places).all():
        raise InputError(f"{about}numbers that are too far apart", where="by", remedy="Give them in another unit")
    texts = tuple(f"{one:g}" if numbers else str(one) for one in levels)
    if len(set(texts)) < len(texts):
        texts = tuple(f"{one:.17g}" for one in numbers) or tuple(map(repr, levels))
    of = tuple(levels.index(one) for one in given)
    return Levels(texts, of, tuple(places.tolist()) if line else (), numbers)


def _ordered(by: Any, given: list[Any]) -> tuple[list[Any], bool]:
    """The levels that occur, and whether they are a line.

    In the order of numbers or categories, or as they first appear; two are a line whatever they are.
    """
    found = list(dict.fromkeys(given))
    kind = getattr(by, "dtype", None)
    categories = getattr(kind, "categories", None)
    if categories is not None:
        listed = [one for one in list(categories) if one in found]
        # The categories of polars' Enum have an order, those of pandas' Categorical only if it says so.
        ordered = bool(getattr(kind, "ordered", False)) or type(kind).__name__ == "Enum"
        if len(listed) == len(found):
            return listed, ordered or len(found) == 2
    if all(map(finite_number, found)) or all(isinstance(one, (bool, np.bool_)) for one in found):
        return sorted(found), True
    return found, len(found) <= 2
