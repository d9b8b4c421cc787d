"""A page, or a progress bar, on the terminal: through a pager there, as git does, and as plain text elsewhere."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import click

from riskmodel.errors import InputError
from riskmodel.report.render import to_json

#: Columns of a page that goes to a file or a pipe, where COLUMNS does not say; fewer than the second cannot hold a table.
WIDTH, NARROWEST = 110, 40


def say(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print in the characters that a stream has; by itself Click writes UTF-8 where a stream is ASCII."""
    click.echo(text, file=sys.stderr if err else sys.stdout, nl=nl)


def show(text: str) -> None:
    """Print a text: on a terminal through a pager, which leaves what fits one screen as it is."""
    command = _pager()
    try:
        if command is None or not _paged(text, command):
            say(text, nl=False)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritten(error.strerror or str(error)) from None


def unwritten(why: str) -> InputError:
    """That standard output takes no more."""
    return InputError(f"the output cannot be written: {why}", remedy="Free some space, or write it elsewhere")


def show_json(body: Mapping[str, Any]) -> None:
    """Print a body as JSON."""
    text = to_json(body)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:  # replaced it would be another document
        text = json.dumps(body, indent=2) + "\n"
    show(text)


def page(markdown: str) -> None:
    """Print Markdown, drawn for the terminal."""
    show(drawn_markdown(markdown))


def drawn_markdown(markdown: str) -> str:
    """Markdown as text, as wide as the terminal."""
    from rich.markdown import Markdown

    return drawn(Markdown(markdown))


def drawn(what: Any) -> str:
    """Something of Rich's as text, as wide as the terminal, or as COLUMNS says."""
    from rich.console import Console

    real, out = Console(), io.StringIO()
    said = os.environ.get("COLUMNS", "")
    width = int(said) if said.isdecimal() and int(said) else real.width if sys.stdout.isatty() else WIDTH
    terminal = real.is_terminal
    console = Console(file=out, width=max(width, NARROWEST), force_terminal=terminal, no_color=real.no_color)
    console.print(what)
    return out.getvalue()


def _pager() -> str | None:
    """The command that a text goes through, None for none: RISKMODEL_PAGER, PAGER, or less."""
    context = click.get_current_context(silent=True)
    if not sys.stdout.isatty() or (context is not None and context.find_root().params.get("no_pager")):
        return None
    command = os.environ.get("RISKMODEL_PAGER", os.environ.get("PAGER", "less")).strip()
    try:
        name = shlex.split(command)[0] if command else "cat"
    except ValueError:
        return None
    return None if name == "cat" or shutil.which(name) is None else command


def _paged(text: str, command: str) -> bool:
    """Whether a pager has shown a text; one that is left early, or interrupted, has."""
    environment = {"LESS": "FRX", "LV": "-c"} | os.environ
    sys.stdout.flush()
    try:
        pager = subprocess.Popen(command, shell=True, stdin=subprocess.PIPE, env=environment)
    except OSError:
        return False
    assert pager.stdin is not None
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        pager.stdin.write(text.encode(errors="replace"))
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):
        pager.stdin.close()
    while True:
        # Ctrl-C is the pager's own: it stops a search there, and we wait for its end, else both would read the keys.
        with contextlib.suppress(KeyboardInterrupt):
            return pager.wait() not in (126, 127)  # what a shell says that could not run it


class Bar:
    """A progress bar on standard error, where that is a terminal; a function of done and of all meanwhile."""

    def __init__(self, what: str = "arms") -> None:
        self.what = what

    def __enter__(self) -> Any:
        if not sys.stderr.isatty():
            self.bar = None
            return lambda done, of: None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn(self.what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self.bar.start()
        task = self.bar.add_task(self.what)
        return lambda done, of: self.bar.update(task, completed=done, total=of)

    def __exit__(self, *_error: object) -> None:
        if self.bar is not None:
            self.bar.stop()
