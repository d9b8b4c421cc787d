"""Numbers and counts as they come in: checked, or an error that says which one and how to mend it."""

from __future__ import annotations

import datetime
import math
import numbers
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from riskmodel._support.columns import Column, aligned, as_column, as_table
from riskmodel._support.labels import TOTAL
from riskmodel._support.labels import totals as totals_among
from riskmodel.errors import InputError

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: More fetuses than are born in a century; above it a count is a slip, and 64-bit sums could overflow.
LARGEST_TOTAL = 10**9
#: A prediction has a probability for every number of events.
LARGEST_PREDICTED = 1_000_000
#: Beyond every count, and within what a double holds exactly.
_LARGEST_READ = 10**15
#: What says where randomness comes from: a generator, or the seed of one.
Rng = int | np.random.Generator
#: A whole number as people and programs write it; "12.000" and "1,234" have two meanings.
_WHOLE_TEXT = re.compile(r"([0-9]{1,15})(?:\.0{1,2})?")
#: How a table says that something is not known or not reported.
MISSING = (
    r"(?i)\s*([-‐-―−.?*]+|\(?\s*(n\.?\s*[/.]?\s*[aradk]\.?|#n/a|#null!|null|none|nan|missing|unknown|unclear"
    r"|not\s+(reported|available|stated|known|given|applicable|recorded|done))\s*\)?)\s*"
)
_RATIO = re.compile(r"\s*([0-9]{1,15})\s*/\s*([0-9]{1,15})\s*")


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
    return checked_whole(total, "total", 0, LARGEST_PREDICTED)


def checked_whole(value: Any, where: str, low: int, high: int, noun: str = "whole number") -> int:
    """One whole number of an argument, however it is written."""
    number = as_whole(value)
    if isinstance(number, NotWhole) or not low <= number <= high:
        what = f"{shown(value)} is not a {noun} from {low:,} to {high:,}"
        raise InputError(what, where=where, remedy=f"Give such as {min(max(low, 20), high)}")
    return number


def as_rng(rng: Any) -> np.random.Generator:
    """Where randomness comes from: a generator as it is, or a new one from a seed."""
    if isinstance(rng, np.random.Generator):
        return rng
    return np.random.default_rng(checked_seed(rng, "rng"))


def checked_seed(value: Any, where: str, high: int | None = None) -> int:
    """A seed: a whole number of whoever's type; NumPy's advice is one of 128 bits, so that none is too large in itself."""
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    number = int(value) if whole else None if isinstance(value, str) else as_whole(value)
    if not isinstance(number, int) or number < 0 or (high is not None and number > high):
        what = f"{shown(value)} is not a seed: a whole number of at least 0"
        what += f" and at most {high:,}" if high else ""
        remedy = "Give such as 1" + (", or numpy.random.default_rng(1)" if where == "rng" else "")
        raise InputError(what, where=where, remedy=remedy)
    return number


def as_numbers(value: Any) -> Array | None:
    """An array of numbers as floats, as it is where it has these; None for anything else, and where one is masked."""
    if value is None or (type(value) is np.ndarray and value.dtype == np.float64):
        return value
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = np.asarray(value)
            return found.astype(float) if found.dtype.kind in "fiuO" and not np.ma.is_masked(value) else None
    except Exception:  # whatever a stranger's object brings NumPy to
        return None


def checked_levels(q: ArrayLike) -> Array:
    """Quantile levels as floats, refused outside [0, 1]."""
    levels = as_numbers(q)
    if levels is None or not np.all((levels >= 0) & (levels <= 1)):
        raise InputError("quantile levels must be numbers in [0, 1]", where="q", remedy="Give 0.975 for 97.5 %")
    return levels


def checked_counts(events: Any, totals: Any) -> tuple[Counts, Counts]:
    """Counts as arrays of integers, or an error that names the first series at fault."""
    return checked_series(events, totals)[:2]


