"""ods: what ``content.xml`` says of its tables, and what each cell shows (OpenDocument 1.3 part 3, section 9)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from riskmodel.evidence.workbooks.package import Package, local
from riskmodel.evidence.workbooks.sheet import (
    LAST_COLUMN,
    LAST_ROW,
    MOST_AREA,
    Budget,
    Cell,
    DamagedError,
    Sheet,
    TooLargeError,
)

CONTENT = "content.xml"
_KINDS = {"float": "number", "currency": "number", "percentage": "number", "boolean": "yes/no", "date": "date",
          "time": "date", "string": "text"}  # fmt: skip
_CELLS = ("table-cell", "covered-table-cell")
_GROUPS = ("table-row-group", "table-column-group", "table-header-rows", "table-header-columns", "table-rows")


class Ods:
    """A workbook all of whose sheets are one part."""

    def __init__(self, package: Package) -> None:
        self.package = package
        scan = _Scan()
        package.walk(CONTENT, scan.start, scan.end, scan.text)
        self.sheets = scan.sheets

    def names(self) -> list[tuple[str, bool]]:
        """Its sheets in order, each with whether it is hidden."""
        return [(name, sheet.hidden) for name, sheet in self.sheets.items()]

    def sheet(self, name: str) -> Sheet:
        """What the file says of one."""
        return self.sheets[name]

    def for_reader(self, name: str) -> bytes:
        """The parts that values come from, packed anew: all sheets, so that all must be small."""
        if sum(sheet.area() for sheet in self.sheets.values()) > MOST_AREA:
            raise TooLargeError(f"more than {MOST_AREA:,} cells in its sheets together")
        return self.package.packed(["mimetype", "META-INF/manifest.xml", CONTENT, "styles.xml"])


class _Scan:
    def __init__(self) -> None:
        self.sheets: dict[str, Sheet] = {}
        self.unseen: set[str] = set()  # styles of sheets that do not show
        self.style = ""
        self.budget = Budget()
        self.unseen_row = False
        self.folded: list[int] = []  # how deep the closed groups stand that are around
        self.sheet: Sheet | None = None
        self.row = self.column = self.rows = 0
        self.line: list[tuple[int, int, Cell, int, int]] = []
        self.cell: dict[str, str] = {}
        self.shown: list[list[str]] = []  # the pieces of each line

    def start(self, name: str, attributes: Mapping[str, str], inside: list[str]) -> None:
        above = inside[-1] if inside else ""
        own = {local(key): value for key, value in attributes.items()}
        if self.sheet is None or name in ("table", *_GROUPS):
            self._outside(name, own, inside)
        elif name in _CELLS and above == "table-row":
            self.cell, self.shown = own, []
            self.cell["calculated"] = attributes.get("calcext:value-type", "")
            if self.cell.get("value-type") == "error":  # the newer name took the older one's place
                self.cell["value-type"] = "string"
        elif name == "table-row":
            self.rows = _times(own, "number-rows-repeated", LAST_ROW - self.row)
            self.column, self.line = 0, []
            self.unseen_row = own.get("visibility", "visible") != "visible" or bool(self.folded)
        elif name == "table-column":
            many = _times(own, "number-columns-repeated", LAST_COLUMN - self.column)
            if own.get("visibility", "visible") != "visible" or self.folded:
                self.sheet.hide_columns(self.column + 1, self.column + many)
            self.column += many
        elif name == "p" and above in _CELLS and inside[-2] == "table-row":
            self.shown.append([])
        elif self.shown and _in_text([*inside, name]):
            blank = {"s": " ", "tab": "\t", "line-break": "\n"}.get(name, "")
            times = own.get("c", "1")
            self.shown[-1].append(blank * (min(int(times), 1000) if times.isdigit() else 1))

    def _outside(self, name: str, own: dict[str, str], inside: list[str]) -> None:
        if name == "style":
            self.style = own.get("name", "")
        elif name == "table-properties" and own.get("display") == "false":
            self.unseen.add(self.style)
        elif name == "table" and inside[-1:] == ["spreadsheet"]:
            title = own.get("name", "")
            if title in self.sheets:
                raise DamagedError(f"two sheets bear the name {title!r}")
            self.sheet = self.sheets[title] = Sheet(title, own.get("style-name") in self.unseen, self.budget)
            self.row = self.column = 0
        elif name == "table" and self.sheet is not None:
            raise DamagedError(f"a table inside a cell of sheet {self.sheet.name!r}")
        elif name in _GROUPS and own.get("display") == "false":
            self.folded.append(len(inside))

    def text(self, data: str, inside: list[str]) -> None:
        if self.shown and _in_text(inside):
            # Runs of white space are one space, as in every OpenDocument text.
            self.shown[-1].append(re.sub(r"[ \t\r\n]+", " ", data))

    def end(self, name: str, inside: list[str]) -> None:
        if self.folded[-1:] == [len(inside)]:
            self.folded.pop()
        if self.sheet is None:
            return
        if name in _CELLS and inside[-1] == "table-row":
            self._cell()
        elif name == "table-row":
            for repeat in range(self.rows if self.line else 0):
                self._put(self.row + repeat + 1)
                if self.unseen_row:
                    self.sheet.hidden_rows.add(self.row + repeat + 1)
            self.row += self.rows
        elif name == "table" and inside[-1] == "spreadsheet":
            self.sheet = None

    def _cell(self) -> None:
        many = _times(self.cell, "number-columns-repeated", LAST_COLUMN - self.column)
        high, wide = (_times(self.cell, f"number-{one}-spanned", 10**7) for one in ("rows", "columns"))
        found = self._read()
        if found is not None and many * self.rows > self.budget.cells:
            raise TooLargeError(f"a cell that is repeated {many * self.rows:,} times")
        if found is not None or high * wide > 1:
            self.line.append((self.column + 1, many, found or Cell("nothing", None), high, wide))
        self.column += many
        self.cell, self.shown = {}, []

    def _put(self, row: int) -> None:
        assert self.sheet is not None
        for column, many, cell, high, wide in self.line:
            if high * wide > 1:
                self.sheet.merge(row, column, row + high - 1, column + wide - 1)
            if cell.kind != "nothing" or cell.formula:
                for repeat in range(many):
                    self.sheet.put(row, column + repeat, cell)

    def _read(self) -> Cell | None:
        kind, formula = self.cell.get("value-type", ""), "formula" in self.cell
        shown: str | None = "\n".join(map("".join, self.shown))
        if self.cell["calculated"] == "error":
            return Cell("error", shown, shown=shown, formula=formula)
        if not kind and not shown:
            return Cell("nothing", None, formula=True) if formula else None
        kind = kind or "string"
        if kind not in _KINDS:
            raise DamagedError(f"a cell of the unknown type {kind[:20]!r}")
        if kind == "string":
            text = self.cell.get("string-value", shown)
            return Cell("text", text, shown=shown or text, formula=formula) if text else None
        value = self.cell.get(f"{kind}-value" if kind in ("boolean", "date", "time") else "value", "")
        if _KINDS[kind] == "number":
            if not re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", value):
                raise DamagedError(f"{value[:40]!r} is not a number")
            form = {"percentage": "0%", "currency": "currency"}.get(kind, "General")
            return Cell("number", float(value), form, shown if self.shown else None, formula)
        held = value == "true" if kind == "boolean" else value
        return Cell(_KINDS[kind], held, shown=shown or value, formula=formula)


def _in_text(inside: list[str]) -> bool:
    """Whether this is the text of a cell, rather than of a comment or a drawing in it."""
    at = next((i for i in reversed(range(len(inside))) if inside[i] in ("p", "annotation", "frame", "custom-shape")), 0)
    return at >= 2 and inside[at] == "p" and inside[at - 1] in _CELLS


def _times(own: Mapping[str, str], name: str, most: int) -> int:
    """How often something is repeated; no further than the sheet goes."""
    text = own.get(name, "1")
    if not re.fullmatch("[0-9]{1,9}", text):
        raise DamagedError(f"{text[:20]!r} is not a whole number")
    return max(min(int(text), max(most, 1)), 1)
