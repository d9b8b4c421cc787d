"""Tables of counts from wherever an analyst keeps them, as CSV text: a CSV file, an Excel sheet, a data frame, or rows.

All of them pass the same checks afterwards, so a fault is told alike: the row that a spreadsheet shows, column and cell.
"""

from __future__ import annotations

import csv
import io
import math
import numbers
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from riskmodel._support.checks import as_whole, is_missing
from riskmodel._support.columns import as_table
from riskmodel.errors import EvidenceError, InputError, UnavailableError
from riskmodel.evidence.readers.text import MOST_BYTES, MOST_ROWS, Faults, read_text

EXCEL = (".xlsx", ".xlsm")


def as_sheet(table: Any, known: Collection[str] = ()) -> tuple[str, str]:
    """What to call a table in a fault, and its CSV text with a header; its cells are not looked at yet.

    Where the index of a data frame has the name of a `known` column, it is that column.
    """
    if isinstance(table, (str, Path)):
        path = Path(table).expanduser()
        if path.is_dir() or not str(table).strip():
            raise InputError("a folder, not a table", where=str(table), remedy="Give a CSV or Excel file")
        return _excel(path) if path.suffix.lower() in EXCEL else _text(path)
    if (frame := as_table(table, known)) is not None:
        return _rows("the data frame", *frame)
    if isinstance(table, Iterable) and not isinstance(table, (bytes, Mapping)):
        rows = [_named_cells(one) for one in islice(table, MOST_ROWS + 2)]
        if None not in rows:
            header = list(dict.fromkeys(str(name) for one in rows if one for name in one))
            return _rows("the rows", header, ([(one or {}).get(name) for name in header] for one in rows))
    remedy = "Give a CSV or Excel file, a data frame, or rows: a list of dictionaries"
    raise InputError(f"{type(table).__name__} is not a table", where="counts", remedy=remedy)


def _named_cells(row: Any) -> Mapping[str, Any] | None:
    """A row by the names of its columns: a mapping, or what a database's driver gives."""
    if not isinstance(row, Mapping) and hasattr(row, "keys") and hasattr(row, "__getitem__"):
        row = {name: row[name] for name in row.keys()}  # noqa: SIM118, a sqlite3.Row gives its values instead
    return {str(name): cell for name, cell in row.items()} if isinstance(row, Mapping) else None


def _text(path: Path) -> tuple[str, str]:
    faults = Faults()
    text = read_text(path, faults)
    if text is None:
        # A missing table is not a file of a finding's folder.
        remedy = "Give the path of a CSV or Excel file"
        told = [replace(one, remedy=remedy) if one.what == "the file is missing" else one for one in faults.problems]
        raise EvidenceError(told, where=str(path))
    return path.name, text


def _excel(path: Path) -> tuple[str, str]:
    try:
        from openpyxl import load_workbook
    except ImportError:
        remedy = "pip install openpyxl, or save the sheet as CSV"
        raise UnavailableError("openpyxl is not installed", where=str(path), remedy=remedy) from None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError("too large for a table of counts", where=str(path), remedy="Is this another file?")
        # Formulas are not computed: a cell that holds one is told as such, like one in a CSV.
        book = load_workbook(path, read_only=True, data_only=False)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise InputError(what, where=str(path), remedy="Give an Excel file") from None
    except InputError:
        raise
    except Exception:
        # openpyxl has no error of its own for a file that only bears the name.
        raise InputError("not an Excel workbook", where=str(path), remedy="Save it as .xlsx or as CSV") from None
    try:
        lines = [list(row) for row in islice(book.worksheets[0].iter_rows(values_only=True), MOST_ROWS + 2)]
    except Exception:
        raise InputError("a damaged Excel workbook", where=str(path), remedy="Save it again, or as CSV") from None
    finally:
        book.close()
    while lines and all(cell is None for cell in lines[-1]):
        lines.pop()
    header = [str(cell).strip() if cell is not None else "" for cell in lines[0]] if lines else []
    while header and not header[-1]:
        header.pop()
    for line in lines[1:]:
        extra = [cell for cell in line[len(header) :] if cell is not None]
        del line[len(header) :]
        line += extra  # a cell beyond the header makes the row too long, which is told
    return _rows(path.name, header, lines[1:])


def _rows(name: str, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> tuple[str, str]:
    faults = Faults()
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow(header)
    for number, line in enumerate(lines, 2):
        cells = []
        for i, value in enumerate(line):
            column = header[i] if i < len(header) else ""
            cell = _cell(value)
            if cell is None:
                what = f"a {type(value).__name__}, not a text or a number"
                faults.add(name, what, "Write it as text", row=number, column=column, found=repr(value))
            cells.append(cell or "")
        writer.writerow(cells if any(cells) or len(cells) != 1 else ['""'])
    if faults.problems:
        raise EvidenceError(faults.problems, where=name)
    return name, out.getvalue()


def _cell(value: Any) -> str | None:
    """A cell as a text file would hold it; None where it cannot."""
    if is_missing(value):
        return value if isinstance(value, str) else ""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_, np.timedelta64)):
        return None
    # Spreadsheets, databases and data frames with gaps keep whole numbers as 20.0.
    if isinstance(number := as_whole(value), int):
        return str(number)
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return repr(float(value)) if not isinstance(value, numbers.Integral) else str(int(value))
    return None
