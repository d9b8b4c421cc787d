"""Tables of counts from wherever an analyst keeps them, as CSV text: a CSV file, an Excel sheet, a data frame, or rows.

All of them pass the same checks afterwards, so a fault is told alike: the row that a spreadsheet shows, column and cell.
"""

from __future__ import annotations

import csv
import io
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from riskmodel.errors import EvidenceError, InputError, Problem, UnavailableError
from riskmodel.evidence.readers.text import MOST_BYTES, MOST_ROWS, Faults, read_text

EXCEL = (".xlsx", ".xlsm")


class Sheet(NamedTuple):
    """A table as text."""

    name: str  # what to call it in a fault
    text: str  # CSV, with a header


def as_sheet(table: Any) -> Sheet:
    """A table as CSV text; its cells are not looked at yet."""
    if isinstance(table, (str, Path)):
        path = Path(table).expanduser()
        if path.is_dir() or not str(table).strip():
            raise InputError("a folder, not a table", where=str(table), remedy="Give a CSV or Excel file")
        return _excel(path) if path.suffix.lower() in EXCEL else _text(path)
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        return _rows("the data frame", list(map(str, table.columns)), table.itertuples(index=False, name=None))
    if isinstance(table, Sequence) and not isinstance(table, bytes) and all(isinstance(one, Mapping) for one in table):
        header = list(dict.fromkeys(str(name) for one in table for name in one))
        return _rows("the rows", header, ([one.get(name) for name in header] for one in table))
    raise InputError(
        f"{type(table).__name__} is not a table",
        where="counts",
        remedy="Give a CSV or Excel file, a data frame, or rows",
    )


def _text(path: Path) -> Sheet:
    faults = Faults()
    text = read_text(path, faults)
    if text is None:
        raise EvidenceError([_of_file(one) for one in faults.problems], where=str(path))
    return Sheet(path.name, text)


def _of_file(problem: Problem) -> Problem:
    """A missing table is not a file of a finding's folder."""
    missing = problem.what == "the file is missing"
    return replace(problem, remedy="Give the path of a CSV or Excel file") if missing else problem


def _excel(path: Path) -> Sheet:
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UnavailableError(
            "openpyxl is not installed", where=str(path), remedy="pip install openpyxl, or save the sheet as CSV"
        ) from None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError("too large for a table of counts", where=str(path), remedy="Is this another file?")
        # Formulas are not computed: a cell that holds one is told as such, like one in a CSV.
        book = load_workbook(path, read_only=True, data_only=False)
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror or error}", where=str(path), remedy="Give an Excel file"
        ) from None
    except InputError:
        raise
    except Exception:
        # openpyxl has no error of its own for a file that only bears the name.
        raise InputError("not an Excel workbook", where=str(path), remedy="Save it as .xlsx or as CSV") from None
    try:
        lines = [
            list(row)
            for row, _ in zip(book.worksheets[0].iter_rows(values_only=True), range(MOST_ROWS + 2), strict=False)
        ]
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


def _rows(name: str, header: Sequence[str], lines: Iterable[Sequence[Any]]) -> Sheet:
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
    return Sheet(name, out.getvalue())


def _cell(value: Any) -> str | None:
    """A cell as a text file would hold it; None where it cannot."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real) and math.isnan(value):
        return ""  # how a data frame writes an empty cell
    if isinstance(value, numbers.Real) and math.isfinite(value):
        number = float(value)
        # Spreadsheets and data frames with gaps keep whole numbers as 20.0.
        return str(int(number)) if number.is_integer() else repr(number)
    return None
