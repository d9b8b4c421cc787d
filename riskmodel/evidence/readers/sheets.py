"""The one door for tables: a file of text, a workbook, a data frame, or rows.

What a file is, is seen from how it begins; a name that says otherwise is told. All tables pass the same checks
afterwards, so a fault is told alike: the sheet, row and cell that a program shows.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from riskmodel._support import columns
from riskmodel._support.checks import as_whole, is_missing
from riskmodel._support.files import as_path, read_once
from riskmodel.errors import EvidenceError, InputError
from riskmodel.evidence.manifest import MOST_BYTES
from riskmodel.evidence.readers.tables import Table, Told
from riskmodel.evidence.readers.text import MOST_ROWS, Faults, read_delimited
from riskmodel.evidence.workbooks.kinds import LOCKED, WORKBOOKS, Kind, kind_of
from riskmodel.evidence.workbooks.read import read_workbook


class File(NamedTuple):
    """A file in memory: its name, for its ending, and its bytes."""

    name: str
    content: bytes


_GIVE = "Give a CSV file, a workbook (.xlsx, .xlsm, .ods, .xls), a data frame, or rows"


def as_table(
    table: Any, *, required: Sequence[str], optional: Sequence[str] = (), sheet: str | None = None, hidden: bool = False
) -> Table:
    """A table as it was brought; its cells are not looked at yet.

    `required` and `optional` are its columns: they tell which sheet it is, what stands between cells, and what of the
    index of a data frame is a column. `sheet` names one of a workbook; `hidden` asks for hidden rows and columns as well.
    """
    if isinstance(table, (str, Path)):
        path = as_path(table, "counts")
        if not str(table).strip():
            raise InputError("an empty name in place of a table", where="counts", remedy=_GIVE)
        if path.is_dir():
            raise InputError("a folder, not a table", where=str(table), remedy="Give a CSV file or a workbook")
        table = File(path.name, _read(path))
    if isinstance(table, File):
        name, raw = table
        kind = _kind(name, raw)
        if kind in WORKBOOKS:
            assert kind is not None
            return read_workbook(name, raw, kind, required=required, optional=optional, sheet=sheet, hidden=hidden)
        found = _text(name, raw, [*required, *optional])
    else:
        found = _in_memory(table, [*required, *optional])
    if sheet is not None or hidden:
        what = f"{found.name} has no sheets" if sheet is not None else f"nothing of {found.name} can be hidden"
        raise InputError(what, where="hidden" if sheet is None else "sheet", remedy="Leave it out")
    return found


def _in_memory(table: Any, known: Sequence[str]) -> Table:
    """A data frame of any maker, or rows."""
    if (frame := columns.as_table(table, known)) is not None:
        return _rows("the data frame", *frame)
    if isinstance(table, Iterable) and not isinstance(table, (bytes, Mapping)):
        try:
            rows = [_named_cells(one) for one in islice(table, MOST_ROWS + 2)]
        except Exception:  # an object that says it can be gone through, and cannot
            rows = [None]
        if None not in rows:
            header = list(dict.fromkeys(str(name) for one in rows if one for name in one))
            return _rows("the rows", header, ([(one or {}).get(name) for name in header] for one in rows))
    what = f"{type(table).__name__} is not a table"
    raise InputError(what, where="counts", remedy=f"{_GIVE}: a list of dictionaries")


def _named_cells(row: Any) -> Mapping[str, Any] | None:
    """A row by the names of its columns: a mapping, or what a database's driver gives."""
    if not isinstance(row, Mapping) and hasattr(row, "keys") and hasattr(row, "__getitem__"):
        row = {name: row[name] for name in row.keys()}  # noqa: SIM118, a sqlite3.Row gives its values instead
    return {str(name): cell for name, cell in row.items()} if isinstance(row, Mapping) else None


def _read(path: Path) -> bytes:
    """A file's bytes, or why there are none."""
    try:
        raw = read_once(path, MOST_BYTES)
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path), remedy=_GIVE) from None
    except (OSError, ValueError) as error:
        what = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InputError(what, where=str(path), remedy=_GIVE) from None
    if len(raw) > MOST_BYTES:
        what = f"more than {MOST_BYTES:,} bytes, too large for a table of counts"
        raise InputError(what, where=str(path), remedy="Is this another file?")
    return raw


def _kind(name: str, raw: bytes) -> Kind | None:
    """What a file is where it is not text; refused where its name says otherwise."""
    stem, suffix = Path(name).stem, Path(name).suffix.lower()
    kind = kind_of(raw, suffix)
    if kind is not None and suffix not in kind.suffixes:
        named = "" if kind is LOCKED or not suffix else f" under the name {suffix}"
        remedy = f"Rename it to {stem}{kind.suffixes[0]}" if kind.suffixes else kind.remedy
        raise InputError(kind.what + named, where=name, remedy=remedy)
    if kind is None and raw and any(suffix in one.suffixes for one in WORKBOOKS):
        what = f"text or another file, not a workbook, under the name {suffix}"
        raise InputError(what, where=name, remedy=f"If it is CSV, rename it to {stem}.csv; or save it again")
    return kind


def _text(name: str, raw: bytes, known: Sequence[str]) -> Table:
    faults = Faults()
    found = read_delimited(name, {name: raw}, faults, known)
    if found is None:
        raise EvidenceError(faults.problems, where=name)
    return found


def _rows(name: str, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> Table:
    cells = ([_cell(one) for one in line] for line in islice(lines, MOST_ROWS + 1))
    return Table(name, [(1, list(header)), *enumerate(cells, 2)])


def _cell(value: Any) -> str | Told:
    """A cell as a text file would hold it, or told where it cannot."""
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    # Spreadsheets, databases and data frames with gaps keep whole numbers as 20.0.
    if isinstance(number := as_whole(value), int):
        return str(number)
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.timedelta64)) and math.isfinite(value):
        return repr(float(value)) if not isinstance(value, numbers.Integral) else str(int(value))
    return Told(repr(value), f"a {type(value).__name__}, not a text or a number", "Write it as text")
