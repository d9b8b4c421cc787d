"""Rows of a table by column, with every fault collected rather than raised at the first.

What a spreadsheet leaves behind without changing a value is accepted: byte order marks, CRLF line ends, other signs
between cells, blank rows and columns around the table, no-break spaces, 12.0 for 12. Anything that could change one is
refused: another encoding, a formula, a row of the wrong length.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from riskmodel._support.checks import LARGEST_TOTAL
from riskmodel.errors import Problem, closest
from riskmodel.evidence.readers.tables import Table, Told, clean, delimited
from riskmodel.evidence.workbooks.kinds import kind_of
from riskmodel.evidence.workbooks.sheet import letters

#: A finding is a few hundred rows; more is another file passed by mistake, and is not read to its end.
MOST_ROWS = 20_000
#: Bytes of one file; the shipped ones have some 20,000.
MOST_BYTES = 5_000_000
#: How a cell begins that a spreadsheet would run (OWASP, "CSV injection").
_FORMULA = ("=", "+", "@", "\t", "\r")
_NOT_UTF8 = "the file is not UTF-8 text"
#: Columns of whole numbers: pandas and spreadsheets write 12.0 where a column has gaps.
WHOLE = ("events", "total", "year", "pmid")
#: What spreadsheet programs show in place of a value that cannot be worked out, in English and German.
_ERROR = re.compile(r"#[A-Z\u00c4\u00d6\u00dc_/0]{2,}[!?]|#(N/A|NV|SPILL|CALC|BLOCKED|GETTING_DATA)!?|Err:[0-9]{3}")


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

    def unknown(self, file: str, kind: str, name: str, known: Iterable[str], **place: Any) -> None:
        """Note a name that nobody knows, with the nearest one that exists; the place as `add` takes it."""
        names = list(known)
        near = closest(name, names)
        hint = f"Did you mean {near!r}? " if near else ""
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        self.add(file, f"unknown {kind}", f"{hint}Known: {listed or 'none'}", **place, found=name)


def read_text(path: Path, faults: Faults) -> str | None:
    """A file as text, or None with a problem noted."""
    told: tuple[str, str]
    place: dict[str, Any] = {}
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MOST_BYTES else b""
        kind = kind_of(raw, path.suffix.lower())
        if size > MOST_BYTES:
            told = f"{size:,} bytes", f"Such a file has at most {MOST_BYTES:,}; is this another file?"
        elif kind is not None and path.suffix.lower() != ".toml":
            told = f"{kind.what}, not text", f"{kind.remedy.replace('.xlsx or as CSV', 'CSV in UTF-8')}"
        elif raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in raw:
            told = _NOT_UTF8, "Save it as UTF-8 ('CSV UTF-8' in a spreadsheet), not as UTF-16"
        else:
            return raw.decode("utf-8").lstrip("\ufeff")
    except FileNotFoundError:
        told = "the file is missing", "A finding's folder has finding.toml, sources.csv, counts.csv and workup.toml"
    except OSError as error:
        told = f"the file cannot be read: {error.strerror or error}", "Check that it is a file you may read"
    except UnicodeDecodeError as error:
        found = raw[max(0, error.start - 20) : error.start + 10].decode("latin-1")
        place = {"row": raw[: error.start].count(b"\n") + 1, "found": found}
        told = _NOT_UTF8, "Save it as UTF-8; this looks like Latin-1"
    faults.add(path.name, *told, **place)
    return None


@dataclass(frozen=True)
class Row:
    """One line of a CSV file: its number as a spreadsheet shows it, its cells by column, and where its faults go."""

    file: str
    number: int
    cells: Mapping[str, str]
    faults: Faults
    told: frozenset[str] = frozenset()  # columns whose cell is refused already

    def __getitem__(self, column: str) -> str:
        """The cell, stripped; empty where the column is absent."""
        return self.cells.get(column, "")

    def fault(self, column: str, what: str, remedy: str) -> None:
        """Note a problem of a cell, unless one was noted already."""
        if column not in self.told:
            self.faults.add(self.file, what, remedy, row=self.number, column=column, found=self[column])

    def unknown(self, column: str, kind: str, known: Iterable[str]) -> None:
        """Note a cell that names what nobody knows."""
        if column not in self.told:
            self.faults.unknown(self.file, kind, self[column], known, row=self.number, column=column)

    def counted(self) -> tuple[int, int] | None:
        """Events and total, or None with every problem of theirs noted."""
        events, total = self._whole("events"), self._whole("total")
        if total == 0:
            self.fault("total", "a total of 0", "Leave the row out: nobody was counted")
        if events is None or not total:
            return None
        if events > total:
            self.fault("events", f"{events} events of {total}", "Events cannot exceed the total; are they swapped?")
            return None
        return events, total

    def _whole(self, column: str) -> int | None:
        text = self[column]
        if re.fullmatch(r"[0-9]{1,10}", text) and int(text) <= LARGEST_TOTAL:
            return int(text)
        self.fault(column, *next(told for form, *told in _NOT_WHOLE if re.fullmatch(form, text)))
        return None


#: What a cell looks like that is no count, what it is, and the way out; the first that fits.
_NOT_WHOLE = (
    (r"", "empty", "Give a whole number; leave the row out if the source does not report it"),
    (r"-[0-9]+", "a negative count", "Give 0 or more"),
    (r"[0-9][0-9., ]*%", "a share, not a count", "Give the count itself"),
    (
        r"[0-9]{1,3}([ ,'\u2019._][0-9]{2,3})*[ ,'\u2019._][0-9]{3}",
        "a thousands separator, or a decimal sign",
        "Write the digits alone, such as 1234",
    ),
    (r"[0-9]+,0+", "a decimal comma", "Write the whole number alone, such as 12"),
    (r"[0-9]*[.,][0-9]+|[0-9]+[.,][0-9]*", "a fraction", "Give the whole number of fetuses, not a share"),
    (r"[0-9]+", "too large", f"The largest count taken is {LARGEST_TOTAL:,}"),
    (r"(?s).*", "not a whole number", "Give the digits 0 to 9 only, such as 20"),
)


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
    try:
        table = delimited(name, text, [*required, *optional])
    except csv.Error as error:
        what, row = error.args
        faults.add(name, f"the CSV is malformed: {what}", "Check the double quotes; is the file cut off?", row=row)
        return []
    return read_rows(table, faults, required=required, optional=optional)


def read_rows(table: Table, faults: Faults, *, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Rows of a table with a header."""
    name, known, start = table.name, [*required, *optional], len(faults.problems)
    faults.problems += table.problems
    filled = [i for i, (_, cells) in enumerate(table.lines) if any(map(_stands, cells))]
    if not filled:
        faults.add(name, "the file is empty", f"Give a header line: {','.join(required)}")
        return []
    lines = table.lines[filled[0] : filled[-1] + 1]
    header = _header(table, lines, known, required, faults)
    rows: list[Row] = []
    for number, cells in lines[1:]:
        if len(rows) >= MOST_ROWS:
            remedy = "A table of published series has a few hundred; is this another file?"
            faults.add(name, f"more than {MOST_ROWS:,} rows", remedy, row=number)
            return []
        if not any(map(_stands, cells)):
            if cells:
                faults.add(name, "an empty row", "Delete it", row=number)
            continue
        if len(cells) != len(header):
            what = f"{len(cells)} cells where the header has {len(header)}"
            remedy = "Put a text that holds a comma in double quotes; is the file cut off?"
            faults.add(name, what, remedy, row=number, found=",".join(map(_content, cells)))
            continue
        named = {column: cell for column, cell in zip(header, cells, strict=False) if column}
        row = Row(name, number, {column: _content(cell, column) for column, cell in named.items()}, faults)
        for column, cell in named.items():
            if isinstance(cell, Told):
                row.faults.add(name, cell.what, cell.remedy, row=number, column=column, found=cell.found)
        told = frozenset(column for column, cell in named.items() if isinstance(cell, Told))
        rows.append(_printable(replace(row, told=told)))
    if not rows and len(faults.problems) == start:
        faults.add(name, "the file has a header and no rows", "Add at least one row")
    return rows


