"""xls: what the old binary format says of its sheets, by ``xlrd``, which tells formats, errors and what is hidden.

Nothing in such a file is packed, so the bound on its size bounds the work.
"""

from __future__ import annotations

import io
import struct
from typing import Any

from riskmodel.errors import UnavailableError
from riskmodel.evidence.workbooks.sheet import MOST_AREA, MOST_MERGED, Budget, Cell, DamagedError, Sheet, TooLargeError

#: Records of a workbook's stream ([MS-XLS] 2.4): a sheet, a formula as three versions write it, the end of a sheet.
_BOUNDSHEET, _FORMULAS, _END = 0x85, (0x06, 0x206, 0x406), 0x0A
#: Records of cells, each with row and column at its start, and those of a run of cells, with the last column at their end.
_RUNS = (0xBD, 0xBE)
_MERGED = 0xE5
_CELLS = {*_FORMULAS, *_RUNS, 0xD6, 0xFD, 0x201, 0x203, 0x204, 0x205, 0x27E, 0x01, 0x02, 0x03, 0x04, 0x05, 0x07E}


class Xls:
    """A workbook as ``xlrd`` has it."""

    def __init__(self, raw: bytes) -> None:
        try:
            import xlrd
        except ImportError:
            raise UnavailableError("xlrd is not installed", remedy="pip install xlrd, or save it as .xlsx") from None
        self.xlrd, self.raw, self.budget = xlrd, raw, Budget()
        try:
            # On demand, or xlrd would let go of the stream that formulas are looked up in.
            self.book = xlrd.open_workbook(
                file_contents=raw, formatting_info=True, on_demand=True, logfile=io.StringIO()
            )  # fmt: skip
            _check_area(self.book.mem, self.book.base)
            self.pages = self.book.sheets()
        except TooLargeError:
            raise
        except Exception as error:  # xlrd raises whatever a damaged file brings it to
            if "encrypted" in str(error):
                raise DamagedError("locked") from None
            raise DamagedError("its records cannot be read") from None

    def names(self) -> list[tuple[str, bool]]:
        """Its worksheets in order, each with whether it is hidden."""
        return [(one.name, one.visibility != 0) for one in self.pages]

    def sheet(self, name: str) -> Sheet:
        """What the file says of one."""
        given = self.book.sheet_by_name(name)
        found = Sheet(name, given.visibility != 0, self.budget)
        formulas = self._formulas(name)
        for row in range(given.nrows):
            for column, cell in enumerate(given.row(row)):
                one = self._cell(cell, (row, column) in formulas)
                if one is not None:
                    found.put(row + 1, column + 1, one)
        found.hidden_rows = {row + 1 for row, one in given.rowinfo_map.items() if one.hidden or one.height == 0}
        for column, one in given.colinfo_map.items():
            if one.hidden or one.width == 0:
                found.hide_columns(column + 1, column + 1)
        for top, bottom, left, right in given.merged_cells:
            found.merge(top + 1, left + 1, bottom, right)
        return found

    def for_reader(self, name: str) -> bytes:
        """The file as it is."""
        return self.raw

    def _cell(self, cell: Any, formula: bool) -> Cell | None:
        xlrd = self.xlrd
        if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
            return None
        try:
            form = self.book.format_map[self.book.xf_list[cell.xf_index].format_key].format_str
        except (IndexError, KeyError):
            raise DamagedError("a cell of a style that is not there") from None
        if cell.ctype == xlrd.XL_CELL_TEXT:
            return Cell("text", cell.value, form, formula=formula) if cell.value else None
        if cell.ctype == xlrd.XL_CELL_ERROR:
            return Cell("error", xlrd.error_text_from_code.get(cell.value, "an error"), form, formula=formula)
        if cell.ctype == xlrd.XL_CELL_BOOLEAN:
            return Cell("yes/no", bool(cell.value), form, formula=formula)
        return Cell("number", float(cell.value), form, formula=formula)

    def _formulas(self, name: str) -> set[tuple[int, int]]:
        """Cells of a sheet that are formulas: xlrd gives their values alone."""
        stream, base = self.book.mem, self.book.base
        starts = [
            struct.unpack_from("<L", stream, at)[0]
            for code, at, size in _records(stream, base)
            if code == _BOUNDSHEET and size >= 8 and stream[at + 5] == 0
        ]
        start = starts[[one for one, _ in self.names()].index(name)]
        return {
            struct.unpack_from("<HH", stream, at)
            for code, at, size in _records(stream, base + start)
            if code in _FORMULAS and size >= 4
        }


def _check_area(stream: Any, base: int) -> None:
    """Refuse sheets whose reader would fill the memory: it makes a row as long as its last cell, of whatever kind."""
    last: dict[int, int] = {}
    merged = 0
    for code, at, size in _records(stream, base, every=True):
        if code in _CELLS and size >= 6:
            row, column = struct.unpack_from("<HH", stream, at)
            if code in _RUNS:
                column = struct.unpack_from("<H", stream, at + size - 2)[0]
            last[row] = max(last.get(row, 0), column + 1)
        elif code == _MERGED and size >= 2:
            merged += struct.unpack_from("<H", stream, at)[0]
    if merged > MOST_MERGED:
        raise TooLargeError(f"more than {MOST_MERGED:,} merged places")
    if sum(last.values()) > MOST_AREA:
        raise TooLargeError(f"more than {MOST_AREA:,} cells in its sheets together")


def _records(stream: Any, at: int, *, every: bool = False) -> Any:
    """Code, place and size of each record up to the end of a sheet, or of all."""
    code = None
    while (every or code != _END) and at + 4 <= len(stream):
        code, size = struct.unpack_from("<HH", stream, at)
        yield code, at + 4, size
        at += 4 + size
