"""The code behind a record: a room that decides none of its numbers may change without making it stale."""

import shutil
import subprocess
import sys

import pytest

from riskmodel._support.fingerprint import PACKAGE, ROOMS, SILENT, code_fingerprint, source_fingerprint

KINDS = ("fit", "calibration", "simulation", "sampled simulation")


def test_comments_do_not_change_the_fingerprint_and_code_does():
    source = 'def f(x):\n    """Say."""\n    return x + 1  # why\n'
    plain = source_fingerprint({"m": source})
    assert source_fingerprint({"m": '"""Module."""\n\n\ndef f( x ):\n    return x+1\n'}) == plain
    assert source_fingerprint({"m": source.replace("+ 1", "+ 2")}) != plain
    assert source_fingerprint({"n": source}) != plain


@pytest.mark.parametrize(
    ("place", "stale"),
    [
        ("inference/pool.py", set(KINDS)),
        ("distributions/base.py", set(KINDS)),
        ("posterior.py", set(KINDS)),
        ("mcmc/branch.py", {"sampled simulation"}),
        ("calibration/leave_out.py", {"calibration"}),
        ("coarsened/joint.py", {"fit"}),
        ("tree/model.py", {"fit"}),
        ("evidence/readers/counts.py", {"fit"}),
        ("tree/sample.py", set()),
        ("tree/kinds.py", set()),
        ("report/clinician.py", set()),
        ("cli/__init__.py", set()),
        ("updating/fit_record.py", set()),
        ("_support/record.py", set()),
    ],
)
def test_editing_a_room_makes_stale_what_it_is_behind(tmp_path, place, stale):
    copy = tmp_path / "riskmodel"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (copy / place).write_text((copy / place).read_text() + "\n_EDITED = 1\n")
    assert {kind for kind in KINDS if code_fingerprint(kind, package=copy) != code_fingerprint(kind)} == stale
    (copy / place).write_text((PACKAGE / place).read_text() + "\n# said otherwise\n")
    other = shutil.move(copy, tmp_path / "elsewhere")
    assert all(code_fingerprint(kind, package=other) == code_fingerprint(kind) for kind in KINDS)


def test_what_is_left_out_exists_and_files_beside_count(tmp_path):
    assert set(KINDS) == set(ROOMS)
    assert all((PACKAGE / name).is_file() for name in SILENT)
    own = tmp_path / "own.py"
    own.write_text("x = 1\n")
    assert code_fingerprint("simulation", beside=(own,)) != code_fingerprint("simulation")


def test_a_consultation_does_not_pay_for_it():
    code = "import sys, riskmodel as rm\nrm.consult(anatomy='isolated').to_dict()\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"riskmodel._support.fingerprint", "riskmodel._support.record"} & set(done.stdout.split())
