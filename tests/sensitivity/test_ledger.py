"""The ledger of counts: where each number comes from, what it feeds, and what the answers are without it."""

import json
import os
from dataclasses import replace

import pytest
from command_line import run

import riskmodel as rm
from riskmodel.report.evidence import ledger_to_markdown
from riskmodel.sensitivity import count_ledger
from riskmodel.sensitivity.ledger import SLOW

#: Answers that are stored have six decimals; those of drawn points differ by the machine's last digits.
DECIMALS = 1.5e-6
WIDE = "fetal-mild-ventriculomegaly"
BOWEL = "fetal-echogenic-bowel"


@pytest.fixture(scope="module")
def ledger(model):
    return count_ledger(model)


@pytest.fixture(scope="module")
def wide():
    return count_ledger(WIDE, moves=False)


def entry(ledger, row):
    return next(one for one in ledger.to_dict()["counts"] if one["row"] == row)


@pytest.mark.parametrize("finding", ["fetal-hepatic-calcification", WIDE])
@pytest.mark.parametrize("reading", ["primary", "other"])
def test_every_row_of_the_file_feeds_something_or_says_why_not(finding, reading):
    evidence = rm.load_evidence(finding)
    names = [one.name for one in evidence.finding.readings]
    ledger = count_ledger(evidence.with_reading(names[0] if reading == "primary" else names[-1]), moves=False)
    told = ledger.to_dict()["counts"]
    assert [one["row"] for one in told] == [row.row for row in evidence.all_counts]
    for one in told:
        assert bool(one["feeds"]) != bool(one["feeds_nothing"]), one["key"]
        assert (one["printed"] is None) == (one["basis"] == "derived")
        if one["role"] != "fit":
            assert not one["feeds"]


def test_the_rows_that_feed_a_branch_are_those_of_the_fit(model, ledger):
    for edge, rows in zip(model.edges, model.counts, strict=True):
        told = [
            one["row"]
            for one in ledger.to_dict()["counts"]
            for use in one["feeds"]
            if use["kind"] == "branch" and use["what"] == [edge.said]
        ]
        assert sorted(told) == sorted(row.row for row in rows)
    wider = {one["row"] for one in ledger.to_dict()["counts"] if any(use["kind"] == "coarse" for use in one["feeds"])}
    assert wider == {row.row for row, _, _ in model.coarse()}


def test_one_count_at_two_branches_is_seen_to_be_one(wide):
    # 10 of 54 isolated cases are wider; the width is taken not to depend on the karyotype, so both branches have the count.
    one = entry(wide, 33)
    assert (one["source"], one["events"], one["total"], one["places"]) == ("Gaglioti 2005", 10, 54, 2)
    assert [use["what"][0].split(" where ")[1] for use in one["feeds"]] == [
        "anatomy isolated, karyotype abnormal",
        "anatomy isolated, karyotype normal, infection negative",
    ]
    assert "assumed: width does not depend on karyotype" in one["feeds"][0]["how"]
    assert wide.table().set_index("row").loc[33, "places"] == 2
    assert "One count, 2 places." in ledger_to_markdown(wide.to_dict(), _sources(wide))


def test_a_wider_count_says_of_which_tests_it_tells_nothing(ledger):
    koopman = entry(ledger, 54)["feeds"]
    assert [use["kind"] for use in koopman] == ["coarse"]
    assert koopman[0]["what"] == ["outcome good where anatomy isolated, karyotype normal, infection negative"]
    assert "tells nothing of infection and karyotype" in koopman[0]["how"]


def test_a_count_that_moves_nothing_says_where_it_is_shown(ledger):
    thrombi = entry(ledger, 67)
    assert thrombi["feeds_nothing"] == "shown, never pooled: it is of miscarried fetuses"
    assert thrombi["left_out"] == []
    assert [one.partition(":")[0] for one in thrombi["named_in"]] == ["differential"]


def test_a_count_of_another_reading_says_what_it_stands_for(ledger):
    assert entry(ledger, 43)["feeds_nothing"] == "holds in the reading 'strict' only in place of row 42"
    strict = count_ledger(ledger.model.variant(evidence=ledger.model.evidence.with_reading("strict")), moves=False)
    assert entry(strict, 42)["feeds_nothing"] == "another row stands for it in the reading 'strict'"
    assert entry(strict, 43)["feeds"]


def test_without_a_source_s_only_count_the_answers_are_those_without_the_source(model, ledger):
    # Avni 1994 has one count, so leaving the series out, which another function does, is leaving the count out.
    other = model.variant(evidence=model.evidence.without("Avni 1994"))
    for move in entry(ledger, 62)["left_out"]:
        known = dict(pair.split("=") for pair in move["question"].partition(" | ")[2].split("; ") if pair)
        found = other.risk(move["question"].split(" | ")[0], **known)
        assert move["after"] == (None if found.mean is None else pytest.approx(found.mean, abs=DECIMALS))
        if found.mean is None:
            assert move["bounds_after"] == pytest.approx(list(found.bounds), abs=DECIMALS)


