"""xlsx and xlsm: what the XML of the workbook says of its sheets (ECMA-376-1, sections 18.2, 18.3, 18.4 and 18.8)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from riskmodel.evidence.workbooks.package import Package, local
from riskmodel.evidence.workbooks.sheet import Budget, Cell, DamagedError, Sheet, place_of

#: Formats that a file names by number alone (section 18.8.30), but for General.
BUILT_IN = {1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?",
            13: "# ??/??", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 41: '_* #,##0_;_* "-"_;_@_',
            42: '_$* #,##0_;_$* "-"_;_@_', 43: "_* #,##0.00_", 44: "_$* #,##0.00_", 48: "##0.0E+0", 49: "@"}  # fmt: skip
#: The others are dates and times; some only so in East Asian programs.
DATES = {*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59)}
#: What sheets are said to be, in the two forms of the standard.
MAIN = {
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",
}
_NUMBER = re.compile(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?\s*")
#: What a sheet says of its size: stale in many files, and of no use.
_DIMENSION = rb"<(\w+:)?dimension\b[^<>]*>(</(\w+:)?dimension>)?"
_BLANK = re.compile(rb"<(?:\w+:)?c(?=[^<>]*\sr=\"[A-Z0-9]+\")(?:\s[a-z]+=\"[^\"<>]*\")+\s*/>")
_TRUE = ("1", "true")
#: Characters of a number format: Excel takes 255.
LONGEST_FORMAT = 1000


class Xlsx:
    """A workbook whose parts are read as they are asked for."""

    def __init__(self, package: Package) -> None:
        self.package, self.budget = package, Budget()
        main = [path for kind, path in _relations(package, "").values() if kind == "officeDocument"]
        self.main = main[0] if main else "xl/workbook.xml"
        if self.main not in package:
            raise DamagedError("it has no workbook in it")
        self.related = _relations(package, self.main)
        self.sheets: dict[str, tuple[bool, str]] = {}
        package.walk(self.main, self._sheet)
        self.formats, self.texts = self._formats(), self._texts()

    def _sheet(self, name: str, attributes: Mapping[str, str], _: list[str]) -> None:
        if name != "sheet" or "name" not in attributes:
            return
        link = next((value for key, value in attributes.items() if local(key) == "id" and key != "id"), "")
        kind, path = self.related.get(link, ("", ""))
        if kind == "worksheet":
            if attributes["name"] in self.sheets:
                raise DamagedError(f"two sheets bear the name {attributes['name']!r}")
            if path in {one for _, one in self.sheets.values()}:
                raise DamagedError(f"two sheets are one part, {path!r}")
            self.sheets[attributes["name"]] = attributes.get("state", "visible") != "visible", path

    def _path(self, kind: str) -> str:
        return next((path for one, path in self.related.values() if one == kind), "")

    def _formats(self) -> list[str]:
        """The number format of each style of cells."""
        codes: dict[int, str] = BUILT_IN | dict.fromkeys(DATES, "yyyy-mm-dd")
        styles: list[int] = []

        def start(name: str, attributes: Mapping[str, str], inside: list[str]) -> None:
            if name == "numFmt" and "numFmts" in inside:
                code = attributes.get("formatCode", "General")
                if len(code) > LONGEST_FORMAT:
                    raise DamagedError(f"a number format of {len(code):,} characters")
                codes[_whole(attributes.get("numFmtId"))] = code
            elif name == "xf" and "cellXfs" in inside:
                styles.append(_whole(attributes.get("numFmtId", "0")))

        self.package.walk(self._path("styles"), start)
        return [codes.get(style, "General") for style in styles]

    def _texts(self) -> list[str]:
        """The shared texts, without readings in another script."""
        found: list[list[str]] = []  # each in pieces

        def start(name: str, *_: object) -> None:
            if name == "si":
                found.append([])

        def text(data: str, inside: list[str]) -> None:
            if inside[-1] == "t" and "rPh" not in inside and found:
                found[-1].append(data)

        self.package.walk(self._path("sharedStrings"), start, text=text)
        return ["".join(pieces) for pieces in found]

    def names(self) -> list[tuple[str, bool]]:
        """Its worksheets in order, each with whether it is hidden."""
        return [(name, hidden) for name, (hidden, _) in self.sheets.items()]

    def sheet(self, name: str) -> Sheet:
        """What the file says of one."""
        hidden, path = self.sheets[name]
        if path not in self.package:
            raise DamagedError(f"the sheet {name!r} is not in the file")
        scan = _Scan(Sheet(name, hidden, self.budget), self.texts, self.formats)
        # Cells that are only coloured go first: they may be a million, and each would cost a call.
        self.package.walk(path, scan.start, scan.end, scan.text, without=_BLANK)
        return scan.sheet

    def for_reader(self, name: str) -> bytes:
        """The parts that values come from, that sheet's and no other's, packed anew."""
        parts = ["[Content_Types].xml", "_rels/.rels", self.main, _relations_of(self.main), self._path("styles")]
        return self.package.packed([*parts, self._path("sharedStrings"), self.sheets[name][1]], _DIMENSION)


class _Scan:
    """The cells of a sheet in the order of the file."""

    def __init__(self, sheet: Sheet, texts: list[str], formats: list[str]) -> None:
        self.sheet, self.texts, self.formats = sheet, texts, formats
        self.row = self.column = 0
        self.cell: Mapping[str, str] = {}
        self.formula = False
        self.values: list[str] = []  # pieces of either
        self.inlines: list[str] = []

    def start(self, name: str, attributes: Mapping[str, str], inside: list[str]) -> None:
        if name == "v":
            return
        above = inside[-1] if inside else ""
        if name == "c" and above == "row":
            self.cell, self.formula, self.values, self.inlines = attributes, False, [], []
        elif name == "f" and above == "c":
            self.formula = True
        elif name == "worksheet" and not MAIN & {value for key, value in attributes.items() if key.startswith("xmlns")}:
            raise DamagedError("a sheet that is none of a spreadsheet")
        elif name == "row" and above == "sheetData":
            self.row, self.column = _whole(attributes.get("r", self.row + 1)), 0
            if attributes.get("hidden") in _TRUE or _none_high(attributes.get("ht")):
                self.sheet.hidden_rows.add(self.row)
        elif name == "col" and (attributes.get("hidden") in _TRUE or _none_high(attributes.get("width"))):
            self.sheet.hide_columns(_whole(attributes.get("min")), _whole(attributes.get("max")))
        elif name == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            self.sheet.merge(*place_of(first), *place_of(last or first))

    def text(self, data: str, inside: list[str]) -> None:
        if inside[-1] == "v":
            self.values.append(data)
        elif inside[-1] == "t" and "is" in inside and "rPh" not in inside:
            self.inlines.append(data)

    def end(self, name: str, inside: list[str]) -> None:
        if name != "c" or inside[-1:] != ["row"]:
            return
        row, self.column = place_of(self.cell["r"]) if "r" in self.cell else (self.row, self.column + 1)
        if row != self.row:
            raise DamagedError(f"the cell {self.cell['r']} stands in row {self.row}")
        found = self._read(self.cell.get("t", "n"), _whole(self.cell.get("s", "0")))
        if found is not None:
            self.sheet.put(row, self.column, found)

    def _read(self, kind: str, style: int) -> Cell | None:
        form = self.formats[style] if style < len(self.formats) else "General"
        value = "".join(self.inlines if kind == "inlineStr" else self.values)
        if not value:
            return Cell("nothing", None, form, formula=True) if self.formula and kind != "inlineStr" else None
        if kind == "s":
            place = _whole(value)
            if place >= len(self.texts):
                raise DamagedError(f"a text that is not there, in row {self.row}")
            return Cell("text", self.texts[place], form, formula=self.formula) if self.texts[place] else None
        if kind == "n":
            if not _NUMBER.fullmatch(value):
                raise DamagedError(f"{value[:40]!r} is not a number, in row {self.row}")
            return Cell("number", float(value), form, formula=self.formula)
        if kind == "b":
            return Cell("yes/no", value.strip() in _TRUE, form, formula=self.formula)
        kinds = {"str": "text", "inlineStr": "text", "e": "error", "d": "date"}
        if kind not in kinds:
            raise DamagedError(f"a cell of the unknown type {kind[:20]!r}, in row {self.row}")
        return Cell(kinds[kind], value, form, formula=self.formula)


def _relations_of(path: str) -> str:
    above, name = posixpath.split(path)
    return posixpath.join(above, "_rels", f"{name}.rels")


def _relations(package: Package, path: str) -> dict[str, tuple[str, str]]:
    """What a part refers to, by name: the kind and the path of each."""
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: Mapping[str, str], _: list[str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.join("/", posixpath.dirname(path), attributes.get("Target", ""))
            kind = attributes.get("Type", "").rpartition("/")[2]
            found[attributes.get("Id", "")] = kind, posixpath.normpath(target).lstrip("/")

    package.walk(_relations_of(path), start)
    return found


def _whole(text: object) -> int:
    if not re.fullmatch(r"\s*[0-9]{1,9}\s*", str(text)):
        raise DamagedError(f"{str(text)[:20]!r} is not a whole number")
    return int(str(text))


def _none_high(text: str | None) -> bool:
    """Whether a height or width is said and 0."""
    return text is not None and _NUMBER.fullmatch(text) is not None and float(text) == 0
