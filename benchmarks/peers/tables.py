"""Where a document keeps a table: between two comments, so that a script can write it again."""

from __future__ import annotations

from pathlib import Path

from riskmodel._support.files import write_whole


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
    write_whole(path, replaced(path.read_text(encoding="utf-8"), name, content))
