"""Columns and tables in memory, whoever's they are: their values, and the labels by which values belong together.

Lists, NumPy, pandas, xarray, and through narwhals polars, Arrow and whatever speaks one of their protocols. A value that is
missing stays so: behind a mask there is no number. What a value says is `checks`' to read.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from riskmodel.errors import InputError, UnavailableError

#: More series than any meta-analysis has; a longer list is a table passed by mistake.
MOST_SERIES = 100_000
_FLAT = "Give a flat list of whole numbers"


class Column(NamedTuple):
    """Values in order."""

    values: list[Any]
    labels: list[Any] | None = None  # one for each value; None where only its place tells a value
    axis: tuple[Any, ...] = ()  # what the labels are of: names of an index's levels, or of a dimension

    @property
    def numbered(self) -> bool:
        """Whether labels are none, or the places themselves."""
        # A data frame counts its rows so where nobody said more.
        return self.labels is None or all(type(one) is int and one == i for i, one in enumerate(self.labels))

    def unlabelled(self, names: Collection[str]) -> bool:
        """Whether only its place tells of which series a value is; series named by numbers are rows of a data frame."""
        return self.labels is None or (self.numbered and not all(map(str.isdigit, names)))


def as_column(values: Any, where: str) -> Column:
    """Values of whatever was passed, with their labels; one number is a column of one."""
    found = _as_column(values, where)
    if len(found.values) > MOST_SERIES:
        size = f"{len(values):,}" if hasattr(values, "__len__") else f"more than {MOST_SERIES:,}"
        raise InputError(f"{size} series", where=where, remedy=f"At most {MOST_SERIES:,} are taken at once")
    return found


def _as_column(values: Any, where: str) -> Column:
    if values is None or isinstance(values, (bytes, bytearray, memoryview, Set)):
        remedy = "Give a list, such as ['Elm', 'Oak']" if where == "labels" else "Give whole numbers, such as [20, 10]"
        raise InputError(f"{str(values)[:60]} is not a list", where=where, remedy=remedy)
    if isinstance(values, (list, tuple, range)):
        return Column(list(values))
    if isinstance(values, np.ndarray):
        return Column(_array(values, where))
    if isinstance(values, str):
        return Column([values])
    if _is(values, "pandas", "Series"):
        return _series(values)
    if _is(values, "xarray", "DataArray"):
        return _data_array(values, where)
    if (table := as_table(values)) is not None:
        header, rows = table
        if len(header) != 1:
            what = f"a table with the columns {_some(header, 8)}" if header else "a table without columns"
            raise InputError(what, where=where, remedy="Give one of its columns")
        if _is(values, "pandas", "DataFrame"):
            return _series(values.iloc[:, 0])
        return Column([row[0] for row in rows])
    if isinstance(values, Mapping):
        return Column(list(values.values()), list(values))
    return _other(values, where)


def _some(names: Sequence[str], most: int) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _other(values: Any, where: str) -> Column:
    index = getattr(values, "index", None)
    if index is not None and not callable(index):  # another's series, with labels that must not be lost
        for way in ("to_pandas", "_to_pandas", "compute"):
            if callable(getattr(values, way, None)):
                return _as_column(getattr(values, way)(), where)
        what = f"a {type(values).__name__} has labels that are not understood"
        raise InputError(what, where=where, remedy="Give it as a pandas Series, or as a list")
    if hasattr(values, "units") or hasattr(values, "unit"):
        what = f"a {type(values).__name__} with a unit, whose numbers may not mean what they say"
        raise InputError(what, where=where, remedy="Give plain whole numbers, such as [20, 10]")
    if callable(getattr(values, "compute", None)):
        # As it is made there may be a mask, which is lost on the way to NumPy.
        return _as_column(values.compute(), where)
    if callable(getattr(values, "to_pylist", None)):  # an array of Arrow
        return Column(values.to_pylist())
    if (one := _narwhals(values)) is not None:
        return Column(one.to_list())
    if hasattr(values, "__array__") and not isinstance(values, np.generic) and not _is(values, "pandas", "Index"):
        try:
            return Column(_array(np.asarray(values), where))
        except (TypeError, ValueError, RuntimeError) as error:
            what = f"a {type(values).__name__} that cannot be read: {error}"
            raise InputError(what, where=where, remedy=_FLAT) from None
    if isinstance(values, Iterable) and not isinstance(values, type):
        return Column(list(islice(values, MOST_SERIES + 1)))
    return Column([values])


def _array(values: np.ndarray[Any, Any], where: str) -> list[Any]:
    """Items of an array, a masked one as `numpy.ma.masked`."""
    if type(values) not in (np.ndarray, np.memmap) and not isinstance(values, np.ma.MaskedArray):
        what = f"a {type(values).__name__}, whose numbers may not mean what they say (units, masks)"
        raise InputError(what, where=where, remedy="Give plain whole numbers, such as [20, 10]")
    if values.ndim > 1:
        raise InputError(f"counts of shape {values.shape}", where=where, remedy=_FLAT)
    if values.dtype.names:
        what = f"a table with the columns {', '.join(values.dtype.names)}"
        raise InputError(what, where=where, remedy="Give one of its columns")
    flat = values.reshape(-1)
    return flat.tolist() if type(values) is np.ndarray and values.dtype.kind in "iu" else list(flat)


def _series(values: Any) -> Column:
    """A pandas Series; items of NumPy's kinds stay such, since a float32 is not any float."""
    items = list(values.to_numpy()) if isinstance(values.dtype, np.dtype) else list(values)
    return Column(items, values.index.tolist(), tuple(values.index.names))


