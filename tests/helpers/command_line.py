"""Two cases, and the command line asked of them."""

import subprocess
import sys

from click.testing import CliRunner

from riskmodel.cli import commands

SEED = {"weeks": 20, "size": "5.5x4.4x3.4", "location": "umbilical-vein", "foci": 1}
BEST = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}


def run(*args):
    """The command line in this process: exit code, standard output, standard error."""
    out = CliRunner().invoke(commands, args, standalone_mode=False)
    if out.exception is None:
        return 0, out.stdout, out.stderr
    done = subprocess.run([sys.executable, "-m", "riskmodel", *args], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr
