"""New counts: how surprising, what moves and why, and the folder that is written whole or not at all."""

import os
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from new_series import NEW_SOURCE, NOBODY, OUT, as_csv, line
from workbooks import in_part, xlsx

import riskmodel as rm
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.report.refit import changelog_entry, to_markdown
from riskmodel.updating.new_counts import refit

# ---------------------------------------------------------------- what is said


def test_series_held_out_and_brought_back_give_the_shipped_finding_s_answers(held, model):
    found = refit(*held)
    for outcome, known in (
        ("good_outcome", {"anatomy": "isolated"}),
        ("abnormal_karyotype", {}),
        ("good_outcome", {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}),
    ):
        again, shipped = found.after.risk(outcome, **known), model.risk(outcome, **known)
        assert again.mean == pytest.approx(shipped.mean, abs=1e-12)
        assert again.interval() == pytest.approx(shipped.interval(), abs=1e-9)
    assert found.sources == OUT
    assert len(found.new.counts) == 10


def test_what_is_a_surprise_is_the_tail_of_the_prediction(held):
    found = refit(*held)
    rows = {(one["source"], one["count"]): one for one in found.surprises}
    # Associated anomalies in 40 of 61, 3 of 14, 21 of 28 and 4 of 17 of the series there were.
    before = rm.pool(*zip(*[(c.events, c.total) for c in found.before.counts[0]], strict=True))
    pmf = before.predict(7)
    koopman = rows["Koopman 1998", "anatomy=associated"]
    below = pmf[:2].sum() + pmf[2] / 2
    assert koopman["expected"] == pytest.approx(pmf @ np.arange(8), abs=1e-12)
    assert koopman["tail"] == pytest.approx(2 * min(below, 1 - below), abs=1e-12)
    assert koopman["log_score"] == pytest.approx(np.log(pmf[2]), abs=1e-12)
    assert koopman["words"] == "as expected"
    assert "no number of events" in koopman["reason"]
    assert rows["Koopman 1998", "karyotype=abnormal"]["tail"] is None
    assert "enters no fit" in rows["Koopman 1998", "karyotype=abnormal"]["reason"]


def test_the_score_of_a_wider_count_is_the_weight_it_brings(held):
    """5 of 5 isolated can have come about in one way, so its predictive probability is a product of three."""
    folder, _ = held
    new = [line("Koopman 1998", "outcome", "good", "anatomy=isolated", 5, 5)]
    found = refit(folder, new)
    (row,) = found.surprises
    gained = 0.0
    # Priors by hand (docs/dirichlet-tree.md).
    for i, cell, prior in ((1, (0, 5), (1 / 6, 5 / 6)), (4, (0, 5), (1 / 6, 4 / 6)), (6, (5, 5), (1 / 2, 1 / 6))):
        assert found.before.edges[i].given[0] == ("anatomy", "isolated")
        before = [(c.events, c.total) for c in found.before.counts[i]]
        whole, part = (
            rm.pool(*zip(*cells, strict=True), prior=rm.BetaMixture.beta(*prior)).log_evidence
            for cells in ([*before, cell], before)
        )
        gained += whole - part
    assert row["log_score"] == pytest.approx(gained, abs=2e-3)


def test_a_count_far_from_the_others_is_called_so(held):
    folder, _ = held
    new = [
        line(
            "Nobody 2020",
            "outcome",
            "good",
            "anatomy=isolated; karyotype=normal; infection=negative",
            2,
            40,
            **NEW_SOURCE,
        )
    ]
    found = refit(folder, new)
    assert found.surprises[0]["words"] in ("surprising", "very surprising")
    assert found.surprises[0]["tail"] < 0.05
    move = next(one for one in found.moves if one["name"].startswith("P(outcome=good"))
    assert move["moved"] < -0.2
    assert move["influence"]["Nobody 2020"] == pytest.approx(move["moved"], abs=1e-12)
    assert re.search(r"-\d\d\.\d points", found.to_markdown())


