"""A finding's folder: what the shipped one says, and what a spoilt one is told."""

import json
import re

import pytest

import riskmodel as rm
from riskmodel.evidence.export import describe
from riskmodel.evidence.manifest import SHIPPED

HEPATIC = "fetal-hepatic-calcification"
PARTLY = '"Simchen 2002: karyotype=abnormal | anatomy=isolated"'


def counts(evidence, variable, category, given=""):
    pairs = tuple(tuple(part.split("=")) for part in given.split("; ")) if given else ()
    return {c.source: (c.events, c.total) for c in evidence.select(variable=variable, category=category, given=pairs)}


# ---------------------------------------------------------------- the shipped finding, against the abstracts' numbers


def test_branches_rest_on_the_counts_of_the_abstracts(evidence):
    assert counts(evidence, "anatomy", "associated") == {
        "Simchen 2002": (40, 61), "Bronshtein 1995": (3, 14), "Koopman 1998": (2, 7), "Achiron 1996": (1, 5), "AJOG-368 2009": (21, 28),
    }  # fmt: skip
    assert counts(evidence, "karyotype", "abnormal", "anatomy=isolated") == {
        "Simchen 2002": (1, 21), "Bronshtein 1995": (0, 11), "Ocal 2014": (0, 14),
    }  # fmt: skip
    assert counts(evidence, "karyotype", "abnormal", "anatomy=associated") == {
        "Simchen 2002": (10, 40), "Bronshtein 1995": (2, 3), "AJOG-368 2009": (4, 21),
    }  # fmt: skip
    assert counts(evidence, "outcome", "good", "anatomy=isolated; karyotype=normal; infection=negative") == {
        "Simchen 2002": (19, 19), "Bronshtein 1995": (10, 11),
    }  # fmt: skip
    assert counts(evidence, "outcome", "good", "anatomy=isolated") == {"Koopman 1998": (5, 5), "Achiron 1996": (4, 4)}


def test_a_source_feeds_a_branch_once(evidence):
    edge = next(
        e for e in evidence.finding.edges if e.variable == "infection" and e.given[0] == ("anatomy", "isolated")
    )
    fed = {c.source: (c.events, c.total) for c in evidence.for_edge(edge)}
    # Simchen's 1 of 20 with a normal karyotype, not its 1 of 21; the others report all isolated cases.
    assert fed == {"Simchen 2002": (1, 20), "Bronshtein 1995": (0, 11), "Ocal 2014": (0, 17)}


@pytest.mark.parametrize(
    ("reading", "good"),
    [
        ("primary", {"Simchen 2002": (19, 19), "Bronshtein 1995": (10, 11)}),
        ("strict", {"Simchen 2002": (19, 19), "Bronshtein 1995": (10, 10)}),
        ("as-cited", {"Simchen 2002": (20, 21), "Bronshtein 1995": (10, 10)}),
    ],
)
def test_readings_replace_the_disputed_rows_and_no_others(evidence, reading, good):
    other = evidence.with_reading(reading)
    assert counts(other, "outcome", "good", "anatomy=isolated; karyotype=normal; infection=negative") == good
    assert len(other.counts) == len(evidence.counts)
    karyotype = counts(other, "karyotype", "abnormal", "anatomy=isolated")["Simchen 2002"]
    assert karyotype == ((11, 61) if reading == "as-cited" else (1, 21))


def test_the_audit_finds_no_contradiction_but_in_the_article_s_reading(evidence):
    for reading in ("primary", "strict"):
        assert [one for one in evidence.with_reading(reading).audit() if one.severity == "contradiction"] == []
    found = [one.what for one in evidence.with_reading("as-cited").audit() if one.severity == "contradiction"]
    assert any("11/61" in what and "21" in what for what in found)
    assert any("20/21" in what and "19" in what for what in found)


def test_the_eight_disagreements_are_listed(evidence):
    assert [one.key for one in evidence.disagreements] == [f"C{i}" for i in range(1, 9)]


