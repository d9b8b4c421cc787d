"""Files of at most 2 MB that are made to fill the memory or the day: each by its name, for whoever reads it."""

import io
import struct
import zipfile

from workbooks import HEADER, in_part, ods, ods_cell, ods_row, ole, repack, series, xls, xlsx

from riskmodel.evidence.manifest import SHIPPED

MOST = 2_000_000
SHEET = "xl/worksheets/sheet1.xml"
TEMPLATE = SHIPPED / "template"


def rows(path, body):
    return in_part(path, "</sheetData>", f"{body}</sheetData>")


def part(path, name, change):
    def changed(parts):
        parts[name] = change(parts[name].decode()).encode()

    return repack(path, changed)


def stored(path):
    """Packed as hard as zip knows."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    path.write_bytes(out.getvalue())
    return path


def _sheet_of(body):
    return lambda path: rows(xlsx(path), body())


def _many_cells(count, cell):
    return lambda: "".join(f'<row r="{i}">' + "".join(cell.format(chr(65 + j), i) for j in range(12)) + "</row>"
                           for i in range(6, 6 + count // 12))  # fmt: skip


def _texts(path):
    """A shared text in half a million pieces."""
    from workbooks import shared

    pieces = "<r><t>ab</t></r>" * 400_000
    return in_part(shared(xlsx(path)), "<si><t>Alder 2011</t></si>", f"<si>{pieces}</si>", "xl/sharedStrings.xml")


def _long_text(path):
    return rows(xlsx(path), f'<row r="6"><c r="A6" t="inlineStr"><is><t>{"ab" * 20_000_000}</t></is></c></row>')


def _merges(path):
    cells = "".join(f'<mergeCell ref="A{i}:B{i}"/>' for i in range(1, 300_000))
    rows(xlsx(path), _many_cells(60_000, '<c r="{0}{1}"><v>1</v></c>')())
    return in_part(path, "</sheetData>", f"</sheetData><mergeCells>{cells}</mergeCells>")


def _columns(path):
    columns = '<col min="1" max="16384" hidden="1"/>' * 100_000
    return in_part(xlsx(path), "<sheetData>", f"<cols>{columns}</cols><sheetData>")


def _formats(path):
    code = '"a"' * 20_000
    formats = f'<numFmts count="1"><numFmt numFmtId="164" formatCode="{code.replace(chr(34), "&quot;")}"/></numFmts>'
    return rows(xlsx(path), _many_cells(100_000, '<c r="{0}{1}" s="1"><v>1</v></c>')()) and part(
        path, "xl/styles.xml", lambda text: text.replace("<fonts", f"{formats}<fonts", 1).replace(
            "</cellXfs>", '<xf numFmtId="164"/></cellXfs>'))  # fmt: skip


def _one_part(path):
    """Two thousand sheets that are one part."""
    rows(xlsx(path), '<row r="6"/>' * 200_000)
    link = part(path, "xl/_rels/workbook.xml.rels", lambda text: text)

    def sheets(text):
        import re

        one = re.search(r"<sheet [^>]*/>", text)[0]
        more = "".join(
            re.sub(r'name="[^"]*"', f'name="s{i}"', one).replace('sheetId="1"', f'sheetId="{i + 9}"')
            for i in range(2000)
        )
        return text.replace(one, one + more)

    return part(link, "xl/workbook.xml", sheets)


def _dimensions(path):
    return in_part(xlsx(path), "<sheetData>", f"<!--{'<dimension ' * 4_000_000}--><sheetData>")


def _deep(path):
    return rows(xlsx(path), "<a>" * 400_000 + "x" + "</a>" * 400_000)


def _deep_ods(path):
    spans = "<text:span>x" * 200_000 + "</text:span>" * 200_000
    return ods(
        path,
        after=ods_row([f'<table:table-cell office:value-type="string"><text:p>{spans}</text:p></table:table-cell>']),
    )


def _ods_text(path):
    text = "ab " * 12_000_000
    return ods(
        path,
        after=ods_row([f'<table:table-cell office:value-type="string"><text:p>{text}</text:p></table:table-cell>']),
    )


def _ods_merges(path):
    span = 'table:number-columns-spanned="2" table:number-rows-spanned="2"'
    return ods(path, after=ods_row([ods_cell("", span)], 'table:number-rows-repeated="1000000"'))


def _parts(path):
    return repack(xlsx(path), lambda parts: parts.update({f"xl/media/{i}": b"" for i in range(15_000)}))


def _xls(records):
    def made(path):
        raw = xls(path).read_bytes()
        assert raw
        path.write_bytes(ole(_stream(records()), "Workbook"))
        return path

    return made


def _stream(cells):
    """A workbook's stream with one sheet of these records (MS-XLS 2.1)."""

    def record(code, data):
        return struct.pack("<HH", code, len(data)) + data

    begin = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    bound = record(0x85, struct.pack("<IHBB", 0, 0, 6, 0) + b"counts")
    at = len(begin) + len(bound) + 4
    bound = record(0x85, struct.pack("<IHBB", at, 0, 6, 0) + b"counts")
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    return begin + bound + record(0x0A, b"") + sheet + cells + record(0x0A, b"")


