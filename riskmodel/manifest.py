"""Hashes of the shipped findings: what was released is what is read. ``python -m riskmodel.manifest`` writes them anew."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from riskmodel.evidence import SHIPPED, findings, folder_hash

MANIFEST = SHIPPED / "manifest.json"


def read() -> dict[str, str]:
    """Released hashes.

    Returns
    -------
    dict of str to str
        SHA-256 by finding, in hexadecimal.
    """
    found: dict[str, str] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return found


def current() -> dict[str, str]:
    """Hashes of the folders as they are.

    Returns
    -------
    dict of str to str
        SHA-256 by finding, in hexadecimal.
    """
    return {name: folder_hash(SHIPPED / name) for name in findings()}


def write(path: Path = MANIFEST) -> None:
    """Write the hashes of the folders as they are, whole or not at all.

    Parameters
    ----------
    path : Path
        Where.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(current(), indent=2) + "\n")
    os.chmod(name, 0o644)
    os.replace(name, path)


if __name__ == "__main__":
    write()
