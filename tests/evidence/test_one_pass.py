"""Every fault in one pass: one of a place, and none that only follows from another."""

import csv
import io
import json
import random
import shutil
from collections import Counter

import pytest
from new_series import line

import riskmodel as rm
from riskmodel.evidence import incoming
from riskmodel.evidence.manifest import SHIPPED

HEPATIC = "fetal-hepatic-calcification"


@pytest.fixture
def small(tmp_path):
    """A copy of the template."""
    shutil.copytree(SHIPPED.parent / "data" / "template", tmp_path / "small")
    return tmp_path / "small"


def edit(folder, name, *changes):
    path = folder / name
    text = path.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text)


def told(folder):
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(folder)
    return [(one.file, one.row, one.column, one.what) for one in caught.value.problems]


def refused(*new):
    with pytest.raises(rm.EvidenceError) as caught:
        rm.refit(HEPATIC, list(new))
    return {(one.row, one.column): one.what for one in caught.value.problems}


def test_cells_rows_and_citations_of_new_counts_are_told_together():
    cells = ("NR", "-", "\u2013", "NA", "#N/A", "12/61", "12 (20%)", "12*", 33)
    new = [
        line(f"Elm {2001 + i}", "anatomy", "associated", "", cell, 20, citation=f"Elm {i}. A series.", year=2001 + i)
        for i, cell in enumerate(cells)
    ]
    new[3]["year"] = "-"
    new[5]["doi"] = "doi:10.1"
    new[6]["citation"] = ""
    new[7]["basis"] = "hearsay"
    missing, other = "not a whole number but a missing count", "not a whole number"
    expected = {(2 + i, "events"): missing for i in range(5)} | {(8 + i, "events"): other for i in range(2)}
    expected |= {(7, "events"): "12/61 beside a total of 20"}
    expected |= {(10, "events"): "33 events of 20", (5, "year"): "not a year", (7, "doi"): "not a DOI"}
    expected |= {
        (8, "source"): "a source that the finding does not have, without a citation",
        (9, "basis"): "unknown basis",
    }
    assert refused(*new) == expected


@pytest.mark.parametrize(
    "cell", ["-", "--", "\u2014", "nr", "N.R.", "n/a", "N/A", "n.a.", "ND", "?", "(not reported)", "null"]
)
def test_what_says_that_it_is_not_reported_is_a_missing_count(small, cell):
    edit(small, "counts.csv", (",12,30,", f",{cell},30,"))
    assert told(small) == [("counts.csv", 2, "events", "not a whole number but a missing count")]


@pytest.mark.parametrize("cell", ["-x", "-1+1", "+3", "=3", "@3", "-SUM(A1)"])
def test_a_formula_is_one_still_and_told_once(small, cell):
    edit(small, "counts.csv", (",12,30,", f",{cell},30,"))
    assert told(small) == [("counts.csv", 2, "events", "a formula, or text that a spreadsheet takes for one")]


def test_no_fault_of_a_cell_is_told_again_by_what_follows_from_it(folder):
    """A kind, a count that a pitfall cites, a row that another reading replaces, and a group: each misspelt or unreadable."""
    edit(folder, "counts.csv", ("trisomy-13,karyotype=abnormal,4,11", "trisomy-13,karyotype=abnormal,four,11"))
    edit(
        folder,
        "counts.csv",
        ("Simchen 2002,karyotype,abnormal,anatomy=isolated,", "Simchen 2002,karyotyp,abnormal,anatomy=isolated,"),
    )
    edit(
        folder,
        "counts.csv",
        ("Ocal 2014,karyotype,abnormal,anatomy=isolated,", "Ocal 2014,karyotype,abnormal,anatomy=isolatd,"),
    )
    found = told(folder)
    assert sorted(column for _, _, column, _ in found) == ["events", "given", "variable"]
    assert {file for file, *_ in found} == {"counts.csv"}


@pytest.mark.parametrize(
    ("name", "old", "new", "column"),
    [
        ("sources.csv", "Example 2001,", "Example: 2001,", None),
        ("sources.csv", "key,citation", "kez,citation", "key"),
        ("counts.csv", "source,variable", "source,variabel", "variable"),
        ("counts.csv", "events,total", "events,n", "total"),
        ("counts.csv", "population,", "popluation,", "population"),
    ],
)
def test_a_header_or_key_at_fault_is_not_told_of_every_row(small, name, old, new, column):
    edit(small, name, (old, new))
    found = told(small)
    if column is None:
        assert found == [("sources.csv", 2, "key", "not a key")]
    else:
        assert [(file, row, at) for file, row, at, _ in found] == [(name, 1, column)] + [(name, 1, "n")] * (
            new == "events,n"
        )


def test_sources_that_cannot_be_read_are_not_told_of_every_count(small):
    (small / "sources.csv").unlink()
    assert told(small) == [("sources.csv", None, None, "the file is missing")]


