"""A finding by its name, or its folder, wherever a finding is taken: the same as its evidence or its tree."""

import shutil
from pathlib import Path

import pytest

import riskmodel as rm
from riskmodel.evidence import manifest

NAME = "fetal-hepatic-calcification"


@pytest.fixture(scope="module")
def tree():
    return rm.fit(rm.load_evidence(NAME))


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(manifest.SHIPPED / NAME, tmp_path / NAME)


def test_a_tree_is_fitted_by_name_and_by_folder(tree, folder):
    assert rm.fit(NAME) is tree
    for given in (folder, str(folder), Path(folder), rm.load_evidence(folder)):
        assert rm.fit(given).risk("good_outcome").mean == tree.risk("good_outcome").mean
    assert tree.variant(evidence=NAME) == tree
    routine = rm.fit(NAME, setting="routine", prior="jeffreys")
    assert routine == rm.fit(rm.load_evidence(NAME), setting="routine", prior="jeffreys")


def test_evidence_keeps_its_reading(tree):
    reading = next(one.name for one in tree.evidence.finding.readings if one.name != "primary")
    assert rm.fit(rm.load_evidence(NAME, reading=reading)).evidence.reading == reading


def test_what_takes_a_tree_takes_a_finding(tree):
    known = {"anatomy": "isolated", "karyotype": "normal"}
    assert rm.centre_dependence(NAME, "good_outcome", correlations=[0.3], **known) == rm.centre_dependence(
        tree, "good_outcome", correlations=[0.3], **known
    )
    asked = {"threshold": 0.6}
    assert rm.tipping_point(NAME, "associated_anomaly", **asked) == rm.tipping_point(
        tree, "associated_anomaly", **asked
    )


def test_a_record_is_of_a_finding_by_name():
    record = rm.FitRecord.of(NAME)
    record.check(NAME)
    assert record.repeat(NAME).evidence.content_hash == record.content_hash


@pytest.mark.parametrize(
    ("given", "error", "what"),
    [
        ("fetal-hepatic-calcifcation", rm.UnknownNameError, "Did you mean 'fetal-hepatic-calcification'?"),
        ("", rm.InputError, "an empty name"), (3, rm.InputError, "is not a finding"), (None, rm.InputError, "is not a finding"),
        (manifest.SHIPPED / NAME / "counts.csv", rm.InputError, "is one file of a folder"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_knows_is_told(given, error, what):
    for verb in (rm.fit, rm.audit_model, rm.FitRecord.of, lambda one: rm.next_series(one, 5)):
        with pytest.raises(error) as caught:
            verb(given)
        assert what in str(caught.value)
