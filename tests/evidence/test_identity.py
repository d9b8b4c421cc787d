"""One paper is one source, however it is spelt; a total is none."""

import pytest
from new_series import as_csv, line

import riskmodel as rm
from riskmodel._support.labels import folded, is_total, sums
from riskmodel.evidence.readers.identity import labels_alike, near

HEPATIC = "fetal-hepatic-calcification"
SIMCHEN = {"citation": "Simchen MJ et al. 2002", "year": 2002}
FULL = (
    "Simchen MJ, Toi A, Bona M, Alkazaleh F, Ryan G, Chitayat D. Fetal hepatic calcifications: prenatal diagnosis and "
    "outcome. Am J Obstet Gynecol 2002;187(6):1617-22."
)


def refused(*new, **more):
    with pytest.raises(rm.EvidenceError) as caught:
        rm.refit(HEPATIC, list(new), **more)
    return caught.value.problems


@pytest.mark.parametrize(
    ("label", "more", "column"),
    [
        ("Simchen et al. 2002", {"doi": "10.1067/mob.2002.127899"}, "doi"),
        ("simchen 2002", {"pmid": 12501073}, "source"),
        ("Toronto", {"pmid": 12501073}, "pmid"),
        ("Toronto", {"doi": "10.1067/MOB.2002.127899"}, "doi"),
        ("Toronto", {"doi": "10.1067%2Fmob.2002.127899".replace("%2F", "/") + "."}, "doi"),
        ("Toronto", {"citation": FULL.upper().replace(",", " ")}, "citation"),
        ("Toronto", {"pmid": "012501073"[-8:]}, "pmid"),
        ("SIMCHEN  2002", {}, "source"),
        ("\uff33imchen\u00a02002", {}, "source"),
        ("Bronshtein  1995", {"doi": "10.1067/mob.2002.127899"}, "source"),
    ],
)
def test_a_paper_that_is_there_already_is_refused_whatever_its_label(label, more, column):
    (problem,) = refused(line(label, "anatomy", "associated", "", 40, 61, **(SIMCHEN | more)))
    assert (problem.row, problem.column) == (2, column)
    known = "Bronshtein 1995" if label.startswith("B") else "Simchen 2002"
    assert f"write {known!r}" in problem.remedy
    assert "merge=True" in problem.remedy


def test_merged_by_choice_it_is_still_counted_once(tmp_path):
    same = line("Simchen et al. 2002", "anatomy", "associated", "", 40, 61, **SIMCHEN, doi="10.1067/mob.2002.127899")
    assert ["the same count as row 2 of counts.csv" in one.what for one in refused(same, merge=True)] == [True]
    more = same | {
        "variable": "persistence_after_birth",
        "category": "yes",
        "given": "anatomy=isolated",
        "events": 1,
        "total": 5,
    }
    new = rm.refit(HEPATIC, as_csv([more], tmp_path / "new.csv"), merge=True).new
    assert [(one.source, one.events, one.total) for one in new.counts] == [("Simchen 2002", 1, 5)]
    assert new.sources == ()


def test_two_spellings_in_one_table_are_one_source():
    first = line("Öz 2020", "anatomy", "associated", "", 12, 42, citation="Öz A. A series. 2020.", doi="10.1234/x")
    other = first | {"source": "O\u0308Z 2020", "citation": "Another. 2021.", "doi": None, "given": "", "events": 3}
    assert [(one.row, one.column) for one in refused(first, other)] == [(3, "source")]
    other |= {"source": "Elm 2021", "doi": "10.1234/X"}
    assert [(one.row, one.column) for one in refused(first, other)] == [(3, "doi")]
    merged = refused(first, other, merge=True)
    assert ["the same count as row 2" in one.what for one in merged] == [True]


@pytest.mark.parametrize("wrong", [{"doi": "10.1234/another"}, {"pmid": "7"}, {"doi": "10.1016/0029-7844(95)00278-y"}])
def test_a_known_label_with_another_paper_s_number_is_refused(wrong):
    (problem,) = refused(line("Simchen 2002", "termination", "yes", "", 1, 9, **wrong))
    assert (problem.row, problem.column) == (2, next(iter(wrong)))
    assert "Simchen 2002" in problem.what


def sources(folder, *rows):
    path = folder / "sources.csv"
    path.write_text(path.read_text() + "".join(f"{row}\n" for row in rows))
    return rm.load_evidence(folder)


@pytest.mark.parametrize(
    ("row", "column", "what"),
    [
        ("Toronto 2002,Another. 2002.,2002,10.1067/Mob.2002.127899,,,,,,", "doi", "the DOI of 'Simchen 2002'"),
        ("Toronto 2002,Another. 2002.,2002,,12501073,,,,,", "pmid", "the PubMed number of 'Simchen 2002'"),
        (f'Toronto 2002,"{FULL}  ",2002,,,,,,,', "citation", "the citation of 'Simchen 2002'"),
        ("simchen 2002,Another. 2002.,2002,,,,,,,", "key", "'Simchen 2002' written otherwise"),
        ("Simchen\u20032002,Another. 2002.,2002,,,,,,,", "key", "the source appears twice"),
        ("Simchen\u200b 2002,Another. 2002.,2002,,,,,,,", "key", "an invisible character (ZERO WIDTH SPACE)"),
        ("Total,A table.,2002,,,,,,,", "key", "a total"),
        ("NR,A table.,2002,,,,,,,", "key", "not a key"),
        ("Elm 2002,n/a,2002,,,,,,,", "citation", "no citation"),
    ],
)
def test_a_folder_s_sources_are_papers_of_their_own(folder, row, column, what):
    with pytest.raises(rm.EvidenceError) as caught:
        sources(folder, row)
    (problem,) = caught.value.problems
    assert (problem.file, problem.column) == ("sources.csv", column)
    assert what in problem.what


