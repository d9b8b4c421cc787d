"""Cells of workbooks are read as the program shows them, or refused with what it shows; every door says the same."""

import datetime

import pytest
from command_line import run
from workbooks import ROWS, SEEN, E, counted, in_part, ods, ods_cell, shared, xls, xlsx

import riskmodel as rm
from riskmodel.calibration.corpus import load_corpus
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.evidence.workbooks import formats


def problems(table, **asked):
    with pytest.raises(rm.EvidenceError) as caught:
        counted(table, **asked)
    return caught.value.problems


@pytest.mark.parametrize(
    ("value", "form", "shows"),
    [
        (1, "0%", "100%"),
        (0.5, "0.0%", "50.0%"),
        (0, "0%", "0%"),
        (12, '0" of 20"', "12 of 20"),
        (12, '0"%"', "12%"),
        (12000, "0,", "12000"),
        (3, '[<5]"fewer than 5";0', "something else"),
        (0, "#", "nothing"),
        (7, ";;;", "nothing"),
        (12, '"N="0', "N=12"),
        (12.4, "0", "'12' and holds 12.4"),
        (12, "yyyy-mm-dd", "a date"),
        (12, "[h]:mm", "a date"),
        (12, "d-mmm", "a date"),
        (12, "[$€-407] 0", "currency"),
        (datetime.date(2026, 3, 20), "dd-mmm", "a date"),
    ],
)
def test_a_count_that_shows_something_else_is_refused_with_what_it_shows(tmp_path, value, form, shows):
    def edit(book, page):
        page.cell(3, E, value).number_format = form

    found = [one for one in problems(xlsx(tmp_path / "new.xlsx", edit=edit)) if one.cell == "E3"]
    assert len(found) == 1
    assert shows in found[0].what
    assert (found[0].column, found[0].row, found[0].sheet) == ("events", 3, "counts")


@pytest.mark.parametrize(
    "form",
    ["General", "0", "0.00", "#,##0", "@", "# ##0", '_-* #,##0_-;-* #,##0_-;_-* "-"_-;_-@_-', "000", "[Red]0", "0;[Red]-0",
     "#,##0 ;(#,##0)", "0.0E+00", "[$-409]0"],
)  # fmt: skip
def test_a_count_under_a_number_format_is_the_count(tmp_path, form):
    def edit(book, page):
        page.cell(3, E).number_format = form

    assert counted(xlsx(tmp_path / "new.xlsx", edit=edit)) == (SEEN, ())


@pytest.mark.parametrize(
    ("number", "form", "shown"),
    # As a spreadsheet program shows them.
    [(0, '_(* #,##0_);_(* \\(#,##0\\);_(* "-"??_);_(@_)', None), (1234, "#,##0", None), (1234.5, "#,##0", "1234"),
     (0.125, "0.0%", "12.5%"), (5, 'General" cases"', "5 cases"), (3.0000000000000004, "General", None),
     (0, "0;-0;;@", "nothing"), (20.46, "0.0", "20.5"), (-3, "0;0", None), (2, "0.", None)],
)  # fmt: skip
def test_number_formats(number, form, shown):
    assert formats.of_number(number, form) == shown
    assert formats.plain(3.0000000000000004) == "3"
    assert formats.of_text("abc", ";;;") == "nothing"
    assert formats.of_text("abc", '"N="@') == "N=abc"
    assert formats.of_text("abc", "@") is formats.of_text("abc", "0.00") is None


