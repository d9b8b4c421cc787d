"""Another finding, with other names and fewer variables: a finding is a folder of data, never code."""

import json

import jsonschema
import pytest

import riskmodel as rm
from riskmodel import report

FINDING = """
title = "A small finding"
plain_title = "Something small"
updated = 2026-01-31
disclaimer = "For a test."

[review]
status = "none"
statement = "Made up for a test: the numbers mean nothing."

[[variables]]
name = "genes"
title = "gene panel"
plain_title = "the gene test"
states = ["clear", "altered"]
definition = "By panel."

[[variables]]
name = "result"
title = "result"
plain_title = "how it went"
states = ["well", "unwell"]
definition = "At birth."

[[edges]]
variable = "genes"
category = "altered"
status = "counts"

[[edges]]
variable = "result"
category = "unwell"
given = "genes=clear"
status = "counts"

[[edges]]
variable = "result"
category = "unwell"
given = "genes=altered"
status = "elicited"
probability = 0.6
definition = "A judgement, cited."
sources = ["Nobody 2001"]

[[outcomes]]
name = "unwell"
title = "unwell at birth"
plain_title = "the baby is unwell"
complement_title = "well"
polarity = "bad"
variable = "result"
state = "unwell"
headline = true
definition = "Unwell."
until = "birth"
denominator = "all"

[[populations]]
name = "all"
title = "all"
pooled = true
definition = "All."

[[readings]]
name = "primary"
title = "as published"
description = "As published."
"""
SOURCES = """key,citation,year,doi,pmid,design,ascertainment,weeks,overlaps
Nobody 2001,Nobody. A paper. 2001.,2001,,,series,referral,,Nemo 2002
Nemo 2002,Nemo. Another paper. 2002.,2002,,,series,routine,,
"""
COUNTS = """source,variable,category,given,events,total,population,definition,ascertainment,terminations,basis,reading,replaces,note
Nobody 2001,genes,altered,,3,20,all,,referral,excluded,abstract,primary,,
Nemo 2002,genes,clear,,29,30,all,,routine,excluded,abstract,primary,,
Nobody 2001,result,well,genes=clear,15,17,all,,referral,excluded,abstract,primary,,
"""
WORKUP = """
[[steps]]
key = "panel"
title = "Gene panel"
plain_title = "A gene test"
resolves = "genes"
detail = "Send it."
sources = ["Nobody 2001"]
rules = [{ state = "done", when = "genes is known", why = "Known." }, { state = "due", when = "always", why = "First." }]
"""


@pytest.fixture
def small(tmp_path):
    folder = tmp_path / "small-finding"
    folder.mkdir()
    for name, text in (
        ("finding.toml", FINDING),
        ("sources.csv", SOURCES),
        ("counts.csv", COUNTS),
        ("workup.toml", WORKUP),
    ):
        (folder / name).write_text(text)
    return folder


def test_its_tree_is_fitted_and_counts_of_either_state_are_read(small):
    model = rm.fit(rm.load_evidence(small))
    altered = rm.pool([3, 1], [20, 30]).average.mean
    unwell = rm.pool([2], [17]).average.mean
    assert model.risk("unwell").mean == pytest.approx(altered * 0.6 + (1 - altered) * unwell, abs=1e-12)
    assert model.risk("unwell", genes="altered").mean == pytest.approx(0.6, abs=1e-12)
    assert model.risk("unwell", genes="clear").mean == pytest.approx(unwell, abs=1e-12)


def test_it_is_consulted_like_any_other(small):
    answer = rm.consult(finding=small, genes="clear").to_dict()
    jsonschema.validate(json.loads(report.to_json(answer)), rm.schema())
    assert answer["finding"] == "small-finding"
    assert [step["state"] for step in answer["workup"]] == ["done"]
    assert "unwell at birth" in report.to_markdown(answer).lower()


def test_series_that_may_share_fetuses_are_warned_of(small):
    assert any(one.code == "overlap" for one in rm.load_evidence(small).audit())


def test_the_same_count_told_by_both_states_is_refused(small):
    path = small / "counts.csv"
    path.write_text(COUNTS + "Nobody 2001,genes,clear,,17,20,all,,referral,excluded,abstract,primary,,\n")
    with pytest.raises(rm.EvidenceError, match="the same count as row 2"):
        rm.load_evidence(small)


def test_an_unknown_variable_of_another_finding_is_named(small):
    with pytest.raises(rm.UnknownNameError, match="Known: genes"):
        rm.consult(finding=small, anatomy="isolated")
