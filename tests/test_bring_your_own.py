"""From the template to a consultation, and out again: everything that the documentation promises an analyst."""

import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import riskmodel as rm
from riskmodel.cli import main
from riskmodel.evidence.export import descriptor
from riskmodel.evidence.manifest import SHIPPED

ROOT = Path(__file__).parent.parent


def run(*arguments):
    with pytest.raises(SystemExit) as stop:
        main(list(map(str, arguments)))
    return stop.value.code


# ---------------------------------------------------------------- the template


def test_the_template_is_a_valid_finding_with_comments(tmp_path, capsys):
    assert run("evidence", "template", tmp_path / "my own") == 0
    assert f"riskmodel evidence check '{tmp_path}/my own'" in capsys.readouterr().out
    assert run("evidence", "template", tmp_path / "mine") == 0
    assert run("evidence", "check", tmp_path / "mine") == 0
    assert "no faults" in capsys.readouterr().out
    text = (tmp_path / "mine" / "finding.toml").read_text()
    assert text.count("#") > 20
    risk = rm.fit(rm.load_evidence(tmp_path / "mine")).risk("good_outcome", anatomy="isolated")
    # Four ends share one, a quarter each.
    expected = rm.pool([16, 20], [18, 21], prior=rm.BetaMixture.beta(1 / 4, 1 / 4)).average.mean
    assert risk.mean == pytest.approx(expected, abs=1e-12)
    assert run("evidence", "template", tmp_path / "mine") == 2
    assert "exists already" in capsys.readouterr().err


