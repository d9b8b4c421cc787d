"""Who was tested: how it is read, what a row then counts, and that nobody untested counts as negative."""

import json
import shutil

import pytest

import riskmodel as rm
from riskmodel.evidence.export import descriptor
from riskmodel.evidence.readings import as_tested, uninformed

SAID = ",karyotype=2; infection=1"
GROUP = "Koopman 1998,outcome,good,anatomy=isolated,5,5,"
FINE = "Koopman 1998,outcome,good,anatomy=isolated; karyotype=normal; infection=negative,5,5,"


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(rm.load_evidence("fetal-hepatic-calcification").path, tmp_path / "finding")
    return tmp_path / "finding"


def edited(folder, old, new):
    path = folder / "counts.csv"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    return folder


def koopman(evidence, rows=None):
    return next(one for one in rows or evidence.counts if (one.source, one.variable) == ("Koopman 1998", "outcome"))


def answers(evidence):
    model = rm.fit(evidence)
    return model.risk("good_outcome", anatomy="isolated").mean, model.risk(
        "abnormal_karyotype", anatomy="isolated"
    ).mean


def test_the_shipped_row_says_who_was_tested():
    evidence = rm.load_evidence("fetal-hepatic-calcification")
    row = koopman(evidence)
    assert row.tested == (("karyotype", 2), ("infection", 1))
    assert row.untested == ("karyotype", "infection")
    assert row.to_dict()["tested"] == {"karyotype": 2, "infection": 1}
    assert as_tested(row) is row
    assert evidence.table().loc[lambda table: table["tested"] != "", "tested"].tolist() == ["karyotype=2; infection=1"]
    json.dumps(row.to_dict())


def test_what_a_row_says_nothing_of():
    evidence = rm.load_evidence("fetal-hepatic-calcification")
    edges = evidence.finding.edges
    assert {edges[i].variable for i in uninformed(koopman(evidence), evidence.finding)} == {"karyotype", "infection"}
    assert not [one for one in evidence.counts if one is not koopman(evidence) and uninformed(one, evidence.finding)]


@pytest.mark.parametrize(
    ("tested", "given"),
    [
        ("karyotype=2; infection=1", "anatomy=isolated"),
        ("karyotype=2", "anatomy=isolated; infection=negative"),
        ("karyotype=0; infection=5", "anatomy=isolated; infection=negative"),
        ("karyotype=5; infection=5", "anatomy=isolated; karyotype=normal; infection=negative"),
        ("", "anatomy=isolated; karyotype=normal; infection=negative"),
    ],
)
def test_what_not_all_were_tested_for_is_left_out_of_the_group(folder, tested, given):
    evidence = rm.load_evidence(edited(edited(folder, GROUP, FINE), SAID, f",{tested}"))
    assert str(as_tested(koopman(evidence)).given) == given
    assert str(koopman(evidence, evidence.fitted()).given) == given
    fine = evidence.for_edge(
        next(e for e in evidence.finding.edges if e.variable == "outcome" and e.status == "counts")
    )
    assert ("Koopman 1998" in {one.source for one in fine}) == (given.count("=") == 3)
    assert ("Koopman 1998" in {one.source for one in evidence.coarse()}) == (given.count("=") < 3)


def test_a_fine_row_of_untested_fetuses_is_the_coarse_count(folder):
    shipped = answers(rm.load_evidence("fetal-hepatic-calcification"))
    assert answers(rm.load_evidence(edited(folder, GROUP, FINE))) == pytest.approx(shipped, abs=1e-12)
    # Taken as tested, the five would be normal karyotypes of no karyotyped fetus: 0 of 5 beside the branch's own, and
    # Achiron 1996's 0 of 4. Avni 1994 says nothing of karyotypes.
    good, abnormal = answers(rm.load_evidence(edited(edited(folder, FINE, GROUP), SAID, ",")))
    prior = rm.BetaMixture.beta(1 / 6, 5 / 6)
    without, with_koopman = (
        rm.pool([1, 0, 0, 0, 0][:n], [21, 11, 14, 4, 5][:n], prior=prior).average.mean for n in (4, 5)
    )
    assert (shipped[1], abnormal) == pytest.approx((without, with_koopman), abs=1e-8)
    assert abnormal < shipped[1]
    assert good > shipped[0]


def test_a_coarse_row_beside_a_reread_one_only_checks(folder):
    fine = FINE + "with_finding,,referral,excluded,abstract,primary,,,Invented" + SAID + "\n"
    path = folder / "counts.csv"
    path.write_text(path.read_text() + fine)
    evidence = rm.load_evidence(folder)
    assert [one.role for one in evidence.counts if (one.source, one.variable) == ("Koopman 1998", "outcome")] == [
        "check",
        "fit",
    ]
    assert answers(evidence) == pytest.approx(answers(rm.load_evidence("fetal-hepatic-calcification")), abs=1e-12)
    path.write_text(path.read_text() + fine.replace("infection=negative", "infection=positive"))
    with pytest.raises(rm.EvidenceError, match="without what not all were tested for"):
        rm.load_evidence(folder)


@pytest.mark.parametrize(
    ("tested", "what"),
    [
        ("karyotype", "not VARIABLE=NUMBER"),
        ("karyotype=two", "not VARIABLE=NUMBER"),
        ("karyotype=-1", "not VARIABLE=NUMBER"),
        ("karyotipe=2", "unknown variable that is tested for"),
        ("outcome=2", "unknown variable that is tested for"),
        ("karyotype=2; karyotype=3", "said twice"),
        ("karyotype=6", "6 tested for karyotype of 5"),
    ],
)
def test_what_cannot_be_is_told_where(folder, tested, what):
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(edited(folder, SAID, f",{tested}"))
    (problem,) = caught.value.problems
    assert (problem.file, problem.column) == ("counts.csv", "tested")
    assert what in problem.what
    assert problem.remedy


def test_what_is_counted_is_counted_among_those_tested(folder):
    old = "14 of the 17 accepted amniocentesis.,"
    with pytest.raises(rm.EvidenceError, match="14 counted, of whom 9 were tested for karyotype"):
        rm.load_evidence(edited(folder, old, old + "karyotype=9"))


def test_the_audit_asks_who_was_tested():
    found = {one.code: one for one in rm.load_evidence("fetal-hepatic-calcification").audit() if "tested" in one.code}
    assert "at most 2 for karyotype and 1 for infection" in found["untested"].what
    assert found["tested unsaid"].sources == ("Achiron 1996",)
    assert all(one.remedy for one in found.values())


def test_new_counts_and_other_programs_have_the_column():
    evidence = rm.load_evidence("fetal-echogenic-bowel")  # its file has no such column
    new = {
        "source": "New 2026",
        "citation": "Somebody. Somewhere 2026",
        "variable": "infection",
        "category": "positive",
    }
    new |= {"given": "karyotype=normal", "events": 3, "total": 30, "tested": "karyotype=4", "ascertainment": "referral"}
    refit = rm.refit(evidence, [new | {"terminations": "included", "basis": "abstract"}])
    assert refit.new.counts[0].tested == (("karyotype", 4),)
    fields = descriptor(rm.load_evidence("fetal-hepatic-calcification"))["resources"][1]["schema"]["fields"]
    assert "tested" in {one["name"] for one in fields}
