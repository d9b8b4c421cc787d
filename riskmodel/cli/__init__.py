"""The command line: arguments to the interface to a page, a table or JSON, and an exit code. No logic of its own.

Imports: every room, inside the command that needs it. Click and Rich are known here and nowhere else.
Belongs here: a file for each kind of command; this one runs them. Exit codes: 0 done; 2 wrong usage or bad evidence; 1 a
fault of the program itself. An error is a message on standard error and, with ``--json``, one JSON body on standard output.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import click
from click.shell_completion import shell_complete

from riskmodel._support.version import __version__
from riskmodel.cli import _analysis, _consult, _evidence, _prior, _serve
from riskmodel.cli._group import Group, misused, unknown_option
from riskmodel.cli._terminal import say, unwritten
from riskmodel.errors import InputError, RiskModelError

#: Signals that asked for the end: NumPy makes a TypeError of Ctrl-C inside a comparison, Matplotlib a ValueError of SIGTERM,
#: and a fault that hides one is none to tell.
_ASKED_TO_END: list[int] = []
#: Where a shell asks for completions.
_COMPLETE = "_RISKMODEL_COMPLETE"


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    # What the libraries hold stays until the end. With the pause in `consult` this takes 7 % off a cold consultation's
    # processor time: median of 15 runs side by side, November 2026.
    gc.freeze()
    # Given back untouched, so that glibc keeps what arrays of up to that size give back: half of an answer's page faults.
    bytes(24 << 20)
    with contextlib.suppress(ValueError):  # of a thread that is not the first, which gets no signals
        signal.signal(signal.SIGTERM, _stopped)
        signal.signal(signal.SIGINT, _interrupted)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what a terminal cannot show is no fault of the answer
    if sys.stdout is None and arguments[:1] != ["serve"]:
        sys.exit(_fail(unwritten("it is closed"), as_json))
    code = _run(arguments, as_json)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _unheard()
    except OSError as error:
        code = _fail(unwritten(error.strerror or str(error)), as_json)
    sys.exit(code)


def _stopped(number: int, _frame: FrameType | None) -> None:
    """End as any command ends, so that what is not finished is taken away; a second signal does not stop that."""
    signal.signal(number, signal.SIG_IGN)
    _ASKED_TO_END.append(number)
    sys.exit(128 + number)


def _interrupted(number: int, frame: FrameType | None) -> None:
    _ASKED_TO_END.append(number)
    signal.default_int_handler(number, frame)


def _run(arguments: list[str], as_json: bool) -> int:
    """Run a command to its exit code. Not by Click's `main`, which ends with 1 where the reader has gone away."""
    try:
        if _COMPLETE in os.environ:
            return shell_complete(commands, {}, "riskmodel", _COMPLETE, os.environ[_COMPLETE])
        with commands.make_context("riskmodel", arguments) as context:
            commands.invoke(context)
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except RiskModelError as error:
        return _fail(error, as_json)
    except click.NoSuchOption as error:
        return _fail(unknown_option(error), as_json)
    except click.ClickException as error:
        return _fail(misused(error), as_json)
    except BrokenPipeError:
        # The reader of our output went away, as `head` does: no fault of anybody's.
        _unheard()
        return 0
    except OSError as error:  # a disk, a folder or a permission: nothing that a report to us would mend
        what, where = error.strerror or str(error), str(error.filename or "")
        return _fail(InputError(what, where=where, remedy="Check the place and its permissions"), as_json)
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        reference = f"{type(error).__name__} at {Path(at.filename).name}:{at.lineno}"
        what, remedy = f"a fault of riskmodel itself ({reference})", "Please report it with the command that led to it"
        return _fail(RiskModelError(what, remedy=remedy), as_json, code=1)


def _unheard() -> None:
    """Let what is still to be written go nowhere."""
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _fail(error: RiskModelError, as_json: bool, code: int = 2) -> int:
    if _ASKED_TO_END:
        return 128 + _ASKED_TO_END[0]
    try:
        say(f"riskmodel: {error.message}", err=True)
        if as_json:
            say(json.dumps(error.to_dict(), indent=2, ensure_ascii=False))
    except OSError:
        _unheard()
    return code


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="riskmodel")
@click.option(
    "--no-pager", is_flag=True, help="Print straight to the terminal, not through RISKMODEL_PAGER, PAGER or less."
)
def commands(no_pager: bool) -> None:
    """Calibrated risks of prenatal findings from small published case series."""


for _command in (
    _consult.consult,
    _analysis.pool,
    _analysis.calibrate,
    _analysis.refit,
    _analysis.fit_all,
    _prior.prior,
    _evidence.evidence,
    _serve.serve,
):
    commands.add_command(_command)