def test_the_words_of_the_document_run(tmp_path, monkeypatch, capsys):
    """The shell commands of docs/bring-your-own-finding.md, in its order: the first as a shell runs it, the others here."""
    text = (ROOT / "docs" / "bring-your-own-finding.md").read_text()
    lines = [one for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for one in block.splitlines()]
    assert len(lines) >= 6
    assert {line.split()[0] for line in lines} == {"riskmodel"}
    first, *others = (line.split()[1:] for line in lines)
    done = subprocess.run([sys.executable, "-m", "riskmodel", *first], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    for words in others:
        assert run(*words) == 0, (words, capsys.readouterr().err)


# ---------------------------------------------------------------- a finding unlike the shipped ones

HEAD = "source,variable,category,given,events,total,population,definition,ascertainment,terminations,basis,reading,role,replaces,note"
SERIES = 30


@pytest.fixture
def unlike(tmp_path):
    """Four variables, three states in one, no work-up, thirty series: written as the documentation says."""
    rng = np.random.default_rng(8)
    folder = tmp_path / "wide-ventricle"
    folder.mkdir()
    variables = {
        "width": ["mild", "moderate", "severe"],
        "genes": ["usual", "unusual"],
        "growth": ["even", "behind"],
        "development": ["typical", "delayed"],
    }
    parts = [
        'title = "Wide ventricle"\nplain_title = "A wide space in the head"\nupdated = 2026-11-24',
        'disclaimer = "Simulated."\n[review]\nstatus = "none"\nstatement = "Simulated counts: for a test."',
    ]
    for name, states in variables.items():
        parts.append(
            f'[[variables]]\nname = "{name}"\ntitle = "{name}"\nplain_title = "the {name} test"\n'
            f'states = {json.dumps(states)}\ndefinition = "As measured."\n'
        )
    paths = [""]
    for name, states in variables.items():
        following = []
        for path in paths:
            for i, state in enumerate(states[:-1]):
                after = f"after = {json.dumps(states[:i])}\n" if i else ""
                parts.append(
                    f'[[edges]]\nvariable = "{name}"\ncategory = "{state}"\n{after}given = "{path}"\nstatus = "counts"\n'
                )
            following += [f"{path}; {name}={state}" if path else f"{name}={state}" for state in states]
        paths = following
    parts.append(
        '[[outcomes]]\nname = "delay"\ntitle = "delayed development"\nplain_title = "the child learns later"\n'
        'complement_title = "typical development"\npolarity = "bad"\nvariable = "development"\nstate = "delayed"\n'
        'headline = true\ndefinition = "By a scale."\nuntil = "two years"\ndenominator = "all born"\n'
    )
    parts.append('[[populations]]\nname = "all"\ntitle = "all"\npooled = true\ndefinition = "All."\n')
    parts.append('[[readings]]\nname = "primary"\ntitle = "as published"\ndescription = "As published."\n')
    (folder / "finding.toml").write_text("\n".join(parts))
    sources = ["key,citation,year,doi,pmid,design,ascertainment,weeks,overlaps"]
    rows = [HEAD]
    leaves = {}
    for number in range(SERIES):
        key = f"Series {number:02d}"
        sources.append(f'{key},"{key}. Simulated.",2020,,,cohort,{"referral" if number % 2 else "routine"},,')
        given = [("", int(rng.integers(20, 200)))]
        for name, states in variables.items():
            risks = rng.dirichlet([8, 3, 1][: len(states)])
            deeper = []
            for path, total in given:
                cells = rng.multinomial(total, risks)
                for state, events in zip(states[:-1], cells[:-1], strict=True):
                    setting = "referral" if number % 2 else "routine"
                    rows.append(
                        f"{key},{name},{state},{path},{events},{total},all,,{setting},excluded,abstract,primary,,,"
                    )
                for state, events in zip(states, cells, strict=True):
                    if events:
                        deeper.append((f"{path}; {name}={state}" if path else f"{name}={state}", int(events)))
            given = deeper
        for path, events in given:
            leaves[path] = leaves.get(path, 0) + events
    (folder / "sources.csv").write_text("\n".join(sources) + "\n")
    (folder / "counts.csv").write_text("\n".join(rows) + "\n")
    return folder, leaves


def test_a_finding_unlike_ours_is_asked_from_python_the_command_line_and_json(unlike, capsys):
    folder, leaves = unlike
    evidence = rm.load_evidence(folder)
    model = rm.fit(evidence)
    assert len(model.edges) == 2 + 3 + 6 + 12
    assert model.coarse() == ()
    for known in (
        {},
        {"width": "severe"},
        {"width": "mild", "genes": "unusual", "growth": "behind"},
        {"growth": "behind"},
    ):
        risk = model.risk("delay", **known)
        matching = {path: n for path, n in leaves.items() if all(f"{k}={v}" in path for k, v in known.items())}
        pooled = sum(n for path, n in matching.items() if "delayed" in path) / sum(matching.values())
        assert risk.mean == pytest.approx(pooled, abs=0.08)
        lower, upper = risk.interval()
        assert lower < risk.mean < upper
    # Total probability over the three states.
    shares = {state: model.state_risk("width", state).mean for state in ("mild", "moderate", "severe")}
    assert sum(shares.values()) == pytest.approx(1, abs=1e-12)
    total = sum(share * model.risk("delay", width=state).mean for state, share in shares.items())
    assert total == pytest.approx(model.risk("delay").mean, abs=1e-9)
    assert run("consult", "--finding", folder, "--width", "moderate", "--genes", "usual", "--json") == 0
    body = json.loads(capsys.readouterr().out)
    risk = model.risk("delay", width="moderate", genes="usual")
    assert body["risks"][0]["probability"] == pytest.approx(risk.mean, abs=1e-12)
    assert body["workup"] == []
    for audience in ("clinician", "patient", "researcher"):
        assert run("consult", "--finding", folder, "--audience", audience) == 0
        assert "ventricle" in capsys.readouterr().out.lower() or audience == "patient"
    rm.plots.tree(model.branches())


# ---------------------------------------------------------------- out again


@pytest.mark.parametrize("name", [*rm.findings(), "template"])
def test_an_export_is_a_valid_data_package(name, tmp_path, capsys):
    if name == "template":
        assert run("evidence", "template", tmp_path / "template") == 0
        name = tmp_path / "template"
    assert run("evidence", "export", name, tmp_path / "package") == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from frictionless import Package, system

        with system.use_context(trusted=True):
            report = Package(str(tmp_path / "package" / "datapackage.json")).validate()
    assert report.valid, report.flatten(["type", "note"])
    assert report.stats["tasks"] == 2
    assert rm.load_evidence(tmp_path / "package").content_hash == rm.load_evidence(name).content_hash
    assert run("evidence", "export", name, tmp_path / "package") == 2


def test_a_package_that_is_spoilt_is_found_invalid(tmp_path):
    """The check can fail: a count without its source, and events that are no number."""
    assert run("evidence", "export", "fetal-echogenic-bowel", tmp_path / "package") == 0
    path = tmp_path / "package" / "counts.csv"
    path.write_text(
        path.read_text().replace("Yang 2022,anatomy,associated,,272", "Nobody 1900,anatomy,associated,,many")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from frictionless import Package, system

        with system.use_context(trusted=True):
            report = Package(str(tmp_path / "package" / "datapackage.json")).validate()
    kinds = {row[0] for row in report.flatten(["type"])}
    assert {"foreign-key", "type-error"} <= kinds


def test_a_descriptor_names_every_column():
    for name in rm.findings():
        for resource in descriptor(rm.load_evidence(name))["resources"]:
            head = (SHIPPED / name / resource["path"]).read_text(encoding="utf-8").splitlines()[0]
            assert [one["name"] for one in resource["schema"]["fields"]] == head.split(",")
            assert all(one["description"] for one in resource["schema"]["fields"])


# ---------------------------------------------------------------- the second shipped finding


def test_echogenic_bowel_keeps_series_apart_that_may_share_fetuses():
    name = "fetal-echogenic-bowel"
    assert name in rm.findings()
    evidence = rm.load_evidence(name)
    model = rm.fit(evidence)
    risk = model.risk("cystic_fibrosis")
    assert set(risk.sources) == {"Simon-Bouy 2003", "Berlin 1999", "Aboujaoude 2006"}
    expected = rm.pool([20, 2, 0], [682, 244, 65]).average.mean
    assert risk.mean == pytest.approx(expected, abs=1e-12)
    assert not [one for one in evidence.audit() if one.severity == "contradiction" or one.code == "overlap"]
    overlapping = rm.load_evidence(name, reading="overlapping")
    assert rm.fit(overlapping).risk("cystic_fibrosis").mean > risk.mean
    assert any(one.code == "overlap" for one in overlapping.audit())
    # A branch by its own counts, under its own prior: of the four ends where it is isolated, one has an abnormal karyotype.
    own = rm.pool([5, 3, 0], [139, 16, 74], prior=rm.BetaMixture.beta(1 / 4, 3 / 4)).average.mean
    isolated = model.risk("abnormal_karyotype", anatomy="isolated")
    assert isolated.direct.mean == pytest.approx(own, abs=1e-12)
    # The counts of all, 76 of 1,817, leave it below that (by importance sampling too: tests/validation).
    assert 76 / 1817 < isolated.mean < own
    death = model.risk(
        "fetal_death", anatomy="isolated", karyotype="normal", cystic_fibrosis="no", infection="negative"
    )
    prior = rm.BetaMixture.beta(1 / 8, 1 / 8)
    assert death.direct.mean == pytest.approx(rm.pool([1], [74], prior=prior).average.mean, abs=1e-12)
    # Counts of all pass the branch that no series reports alone; none passes cystic fibrosis where an anomaly is associated.
    assert set(model.risk("abnormal_karyotype", anatomy="associated").sources) == {
        "Simon-Bouy 2003", "Berlin 1999", "Fan 2021", "Yang 2022", "Aboujaoude 2006",
    }  # fmt: skip
    assert not model.risk("cystic_fibrosis", anatomy="associated").estimable
    # The review's pooled 3.3 % and 2.2 % lie inside the averages' intervals: it contains these series.
    assert isolated.average.interval()[0] < 0.033 < isolated.average.interval()[1]
    fibrosis = model.risk("cystic_fibrosis", anatomy="isolated").average.interval()
    assert fibrosis[0] < 0.022 < fibrosis[1]


def test_a_shipped_finding_that_was_changed_is_refused(tmp_path, monkeypatch):
    import shutil

    from riskmodel.evidence import manifest

    shutil.copytree(SHIPPED, tmp_path / "data")
    monkeypatch.setattr(manifest, "SHIPPED", tmp_path / "data")
    rm.load_evidence("fetal-echogenic-bowel")
    path = tmp_path / "data" / "fetal-echogenic-bowel" / "counts.csv"
    path.write_text(path.read_text().replace("20,682", "21,682"))
    with pytest.raises(rm.InputError, match="not the one that was released"):
        rm.load_evidence("fetal-echogenic-bowel")
    shutil.copytree(path.parent, tmp_path / "fetal-echogenic-bowel-2")
    rm.load_evidence(tmp_path / "fetal-echogenic-bowel-2")  # a copy is one's own


def test_a_data_frame_fills_a_finding(tmp_path):
    assert run("evidence", "template", tmp_path / "mine") == 0
    frame = pd.DataFrame(
        {
            "source": ["New 2026"], "variable": ["anatomy"], "category": ["associated"], "events": [3], "total": [17.0],
            "ascertainment": ["routine"], "terminations": ["included"], "basis": ["abstract"], "citation": ["New. 2026."],
        }
    )  # fmt: skip
    rm.update(tmp_path / "mine", frame).save(tmp_path / "mine-2")
    assert rm.load_evidence(tmp_path / "mine-2").counts[-1].total == 17
