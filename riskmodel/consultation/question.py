"""What a counselor states: results of tests, and beside them age, size, place and number, echoed and never counted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from riskmodel._support.checks import finite_number, shown
from riskmodel.errors import ContradictionError, InputError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Descriptor
from riskmodel.evidence.known import Known
from riskmodel.evidence.workup import NO_RESULT
from riskmodel.report.wording import gestation

#: For whom an answer is worded, and whether what a test misses is told beside its result; what is usual first.
AUDIENCES = ("clinician", "patient", "researcher")
TEST_ERRORS = ("word", "published")
#: Keywords of a consultation besides a finding's own names.
KEYWORDS = ("finding", "reading", "setting", "audience", "detail", "prior", "heterogeneity", "test_errors")
_W, _D = r"w(?:(?:ee)?ks?)?\.?", r"d(?:ays?)?\.?"
#: Gestational age as clinics write it: 20+3, 20w3d, 20 weeks 3 days, 20 3/7, 20+3/7.
_WEEKS = re.compile(
    rf"\s*(\d{{1,2}})\s*(?:(?:{_W})?\s*(?:\+|and)|{_W}\s*,?|(?=\s\d\s*/\s*7))\s*(\d{{1,3}})\s*(?:/\s*7)?\s*(?:{_D}|{_W})?\s*",
    re.IGNORECASE,
)
_WHOLE_WEEKS = re.compile(rf"\s*(\d{{1,2}}(?:\.\d+)?)\s*{_W}\s*", re.IGNORECASE)
_SIZE = re.compile(r"^\s*\d+(\.\d+)?(\s*[x×*]\s*\d+(\.\d+)?){0,2}\s*(mm)?\s*$", re.IGNORECASE)


class Stated(NamedTuple):
    """What was stated, told apart and checked."""

    known: Known  # states that the answer is of: stated ones, and what results of tests say, taken at their word
    answered: dict[str, str]  # by variable or test what was stated of it, ``"pending"`` and ``"declined"`` among them
    described: dict[str, Any]  # echoed, and part of no number

    #: Variables that a test's result speaks of without telling their state, so that what series count of them no longer
    #: holds; with the result in words.
    undecided: tuple[tuple[str, str], ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """What rules of the work-up are tried on."""
        return self.answered | dict(self.known) | self.described


def stated(evidence: Evidence, given: Mapping[str, Any]) -> Stated:
    """Tell results from descriptors, and check both; None is not known."""
    finding, tests = evidence.finding, evidence.workup.tests
    descriptors = {one.name: one for one in finding.descriptors}
    states = evidence.workup.results(finding)
    answered: dict[str, str] = {}
    described: dict[str, Any] = {}
    for name, value in given.items():
        if name not in states and name not in descriptors:
            raise UnknownNameError("name", name, [*states, *descriptors, *KEYWORDS], where="consult")
        if value is None:
            continue
        if name in descriptors:
            described[name] = _described(descriptors[name], value)
        elif isinstance(value, str) and value in (*states[name], *NO_RESULT):
            answered[name] = str.__str__(value)  # as the doors do
        else:
            raise UnknownNameError(f"state of {name}", value, [*states[name], *NO_RESULT], where=name)
    known = {one.name: answered[one.name] for one in finding.states if answered.get(one.name) in one.states}
    own = dict(known)
    for test in tests:
        word = test.reads.get(answered.get(test.name, ""))
        if word is None:
            continue
        if own.get(test.of, word) != word:
            what = f"{test.of} is stated as {own[test.of]}, while {test.name} is {answered[test.name]}"
            every = ", ".join(one.name for one in tests if one.of == test.of)
            remedy = f"Leave {test.of} out and state each test; the first of {every} that tells it counts"
            raise ContradictionError(what, where=test.of, remedy=remedy)
        known.setdefault(test.of, word)
    in_order = {name: answered[name] for name in states if name in answered}
    silent = [one for one in tests if in_order.get(one.name) in one.states and in_order[one.name] not in one.reads]
    undecided = {
        one.of: f"{one.title} shows {one.state_titles[in_order[one.name]]}" for one in silent if one.of not in known
    }
    return Stated(Known.of(finding, known, several=False), in_order, described, tuple(undecided.items()))


def choices(evidence: Evidence) -> dict[str, tuple[str, ...]]:
    """What may be chosen of every finding, by keyword, what is usual first."""
    finding = evidence.finding
    return {
        "reading": tuple(one.name for one in finding.readings),
        "setting": ("any", *(one.name for one in finding.settings)),
        "audience": AUDIENCES,
        "test_errors": TEST_ERRORS,
    }


def next_variable(evidence: Evidence, stated: Stated) -> str | None:
    """The variable whose result comes next: left undecided by a test, awaited, or the first that was not declined."""
    answered, tests = stated.answered, evidence.workup.tests
    open_ones = [one.name for one in evidence.finding.states if not stated.known.states(one.name)]
    awaited = {one.of for one in tests if answered.get(one.name) == "pending"}
    first = [name for name, _ in stated.undecided]
    first += [name for name in open_ones if name in awaited or answered.get(name) == "pending"]
    first += [name for name in open_ones if answered.get(name) != "declined"]
    return next((name for name in (*first, *open_ones) if name in open_ones), None)


def _described(descriptor: Descriptor, value: Any) -> Any:
    """One descriptor, checked: a number, a whole number, a tuple of sizes, or a word."""
    where, unit = descriptor.name, f" {descriptor.unit}" if descriptor.unit else ""
    span = f"{descriptor.minimum:g} to {descriptor.maximum:g}{unit}"
    if descriptor.kind == "word":
        word = re.sub(r"[\s_]+", "-", value.strip().lower()) if isinstance(value, str) else ""
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", word):
            remedy = f"Give one such as {descriptor.words[0]}"
            raise InputError(f"{shown(value)} is not a word", where=where, remedy=remedy)
        return word
    if descriptor.kind == "size":
        if isinstance(value, (list, tuple)):
            parts: Sequence[Any] = value
        elif isinstance(value, str) and _SIZE.match(value):
            parts = [float(part) for part in re.findall(r"\d+(?:\.\d+)?", value)]
        else:
            parts = [value]
        if not 1 <= len(parts) <= 3 or not all(finite_number(part) for part in parts):
            raise InputError(f"{shown(value)} is not a size", where=where, remedy="Give it as 5.5x4.4x3.4, in mm")
        numbers = tuple(float(part) for part in parts)
        if not all(descriptor.minimum <= part <= descriptor.maximum for part in numbers):
            raise InputError(f"a size of {value} is outside {span}", where=where, remedy="Is the unit mm?")
        return numbers
    weeks = descriptor.unit == "weeks" and descriptor.kind == "number"
    if weeks and isinstance(value, str):
        value = _in_weeks(value, where)
    try:
        # Python would read 2_0 as 20.
        number = float("nan") if isinstance(value, bool) or "_" in str(value) else float(value)
    except Exception:  # whatever a stranger's object brings it to
        number = float("nan")
    whole = descriptor.kind == "integer"
    if not finite_number(number) or (whole and not number.is_integer()):
        kind = "a whole number" if whole else "a number"
        remedy = f"Give {span}" + (", as 20, 20+3 or 20w3d" if weeks else "")
        raise InputError(f"{shown(value)} is not {kind}", where=where, remedy=remedy)
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
    parts = value if isinstance(value, tuple) else (value,)
    text = " x ".join(f"{part:g}" if isinstance(part, float) else str(part) for part in parts)
    return f"{text} {descriptor.unit}".strip()


def worded(value: Any, descriptor: Descriptor) -> str:
    """A descriptor that stands by itself: with its unit, or else with its title."""
    text = said(value, descriptor)
    return text if descriptor.unit else f"{descriptor.title} {text.replace('-', ' ')}"