@pytest.mark.parametrize(
    ("before", "after", "lower", "upper", "said"),
    [
        (0.003, 0.006, 0.0005, 0.02, "+3.0 of 1,000"),  # a third of a point of 100, and a sixth of the interval
        (0.0002, 0.0003, 0.0, 0.001, "+1.0 of 10,000"),
        (0.997, 0.994, 0.98, 0.9995, "-3.0 of 1,000"),
        (0.47, 0.48, 0.06, 0.90, "stays"),
        (0.47, 0.44, 0.06, 0.90, "-3.0 points"),
        (0.003, 0.003, 0.0, 0.02, "stays"),
    ],
)
def test_what_moves_is_judged_by_the_width_of_the_interval(before, after, lower, upper, said):
    sides = {
        name: {"probability": p, "lower": lower, "upper": upper, "series": 3}
        for name, p in (("before", before), ("after", after))
    }
    moved = after - before
    one = {"kind": "branch", "title": "a risk", "moved": moved, "influence": {"New 2020": moved}, **sides}
    body = {
        "finding": "x",
        "before": "1",
        "after": "2",
        "reading": "primary",
        "setting": "any",
        "audit": [],
        "surprises": [],
    }
    page = to_markdown(body | {"sources": {"New 2020": "A citation."}, "moves": [one]})
    assert page.split("## What moves")[1].split("## Which")[0].count(f"| {said} |") == 1
    assert ("None of them moves" in page) == (said == "stays")
    entry = changelog_entry(body | {"sources": {}, "moves": [one]}, "2026-01-01")
    assert ("No answer moved" in entry) == (said == "stays")


def test_influence_is_leaving_one_out(held):
    found = refit(*held)
    move = next(one for one in found.moves if one["title"] == "good outcome where anatomy isolated")
    for source in OUT:
        without = rm.fit(found.after.evidence.without(source)).risk("good_outcome", anatomy="isolated")
        assert move["influence"][source] == pytest.approx(move["after"]["probability"] - without.mean, abs=1e-12)
    table = found.influence_table()
    assert set(table["source"]) == set(OUT)
    assert len(table) == len(found.moves) * 2


def test_a_setting_that_a_count_does_not_speak_for_is_not_moved(held):
    folder, _ = held
    found = refit(folder, NOBODY, setting="routine")
    assert {one["words"] for one in found.surprises} == {"not compared"}
    assert all(one["moved"] in (0.0, None) for one in found.moves)


def test_a_branch_that_nothing_fed_becomes_estimable(held):
    folder, _ = held
    path = folder / "counts.csv"
    kept = [one for one in path.read_text().splitlines() if ",karyotype," not in one or "anatomy=associated" not in one]
    # Avni's 0 of 6 infected, anatomy not told, would pass the branch, which then has its prior and what that says.
    kept = [one for one in kept if not one.startswith("Avni 1994,infection")]
    path.write_text("\n".join(kept) + "\n")
    edit = (folder / "workup.toml").read_text()
    (folder / "workup.toml").write_text(re.sub(r"(?m)^counts = .*\n", "", edit))
    finding = (folder / "finding.toml").read_text()
    (folder / "finding.toml").write_text(re.sub(r"(?s)\[\[partly_tested\]\].*?(?=# -)", "", finding))
    found = refit(folder, [line("Simchen 2002", "karyotype", "abnormal", "anatomy=associated", 10, 40)])
    move = next(one for one in found.moves if one["name"] == "P(karyotype=abnormal | anatomy=associated)")
    prior = rm.BetaMixture.beta(1 / 6, 5 / 6)
    assert move["before"]["probability"] is None
    assert move["after"]["probability"] == pytest.approx(rm.pool([10], [40], prior=prior).average.mean, abs=1e-12)
    assert "now estimable" in found.to_markdown()
    assert found.surprises[0]["words"] == "not compared"
    assert "without counts of its own" in found.surprises[0]["reason"]
    rm.plots.before_after(found.move_table())


