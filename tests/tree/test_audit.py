"""The audit: what counts and fit give a careful reader to ask, worst first, each with what to do."""

import json
from dataclasses import replace

import pytest

import riskmodel as rm
from riskmodel.cli import main
from riskmodel.evidence.audit import REMEDIES, SEVERITIES
from riskmodel.tree.audit import two_sided


@pytest.fixture(scope="module")
def audited(model):
    """What is found in the shipped finding."""
    return rm.audit_model(model)


def with_rows(evidence, *rows):
    """The evidence with more counts: (source, variable, category, given, events, total, and what else differs)."""
    more = tuple(
        replace(
            evidence.counts[0], source=source, variable=variable, category=category, given=given,
            events=events, total=total, row=500 + number, **change,
        )
        for number, (source, variable, category, given, events, total, change) in enumerate(rows)
    )  # fmt: skip
    return replace(evidence, counts=(*evidence.counts, *more), all_counts=(*evidence.all_counts, *more))


ISOLATED = (("anatomy", "isolated"),)


def test_the_shipped_findings_have_nothing_worse_than_what_their_pages_tell(audited):
    assert len(rm.findings()) == 3
    others = ("fetal-echogenic-bowel", "fetal-mild-ventriculomegaly")
    for found in (audited, *(rm.audit_model(rm.fit(rm.load_evidence(name))) for name in others)):
        assert not [one for one in found if one.severity == "contradiction"]
        order = [SEVERITIES.index(one.severity) for one in found]
        assert order == sorted(order)
        assert all(one.remedy == REMEDIES[one.code] for one in found)
        assert not [one for one in found if one.code == "bare names"]
    said = [one.what for one in audited if one.code == "ascertainment" and one.severity == "warning"]
    assert any(one.startswith("anatomy associated: 25 of 100 in routine") for one in said)


def test_a_series_that_the_others_do_not_foretell_is_outlying(evidence, audited):
    spoilt = with_rows(evidence, ("Stein 1995", "karyotype", "abnormal", ISOLATED, 28, 30, {}))
    (found,) = (one for one in rm.audit_model(rm.fit(spoilt)) if one.code == "outlying series")
    assert found.sources == ("Stein 1995",)
    pmf = rm.pool([1, 0, 0], [21, 11, 14]).predict(30)
    assert f"tail probability {two_sided(pmf, 28):.3f}" in found.what
    assert ("warning", "outlying series") not in {(one.severity, one.code) for one in audited}


def test_a_wider_count_that_the_branches_do_not_give_is_told(evidence):
    for role in ("fit", "check"):
        spoilt = with_rows(evidence, ("Stein 1995", "outcome", "good", ISOLATED, 3, 40, {"role": role}))
        found = [one for one in rm.audit_model(rm.fit(spoilt)) if one.code == "implied"]
        assert [one.sources for one in found] == [("Stein 1995",)]


def test_a_whole_beside_its_parts_is_said_to_count_once(folder, model, audited):
    path = folder / "counts.csv"
    lines = path.read_text().splitlines()
    whole = next(i for i, one in enumerate(lines) if one.startswith("Simchen 2002,karyotype,abnormal,,11,61"))
    lines[whole] = lines[whole].replace(",check,", ",,")
    path.write_text("\n".join(lines) + "\n")
    evidence = rm.load_evidence(folder)
    (found,) = (one for one in rm.audit_model(rm.fit(evidence)) if one.code == "counted once")
    assert found.what.startswith("Simchen 2002: karyotype=abnormal: 11 of 61")
    assert rm.fit(evidence).risk("abnormal_karyotype").mean == model.risk("abnormal_karyotype").mean
    assert not [one for one in audited if one.code == "counted once"]


def test_one_series_that_decides_a_branch_is_told(audited):
    found = [one.what for one in audited if one.code == "dominant series"]
    assert "Simchen 2002 has 40 of the 64 fetuses of karyotype abnormal where anatomy associated" in found


def test_readings_that_disagree_are_told(audited, model, evidence):
    found = [one.what for one in audited if one.code == "reading"]
    assert any("'as-cited'" in one and one.startswith("karyotype abnormal where anatomy isolated") for one in found)
    mine = rm.fit(evidence.with_reading("as-cited")).posterior(model.edges[1]).average.mean
    assert any(f"{100 * mine:.0f} in 'as-cited'" in one for one in found)


def test_counts_of_the_complement_feed_a_branch_for_the_audit_too(evidence):
    turned = tuple(
        replace(row, category="normal", events=row.total - row.events)
        if (row.variable, row.category, row.given) == ("karyotype", "abnormal", ISOLATED)
        else row
        for row in evidence.counts
    )
    found = replace(evidence, counts=turned).audit()
    assert not [one for one in found if one.code in ("empty edge",)]
    assert not [one for one in found if one.code == "thin edge" and "karyotype=abnormal | anatomy=isolated" in one.what]


@pytest.mark.parametrize(
    ("pmf", "events", "tail"), [([0.5, 0.5], 0, 0.5), ([0.98, 0.02], 1, 0.02), ([0.2, 0.6, 0.2], 1, 1.0)]
)
def test_two_sided_tails(pmf, events, tail):
    import numpy as np

    assert two_sided(np.array(pmf), events) == pytest.approx(tail)


def test_the_command_and_the_table(model, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evidence", "audit", "--json"])
    assert stop.value.code == 0
    body = json.loads(capsys.readouterr().out)
    table = rm.audit_table(model)
    assert [one["what"] for one in body["audit"]] == list(table["what"])
    assert list(table.columns) == ["severity", "code", "what", "sources", "remedy"]
    with pytest.raises(SystemExit) as stop:
        main(["evidence", "audit", "fetal-echogenic-bowel", "--reading", "overlapping"])
    assert stop.value.code == 0
    assert "may share" in capsys.readouterr().out
