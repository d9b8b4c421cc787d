"""The command line killed, out of space, without an output or in places that are not the user's: nothing is lost or left over.

Each try is a fork of one process that has loaded everything. One in twenty runs here; ``make soak`` runs all. Seeded, but a kill
comes when it comes.
"""

import json
import os
import shutil

import numpy as np
import pytest
from workbooks import HEADER, series

import riskmodel as rm
from riskmodel.evidence.manifest import FILES, SHIPPED

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
KILLS, DISKS = 240, 40
TEMPLATE = SHIPPED / "template"
CORPUS = "meta_analysis,arm,study,events,total\n" + "".join(
    f"trial {i},arm,Study {i}{j},{(3 * i + 5 * j) % 19},{20 + i + j}\n" for i in range(4) for j in range(5)
)
LOOKS = ("--corpus", "../corpus.csv", "--out", "cal", "--picture", "cal/c.png", "--prior", "jeffreys")
#: Every command that writes.
WRITES = {
    "template": ["evidence", "template", "mine"],
    "export": ["evidence", "export", str(TEMPLATE), "mine"],
    "page": ["evidence", "page", str(TEMPLATE), "mine"],
    "refit": ["refit", "../new.csv", "--finding", str(TEMPLATE), "--save", "mine", "--picture", "moves.png"],
    "fit-all": ["fit-all", "../all", "--records", "mine"],
    "calibrate": ["calibrate", *LOOKS],
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with what the commands read."""
    found = tmp_path_factory.mktemp("commands")
    (found / "corpus.csv").write_text(CORPUS)
    (found / "new.csv").write_text(
        "\n".join(",".join(map(str, row)) for row in (HEADER, series("Alder 2011", 3, 20))) + "\n"
    )
    for name in ("one", "two"):
        shutil.copytree(TEMPLATE, found / "all" / name)
    return found


def whole(place):
    """Nothing unfinished lies there, and what lies there is whole."""
    left = [one for one in place.rglob("*") if one.name.startswith(".")]
    assert not left, left
    for path in place.rglob("*.json"):
        if path.name in ("one.json", "two.json", "record.json"):
            rm.FitRecord.load(path)
        elif path.name == "calibration.json":
            assert len(rm.CalibrationRecord.load(path).arms) == 4
        else:
            json.loads(path.read_text())
    for path in place.rglob("*.png"):
        assert path.read_bytes()[-8:-4] == b"IEND", path
    for path in place.rglob("finding.toml"):
        assert {one.name for one in path.parent.iterdir()} >= {*FILES}, path


def test_a_command_that_is_stopped_leaves_nothing_unfinished(place, ask, tally, share):
    usual = {}
    with tally("kills") as found:
        for number in range(0, KILLS, share):
            rng = np.random.default_rng([20261126, number])
            name = [*WRITES][number // share % len(WRITES)]
            here = place / f"kill{number}"
            here.mkdir()
            if name not in usual:
                usual[name] = ask(args=WRITES[name], cwd=str(here))
                assert usual[name]["code"] == 0, (name, usual[name])
                whole(here)
                shutil.rmtree(here)
                here.mkdir()
            how = ("SIGTERM", "SIGINT")[int(rng.integers(2))]
            got = ask(
                args=WRITES[name], cwd=str(here), signal=how, after=float(rng.uniform(0, 1.1 * usual[name]["seconds"]))
            )
            with found.one(f"{number}: {name} by {how}: {got}"):
                assert got["code"] in (0, 130, 143, -2, -15), got  # by the signal itself where nothing had begun
                whole(here)
            shutil.rmtree(here)


def test_a_finished_calibration_outlives_a_rerun_that_is_stopped(place, ask, tally, share):
    here = place / "again"
    here.mkdir()
    first = ask(args=WRITES["calibrate"], cwd=str(here))
    assert first["code"] == 0, first
    before = rm.CalibrationRecord.load(here / "cal")
    with tally("calibrations stopped and run again") as found:
        for number in range(0, 20, share):
            rng = np.random.default_rng([20261127, number])
            got = ask(
                args=WRITES["calibrate"], cwd=str(here), signal="SIGINT", after=float(rng.uniform(0, first["seconds"]))
            )
            with found.one(f"{number}: {got}"):
                whole(here)
                assert rm.CalibrationRecord.load(here / "cal").arms == before.arms
    other = ask(args=[*WRITES["calibrate"], "--seed", "2"], cwd=str(here))
    assert other["code"] == 2
    assert "a finished record of another seed" in other["said"]
    assert rm.CalibrationRecord.load(here / "cal").arms == before.arms


def test_a_full_disk_is_told_and_what_was_whole_stays(place, ask, tally, share):
    with tally("full disks") as found:
        for number in range(0, DISKS, share):
            rng = np.random.default_rng([20261128, number])
            name = [*WRITES][number // share % len(WRITES)]
            here = place / f"disk{number}"
            here.mkdir()
            got = ask(args=WRITES[name], cwd=str(here), fsize=int(rng.integers(0, 900)))
            with found.one(f"{number}: {name}: {got}"):
                assert got["code"] == 2, got
                assert "File too large" in got["said"]
                whole(here)
            shutil.rmtree(here)


#: Strange names that a folder may have.
GOOD = (os.fsdecode(b"na\xffme/na\xffme"), "a\nb/c")


def places(here):
    """Command lines about places that are nobody's, by what is wrong."""
    long = "x" * 5000
    (here / "closed").mkdir(mode=0o000)
    (here / "only").mkdir(mode=0o555)
    new, of = str(here.parent / "new.csv"), str(TEMPLATE)
    for one in ("~nosuch", "~nosuch/x", long, *GOOD, "closed/x", "only/x", "/dev/null/x", "closed"):
        yield ["evidence", "check", one], {}
        yield ["evidence", "template", one], {}
        yield ["evidence", "export", of, one], {}
        yield ["fit-all", one], {}
        yield ["fit-all", "../all", "--records", one], {}
        yield ["refit", new, "--finding", one], {}
        yield ["refit", one, "--finding", of], {}
        yield ["refit", new, "--finding", of, "--save", one], {}
        yield ["refit", new, "--finding", of, "--picture", one], {}
        yield ["calibrate", "--corpus", one], {}
        yield ["calibrate", "--corpus", "../corpus.csv", "--prior", "jeffreys", "--out", one], {}
        yield ["consult", "--finding", one], {}
        yield ["serve", "--trust", one], {}
    for one in ("only", ".", "/dev/null", "/dev/full"):
        yield ["refit", new, "--finding", of, "--picture", one], {}
    for args in (["consult"], ["consult", "--json"], ["evidence", "show"], ["evidence", "check", of], ["pool", "3/20"], ["--help"],
                 ["pool", "--nosuch"], ["refit", new, "--finding", of]):  # fmt: skip
        for out in ("closed", "full"):
            yield args, {"stdout": out}
    for args in (["evidence", "template", "x"], ["refit", "x.csv"], ["fit-all", "."], ["evidence", "check", "."]):
        yield args, {"gone": True}


def test_a_place_that_is_nobodys_is_no_fault_of_ours(place, ask, tally, share):
    here = place / "places"
    here.mkdir()
    here.chmod(0o777)
    with tally("environments") as found:
        for number, (args, task) in enumerate(places(here)):
            if number % min(share, 10):
                continue
            cwd = here
            if task.get("gone"):
                cwd = place / "gone"
                cwd.mkdir()
            got = ask(args=args, cwd=str(cwd), **task)
            with found.one(f"{number}: {' '.join(args)[:200]!r} {task}: {got}"):
                assert got["code"] == 2 or (got["code"] == 0 and not {*args}.isdisjoint(GOOD)), got
                if got["code"]:
                    assert got["said"].startswith(("riskmodel: ", "Usage")) or "\nriskmodel: " in got["said"], got
    assert ask(args=["consult"], cwd=str(here), stdout="gone")["code"] == 0  # `riskmodel consult | head`
    for name in ("closed", "only"):
        (here / name).chmod(0o755)