# ---------------------------------------------------------------- however it is brought


def test_csv_excel_data_frame_and_rows_are_the_same(tmp_path):
    frame = pd.DataFrame(NOBODY)
    frame.to_excel(tmp_path / "new.xlsx", index=False)
    path = as_csv(NOBODY, tmp_path / "new.csv")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    name = "fetal-hepatic-calcification"
    versions = {refit(name, one, updated="2026-11-24").after.evidence.version
                for one in (path, tmp_path / "new.xlsx", frame, NOBODY)}  # fmt: skip
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("row", "change", "where", "what"),
    [
        (0, {"events": 31}, "events", "31 events of 30"),
        (0, {"events": "12.5"}, "events", "a fraction"),
        (1, {"variable": "anatomie"}, "variable", "unknown variable"),
        (1, {"category": "assoc"}, "category", "unknown category"),
        (0, {"given": "anatomy=isolatd"}, "given", "unknown state"),
        (0, {"citation": ""}, "source", "without a citation"),
        (0, {"doi": "https://doi.org/10.1"}, "doi", "not a DOI"),
        (0, {"year": "20"}, "year", "not a year"),
        (1, {"source": "Simchen 2002"}, None, "the same count as row 2 of counts.csv"),
        (
            1,
            {"variable": "karyotype", "category": "normal", "given": "anatomy=isolated"},
            None,
            "the same count as row 2",
        ),
        (0, {"basis": "hearsay"}, "basis", "unknown basis"),
        (1, {"citation": "Another. 2020."}, "citation", "say different things"),
        (0, {"events": "=1+1"}, "events", "a formula"),
    ],
)
@pytest.mark.parametrize("kind", ["rows", "excel"])
def test_a_fault_of_the_new_table_is_told_in_its_own_rows(tmp_path, row, change, where, what, kind):
    new = rows = [one | (change if i == row else {}) for i, one in enumerate(NOBODY)]
    if kind == "excel":
        new = tmp_path / "new.xlsx"
        pd.DataFrame(rows).to_excel(new, index=False)
    with pytest.raises(rm.EvidenceError) as caught:
        refit("fetal-hepatic-calcification", new)
    found = [one for one in caught.value.problems if what in one.what]
    assert found, caught.value
    assert all(one.file == ("the rows" if kind == "rows" else "new.xlsx") for one in found)
    assert row + 2 in {one.row for one in found}
    assert where is None or {one.column for one in found} == {where}


def test_a_population_that_must_be_said_is_told_as_any_column_that_is_missing():
    """The finding has several that are pooled."""
    with pytest.raises(rm.EvidenceError) as caught:
        refit(
            "fetal-hepatic-calcification",
            [{k: v for k, v in one.items() if k not in ("population", "basis")} for one in NOBODY],
        )
    told = [(one.row, one.column, one.what) for one in caught.value.problems]
    assert told == [(1, column, f"column {column!r} is missing") for column in ("basis", "population")]


def test_a_risk_that_is_a_branch_and_an_outcome_stands_under_each():
    page = refit("fetal-hepatic-calcification", NOBODY).to_markdown()
    branches, outcomes = page.split("## What moves")[1].split("## Which")[0].split("### ")[1:]
    assert branches.startswith("Branches of the tree\n")
    assert branches.count("| karyotype abnormal where anatomy isolated |") == 1
    assert outcomes.startswith("Outcomes, through the branches\n")
    assert outcomes.count("| abnormal karyotype where anatomy isolated |") == 1


@pytest.mark.parametrize("new", [[], 3, None, "", b"x", [1]])
def test_what_is_no_table_is_refused(new):
    with pytest.raises((rm.InputError, rm.EvidenceError)):
        refit("fetal-hepatic-calcification", new)


