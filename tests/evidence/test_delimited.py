"""Text tables as spreadsheets, databases and data frames leave them; files that are something else are named."""

import csv
import io

import pandas as pd
import pytest
from workbooks import ROWS, SEEN, counted, ods, ole, xls, xlsx, zipped

import riskmodel as rm
from riskmodel.calibration.corpus import load_corpus
from riskmodel.evidence.export import descriptor, write_package
from riskmodel.evidence.manifest import SHIPPED


def text(rows=ROWS, sign=",", end="\n"):
    out = io.StringIO()
    csv.writer(out, delimiter=sign, lineterminator=end).writerows(rows)
    return out.getvalue()


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problems(table):
    with pytest.raises(rm.EvidenceError) as caught:
        counted(table)
    return caught.value.problems


def with_cell(value, column=4, row=2):
    rows = [list(one) for one in ROWS]
    rows[row][column] = value
    return rows


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
@pytest.mark.parametrize("before", ["", "\ufeff", "\ufeff\ufeff", "\n\n", "sep={}\n", "\ufeffSEP={}\r\n", '"sep={}"\n'])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_stands_before_and_between_cells(tmp_path, sign, before, end):
    path = written(tmp_path / "new.csv", before.format(sign) + text(sign=sign, end=end))
    assert counted(path) == (SEEN, ())


def test_a_sign_that_the_first_line_names_is_taken(tmp_path):
    assert counted(written(tmp_path / "new.csv", "sep=~\n" + text(sign="~"))) == (SEEN, ())


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path):
    rows = with_cell(99)
    rows[1][9] = "A citation.\n"  # in one row of the spreadsheet, two lines of the file
    for before, number in (("", 3), ("sep=,\n", 3), ("\n\n", 5)):
        (found,) = problems(written(tmp_path / "new.csv", before + text(rows)))
        assert (found.row, found.what) == (number, "99 events of 15")


def test_blank_rows_and_columns_around_a_table(tmp_path):
    wide = [["", "", *row, ""] for row in ROWS]
    blank = [[""] * 14]
    assert counted(written(tmp_path / "new.csv", text([*blank, *wide, *blank, *blank]))) == (SEEN, ())
    (found,) = problems(written(tmp_path / "new.csv", text([*wide[:2], *blank, *wide[2:]])))
    assert (found.row, found.what) == (3, "an empty row")


@pytest.mark.parametrize(
    "above", [["Table 2. Series"], ["Table 2", "", ""], ["# made by a program"], ["", "", "", "", "Counts"]]
)
def test_a_title_above_the_header_is_one_fault(tmp_path, above):
    for sign in (",", ";", "\t"):
        (found,) = problems(written(tmp_path / "new.csv", "\n" + text([above, *ROWS], sign=sign)))
        assert (found.row, found.column, found.what) == (2, None, "not the header: the columns stand in row 3")
    (found,) = problems(xlsx(tmp_path / "new.xlsx", [above, [], *ROWS], top=4))
    assert (found.row, found.sheet, found.what) == (4, "counts", "not the header: the columns stand in row 6")


@pytest.mark.parametrize("wrong", [text(), "~nobody-at-all/new.csv", "new.csv\0"])
def test_what_is_no_path_is_refused_by_every_door(wrong):
    doors = (
        counted,
        load_corpus,
        rm.load_evidence,
        rm.updating.fit_all,
        rm.FitRecord.load,
        rm.fit,
        rm.refit(SHIPPED / "template", [dict(zip(ROWS[0], ROWS[1], strict=True))]).save,
    )
    for door in doors:
        with pytest.raises(rm.InputError) as caught:
            door(wrong)
        assert caught.value.remedy


@pytest.mark.parametrize("wrong", [0, 3, 11])
def test_a_column_without_a_name_is_told_by_its_place(tmp_path, wrong):
    rows = [[*row[:wrong], "" if i == 0 else i - 1, *row[wrong:]] for i, row in enumerate(ROWS)]
    (found,) = problems(written(tmp_path / "new.csv", text(rows)))
    assert found.what == f"column {wrong + 1} ({'ABCDEFGHIJKL'[wrong]}) has no name"
    assert "to_csv(index=False)" in found.remedy


