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

from riskmodel._support.checks import LARGEST_TOTAL, MISSING, as_ratio, as_whole, is_missing
from riskmodel.errors import Problem, closest, meant
from riskmodel.evidence.manifest import MOST_BYTES
from riskmodel.evidence.readers.tables import MOST_ABOVE, Line, Table, Told, clean, delimited
from riskmodel.evidence.workbooks.kinds import kind_of
from riskmodel.evidence.workbooks.sheet import letters

#: A finding is a few hundred rows; more is another file passed by mistake, and is not read to its end.
MOST_ROWS = 20_000
#: How a cell begins that a spreadsheet would run (OWASP, "CSV injection").
_FORMULA = ("=", "+", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff20")  # the last of full width
#: Problems after which nothing near is looked for: an error shows the first 25, and each search goes through all names.
MOST_HINTS = 200
_NOT_UTF8 = "the file is not UTF-8 text"
#: Columns of whole numbers: pandas and spreadsheets write 12.0 where a column has gaps.
WHOLE = ("events", "total", "year", "pmid")
#: What spreadsheet programs show in place of a value that cannot be worked out, in English and German.
_ERROR = re.compile(r"#[A-Z\u00c4\u00d6\u00dc_/0]{2,}[!?]|#(N/A|NV|SPILL|CALC|BLOCKED|GETTING_DATA)!?|Err:[0-9]{3}")


@dataclass
class Faults:
    """Problems found so far, in the order of reading."""

    problems: list[Problem] = field(default_factory=list)
    told: set[tuple[str, int | None, str | None, str]] = field(default_factory=set)
    unread: int = 0  # keys of sources that could not be read, so that what cites them is not told as well
    refused: set[str] = field(default_factory=set)  # names whose own declaration is told, and what is meant for them

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
        """Note a problem: one of a cell, since what else is wrong with it may follow from the first."""
        cell = row is not None and column is not None
        place = (file, row, column, "" if cell else f"{found}\n{what}")
        if place not in self.told and (file, 1, column, "") not in (self.told if cell else ()):
            self.told.add(place)
            self.problems.append(Problem(file, row, column, str(found), what, remedy))

    def declared_amiss(self, key: str, file: str = "finding.toml") -> bool:
        """Whether something of a key, or of what is in it, has been told."""
        return any(one.file == file and (one.column or "").startswith(key) for one in self.problems)

    def columns(self, file: str) -> dict[int, set[str]]:
        """Columns of a file's rows that have been told, by row."""
        found: dict[int, set[str]] = {}
        for where, row, column, _ in self.told:
            if where == file and row and column:
                found.setdefault(row, set()).add(column)
        return found

    def unknown(self, file: str, kind: str, name: str, known: Iterable[str], **place: Any) -> None:
        """Note a name that nobody knows, with the nearest one that exists; the place as `add` takes it.

        Nothing is noted, nor said of its cell again, where it may be one that is told already where it is declared: one
        like it was refused, or one stands without a name, which is how a reader gives what it could not read.
        """
        known = list(known)
        hint = len(self.problems) < MOST_HINTS
        unnamed = "" in known and bool(self.problems)
        if unnamed or name in self.refused or (hint and closest(name, [one for one in known if one in self.refused])):
            self.refused |= set() if unnamed else {name}
            self.told.add((file, place.get("row"), place.get("column"), ""))
            return
        if not hint:
            remedy = "Give one that is known, as the first of these problems list them"
            self.add(file, f"unknown {kind}", remedy, **place, found=name)
            return
        names = [one for one in known if one and one not in self.refused]
        listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
        what = f"unknown {kind}" if name.strip() else f"an empty name in place of a {kind}"
        self.add(file, what, f"{meant(name, names)}Known: {listed or 'none'}", **place, found=name)


#: The files of a folder, each read once: its bytes, or why it cannot be read.
Files = Mapping[str, bytes | OSError]


def read_text(name: str, files: Files, faults: Faults) -> str | None:
    """A file as text, or None with a problem noted."""
    told: tuple[str, str]
    place: dict[str, Any] = {}
    suffix = Path(name).suffix.lower()
    try:
        raw = files.get(name, FileNotFoundError())
        if isinstance(raw, OSError):
            raise raw
        kind = kind_of(raw, suffix)
        if len(raw) > MOST_BYTES:
            told = f"more than {MOST_BYTES:,} bytes", "Such a file has fewer; is this another file?"
        elif kind is not None and suffix != ".toml":
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
        assert isinstance(raw, bytes)
        found = raw[max(0, error.start - 20) : error.start + 10].decode("latin-1")
        place = {"row": raw[: error.start].count(b"\n") + 1, "found": found}
        told = _NOT_UTF8, "Save it as UTF-8; this looks like Latin-1"
    faults.add(name, *told, **place)
    return None


@dataclass(frozen=True)
class Row:
    """One line of a CSV file: its number as a spreadsheet shows it, its cells by column, and where its faults go."""

    file: str
    number: int
    cells: Mapping[str, str]
    faults: Faults

    def __getitem__(self, column: str) -> str:
        """The cell, stripped; empty where the column is absent."""
        return self.cells.get(column, "")

    def fault(self, column: str, what: str, remedy: str, found: object = None) -> None:
        """Note a problem of a cell, with its content where nothing else was found."""
        found = self[column] if found is None else found
        self.faults.add(self.file, what, remedy, row=self.number, column=column, found=found)

    def told(self, column: str) -> bool:
        """Whether a cell has been told, or its column."""
        return any((self.file, row, column, "") in self.faults.told for row in (self.number, 1))

    def unknown(self, column: str, kind: str, known: Iterable[str], name: str | None = None) -> None:
        """Note a cell that names what nobody knows, as a whole or by a name in it."""
        name = self[column] if name is None else name
        self.faults.unknown(self.file, kind, name, known, row=self.number, column=column)

    def counted(self) -> tuple[int, int] | None:
        """Events and total, or None with every problem of theirs noted."""
        both = as_ratio(self["events"])
        events = self._whole("events") if both is None else both[0]
        total = both[1] if both is not None and is_missing(self["total"]) else self._whole("total")
        if both is not None and total not in (None, both[1]):
            what = f"{self['events']} beside a total of {total}"
            self.fault("events", what, "Give the events alone, or the right total")
            return None
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
        number = as_whole(text)
        if isinstance(number, int) and number <= LARGEST_TOTAL:
            return number
        self.fault(column, *next(told for form, *told in _NOT_WHOLE if re.fullmatch(form, text)))
        return None


#: What a cell looks like that is no count, what it is, and the way out; the first that fits.
_NOT_WHOLE = (
    (r"", "empty", "Give a whole number; leave the row out if the source does not report it"),
    (MISSING, "not a whole number but a missing count", "Leave the row out: what is not reported is not 0"),
    (r"-[0-9]+", "a negative count", "Give 0 or more"),
    (r"[0-9][0-9., ]*%", "a share, not a count", "Give the count itself"),
    (
        r"[0-9]{1,3}([ ,'\u2019._][0-9]{2,3})*[ ,'\u2019._][0-9]{3}",
        "a thousands separator, or a decimal sign",
        "Write the digits alone, such as 1234",
    ),
    (r"[0-9]+,0+", "a decimal comma", "Write the whole number alone, such as 12"),
    (r"[0-9]{11,}\.0+", "too large", f"The largest count taken is {LARGEST_TOTAL:,}"),
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


def read_delimited(name: str, files: Files, faults: Faults, known: Sequence[str]) -> Table | None:
    """A CSV file as a table, or None with a problem noted."""
    text = read_text(name, files, faults)
    try:
        return None if text is None else delimited(name, text, known)
    except csv.Error as error:
        what, row = error.args
        faults.add(name, f"the CSV is malformed: {what}", "Check the double quotes; is the file cut off?", row=row)
        return None


def read_csv(
    name: str,
    files: Files,
    faults: Faults,
    *,
    required: Sequence[str],
    optional: Sequence[str] = (),
    begun: bool = False,
) -> list[Row]:
    """Rows of a CSV file with a header; of one that is only `begun` the header is enough."""
    table = read_delimited(name, files, faults, [*required, *optional])
    return [] if table is None else read_rows(table, faults, required=required, optional=optional, begun=begun)


def read_rows(
    table: Table, faults: Faults, *, required: Sequence[str], optional: Sequence[str] = (), begun: bool = False
) -> list[Row]:
    """Rows of a table with a header."""
    name, known, start = table.name, [*required, *optional], len(faults.problems)
    faults.problems += table.problems
    faults.told |= {(one.file, one.row, one.column, "") for one in table.problems if one.column}
    faults.told |= {(name, row, column, "") for row, column in table.told}
    filled = [i for i, (_, cells) in enumerate(table.lines) if any(map(_stands, cells))]
    if not filled:
        faults.add(name, "the file is empty", f"Give a header line: {','.join(required)}")
        return []
    lines = table.lines[filled[0] : filled[-1] + 1]
    if (late := _late(lines, required)) is not None:
        what, found = f"not the header: the columns stand in row {late}", next(filter(_stands, lines[0][1]))
        faults.add(name, what, "Delete the rows above them", row=lines[0][0], found=_content(found))
        return []
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
            # Its cells may be of other columns: nothing more is said of them, nor concluded from their being absent.
            faults.told |= {(name, number, column, "") for column in header}
        named = {column: cell for column, cell in zip(header, cells, strict=False) if column}
        for column, cell in named.items():
            if isinstance(cell, Told):
                faults.add(name, cell.what, cell.remedy, row=number, column=column, found=cell.found)
        # A cell that was told is empty from here on.
        told = {column: "" if isinstance(cell, Told) else _content(cell, column) for column, cell in named.items()}
        rows.append(_printable(Row(name, number, told, faults)))
    if not rows and not begun and len(faults.problems) == start:
        faults.add(name, "the file has a header and no rows", "Add at least one row")
    return rows


def _late(lines: Sequence[Line], required: Sequence[str]) -> int | None:
    """The row in which the columns stand, where a title or notes stand above them."""
    heads = ((number, {*map(_content, cells)} & {*required}) for number, cells in lines[:MOST_ABOVE])
    _, first = next(heads)
    return None if first else next((number for number, named in heads if named == {*required}), None)


def _stands(cell: str | Told) -> bool:
    """Whether anything stands in a cell."""
    return isinstance(cell, Told) or bool(cell.strip())


def _content(cell: str | Told, column: str = "") -> str:
    text = clean(cell.found if isinstance(cell, Told) else cell)
    whole = re.fullmatch(r"([0-9]+)\.0{1,2}", text) if column in WHOLE else None
    return whole[1] if whole else text


def _header(
    table: Table, lines: Sequence[Line], known: Sequence[str], required: Sequence[str], faults: Faults
) -> list[str]:
    """Names of the columns, empty for one in which nothing stands; faults are noted."""
    name, number = table.name, lines[0][0]
    header = [_content(cell) for cell in lines[0][1]]
    meant: set[str | None] = set()
    for column in required:
        if column not in header:
            near = closest(column, [one for one in header if one])
            hint = f"Is {near!r} meant? " if near and near not in known else ""
            meant |= {near} if hint else set()
            faults.add(name, f"column {column!r} is missing", f"{hint}Add it to the header", row=number, column=column)
    for column in dict.fromkeys(filter(None, header)):
        if column not in known and re.fullmatch("Unnamed: [0-9]+", column):
            _nameless(faults, name, number, f"the column {column!r} is an index without a name", column)
        elif column not in known and column not in meant:
            faults.unknown(name, "column", column, known, row=number, column=column)
            faults.told.add((name, 1, closest(column, known), ""))  # what it lacks follows from its name
        if header.count(column) > 1:
            faults.add(name, "the column appears twice", "Keep one of them", row=number, column=column)
    for i, column in enumerate(header):
        held = next((cells[i] for _, cells in lines[1:] if i < len(cells) and _stands(cells[i])), None)
        if not column and held is not None:
            letter = table.letters[i] if table.letters else letters(i + 1)
            _nameless(faults, name, number, f"column {i + 1} ({letter}) has no name", None, _content(held))
    # Told of row 1, wherever the header stands: what a column lacks, its cells lack.
    faults.told |= {(name, 1, *what) for file, row, *what in faults.told if (file, row) == (name, number)}  # type: ignore[misc]
    return header


def _nameless(faults: Faults, name: str, row: int, what: str, column: str | None, found: str = "") -> None:
    remedy = "Name it or delete it; an index is left out by to_csv(index=False)"
    faults.add(name, what, remedy, row=row, column=column, found=found)


def _printable(row: Row) -> Row:
    """A row without the cells that a spreadsheet would run, or a terminal obey: they are noted, as errors are."""
    checked = dict(row.cells)
    for column, cell in row.cells.items():
        dash = cell.startswith(("-", "\uff0d")) and not _is_number(cell) and not is_missing(cell)
        if cell.startswith(_FORMULA) or dash:
            row.fault(column, "a formula, or text that a spreadsheet takes for one", "Give the value itself")
        elif _ERROR.fullmatch(cell) and not (column in WHOLE[:2] and is_missing(cell)):
            row.fault(column, "an error of the spreadsheet, not a value", "Mend the formula, or give the value itself")
        elif not cell.isprintable():
            sign = next(one for one in cell if not one.isprintable())
            unseen = f"an invisible character ({unicodedata.name(sign, 'unnamed')})"
            what = unseen if unicodedata.category(sign) == "Cf" else "a control character"
            remedy = "Give plain text on one line"
            row.faults.add(row.file, what, remedy, row=row.number, column=column, found=repr(cell))
        else:
            continue
        checked[column] = ""
    return replace(row, cells=checked)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
