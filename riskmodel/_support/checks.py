"""Numbers and counts as they come in: checked, or an error that says which one and how to mend it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel.errors import InputError

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: More fetuses than are born in a century; above it a count is a slip, and 64-bit sums could overflow.
LARGEST_TOTAL = 10**9
#: More series than any meta-analysis has; a longer list is a table passed by mistake.
MOST_SERIES = 100_000
#: A prediction has a probability for every number of events.
LARGEST_PREDICTED = 1_000_000


def finite_number(value: Any) -> bool:
    """Whether something is one finite real number, not a bool."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def checked_total(total: Any) -> int:
    """Size of a series to predict."""
    if isinstance(total, bool) or not isinstance(total, (int, np.integer)) or not 0 <= total <= LARGEST_PREDICTED:
        raise InputError(f"{total!r} is not a whole number from 0 to {LARGEST_PREDICTED:,}", where="total")
    return int(total)


def checked_levels(q: ArrayLike) -> Array:
    """Quantile levels as floats, refused outside [0, 1]."""
    try:
        levels = np.asarray(q, float)
    except (TypeError, ValueError):
        levels = np.array(np.nan)
    if not np.all((levels >= 0) & (levels <= 1)):
        raise InputError("quantile levels must be numbers in [0, 1]", where="q", remedy="Give 0.975 for 97.5 %")
    return levels


def checked_counts(events: ArrayLike, totals: ArrayLike) -> tuple[Counts, Counts]:
    """Counts as arrays of integers, or an error that names the first series at fault."""
    y, n = _whole_numbers(events, "events"), _whole_numbers(totals, "totals")
    if y.size != n.size:
        raise InputError(
            f"{y.size} numbers of events but {n.size} totals", where="pool", remedy="Give one total for each series"
        )
    if not y.size:
        raise InputError("no series", where="pool", remedy="Give at least one series, such as pool([20], [21])")
    for i, (event, total) in enumerate(zip(y.tolist(), n.tolist(), strict=True)):
        place = f"series {i + 1}"
        if total < 1:
            raise InputError(f"a total of {total}", where=place, remedy="Leave a series without fetuses out")
        if total > LARGEST_TOTAL:
            raise InputError(f"a total of {total}", where=place, remedy=f"The largest total taken is {LARGEST_TOTAL:,}")
        if event < 0:
            raise InputError(f"{event} events", where=place, remedy="Give 0 or more")
        if event > total:
            raise InputError(
                f"{event} events of {total}", where=place, remedy="Events cannot exceed the total; are they swapped?"
            )
    return y, n


def _whole_numbers(values: Any, where: str) -> Counts:
    """One-dimensional integers from whatever was passed; floats only where they are whole."""
    if isinstance(values, (str, bytes, dict, set)) or values is None:
        raise InputError(
            f"{values!r} is not a list of counts", where=where, remedy="Give whole numbers, such as [20, 10]"
        )
    if hasattr(values, "to_numpy"):  # pandas, without importing it; its missing values become NaN or None
        values = values.to_numpy()
    try:
        items = np.asarray(values, dtype=object)
    except ValueError:
        raise InputError("a ragged list", where=where, remedy="Give a flat list of whole numbers") from None
    if items.ndim == 0:
        items = items.reshape(1)
    if items.ndim != 1:
        raise InputError(f"counts of shape {items.shape}", where=where, remedy="Give a flat list of whole numbers")
    if items.size > MOST_SERIES:
        raise InputError(f"{items.size:,} series", where=where, remedy=f"At most {MOST_SERIES:,} are taken at once")
    whole = np.empty(items.size, np.int64)
    for i, item in enumerate(items.tolist()):
        number = item.item() if isinstance(item, np.generic) else item
        good = isinstance(number, int) and not isinstance(number, bool)
        if isinstance(number, float) and number.is_integer():
            number, good = int(number), True
        if not good or abs(number) > 10**15:
            raise InputError(
                f"{str(item)[:60]!r} is not a whole number",
                where=f"{where}, series {i + 1}",
                remedy="Give a count, such as 20",
            )
        whole[i] = number
    whole.setflags(write=False)
    return whole
