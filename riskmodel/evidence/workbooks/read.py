"""A workbook to the one table in it: which sheet, which of its rows and columns, and what was passed over."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable, Sequence
from typing import Any

from riskmodel.errors import InputError, Problem, UnavailableError, UnknownNameError
from riskmodel.evidence.readers.tables import Table, Told, clean
from riskmodel.evidence.workbooks import formats
from riskmodel.evidence.workbooks.kinds import LOCKED, ODS, XLS, Kind
from riskmodel.evidence.workbooks.ods import Ods
from riskmodel.evidence.workbooks.package import Package
from riskmodel.evidence.workbooks.sheet import Cell, DamagedError, Sheet, TooLargeError, address, letters
from riskmodel.evidence.workbooks.xls import Xls
from riskmodel.evidence.workbooks.xlsx import Xlsx

#: A workbook of any format: each gives its sheets' names, a sheet, and what the other reader is handed of it.
type Book = Xls | Ods | Xlsx
_UNSEEN = "Show what is hidden, or ask for it (hidden=True, --hidden)"


def read_workbook(
    name: str,
    raw: bytes,
    kind: Kind,
    *,
    required: Sequence[str],
    optional: Sequence[str],
    sheet: str | None,
    hidden: bool,
) -> Table:
    """The table of a workbook, as a person sees it: of the sheet asked for, or of the only visible one with the columns."""
    try:
        book = _opened(raw, kind)
        chosen, said = _chosen(name, book, required, sheet, hidden)
        chosen.area()
        table = _table(name, chosen, required, optional, hidden, said)
        _compare(chosen, _values(book.for_reader(chosen.name), chosen.name))
    except TooLargeError as error:
        remedy = "Copy the table into a workbook of its own, or name its sheet (sheet='NAME', --sheet NAME)"
        raise InputError(f"too large for a table of counts: {error}", where=name, remedy=remedy) from None
    except DamagedError as error:
        if str(error) == "locked":
            raise InputError(LOCKED.what, where=name, remedy=LOCKED.remedy) from None
        remedy = "Save it again with a spreadsheet program, or as CSV"
        raise InputError(f"{kind.what} that is damaged: {error}", where=name, remedy=remedy) from None
    return table


def _opened(raw: bytes, kind: Kind) -> Book:
    if kind is XLS:
        return Xls(raw)
    package = Package(raw)
    if b"encryption-data" in package.part("META-INF/manifest.xml"):
        raise DamagedError("locked")
    return Ods(package) if kind is ODS else Xlsx(package)


# ---------------------------------------------------------------- which sheet


def _chosen(name: str, book: Book, required: Sequence[str], asked: str | None, hidden: bool) -> tuple[Sheet, list[str]]:
    """The sheet to read, and what is to be said of others."""
    names = dict(book.names())
    if asked is not None:
        by_case = {one.casefold(): one for one in names}
        found = asked if asked in names else by_case.get(asked.casefold())
        if found is None:
            raise UnknownNameError(f"sheet of {name}", asked, names, where="sheet")
        return book.sheet(found), [f"the sheet {found!r} is hidden, and was read as asked"] if names[found] else []
    unseen = [one for one, out_of_sight in names.items() if out_of_sight]
    sheets = [one for one in map(book.sheet, (one for one in names if one not in unseen)) if one.cells]
    having = [one for one in sheets if set(required) <= _header(one, hidden)]
    if len(having) > 1:
        what = f"{len(having)} sheets have the columns: {', '.join(repr(one.name) for one in having)}"
        remedy = "Say which one (sheet='NAME', --sheet NAME), and give the others after it"
        raise InputError(what, where=name, remedy=remedy)
    if not having and len(sheets) != 1:
        raise _nowhere(name, book, sheets, unseen, required)
    if not having and set(required) <= _header(sheets[0], True):
        what = f"columns or the header of sheet {sheets[0].name!r} are hidden"
        raise InputError(what, where=name, remedy=_UNSEEN)
    chosen = (having or sheets)[0]
    said = [f"the sheet {one.name!r} was not read: it does not have the columns" for one in sheets if one is not chosen]
    said += [f"the sheet {one!r} is hidden, and was not read" for one in unseen]
    return chosen, said


def _header(sheet: Sheet, hidden: bool) -> set[str]:
    """Texts of the first row in which something stands."""
    seen = [
        place for place in sheet.cells
        if hidden or (place[0] not in sheet.hidden_rows and sheet.sees_column(place[1]))
        if str(sheet.cells[place].value or "").strip()
    ]  # fmt: skip
    first = min((row for row, _ in seen), default=0)
    return {clean(str(sheet.cells[place].value)) for place in seen if place[0] == first}


def _nowhere(
    name: str, book: Book, sheets: Sequence[Sheet], unseen: Sequence[str], required: Sequence[str]
) -> InputError:
    remedy = f"Needed in one header: {', '.join(required)}"
    for one in unseen:
        if set(required) <= _header(book.sheet(one), True):
            remedy = f"The hidden sheet {one!r} has them: show it, or ask for it (sheet={one!r}, --sheet {one!r})"
    seen = ", ".join(repr(one.name) for one in sheets)
    what = f"no sheet of {seen} has the columns" if sheets else "no sheet in sight with anything in it"
    return InputError(what, where=name, remedy=remedy)


# ---------------------------------------------------------------- which cells


def _table(
    name: str, sheet: Sheet, required: Sequence[str], optional: Sequence[str], hidden: bool, said: list[str]
) -> Table:
    """The rows in sight, each as long as the longest."""
    seen = [place for place in sheet.cells if hidden or place[0] not in sheet.hidden_rows]
    rows = sorted({row for row, _ in seen})
    last = max((column for _, column in seen), default=0)
    columns = [column for column in range(1, last + 1) if hidden or sheet.sees_column(column)]
    lines = [(row, [_shown(sheet.cells.get((row, column))) for column in columns]) for row in rows]
    lines = [(row, cells) for row, cells in lines if any(cells)]
    head = lines[0][0] if lines else 0
    titles = {column: _header_of(sheet, head, column) for column in columns}
    merges = [one for one in sheet.merged if _holds(sheet, one)]
    found = [_merge(name, sheet, one) for one in merges]
    merged = frozenset(
        (row, titles[column])
        for top, left, bottom, right in merges
        for row in rows if top <= row <= bottom
        for column in columns if left <= column <= right and titles[column]
    )  # fmt: skip
    passed = sorted({row for row, _ in sheet.cells if row in sheet.hidden_rows})
    how = "was read as asked" if hidden else "was not read"
    if passed:
        said.append(f"hidden in sheet {sheet.name!r}: {_listed('row', passed)}, which {how}")
    for column in sorted({column for _, column in sheet.cells if not sheet.sees_column(column)}):
        title = _header_of(sheet, head, column)
        if title in (*required, *optional) and not hidden:
            at = (sheet.name, address(head, column))
            found.append(Problem(name, head, title, "", f"the column {letters(column)} is hidden", _UNSEEN, *at))
        else:
            place = f"column {letters(column)}{f' ({title})' if title else ''}"
            said.append(f"hidden in sheet {sheet.name!r}: {place}, which {how}")
    cells = [address(*place) for place in sorted(seen) if sheet.cells[place].formula]
    if cells:
        said.append(f"formulas in sheet {sheet.name!r}, of which the stored values were read: {_listed('cell', cells)}")
    names = tuple(letters(one) for one in columns)
    return Table(name, lines, sheet.name, names, tuple(said), tuple(found), merged)


def _header_of(sheet: Sheet, head: int, column: int) -> str:
    return clean(str(getattr(sheet.cells.get((head, column)), "value", "") or ""))


def _holds(sheet: Sheet, merged: tuple[int, int, int, int]) -> bool:
    """Whether several cells are merged, with something in them."""
    top, left, bottom, right = merged
    held = (top <= row <= bottom and left <= column <= right for row, column in sheet.cells)
    return (top, left) != (bottom, right) and any(held)


def _merge(name: str, sheet: Sheet, merged: tuple[int, int, int, int]) -> Problem:
    """Of merged cells: which of the rows or columns their content holds for is not said."""
    top, left, bottom, right = merged
    cells = f"{address(top, left)}:{address(bottom, right)}"
    remedy = "Take them apart, and write into each cell what holds for it"
    return Problem(name, top, None, "", f"the cells {cells} are merged", remedy, sheet.name, address(top, left))


def _listed(noun: str, items: Sequence[Any]) -> str:
    shown = ", ".join(map(str, items[:8])) + (f" and {len(items) - 8} more" if len(items) > 8 else "")
    return f"{noun}{'s' if len(items) != 1 else ''} {shown}"


def _shown(cell: Cell | None) -> str | Told:
    """A cell as text: what the program shows, where that is what it holds."""
    if cell is None:
        return ""
    if cell.kind == "nothing":
        remedy = "Open the file in a spreadsheet program and save it, or give the value itself"
        return Told("", "a formula without a stored value", remedy)
    if cell.kind == "error":
        remedy = "Mend the formula, or give the value itself"
        return Told(str(cell.value), "an error of the spreadsheet, not a value", remedy)
    if cell.kind == "date":
        return _date(cell.shown or str(cell.value))
    if cell.kind == "yes/no":
        what = "a yes or no, not a text or a number"
        return Told("TRUE" if cell.value else "FALSE", what, "Write it as text or as a number")
    if cell.kind == "text":
        shown = formats.of_text(str(cell.value), cell.format)
        return str(cell.value) if shown is None else _other(shown, str(cell.value))
    assert isinstance(cell.value, float)
    if cell.shown is None:
        shown = formats.of_number(cell.value, cell.format)
    else:
        shown = formats.of_shown(cell.value, cell.shown, cell.format)
    return formats.plain(cell.value) if shown is None else _other(shown, formats.plain(cell.value))


def _other(shown: str, held: str) -> Told:
    """A cell that shows something other than it holds."""
    if shown.endswith("%"):
        what = f"a share, not a count: the cell shows {shown} and holds {held}"
        return Told(shown, what, "Give the count itself, in a cell that is formatted as a number")
    if shown.startswith("a date"):
        return _date(held, shown)
    what = f"the cell shows {shown!r} and holds {held}"
    return Told(shown, what, "Format the cell as a plain number or text, so that it shows what it holds")


def _date(held: str, shown: str = "a date or a time") -> Told:
    what = f"the cell shows {shown}"
    return Told(held, what, "Format the cell as text or as a number, and type its content again")


# ---------------------------------------------------------------- the other reader


def _values(raw: bytes, sheet: str) -> dict[tuple[int, int], Any]:
    """What ``python-calamine`` reads, blank cells left out."""
    try:
        import python_calamine
    except ImportError:
        remedy = "pip install python-calamine, or save the sheet as CSV"
        raise UnavailableError("python-calamine is not installed", remedy=remedy) from None
    try:
        with python_calamine.load_workbook(io.BytesIO(raw)) as book:
            given = book.get_sheet_by_name(sheet)
            top, left = given.start or (0, 0)
            lines = given.to_python(skip_empty_area=True)
    except BaseException as error:  # a panic of the Rust code is no Exception
        if isinstance(error, (KeyboardInterrupt, SystemExit, MemoryError)):
            raise
        if "PasswordError" in type(error).__name__:
            raise DamagedError("locked") from None
        raise DamagedError(f"it cannot be read: {str(error)[:100]}") from None
    return {
        (top + i + 1, left + j + 1): value
        for i, line in enumerate(lines)
        for j, value in enumerate(line)
        if value is not None and value != ""
    }


def _compare(sheet: Sheet, values: dict[tuple[int, int], Any]) -> None:
    """Refuse a cell of which the two readings differ."""
    for place in sheet.cells.keys() | values.keys():
        cell, value = sheet.cells.get(place, Cell("nothing", None)), values.get(place)
        if not _AGREE[cell.kind](cell, value):
            told = "it is empty" if value is None else f"it is {str(value)[:40]!r}"
            where = f"the cell {address(*place)} of sheet {sheet.name!r}"
            raise DamagedError(f"{where} is {str(cell.value)[:40]!r} to one reader, and to the other {told}")


def _as_number(cell: Cell, value: Any) -> bool:
    if isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        return isinstance(_shown(cell), Told)  # where it is refused, it need not be worked out
    return isinstance(value, (int, float)) and not isinstance(value, bool) and float(value) == cell.value


def _bare(text: Any) -> str:
    """A text without white space and the escapes of control characters, which readers keep or not."""
    return re.sub(r"_x[0-9A-Fa-f]{4}_|[\s\x00-\x1f]", "", str(text))


_AGREE: dict[str, Callable[[Cell, Any], bool]] = {
    "nothing": lambda cell, value: value is None,
    "text": lambda cell, value: _bare(cell.value) == ("" if value is None else _bare(value)),
    "number": _as_number,
    "yes/no": lambda cell, value: value is cell.value,
    "date": lambda cell, value: True,
    "error": lambda cell, value: True,
}
