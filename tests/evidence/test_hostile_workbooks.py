"""Workbooks made to fill the memory or to say one thing to one reader and another to the next: refused, or read alike."""

import resource
import struct
import zipfile

import pytest
from workbooks import ROWS, SEEN, counted, in_part, ods, ods_cell, ods_row, ole, repack, series, shared, xls, xlsx

import riskmodel as rm
from riskmodel.evidence.workbooks import sheet as bounds

SHEET = "xl/worksheets/sheet1.xml"
#: What reading may add to the memory of the process; each of these took above a gigabyte, or could.
MOST = 400_000  # kilobytes


@pytest.fixture(autouse=True)
def _bounded():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MOST


def refused(path, what, **asked):
    with pytest.raises((rm.InputError, rm.EvidenceError)) as caught:
        counted(path, **asked)
    assert what in str(caught.value), caught.value
    assert path.name in str(caught.value)


def rows(path, body):
    return in_part(path, "</sheetData>", f"{body}</sheetData>")


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "in the cell XFD1048576 of sheet 'counts'"),
        ('<row r="1048576"><c r="A1048576"><v>1</v></c></row>', "in the cell A1048576"),
        ('<row r="6"><c r="XFE6"><v>1</v></c></row>', "there is no cell XFE6"),
        ('<row r="1048577"><c r="A1048577"><v>1</v></c></row>', "there is no cell A1048577"),
        ('<row r="6"><c r="A7"><v>1</v></c></row>', "the cell A7 stands in row 6"),
        ('<row r="6"><c r="a6"><v>1</v></c></row>', "'a6' is not a cell"),
        ('<row r="2"><c r="E2"><v>7</v></c></row>', "the cell E2 stands there twice"),
        ('<row r="6"><c r="A6"><v>1e999x</v></c></row>', "is not a number"),
        ('<row r="6"><c r="A6" t="s"><v>999</v></c></row>', "a text that is not there"),
        ('<row r="6"><c r="A6" t="q"><v>9</v></c></row>', "the unknown type 'q'"),
        ("<row", "not well-formed"),
    ],
)
def test_cells_that_cannot_be_are_named(tmp_path, body, what):
    refused(rows(xlsx(tmp_path / "new.xlsx"), body), what)


def test_more_than_can_be_unpacked(tmp_path):
    path = xlsx(tmp_path / "new.xlsx")
    rows(path, f"<!--{' ' * (bounds.MOST_UNPACKED + 1)}-->")
    assert path.stat().st_size < 200_000
    refused(path, "more than 50,000,000 bytes when unpacked")


def test_a_size_that_is_not_the_true_one(tmp_path):
    """The archive says that a sheet is short; unpacked it is not."""
    path = rows(xlsx(tmp_path / "new.xlsx"), f"<!--{' ' * (bounds.MOST_UNPACKED + 1)}-->")
    raw = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = struct.pack("<L", archive.getinfo(SHEET).file_size)
    assert raw.count(size) >= 2
    path.write_bytes(raw.replace(size, struct.pack("<L", 3000)))
    refused(path, "cannot be unpacked")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_to_pack_are_refused(tmp_path, kind):
    path = xlsx(tmp_path / "new.xlsx")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    refused(path, "packed in an unusual way")


@pytest.mark.parametrize("other", [SHEET, SHEET.upper(), SHEET.replace("/", "\\"), f"./{SHEET}"])
def test_a_part_that_stands_there_twice(tmp_path, other):
    path = xlsx(tmp_path / "new.xlsx")
    with zipfile.ZipFile(path) as archive:
        content = archive.read(SHEET)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns() if other == SHEET else _nothing():
        archive.writestr(other, content.replace(b"<v>3</v>", b"<v>13</v>"))
    refused(path, "stands in it twice")


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "_rels/.rels"])
def test_entities_are_refused(tmp_path, part):
    path = xlsx(tmp_path / "new.xlsx")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'

    def change(parts):
        content = parts[part].decode()
        start = content.index("?>") + 2 if content.startswith("<?xml") else 0
        parts[part] = (content[:start] + bomb + content[start:]).encode()

    refused(repack(path, change), "a document type")


