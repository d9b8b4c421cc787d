"""Tables in Markdown, and where a document keeps them: between two comments, so that a script can write them again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def replaced(text: str, name: str, content: str) -> str:
    """The text with what stands between the markers of that name replaced."""
    begin, end = f"<!-- {name}: written by a script -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"no place for the table: {begin} and {end} are not both there, in this order")
    return f"{before}{begin}\n{content}\n{end}{after}"


def write_between(path: Path, name: str, content: str) -> None:
    """Write what stands between the markers of that name in a document, whole or not at all."""
    text = replaced(path.read_text(encoding="utf-8"), name, content)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
