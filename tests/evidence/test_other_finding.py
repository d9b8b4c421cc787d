"""Another finding, with other names and fewer variables: a finding is a folder of data, never code."""

import json

import jsonschema
import numpy as np
import pytest

import riskmodel as rm
from riskmodel.report import render as report

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
    model = rm.fit(rm.load_evidence(small), prior="jeffreys")
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


def noted(folder, code):
    return [one for one in rm.load_evidence(folder).audit() if one.code == code]


def test_populations_that_one_fit_pools_are_noted(small):
    """Of a branch and of an outcome counted by itself; what an edge accepts is taken for alike, as the finding says."""
    assert not noted(small, "populations")
    other = '[[populations]]\nname = "tested"\ntitle = "those tested"\npooled = true\ndefinition = "By choice."\n\n[[readings]]'
    own = '[[outcomes]]\nname = "surgery"\ntitle = "surgery"\nplain_title = "an operation"\ncomplement_title = "none"\n'
    own += 'polarity = "bad"\nheadline = true\ndefinition = "Any."\nuntil = "birth"\ndenominator = "all"\n\n[[populations]]'
    toml = FINDING.replace("[[readings]]", other, 1).replace("[[populations]]", own, 1)
    (small / "finding.toml").write_text(toml)
    (one,) = noted(small, "uncounted outcome")
    assert str(one) == "note: no series counts surgery, which the first screen shows"
    rows = COUNTS.replace(",all,", ",tested,", 1)
    rows += "Nobody 2001,surgery,yes,,1,20,all,,referral,excluded,abstract,primary,,\n"
    rows += "Nemo 2002,surgery,yes,,2,30,tested,,referral,excluded,abstract,primary,,\n"
    (small / "counts.csv").write_text(rows)
    assert not noted(small, "uncounted outcome")
    assert [one.what for one in noted(small, "populations")] == [
        "genes altered pools populations that differ (those tested: Nobody 2001; all: Nemo 2002)",
        "surgery pools populations that differ (all: Nobody 2001; those tested: Nemo 2002)",
    ]
    assert [one.sources for one in noted(small, "populations")] == [("Nemo 2002", "Nobody 2001")] * 2


def test_the_same_count_told_by_both_states_is_refused(small):
    path = small / "counts.csv"
    path.write_text(COUNTS + "Nobody 2001,genes,clear,,17,20,all,,referral,excluded,abstract,primary,,\n")
    with pytest.raises(rm.EvidenceError, match="the same count as row 2"):
        rm.load_evidence(small)


def test_an_unknown_variable_of_another_finding_is_named(small):
    with pytest.raises(rm.UnknownNameError, match="Known: genes"):
        rm.consult(finding=small, anatomy="isolated")


# ---------------------------------------------------------------- three states in one variable, and no work-up

EDGES = """
[[edges]]
variable = "genes"
category = "clear"
status = "counts"

[[edges]]
variable = "genes"
category = "mosaic"
after = ["clear"]
status = "counts"

[[edges]]
variable = "result"
category = "unwell"
given = "genes=clear"
status = "counts"

[[edges]]
variable = "result"
category = "unwell"
given = "genes=mosaic"
status = "counts"

[[edges]]
variable = "result"
category = "unwell"
given = "genes=full"
status = "counts"

"""


def row(source, variable, category, given, events, total):
    where = "routine" if source.startswith("Nemo") else "referral"
    return f"{source},{variable},{category},{given},{events},{total},all,,{where},excluded,abstract,primary,,"


THREE = (
    row("Nobody 2001", "genes", "clear", "", 14, 20),
    row("Nobody 2001", "genes", "mosaic", "", 4, 20),
    row("Nemo 2002", "genes", "mosaic", "", 3, 30),
    row("Nemo 2002", "genes", "full", "", 2, 30),
    row("Nobody 2001", "result", "well", "genes=clear", 13, 14),
    row("Nobody 2001", "result", "unwell", "genes=mosaic", 2, 4),
    row("Nemo 2002", "result", "unwell", "genes=full", 2, 2),
)


@pytest.fixture
def three(small):
    (small / "workup.toml").unlink()
    start, end = FINDING.index("[[edges]]"), FINDING.index("[[outcomes]]")
    text = FINDING[:start] + EDGES + FINDING[end:]
    (small / "finding.toml").write_text(text.replace('["clear", "altered"]', '["clear", "mosaic", "full"]'))
    fill(small, *THREE)
    return small


def fill(folder, *rows):
    (folder / "counts.csv").write_text("\n".join([COUNTS.splitlines()[0], *rows]) + "\n")


def test_three_states_are_two_branches(three):
    model = rm.fit(rm.load_evidence(three), prior="jeffreys")
    # Nemo 2002 gives all states but one: 25 of 30 are clear.
    clear = rm.pool([14, 25], [20, 30]).average.mean
    mosaic = rm.pool([4, 3], [6, 5]).average.mean
    unwell = [rm.pool([1], [14]), rm.pool([2], [4]), rm.pool([2], [2])]
    a, b, c = (one.average.mean for one in unwell)
    assert model.state_risk("genes", "clear").mean == pytest.approx(clear, abs=1e-12)
    assert model.state_risk("genes", "full").mean == pytest.approx((1 - clear) * (1 - mosaic), abs=1e-12)
    assert model.state_risk("genes", "mosaic|full").mean == pytest.approx(1 - clear, abs=1e-12)
    abnormal = mosaic * b + (1 - mosaic) * c
    assert model.risk("unwell", genes="mosaic|full").mean == pytest.approx(abnormal, abs=1e-12)
    assert model.risk("unwell").mean == pytest.approx(clear * a + (1 - clear) * abnormal, abs=1e-12)
    assert model.coarse() == ()
    table = model.branches()
    assert list(table["after"]) == ["", "clear", "", "", ""]
    assert (table["events"][1], table["total"][1]) == (7, 11)