def test_one_long_text_shown_often(tmp_path):
    path = shared(xlsx(tmp_path / "new.xlsx"))
    in_part(path, "<si><t>Alder 2011</t></si>", f"<si><t>{'a' * 1_000_000}</t></si>", "xl/sharedStrings.xml")
    rows(path, "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>11</v></c></row>' for i in range(6, 100)))
    refused(path, "20,000,000 characters")


def test_more_cells_than_a_table_has(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds.Budget, "__init__", lambda self: self.__dict__.update(cells=50, characters=10**6))
    refused(xlsx(tmp_path / "new.xlsx"), "with sheet 'counts'")
    refused(ods(tmp_path / "new.ods"), "with sheet 'counts'")
    refused(xls(tmp_path / "new.xls"), "with sheet 'counts'")


def test_more_elements_than_a_part_has(tmp_path):
    path = rows(xlsx(tmp_path / "new.xlsx"), "<row/>" * (2 * bounds.MOST_ELEMENTS + 1))
    refused(path, "more than 1,000,000 elements")


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (
            ods_row([ods_cell(1, 'table:number-columns-repeated="16384"')], 'table:number-rows-repeated="1048576"'),
            "is repeated",
        ),
        (
            ods_row([ods_cell(1, 'table:number-columns-repeated="9000"')], 'table:number-rows-repeated="9"'),
            "column 12 (L)",
        ),
        (ods_row([""] * 3 + [1], 'table:number-rows-repeated="999999999"'), "is repeated"),
        (ods_row([""], 'table:number-rows-repeated="1048000"') + ods_row([1]), "far away, in the cell A1048006"),
        (ods_row(["<table:table-cell><text:p>x</text:p><table:table/></table:table-cell>"]), "a table inside a cell"),
        (ods_row([ods_cell(1, 'office:value-type="float" office:value="1_0"')]), "'1_0' is not a number"),
        (ods_row([ods_cell(1, 'table:number-columns-repeated="x"')]), "'x' is not a whole number"),
    ],
)
def test_an_ods_that_repeats_without_end(tmp_path, more, what):
    refused(ods(tmp_path / "new.ods", after=more), what)


def test_an_ods_of_many_sheets_far_apart(tmp_path):
    far = ods_row([""], 'table:number-rows-repeated="190000"') + ods_row([""] * 9 + [1])
    sheets = {"counts": (ROWS, "ta1")} | {f"s{i}": ([far], "ta2") for i in range(9)}
    refused(ods(tmp_path / "new.ods", sheets=sheets), "in its sheets together")


def test_an_archive_of_ten_thousand_parts(tmp_path):
    path = xlsx(tmp_path / "new.xlsx")
    refused(
        repack(path, lambda parts: parts.update({f"xl/media/{i}": b"" for i in range(10_000)})),
        "more than 10,000 files",
    )


def test_pictures_and_other_parts_are_not_unpacked(tmp_path):
    path = xlsx(tmp_path / "new.xlsx")
    repack(path, lambda parts: parts.update({"xl/media/a.png": bytes(bounds.MOST_UNPACKED + 1)}))
    assert counted(path) == (SEEN, ())


@pytest.mark.parametrize("share", [0.02, 0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("write", [xlsx, ods, xls])
def test_a_file_that_is_cut_off(tmp_path, write, share):
    path = write(tmp_path / f"new.{write.__name__}")
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    try:
        assert counted(path)[0] == SEEN  # an xls ends in padding
    except (rm.InputError, rm.EvidenceError) as error:
        assert path.name in str(error)


def test_a_cell_that_two_readers_see_differently(tmp_path, monkeypatch):
    """Were one of them wrong, no number of the file would enter."""
    from riskmodel.evidence.workbooks import read

    path, values = xlsx(tmp_path / "new.xlsx"), read._values
    for place, value in (((2, 5), 4.0), ((2, 1), "Alder 2012"), ((3, 6), None), ((9, 9), 1.0)):
        monkeypatch.setattr(read, "_values", lambda *file, p=place, v=value: values(*file) | {p: v})
        refused(path, "to one reader, and to the other")


def test_old_files_with_chains_that_do_not_end(tmp_path):
    raw = bytearray(ole(b"\x09\x08\x10\x00" + bytes(5000), "Workbook"))
    raw[512 + 8 : 512 + 12] = struct.pack("<I", 2)  # a sector that follows itself
    path = tmp_path / "new.xls"
    path.write_bytes(raw)
    refused(path, "old Excel (.xls) that is damaged")


def test_a_table_of_many_rows_is_read(tmp_path):
    many = [ROWS[0], *(series(f"Series {i}", i % 20, 20) for i in range(300))]
    assert len(counted(xlsx(tmp_path / "new.xlsx", many))[0]) == 300