def checked_series(events: Any, totals: Any = None, labels: Any = None) -> tuple[Counts, Counts, tuple[str, ...]]:
    """Counts that belong together as read-only arrays of integers, and a name for each series.

    Where there are labels series are told by them, never by place, and stand in the order of `labels` or of the events. No
    totals: they are in a table's column, or in texts such as "12/61".
    """
    if totals is None:
        events, totals = _both(events)
    columns = {"events": as_column(events, "events")}
    if totals is not None:
        columns["totals"] = as_column(totals, "totals")
    together, index = aligned(columns, "pool")
    y, n = together["events"], together.get("totals")
    if n is not None and len(y) != len(n):
        what = f"{len(y)} numbers of events but {len(n)} totals"
        raise InputError(what, where="pool", remedy="Give one total for each series")
    if not y:
        raise InputError("no series", where="pool", remedy="Give at least one series, such as pool([20], [21])")
    order, names = _named(columns, labels, index, len(y))
    whole = np.empty((2, len(y)), np.int64)
    for place, i in enumerate(order):
        said = f"series {place + 1}" + ("" if index is None else f" ({index[i]!s:.60})")
        whole[:, place] = _checked_pair(y[i], n[i] if n is not None else _NO_TOTAL, said)
    if index is not None or labels is not None:
        for i, series in totals_among(names, [(one[0], one[1]) for one in whole.T.tolist()]).items():
            what = f"{names[i]!r}, {whole[0, i]} of {whole[1, i]}, is the sum of the {series} other series"
            raise InputError(what, where=f"labels, series {i + 1}", remedy=TOTAL[1])
    whole.setflags(write=False)
    return whole[0], whole[1], names


def _both(events: Any) -> tuple[Any, Any]:
    """Events and totals out of what has both: a table, or a mapping, with such columns."""
    table = as_table(events)
    names = {str(name): name for name in events} if isinstance(events, Mapping) else {}
    names = dict(zip(table[0], table[0], strict=True)) if table is not None else names
    found = [name for name in ("total", "totals") if name in names]
    if "events" in names and len(found) == 1:
        if table is None or hasattr(events, "iloc") or hasattr(events, "data_vars"):  # these keep their labels
            return events[names["events"]], events[names[found[0]]]
        rows = list(table[1])
        return tuple([row[table[0].index(name)] for row in rows] for name in ("events", found[0]))  # type: ignore[return-value]
    if table is not None and len(names) != 1:
        what = f"a table with the columns {', '.join(list(names)[:8])}"
        raise InputError(what, where="events", remedy="Name the columns of counts 'events' and 'total', or give both")
    return events, None


def _named(
    columns: Mapping[str, Column], labels: Any, index: list[Any] | None, size: int
) -> tuple[range | list[int], tuple[str, ...]]:
    """In which order the series stand, and their names."""
    if labels is None:
        return range(size), _names([None] * size if index is None else index)
    given = as_column(labels, "labels")
    if len(given.values) != size:
        what = f"{len(given.values)} labels for {size} series"
        raise InputError(what, where="labels", remedy="Give one for each series")
    names = given.values
    if given.labels is not None:  # a column of names, which has its own labels
        names = aligned({"events": columns["events"], "labels": given}, "labels")[0]["labels"]
    if index is not None and given.labels is None and names != index:
        if Counter(map(repr, names)) == Counter(map(repr, index)) and len(set(index)) == size:
            place = {label: i for i, label in enumerate(index)}
            return [place[name] for name in names], _names(names)
        if any(one.labels != columns["events"].labels for one in columns.values()):
            what = "events and totals come in two orders, and the labels are those of neither"
            raise InputError(what, where="labels", remedy="Leave them out, or give the labels of the events")
    return range(size), _names(names)


def _names(labels: Sequence[Any]) -> tuple[str, ...]:
    """Labels as texts; a series without one is told by its place."""
    texts = (" / ".join(map(str, one)) if isinstance(one, tuple) else one for one in labels)
    return tuple(f"series {i}" if is_missing(one) else str(one) for i, one in enumerate(texts, 1))


class NotWhole(NamedTuple):
    """Why a value is no whole number, and the way out."""

    what: str
    remedy: str


_NO_TOTAL = NotWhole("no total", "Give the totals too, or texts such as '20/21'")


def _checked_pair(event: Any, total: Any, place: str) -> tuple[int, int]:
    """Events and total of a series; a text such as "12/61" has both."""
    both = as_ratio(event)
    y = as_whole(event) if both is None else both[0]
    if isinstance(y, NotWhole):
        pairs = [as_ratio(one) for one in re.split(r"[\s,;]+", event)[:4]] if isinstance(event, str) else []
        remedy = y.remedy
        if len(pairs) > 1 and None not in pairs:  # as the command line takes them
            events, totals = (list(one) for one in zip(*filter(None, pairs), strict=True))
            remedy = f"Give events and totals as two lists, such as pool({events}, {totals})"
        raise InputError(y.what, where=f"events, {place}", remedy=remedy)
    if total is _NO_TOTAL or (both is not None and is_missing(total)):
        n: int | NotWhole = _NO_TOTAL if both is None else both[1]
    else:
        n = as_whole(total)
    if isinstance(n, NotWhole):
        raise InputError(n.what, where=f"totals, {place}", remedy=n.remedy)
    if both is not None and n != both[1]:
        what = f"{shown(event)} beside a total of {n}"
        raise InputError(what, where=place, remedy="Give the number of events alone, or the right total")
    if n < 1:
        raise InputError(f"a total of {n}", where=place, remedy="Leave a series without fetuses out")
    if n > LARGEST_TOTAL:
        raise InputError(f"a total of {n}", where=place, remedy=f"The largest total taken is {LARGEST_TOTAL:,}")
    if y < 0:
        raise InputError(f"{y} events", where=place, remedy="Give 0 or more")
    if y > n:
        what = f"{y} events of {n}"
        raise InputError(what, where=place, remedy="Events cannot exceed the total; are they swapped?")
    return y, n