def test_the_order_in_which_states_are_ruled_out_is_the_finding_s(three):
    path = three / "finding.toml"
    path.write_text(
        path.read_text()
        .replace('category = "clear"\nstatus', 'category = "full"\nstatus')
        .replace('after = ["clear"]', 'after = ["full"]')
    )
    model = rm.fit(rm.load_evidence(three), prior="jeffreys")
    full = rm.pool([2, 2], [20, 30]).average.mean
    mosaic = rm.pool([4, 3], [18, 28]).average.mean
    assert model.state_risk("genes", "full").mean == pytest.approx(full, abs=1e-12)
    assert model.state_risk("genes", "clear").mean == pytest.approx((1 - full) * (1 - mosaic), abs=1e-12)


def test_one_state_alone_is_a_coarse_count_by_brute_force(three):
    """4 of 20 mosaic, the others not told apart: a sum over how many of the sixteen were clear."""
    fill(three, THREE[1], *THREE[2:4], *THREE[4:])
    model = rm.fit(rm.load_evidence(three), prior="jeffreys")
    ((count, found, reason),) = model.coarse()
    assert (count.key, reason) == ("Nobody 2001: genes=mosaic", "")
    assert found is not None
    weights, means = [], []
    for clear in range(17):
        first, second = rm.pool([25, clear], [30, 20]), rm.pool([3, 4], [5, 20 - clear])
        weights.append(np.exp(first.log_evidence + second.log_evidence))
        means.append((1 - first.average.mean) * second.average.mean)
    expected = np.dot(weights, means) / np.sum(weights)
    assert model.state_risk("genes", "mosaic").mean == pytest.approx(expected, abs=1e-8)


def test_states_all_of_which_are_ruled_out_feed_nothing_twice(three):
    fill(
        three,
        row("Nobody 2001", "genes", "clear", "", 20, 20),
        row("Nobody 2001", "genes", "full", "", 0, 20),
        *THREE[2:],
    )
    model = rm.fit(rm.load_evidence(three), prior="jeffreys")
    assert [(c.events, c.total) for c in model.counts[1]] == [(3, 5)]
    assert model.coarse() == ()


def test_three_states_are_consulted_without_a_work_up(three, capsys):
    answer = rm.consult(detail="all", finding=three).to_dict()
    jsonschema.validate(json.loads(report.to_json(answer)), rm.schema())
    assert [branch["given"]["genes"] for branch in answer["branches"]] == ["clear", "mosaic", "full"]
    text = report.to_markdown(answer)
    assert "work-up" not in text.lower()
    assert "If genes mosaic" in text
    assert "Steps you can talk about" not in report.to_markdown(answer | {"audience": "patient"})
    rm.plots.tree(rm.fit(rm.load_evidence(three), prior="jeffreys").branches())


def test_a_test_of_three_results_shows_each(three):
    (three / "workup.toml").write_text(WORKUP)
    (step,) = rm.consult(detail="all", finding=three).to_dict()["workup"]
    (change,) = step["changes"]
    assert [one["state"] for one in change["results"]] == ["clear", "mosaic", "full"]
    assert sum(one["expected"] for one in change["results"]) == pytest.approx(1, abs=1e-9)
    assert step["p_abnormal"] == pytest.approx(1 - change["results"][0]["expected"], abs=1e-9)
    mean = sum(one["expected"] * one["probability"] for one in change["results"])
    assert mean == pytest.approx(change["before"]["probability"], abs=1e-9)
    assert "if mosaic" in report.to_markdown(rm.consult(detail="all", finding=three).to_dict())


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('after = ["clear"]\n', "", "two edges leave"),
        ('after = ["clear"]', 'after = ["full"]', "ruled out before are not those"),
        ('category = "mosaic"\nafter', 'category = "clear"\nafter', "ruled out before are not those"),
        ('["clear", "mosaic", "full"]', '["clear", "mosaic", "full", "other"]', "states of genes are left"),
        ('["clear", "mosaic", "full"]', '["clear", "mosaic"]', "unknown state of genes .found 'full'"),
        ('after = ["clear"]\n', 'after = ["clear"]\nprobability = 1\n', "takes its probability from them"),
    ],
)
def test_edges_that_do_not_divide_the_states_are_told(three, old, new, what):
    path = three / "finding.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(rm.EvidenceError, match=what):
        rm.load_evidence(three)


@pytest.mark.parametrize(
    ("number", "new", "what"),
    [
        (1, row("Nobody 2001", "genes", "mosaic", "", 4, 21), "have totals 20 and 21"),
        (1, row("Nobody 2001", "genes", "mosaic", "", 7, 20), "sum to 21 of 20"),
        (1, row("Nobody 2001", "genes", "clear", "", 14, 20), "the same count as row 2"),
    ],
)
def test_states_that_do_not_fit_together_are_told(three, number, new, what):
    rows = list(THREE)
    rows[number] = new
    fill(three, *rows)
    with pytest.raises(rm.EvidenceError, match=what):
        rm.load_evidence(three)