@pytest.mark.parametrize(
    ("cell", "shows"),
    [
        (ods_cell(1, 'office:value-type="percentage" office:value="1"', "100%"), "100%"),
        (ods_cell(9, 'office:value-type="float" office:value="9"', "9 of 15"), "9 of 15"),
        (ods_cell(9, 'office:value-type="float" office:value="9000"', "9"), "'9' and holds 9000"),
        (ods_cell(9, 'office:value-type="date" office:date-value="2026-03-20"', "20. Mar"), "a date"),
        (ods_cell(9, 'office:value-type="currency" office:value="9"', "9 €"), "'9 €'"),
        (ods_cell(9, 'office:value-type="boolean" office:boolean-value="true"', "TRUE"), "yes or no"),
        (ods_cell(9, 'office:value-type="string" calcext:value-type="error"', "#REF!"), "an error"),
        (ods_cell(9, 'office:value-type="float" office:value="9.4"', "9"), "'9' and holds 9.4"),
    ],
)
def test_a_count_of_an_ods_that_shows_something_else_is_refused(tmp_path, cell, shows):
    rows = [list(row) for row in ROWS]
    rows[2][4] = cell
    found = [one for one in problems(ods(tmp_path / "new.ods", rows)) if one.cell == "E3"]
    assert [shows in one.what for one in found] == [True]


@pytest.mark.parametrize("shown", ["1,234", "1.234", "1 234", "1 234,00", "1’234.0", "1234"])
def test_a_count_of_an_ods_set_apart_in_any_way_is_the_count(tmp_path, shown):
    cell = ods_cell(1, 'office:value-type="float" office:value="1234"', shown)
    rows = [ROWS[0], [cell if one == 20 else one for one in ROWS[1]]]
    assert counted(ods(tmp_path / "new.ods", rows))[0] == [("Alder 2011", 3, 1234)]


def test_a_comment_in_an_ods_is_not_the_cell(tmp_path):
    note = "<office:annotation><text:p>99</text:p></office:annotation>"
    cell = f'<table:table-cell office:value-type="float" office:value="3">{note}<text:p>3</text:p></table:table-cell>'
    rows = [list(row) for row in ROWS]
    rows[1][4] = cell
    rows[2][0] = (
        f'<table:table-cell office:value-type="string">{note}<text:p>Birch<text:s/>2012</text:p></table:table-cell>'
    )
    assert counted(ods(tmp_path / "new.ods", rows)) == (SEEN, ())


@pytest.mark.parametrize("shows", ["#REF!", "#N/A", "#DIV/0!", "#NAME?"])
@pytest.mark.parametrize("column", [1, 5, 6, 10])
def test_an_error_is_no_value(tmp_path, shows, column):
    def edit(book, page):
        page.cell(3, column, shows).data_type = "e"

    found = [one for one in problems(xlsx(tmp_path / "new.xlsx", edit=edit)) if one.row == 3]
    assert [(one.found, "an error" in one.what) for one in found] == [(shows, True)]
    (found,) = [one for one in problems(xls(tmp_path / "new.xls", errors=[(3, column)])) if one.row == 3]
    assert found.found == "#REF!"


@pytest.mark.parametrize("cells", ["A2:A3", "E2:F2", "J4:J5", "A1:B1"])
def test_merged_cells_are_refused(tmp_path, cells):
    found = problems(xlsx(tmp_path / "new.xlsx", edit=lambda book, page: page.merge_cells(cells)))
    (one,) = [one for one in found if "merged" in one.what]
    assert (one.sheet, one.cell) == ("counts", cells.split(":")[0])
    assert cells in one.what


def test_merged_cells_of_the_other_formats_and_blank_ones(tmp_path):
    assert counted(xlsx(tmp_path / "new.xlsx", edit=lambda book, page: page.merge_cells("M2:N9"))) == (SEEN, ())
    rows = [list(row) for row in ROWS]
    rows[1][0] = ods_cell("Alder 2011", 'table:number-rows-spanned="2"')
    rows[2][0] = "<table:covered-table-cell/>"
    assert any("A2:A3 are merged" in one.what for one in problems(ods(tmp_path / "new.ods", rows)))
    assert any("A2:A3 are merged" in one.what for one in problems(xls(tmp_path / "new.xls", merged=[(1, 2, 0, 0)])))


