"""Workbooks are read as a person sees them in the program; what cannot be read so is refused, with sheet and cell."""

import pytest
from openpyxl.utils import get_column_letter
from workbooks import ROWS, SEEN, E, counted, in_part, ods, ods_row, series, xls, xlsx

import riskmodel as rm


def problems(table, **asked):
    with pytest.raises(rm.EvidenceError) as caught:
        counted(table, **asked)
    return caught.value.problems


@pytest.mark.parametrize("write", [xlsx, ods, xls])
def test_every_format_brings_the_same_counts(tmp_path, write):
    suffixes = {xlsx: (".xlsx", ".xlsm"), ods: (".ods",), xls: (".xls",)}[write]
    for suffix in suffixes:
        assert counted(write(tmp_path / f"new{suffix}")) == (SEEN, ())


# ---------------------------------------------------------------- dimensions, blank rows and columns


@pytest.mark.parametrize(
    "stale", ['ref="A1:K3"', 'ref="A1"', 'ref="C9:D10"', 'ref="A1:XFD1048576"', 'ref="nonsense"', None]
)
def test_what_a_file_says_of_its_size_is_not_believed(tmp_path, stale):
    path = xlsx(tmp_path / "new.xlsx")
    in_part(path, '<dimension ref="A1:K5" />', f"<dimension {stale}/>" if stale else "")
    assert counted(path) == (SEEN, ())


@pytest.mark.parametrize(("top", "left"), [(3, 1), (1, 4), (7, 3), (1000, 30)])
def test_blank_rows_and_columns_before_the_table_are_none_of_it(tmp_path, top, left):
    path = xlsx(tmp_path / "new.xlsx", top=top, left=left)
    assert counted(path) == (SEEN, ())
    rows = [[""] * len(ROWS[0])] * (top - 1) + [list(row) for row in ROWS]
    assert counted(ods(tmp_path / "new.ods", [[""] * (left - 1) + list(row) for row in rows])) == (SEEN, ())
    path = xlsx(path, (*ROWS[:3], series("Cedar 2013", 41, 40)), top=top, left=left)
    (found,) = problems(path)
    assert (found.row, found.column, found.sheet) == (top + 3, "events", "counts")
    assert found.cell == f"{get_column_letter(left + E - 1)}{top + 3}"
    assert f"new.xlsx, sheet 'counts', cell {found.cell}, events: 41 events of 40" in str(found)


@pytest.mark.parametrize(
    "places",
    [[(9, 16384), (19000, 1)], [(1048576, 1)], [(1048576, 16384)], [(1, 16384), (1048576, 5), (500, 500)]],
)
def test_cells_that_are_only_coloured_are_blank(tmp_path, places):
    def colour(book, page):
        from openpyxl.styles import PatternFill

        for row, column in places:
            page.cell(row, column).fill = PatternFill("solid", fgColor="FFFF00")

    assert counted(xlsx(tmp_path / "new.xlsx", edit=colour)) == (SEEN, ())


def test_blank_cells_repeated_to_the_end_of_an_ods_are_none(tmp_path):
    tail = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    assert counted(ods(tmp_path / "new.ods", after=tail)) == (SEEN, ())
    twice = ods_row(series("Elm 2015", 1, 9), 'table:number-rows-repeated="2"')
    found = problems(ods(tmp_path / "new.ods", [*ROWS, twice]))
    assert any("the same count as row 6" in one.what and one.row == 7 for one in found)


# ---------------------------------------------------------------- what is out of sight


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_said_and_read_only_when_asked(tmp_path, state):
    draft = (ROWS[0], series("Alder 2011", 2, 12))
    path = xlsx(tmp_path / "new.xlsx", draft, lambda book, page: _second(book, ROWS, state), sheet="draft")
    assert counted(path) == (SEEN, ("the sheet 'draft' is hidden, and was not read",))
    assert counted(path, sheet="draft")[0] == [("Alder 2011", 2, 12)]
    assert "was read as asked" in counted(path, sheet="Draft")[1][0]
    sheets = {"draft": (draft, "ta2"), "counts": (ROWS, "ta1")}
    assert counted(ods(tmp_path / "new.ods", sheets=sheets)) == (
        SEEN,
        ("the sheet 'draft' is hidden, and was not read",),
    )
    old = xls(tmp_path / "new.xls", sheets={"draft": (draft, True), "counts": (ROWS, False)})
    assert counted(old) == (SEEN, ("the sheet 'draft' is hidden, and was not read",))


