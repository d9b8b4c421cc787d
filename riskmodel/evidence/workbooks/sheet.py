"""What a workbook's own file says of one sheet: its cells, and what of them is out of sight."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

#: Bytes of all parts that are unpacked: 20,000 rows of a dozen columns take some 15 million.
MOST_UNPACKED = 50_000_000
#: Elements of one part, since each costs a call.
MOST_ELEMENTS = 1_000_000
#: Cells with something in them, and cells of the rectangle around them: readers make an array of it.
MOST_CELLS = 250_000
MOST_AREA = 2_000_000
#: Characters of all cells: a shared text counts as often as it is shown.
MOST_TEXT = 20_000_000
#: Merged places of all sheets: each is looked for among the cells.
MOST_MERGED = 200
#: The largest sheet that any of the programs has.
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384


class DamagedError(Exception):
    """The file is not what its format says; the text says how."""


class TooLargeError(Exception):
    """More than a table of counts has; the text says what of."""


@dataclass(slots=True)
class Cell:
    """What a file holds for one cell."""

    kind: str  # "number", "text", "yes/no", "date", "error", or "nothing" for a formula without a stored value
    value: float | str | bool | None
    format: str = "General"  # the number format, as Excel writes it
    shown: str | None = None  # what the program shows, where the file says so
    formula: bool = False


@dataclass
class Budget:
    """What all sheets of a workbook may hold together."""

    cells: int = MOST_CELLS
    characters: int = MOST_TEXT
    merged: int = MOST_MERGED


@dataclass
class Sheet:
    """A sheet as its file has it, rows and columns counted from 1."""

    name: str
    hidden: bool
    budget: Budget
    cells: dict[tuple[int, int], Cell] = field(default_factory=dict)
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: bytearray = field(default_factory=lambda: bytearray(LAST_COLUMN + 1))  # by number, 1 where hidden
    #: Of merged cells first row, first column, last row, last column.
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)

    def put(self, row: int, column: int, cell: Cell) -> None:
        """Note a cell that is not blank."""
        if not (0 < row <= LAST_ROW and 0 < column <= LAST_COLUMN):
            raise DamagedError(f"there is no cell {address(row, column)}")
        if (row, column) in self.cells:
            raise DamagedError(f"the cell {address(row, column)} stands there twice")
        self.budget.cells -= 1
        self.budget.characters -= len(cell.value) if isinstance(cell.value, str) else 0
        if self.budget.cells < 0 or self.budget.characters < 0:
            raise TooLargeError(f"more than {MOST_CELLS:,} cells or {MOST_TEXT:,} characters, with sheet {self.name!r}")
        self.cells[row, column] = cell

    def merge(self, *corners: int) -> None:
        """Note merged cells: first row, first column, last row, last column."""
        self.budget.merged -= 1
        if self.budget.merged < 0:
            raise TooLargeError(f"more than {MOST_MERGED:,} merged places, with sheet {self.name!r}")
        top, left, bottom, right = corners
        self.merged.append((top, left, bottom, right))

    def hide_columns(self, first: int, last: int) -> None:
        """Note columns that are out of sight; no further than the sheet goes."""
        first, last = max(first, 1), min(last, LAST_COLUMN)
        self.hidden_columns[first : last + 1] = b"\1" * max(last + 1 - first, 0)

    def area(self) -> int:
        """Cells of the rectangle that a reader fills the memory with; refused where it is too large."""
        rows = max((row for row, _ in self.cells), default=0)
        columns = max((column for _, column in self.cells), default=0)
        if rows * columns > MOST_AREA:
            far = address(*max(self.cells, key=lambda place: max(place[0] / LAST_ROW, place[1] / LAST_COLUMN)))
            raise TooLargeError(f"a value that stands far away, in the cell {far} of sheet {self.name!r}")
        return rows * columns

    def sees_column(self, column: int) -> bool:
        """Whether a column is in sight."""
        return not self.hidden_columns[column]


def letters(column: int) -> str:
    """Name of a column, counted from 1, as programs show it."""
    found = ""
    while column > 0:
        column, place = divmod(column - 1, 26)
        found = chr(65 + place) + found
    return found


def address(row: int, column: int) -> str:
    """Name of a cell as programs show it."""
    return f"{letters(column)}{row}"


def place_of(name: str) -> tuple[int, int]:
    """Row and column of a cell's name."""
    match = re.fullmatch(r"([A-Z]{1,3})([1-9][0-9]{0,6})", name)
    if match is None:
        raise DamagedError(f"{name[:20]!r} is not a cell")
    column = 0
    for letter in match[1]:
        column = 26 * column + ord(letter) - 64
    return int(match[2]), column
