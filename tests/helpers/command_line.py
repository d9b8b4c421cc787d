"""Two cases, and the command line asked of them."""

import io
from contextlib import redirect_stderr, redirect_stdout

from riskmodel import cli

SEED = {"weeks": 20, "size": "5.5x4.4x3.4", "location": "umbilical-vein", "foci": 1}
BEST = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}


def run(*args):
    """The command line in this process, whose signals stay its own: exit code, standard output, standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli._run(list(args), "--json" in args)
    return code, out.getvalue(), err.getvalue()