def test_other_populations_are_never_pooled(evidence):
    for count in evidence.all_counts:
        if count.population in ("autopsy", "miscarriage", "screened", "referred", "karyotyped", "infection_tested"):
            assert count.role == "context"


def test_the_article_is_all_there(evidence):
    workup = evidence.workup
    assert sum(step.immediate for step in workup.steps) == 4
    assert sorted(step.algorithm_step for step in workup.steps if step.algorithm_step) == [1, 2, 2, 3, 4]
    assert (len(workup.differential), len(workup.pitfalls)) == (4, 3)
    references = {"Simchen 2002", "Bronshtein 1995", "JBR-BTR 2000", "Hawass 1990", "Pata 2012"}
    assert references <= set(evidence.sources)
    assert evidence.finding.review.article_updated == "2026-01-19"
    kinds = {
        (c.source, c.category): (c.events, c.total)
        for c in evidence.counts
        if c.category.startswith(("trisomy", "mono", "other"))
    }
    assert kinds == {
        ("Simchen 2002", "trisomy-13"): (4, 11), ("Simchen 2002", "trisomy-21"): (2, 11),
        ("Simchen 2002", "trisomy-18"): (1, 11), ("Simchen 2002", "monosomy-x"): (1, 11),
        ("Simchen 2002", "other-karyotype"): (3, 11), ("Bronshtein 1995", "trisomy-18"): (2, 2),
        ("Koopman 1998", "trisomy-18"): (1, 1),
    }  # fmt: skip
    assert counts(evidence, "persistence_after_birth", "yes", "anatomy=isolated") == {"AJOG-368 2009": (2, 7)}
    assert any((c.events, c.total) == (30, 33) for c in evidence.counts)


def test_every_count_is_cited(evidence):
    for count in evidence.all_counts:
        assert evidence.sources[count.source].citation
        assert count.basis in ("abstract", "derived", "secondary", "as-cited")


def test_settings_select_by_ascertainment(evidence):
    routine = evidence.select(variable="anatomy", category="associated", setting="routine")
    referral = evidence.select(variable="anatomy", category="associated", setting="referral")
    assert {c.source for c in routine} == {"Bronshtein 1995", "Achiron 1996"}
    assert {c.source for c in referral} == {"Simchen 2002", "Koopman 1998", "AJOG-368 2009"}


def test_a_count_of_the_other_state_is_turned_round(evidence):
    found = evidence.select(variable="karyotype", category="normal", given=(("anatomy", "isolated"),))
    assert {(c.source, c.events, c.total) for c in found} == {
        ("Simchen 2002", 20, 21), ("Bronshtein 1995", 11, 11), ("Ocal 2014", 14, 14),
    }  # fmt: skip


def test_the_table_has_a_row_for_each_count(evidence):
    table = evidence.table()
    assert len(table) == len(evidence.counts)
    assert {"source", "events", "total", "basis", "reading"} <= set(table.columns)


def test_names_are_suggested():
    with pytest.raises(rm.UnknownNameError, match=r"Did you mean 'fetal-hepatic-calcification'\?"):
        rm.load_evidence("fetal-hepatic-calcifications")
    with pytest.raises(rm.UnknownNameError, match="primary, strict, as-cited"):
        rm.load_evidence(HEPATIC, reading="secondary")
    for wrong in ("", "  ", 3, None, "a\0b", "x" * 5000):
        with pytest.raises(rm.InputError):
            rm.load_evidence(wrong)


# ---------------------------------------------------------------- a user's own folder


def test_a_copy_anywhere_works_like_the_shipped_one(folder, evidence):
    copy = rm.load_evidence(folder)
    assert copy.version == evidence.version
    assert describe(copy) == describe(evidence)


def test_what_a_spreadsheet_leaves_behind_is_accepted(folder, evidence):
    for name in ("counts.csv", "sources.csv"):
        raw = (folder / name).read_bytes()
        (folder / name).write_bytes(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    copy = rm.load_evidence(folder)
    assert copy.counts == evidence.counts
    assert copy.version == evidence.version


def test_one_changed_count_changes_the_version_and_the_risk(folder, model):
    path = folder / "counts.csv"
    text = path.read_text()
    assert text.count(",19,19,") == 1
    path.write_text(text.replace(",19,19,", ",15,19,"))
    changed = rm.load_evidence(folder)
    assert changed.version != model.evidence.version
    known = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}
    moved = rm.fit(changed).risk("good_outcome", **known)
    assert moved.mean < model.risk("good_outcome", **known).mean
    assert moved.indirect.mean is None
    # Koopman's 5 of 5 and Achiron's 4 of 4 can have come about in one way only.
    prior = rm.BetaMixture.beta(1 / 2, 1 / 6)
    assert moved.mean == pytest.approx(rm.pool([15, 10, 5, 4], [19, 11, 5, 4], prior=prior).average.mean, abs=1e-8)


COLUMNS = 16


def edit(folder, name, old, new, times=1):
    path = folder / name
    text = path.read_text()
    assert old in text, old
    path.write_text(text.replace(old, new, times))


def problems(folder):
    with pytest.raises(rm.EvidenceError) as caught:
        rm.load_evidence(folder)
    json.dumps(caught.value.to_dict())
    return caught.value.problems


FIRST = (
    "Simchen 2002,anatomy,associated,,40,61,with_finding,any structural anomaly,referral,included,abstract,primary,,,,"
)


