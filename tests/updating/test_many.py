"""Many findings at once: the same records in any executor, and one bad folder stops nothing."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

import riskmodel as rm
from riskmodel._support import executors
from riskmodel.cli import main
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.evidence.template import write_template
from riskmodel.updating.many import fit_all


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The shipped findings, another good one and one spoilt: to be read."""
    place = tmp_path_factory.mktemp("many") / "findings"
    place.mkdir()
    for name in rm.findings():
        shutil.copytree(SHIPPED / name, place / name)
    for name in ("mine", "spoilt"):
        write_template(place / name)
    counts = place / "spoilt" / "counts.csv"
    counts.write_text(counts.read_text().replace("12,30", "31,30"))
    (place / "notes").mkdir()
    (place / "readme.txt").write_text("not a finding")
    return place


@pytest.fixture(scope="module")
def fitted(directory):
    """All of it fitted in this process, and the progress that was told."""
    calls = []
    return fit_all(directory, progress=lambda done, of: calls.append((done, of))), calls


@pytest.fixture
def alone(fitted):
    return fitted[0]


def test_one_bad_folder_does_not_stop_the_rest(fitted):
    found, calls = fitted
    assert sorted(found.records) == [*rm.findings(), "mine"]
    assert "31 events of 30" in found.failed["spoilt"]
    assert calls[0] == (0, 5)
    assert calls[-1] == (5, 5)
    table = found.table().set_index("finding")
    assert table.loc["mine", "branches"] == 2
    assert "31 events of 30" in table.loc["spoilt", "problem"]
    assert table.loc["fetal-hepatic-calcification", "contradictions"] == 0
    answers = {one["question"]: one["probability"] for one in found.records["mine"].answers}
    # The template's four ends share one: a quarter for each state of the outcome where the anatomy is isolated.
    expected = rm.pool([16, 20], [18, 21], prior=rm.BetaMixture.beta(1 / 4, 1 / 4)).average.mean
    assert answers["P(outcome=good | anatomy=isolated)"] == pytest.approx(expected, abs=1e-12)


def test_every_executor_gives_the_same_records(directory, alone, processes):
    def bodies(found):
        return {name: {k: v for k, v in one.to_dict().items() if k not in ("made", "digest")}
                for name, one in found.records.items()}  # fmt: skip

    with ThreadPoolExecutor(2) as threads:
        assert bodies(fit_all(directory, executor=threads)) == bodies(alone)
    other = fit_all(directory, executor=processes)
    assert bodies(other) == bodies(alone)
    assert other.failed == alone.failed


def test_saved_records_are_read_when_they_are_asked_for(directory, alone, tmp_path):
    found = fit_all(directory, save=tmp_path / "records")
    assert list(found.records) == list(alone.records)
    assert sorted(one.stem for one in (tmp_path / "records").iterdir()) == sorted(alone.records)
    assert found.records["mine"].answers == alone.records["mine"].answers
    assert found.table().equals(alone.table())
    with pytest.raises(KeyError):
        found.records["spoilt"]
    with pytest.raises(rm.InputError):
        fit_all(directory, save=directory / "readme.txt")


def test_few_tasks_wait_and_all_are_done(directory, monkeypatch):
    monkeypatch.setattr(executors, "_AHEAD", 2)
    with ThreadPoolExecutor(2) as threads:
        submitted = []
        submit = threads.submit
        monkeypatch.setattr(threads, "submit", lambda *task: submitted.append(submit(*task)) or submitted[-1])
        for done, _ in enumerate(executors.finished(str, dict(enumerate(range(9))), threads)):
            assert len(submitted) <= done + 3
    assert len(submitted) == 9


@pytest.mark.filterwarnings("default")
def test_dask_gives_the_same_records(directory, alone, dask):
    names = ("fetal-hepatic-calcification", "mine", "spoilt")
    found = fit_all([directory / name for name in names], executor=dask)
    assert sorted(found.records) == [*names[:2]]
    assert found.failed == alone.failed
    assert [one.answers for one in found.records.values()] == [alone.records[name].answers for name in names[:2]]


@pytest.mark.parametrize("bad", ["nowhere", "empty", []])
def test_no_findings_are_told(tmp_path, bad):
    (tmp_path / "empty").mkdir()
    with pytest.raises(rm.InputError):
        fit_all(tmp_path / bad if isinstance(bad, str) else bad)


def test_two_folders_of_one_name_are_told(directory, tmp_path):
    shutil.copytree(directory / "mine", tmp_path / "mine")
    with pytest.raises(rm.InputError, match="two folders of the name 'mine'"):
        fit_all([directory / "mine", tmp_path / "mine"])


def test_the_command_fits_a_directory_and_says_what_is_wrong(directory, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")  # wide enough for names in one piece
    with pytest.raises(SystemExit) as stop:
        main(["fit-all", str(directory), "--records", str(tmp_path / "records"), "--json"])
    assert stop.value.code == 2  # one folder is bad, and the others are done
    captured = capsys.readouterr()
    body = json.loads(captured.out)
    assert {one["finding"]: bool(one["problem"]) for one in body["findings"]} == {
        **dict.fromkeys(rm.findings(), False), "mine": False, "spoilt": True,
    }  # fmt: skip
    assert rm.FitRecord.load(tmp_path / "records" / "mine.json").finding == "mine"
    shutil.copytree(directory / "mine", tmp_path / "good" / "mine")
    with pytest.raises(SystemExit) as stop:
        main(["fit-all", str(tmp_path / "good")])
    assert stop.value.code == 0
    assert "mine" in capsys.readouterr().out
