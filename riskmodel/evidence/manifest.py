"""Hashes of the shipped findings and corpora: what was released is what is read.

``python -m riskmodel.evidence.manifest`` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path

from riskmodel._support.files import write_whole
from riskmodel.calibration import corpus
from riskmodel.evidence.evidence import SHIPPED, findings, folder_hash

MANIFEST = SHIPPED / "manifest.json"


def read() -> dict[str, str]:
    """Released hashes."""
    found: dict[str, str] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return found


def current() -> dict[str, str]:
    """Hashes of the folders as they are."""
    tables = {f"corpora/{name}": folder_hash(corpus.SHIPPED / name, corpus.FILES) for name in corpus.corpora()}
    return {name: folder_hash(SHIPPED / name) for name in findings()} | tables


def write(path: Path = MANIFEST) -> None:
    """Write the hashes of the folders as they are, whole or not at all."""
    write_whole(path, json.dumps(current(), indent=2) + "\n")


if __name__ == "__main__":
    write()
