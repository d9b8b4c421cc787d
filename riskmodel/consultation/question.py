"""What a counselor states beside known states: gestational age, size, place, number. Checked and echoed, never counted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel._support.checks import finite_number
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.evidence.finding import Descriptor, Finding
from riskmodel.report.wording import gestation

#: Keywords of a consultation besides a finding's own names.
KEYWORDS = ("finding", "reading", "setting", "audience", "detail", "prior", "heterogeneity")
_W, _D = r"w(?:(?:ee)?ks?)?\.?", r"d(?:ays?)?\.?"
#: Gestational age as clinics write it: 20+3, 20w3d, 20 weeks 3 days, 20 3/7, 20+3/7.
_WEEKS = re.compile(
    rf"\s*(\d{{1,2}})\s*(?:(?:{_W})?\s*(?:\+|and)|{_W}\s*,?|(?=\s\d\s*/\s*7))\s*(\d{{1,3}})\s*(?:/\s*7)?\s*(?:{_D}|{_W})?\s*",
    re.IGNORECASE,
)
_WHOLE_WEEKS = re.compile(rf"\s*(\d{{1,2}}(?:\.\d+)?)\s*{_W}\s*", re.IGNORECASE)
_SIZE = re.compile(r"^\s*\d+(\.\d+)?(\s*[x×*]\s*\d+(\.\d+)?){0,2}\s*(mm)?\s*$", re.IGNORECASE)


def split_stated(finding: Finding, stated: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """Tell states from descriptors, and check the latter."""
    variables = [one.name for one in finding.states]
    descriptors = {one.name: one for one in finding.descriptors}
    states: dict[str, str] = {}
    described: dict[str, Any] = {}
    for name, value in stated.items():
        if name not in variables and name not in descriptors:
            raise UnknownNameError("name", name, [*variables, *descriptors, *KEYWORDS], where="consult")
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
    weeks = descriptor.unit == "weeks" and descriptor.kind == "number"
    if weeks and isinstance(value, str):
        value = _in_weeks(value, where)
    try:
        number = float(value) if not isinstance(value, bool) else float("nan")
    except (TypeError, ValueError):
        number = float("nan")
    whole = descriptor.kind == "integer"
    if not finite_number(number) or (whole and not number.is_integer()):
        kind = "a whole number" if whole else "a number"
        remedy = f"Give {span}" + (", as 20, 20+3 or 20w3d" if weeks else "")
        raise InputError(f"{str(value)[:60]!r} is not {kind}", where=where, remedy=remedy)
    if not descriptor.minimum <= number <= descriptor.maximum:
        raise InputError(f"{number:g} is outside {span}", where=where, remedy=f"Give {span}")
    return int(number) if whole else number


def _in_weeks(text: str, where: str) -> str | float:
    """Weeks and days as weeks; the text itself where it is written otherwise."""
    if match := _WHOLE_WEEKS.fullmatch(text):
        return match[1]
    match = _WEEKS.fullmatch(text)
    if match is None:
        return text
    weeks, days = int(match[1]), int(match[2])
    if days > 6:
        remedy = f"Days are 0 to 6: write {weeks + days // 7}+{days % 7} if that is meant"
        raise InputError(f"{text.strip()[:60]!r} has {days} days", where=where, remedy=remedy)
    return weeks + days / 7


def said(value: Any, descriptor: Descriptor) -> str:
    """A descriptor as it is written for people."""
    if descriptor.unit == "weeks" and isinstance(value, float):
        return f"{gestation(value)} weeks"
    text = (
        " x ".join(f"{part:g}" for part in value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
    return f"{text} {descriptor.unit}".strip()


def stated(value: Any, descriptor: Descriptor) -> str:
    """A descriptor that stands by itself: with its unit, or else with its title."""
    text = said(value, descriptor)
    return text if descriptor.unit else f"{descriptor.title} {text.replace('-', ' ')}"
