"""Files of a finding's folder as text tables, with every fault collected rather than raised at the first.

What a spreadsheet leaves behind without changing a value, a byte order mark and CRLF line ends, is accepted. Anything
that could change one is refused: another encoding, a formula, a row of the wrong length.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from riskmodel._support.checks import LARGEST_TOTAL
from riskmodel.errors import Problem, closest

#: A finding is a few hundred rows; more is another file passed by mistake, and is not read to its end.
MOST_ROWS = 20_000
#: Bytes of one file; the shipped ones have some 20,000.
MOST_BYTES = 5_000_000
#: How a cell begins that a spreadsheet would run (OWASP, "CSV injection").
_FORMULA = ("=", "+", "@", "\t", "\r")


@dataclass
class Faults:
    """Problems found so far, in the order of reading."""

    problems: list[Problem] = field(default_factory=list)

    def add(
        self,
        file: str,
        what: str,
        remedy: str,
        *,
        row: int | None = None,
        column: str | None = None,
        found: object = "",
    ) -> None:
        """Note a problem."""
        self.problems.append(Problem(file, row, column, str(found), what, remedy))

    def unknown(
        self,
        file: str,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        row: int | None = None,
        column: str | None = None,
    ) -> None:
        """Note a name that nobody knows, with the nearest one that exists."""
        names = list(known)
        near = closest(name, names)
        hint = f"Did you mean {near!r}? " if near else ""
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        self.add(file, f"unknown {kind}", f"{hint}Known: {listed or 'none'}", row=row, column=column, found=name)


def read_text(path: Path, faults: Faults) -> str | None:
    """A file as text, or None with a problem noted."""
    name = path.name
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            faults.add(name, f"{size:,} bytes", f"Such a file has at most {MOST_BYTES:,}; is this another file?")
            return None
        raw = path.read_bytes()
    except FileNotFoundError:
        faults.add(
            name, "the file is missing", "A finding's folder has finding.toml, sources.csv, counts.csv and workup.toml"
        )
        return None
    except OSError as error:
        faults.add(name, f"the file cannot be read: {error.strerror or error}", "Check that it is a file you may read")
        return None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
        faults.add(name, "the file is not UTF-8 text", "Save it as UTF-8 ('CSV UTF-8' in a spreadsheet), not as UTF-16")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        found = raw[max(0, error.start - 20) : error.start + 10].decode("latin-1")
        faults.add(
            name, "the file is not UTF-8 text", "Save it as UTF-8; this looks like Latin-1", row=row, found=found
        )
        return None


@dataclass(frozen=True)
class Row:
    """One line of a CSV file: its number as a spreadsheet shows it, and its cells by column."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        """The cell, stripped; empty where the column is absent."""
        return self.cells.get(column, "")


def read_whole(file: str, row: Row, column: str, faults: Faults) -> int | None:
    """Read a count from a cell, or None with a problem noted."""
    text = row[column]
    if re.fullmatch(r"[0-9]{1,10}", text) and int(text) <= LARGEST_TOTAL:
        return int(text)
    if not text:
        what, remedy = "empty", "Give a whole number; leave the row out if the source does not report it"
    elif re.fullmatch(r"-[0-9]+", text):
        what, remedy = "a negative count", "Give 0 or more"
    elif re.fullmatch(r"[0-9]*\.[0-9]+|[0-9]+\.[0-9]*", text):
        what, remedy = "a fraction", "Give the whole number of fetuses, not a share"
    elif re.fullmatch(r"[0-9]+", text):
        what, remedy = "too large", f"The largest count taken is {LARGEST_TOTAL:,}"
    else:
        what, remedy = "not a whole number", "Give the digits 0 to 9 only, such as 20"
    faults.add(file, what, remedy, row=row.number, column=column, found=text)
    return None


class Column(NamedTuple):
    """A column of a CSV file, as a data package describes it."""

    meaning: str
    kind: str = "string"  # as Table Schema names it
    limits: Mapping[str, Any] = {}
    optional: bool = False  # whether the header may lack it


def header(columns: Mapping[str, Column]) -> dict[str, list[str]]:
    """Columns that a header must have and those that it may, as `read_csv` takes them."""
    return {
        "required": [name for name, one in columns.items() if not one.optional],
        "optional": [name for name, one in columns.items() if one.optional],
    }


def read_csv(path: Path, faults: Faults, *, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Rows of a CSV file with a header."""
    text = read_text(path, faults)
    return [] if text is None else read_csv_text(path.name, text, faults, required=required, optional=optional)


def read_csv_text(
    name: str, text: str, faults: Faults, *, required: Sequence[str], optional: Sequence[str] = ()
) -> list[Row]:
    """Rows of CSV text with a header."""
    known = [*required, *optional]
    text = text.replace("\r\n", "\n")
    if not text.strip():
        faults.add(name, "the file is empty", f"Give a header line: {','.join(required)}")
        return []
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        header = [cell.strip() for cell in next(reader)]
        if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
            faults.add(
                name, "columns are not separated by commas", "Save it as comma-separated CSV", row=1, found=header[0]
            )
            return []
        for column in required:
            if column not in header:
                near = closest(column, header)
                hint = f"Is {near!r} meant? " if near and near not in known else ""
                faults.add(name, f"column {column!r} is missing", f"{hint}Add it to the header", row=1, column=column)
        for column in dict.fromkeys(header):
            if column not in known:
                faults.unknown(name, "column", column, known, row=1, column=column)
            if header.count(column) > 1:
                faults.add(name, "the column appears twice", "Keep one of them", row=1, column=column)
        start = reader.line_num + 1
        for cells in reader:
            number, start = start, reader.line_num + 1
            if len(rows) >= MOST_ROWS:
                remedy = "A table of published series has a few hundred; is this another file?"
                faults.add(name, f"more than {MOST_ROWS:,} rows", remedy, row=number)
                return []
            if not any(cell.strip() for cell in cells):
                if cells:
                    faults.add(name, "an empty row", "Delete it", row=number)
                continue
            if len(cells) != len(header):
                faults.add(
                    name,
                    f"{len(cells)} cells where the header has {len(header)}",
                    "Put a text that holds a comma in double quotes; is the file cut off?",
                    row=number,
                    found=",".join(cells),
                )
                continue
            rows.append(Row(number, _checked_cells(name, number, header, cells, faults)))
    except csv.Error as error:
        faults.add(
            name, f"the CSV is malformed: {error}", "Check the double quotes; is the file cut off?", row=reader.line_num
        )
        return []
    if not rows and not faults.problems:
        faults.add(name, "the file has a header and no rows", "Add at least one row")
    return rows


def _checked_cells(name: str, number: int, header: list[str], cells: list[str], faults: Faults) -> dict[str, str]:
    checked = {}
    for column, raw in zip(header, cells, strict=True):
        cell = raw.strip(" \n")
        if cell.startswith(_FORMULA) or (cell.startswith("-") and not _is_number(cell)):
            faults.add(
                name,
                "a formula, or text that a spreadsheet takes for one",
                "Give the value itself",
                row=number,
                column=column,
                found=cell,
            )
            cell = ""
        elif not cell.isprintable():
            faults.add(
                name, "a control character", "Give plain text on one line", row=number, column=column, found=repr(cell)
            )
            cell = ""
        checked[column] = cell
    return checked


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