def test_numbers_are_told_beside_a_finding_that_cannot_be_read(small):
    edit(small, "finding.toml", ("[[variables]]", "[[variables"))
    edit(small, "counts.csv", (",12,30,", ",31,30,"))
    edit(small, "sources.csv", (",2001,", ",01,"))
    assert {(file, column) for file, _, column, _ in told(small)} == {
        ("finding.toml", None), ("counts.csv", "events"), ("sources.csv", "year"),
    }  # fmt: skip


def test_a_fault_of_a_name_does_not_hide_one_of_the_tree(small):
    edit(
        small,
        "finding.toml",
        ('polarity = "good"', 'polarity = "nice"'),
        (
            'status = "unknown"\ndefinition = "No series follows',
            'status = "counts"\nprobabilit = 0.5\ndefinition = "No series follows',
        ),
    )
    edit(small, "finding.toml", ('given = "anatomy=associated"\n', 'given = "anatomy=isolated"\n'))
    whats = [what for *_, what in told(small)]
    assert "unknown key" in whats
    assert any("polarity" in what for what in whats)
    edit(small, "finding.toml", ("probabilit = 0.5\n", ""))
    whats = [what for *_, what in told(small)]
    assert any("polarity" in what for what in whats)
    assert any("two edges leave" in what for what in whats)


@pytest.mark.parametrize("state", ["Isolated", "not seen", "-none", "z\u00fcge", "a=b", "a;b"])
def test_a_state_that_breaks_the_grammar_is_told_the_grammar_alone(small, state):
    for name in ("finding.toml", "counts.csv", "workup.toml"):
        path = small / name
        path.write_text(path.read_text().replace('"isolated"', f'"{state}"'))
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(small)
    problem = caught.value.problems[0]
    assert (problem.column, problem.what, problem.found) == (
        "variables[1].states",
        "a state that is not a plain word",
        state,
    )
    assert "lower-case letters, digits, '-' and '_'" in problem.remedy


def test_a_name_that_breaks_the_grammar_is_told_its_own(small):
    edit(small, "finding.toml", ('name = "with_finding"', 'name = "with finding"'))
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(small)
    named = [one for one in caught.value.problems if one.what == "not a plain name"]
    assert [(one.column, one.remedy) for one in named] == [
        ("populations", "Use letters, digits, '.', '-' and '_', beginning with a letter or digit")
    ]


@pytest.mark.parametrize("value", ["refferal", "Referral", "tertiary", "-"])
def test_an_ascertainment_that_no_setting_holds_is_a_fault(small, value):
    edit(small, "counts.csv", (",referral,", f",{value},"))
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(small)
    (problem,) = caught.value.problems
    assert (problem.row, problem.column, problem.what) == (2, "ascertainment", "an ascertainment that no setting holds")
    assert ("Did you mean 'referral'?" in problem.remedy) == (value in ("refferal", "Referral"))
    assert "routine, referral" in problem.remedy


def test_an_ascertainment_of_what_enters_no_fit_or_of_no_setting_is_free(small):
    path = small / "counts.csv"
    path.write_text(
        path.read_text().replace(",referral,included,abstract,primary,,", ",autopsy,included,abstract,primary,check,")
    )
    rm.load_evidence(small)
    path.write_text(path.read_text().replace("check", ""))
    toml = (small / "finding.toml").read_text()
    (small / "finding.toml").write_text(toml.split("[[settings]]")[0])
    rm.load_evidence(small)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("finding.toml", 'name = "anatomy"', 'name = ""'),
        ("finding.toml", 'states = ["isolated", "associated"]', 'states = ["", "associated"]'),
        ("counts.csv", "anatomy=isolated", "=isolated"),
        ("counts.csv", "anatomy=isolated", "anatomy="),
        ("counts.csv", "Example 2001,anatomy", ",anatomy"),
        ("counts.csv", "replaces,note", "replaces,note,"),
        ("sources.csv", "Example 2001,", ","),
    ],
)
def test_an_empty_name_is_never_printed(small, name, old, new):
    edit(small, name, (old, new))
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(small)
    for problem in caught.value.problems:
        assert "''" not in str(problem), str(problem)
        assert "Known: ," not in str(problem)
        assert ", ," not in str(problem)


@pytest.mark.parametrize(
    "ask", [{"finding": ""}, {"finding": HEPATIC, "reading": " "}, {"finding": HEPATIC, "anatomy": ""}]
)
def test_an_empty_argument_is_called_so(ask):
    with pytest.raises(rm.InputError) as caught:
        rm.consult(**ask)
    assert "''" not in str(caught.value)
    assert "an empty name" in str(caught.value)


