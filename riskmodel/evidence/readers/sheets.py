"""The one door for tables: a file of text, a workbook, a data frame, or rows.

What a file is, is seen from how it begins; a name that says otherwise is told. All tables pass the same checks
afterwards, so a fault is told alike: the sheet, row and cell that a program shows.
"""

from __future__ import annotations

import csv
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from riskmodel.errors import EvidenceError, InputError
from riskmodel.evidence.readers.tables import Table, Told, delimited
from riskmodel.evidence.readers.text import MOST_BYTES, Faults, read_text
from riskmodel.evidence.workbooks.kinds import LOCKED, WORKBOOKS, Kind, kind_of
from riskmodel.evidence.workbooks.read import read_workbook

_GIVE = "Give a CSV file, a workbook (.xlsx, .xlsm, .ods, .xls), a data frame, or rows"


def as_table(
    table: Any, *, required: Sequence[str], optional: Sequence[str] = (), sheet: str | None = None, hidden: bool = False
) -> Table:
    """A table as it was brought; its cells are not looked at yet.

    `required` and `optional` are its columns: they tell which sheet it is, and what stands between cells. `sheet` names
    one of a workbook; `hidden` asks for hidden rows and columns as well.
    """
    if isinstance(table, (str, Path)):
        path = Path(table).expanduser()
        if path.is_dir() or not str(table).strip():
            raise InputError("a folder, not a table", where=str(table), remedy="Give a CSV file or a workbook")
        raw, kind = _begun(path)
        if kind in WORKBOOKS:
            assert kind is not None
            return read_workbook(
                path.name, raw, kind, required=required, optional=optional, sheet=sheet, hidden=hidden
            )  # fmt: skip
        found = _text(path, [*required, *optional])
    elif hasattr(table, "to_dict") and hasattr(table, "columns"):
        found = _rows("the data frame", list(map(str, table.columns)), table.itertuples(index=False, name=None))
    elif (
        isinstance(table, Sequence) and not isinstance(table, bytes) and all(isinstance(one, Mapping) for one in table)
    ):
        header = list(dict.fromkeys(str(name) for one in table for name in one))
        found = _rows("the rows", header, ([one.get(name) for name in header] for one in table))
    else:
        raise InputError(f"{type(table).__name__} is not a table", where="counts", remedy=_GIVE)
    if sheet is not None or hidden:
        what = f"{found.name} has no sheets" if sheet is not None else f"nothing of {found.name} can be hidden"
        raise InputError(what, where="hidden" if sheet is None else "sheet", remedy="Leave it out")
    return found


def _begun(path: Path) -> tuple[bytes, Kind | None]:
    """A file's bytes, and what it is where it is not text; refused where its name says otherwise."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MOST_BYTES else b""
    except FileNotFoundError:
        raise InputError("the file is missing", where=str(path), remedy=_GIVE) from None
    except (OSError, ValueError) as error:
        what = f"the file cannot be read: {getattr(error, 'strerror', None) or error}"
        raise InputError(what, where=str(path), remedy=_GIVE) from None
    if size > MOST_BYTES:
        what = f"{size:,} bytes, too large for a table of counts"
        raise InputError(what, where=str(path), remedy=f"At most {MOST_BYTES:,}; is this another file?")
    suffix = path.suffix.lower()
    kind = kind_of(raw, suffix)
    if kind is not None and suffix not in kind.suffixes:
        named = "" if kind is LOCKED or not suffix else f" under the name {suffix}"
        remedy = f"Rename it to {path.stem}{kind.suffixes[0]}" if kind.suffixes else kind.remedy
        raise InputError(kind.what + named, where=path.name, remedy=remedy)
    if kind is None and raw and any(suffix in one.suffixes for one in WORKBOOKS):
        what = f"text or another file, not a workbook, under the name {suffix}"
        raise InputError(what, where=path.name, remedy=f"If it is CSV, rename it to {path.stem}.csv; or save it again")
    return raw, kind


def _text(path: Path, known: Sequence[str]) -> Table:
    faults = Faults()
    text = read_text(path, faults) or ""
    try:
        found = delimited(path.name, text, known)
    except csv.Error as error:
        what, row = error.args
        faults.add(path.name, f"the CSV is malformed: {what}", "Check the double quotes; is the file cut off?", row=row)
    if faults.problems:
        raise EvidenceError(faults.problems, where=path.name)
    return found


def _rows(name: str, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> Table:
    return Table(
        name, [(1, list(header)), *((number, [_cell(one) for one in line]) for number, line in enumerate(lines, 2))]
    )


def _cell(value: Any) -> str | Told:
    """A cell as a text file would hold it, or told where it cannot."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or math.isinf(value):
        return Told(repr(value), f"a {type(value).__name__}, not a text or a number", "Write it as text")
    number = float(value)
    if math.isnan(number):
        return ""  # how a data frame writes an empty cell
    # Spreadsheets and data frames with gaps keep whole numbers as 20.0.
    return str(int(number)) if number.is_integer() else repr(number)