def test_a_formula_gives_its_stored_value_and_is_said(tmp_path):
    path = xlsx(tmp_path / "new.xlsx", edit=lambda book, page: page.cell(3, E, "=4+5"))
    (one,) = problems(path)
    assert (one.cell, one.what) == ("E3", "a formula without a stored value")
    in_part(path, "<f>4+5</f><v />", "<f>4+5</f><v>9</v>")
    said = ("formulas in sheet 'counts', of which the stored values were read: cell E3",)
    assert counted(path) == (SEEN, said)
    rows = [list(row) for row in ROWS]
    rows[2][4] = ods_cell(9, 'table:formula="of:=4+5" office:value-type="float" office:value="9"', "9")
    assert counted(ods(tmp_path / "new.ods", rows)) == (SEEN, said)
    assert counted(xls(tmp_path / "new.xls", formulas=[(3, 5)])) == (SEEN, said)


def test_texts_by_reference_and_in_pieces_are_read(tmp_path):
    path = shared(xlsx(tmp_path / "new.xlsx"))
    assert counted(path) == (SEEN, ())
    pieces = "<si><r><t>Alder</t></r><r><t xml:space='preserve'> 2011</t></r><rPh><t>other</t></rPh></si>"
    in_part(path, "<si><t>Alder 2011</t></si>", pieces, "xl/sharedStrings.xml")
    assert counted(path) == (SEEN, ())


def test_a_count_typed_as_text_is_read_and_true_is_not(tmp_path):
    path = xlsx(tmp_path / "new.xlsx", edit=lambda book, page: page.cell(3, E, "9\u00a0"))
    assert counted(path) == (SEEN, ())
    (one,) = problems(xlsx(path, edit=lambda book, page: page.cell(3, E, True)))
    assert (one.found, one.cell) == ("TRUE", "E3")


def test_a_value_beyond_the_columns_is_told_with_its_place(tmp_path):
    (one,) = problems(xlsx(tmp_path / "new.xlsx", edit=lambda book, page: page.cell(4, 14, "see text")))
    assert "column 14 (N) has no name" in one.what
    assert one.found == "see text"


# ---------------------------------------------------------------- every door


def test_a_corpus_may_be_a_workbook(tmp_path):
    rows = [("meta_analysis", "arm", "study", "events", "total"), *(("m", "a", f"{i}", i, 20) for i in range(6))]

    def hide(book, page):
        page.row_dimensions[7].hidden = True

    found = load_corpus(xlsx(tmp_path / "mine.xlsx", rows, hide))
    assert found.arms[0].events == (0, 1, 2, 3, 4)
    assert found.said == ("hidden in sheet 'counts': row 7, which was not read",)
    assert load_corpus(tmp_path / "mine.xlsx", hidden=True).series == 6
    assert (
        load_corpus(ods(tmp_path / "mine.ods", rows)).content_hash
        == load_corpus(xls(tmp_path / "mine.xls", rows)).content_hash
    )
    bad = [*rows, ("m", "a", "7", 21, 20)]
    with pytest.raises(rm.EvidenceError, match=r"mine\.xlsx, sheet 'counts', cell D8, events: 21 events of 20"):
        load_corpus(xlsx(tmp_path / "mine.xlsx", bad))
    with pytest.raises(rm.UnknownNameError, match="unknown sheet"):
        load_corpus(tmp_path / "mine.xlsx", sheet="none")


def test_the_command_line_says_what_was_not_read(tmp_path):
    def hide(book, page):
        page.row_dimensions[4].hidden = True

    path = str(xlsx(tmp_path / "new.xlsx", edit=hide))
    code, out, _ = run("refit", path, "--finding", str(SHIPPED / "template"))
    assert code == 0
    assert "row 4, which was not read" in out
    code, out, _ = run("refit", path, "--finding", str(SHIPPED / "template"), "--hidden", "--sheet", "counts", "--json")
    assert code == 0
    assert "row 4, which was read as asked" in out
    code, _, told = run("refit", path, "--finding", str(SHIPPED / "template"), "--sheet", "other")
    assert code == 2
    assert "Known: counts" in told


def test_a_sheet_of_what_has_none_is_refused(tmp_path):
    (tmp_path / "new.csv").write_text("source,events\n")
    for table in (tmp_path / "new.csv", [{"source": "x"}]):
        for asked in ({"sheet": "counts"}, {"hidden": True}):
            with pytest.raises(rm.InputError, match=r"has no sheets|can be hidden"):
                counted(table, **asked)
