"""The command line: arguments to the interface to a page, a table or JSON, and an exit code. No logic of its own.

Imports: every room, inside the command that needs it. Click and Rich are known here and nowhere else.
Belongs here: a file for each kind of command; this one runs them. Exit codes: 0 done; 2 wrong usage or bad evidence; 1 a
fault of the program itself. An error is a message on standard error and, with ``--json``, one JSON body on standard output.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from riskmodel._support.version import __version__
from riskmodel.cli import _analysis, _consult, _evidence
from riskmodel.errors import InputError, RiskModelError


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    # What the libraries hold stays until the end. With the pause in `consult` this takes 7 % off a cold consultation's
    # processor time: median of 15 runs side by side, November 2026.
    gc.freeze()
    # Given back untouched, so that glibc keeps what arrays of up to that size give back: half of an answer's page faults.
    bytes(24 << 20)
    try:
        sys.exit(commands.main(arguments, prog_name="riskmodel", standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.exceptions.Abort:
        sys.exit(130)
    except RiskModelError as error:
        _fail(error, as_json)
    except click.ClickException as error:
        _fail(InputError(error.format_message().rstrip("."), remedy="See riskmodel --help"), as_json)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: no fault of anybody's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        reference = f"{type(error).__name__} at {Path(place.filename).name}:{place.lineno}"
        fault = RiskModelError(
            f"a fault of riskmodel itself ({reference})", remedy="Please report it with the command that led to it"
        )
        _fail(fault, as_json, code=1)


def _fail(error: RiskModelError, as_json: bool, code: int = 2) -> None:
    click.echo(f"riskmodel: {error.message}", err=True)
    if as_json:
        click.echo(json.dumps(error.to_dict(), indent=2, ensure_ascii=False))
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="riskmodel")
def commands() -> None:
    """Calibrated risks of prenatal findings from small published case series."""


for _command in (_consult.consult, _analysis.pool, _analysis.calibrate, _analysis.refit, _analysis.fit_all):
    commands.add_command(_command)
commands.add_command(_evidence.evidence)
