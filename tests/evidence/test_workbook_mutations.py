"""Workbooks spoilt at random: refused with a message, or read as a plain reading of the visible cells has it.

The plain reading shares no code with the package and none of its readers: an xlsx is read by openpyxl in its ordinary mode, an
ods by ElementTree from the texts that its cells show, an xls is what was written into it. One in twenty runs here; ``make
soak`` runs all thousand. Seeded: the same workbooks every time.
"""

import datetime
import json
import os
import re
import warnings
import zipfile
from xml.etree import ElementTree

import numpy as np
import openpyxl
import pytest
from openpyxl.styles import PatternFill
from workbooks import FORMATS, HEADER, ods, ods_cell, ods_row, repack, series, shared, xls, xlsx

import riskmodel as rm
from riskmodel.evidence.incoming import join
from riskmodel.evidence.manifest import SHIPPED

MUTATIONS = 1000
SHARE = 1 if os.environ.get("RISKMODEL_SOAK") else 20
SHEET = "xl/worksheets/sheet1.xml"
#: Formats under which a whole number shows itself, and others.
PLAIN = ("General", "0", "#,##0", "0.00", "@", "[Red]0", "000")
OTHER = ("0%", "0.0%", "yyyy-mm-dd", "[h]:mm", '0" of 9"', ";;;", "0,", '[<5]"few";0', '"x"', "#", "d/m", "[$€-407]0")


def some_rows(rng):
    totals = rng.integers(1, 60, rng.integers(2, 7))
    return [HEADER, *(series(f"Series {i}", int(rng.integers(0, n + 1)), int(n)) for i, n in enumerate(totals))]


def place(page, rng, *columns):
    """A cell below the header, by its heading where columns are given."""
    head = next((cell for cell in list(page._cells.values()) if cell.value == "source"), page["A1"])
    row, column = (
        int(rng.integers(head.row + 1, head.row + 6)),
        head.column + int(rng.choice(columns or range(len(HEADER)))),
    )
    return page.cell(row, column)


# ---------------------------------------------------------------- of a workbook before it is written


def hide_rows(book, page, rng):
    for row in rng.integers(1, page.max_row + 1, 2):
        page.row_dimensions[int(row)].hidden = True


def hide_columns(book, page, rng):
    page.column_dimensions["ABCDEFGHIJKLM"[int(rng.integers(13))]].hidden = True


def other_sheet(book, page, rng):
    """A second sheet, with a table or with notes, before or after, hidden or not."""
    other = book.create_sheet("other", int(rng.integers(2)))
    for row in some_rows(rng) if rng.integers(2) else [["notes"], ["of", 3, "papers"]]:
        other.append([one if one != "" else None for one in row])
    for one in (other, page) if rng.integers(2) else ():
        one.sheet_state = ("visible", "hidden", "veryHidden")[int(rng.integers(3))]
    if all(one.sheet_state != "visible" for one in book.worksheets):
        page.sheet_state = "visible"


def merge(book, page, rng):
    cell = place(page, rng)
    cells = {"start_row": cell.row, "start_column": cell.column, "end_row": cell.row + int(rng.integers(3))}
    page.merge_cells(**cells, end_column=cell.column + int(rng.integers(2)))


def styles(book, page, rng):
    for _ in range(3):
        cell = place(page, rng)
        cell.number_format = str(rng.choice(PLAIN if rng.integers(3) else OTHER))


def stray_formats(book, page, rng):
    for row, column in zip(rng.integers(1, 1_048_576, 3), rng.integers(1, 16_384, 3), strict=True):
        page.cell(int(row), int(column)).fill = PatternFill("solid", fgColor="FFFF00")


def types(book, page, rng):
    values = (7, "7", "7.0", 7.0, 7.5, True, datetime.date(2026, 3, 7), "=3+4", "#REF!", "7\u00a0", "1,234", "70%", "-7", 1e300, None,
              "seven", 0, "\u200b7", datetime.time(7, 0), -7, "07")  # fmt: skip
    cell = place(page, rng, 4, 5)
    cell.value = values[int(rng.integers(len(values)))]


def blank_rows(book, page, rng):
    page.insert_rows(int(rng.integers(1, page.max_row + 1)), int(rng.integers(1, 9)))


def blank_columns(book, page, rng):
    page.insert_cols(int(rng.integers(1, 13)), int(rng.integers(1, 4)))


def note(book, page, rng):
    page.cell(int(rng.integers(1, 30)), int(rng.integers(1, 20))).value = "a note"


OF_BOOKS = (hide_rows, hide_columns, other_sheet, merge, styles, stray_formats, types, blank_rows, blank_columns, note)

# ---------------------------------------------------------------- of its XML


def dimension(xml, rng):
    wrong = ("A1", "A1:B2", "A1:XFD1048576", "C9", "", "nonsense", "B2:K3")
    return re.sub(r'<dimension ref="[^"]*"', f'<dimension ref="{rng.choice(wrong)}"', xml)


