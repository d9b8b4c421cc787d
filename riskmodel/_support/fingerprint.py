"""A hash of the code behind a number: comments, docstrings and layout may change without changing it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_EXACT = ("distributions", "priors", "posterior", "inference")
#: Rooms whose code a record depends on.
ROOMS = {
    "fit": (*_EXACT, "evidence", "coarsened", "tree"),
    "calibration": (*_EXACT, "calibration"),
    "simulation": _EXACT,
    "sampled simulation": (*_EXACT, "mcmc"),
}
#: Files of these rooms that decide no number of a record.
SILENT = frozenset(
    f"{name}.py"
    for name in (
        "calibration/pit", "evidence/export", "evidence/manifest", "evidence/template", "priors/__init__",
        "priors/decisions", "priors/predictive", "priors/stated", "tree/kinds", "tree/sample",
    )
)  # fmt: skip


@cache
def code_fingerprint(record: str, *, beside: tuple[Path, ...] = (), package: Path = PACKAGE) -> str:
    """SHA-256 of the rooms behind a kind of record, and of files beside the package.

    Every kind covers the exact engine: `distributions`, the priors, `posterior`, `inference`. A *fit* is also made by what
    reads and audits counts (`evidence`), by the mathematics of coarse ones (`coarsened`) and by the `tree`; a *calibration*
    by what leaves series out and scores (`calibration`), while its corpus has a hash of its own; a *simulation* by nothing
    more of the package, and a *sampled simulation* by the sampler (`mcmc`), which no other kind covers. Wording (`report`,
    `plots`, `cli`), questions (`consultation`, `sensitivity`), this room and `SILENT` files are in none: editing them makes
    no record stale.
    """
    files = {name: path for room in ROOMS[record] for name, path in _room(package, room).items()}
    files |= {path.name: path for path in beside}
    return source_fingerprint({name: path.read_text(encoding="utf-8") for name, path in files.items()})


def _room(package: Path, room: str) -> dict[str, Path]:
    """Files of a room, which is a folder or one file."""
    paths = sorted((package / room).rglob("*.py")) or [package / f"{room}.py"]
    names = {path.relative_to(package).as_posix(): path for path in paths}
    return {name: path for name, path in names.items() if name not in SILENT}


def source_fingerprint(sources: Mapping[str, str]) -> str:
    """SHA-256 of Python sources with comments, docstrings and layout left out."""
    digest = hashlib.sha256()
    for name in sorted(sources):
        digest.update(f"{name} {_said(sources[name])}\n".encode())
    return digest.hexdigest()


@cache
def _said(source: str) -> str:
    """Hash of what a source says to Python, once for each."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    # As Python writes it back, which is steadier from one version of Python to the next than a dump of the tree.
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()
