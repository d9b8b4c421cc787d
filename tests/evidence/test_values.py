"""Evidence is a finished value: it compares, hashes and pickles by its content, and so does what is known."""

import gc
import pickle
import shutil
import subprocess
import sys
from dataclasses import fields, is_dataclass

import pytest

import riskmodel as rm
from riskmodel._support import kept
from riskmodel.evidence.known import Known, one_of, states_in
from riskmodel.evidence.manifest import SHIPPED, TEMPLATE

BOWEL = "fetal-echogenic-bowel"


def content(value):
    """Every value inside a value."""
    yield value
    if is_dataclass(value):
        for one in fields(value):
            yield from content(getattr(value, one.name))
    elif isinstance(value, dict):
        for one in value.values():
            yield from content(one)
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from content(one)


@pytest.mark.parametrize("name", [*rm.findings(), "own"])
def test_evidence_compares_hashes_and_pickles_by_its_content(name, tmp_path):
    folder = SHIPPED / (TEMPLATE if name == "own" else name)
    copy = tmp_path / folder.name
    shutil.copytree(folder, copy)
    place = copy if name == "own" else name
    one = rm.load_evidence(place)
    kept.clear()  # else it is the same evidence again
    other = rm.load_evidence(place)
    assert one is not other
    assert one == other
    assert hash(one) == hash(other)
    one.audit(), one.finding.splits, one.finding.splits
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert hash(again) == hash(one)
    assert again.path == one.path
    assert again.audit() == one.audit()
    assert rm.load_evidence(copy if name != "own" else folder) != one  # new counts would go elsewhere
    for value in (one.finding, one.workup, *one.counts, *one.sources.values(), *one.finding.variables):
        assert pickle.loads(pickle.dumps(value)) == value
        assert hash(pickle.loads(pickle.dumps(value))) == hash(value)


def test_evidence_holds_data_alone(evidence):
    for value in content(evidence):
        assert not callable(value)
        if is_dataclass(value):
            assert set(vars(value)) == {one.name for one in fields(value)}, type(value)


def test_what_is_worked_out_goes_with_the_evidence():
    told = pickle.dumps(rm.load_evidence(BOWEL))  # a copy is on no shelf
    gc.collect()  # what other tests left goes now, not while this one counts
    before = len(kept._BESIDE)
    evidence = pickle.loads(told)
    evidence.audit(), evidence.finding.splits, hash(evidence)
    assert len(kept._BESIDE) > before
    del evidence
    assert len(kept._BESIDE) == before


def test_evidence_that_says_something_else_is_not_equal(evidence, folder):
    assert evidence != evidence.with_reading("strict")
    assert evidence != evidence.without("Simchen 2002")
    assert evidence.with_reading("strict").with_reading("primary") == evidence
    path = folder / "counts.csv"
    path.write_text(
        path.read_text().replace("Simchen 2002,anatomy,associated,,40,61", "Simchen 2002,anatomy,associated,,40,62")
    )
    assert rm.load_evidence(folder) != evidence


# ---------------------------------------------------------------- known


@pytest.fixture(scope="module")
def finding():
    return rm.load_evidence(rm.findings()[1]).finding


def test_known_states_are_in_the_finding_s_order(finding):
    known = Known.of(finding, {"infection": None, "karyotype": "abnormal|normal", "anatomy": "isolated"})
    assert known == (("anatomy", "isolated"), ("karyotype", "normal|abnormal"))
    assert str(known) == "anatomy=isolated; karyotype=normal|abnormal"
    assert dict(known) == {"anatomy": "isolated", "karyotype": "normal|abnormal"}
    assert known.states("karyotype") == ("normal", "abnormal")
    assert known.states("infection") == ()
    assert pickle.loads(pickle.dumps(known)) == known
    assert type(pickle.loads(pickle.dumps(known))) is Known
    assert hash(known) == hash(Known.of(finding, dict(known)))
    assert sorted([known, Known()]) == [Known(), known]
    assert not Known.of(finding, {})


def test_known_states_are_checked(finding):
    with pytest.raises(rm.UnknownNameError, match="state of karyotype"):
        Known.of(finding, {"karyotype": "odd"})
    with pytest.raises(rm.UnknownNameError, match="state of karyotype"):
        Known.of(finding, {"karyotype": "normal|abnormal"}, several=False)
    for name in ("weather", "outcome"):
        with pytest.raises(rm.UnknownNameError, match="variable"):
            Known.of(finding, {name: "good"})
    with pytest.raises(rm.UnknownNameError, match="variable"):
        Known().with_state(finding, "weather", "good")
    with pytest.raises(rm.UnknownNameError, match="state of outcome"):
        Known().with_state(finding, "outcome", "fair")


def test_known_states_are_changed_into_new_ones(finding):
    known = Known.of(finding, {"karyotype": "normal|abnormal"})
    assert known.with_state(finding, "anatomy", "isolated") == (("anatomy", "isolated"), *known)
    assert known.with_state(finding, "karyotype", "normal") == (("karyotype", "normal"),)
    assert known.with_state(finding, "outcome", "good") == (*known, ("outcome", "good"))
    assert known.without("karyotype") == () == Known().without("karyotype")
    assert known.narrowed(finding, "karyotype", "abnormal") == (("karyotype", "abnormal"),)
    assert known.narrowed(finding, "anatomy", "isolated") == (("anatomy", "isolated"), *known)
    assert Known((("karyotype", "normal"),)).narrowed(finding, "karyotype", "abnormal") is None


def test_known_states_imply_and_contradict(finding):
    either = Known.of(finding, {"karyotype": "normal|abnormal"})
    normal = either.with_state(finding, "karyotype", "normal")
    assert normal.implies(either)
    assert not either.implies(normal)
    assert not either.contradicts(normal)
    assert normal.contradicts((("karyotype", "abnormal"),))
    assert not normal.contradicts((("anatomy", "isolated"),))
    assert not normal.implies((("anatomy", "isolated"),))
    assert normal.implies(())
    assert not normal.contradicts(())
    assert Known().allows("karyotype", "abnormal")
    assert normal.allows("karyotype", "abnormal|normal")
    assert not normal.allows("karyotype", "abnormal")


def test_texts_of_several_states_are_read_as_they_are_written():
    assert states_in(one_of(("mild", "severe"))) == ("mild", "severe")
    assert states_in("mild") == ("mild",)


def test_nothing_is_said_when_the_program_ends():
    command = [sys.executable, "-m", "riskmodel", "consult", "--anatomy", "isolated", "--json"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stderr == ""


@pytest.mark.parametrize("name", rm.findings())
def test_a_row_that_replaces_several_is_there_once(name):
    evidence = rm.load_evidence(name)
    for reading in evidence.finding.readings:
        rows = [count.row for count in evidence.with_reading(reading.name).counts]
        assert len(set(rows)) == len(rows), reading.name