def test_an_index_of_pandas_is_named(tmp_path):
    frame = pd.DataFrame([dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]])
    frame.to_csv(tmp_path / "new.csv")
    assert "has no name" in problems(tmp_path / "new.csv")[0].what
    (found,) = problems(pd.read_csv(tmp_path / "new.csv", keep_default_na=False))
    assert found.what == "the column 'Unnamed: 0' is an index without a name"


@pytest.mark.parametrize("value", ["9.0", "9.00", " 9 ", "9\u00a0", "\u20099", "9\u202f", "\u30009"])
def test_a_whole_number_as_programs_leave_it(tmp_path, value):
    rows = with_cell(value)
    rows[1][10] = "2011.0"
    assert counted(written(tmp_path / "new.csv", text(rows))) == (SEEN, ())


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("1,234", "a thousands separator"),
        ("1.234", "a thousands separator, or a decimal sign"),
        ("1.000", "a thousands separator, or a decimal sign"),
        ("1 234", "a thousands separator"),
        ("1\u00a0234", "a thousands separator"),
        ("1\u202f234", "a thousands separator"),
        ("1'234", "a thousands separator"),
        ("1’234", "a thousands separator"),
        ("1,00,000", "a thousands separator"),
        ("12,0", "a decimal comma"),
        ("9,5", "a fraction"),
        ("9.5", "a fraction"),
        ("60%", "a share, not a count"),
        ("60 %", "a share, not a count"),
        ("#REF!", "an error of the spreadsheet"),
        ("#DIV/0!", "an error of the spreadsheet"),
        ("#BEZUG!", "an error of the spreadsheet"),
        ("Err:502", "an error of the spreadsheet"),
        ("9\u200b", "an invisible character (ZERO WIDTH SPACE)"),
        ("9\ufeff", "an invisible character (ZERO WIDTH NO-BREAK SPACE)"),
        ("9\x07", "a control character"),
    ],
)
def test_a_number_that_could_be_another_is_refused_with_the_cause(tmp_path, value, what):
    (found,) = problems(written(tmp_path / "new.csv", text(with_cell(value))))
    assert found.what.startswith(what)
    assert (found.row, found.column) == (3, "events")


def test_spaces_of_word_processors_are_spaces(tmp_path):
    rows = with_cell("Birch\u00a0A. An\u2009invented series. J\u202fNowhere.", 9)
    rows[0] = [f"\u00a0{one} " for one in rows[0]]
    found, _ = counted(written(tmp_path / "new.csv", text(rows)))
    assert found == SEEN


@pytest.mark.parametrize("shows", ["#REF!", "#N/A", "\u200bBirch"])
def test_one_cell_has_one_fault(tmp_path, shows):
    """A citation that cannot be used is not told as a source without one."""
    assert len(problems(written(tmp_path / "new.csv", text(with_cell(shows, 9))))) == 1


def test_a_comma_too_many_is_not_a_column(tmp_path):
    rows = text().replace("9,15", "9,9,15")
    assert any("12 cells where the header has 11" in one.what for one in problems(written(tmp_path / "new.csv", rows)))


# ---------------------------------------------------------------- a folder


def test_a_folder_with_semicolons_is_the_same_evidence(tmp_path):
    import shutil

    folder = tmp_path / "template"
    shutil.copytree(SHIPPED / "template", folder)
    for name in ("counts.csv", "sources.csv"):
        rows = list(csv.reader(io.StringIO((folder / name).read_text())))
        (folder / name).write_text("\ufeff\ufeff" + text(rows, ";", "\r\n"), newline="")
    evidence, shipped = rm.load_evidence(folder), rm.load_evidence(SHIPPED / "template")
    assert evidence.counts == shipped.counts
    new = written(tmp_path / "new.csv", text(sign="\t"))
    found = rm.refit(folder, new, updated="2026-01-31")
    assert [one.events for one in found.new.counts] == [3, 9, 1, 30]
    found.save(tmp_path / "saved")
    assert len(rm.load_evidence(tmp_path / "saved").counts) == len(shipped.counts) + 4
    write_package(evidence, tmp_path / "package")
    assert (tmp_path / "package" / "counts.csv").read_text() == (SHIPPED / "template" / "counts.csv").read_text()


