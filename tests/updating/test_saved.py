"""A refit that is saved, as a value, and from the command line: the folder is written whole or not at all."""

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from new_series import NOBODY, as_csv

import riskmodel as rm
from riskmodel._support import files
from riskmodel.cli import commands, main
from riskmodel.updating.fit_record import FitRecord
from riskmodel.updating.new_counts import refit


def test_the_saved_folder_is_a_finding_and_its_record_holds(held, tmp_path):
    folder, new = held
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    found = refit(folder, new, updated="2026-11-24")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before  # nothing is written unless asked
    found.save(tmp_path / "saved")
    assert sorted(path.name for path in (tmp_path / "saved").iterdir()) == [
        "CHANGELOG.md", "counts.csv", "finding.toml", "record.json", "sources.csv", "workup.toml",
    ]  # fmt: skip
    again = rm.load_evidence(tmp_path / "saved")
    assert again.version == found.after.evidence.version
    assert again.finding.updated == "2026-11-24"
    record = FitRecord.load(tmp_path / "saved")
    record.check(again)
    assert record.finding == "saved"
    assert "Added Koopman 1998" in (tmp_path / "saved" / "CHANGELOG.md").read_text()
    with pytest.raises(rm.InputError, match="exists already"):
        found.save(tmp_path / "saved")
    with pytest.raises(rm.InputError, match="no folder to put it in"):
        found.save(tmp_path / "nowhere" / "saved")
    refit(tmp_path / "saved", NOBODY).save(tmp_path / "later")
    log = (tmp_path / "later" / "CHANGELOG.md").read_text()
    assert log.index("Added Nobody 2020") < log.index("Added Koopman 1998")
    assert rm.load_evidence(tmp_path / "later").sources["Nobody 2020"].doi == "10.1234/nowhere.2020"


def test_what_fails_while_writing_leaves_nothing(held, tmp_path, monkeypatch):
    found = refit(*held)
    target = tmp_path / "out"
    target.mkdir()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(rm.InputError, match="No space left"):
        found.save(target / "saved")
    assert list(target.iterdir()) == []


#: Saves once for each line of the module that writes, in a process that is killed before that line, until one comes through.
KILLED = """
import itertools, os, signal, sys
import riskmodel as rm
from riskmodel._support import files

found = rm.refit('fetal-hepatic-calcification', sys.argv[1], updated='2026-11-24')
found.record, found.to_dict()

def killed(left):
    def trace(frame, event, _):
        nonlocal left
        if frame.f_code.co_filename != files.__file__:
            return None
        left -= event == 'line'
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    os.mkdir(f'{sys.argv[2]}/{left}')
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == signal.SIGKILL
    sys.settrace(trace)
    found.save(f'{sys.argv[2]}/{left}/saved')
    os._exit(0)

print(next(line for line in itertools.count() if not killed(line)))
"""


def test_a_process_killed_while_saving_leaves_whole_folders(tmp_path):
    new, place = as_csv(NOBODY, tmp_path / "new.csv"), tmp_path / "saves"
    place.mkdir()
    # One thread, since a forked process does not have the others.
    alone = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(new), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=alone)
    lines = int(done.stdout)
    versions = []
    for line in range(lines + 1):
        # What begins with a dot was being built when the end came: nobody takes it for a finding.
        for path in (path for path in (place / str(line)).iterdir() if not path.name.startswith(".")):
            evidence = rm.load_evidence(path)
            FitRecord.load(path).check(evidence)
            versions.append(evidence.version)
    assert len(set(versions)) == 1
    assert lines > 30  # each file is opened, written and brought to the disk
    assert 1 < len(versions) < lines / 2  # killed too early for a folder, and after it had its name


# ---------------------------------------------------------------- values and names


def test_results_are_finished_values(held, model):
    found = refit(*held)
    found.moves, found.record  # noqa: B018
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert hash(again) == hash(found)
    assert again.to_dict() == found.to_dict()
    assert set(vars(found)) == {"before", "after", "new", "log", "left"}  # what was worked out is beside it
    record = FitRecord.of(model)
    assert pickle.loads(pickle.dumps(record)) == record
    assert hash(pickle.loads(pickle.dumps(record))) == hash(record)
    assert replace(record, finding="other") != record
    fitted = rm.fit_all([held[0]])
    assert pickle.loads(pickle.dumps(fitted)) == fitted


def test_the_room_is_a_namespace_and_older_names_still_work():
    assert rm.updating.refit is rm.refit is rm.update is refit
    assert rm.updating.Refit is rm.Refit is rm.Update
    assert rm.updating.fit_all is rm.fit_all
    assert dir(rm.updating) == ["FitRecord", "Refit", "fit_all", "refit"]
    assert not hasattr(rm.updating, "refits")


# ---------------------------------------------------------------- the command


def test_the_command_does_what_the_library_does(held, tmp_path, capsys):
    folder, new = held
    picture = tmp_path / "moves.png"
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "refit",
                str(new),
                "--finding",
                str(folder),
                "--save",
                str(tmp_path / "saved"),
                "--picture",
                str(picture),
                "--json",
            ]
        )
    assert stop.value.code == 0
    body = json.loads(capsys.readouterr().out)
    found = refit(folder, new)
    assert body == json.loads(json.dumps(found.to_dict()))
    assert picture.read_bytes().startswith(b"\x89PNG")
    result = CliRunner().invoke(commands, ["evidence", "check", str(tmp_path / "saved")])
    assert result.exit_code == 0
    assert "no faults" in result.output
    with pytest.raises(SystemExit) as stop:
        main(["refit", str(new), "--finding", str(folder), "--save", str(tmp_path / "saved")])
    assert stop.value.code == 2
    assert "exists already" in capsys.readouterr().err


def test_the_command_lists_every_fault(tmp_path, capsys):
    bad = as_csv([NOBODY[0] | {"events": -1}, NOBODY[1] | {"basis": ""}], tmp_path / "bad.csv")
    with pytest.raises(SystemExit) as stop:
        main(["refit", str(bad), "--json"])
    assert stop.value.code == 2
    body = json.loads(capsys.readouterr().out)
    assert {(one["file"], one["row"]) for one in body["error"]["problems"]} == {("bad.csv", 2), ("bad.csv", 3)}
    assert not [path for path in Path(tmp_path).iterdir() if path.name != "bad.csv"]