def _far_cells():
    return b"".join(struct.pack("<HHHHH", 0x201, 6, i, 255, 0) for i in range(65_536))


def _many_numbers():
    return b"".join(struct.pack("<HHHHHi", 0x27E, 10, i, j, 0, 6) for i in range(7000) for j in range(12))


def _merged_records():
    one = (
        struct.pack("<HH", 0xE5, 2 + 8 * 1000)
        + struct.pack("<H", 1000)
        + struct.pack("<HHHH", 0, 65_000, 0, 255) * 1000
    )
    return one * 200


#: Workbooks, by what is wrong with each.
WORKBOOKS = {
    "rows without cells": ("xlsx", _sheet_of(lambda: "<row/>" * 900_000)),
    "a quarter of a million cells": ("xlsx", _sheet_of(_many_cells(240_000, '<c r="{0}{1}"><v>1</v></c>'))),
    "too many cells": ("xlsx", _sheet_of(_many_cells(300_000, '<c r="{0}{1}"><v>1</v></c>'))),
    "coloured cells": ("xlsx", _sheet_of(_many_cells(600_000, '<c r="{0}{1}" s="1"/>'))),
    "a text in pieces": ("xlsx", _texts), "a long text": ("xlsx", _long_text), "merged cells": ("xlsx", _merges),
    "columns hidden over and over": ("xlsx", _columns), "a long number format": ("xlsx", _formats),
    "many sheets of one part": ("xlsx", _one_part), "dimensions in a comment": ("xlsx", _dimensions),
    "elements inside each other": ("xlsx", _deep), "spans inside each other": ("ods", _deep_ods),
    "a long text of an ods": ("ods", _ods_text), "merged rows repeated": ("ods", _ods_merges),
    "many parts": ("xlsx", _parts), "blank cells far away": ("xls", _xls(_far_cells)),
    "many numbers": ("xls", _xls(_many_numbers)), "records of merged cells": ("xls", _xls(_merged_records)),
}  # fmt: skip

#: Texts of the files of a folder, by file and what is wrong.
TEXTS = {
    ("finding.toml", "a key of many parts"): lambda: "a" + ".a" * 20_000 + " = 1\n",
    ("finding.toml", "a key of many quoted parts"): lambda: '"a"' + ' . "a"' * 200_000 + " = 1\n",
    ("finding.toml", "a table of many parts"): lambda: "[" + "a" + ".a" * 900_000 + "]\n",
    ("finding.toml", "keys of twenty parts"): lambda: "".join(f"a{i}{'.a' * 19} = 1\n" for i in range(30_000)),
    ("finding.toml", "many keys of twenty parts"): lambda: "".join(f"a{i}{'.a' * 19} = 1\n" for i in range(9_000)),
    ("finding.toml", "lists inside each other"): lambda: "a = " + "[" * 900_000,
    ("finding.toml", "tables inside each other"): lambda: "a = " + "{a=" * 100_000,
    ("finding.toml", "a long number"): lambda: "a = " + "9" * 1_900_000 + "\n",
    ("finding.toml", "a long hexadecimal"): lambda: "title = 0x" + "f" * 400_000 + "\n",
    ("finding.toml", "many keys"): lambda: "".join(f"a{i} = 1\n" for i in range(40_000)),
    ("finding.toml", "a long list"): lambda: "a = [" + "1," * 240_000 + "]\n",
    ("workup.toml", "letters without end"): lambda: "a" * 1_900_000,
    ("workup.toml", "quotes without end"): lambda: '"a' * 900_000,
    ("workup.toml", "blanks without end"): lambda: "a" + " " * 1_900_000,
    ("workup.toml", "dots without end"): lambda: "." * 1_900_000,
    ("counts.csv", "commas"): lambda: "," * 1_900_000,
    ("counts.csv", "lines"): lambda: "\n" * 1_900_000,
    ("counts.csv", "quotes"): lambda: '"' * 1_900_000,
    ("counts.csv", "a cell without end"): lambda: _counts() + '"' + "a" * 1_900_000,
    ("counts.csv", "rows of nobody"): lambda: _counts() + "".join(
        f"Nobody {i},anatomi,associatet,,x,y,with,,ref,inc,abs,pri,,,,\n" for i in range(19_900)),
    ("sources.csv", "sources that nobody cites"): lambda: (TEMPLATE / "sources.csv").read_text() + "".join(
        f"Somebody {i} 2001,Somebody {i}. A paper. J Nowhere 2001,2001,,,,referral,,,\n" for i in range(19_900)),
    ("sources.csv", "one label over and over"): lambda: (TEMPLATE / "sources.csv").read_text()
    + "Somebody 2001,Somebody. A paper. J Nowhere 2001,2001,,,,referral,,,\n" * 19_900,
}  # fmt: skip


def _counts():
    return (TEMPLATE / "counts.csv").read_text()


#: Records, by what is wrong.
RECORDS = {
    "lists inside each other": lambda: "[" * 1_900_000,
    "a long number": lambda: '{"format": ' + "9" * 1_900_000 + "}",
    "a long list": lambda: "[" + "1," * 900_000 + "1]",
    "many keys": lambda: "{" + ",".join(f'"{i}":1' for i in range(150_000)) + "}",
}

_ = HEADER, series
