"""A small valid finding with comments, to begin from."""

from __future__ import annotations

from pathlib import Path

from riskmodel._support.files import write_folder
from riskmodel.evidence.manifest import SHIPPED, TEMPLATE


def write_template(path: str | Path) -> None:
    """Write a small valid finding with comments as a new folder, whole or not at all."""
    write_folder(path, {one.name: one.read_bytes() for one in sorted((SHIPPED / TEMPLATE).iterdir()) if one.is_file()})