@pytest.mark.parametrize(
    ("new", "column", "what"),
    [
        (FIRST.replace("40,61", "62,61"), "events", "62 events of 61"),
        (FIRST.replace("40,61", "-4,61"), "events", "a negative count"),
        (FIRST.replace("40,61", "40.5,61"), "events", "a fraction"),
        (FIRST.replace("40,61", ",61"), "events", "empty"),
        (FIRST.replace("40,61", "forty,61"), "events", "not a whole number"),
        (FIRST.replace("40,61", "nan,61"), "events", "not a whole number"),
        (FIRST.replace("40,61", "\uff14\uff10,61"), "events", "not a whole number"),
        (FIRST.replace("40,61", "0,0"), "total", "a total of 0"),
        (FIRST.replace("40,61", "4,99999999999"), "total", "too large"),
        (FIRST.replace("40,61", "=4*10,61"), "events", "a formula"),
        (FIRST.replace("any structural", "@SUM(A1) any"), "definition", "a formula"),
        (FIRST.replace("Simchen 2002", "Simchen 2003"), "source", "unknown source"),
        (FIRST.replace("Simchen 2002", ""), "source", "no source"),
        (FIRST.replace("anatomy", "anatomi"), "variable", "unknown variable"),
        (FIRST.replace(",associated", ",asociated"), "category", "unknown category"),
        (FIRST.replace("associated,,", "associated,karyotype=strange,"), "given", "unknown state of karyotype"),
        (FIRST.replace("associated,,", "associated,karyotype,"), "given", "is not VARIABLE=STATE"),
        (FIRST.replace("associated,,", "associated,anatomy=isolated,"), "given", "given as well as counted"),
        (FIRST.replace("with_finding", "everybody"), "population", "unknown population"),
        (FIRST.replace("with_finding", "autopsy"), "role", "never pooled"),
        (FIRST.replace("included", "maybe"), "terminations", "unknown value"),
        (FIRST.replace("abstract", "hearsay"), "basis", "unknown basis"),
        (FIRST.replace("primary", "primar"), "reading", "unknown reading"),
        (FIRST.replace("referral", ""), "ascertainment", "empty"),
        (FIRST + "\n" + FIRST.replace("abstract,primary,,,,", "as-cited,as-cited,,,,"), "replaces", "counts this beside the primary row"),
        (FIRST.replace("primary,,,,", "primary,,Simchen 2002: anatomy=associated,,"), "replaces", "a primary row replaces nothing"),
        (FIRST + "\n" + FIRST, None, "the same count as row 2"),
        (FIRST + "\n" + FIRST.replace("associated,,40", "isolated,,21"), None, "the same count as row 2"),
        (FIRST.replace(",40,61", ",40,61,7"), None, "17 cells where the header has 16"),
        ('Simchen 2002,"anatomy', None, "the CSV is malformed"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_with_its_row_and_column(folder, new, column, what):
    edit(folder, "counts.csv", FIRST, new)
    found = problems(folder)
    match = [one for one in found if what in one.what]
    assert match, [str(one) for one in found]
    assert match[0].file == "counts.csv"
    assert match[0].column == column
    assert match[0].row is not None
    assert match[0].remedy


def test_kinds_that_do_not_sum_are_refused(folder):
    edit(folder, "counts.csv", "trisomy-13,karyotype=abnormal,4,11", "trisomy-13,karyotype=abnormal,5,11")
    assert any("sum to 12 of 11" in one.what for one in problems(folder))


def test_every_fault_is_found_in_one_pass(folder):
    edit(folder, "counts.csv", FIRST, FIRST.replace("40,61", "62,61"))
    edit(folder, "counts.csv", "Avni 1994,infection", "Avny 1994,infection")
    edit(folder, "sources.csv", "10.1067/mob.2002.127899", "doi:10.1067")
    edit(folder, "finding.toml", 'polarity = "good"', 'polarity = "nice"')
    edit(
        folder,
        "workup.toml",
        'state = "done", when = "anatomy is known"',
        'state = "finished", when = "anatmy is known"',
    )
    found = problems(folder)
    assert {one.file for one in found} == {"counts.csv", "sources.csv", "finding.toml", "workup.toml"}
    assert len(found) >= 6
    assert any("Did you mean 'Avni 1994'?" in one.remedy for one in found)


@pytest.mark.parametrize("name", ["finding.toml", "sources.csv", "counts.csv", "workup.toml"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "missing"),
        (b"", None),
        (b"\xff\xfea\x00", "not UTF-8"),
        ("Bogot\xe1".encode("latin-1"), "not UTF-8"),
        (b"\x00\x01\x02", "not UTF-8"),
        (b"x" * 5_000_001, "bytes"),
        (b'"', None),
    ],
)
def test_a_file_that_cannot_be_read_is_named(folder, name, content, what):
    (folder / name).unlink()
    if content is None and name == "workup.toml":
        assert rm.load_evidence(folder).workup.steps == ()  # a finding need not have a work-up
        return
    if content is not None:
        (folder / name).write_bytes(content)
    found = [one for one in problems(folder) if one.file == name]
    assert found
    if what:
        assert any(what in one.what for one in found)


@pytest.mark.parametrize("name", ["finding.toml", "sources.csv", "counts.csv", "workup.toml"])
@pytest.mark.parametrize("share", [0.1, 0.37, 0.5, 0.81, 0.99])
def test_a_truncated_file_is_never_silently_shorter(folder, name, share, evidence):
    raw = (folder / name).read_bytes()
    (folder / name).write_bytes(raw[: int(len(raw) * share)])
    try:
        loaded = rm.load_evidence(folder)
    except rm.EvidenceError as error:
        assert error.problems
    else:
        # Cut exactly at a line end a shorter table is a table: then the version says that it is another one.
        assert loaded.version != evidence.version


def test_a_million_rows_are_refused_quickly(folder):
    head = (folder / "counts.csv").read_text().splitlines()[0]
    (folder / "counts.csv").write_text(head + "\n" + (FIRST + "\n") * 1_000_000)
    assert any("bytes" in one.what for one in problems(folder))
    (folder / "counts.csv").write_text(head + "\n" + "\n".join(["a,b" + "," * (COLUMNS - 2)] * 21_000))
    assert any("more than 20,000 rows" in one.what for one in problems(folder))


def test_a_directory_in_place_of_a_file_is_a_fault(folder):
    (folder / "counts.csv").unlink()
    (folder / "counts.csv").mkdir()
    assert problems(folder)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('given = "anatomy=associated; karyotype=normal"\n', 'given = "anatomy=associated"\n', "two edges leave"),
        ('states = ["isolated", "associated"]', 'states = ["isolated"]', "different names"),
        ('status = "counts"', 'status = "count"', "unknown status"),
        ("probability = 0", "probability = 0.3", "a definition gives 0 or 1"),
        ("updated = 2026-11-25", 'updated = "soon"', "not a date"),
        ('title = "Fetal hepatic calcification"', 'title = "Fetal \\u001b[31mhepatic"', "a control character"),
        ('name = "primary"', 'name = "first"', "no reading named 'primary'"),
        ('name = "weeks"', 'name = "reading"', "is taken"),
        ('title = "Fetal hepatic calcification"', 'titel = "Fetal hepatic calcification"', "unknown key"),
        ('sources = ["Hawass 1990"]\neffect', 'sources = ["Hawas 1990"]\neffect', "unknown source"),
        (f"counts = [{PARTLY}", f"counts = [{PARTLY}, {PARTLY}", "declared 2 times"),
        (f"counts = [{PARTLY}, ", "counts = [] #", "no count is named"),
    ],
)
def test_a_bad_finding_is_told_where(folder, old, new, what):
    edit(folder, "finding.toml", old, new)
    assert any(what in one.what for one in problems(folder))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('when = "anatomy is unknown"', 'when = "anatomy maybe"', "is not a condition"),
        ('when = "anatomy = isolated"', 'when = "anatomy = isolatd"', "unknown state of anatomy"),
        ('when = "anatomy = isolated"', 'when = "weeks = early"', "cannot be tested"),
        ('when = "always", why = "First', 'when = "anatomy is unknown", why = "First', "no rule that always holds"),
        ('resolves = "anatomy"', 'resolves = "anatomie"', "unknown resolves"),
        ('counts = ["Hawass 1990: calc', 'counts = ["Hawass 1991: calc', "unknown count"),
        ('sources = ["Hawass 1990"]', "sources = []", "nothing is cited"),
        ('key = "anomalies-in-all-births"', 'key = "chromosomes-in-all-births"', "declared 2 times"),
        ("difference = [0.0011, -0.0004, 0.0026]", "difference = [0.0011, 0.0026, -0.0004]", "outside its interval"),
    ],
)
def test_a_bad_work_up_is_told_where(folder, old, new, what):
    edit(folder, "workup.toml", old, new)
    assert any(what in one.what for one in problems(folder))


def test_the_loader_never_writes(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    rm.load_evidence(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_of_the_folder_is_not_the_folder(folder):
    with pytest.raises(rm.InputError, match="Give the folder"):
        rm.load_evidence(folder / "counts.csv")


def test_findings_are_listed():
    assert HEPATIC in rm.findings()
    assert SHIPPED.is_dir()


def test_columns_are_declared_once_and_documented():
    from dataclasses import fields
    from pathlib import Path

    from riskmodel.evidence.finding import Count, Source
    from riskmodel.evidence.readers import counts as counts_csv
    from riskmodel.evidence.readers import sources as sources_csv

    text = (Path(__file__).parents[2] / "docs" / "evidence-format.md").read_text()
    parts = {"counts": text[text.index("## counts.csv") :], "sources": text[text.index("## sources.csv") :]}
    for value, columns, part in (
        (Count, counts_csv.COLUMNS, parts["counts"]),
        (Source, sources_csv.COLUMNS, parts["sources"]),
    ):
        assert {one.name for one in fields(value)} - {"row"} == set(columns)
        for name in columns:
            assert re.search(rf"\b{name}\b", part.split("\n## ")[0]), name
