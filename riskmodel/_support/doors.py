"""The door of what is public: arguments held to what the signature says of them, before anything is worked out.

The annotations are the rule, so that each kind of argument is checked at one place and told alike. Not by beartype or
pydantic: they want annotations that can be resolved when the program runs, and these name types that are imported for the
type checker alone, or a consultation would not start in half a second.
"""

from __future__ import annotations

import ast
import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

import numpy as np

from riskmodel._support.checks import LARGEST_TOTAL, NotWhole, as_numbers, as_rng, as_whole, finite_number, shown
from riskmodel.errors import InputError

#: Numbers of things, the least and the largest that is taken: of draws as many as fit in 80 megabytes.
_RANGES = {**dict.fromkeys(("events", "total", "others"), (0, LARGEST_TOTAL)), "size": (0, 10**7), "draws": (1, 10**7)}
_SEEDS = ("seed",)  # whole numbers that may be of any length, which `checked_seed` looks at


class _RefusedError(Exception):
    """A value is not of a kind; the text says what was wanted."""


type _Check = Callable[[Any], Any]


def door[F: Callable[..., Any]](function: F) -> F:
    """A public function whose arguments are of the kinds that its annotations name; others raise InputError."""
    if not {*getattr(function, "__annotations__", ())} - {"return"}:
        return function

    @functools.cache  # at the first call: a command calls few of all functions, and reading signatures takes its time
    def rule() -> tuple[list[str], str, str, dict[str, _Check | None]]:
        parameters = list(inspect.signature(function).parameters.values())
        known = getattr(function, "__globals__", {})
        said = {one.name: one.annotation for one in parameters if isinstance(one.annotation, str)}
        names = [one.name for one in parameters if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
        rest = next((one.name for one in parameters if one.kind is one.VAR_POSITIONAL), "")
        named = next((one.name for one in parameters if one.kind is one.VAR_KEYWORD), "")
        return names, rest, named, {name: _check_of(one, name, known) for name, one in said.items()}

    @functools.wraps(function)
    def checked(*given: Any, **stated: Any) -> Any:
        names, rest, named, checks = rule()
        if given:
            places = names[: len(given)] + [rest] * (len(given) - len(names))
            given = tuple([_held(checks.get(name), value, name) for name, value in zip(places, given, strict=True)])
        for name, value in stated.items():
            stated[name] = _held(checks.get(name, checks.get(named)), value, name)
        return function(*given, **stated)

    return checked  # type: ignore[return-value]


def doors(cls: type) -> None:
    """Put a door before each public method of a class."""
    for name, one in list(vars(cls).items()):
        if name.startswith("_"):
            continue
        if inspect.isfunction(one):
            setattr(cls, name, door(one))
        elif isinstance(one, (classmethod, staticmethod)):
            setattr(cls, name, type(one)(door(one.__func__)))


def _held(check: _Check | None, value: Any, name: str) -> Any:
    try:
        return value if check is None else check(value)
    except _RefusedError as error:
        remedy = f"Give {error}"
        raise InputError(f"{shown(value)} is not {error}", where=name, remedy=remedy, field=name) from None


def _check_of(annotation: str | ast.expr, name: str, known: Mapping[str, Any]) -> _Check | None:
    """What holds a value to an annotation; None where anything will do, or what reads a name or path says more."""
    read = ast.parse(annotation, mode="eval").body if isinstance(annotation, str) else annotation
    parts = _alternatives(read)
    checks = [_one(part, name, known) for part in parts]
    plain = {ast.unparse(part) for part in parts} - {"None"}
    named = {"str", "Path"} < plain and not any(isinstance(part, ast.Subscript) for part in parts)
    if None in checks or name in _SEEDS or named:
        return None
    if len(checks) == 1:
        return checks[0]

    def any_of(value: Any) -> Any:
        wanted = []
        for check in checks:
            try:
                return check(value)  # type: ignore[misc]
            except _RefusedError as error:
                wanted.append(str(error))
        raise _RefusedError(" or ".join(dict.fromkeys(wanted)))

    return any_of


def _alternatives(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp):
        return [*_alternatives(annotation.left), annotation.right]
    return [annotation]


def _one(part: ast.expr, name: str, known: Mapping[str, Any]) -> _Check | None:
    """The same of an annotation without alternatives."""
    parts: list[ast.expr] = []
    if isinstance(part, ast.Subscript):
        parts, part = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice], part.value
    head = ast.unparse(part)
    if head == "Literal":
        return _text if all(isinstance(ast.literal_eval(one), str) for one in parts) else None
    if head in _KINDS:
        return _whole(*_RANGES[name]) if head == "int" and name in _RANGES else _KINDS[head]
    if head in ("Mapping", "dict"):
        return _mapping(*(_check_of(one, "", known) for one in parts or [ast.Name("Any")] * 2))
    if head in ("Sequence", "tuple", "list", "Iterable"):
        checks = [_check_of(one, name, known) for one in parts if ast.unparse(one) != "..."]
        if head == "tuple" and len(checks) == len(parts) > 0:
            return _row(checks)
        return _several(checks[0] if checks else None, head)
    found = known.get(head.partition(".")[0])
    if get_origin(found) in (tuple, list):
        return _check_of(str(found), name, known)
    if get_origin(found) is Literal and all(isinstance(one, str) for one in get_args(found)):
        return _text
    if not ("." in head or head[:1].isupper()) or head in ("Any", "Self", "F") or (
        found is not None and not isinstance(found, type) and "." not in head
    ):  # fmt: skip
        return None
    return _instance(head)


def _kind(wanted: str, good: Callable[[Any], bool], made: Callable[[Any], Any] = lambda value: value) -> _Check:
    def check(value: Any) -> Any:
        if not good(value):
            raise _RefusedError(wanted)
        return made(value)

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _RefusedError("a text")
    try:
        value.encode(errors="surrogateescape")  # as names of files that are no UTF-8 come
    except UnicodeEncodeError:
        raise _RefusedError("a text that can be written") from None
    return str.__str__(value)  # of NumPy or of an enumeration no more: what writes JSON knows str alone


def _whole(least: int = 0, most: int | None = None) -> _Check:
    """A whole number; from a least on where there is a largest."""
    wanted = "up to 1,000,000,000,000,000" if most is None else f"from {least:,} to {most:,}"

    def check(value: Any) -> int:
        number = as_whole(value)
        if isinstance(number, NotWhole) or (most is not None and not least <= number <= most):
            raise _RefusedError(f"a whole number {wanted}")
        return number

    return check


def _numbers(value: Any) -> Any:
    found = as_numbers(value)
    if found is None:
        raise _RefusedError("an array of numbers")
    return found


def _path(value: Any) -> Any:
    try:
        if isinstance(os.fspath(value), str):
            return value
    except Exception:  # what is no path, and what says that it is one and cannot say which
        pass
    raise _RefusedError("a path")


def _mapping(name: _Check | None, each: _Check | None) -> _Check:
    def check(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise _RefusedError("a mapping")
        try:
            for check, parts in ((name, value.keys()), (each, value.values())):
                if check is not None:
                    for one in parts:
                        check(one)
        except _RefusedError as error:
            raise _RefusedError(f"a mapping of which each is {error}") from None
        except Exception:  # as of lists
            raise _RefusedError("a mapping") from None
        return value

    return check


def _several(each: _Check | None, head: str) -> _Check:
    def check(value: Any) -> Any:
        refused = (str, bytes, bytearray, memoryview, *(() if head == "Iterable" else (Mapping,)))
        if isinstance(value, refused) or not isinstance(value, Iterable):
            raise _RefusedError("a list")
        try:
            if each is None or iter(value) is value:
                return value  # what can be gone through once is not
            found = tuple(map(each, value))
        except _RefusedError as error:
            raise _RefusedError(f"a list of which each is {error}") from None
        except Exception:  # an object that says it can be gone through, and cannot
            raise _RefusedError("a list") from None
        return value if isinstance(value, (tuple, list)) and head != "tuple" else found

    return check


def _row(checks: Sequence[_Check | None]) -> _Check:
    def check(value: Any) -> Any:
        if not isinstance(value, (tuple, list)) or len(value) != len(checks):
            raise _RefusedError(f"{len(checks)} in brackets")
        pairs = zip(checks, value, strict=True)
        return tuple(one if check is None else check(one) for check, one in pairs)

    return check


def _instance(name: str) -> _Check:
    """By the name of its class, which may be one that is not imported yet."""
    module, _, last = name.rpartition(".")
    top = module.partition(".")[0]
    root = {"pd": "pandas", "np": "numpy"}.get(top, top)

    def check(value: Any) -> Any:
        for one in type(value).__mro__:
            if one.__name__ == last and one.__module__.startswith(root):
                return value
        raise _RefusedError(f"{'an' if last[0] in 'AEIOU' else 'a'} {last}")

    return check


_KINDS: dict[str, _Check] = {
    "None": _kind("None", lambda value: value is None),
    "bool": _kind("True or False", lambda value: isinstance(value, (bool, np.bool_)), bool),
    "int": _whole(),
    "float": _kind("a number", finite_number, float),
    "str": _text,
    "Path": _path,
    "Rng": as_rng,
    **dict.fromkeys(("Array", "ArrayLike"), _numbers),
    **dict.fromkeys(("Callable", "Progress"), _kind("a function", callable)),
}