def flip_bits(xml, rng):
    raw = bytearray(xml.encode())
    for at in rng.integers(0, len(raw), rng.integers(1, 4)):
        raw[at] ^= 1 << int(rng.integers(8))
    return bytes(raw)


def cut(xml, rng):
    return xml[: int(rng.integers(len(xml)))]


def _one(xml, rng, pattern, new):
    found = list(re.finditer(pattern, xml))
    if not found:
        return xml
    match = found[int(rng.integers(len(found)))]
    return xml[: match.start()] + match.expand(new) + xml[match.end() :]


def no_reference(xml, rng):
    return _one(xml, rng, r'<c r="[A-Z]+[0-9]+"', "<c")


def other_reference(xml, rng):
    return _one(xml, rng, r'<c r="[A-Z]+([0-9]+)"', rf'<c r="{rng.choice(list("AEFKZ"))}\1"')


def other_type(xml, rng):
    return _one(xml, rng, r' t="n"', f' t="{rng.choice(["b", "str", "e", "s", "d", "x"])}"')


def stored_value(xml, rng):
    return _one(xml, rng, r"<v>[0-9]+</v>", f"<f>3+4</f><v>{rng.choice(['7', '', '7.0', '70E-1', ' 7 ', '7x'])}</v>")


def twice(xml, rng):
    return _one(xml, rng, r"(<row .*?</row>)", r"\1\1")


def flat_row(xml, rng):
    return _one(xml, rng, r'<row r="([0-9]+)">', r'<row r="\1" ht="0" customHeight="1">')


OF_XML = (dimension, flip_bits, cut, no_reference, other_reference, other_type, stored_value, twice, flat_row)

# ---------------------------------------------------------------- plain readings