@pytest.mark.parametrize(
    ("call", "field", "place"),
    [
        (lambda: rm.pool([5, 7], [9, 6]), None, 2),
        (lambda: rm.pool([5, "x"], [9, 6]), "events", 2),
        (lambda: rm.pool([5], [9], prior="jefreys"), "prior", None),
        (lambda: rm.pool([5], [9], model="beta"), "model", None),
        (lambda: rm.consult(anatomy="islated"), "anatomy", None),
        (lambda: rm.consult(weeks=60), "weeks", None),
        (lambda: rm.load_evidence(HEPATIC, reading="second"), "reading", None),
        (lambda: rm.load_corpus("nowhere"), "corpus", None),
        (
            lambda: rm.refit(HEPATIC, [line("Elm 2001", "anatomy", "associated", "", 9, 8, citation="Elm. 2001.")]),
            "events",
            2,
        ),
        (lambda: rm.refit(HEPATIC, 3), "counts", None),
    ],
)
def test_field_and_place_of_an_error_are_data(call, field, place):
    with pytest.raises(rm.RiskModelError) as caught:
        call()
    error = caught.value
    assert (error.field, error.place) == (field, place)
    body = json.loads(json.dumps(error.to_dict()))["error"]
    assert (body["field"], body["place"]) == (field, place)


def test_field_and_place_are_said_where_they_differ_from_the_words():
    error = rm.InputError("it exists already", where="out", field="path")
    assert (error.field, error.place, error.where) == ("path", None, "out")
    assert rm.InputError("x", where="a folder/of mine").field is None
    assert rm.InputError("x", where="pool").field is None
    assert rm.InputError("x", where="events, series 3").place == 3
    assert rm.InputError("x", where="--prior").field == "prior"


BAD = ("=1", "-", "\x07", "zzz", "NR")


def spoilt(folder, name, cells):
    """Places of the faults of a table with some bad cells."""
    rows = list(csv.reader(io.StringIO((SHIPPED / HEPATIC / name).read_text())))
    for i, j, bad in cells:
        rows[i][j] = bad
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    (folder / name).write_text(out.getvalue())
    try:
        rm.load_evidence(folder)
    except rm.EvidenceError as error:
        return [(one.file, one.row, one.column) for one in error.problems]
    return []


@pytest.mark.parametrize("name", ["counts.csv", "sources.csv"])
def test_a_bad_cell_is_one_fault_at_most_and_several_are_as_many(folder, name):
    rng = random.Random(3)
    rows = list(csv.reader(io.StringIO((SHIPPED / HEPATIC / name).read_text())))
    for _ in range(15):
        cells = [(rng.randrange(1, len(rows)), rng.randrange(len(rows[0])), rng.choice(BAD)) for _ in range(3)]
        alone = [spoilt(folder, name, [cell]) for cell in cells]
        assert all(len(one) <= 1 for one in alone), (cells, alone)
        expected = {place for one in alone for place in one}
        assert expected <= {*spoilt(folder, name, cells)}, cells


@pytest.mark.parametrize("name", ["counts.csv", "sources.csv"])
def test_a_misspelt_header_is_one_fault(folder, name):
    header = (SHIPPED / HEPATIC / name).read_text().splitlines()[0].split(",")
    for i, column in enumerate(header):
        assert [row for _, row, _ in spoilt(folder, name, [(0, i, f"{column}x")])] == [1], column


def test_new_counts_with_bad_cells_are_told_of_all_of_them():
    rng = random.Random(5)
    good = [
        line(
            f"Elm {2001 + i}",
            "termination",
            "yes",
            "",
            i,
            20 + i,
            citation=f"Elm {i}. A series.",
            year=2001 + i,
            doi="",
            weeks="",
        )
        for i in range(4)
    ]
    for _ in range(12):
        cells = [(rng.randrange(4), rng.choice(list(good[0])), rng.choice(BAD)) for _ in range(3)]
        together = [one | {at: bad for k, at, bad in cells if k == i} for i, one in enumerate(good)]
        found, expected = set(), set()
        for i, at, bad in cells:
            try:
                rm.refit(HEPATIC, [one | ({at: together[i][at]} if k == i else {}) for k, one in enumerate(good)])
            except rm.EvidenceError as error:
                assert len(error.problems) == 1, (at, bad, error)
                expected |= {(one.row, one.column) for one in error.problems}
        try:
            rm.refit(HEPATIC, together)
        except rm.EvidenceError as error:
            found = {(one.row, one.column) for one in error.problems}
        assert expected <= found, cells


def test_what_rows_say_of_their_source_is_asked_once_of_each_source(monkeypatch):
    """Not once of each row: a table of 19,000 rows would take its square."""
    asked = []
    plain = incoming._said
    monkeypatch.setattr(incoming, "_said", lambda rows, column: asked.append(column) or plain(rows, column))
    rows = [
        line("Elm 2015", "anatomy", "associated", "", 1, 20, citation="Elm E. 2015." if i > 50 else "")
        for i in range(100)
    ]
    with pytest.raises(rm.EvidenceError, match="99 problems"):
        incoming.join(rm.load_evidence(HEPATIC), rows)
    assert max(Counter(asked).values()) == 2
