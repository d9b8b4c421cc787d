"""A hash of the code behind a number: comments, docstrings and layout may change without changing it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
#: Modules that decide no number: what errors say, and the sampler, which no stored record of exact fits uses.
_SILENT = frozenset({"errors", "mcmc.branch", "_support.version"})


@cache
def code_fingerprint(roots: tuple[str, ...] = ("inference.pool",)) -> str:
    """SHA-256 of the modules behind some of this package's functions."""
    return source_fingerprint({name: _source(name) for name in modules_behind(roots)})


def modules_behind(roots: Iterable[str]) -> tuple[str, ...]:
    """Modules of this package that some of them import, at any depth, and they themselves."""
    roots = frozenset(roots)
    found: set[str] = set()
    waiting = sorted(roots)
    while waiting:
        name = waiting.pop()
        if name in found or (name in _SILENT and name not in roots):
            continue
        found.add(name)
        waiting.extend(_imported(ast.parse(_source(name))))
    return tuple(sorted(found))


def source_fingerprint(sources: Mapping[str, str]) -> str:
    """SHA-256 of Python sources with comments, docstrings and layout left out."""
    digest = hashlib.sha256()
    for name in sorted(sources):
        tree = ast.parse(sources[name])
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                _undocument(node)
        # As Python writes it back, which is steadier from one version of Python to the next than a dump of the tree.
        text = ast.unparse(tree)
        digest.update(f"{name} {len(text)}\n{text}\n".encode())
    return digest.hexdigest()


def _undocument(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        node.body = node.body[1:] or [ast.Pass()]


def _imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("riskmodel"):
            base = (node.module or "").removeprefix("riskmodel").lstrip(".")
            names.add(base)
            names.update(f"{base}.{alias.name}".lstrip(".") for alias in node.names)
    return {name for name in names if name and _path(name).is_file()}


def _path(name: str) -> Path:
    return PACKAGE / f"{name.replace('.', '/')}.py"


def _source(name: str) -> str:
    return _path(name).read_text(encoding="utf-8")
