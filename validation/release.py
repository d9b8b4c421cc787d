"""Build the wheel and the sdist, and try the wheel where no checkout helps it.

    python validation/release.py [PYTHON ...]

The sdist is built first and the wheel from it, so that what either lacks both lack. The wheel must hold every file of the
package and nothing else. Then, for each interpreter (by default python3.12 and python3.13, where they are), it is
installed with the pinned versions into a new environment outside the checkout, which answers for every shipped finding,
makes a finding from the template and asks it, loads the server, and runs a short selection of the tests. `make release`
does all of it.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ("python3.12", "python3.13")
#: What the selection of tests needs besides the package and its extras.
TESTING = (
    "pytest",
    "pytest-xdist",
    "hypothesis",
    "httpx2",
    "jsonschema",
    "mpmath",
    "openpyxl",
    "frictionless",
    "polars",
)
SELECTED = (
    *("tests/distributions/test_mixture.py", "tests/inference/test_quadrature.py", "tests/tree/test_answer.py"),
    *("tests/coarsened/test_joint_of_two.py", "tests/evidence/test_load.py", "tests/serve/test_interface.py"),
    *("tests/consultation/test_command_line.py", "tests/test_bring_your_own.py"),
)


def run(*command, **options):
    """A command that must succeed; what it printed."""
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def built(to):
    """The wheel; the sdist beside it."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.rmtree(ROOT / "build" / "lib", ignore_errors=True)  # what an older build left would be packed again
    run(sys.executable, "-m", "build", "--outdir", to, ROOT)
    (wheel,) = to.glob("*.whl")
    assert len(list(to.glob("*.tar.gz"))) == 1
    return wheel


def check_contents(wheel):
    """Every tracked file of the package and nothing else, beside the metadata."""
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    wanted = set(run("git", "ls-files", "riskmodel", cwd=ROOT).split())
    if held != wanted:
        sys.exit(f"{wheel.name}: missing {sorted(wanted - held)}, not of the package {sorted(held - wanted)}")
    print(f"{wheel.name}: the {len(held)} files of the package and nothing else")


def works(python):
    """Whether there is such an interpreter; a launcher may be there without it."""
    found = shutil.which(python)
    return bool(found) and subprocess.run([found, "--version"], capture_output=True).returncode == 0


def try_on(python, wheel):
    """Install into a new environment, ask, and test."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        run(python, "-m", "venv", place / "venv")
        within = place / "venv" / "bin"
        install = (within / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet")
        pinned = ("--constraint", ROOT / "constraints.txt")
        run(*install, *pinned, f"{wheel}[web,jwt,excel]", *TESTING)
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        options = {"cwd": place, "env": clean}
        said = run(
            within / "python", "-c", "import sys, riskmodel.serve.app as it; print(sys.version, it.__file__)", **options
        )
        assert str(place) in said, said
        shipped = sorted(path.parent.name for path in (ROOT / "riskmodel" / "data").glob("fetal-*/finding.toml"))
        run(within / "riskmodel", "evidence", "template", "own", **options)
        run(within / "riskmodel", "evidence", "check", "own", **options)
        for finding in (*shipped, "own"):
            answer = run(
                within / "riskmodel", "consult", "--finding", finding, "--anatomy", "isolated", "--json", **options
            )
            assert json.loads(answer)["risks"], finding
        tests = (ROOT / one for one in SELECTED)
        asked = ("-c", ROOT / "pyproject.toml", "--rootdir", ROOT, "-q", "-p", "no:cacheprovider", "-m", "not slow")
        # By its script, since `python -m pytest` would put the current folder before what is installed.
        passed = run(within / "pytest", *asked, *tests, **options).splitlines()[-1]
    print(f"{said.split()[0]}: {', '.join(shipped)} and a finding of the template answer; {passed}")


def main():
    """Build, check, and try on each interpreter."""
    wheel = built(ROOT / "dist")
    check_contents(wheel)
    pythons = sys.argv[1:] or PYTHONS
    there = [python for python in pythons if works(python)]
    for python in pythons:
        print(f"{python}: trying ..." if python in there else f"{python}: not on this machine, not tried", flush=True)
        if python in there:
            try_on(python, wheel)
    if not there:
        sys.exit("no interpreter to try the wheel on")


if __name__ == "__main__":
    main()
