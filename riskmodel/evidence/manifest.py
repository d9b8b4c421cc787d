"""The shipped findings, and hashes of all data that are shipped: what was released is what is read.

``make manifest`` writes them anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from riskmodel._support.checks import shown
from riskmodel._support.files import as_path, read_once, write_whole
from riskmodel.errors import InputError, UnknownNameError

FILES = ("finding.toml", "sources.csv", "counts.csv", "workup.toml")
#: What is stored beside the files for other programs and pages: of these numbers, and of no later ones.
MOVES, PACKAGE = "moves.json", "datapackage.json"
#: Bytes of one file; the shipped ones have some 20,000.
MOST_BYTES = 5_000_000
SHIPPED = Path(__file__).parent.parent / "data"
MANIFEST = SHIPPED / "manifest.json"
#: Findings to begin from, with a survey of the anatomy or of isolated cases alone; nobody consults them by name.
TEMPLATE = "template"
ISOLATED = "template-isolated-only"


def findings() -> tuple[str, ...]:
    """Names of the shipped findings.

    Returns
    -------
    tuple of str
        Sorted.
    """
    names = {path.name for path in SHIPPED.iterdir() if (path / "finding.toml").is_file()}
    return tuple(sorted(names - {TEMPLATE, ISOLATED}))


def place_of(given: object, what: str, shipped: Sequence[str], above: Path, also: str) -> Path:
    """The folder of a shipped name, or what a path leads to."""
    if not isinstance(given, (str, Path)) or not str(given).strip() or "\0" in str(given):
        remedy = f"Give a shipped {what}'s name, or a {also}'s path"
        empty = isinstance(given, str) and not given.strip()
        said = f"an empty name in place of a {what}" if empty else f"{shown(given)} is not a {what}"
        raise InputError(said, where=what, remedy=remedy)
    name = str(given)
    path = above / name if name in shipped else as_path(name, what)
    if path.exists():
        return path
    raise UnknownNameError(f"{what}, and no {also.split()[-1]} either:", name, shipped, where=what)


def read_folder(folder: Path, names: Sequence[str] = FILES) -> dict[str, bytes | OSError]:
    """Each file of a folder that is there, read once: what is hashed is what is parsed."""
    found: dict[str, bytes | OSError] = {}
    for name in names:
        try:
            found[name] = read_once(folder / name, MOST_BYTES)
        except OSError as error:
            if os.path.lexists(folder / name):
                found[name] = error
    return found


def hash_of(texts: Mapping[str, str]) -> str:
    """SHA-256 of a folder's files, in the order in which they are given."""
    digest = hashlib.sha256()
    for name, text in texts.items():
        content = text.encode()
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def as_texts(files: Mapping[str, bytes | OSError]) -> dict[str, str]:
    """Files that could be read, as text whose lines end in LF: so they are hashed, written again and sent on."""
    texts = {name: raw.decode() for name, raw in files.items() if isinstance(raw, bytes)}
    return {name: text.lstrip("\ufeff").replace("\r\n", "\n") for name, text in texts.items()}


def check_released(name: str, content_hash: str) -> None:
    """Refuse a shipped finding that is not what was released: its numbers would bear the package's name."""
    try:
        released = read().get(name)
    except (OSError, ValueError, AttributeError):
        released = None
    if released != content_hash:
        what = "the shipped finding is not the one that was released"
        change = "To change a finding copy its folder, and give the copy's path"
        remedy = f"Install riskmodel again, or in a checkout make manifest. {change}"
        raise InputError(what, where=name, remedy=remedy)


def read() -> dict[str, str]:
    """Released hashes."""
    found: dict[str, str] = json.loads((SHIPPED / MANIFEST.name).read_text(encoding="utf-8"))
    return found


def current() -> dict[str, str]:
    """Hashes of the folders as they are."""
    tables = {
        f"corpora/{place.name}": _hash(place, sorted(file.name for file in place.glob("*.csv")))
        for place in sorted((SHIPPED / "corpora").iterdir())
        if place.is_dir()
    }
    return {name: _hash(SHIPPED / name, FILES) for name in (*findings(), TEMPLATE, ISOLATED)} | tables


def _hash(folder: Path, names: Sequence[str]) -> str:
    return hash_of(as_texts(read_folder(folder, names)))


def write(path: Path = MANIFEST) -> None:
    """Write the hashes of the folders as they are, whole or not at all."""
    write_whole(path, json.dumps(current(), indent=2) + "\n")
