"""A table before its columns are looked at: numbered lines of cells, from text, a workbook, a data frame or rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from riskmodel.errors import Problem

#: White space that looks like a space and is typed by word processors and web pages, as a plain one.
_SPACES = dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
#: Rows in which a header is looked for that is not the first.
MOST_ABOVE = 20
#: What may stand between cells, the usual one first.
DELIMITERS = (",", ";", "\t", "|")
#: The line by which exporters tell Excel what stands between cells; no program shows it.
_SEP = re.compile(r'"?sep=(?P<sign>[^\w"\s]|\t)"?[,;\t|]*\n', re.IGNORECASE)


class Told(NamedTuple):
    """A cell that cannot be used, with what it shows, what is wrong and the way out."""

    found: str
    what: str
    remedy: str


#: A line: its number, and its cells.
type Line = tuple[int, Sequence[str | Told]]


@dataclass(frozen=True)
class Table:
    """Lines of cells, numbered as the program shows them: the first that is not blank is the header."""

    name: str
    lines: Sequence[Line]
    sheet: str = ""  # of a workbook
    letters: tuple[str, ...] = ()  # names of its columns
    said: tuple[str, ...] = ()  # what was passed over or taken as it stands
    problems: tuple[Problem, ...] = ()  # faults that are not of a cell's content
    told: frozenset[tuple[int, str]] = frozenset()  # cells, by row and column, whose fault is among these

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Faults of this table with their sheet and cell, as the program shows them, and these in order."""
        if not self.sheet:
            return list(problems)
        columns: dict[str | None, str] = {}
        for _, cells in self.lines[:1]:
            columns = {clean(_text(cell)): letter for cell, letter in zip(cells, self.letters, strict=True)}
        found = []
        for one in problems:
            if one.file == self.name and not one.sheet:
                cell = f"{columns[one.column]}{one.row}" if one.row is not None and one.column in columns else ""
                one = replace(one, sheet=self.sheet, cell=one.cell or cell)
            found.append(one)
        return found


def clean(text: str) -> str:
    """A cell without white space around it, all spaces in it plain ones."""
    return text.translate(_SPACES).strip(" \n")


def _text(cell: str | Told) -> str:
    return cell if isinstance(cell, str) else cell.found


def delimited(name: str, text: str, known: Sequence[str]) -> Table:
    """CSV text as a table; what stands between cells is what makes most of the known columns of the header.

    Raises `csv.Error` with the number of the row as its second argument.
    """
    text = text.lstrip("\ufeff").replace("\r\n", "\n")
    sep = _SEP.match(text)
    if sep is not None:
        text = text[sep.end() :]
    delimiter = sep["sign"] if sep is not None else _between(text, known)
    lines: list[tuple[int, list[str | Told]]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        # A blank line is a row, and a cell of several lines is in one: so programs number them.
        lines += ((number, list(cells)) for number, cells in enumerate(reader, 1))
    except csv.Error as error:
        raise csv.Error(str(error), len(lines) + 1) from None
    return Table(name, lines)


def comma_separated(text: str, known: Sequence[str]) -> str:
    """The same table with commas, where something else stands between its cells."""
    whole = text.lstrip("\ufeff").replace("\r\n", "\n")
    if _SEP.match(whole) is None and _between(whole, known) == ",":
        return whole
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(cells for _, cells in delimited("", text, known).lines)
    return out.getvalue()


def _between(text: str, known: Sequence[str]) -> str:
    begin = text.lstrip("\n").split("\n", MOST_ABOVE)[:MOST_ABOVE]

    def columns(sign: str) -> tuple[int, int]:
        return max(named_cells(line, sign) for line in begin)

    def named_cells(line: str, sign: str) -> tuple[int, int]:
        try:
            cells = [clean(cell) for cell in next(csv.reader([line], delimiter=sign), [])]
        except csv.Error:
            return 0, 0
        named = len({*cells} & {*known})
        return named, 0 if named else len(cells)

    return max(DELIMITERS, key=columns)