def test_without_a_count_a_branch_is_the_pool_of_the_others():
    # Of the survey no wider count of this finding tells, so that the answer is one call of `pool`.
    ledger = count_ledger(WIDE, source="Sethna 2011")
    (row,) = [one for one in ledger.to_dict()["counts"] if one["category"] == "associated"]
    (move,) = [one for one in row["left_out"] if one["question"] == "associated_anomaly"]
    others = [(17, 44), (34, 82), (62, 116), (65, 121)]
    prior = ledger.model.fitted.mu_priors[0]
    expected = rm.pool([events for events, _ in others], [total for _, total in others], prior=prior)
    assert move["after"] == pytest.approx(expected.average.mean, abs=DECIMALS)
    assert move["change"] == pytest.approx(
        expected.average.mean - ledger.model.risk("associated_anomaly").mean, abs=2 * DECIMALS
    )


def test_the_tables_have_what_the_document_has(ledger):
    table, moves = ledger.table().set_index("row"), ledger.move_table()
    assert len(table) == len(ledger.model.evidence.all_counts)
    # Without the one trisomy 21 of the isolated the answer for them falls most.
    assert table.loc[4, "most_moved"] == "abnormal_karyotype | anatomy=isolated"
    assert table.loc[4, "after"] < table.loc[4, "before"]
    assert table.loc[24, "feeds"] == ""
    left_out = moves[moves["row"] == 4].set_index("question")
    assert left_out.loc["abnormal_karyotype | anatomy=isolated", "moves"]
    assert left_out.loc["associated_anomaly", "change"] == 0
    assert left_out.loc["good_outcome", ["before", "after"]].isna().all()
    assert not set(moves["row"]) & {3, 16, 24}  # checked, counted by itself, shown


def test_what_takes_minutes_is_left_to_those_who_ask(model, monkeypatch):
    bowel = rm.fit(BOWEL)
    monkeypatch.setattr("riskmodel.sensitivity.ledger.MOST_TERMS", 0)
    ledger = count_ledger(bowel)
    assert ledger.not_worked_out == SLOW
    assert not ledger.left_out
    assert entry(ledger, 4)["left_out"] is None
    assert "How far the answers move without a count: not worked out" in ledger_to_markdown(
        ledger.to_dict(), _sources(ledger)
    )
    # Where every way is listed, and of one source, everything is quick.
    assert count_ledger(model, source="Avni 1994").left_out


def test_stored_answers_are_taken_back_for_the_same_evidence_alone(ledger):
    kept = json.loads(json.dumps(ledger.stored()))
    again = count_ledger(ledger.model, moves=False).with_stored(kept)
    assert again.to_dict() == ledger.to_dict()
    changed = replace(ledger.model.evidence, content_hash="0" * 64)
    with pytest.raises(rm.errors.StaleRecordError, match="evidence_version"):
        count_ledger(changed, moves=False).with_stored(kept)


def test_the_command_says_one_source_s_chain():
    code, out, _ = run("evidence", "ledger", "--source", "Ocal 2014")
    out = " ".join(out.split())  # lines are as wide as the terminal
    assert code == 0
    for text in (
        "doi:10.5505/tjod.2014.85570",
        "Row 47",
        "14 of the 17 accepted amniocentesis",
        "Without it",
    ):
        assert text in out
    assert "Row 46" in out
    assert "Row 45" not in out
    body = json.loads(run("evidence", "ledger", "--source", "Ocal 2014", "--no-moves", "--json")[1])
    assert {one["source"] for one in body["counts"]} == {*body["sources"]} == {"Ocal 2014"}
    code, _, said = run("evidence", "ledger", "--source", "Ocal 2041")
    assert code == 2
    assert "Ocal 2014" in said


@pytest.mark.slow
@pytest.mark.parametrize("finding", ["fetal-hepatic-calcification", WIDE, BOWEL])
def test_the_stored_moves_are_those_of_the_program(finding):
    from riskmodel.evidence.manifest import SHIPPED
    from riskmodel.sensitivity.finding_page import MOVES
    from riskmodel.sensitivity.ledger import without

    kept = json.loads((SHIPPED / finding / MOVES).read_text(encoding="utf-8"))
    model = rm.fit(finding)
    assert kept["evidence_version"] == model.evidence.version, "run make pages"
    rows = [row for row in model.evidence.counts if str(row.row) in kept["left_out"]]
    assert len(rows) == len(kept["left_out"])
    # An answer of the bowel takes seconds: every fifth count of it, and every one when asked for.
    if finding == BOWEL and not os.environ.get("RISKMODEL_SOAK"):
        rows = rows[1::5]
    for row in rows:
        for stored, said in zip(kept["left_out"][str(row.row)], without(model, row), strict=True):
            assert said.numbers == (stored if stored is None else pytest.approx(stored, abs=DECIMALS)), row.key


def _sources(ledger):
    from dataclasses import asdict

    return {key: asdict(one) for key, one in ledger.model.evidence.sources.items()}