def test_files_that_are_not_tables_are_refused(tmp_path):
    for name, content in (("a.xlsx", b"PK\x03\x04nothing"), ("b.csv", b"\xff\xfea"), ("c.csv", b""), ("d.xlsx", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises((rm.InputError, rm.EvidenceError)) as caught:
            refit("fetal-hepatic-calcification", tmp_path / name)
        assert name in str(caught.value)
    for name in ("missing.csv", "missing.xlsx"):
        with pytest.raises((rm.InputError, rm.EvidenceError), match=name):
            refit("fetal-hepatic-calcification", tmp_path / name)


def test_cells_of_a_sheet_keep_their_place(tmp_path):
    frame = pd.DataFrame([one | {"total": None if i else one["total"]} for i, one in enumerate(NOBODY)])
    frame["note"] = pd.Timestamp("2026-01-01")
    with pytest.raises(rm.EvidenceError, match=r"row 2, note: a Timestamp(.|\n)*row 3, total: empty"):
        refit("fetal-hepatic-calcification", frame)


def test_what_was_read_is_refitted_and_saved_whatever_the_folder_became(held, tmp_path):
    folder, new = held
    before = rm.fit(rm.load_evidence(folder))
    whole = refit(before, new, updated="2026-11-26")
    (folder / "counts.csv").write_text((folder / "counts.csv").read_text().replace("40,61", "41,61"))
    assert refit(before, new, updated="2026-11-26") == whole
    shutil.rmtree(folder)
    whole.save(tmp_path / "saved")
    assert "40,61" in (tmp_path / "saved" / "counts.csv").read_text()
    assert rm.load_evidence(tmp_path / "saved").version == whole.after.evidence.version


def test_counts_beside_counts_that_no_folder_has_are_compared_and_not_saved(held, tmp_path):
    folder, new = held
    twice = refit(refit(folder, new).after, NOBODY)
    assert [one["source"] for one in twice.surprises] == ["Nobody 2020"] * len(NOBODY)
    with pytest.raises(rm.InputError, match=r"no folder has.*Save the earlier refit"):
        twice.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


@pytest.mark.parametrize("amiss", ["latin", "link", "pipe"])
def test_a_log_that_is_not_the_folders_own_text_is_refused_before_anything_is_said(held, tmp_path, amiss):
    folder, new = held
    log = folder / "CHANGELOG.md"
    if amiss == "latin":
        log.write_bytes(b"Schr\xf6der")
    elif amiss == "link":
        (tmp_path / "secret").write_text("secret")
        log.symlink_to(tmp_path / "secret")
    else:
        os.mkfifo(log)
    with pytest.raises(rm.InputError, match=r"CHANGELOG\.md"):
        refit(folder, new)


def test_what_of_the_old_folder_is_not_carried_is_said(held):
    folder, new = held
    (folder / "letter.pdf").write_bytes(b"%PDF")
    assert refit(folder, new).left == ("letter.pdf",)


def test_the_fit_of_a_copy_is_of_the_copy(held, tmp_path):
    folder, _ = held
    shutil.copytree(folder, tmp_path / "copy")
    assert [rm.fit(rm.load_evidence(one)).evidence.path for one in (folder, tmp_path / "copy")] == [
        folder,
        tmp_path / "copy",
    ]


@pytest.mark.parametrize("stale", ["A1:K3", "A1", "B2:C3", "A1:XFD1048576"])
def test_every_row_that_a_workbook_shows_is_in_the_risk(tmp_path, stale):
    # Mean by independent quadrature over 3/20, 9/15, 1/40, 30/33 and the template's 12/30, 4/25, 7/15.
    path = in_part(xlsx(tmp_path / "new.xlsx"), '<dimension ref="A1:K5" />', f'<dimension ref="{stale}"/>')
    found = refit(SHIPPED / "template", path, heterogeneity=("log-normal", 0.9, 0.5))
    assert found.after.risk("associated_anomaly").mean == pytest.approx(0.4021439, abs=1e-6)
