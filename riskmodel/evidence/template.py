"""A small valid finding with comments, to begin from."""

from __future__ import annotations

from pathlib import Path

from riskmodel._support.files import write_folder
from riskmodel.evidence.manifest import ISOLATED, SHIPPED, TEMPLATE

#: Tables of which an empty template has the header alone.
TABLES = ("counts.csv", "sources.csv")


def write_template(path: str | Path, *, isolated_only: bool = False, empty: bool = False) -> None:
    """Write a small valid finding with comments as a new folder, whole or not at all.

    With `isolated_only` its tree is one of isolated cases; `empty`, it has no counts, no sources and no work-up, which would
    cite one: a table of one's own brings them (`riskmodel refit`).
    """
    folder = SHIPPED / (ISOLATED if isolated_only else TEMPLATE)
    files = {one.name: one.read_bytes() for one in sorted(folder.iterdir()) if one.is_file()}
    if empty:
        del files["workup.toml"]
        files |= {name: files[name].splitlines(keepends=True)[0] for name in TABLES}
    write_folder(path, files)