@pytest.mark.parametrize(
    "row",
    [
        "Simchen et al. 2002,Another. 2002.,2002,,,,,,,",
        "Simchen & Toi 2002,Another. 2002.,2002,,,,,,,",
        "Simchem 2002,Another. 2002.,2002,,,,,,,",
        f'Toronto,"{FULL.replace("Fetal", "Foetal").replace("(6)", "")}",2002,,,,,,,',
        f'Toronto,"{FULL[:100]}",,,,,,,,',
    ],
)
def test_what_is_nearly_a_paper_that_is_there_is_a_question_of_the_audit(folder, row):
    found = [one for one in sources(folder, row).audit() if one.code == "near duplicate"]
    assert ["Simchen 2002" in one.sources for one in found] == [True]
    assert found[0].severity == "warning"
    assert found[0].remedy


@pytest.mark.parametrize("key", ["Simchen 2003", "Simon 2002", "Toi 2002"])
def test_other_papers_are_none(folder, key):
    assert not [one for one in sources(folder, f"{key},Another. 2002.,,,,,,,,").audit() if one.code == "near duplicate"]


def test_papers_of_one_year_told_apart_by_a_letter_are_two():
    assert not labels_alike("Elm 2010a", "Elm 2010b")
    assert labels_alike("Elm 2010", "Elm & Fir, 2010")


def test_equal_counts_and_sums_are_asked_about():
    new = line("Toronto 2003", "anatomy", "associated", "", 40, 61, citation="Nobody N. J Nowhere 2003.")
    found = rm.refit(HEPATIC, [new]).to_dict()["audit"]
    assert [one["sources"] for one in found if one["code"] == "near duplicate"] == [("Simchen 2002", "Toronto 2003")]
    # 40/61, 3/14, 2/7, 1/5 and 21/28: what a review would report of them.
    review = [new | {"source": "Review 2015", "events": 67, "total": 115}]
    found = rm.refit(HEPATIC, review).to_dict()["audit"]
    assert [one["sources"] for one in found if one["code"] == "total"] == [("Review 2015",)]


@pytest.mark.parametrize(
    "label", ["Total", "Insgesamt", "TOTAL:", "Pooled (n = 115)", "All studies", "Overall, random effects model"]
)
def test_a_total_is_no_source(label):
    found = refused(line(label, "anatomy", "associated", "", 67, 115, citation="A table. 2015."))
    assert [(one.row, one.column) for one in found] == [(2, "source")]
    assert "a total" in found[0].what


def test_a_total_with_a_year_is_one_where_it_sums_the_others():
    pooled = line("Pooled 2015", "anatomy", "associated", "", 67, 115, citation="A table. 2015.")
    (problem,) = refused(pooled)
    assert (problem.column, problem.what) == ("source", "the sum of the 5 other series")
    assert rm.refit(HEPATIC, [pooled | {"events": 60}]).new.sources == ("Pooled 2015",)


def test_a_total_of_the_table_that_it_came_in_is_one_beside_a_finding_s_own_series():
    rows = [line(name, "anatomy", "associated", "", y, n, citation=f"{name}.") for name, y, n in
            (("Alder 2011", 3, 20), ("Birch 2012", 9, 15), ("Cedar 2013", 1, 40), ("Pooled 2015", 13, 75))]  # fmt: skip
    (problem,) = refused(*rows)
    assert (problem.row, problem.column, problem.what) == (5, "source", "the sum of the 3 other series of this table")
    (problem,) = refused(rows[0], rows[1], rows[3] | {"events": "12/35", "total": None})
    assert (problem.row, problem.what) == (4, "the sum of the 2 other series of this table")
    assert len(rm.refit(HEPATIC, [*rows[:3], rows[3] | {"events": 12}]).new.counts) == 4
    assert len(rm.refit(HEPATIC, [*rows[:3], rows[3] | {"source": "Dogwood 2015"}]).new.counts) == 4


def test_names_that_only_hold_such_a_word_are_none():
    for label in ("Grand 2005", "Allen 2010", "All-Hat 2002", "Sum 2010", "Meanwell 1999", "Somme 2001"):
        assert not is_total(label)
    assert list(sums([(1, 10), (2, 20), (3, 30)])) == [2]
    assert list(sums([(1, 10), (1, 10)])) == []


def test_folding_keeps_what_tells_labels_apart():
    assert folded("  Straße\t2001 ") == folded("STRASSE 2001")
    assert folded("Öcal 2014") != folded("Ocal 2014")
    assert folded("Al\u2011Kouatly 2001") == folded("al-kouatly 2001")


def test_a_long_list_is_compared_in_line(evidence):
    from dataclasses import replace

    one = evidence.sources["Simchen 2002"]
    many = [replace(one, key=f"Author{i} 20{i % 90 + 10}", citation=f"Paper {i}.") for i in range(5000)]
    assert len(list(near(many))) < 50_000