def _data_array(values: Any, where: str) -> Column:
    if values.ndim > 1:
        raise InputError(f"counts of shape {values.shape}", where=where, remedy=_FLAT)
    if str(values.attrs.get("units", "")).strip().lower() in ("%", "percent"):
        raise InputError("percentages", where=where, remedy="Give whole numbers of fetuses")
    axis, data = tuple(values.dims), values.data
    items = _array(np.atleast_1d(data), where) if isinstance(data, np.ndarray) else _other(data, where).values
    return Column(items, values.indexes[axis[0]].tolist() if axis and axis[0] in values.indexes else None, axis)


def aligned(columns: Mapping[str, Column], where: str) -> tuple[dict[str, list[Any]], list[Any] | None]:
    """Values that belong together, by label where there are labels; and the labels, None where there are only places."""
    (first, one), *others = columns.items()
    together = {first: one.values}
    for name, other in others:
        _check_axes((first, one), (name, other), where)
        if one.labels is None or other.labels is None:
            labelled, bare = (name, first) if one.labels is None else (first, name)
            if not (one.numbered and other.numbered) and not len(one.values) == len(other.values) == 1:
                what = f"{labelled} have labels and {bare} have none, so that nobody knows which belong together"
                remedy = f"Give both with labels; or give {labelled} as a list too, if the order is the same"
                raise InputError(what, where=where, remedy=remedy)
            together[name] = other.values
        elif one.labels == other.labels:
            together[name] = other.values
        else:
            together[name] = _by_label((first, one), (name, other), where)
    # In the order of the first, whose labels may be its places while another's are these in another order.
    told = [column.labels for column in columns.values() if column.labels is not None]
    return together, told[0] if not all(column.numbered for column in columns.values()) else None


def _check_axes(one: tuple[str, Column], other: tuple[str, Column], where: str) -> None:
    pairs = list(zip(one[1].axis, other[1].axis, strict=False))
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        told = (f"{name} are by {', '.join(map(str, column.axis))}" for name, column in (one, other))
        raise InputError(" and ".join(told), where=where, remedy="Give both by the same labels, or as lists")


def _by_label(one: tuple[str, Column], other: tuple[str, Column], where: str) -> list[Any]:
    """The other's values in the order of the one's labels."""
    labels, theirs = one[1].labels or [], other[1].labels or []
    place = {label: i for i, label in enumerate(theirs)}
    for name, found in ((one[0], labels), (other[0], theirs)):
        if len(set(found)) < len(found):
            twice = next(label for label, many in Counter(found).items() if many > 1)
            what = f"the label {twice!r} of {name} appears twice, and the labels are not in one order"
            raise InputError(what, where=where, remedy="Give each label once")
    if set(labels) != set(theirs):
        missing = {one[0]: [repr(label) for label in labels if label not in place]}
        missing |= {other[0]: [repr(label) for label in theirs if label not in set(labels)]}
        only = [f"{_some(found, 5)} only in {name}" for name, found in missing.items() if found]
        what = f"{one[0]} and {other[0]} have different labels: {'; '.join(only)}"
        remedy = "Give both the same labels, or as lists if the order is the same"
        raise InputError(what, where=where, remedy=remedy)
    return [other[1].values[place[label]] for label in labels]


def as_table(table: Any, known: Collection[str] = ()) -> tuple[list[str], Iterable[Sequence[Any]]] | None:
    """Header and rows of a data frame of any maker; None where it is none. A `known` name of its index is a column."""
    if _is(table, "xarray", "Dataset"):
        table = table.to_dataframe()
    if _is(table, "pandas", "DataFrame"):
        levels = [one for one in table.index.names if one in known and one not in table.columns]
        header = [*levels, *map(str, table.columns)]
        if levels:
            table = table.reset_index(level=levels)
        return header, table.itertuples(index=False, name=None)
    if isinstance(table, (str, bytes, list, tuple, dict, np.ndarray, np.generic)):
        return None
    frame = _narwhals(table)
    if frame is None or not hasattr(frame, "iter_rows"):
        return None
    return list(frame.columns), frame.iter_rows()