def as_ratio(value: Any) -> tuple[int, int] | None:
    """Events and total of a text such as "12/61"; None for anything else."""
    match = _RATIO.fullmatch(value) if isinstance(value, str) else None
    return (int(match[1]), int(match[2])) if match else None


def is_missing(value: Any) -> bool:
    """Whether a value says that there is none: None, a masked one, NaN, NaT, a text that is empty or says so."""
    if value is None or isinstance(value, str):
        return value is None or not value.strip() or re.fullmatch(MISSING, value) is not None
    if isinstance(value, np.ma.MaskedArray):
        return value.ndim == 0 and bool(np.all(np.ma.getmaskarray(value)))
    if isinstance(value, (np.datetime64, np.timedelta64)):
        return bool(np.isnat(value))
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, (float, np.floating)):
        return bool(np.isnan(value))
    return type(value).__name__ in ("NAType", "NaTType")


def as_whole(value: Any) -> int | NotWhole:
    """The whole number that a value is, or why it is none: one rule for lists, frames, tables and texts."""
    if type(value) is int:
        return value if abs(value) <= _LARGEST_READ else _too_large(value)
    if is_missing(value):
        return NotWhole("a missing count", "Give it, or leave the series out")
    value = _unpacked(value)
    if isinstance(value, str):
        return _whole_of_text(value)
    if isinstance(value, (datetime.date, datetime.time, np.datetime64)):
        remedy = "Give events and total apart: programs take 3/20 for a date"
        return NotWhole(f"{shown(value)} is a date, not a count", remedy)
    if isinstance(value, (bool, np.bool_, np.timedelta64)):
        return _not_whole(value)
    if isinstance(value, numbers.Integral):
        number = int(value)
    elif isinstance(value, (float, np.floating)) and value.is_integer():
        kind: Any = type(value)
        if abs(float(value)) > _LARGEST_READ:
            return _too_large(value)
        if abs(float(value)) >= 2.0 ** int(np.finfo(kind).nmant + 1):
            return NotWhole(f"{shown(value)} may be rounded: a {kind.__name__} is not exact there", "Give integers")
        number = int(value)
    elif isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 16 and value % 1 == 0:
        number = int(value)
    elif isinstance(value, numbers.Rational) and value.denominator == 1:
        number = int(value.numerator)
    else:
        return _not_whole(value)
    return number if abs(number) <= _LARGEST_READ else _too_large(value)


def _unpacked(value: Any) -> Any:
    """The one item of what wraps it: Arrow's scalars, arrays and tensors of no dimension."""
    if isinstance(value, (np.generic, str, numbers.Number, Decimal)):
        return value
    if callable(getattr(value, "as_py", None)):
        return value.as_py()
    if getattr(value, "ndim", None) == 0 and hasattr(value, "__array__"):
        return np.asarray(value)[()]
    return value


def _whole_of_text(text: str) -> int | NotWhole:
    plain = text.strip()
    if match := _WHOLE_TEXT.fullmatch(plain):
        return int(match[1])
    if re.fullmatch(r"[0-9]{1,3}(?:[.,' \u00a0\u2009\u202f][0-9]{3})+", plain):
        return NotWhole(f"{shown(text)} may be thousands or a fraction", "Write the digits alone, such as 1234")
    return _not_whole(text)


def _too_large(value: Any) -> NotWhole:
    return NotWhole(f"{shown(value)} is too large", f"The largest number taken is {_LARGEST_READ:,}")


def _not_whole(value: Any) -> NotWhole:
    return NotWhole(f"{shown(value)} is not a whole number", "Give a count, such as 20")


def shown(value: Any) -> str:
    """A value as an error shows it, short."""
    try:
        return repr(str(value)[:60])
    except Exception:  # numbers of thousands of digits, and objects that cannot say what they are
        return f"a {type(value).__name__}"