def shown(cell):
    """What a cell shows, to whoever knows the formats above; a question mark where that is no plain number or text."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str) and cell.data_type != "e":
        return "" if cell.number_format == ";;;" else value.replace("\u00a0", " ").strip()
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
    return str(int(value)) if whole and cell.number_format in PLAIN else "?"


def tables_of_xlsx(path):
    """Each visible table: source, events and total of the visible rows."""
    found = []
    for page in openpyxl.load_workbook(path, data_only=True).worksheets:
        if page.sheet_state != "visible":
            continue
        unseen = set()
        for one in page.column_dimensions.values():
            unseen |= set(range(one.min or 0, (one.max or 0) + 1)) if one.hidden else set()
        flat = {row for row, one in page.row_dimensions.items() if one.hidden or one.height == 0}
        lines = {}
        for cell in page._cells.values():  # not iter_rows: stray formats make it a billion cells
            if cell.row not in flat and cell.column not in unseen:
                lines.setdefault(cell.row, {})[cell.column] = shown(cell)
        found.append([lines[row] for row in sorted(lines) if any(lines[row].values())])
    return list(filter(None, map(columns, found)))


def tables_of_ods(path):
    """The same from what the cells of an ods show."""
    with zipfile.ZipFile(path) as archive:
        tree = ElementTree.fromstring(archive.read("content.xml"))
    table, text = (f"{{urn:oasis:names:tc:opendocument:xmlns:{one}:1.0}}" for one in ("table", "text"))
    found = []
    for page in tree.iter(f"{table}table"):
        lines = []
        for row in page.iter(f"{table}table-row"):
            line, column = {}, 0
            for cell in row:
                many = int(cell.get(f"{table}number-columns-repeated", 1))
                shows = "\n".join("".join(p.itertext()) for p in cell.findall(f"{text}p"))
                line |= {column + i: shows for i in range(many if shows else 0)}
                column += many
            visible = row.get(f"{table}visibility", "visible") == "visible"
            lines += [line] * int(row.get(f"{table}number-rows-repeated", 1)) if visible and any(line.values()) else []
        found.append(lines)
    return list(filter(None, map(columns, found)))


def columns(lines):
    heads = {name: column for column, name in lines[0].items()} if lines else {}
    if not {"source", "events", "total"} <= set(heads):
        return []
    return [tuple(line.get(heads[name], "") for name in ("source", "events", "total")) for line in lines[1:]]


def number(text):
    """7.0 is 7."""
    return re.sub(r"^([0-9]+)\.0{1,2}$", r"\1", text).lstrip("0") or ("0" if text else "")


# ---------------------------------------------------------------- three kinds of file


def an_xlsx(path, rng):
    of_book = [OF_BOOKS[i] for i in rng.integers(0, len(OF_BOOKS), rng.integers(0, 3))]
    # Last: openpyxl moves every blank cell up to stray formats, and writes into no merged cell.
    of_book.sort(key=[merge, stray_formats].count)
    # Of a sheet out of sight openpyxl must read all, or it reads none.
    spoiling = (flip_bits, cut, other_type, stored_value) if other_sheet in of_book else ()
    whole = [one for one in OF_XML if one not in spoiling]
    of_xml = [whole[i] for i in rng.integers(0, len(whole), rng.integers(0 if of_book else 1, 3))]
    xlsx(path, some_rows(rng), lambda book, page: [one(book, page, rng) for one in of_book])
    if rng.integers(2):
        shared(path)
    for one in of_xml:

        def change(parts, one=one):
            xml = one(parts[SHEET].decode(errors="replace"), rng)
            parts[SHEET] = xml if isinstance(xml, bytes) else xml.encode()

        repack(path, change)
    return [*of_book, *of_xml], lambda: tables_of_xlsx(path)


def an_ods(path, rng):
    rows = [list(one) for one in some_rows(rng)]
    row, column = int(rng.integers(1, len(rows))), int(rng.integers(4, 6))
    kinds = ("percentage", "float", "date", "string", "boolean", "currency", "error")
    kind, holds = str(rng.choice(kinds)), int(rng.integers(0, 9))
    says = {"date": "office:date-value='2026-03-07'", "boolean": "office:boolean-value='true'", "string": ""}
    shows = str(rng.choice([str(holds), f"{holds},0", f"{holds} cases", f"{holds}00%", "#REF!", "", f"{holds}000"]))
    if rng.integers(2):
        own = f"office:value-type='{kind}' {says.get(kind, f'''office:value='{holds}' ''')}"
        rows[row][column] = ods_cell(1, own, shows)
    attributes = ("table:visibility='collapse'", "table:visibility='filter'", "table:number-rows-repeated='2'", "")
    rows[row] = ods_row(rows[row], str(rng.choice(attributes)))
    rows = [[""] * int(rng.integers(3))] * int(rng.integers(3)) + rows
    ods(path, rows)
    if not rng.integers(4):
        repack(path, lambda parts: parts.update({"content.xml": flip_bits(parts["content.xml"].decode(), rng)}))
    return [kind, shows], lambda: [
        [(one, *(re.sub(r",0$", "", shown) for shown in two)) for one, *two in table] for table in tables_of_ods(path)
    ]


def an_xls(path, rng):
    rows = some_rows(rng)
    hidden = sorted({int(one) for one in rng.integers(2, len(rows) + 2, rng.integers(0, 3))})
    spoilt = (int(rng.integers(2, len(rows) + 1)), int(rng.integers(5, 7)))
    told = [{"formats": {spoilt: str(rng.choice(FORMATS))}}, {"errors": [spoilt]}, {"formulas": [spoilt]}, {},
            {"columns": [int(rng.integers(1, 15))]}, {"merged": [(spoilt[0] - 1, spoilt[0], 4, 4)]}][int(rng.integers(6))]  # fmt: skip
    xls(path, rows, hidden=hidden, **told)
    if not rng.integers(3):
        raw = bytearray(path.read_bytes())
        raw[int(rng.integers(600)) if rng.integers(2) else 0] ^= 1 << int(rng.integers(8))
        path.write_bytes(raw)
    left = [(one[0], str(one[4]), str(one[5])) for i, one in enumerate(rows, 1) if i > 1 and i not in hidden]
    return [told, hidden], lambda: [left]


@pytest.mark.parametrize("part", range(10))
def test_a_spoilt_workbook_is_refused_or_read_as_it_shows(part, tmp_path, record_property):
    record_property("campaign", ["workbooks", MUTATIONS // 10 // SHARE, 0, ""])
    evidence = rm.load_evidence(SHIPPED / "template")
    refused = loaded = 0
    for i in range(part * MUTATIONS // 10, (part + 1) * MUTATIONS // 10, SHARE):
        rng = np.random.default_rng([20261125, i])
        write, suffix = ((an_xlsx, "xlsx"), (an_xlsx, "xlsx"), (an_xlsx, "xlsx"), (an_ods, "ods"), (an_xls, "xls"))[
            (i // 20) % 5
        ]
        path = tmp_path / f"spoilt.{suffix}"
        how, plain = write(path, rng)
        try:
            found = join(evidence, path, updated="2026-01-31")
        except (rm.InputError, rm.EvidenceError) as error:
            refused += 1
            assert path.name in str(error), (i, how)
            assert error.remedy or all(one.what and one.remedy for one in error.problems), (i, how)
            json.dumps(error.to_dict())
            continue
        loaded += 1
        counts = [(one.source, str(one.events), str(one.total)) for one in found.counts]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables = plain()
        expected = [[(one, number(events), number(total)) for one, events, total in table] for table in tables]
        assert expected == [counts], (i, how)
    assert SHARE > 1 or min(refused, loaded) > 20
    assert refused + loaded == MUTATIONS // 10 // SHARE