def _stands(cell: str | Told) -> bool:
    """Whether anything stands in a cell."""
    return isinstance(cell, Told) or bool(cell.strip())


def _content(cell: str | Told, column: str = "") -> str:
    text = clean(cell.found if isinstance(cell, Told) else cell)
    whole = re.fullmatch(r"([0-9]+)\.0{1,2}", text) if column in WHOLE else None
    return whole[1] if whole else text


def _header(
    table: Table,
    lines: Sequence[tuple[int, Sequence[str | Told]]],
    known: Sequence[str],
    required: Sequence[str],
    faults: Faults,
) -> list[str]:
    """Names of the columns, empty for one in which nothing stands; faults are noted."""
    name, number = table.name, lines[0][0]
    header = [_content(cell) for cell in lines[0][1]]
    for column in required:
        if column not in header:
            near = closest(column, [one for one in header if one])
            hint = f"Is {near!r} meant? " if near and near not in known else ""
            faults.add(name, f"column {column!r} is missing", f"{hint}Add it to the header", row=number, column=column)
    for column in dict.fromkeys(filter(None, header)):
        if column not in known and re.fullmatch("Unnamed: [0-9]+", column):
            _nameless(faults, name, number, f"the column {column!r} is an index without a name", column)
        elif column not in known:
            faults.unknown(name, "column", column, known, row=number, column=column)
        if header.count(column) > 1:
            faults.add(name, "the column appears twice", "Keep one of them", row=number, column=column)
    for i, column in enumerate(header):
        held = next((cells[i] for _, cells in lines[1:] if i < len(cells) and _stands(cells[i])), None)
        if not column and held is not None:
            letter = table.letters[i] if table.letters else letters(i + 1)
            _nameless(faults, name, number, f"column {i + 1} ({letter}) has no name", None, _content(held))
    return header


def _nameless(faults: Faults, name: str, row: int, what: str, column: str | None, found: str = "") -> None:
    remedy = "Name it or delete it; an index is left out by to_csv(index=False)"
    faults.add(name, what, remedy, row=row, column=column, found=found)


def _printable(row: Row) -> Row:
    """A row without the cells that a spreadsheet would run, or a terminal obey: they are noted, as errors are."""
    checked, told = dict(row.cells), set(row.told)
    for column, cell in row.cells.items():
        if cell.startswith(_FORMULA) or (cell.startswith("-") and not _is_number(cell)):
            row.fault(column, "a formula, or text that a spreadsheet takes for one", "Give the value itself")
        elif _ERROR.fullmatch(cell):
            row.fault(column, "an error of the spreadsheet, not a value", "Mend the formula, or give the value itself")
            told.add(column)
            continue
        elif not cell.isprintable():
            sign = next(one for one in cell if not one.isprintable())
            unseen = f"an invisible character ({unicodedata.name(sign, 'unnamed')})"
            what = unseen if unicodedata.category(sign) == "Cf" else "a control character"
            remedy = "Give plain text on one line"
            row.faults.add(row.file, what, remedy, row=row.number, column=column, found=repr(cell))
        else:
            continue
        told.add(column)
        checked[column] = ""
    return replace(row, cells=checked, told=frozenset(told))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
