"""What a counselor states beside known states: gestational age, size, place, number. Checked and echoed, never counted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel._support.checks import finite_number
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.evidence.finding import Descriptor, Finding

_SIZE = re.compile(r"^\s*\d+(\.\d+)?(\s*[x×*]\s*\d+(\.\d+)?){0,2}\s*(mm)?\s*$", re.IGNORECASE)


def split_stated(finding: Finding, stated: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Tell states from descriptors, and check the latter."""
    variables = [one.name for one in finding.states]
    descriptors = {one.name: one for one in finding.descriptors}
    states: dict[str, str] = {}
    described: dict[str, Any] = {}
    for name, value in stated.items():
        if name not in variables and name not in descriptors:
            raise UnknownNameError("name", name, [*variables, *descriptors], where="consult")
        if value is None:
            continue
        if name in variables:
            states[name] = value
        else:
            described[name] = _described(descriptors[name], value)
    return states, described


def _described(descriptor: Descriptor, value: Any) -> Any:
    """One descriptor, checked: a number, a whole number, a tuple of sizes, or a word."""
    where, unit = descriptor.name, f" {descriptor.unit}" if descriptor.unit else ""
    span = f"{descriptor.minimum:g} to {descriptor.maximum:g}{unit}"
    if descriptor.kind == "word":
        word = re.sub(r"[\s_]+", "-", str(value).strip().lower())
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", word):
            raise InputError(
                f"{str(value)[:60]!r} is not a word", where=where, remedy=f"Give one such as {descriptor.words[0]}"
            )
        return word
    if descriptor.kind == "size":
        if isinstance(value, (list, tuple)):
            parts: Sequence[Any] = value
        elif isinstance(value, str) and _SIZE.match(value):
            parts = [float(part) for part in re.findall(r"\d+(?:\.\d+)?", value)]
        else:
            parts = [value]
        if not 1 <= len(parts) <= 3 or not all(finite_number(part) for part in parts):
            raise InputError(f"{str(value)[:60]!r} is not a size", where=where, remedy="Give it as 5.5x4.4x3.4, in mm")
        numbers = tuple(float(part) for part in parts)
        if not all(descriptor.minimum <= part <= descriptor.maximum for part in numbers):
            raise InputError(f"a size of {value} is outside {span}", where=where, remedy="Is the unit mm?")
        return numbers
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    whole = descriptor.kind == "integer"
    if not finite_number(number) or (whole and not number.is_integer()):
        kind = "a whole number" if whole else "a number"
        raise InputError(f"{str(value)[:60]!r} is not {kind}", where=where, remedy=f"Give {span}")
    if not descriptor.minimum <= number <= descriptor.maximum:
        raise InputError(f"{number:g} is outside {span}", where=where, remedy=f"Give {span}")
    return int(number) if whole else number


def said(value: Any, descriptor: Descriptor) -> str:
    """A descriptor as it is written for people."""
    text = (
        " x ".join(f"{part:g}" for part in value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    return f"{text} {descriptor.unit}".strip()
