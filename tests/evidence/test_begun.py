"""A finding that is only begun: tables with a header alone, isolated cases alone, states that have no words yet."""

from dataclasses import replace

import pytest

import riskmodel as rm
from riskmodel.cli import main
from riskmodel.evidence.readings import rows_under
from riskmodel.evidence.template import write_template

ROWS = [
    {"source": "A 2020", "citation": "A. 2020.", "variable": "anatomy", "category": "associated", "given": "", "events": 3, "total": 17},
    {"source": "A 2020", "variable": "outcome", "category": "good", "given": "anatomy=isolated", "events": 12, "total": 14},
]  # fmt: skip
MORE = {"ascertainment": "referral", "terminations": "excluded", "basis": "abstract"}


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    return stop.value.code


def test_an_empty_template_takes_its_counts_from_a_table(tmp_path, capsys):
    assert run("evidence", "template", tmp_path / "mine", "--empty") == 0
    assert sorted(one.name for one in (tmp_path / "mine").iterdir()) == ["counts.csv", "finding.toml", "sources.csv"]
    assert run("evidence", "check", tmp_path / "mine") == 0
    assert "no faults. 0 counts of 0 sources" in capsys.readouterr().out
    evidence = rm.load_evidence(tmp_path / "mine")
    assert [one.code for one in evidence.audit()] == ["empty edge", "empty edge"]
    risk = rm.fit(evidence).risk("good_outcome", anatomy="isolated")
    assert risk.mean is None
    assert "No series reports outcome good where anatomy isolated" in risk.reason
    for audience in ("clinician", "patient", "researcher"):
        assert run("consult", "--finding", tmp_path / "mine", "--audience", audience) == 0
    rm.update(tmp_path / "mine", [one | MORE for one in ROWS]).save(tmp_path / "mine-2")
    risk = rm.fit(rm.load_evidence(tmp_path / "mine-2")).risk("good_outcome", anatomy="isolated")
    # Nothing of the template is left in it; four ends share one.
    assert risk.mean == pytest.approx(
        rm.pool([12], [14], prior=rm.BetaMixture.beta(1 / 4, 1 / 4)).average.mean, abs=1e-12
    )


def test_a_work_up_that_cites_what_is_not_there_yet_is_told(tmp_path):
    write_template(tmp_path / "mine")
    for name in ("counts.csv", "sources.csv"):
        path = tmp_path / "mine" / name
        path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(rm.EvidenceError, match="unknown source") as caught:
        rm.load_evidence(tmp_path / "mine")
    assert [one.file for one in caught.value.problems] == ["workup.toml"]


def test_counts_cut_off_after_the_header_are_missed_by_what_names_them(folder):
    path = folder / "counts.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(rm.EvidenceError, match="unknown count"):
        rm.load_evidence(folder)


def test_isolated_cases_need_no_survey_and_no_unknown_branch(tmp_path, capsys):
    assert run("evidence", "template", tmp_path / "mine", "--isolated-only") == 0
    assert run("evidence", "check", tmp_path / "mine") == 0
    evidence = rm.load_evidence(tmp_path / "mine")
    assert [one.name for one in evidence.finding.variables] == ["karyotype", "outcome"]
    assert not [edge for edge in evidence.finding.edges if edge.status == "unknown"]
    risk = rm.fit(evidence).risk("good_outcome")
    assert risk.mean is not None
    assert risk.bounds is None
    assert "Example 2010" in risk.sources  # seven of eight, of whom five were karyotyped: through the tree
    assert run("evidence", "template", tmp_path / "bare", "--isolated-only", "--empty") == 0
    assert rm.load_evidence(tmp_path / "bare").counts == ()
    capsys.readouterr()


@pytest.mark.parametrize("isolated_only", [False, True])
def test_states_without_plain_words_are_told(tmp_path, isolated_only, capsys):
    write_template(tmp_path / "mine", isolated_only=isolated_only)
    assert not [one for one in rm.load_evidence(tmp_path / "mine").audit() if one.code == "bare names"]
    path = tmp_path / "mine" / "finding.toml"
    lines = path.read_text().splitlines()
    start = lines.index(
        "[variables.state_titles]                           # how a state is said to clinicians; the bare name where it is left out"
    )
    path.write_text("\n".join(lines[:start] + lines[start + 6 :]) + "\n")
    assert run("evidence", "check", tmp_path / "mine") == 0
    states = "karyotype normal and abnormal" if isolated_only else "anatomy isolated and associated"
    assert f"warning: the patient's page has no words for {states}, and shows the bare name" in capsys.readouterr().out


def test_kinds_among_a_part_of_a_series_leave_its_count_in_the_fit(evidence):
    """The kinds of an isolated series name more than its count does, and are a division of its events, not a finer count."""
    counted = next(one for one in evidence.counts if one.key == "Ocal 2014: karyotype=abnormal | anatomy=isolated")
    kind = replace(
        counted,
        category="trisomy-21",
        given=(("anatomy", "isolated"), ("karyotype", "abnormal")),
        events=1,
        total=1,
        row=900,
    )
    rows = rows_under((*evidence.all_counts, kind), "primary")
    assert next(one.role for one in rows if one.key == counted.key) == "fit"
