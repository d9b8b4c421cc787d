"""What a file is, by how it begins: its name may say otherwise."""

from __future__ import annotations

import io
import zipfile
from typing import NamedTuple


class Kind(NamedTuple):
    """A kind of file."""

    what: str
    suffixes: tuple[str, ...] = ()  # names that it may bear, the usual one first
    remedy: str = "Save it as .xlsx or as CSV"


XLSX = Kind("an Excel workbook (.xlsx)", (".xlsx", ".xlsm", ".xltx", ".xltm"))
ODS = Kind("an OpenDocument spreadsheet (.ods)", (".ods", ".ots"))
XLS = Kind("a workbook of old Excel (.xls)", (".xls", ".xlt"))
WORKBOOKS = (XLSX, ODS, XLS)
LOCKED = Kind("a locked file, such as one protected by a password", remedy="Save it without the password")
_COPY = "Copy its table into a spreadsheet, and save that"
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#: What lies in a zip archive, and what the archive then is.
_ZIPPED = (
    ("xl/workbook.xml", XLSX),
    ("content.xml", ODS),
    ("xl/workbook.bin", Kind("an Excel workbook in binary form (.xlsb)")),
    ("index/document.iwa", Kind("a file of Numbers", remedy="Export it as .xlsx or as CSV")),
    ("word/document.xml", Kind("a Word document", remedy=_COPY)),
)
#: Names of the streams of the older container, in UTF-16.
_STREAMS = (
    ("EncryptedPackage", LOCKED),
    ("Workbook", XLS),
    ("Book", XLS),
    ("WordDocument", Kind("an old Word document", remedy=_COPY)),
)
#: How other files begin that bear a spreadsheet's name, or are taken for one.
_BEGINS: tuple[tuple[bytes | tuple[bytes, ...], Kind], ...] = (
    (b"%PDF", Kind("a PDF", remedy=_COPY)),
    (b"PAR1", Kind("a Parquet file", remedy="Read it as a data frame, and give that")),
    (b"\x1f\x8b", Kind("a compressed file", remedy="Unpack it")),
    (b"{\\rtf", Kind("a text document (RTF)", remedy=_COPY)),
    (b"<", Kind("a web page or XML", remedy="Open it with a spreadsheet program, and save it as .xlsx or as CSV")),
    ((b"\x09\x00\x04\x00", b"\x09\x02\x06\x00", b"\x09\x04\x06\x00"), Kind("a workbook of an Excel before 1997")),
    (b"\x09\x08", XLS),
)


def kind_of(raw: bytes, suffix: str) -> Kind | None:
    """What a file is; None where it may be text. Its name's suffix decides only what its content leaves open."""
    if raw.startswith(_ZIP):
        return _zipped(raw)
    if raw.startswith(_OLE):
        of_none = XLS if suffix in XLS.suffixes else LOCKED
        return next((kind for name, kind in _STREAMS if name.encode("utf-16-le") in raw), of_none)
    begin = raw[:200].removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for start, kind in _BEGINS if begin.startswith(start)), None)


def _zipped(raw: bytes) -> Kind:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            names = {one.filename.replace("\\", "/").lstrip("/").casefold(): one for one in archive.infolist()}
    except Exception:  # zipfile raises whatever a damaged archive brings it to
        return Kind("a damaged workbook or archive", remedy="Is it cut off? Save it again, or as CSV")
    found = next((kind for name, kind in _ZIPPED if name in names), None)
    if found is None and any(name.endswith((".rels", "[content_types].xml")) for name in names):
        found = XLSX  # its parts may bear other names
    if any(one.flag_bits & 1 for one in names.values()):
        return LOCKED
    return found or Kind("a zip archive", remedy="Unpack it, and give the table in it")
