"""Workbooks written for tests, without the readers under test: xlsx by openpyxl, ods and xls by hand."""

import io
import re
import struct
import zipfile
from xml.sax.saxutils import escape, quoteattr

import openpyxl

from riskmodel.evidence.incoming import join
from riskmodel.evidence.load import load_evidence
from riskmodel.evidence.manifest import SHIPPED

HEADER = ("source", "variable", "category", "given", "events", "total", "ascertainment", "terminations", "basis",
          "citation", "year")  # fmt: skip


def series(name, events, total):
    return (name, "anatomy", "associated", "", events, total, "referral", "included", "abstract",
            f"{name}. An invented series. J Nowhere.", 2011)  # fmt: skip


ROWS = (HEADER, series("Alder 2011", 3, 20), series("Birch 2012", 9, 15), series("Cedar 2013", 1, 40),
        series("Dogwood 2014", 30, 33))  # fmt: skip
SEEN = [(row[0], row[4], row[5]) for row in ROWS[1:]]
E, F = 5, 6  # the columns events and total, as openpyxl counts them


def counted(table, **asked):
    """Counts that a table brings to the template finding, and what was said of the table."""
    found = join(load_evidence(SHIPPED / "template"), table, updated="2026-01-31", **asked)
    return [(one.source, one.events, one.total) for one in found.counts], found.said


def xlsx(path, rows=ROWS, edit=None, *, top=1, left=1, sheet="counts"):
    """A workbook by openpyxl, changed by `edit(book, sheet)` before it is saved."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            if value not in ("", None):
                page.cell(top + i, left + j, value)
    if edit is not None:
        edit(book, page)
    book.save(path)
    return path


def repack(path, change, out=None):
    """The same archive with parts changed: `change(parts)` gets a dictionary of bytes by name."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    change(parts)
    with zipfile.ZipFile(out or path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out or path


def in_part(path, old, new, part="xl/worksheets/sheet1.xml"):
    """The same archive with a text replaced that must be there."""

    def change(parts):
        assert old.encode() in parts[part], parts[part][:2000]
        parts[part] = parts[part].replace(old.encode(), new.encode(), 1)

    return repack(path, change)


# ---------------------------------------------------------------- OpenDocument

_SPACES = " ".join(
    f'xmlns:{one}="urn:oasis:names:tc:opendocument:xmlns:{one}:1.0"' for one in ("office", "table", "text", "style")
)
_CALC = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'


def ods_cell(value, attributes="", shown=None):
    """A cell as LibreOffice writes it."""
    if value in ("", None):
        return f"<table:table-cell {attributes}/>"
    kind = 'office:value-type="string"'
    if isinstance(value, (int, float)) and "value-type" not in attributes:
        kind = f'office:value-type="float" office:value="{value}"'
    elif "value-type" in attributes:
        kind = ""
    text = escape(str(value) if shown is None else shown)
    return f"<table:table-cell {kind} {attributes}><text:p>{text}</text:p></table:table-cell>"


def ods_row(cells, attributes=""):
    cells = [one if str(one).startswith("<table") else ods_cell(one) for one in cells]
    return f"<table:table-row {attributes}>{''.join(cells)}</table:table-row>"


def ods(path, rows=ROWS, *, sheets=None, before="", after=""):
    """An ods of sheets of rows; a row or cell that is text beginning with ``<table`` stands as it is."""
    tables = []
    for name, (lines, style) in (sheets or {"counts": (rows, "ta1")}).items():
        body = "".join(one if isinstance(one, str) else ods_row(one) for one in lines)
        tables.append(
            f"<table:table table:name={quoteattr(name)} table:style-name='{style}'>{before}{body}{after}</table:table>"
        )
    styles = "".join(
        f"<style:style style:name='{name}' style:family='table'><style:table-properties table:display='{shown}'/></style:style>"
        for name, shown in (("ta1", "true"), ("ta2", "false"))
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {_SPACES} {_CALC} office:version="1.3">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>"
        f"{''.join(tables)}</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return path


# ---------------------------------------------------------------- old Excel ([MS-XLS], [MS-CFB])

FORMATS = ("General", "0%", "yyyy-mm-dd")


def _record(code, body):
    return struct.pack("<HH", code, len(body)) + body


def _page(rows, *, formats=(), errors=(), formulas=(), hidden=(), columns=(), merged=()):
    """A sheet: places, counted from 1, that have a format, are errors or formulas; rows and columns that are hidden."""
    out = [_record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0x1BB, 0x7CC, 0, 6))]
    out += [_record(0x7D, struct.pack("<HHHHHH", one - 1, one - 1, 2000, 0, 1, 0)) for one in columns]
    for i, row in enumerate(rows):
        out.append(_record(0x208, struct.pack("<HHHHHHI", i, 0, len(row), 300, 0, 0, 0x20 if i + 1 in hidden else 0)))
        for j, value in enumerate(row):
            place = (i + 1, j + 1)
            at = struct.pack("<HHH", i, j, 1 + FORMATS.index(dict(formats).get(place, "General")))
            if place in errors:
                out.append(_record(0x205, at + struct.pack("<BB", 0x17, 1)))
            elif place in formulas:
                out.append(_record(0x06, at + struct.pack("<dHIH", value, 0, 0, 3) + b"\x1e\x01\x00"))
            elif isinstance(value, (int, float)):
                out.append(_record(0x203, at + struct.pack("<d", value)))
            elif value:
                out.append(_record(0x204, at + struct.pack("<HB", len(value), 1) + value.encode("utf-16-le")))
    if merged:
        out.append(
            _record(0xE5, struct.pack("<H", len(merged)) + b"".join(struct.pack("<HHHH", *one) for one in merged))
        )
    return b"".join([*out, _record(0x0A, b"")])