def _second(book, rows, state):
    """The first sheet hidden, a second one with rows."""
    book.worksheets[0].sheet_state = state
    page = book.create_sheet("counts")
    for row in rows:
        page.append([None if one == "" else one for one in row])


def test_two_sheets_with_the_columns_are_named(tmp_path):
    two = (ROWS[0], series("Elm 2015", 1, 9))
    path = xlsx(tmp_path / "new.xlsx", edit=lambda book, page: _second(book, two, "visible"), sheet="referral")
    with pytest.raises(rm.InputError, match=r"2 sheets have the columns: 'referral', 'counts'\. .*--sheet NAME"):
        counted(path)
    assert counted(path, sheet="referral") == (SEEN, ())
    assert counted(path, sheet="counts") == ([("Elm 2015", 1, 9)], ())
    with pytest.raises(rm.UnknownNameError, match="Did you mean 'referral'"):
        counted(path, sheet="referal")
    for other in (ods(tmp_path / "a.ods", sheets=dict.fromkeys("ab", (ROWS, "ta1"))),
                  xls(tmp_path / "a.xls", sheets=dict.fromkeys("ab", (ROWS, False)))):  # fmt: skip
        with pytest.raises(rm.InputError, match="'a', 'b'"):
            counted(other)


def test_a_sheet_without_the_columns_is_passed_over_and_said(tmp_path):
    def notes(book, page):
        book.create_sheet("notes", 0)["A1"] = "From the library, in March"
        book.create_sheet("blank", 0)
        book.create_chartsheet("chart")

    path = xlsx(tmp_path / "new.xlsx", edit=notes)
    assert counted(path) == (SEEN, ("the sheet 'notes' was not read: it does not have the columns",))
    with pytest.raises(rm.EvidenceError, match=r"sheet 'notes', row 1, source: column 'source' is missing"):
        counted(path, sheet="notes")


def test_where_no_sheet_has_the_columns_the_hidden_one_is_named(tmp_path):
    def edit(book, page):
        page.sheet_state = "hidden"
        book.create_sheet("a")["A1"] = "x"
        book.create_sheet("b")["A1"] = "y"

    with pytest.raises(
        rm.InputError, match=r"no sheet of 'a', 'b' has the columns. The hidden sheet 'counts' has them"
    ):
        counted(xlsx(tmp_path / "new.xlsx", edit=edit))
    path = xlsx(tmp_path / "new.xlsx", [], lambda book, page: None)
    with pytest.raises(rm.InputError, match="no sheet in sight with anything in it"):
        counted(path)


@pytest.mark.parametrize("hidden", [(4,), (2, 3), (5,), (3, 5, 9)])
def test_hidden_rows_are_said_and_read_only_when_asked(tmp_path, hidden):
    left = [one for i, one in enumerate(SEEN, 2) if i not in hidden]
    real = [row for row in hidden if row <= 5]
    rows = f"hidden in sheet 'counts': row{'s' if len(real) > 1 else ''} {', '.join(map(str, real))}, which was"

    def hide(book, page):
        for row in hidden:
            page.row_dimensions[row].hidden = True

    marked = [ods_row(row, 'table:visibility="filter"' if i in hidden else "") for i, row in enumerate(ROWS, 1)]
    for path in (xlsx(tmp_path / "new.xlsx", edit=hide), ods(tmp_path / "new.ods", marked),
                 xls(tmp_path / "new.xls", hidden=hidden)):  # fmt: skip
        assert counted(path) == (left, (f"{rows} not read",))
        assert counted(path, hidden=True) == (SEEN, (f"{rows} read as asked",))