def columns_of(table: Any, where: str) -> dict[str, Any] | None:
    """Columns of a table by name, each of its own kind and with its labels; None for what is one column or none.

    A data frame, an array with fields, a mapping of names to lists, or a list of mappings. A mapping to anything else is one
    column with labels.
    """
    if isinstance(table, np.ndarray) and table.dtype.names:
        return {name: table[name] for name in table.dtype.names}
    if _is(table, "xarray", "Dataset"):
        table = table.to_dataframe()
    if _is(table, "pandas", "DataFrame"):
        pairs = [(_name(name, where), table.iloc[:, i]) for i, name in enumerate(table.columns)]
    elif isinstance(table, Mapping):
        if not table or not all(_several(one) for one in table.values()):
            return None
        pairs = [(_name(name, where), one) for name, one in table.items()]
    elif isinstance(table, (list, tuple)) and table and all(isinstance(one, Mapping) for one in table):
        if any(one.keys() != table[0].keys() for one in table):
            what = "rows that do not name the same columns"
            raise InputError(what, where=where, remedy="Give each row the same names")
        pairs = [(_name(name, where), [row[name] for row in table]) for name in table[0]]
    elif isinstance(table, (str, bytes, list, tuple, np.ndarray, np.generic)) or as_table(table) is None:
        return None
    else:
        frame = _narwhals(table)
        pairs = [(name, frame[name].to_native()) for name in frame.columns]
    twice = [name for name, many in Counter(name for name, _ in pairs).items() if many > 1]
    if twice:
        raise InputError(f"two columns are called {twice[0][:60]}", where=where, remedy="Give each its own name")
    return dict(pairs)


def _name(name: Any, where: str) -> str:
    try:
        return str(name)
    except Exception:  # what no name is
        what = f"a column is named by a {type(name).__name__}"
        raise InputError(what, where=where, remedy="Name columns by texts") from None


def _several(values: Any) -> bool:
    """Whether something is a column, and not one label."""
    return not isinstance(values, (str, bytes, tuple, Set, Mapping)) and hasattr(values, "__len__")


def _narwhals(values: Any) -> Any:
    """A frame or series as narwhals knows it, None where it is neither; loaded only for what speaks a protocol."""
    protocols = ("__arrow_c_stream__", "__dataframe__", "__narwhals_series__", "__narwhals_dataframe__")
    lazy = ("__narwhals_lazyframe__", "collect", "to_arrow_table")
    if isinstance(values, type) or not any(hasattr(values, name) for name in (*protocols, *lazy)):
        return None
    import narwhals as nw

    try:
        found = nw.from_native(values, allow_series=True)
    except TypeError:
        return _by_protocol(values)
    if not isinstance(found, nw.LazyFrame):
        return found
    try:
        return found.collect()
    except Exception as error:  # a query that fails, which each maker tells by errors of its own
        what = f"a {type(values).__name__} that cannot be worked out: {str(error).partition(chr(10))[0]:.200}"
        raise InputError(what, where="counts", remedy="Give it collected, as a data frame") from None


def _by_protocol(values: Any) -> Any:
    """What narwhals does not know but can be handed over: by an Arrow stream, or by the interchange of data frames."""
    import narwhals as nw

    if hasattr(values, "__arrow_c_stream__"):
        for backend in ("polars", "pyarrow"):
            try:
                return nw.from_arrow(values, backend=backend)
            except ImportError:
                continue
            except Exception:  # a stream of one column, which each refuses with an error of its own
                return _streamed(values, backend)
    if hasattr(values, "__dataframe__"):
        import warnings

        from pandas.api.interchange import from_dataframe

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas would have Arrow instead, for which it needs another package
            return nw.from_native(from_dataframe(values))
    if hasattr(values, "__arrow_c_stream__"):
        what = f"a {type(values).__name__} comes by Arrow, for which neither polars nor pyarrow is installed"
        raise UnavailableError(what, where="counts", remedy="pip install polars, or give a pandas data frame or rows")
    return None


def _streamed(values: Any, backend: str) -> Any:
    import importlib

    import narwhals as nw

    made = {"polars": "Series", "pyarrow": "chunked_array"}[backend]
    try:
        return nw.from_native(getattr(importlib.import_module(backend), made)(values), series_only=True)
    except Exception as error:
        what = f"a {type(values).__name__} that cannot be read by Arrow: {error}"
        raise InputError(what, where="counts", remedy="Give a list, or a pandas or polars data frame") from None


def _is(value: Any, package: str, kind: str) -> bool:
    """Whether a value is of another package's class, without importing that."""
    known = getattr(sys.modules.get(package), kind, None)
    return known is not None and isinstance(value, known)