def xls(path, rows=ROWS, *, sheets=None, **told):
    """A workbook of old Excel; `sheets` gives rows and whether it is hidden by name, `told` is of the last sheet."""
    sheets = sheets or {"counts": (rows, False)}
    names = list(sheets)
    pages = [_page(sheets[one][0], **(told if one == names[-1] else {})) for one in names]
    begin = [
        _record(0x809, struct.pack("<HHHHII", 0x600, 0x05, 0x1BB, 0x7CC, 0, 6)),
        _record(0x42, struct.pack("<H", 1200)),
    ]
    begin += [_record(0x31, struct.pack("<HHHHHBBBBBB", 200, 0, 0x7FFF, 400, 0, 0, 0, 0, 0, 1, 0) + b"A")] * 4
    begin += [_record(0x41E, struct.pack("<HHB", 164 + i, len(one), 0) + one.encode()) for i, one in enumerate(FORMATS)]
    styles = [(0, 0xFFF5), *((164 + i, 1) for i in range(len(FORMATS)))]
    begin += [
        _record(0xE0, struct.pack("<HHHBBBBIIH", 0, form, kind, 0x20, 0, 0, 0, 0, 0, 0x20C0)) for form, kind in styles
    ]
    bodies = [struct.pack("<BBBB", int(sheets[one][1]), 0, len(one), 0) + one.encode() for one in names]
    start = sum(map(len, begin)) + sum(8 + len(one) for one in bodies) + 4
    for body, page in zip(bodies, pages, strict=True):
        begin.append(_record(0x85, struct.pack("<I", start) + body))
        start += len(page)
    stream = b"".join([*begin, _record(0x0A, b""), *pages])
    path.write_bytes(ole(stream, "Workbook"))
    return path


def ole(stream, name):
    """A compound file with one stream, in sectors of 512 bytes."""
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")
    many = len(stream) // 512
    tables = 1
    while tables * 128 < many + 1 + tables:
        tables += 1
    chain = [0xFFFFFFFD] * tables + [0xFFFFFFFE] + [tables + 2 + i for i in range(many - 1)] + [0xFFFFFFFE]
    chain += [0xFFFFFFFF] * (tables * 128 - len(chain))
    head = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 10
    head += struct.pack("<IIIIIIIII", tables, tables, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)[:-4]
    head += struct.pack("<109I", *range(tables), *[0xFFFFFFFF] * (109 - tables))

    def entry(title, kind, child, start, size):
        raw = (title + "\0").encode("utf-16-le")
        links = struct.pack("<BBIII", kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return raw.ljust(64, b"\0") + struct.pack("<H", len(raw)) + links + b"\0" * 36 + struct.pack("<IQ", start, size)

    root = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(name, 2, 0xFFFFFFFF, tables + 1, len(stream))
    root += b"\0" * 256
    return head + struct.pack(f"<{len(chain)}I", *chain) + root + stream


def zipped(parts):
    """An archive of parts in memory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def shared(path):
    """The same workbook with its texts in one table, as Excel writes them."""

    def change(parts):
        texts = []

        def by_number(match):
            texts.append(match[2])
            return f'{match[1]} t="s"><v>{len(texts) - 1}</v></c>'

        name = "xl/worksheets/sheet1.xml"
        inline = r'(<c r="[A-Z]+[0-9]+"(?: s="[0-9]+")?) t="inlineStr"><is>(<t.*?</t>)</is></c>'
        parts[name] = re.sub(inline, by_number, parts[name].decode()).encode()
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        parts["xl/sharedStrings.xml"] = (
            f"<sst xmlns='{main}'>{''.join(f'<si>{one}</si>' for one in texts)}</sst>".encode()
        )
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"
        link = f'<Relationship Id="rIdS" Type="{kind}" Target="sharedStrings.xml"/></Relationships>'.encode()
        form = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
        known = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{form}"/></Types>'.encode()
        parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(b"</Types>", known)
        related = "xl/_rels/workbook.xml.rels"
        parts[related] = parts[related].replace(b"</Relationships>", link)

    return repack(path, change)
