"""A page, or a progress bar, on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from riskmodel.report.render import to_json


def show_json(body: Mapping[str, Any]) -> None:
    """Print a body as JSON."""
    click.echo(to_json(body), nl=False)


def page(markdown: str, *, plain: bool = False) -> None:
    """Print Markdown, drawn for the terminal or as it is."""
    if plain:
        click.echo(markdown, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    console.print(Markdown(markdown))


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