def test_a_workbook_in_a_folder_is_named(tmp_path):
    import shutil

    folder = tmp_path / "template"
    shutil.copytree(SHIPPED / "template", folder)
    xlsx(folder / "counts.csv")
    with pytest.raises(rm.EvidenceError, match=r"counts.csv: an Excel workbook \(.xlsx\), not text"):
        rm.load_evidence(folder)


# ---------------------------------------------------------------- other files


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.xlsx", ole(b"\0" * 5000, "EncryptedPackage"), "protected by a password"),
        ("a.xlsm", ole(b"\0" * 5000, "Other"), "protected by a password"),
        ("a.xls", ole(b"\0" * 5000, "Workbook"), "a workbook of old Excel (.xls) that is damaged"),
        ("a.xls", ole(b"\0" * 5000, "Other"), "a workbook of old Excel (.xls) that is damaged"),
        ("a.xls", b"<html><table><tr><td>source", "a web page or XML under the name .xls"),
        ("a.xls", b"\xef\xbb\xbf\n<?xml version='1.0'?><Workbook/>", "a web page or XML under the name .xls"),
        ("a.xls", text(sign="\t").encode(), "text or another file, not a workbook, under the name .xls"),
        ("a.xlsx", text().encode(), "text or another file, not a workbook, under the name .xlsx"),
        ("a.csv", b"%PDF-1.7", "a PDF under the name .csv"),
        ("a.csv", zipped({"word/document.xml": "x"}), "a Word document under the name .csv"),
        ("a.csv", zipped({"counts.csv": text()}), "a zip archive"),
        ("a.xlsb", zipped({"xl/workbook.bin": "x"}), "an Excel workbook in binary form (.xlsb)"),
        ("a.numbers", zipped({"Index/Document.iwa": "x"}), "a file of Numbers"),
        ("a.ods", zipped({"content.xml": "x", "META-INF/manifest.xml": "<m><encryption-data/></m>"}), "protected by a password"),
        ("a.xlsx", b"PK\x03\x04nothing", "a damaged workbook or archive"),
        ("a.gz", b"\x1f\x8b\x08", "a compressed file"),
        ("a.parquet", b"PAR1", "a Parquet file"),
    ],
)  # fmt: skip
def test_a_file_is_named_for_what_it_is(tmp_path, name, content, what):
    path = written(tmp_path / name, content)
    for read in (counted, load_corpus):
        with pytest.raises(rm.InputError) as caught:
            read(path)
        assert what in caught.value.what
        assert name in str(caught.value)
        assert caught.value.remedy


@pytest.mark.parametrize("write", [xlsx, ods, xls])
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx", "a.ods", "a.xls", "a.txt", "a"])
def test_a_workbook_under_another_name_is_to_be_renamed(tmp_path, write, name):
    path = write(tmp_path / f"good.{write.__name__}").rename(tmp_path / name)
    if name == f"a.{write.__name__}":
        assert counted(path) == (SEEN, ())
        return
    with pytest.raises(rm.InputError, match=rf"Rename it to a\.{write.__name__}"):
        counted(path)


def test_a_folder_whose_lines_end_in_carriage_returns_is_exported_as_any(tmp_path):
    template = rm.load_evidence(SHIPPED / "template")
    for name, content in template.files.items():
        end = "\r" if name.endswith(".csv") else "\n"
        written(tmp_path / name, content.replace("\n", end))
    of_macs = descriptor(rm.load_evidence(tmp_path))
    assert of_macs["resources"] == descriptor(template)["resources"]
