"""Corpora of published meta-analyses: the shipped one, a user's own, and every fault in one pass."""

import csv

import pytest

import riskmodel as rm
from riskmodel.calibration.corpus import SHIPPED, corpora, load_corpus

HEADER = "meta_analysis,arm,study,events,total\n"
GOOD = HEADER + "a,x,1,1,10\na,x,2,2,20\na,x,3,3,30\n"


@pytest.fixture
def write(tmp_path):
    def writer(text, name="mine.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return writer


def problems(path):
    with pytest.raises(rm.EvidenceError) as caught:
        load_corpus(path)
    return caught.value.problems


def test_the_shipped_corpus_is_what_was_published():
    corpus = load_corpus()
    assert corpora() == ("development",)
    assert (corpus.series, len(corpus.arms), len(corpus.data_sets), len(corpus.clusters)) == (746, 41, 22, 21)
    bcg = next(arm for arm in corpus.arms if arm.label == "bcg/cpos")
    # Colditz et al. 1994, the trial of Aronson 1948: 11 cases among 139 who were not vaccinated.
    assert (bcg.events[0], bcg.totals[0]) == (11, 139)
    assert all(0 <= y <= n for arm in corpus.arms for y, n in zip(arm.events, arm.totals, strict=True))
    assert repr(corpus).startswith("Corpus(development: 746 series in 41 arms of 22 data sets, 21 clusters; ")


def test_every_data_set_has_its_citation_and_shared_trials_one_cluster():
    corpus = load_corpus()
    assert set(corpus.data_sets) == set(corpus.sources)
    assert all(source.citation for source in corpus.sources.values())
    # Egger et al. 2001 is a book chapter; every other publication has a DOI.
    assert [key for key, source in corpus.sources.items() if not source.doi] == ["egger2001"]
    shared = [key for key, source in corpus.sources.items() if source.cluster != key]
    assert shared == ["egger2001", "li2007"]
    assert {arm.cluster for arm in corpus.arms if arm.meta_analysis in shared} == {"magnesium"}


def test_a_users_file_works_like_the_shipped_corpus(write):
    own = load_corpus(SHIPPED / "development" / "series.csv")
    assert own.series == 746
    assert len(own.clusters) == 22  # a file alone does not say that two data sets share trials
    clusters = {"egger2001": "magnesium", "li2007": "magnesium"}
    rows = list(csv.DictReader((SHIPPED / "development" / "series.csv").read_text(encoding="utf-8").splitlines()))
    lines = [",".join([*row.values(), clusters.get(row["meta_analysis"], "")]) for row in reversed(rows)]
    path = write("\ufeff" + HEADER.strip() + ",cluster\r\n" + "\r\n".join(lines) + "\r\n")
    again = load_corpus(str(path))
    assert again.arms == load_corpus().arms
    assert again.content_hash == load_corpus().content_hash
    assert own.content_hash != again.content_hash


def test_a_changed_count_changes_the_hash(write):
    first = load_corpus(write(GOOD))
    second = load_corpus(write(GOOD.replace("3,3,30", "3,4,30"), "other.csv"))
    assert first.content_hash != second.content_hash
    assert len(first.content_hash) == 64


def test_every_fault_is_found_in_one_pass(write):
    path = write(
        HEADER
        + "a,x,1,11,10\na,x,2,-1,20\na,x,3,1.5,30\na,x,3,1,30\n"  # rows 2 to 5
        + "b,x,1,,10\nb,x,2,two,20\nb,x,,1,0\n"  # rows 6 to 8
        + "c,x,1,1,10\nc,x,2,1,10\n"  # rows 9 and 10
    )
    found = {(one.row, one.column): one.what for one in problems(path)}
    assert found == {
        (2, "events"): "11 events of 10",
        (3, "events"): "a negative count",
        (4, "events"): "a fraction",
        (5, "study"): "the study is already in this arm",
        (6, "events"): "empty",
        (7, "events"): "not a whole number",
        (8, "study"): "empty",
        (8, "total"): "a total of 0",
        (9, "arm"): "the arm has 2 series, fewer than 3",
    }
    assert all(one.file == "mine.csv" and one.remedy for one in problems(path))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the file is empty"),
        (HEADER, "the file has a header and no rows"),
        (GOOD.replace(",total", ""), "column 'total' is missing"),
        (GOOD.replace("arm", "limb"), "column 'arm' is missing"),
        (GOOD.replace("a,x,2,2,20", "a,x,2,2"), "4 cells where the header has 5"),
        (GOOD.replace("x,1", "Tramèr,1").encode("latin-1"), "the file is not UTF-8 text"),
        (GOOD.encode("utf-16"), "the file is not UTF-8 text"),
        (GOOD.replace("a,x,1", "=1+1,x,1"), "a formula, or text that a spreadsheet takes for one"),
        (GOOD.replace("10\n", "99999999999\n"), "too large"),
        (
            GOOD.replace("total\n", "total,cluster\n").replace("0\n", "0,m\n", 2).replace("30\n", "30,n\n"),
            "the data set is in the cluster 'm' already",
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_whole(write, text, what):
    assert what in [one.what for one in problems(write(text))]


def test_a_folder_is_checked_against_its_citations(tmp_path):
    (tmp_path / "series.csv").write_text(GOOD)
    assert [one.what for one in problems(tmp_path)] == ["the file is missing"]
    (tmp_path / "sources.csv").write_text("key,cluster,what,citation,doi\nb,b,x,,11.1\n")
    found = [(one.file, one.column, one.what) for one in problems(tmp_path)]
    assert ("sources.csv", "citation", "empty") in found
    assert ("sources.csv", "doi", "not a DOI") in found
    assert ("series.csv", "meta_analysis", "unknown data set") in found
    (tmp_path / "sources.csv").write_text("key,cluster,what,citation,doi\na,m,x,A book (1999).,\n")
    assert load_corpus(tmp_path).clusters == ("m",)


def test_what_is_no_corpus_is_told_apart():
    with pytest.raises(rm.UnknownNameError, match="Did you mean 'development'"):
        load_corpus("developement")
    for nothing in ("", 5, "a\0b"):
        with pytest.raises(rm.InputError):
            load_corpus(nothing)


def test_the_table_has_every_series():
    table = load_corpus().table()
    assert table.shape == (746, 6)
    assert list(table.columns) == ["meta_analysis", "arm", "cluster", "study", "events", "total"]


FOUR = HEADER + "x,a,Alder 2011,3,20\nx,a,Birch 2012,9,15\nx,a,Cedar 2013,1,40\n"


@pytest.mark.parametrize(
    "label", ["Total", "total ", "Pooled", "Overall (n = 75)", "Σ", "All studies, random effects", "Total 2014"]
)
def test_a_total_row_is_no_series(write, label):
    (problem,) = problems(write(FOUR + f'x,a,"{label}",13,75\n'))
    assert (problem.row, problem.column) == (5, "study")
    assert "the sum of the 3 other series" in problem.what
    if "2014" not in label:
        (problem,) = problems(write(FOUR + f'x,a,"{label}",12,75\n'))
        assert problem.what == "a total, not a series of its own"


@pytest.mark.parametrize("study", ["", "NR", "n/a", "-", "unknown"])
def test_a_study_without_a_name_is_none(write, study):
    (problem,) = problems(write(FOUR + f"x,a,{study},1,9\n"))
    assert (problem.row, problem.column, problem.what) == (5, "study", "empty")


def test_subtotals_are_totals_and_leave_their_arm_as_short_as_it_is(write):
    rows = "x,a,Alder 2011,3,20\nx,a,Birch 2012,9,15\nx,a,Subtotal,12,35\nx,a,Total,12,35\n"
    assert [(one.row, one.column) for one in problems(write(HEADER + rows))] == [(2, "arm"), (4, "study"), (5, "study")]


def test_a_sum_under_a_study_s_name_is_asked_about(write):
    found = load_corpus(write(FOUR + "x,a,Dogwood 2014,13,75\n")).audit()
    assert [(one.code, one.sources) for one in found] == [("total", ("x/a",))]
    assert load_corpus(write(FOUR + "x,a,Dogwood 2014,12,75\n")).audit() == ()
    near = load_corpus(write(FOUR + 'x,a,"Alder et al., 2011",3,20\n')).audit()
    assert [one.code for one in near] == ["near duplicate"]
    assert load_corpus().audit() == ()


@pytest.mark.parametrize("study", ["alder 2011", "Alder  2011", "\uff21lder 2011", "Alder\u00a02011", "ALDER 2011"])
def test_a_study_is_one_however_it_is_spelt(write, study):
    (problem,) = problems(write(FOUR + f"x,a,{study},4,30\n"))
    assert (problem.row, problem.column, problem.what) == (5, "study", "the study is already in this arm")


@pytest.mark.parametrize(
    ("column", "row"), [("meta_analysis", "X,a,Dogwood 2014,4,30"), ("arm", "x,A,Dogwood 2014,4,30")]
)
def test_a_data_set_or_an_arm_is_one_however_it_is_spelt(write, column, row):
    found = [(one.row, one.column) for one in problems(write(FOUR + row + "\n"))]
    assert found == [(5, column)]


def test_data_sets_of_one_publication_are_one(tmp_path):
    (tmp_path / "series.csv").write_text(FOUR + FOUR.removeprefix(HEADER).replace("x,a", "y,a"))
    for first, second in (
        ("A paper (1999).,10.1234/x", "Another (2001).,10.1234/X"),
        ("A paper (1999).,", "a Paper 1999,"),
        ("Pàper (1999).,", "Paper 1999,"),
    ):
        (tmp_path / "sources.csv").write_text(f"key,cluster,what,citation,doi\nx,x,w,{first}\ny,y,w,{second}\n")
        (problem,) = problems(tmp_path)
        assert (problem.file, problem.row) == ("sources.csv", 3)
        assert "of 'x', which is there already" in problem.what
    (tmp_path / "sources.csv").unlink()
    (tmp_path / "series.csv").write_text(FOUR.replace("3,20", "30,20"))
    assert {(one.file, one.what) for one in problems(tmp_path)} == {
        ("sources.csv", "the file is missing"), ("series.csv", "30 events of 20"),
    }  # fmt: skip
