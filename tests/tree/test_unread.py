"""Counts that enter no branch are named, and no figure that leaves one out is called the combined one."""

import re
import shutil

from command_line import run

import riskmodel as rm
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.tree.audit import unread


def test_counts_that_no_answer_has_are_named_with_the_line_to_write(tmp_path):
    folder = tmp_path / "own"
    shutil.copytree(SHIPPED / "fetal-mild-ventriculomegaly", folder)
    path = folder / "finding.toml"
    text = path.read_text(encoding="utf-8")
    dropped = re.sub(r'^accepts = \[.*"anatomy=isolated; width=13-15".*\]\n', "", text, flags=re.M)
    assert dropped != text
    path.write_text(dropped, encoding="utf-8")
    found = [one for one in unread(rm.load_evidence(folder)) if one.severity == "warning"]
    assert any(
        "Gaglioti 2005" in one.what and 'accepts = ["anatomy=isolated; width=13-15"]' in one.what for one in found
    )
    code, out, _ = run("evidence", "check", str(folder))
    assert code == 0
    assert (
        "warning: Gaglioti 2005: development=normal | anatomy=isolated; width=13-15: 6 of 8 answer no question" in out
    )
    # What answers the question exactly and cannot be read through the tree is never left out of a combined figure.
    risk = rm.fit(rm.load_evidence(folder)).risk("normal_development", anatomy="isolated", width="13-15")
    assert not risk.combined.estimable


def test_what_only_definitions_answer_is_not_named():
    assert not unread("fetal-hepatic-calcification")