def test_rows_without_height_and_rows_of_a_folded_group_are_hidden(tmp_path):
    flat = in_part(xlsx(tmp_path / "new.xlsx"), '<row r="4">', '<row r="4" ht="0" customHeight="1">')
    assert counted(flat)[0] == SEEN[:2] + SEEN[3:]
    group = f'<table:table-row-group table:display="false">{ods_row(ROWS[3])}</table:table-row-group>'
    assert counted(ods(tmp_path / "new.ods", [*ROWS[:3], group, ROWS[4]]))[0] == SEEN[:2] + SEEN[3:]
    several = [*ROWS[:3], ods_row([""] * 3, 'table:number-rows-repeated="3" table:visibility="collapse"'), *ROWS[3:]]
    assert counted(ods(tmp_path / "new.ods", several)) == (SEEN, ())


@pytest.mark.parametrize(("column", "name"), [("K", "year"), ("D", "given"), ("J", "citation")])
def test_a_hidden_column_that_would_be_read_is_refused(tmp_path, column, name):
    def hide(book, page):
        page.column_dimensions[column].hidden = True

    rows = [list(row) for row in ROWS]
    rows[1][3] = "karyotype=normal" if name == "given" else ""
    path = xlsx(tmp_path / "new.xlsx", rows, hide)
    found = problems(path)
    assert [(one.cell, one.column) for one in found if "is hidden" in one.what] == [(f"{column}1", name)]
    hidden = '<table:table-column table:number-columns-repeated="10"/><table:table-column table:visibility="collapse"/>'
    assert [one.cell for one in problems(ods(tmp_path / "new.ods", before=hidden))] == ["K1"]
    assert [one.cell for one in problems(xls(tmp_path / "new.xls", columns=[11]))] == ["K1"]
    assert counted(xls(tmp_path / "new.xls", columns=[11]), hidden=True)[0] == SEEN


def test_a_hidden_column_that_is_needed_or_unknown(tmp_path):
    def hide(book, page):
        page.column_dimensions["E"].hidden = True

    with pytest.raises(rm.InputError, match=r"columns or the header of sheet 'counts' are hidden.*--hidden"):
        counted(xlsx(tmp_path / "new.xlsx", edit=hide))
    assert counted(xlsx(tmp_path / "new.xlsx", edit=hide), hidden=True)[0] == SEEN

    def own(book, page):
        for row, text in enumerate(("checked by", "me", "me"), 1):
            page.cell(row, 13, text)
        page.column_dimensions["M"].hidden = True

    said = ("hidden in sheet 'counts': column M (checked by), which was not read",)
    assert counted(xlsx(tmp_path / "new.xlsx", edit=own)) == (SEEN, said)


# ---------------------------------------------------------------- with the other doors and checks


def test_all_faults_of_a_workbook_are_told_in_one_pass_with_sheet_and_cell(tmp_path):
    def spoil(book, page):
        page.merge_cells("B3:B4")
        page["E2"], page["E5"] = "#REF!", "12/60"
        page["A3"] = "Pooled"

    told = problems(xlsx(tmp_path / "new.xlsx", edit=spoil))
    assert [(one.sheet, one.cell) for one in told] == [("counts", one) for one in ("E2", "B3", "A3", "E5")]
    assert [one.what for one in told] == [
        "an error of the spreadsheet, not a value",
        "the cells B3:B4 are merged",
        "a total, not a series of its own",
        "12/60 beside a total of 33",
    ]


def test_nothing_follows_from_a_hidden_column(tmp_path):
    def hide(book, page):
        page.column_dimensions["J"].hidden = True

    (found,) = problems(xlsx(tmp_path / "new.xlsx", edit=hide))
    assert (found.cell, found.column, found.what) == ("J1", "citation", "the column J is hidden")


def test_a_paper_that_stands_is_told_where_it_is_below_blank_rows(tmp_path):
    rows = [*ROWS, series("alder  2011", 1, 9)]
    (found,) = problems(xlsx(tmp_path / "new.xlsx", rows, top=4))
    assert (found.cell, found.what) == ("A9", "'Alder 2011' written otherwise")


@pytest.mark.parametrize("asked", [{"sheet": "counts"}, {"hidden": True}])
def test_a_table_in_memory_has_no_sheet_and_hides_nothing(asked):
    rows = [dict(zip(ROWS[0], row, strict=True)) for row in ROWS[1:]]
    assert counted(rows) == (SEEN, ())
    with pytest.raises(rm.InputError, match="the rows"):
        counted(rows, **asked)
