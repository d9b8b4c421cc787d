"""A finding's work-up as values: tests, steps, the rules that decide their state, stated ends, and what is said beside.

A rule is text that a clinician can read and a program can test: ``"anatomy = isolated and karyotype is unknown"``. It
prints as it was written.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from riskmodel._support.kept import Value
from riskmodel.errors import InputError
from riskmodel.evidence.known import Known

if TYPE_CHECKING:
    from riskmodel.evidence.finding import Finding

StepStatus = Literal["due", "planned", "awaited", "declined", "done", "not indicated", "blocked"]
STEP_STATES: tuple[str, ...] = get_args(StepStatus)
#: Answers to a test that has no result: it tells nothing, and its step is not offered again. By answer, the step's state.
NO_RESULT: dict[str, StepStatus] = {"pending": "awaited", "declined": "declined"}
TIMES: tuple[str, ...] = ("before birth", "after birth")

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TERM = re.compile(r"^([a-z][a-z0-9_]*)\s+(?:is\s+(known|unknown)|(<=|>=|!=|=|<|>)\s*(\S.*))$")


@dataclass(frozen=True)
class Term:
    """One part of a condition: ``anatomy is known`` or ``weeks >= 20``."""

    name: str
    test: str
    value: str

    def __str__(self) -> str:
        """As it was written."""
        return f"{self.name} {self.test} {self.value}" if self.test in _COMPARE else f"{self.name} is {self.test}"

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is true of what is known; a comparison with something unknown is not."""
        found = facts.get(self.name)
        if self.test in ("known", "unknown"):
            return (found is not None and found not in NO_RESULT) == (self.test == "known")
        kind = float if isinstance(found, (int, float)) else str
        return found is not None and _COMPARE[self.test](kind(found), kind(self.value))


@dataclass(frozen=True)
class Condition:
    """Terms that must all hold; none is always true."""

    terms: tuple[Term, ...]  # the parts

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition."""
        if text.strip() in ("", "always"):
            return cls(())
        terms = []
        for part in text.split(" and "):
            match = _TERM.match(part.strip())
            if not match:
                remedy = "Write 'anatomy is known', 'anatomy = isolated' or 'weeks >= 20'"
                raise InputError(f"{part.strip()!r} is not a condition", remedy=remedy)
            name, knowledge, compare, value = match.groups()
            terms.append(Term(name, knowledge or compare, (value or "").strip()))
        return cls(tuple(terms))

    def __str__(self) -> str:
        """As it was written."""
        return " and ".join(map(str, self.terms)) or "always"

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether every term is true of what is known."""
        return all(term.holds(facts) for term in self.terms)


@dataclass(frozen=True)
class Rule:
    """When a step is in a state, and why."""

    state: StepStatus
    when: Condition
    why: str


@dataclass(frozen=True, eq=False)
class LabTest(Value):
    """A test that tells of a variable without being it: a mother's serology is not yet an infection of the fetus."""

    name: str  # name, title, plain_title: as an option, by clinicians, and by everybody
    title: str
    plain_title: str
    of: str  # the variable that it tells of
    states: tuple[str, ...]  # its results, the reassuring one first
    #: state_titles, plain_state_titles: how a result is said by clinicians, and by everybody.
    state_titles: Mapping[str, str]
    plain_state_titles: Mapping[str, str]
    #: By result the variable's state, if it is taken at its word; a result left out tells nothing.
    reads: Mapping[str, str]
    definition: str  # what is tested, and what it is not
    error: str | None  # key of the neighbour that says how often it misses what it looks for
    sources: tuple[str, ...]  # keys


@dataclass(frozen=True)
class Step:
    """One step of the work-up."""

    key: str  # key, title, plain_title: its name, and how it is said
    title: str
    plain_title: str
    resolves: str | None  # the variable whose state the step tells
    test: str | None  # the test that it is, where there are several of one variable
    informs: str | None  # an outcome of its own that the step looks for
    algorithm_step: int | None  # its place in the article's algorithm
    immediate: bool  # whether the article lists it under the immediate work-up
    time: str  # ``"before birth"`` or ``"after birth"``: what is done after birth is planned now, never due
    detail: str  # what is done
    sources: tuple[str, ...]  # keys
    rules: tuple[Rule, ...]  # tried in order; the first that holds decides, and the last always holds

    def decide(self, facts: Mapping[str, Any]) -> Rule:
        """The rule that applies to what is known; a test without a result is awaited or declined, whatever the rules."""
        own = NO_RESULT.get(str(facts.get(self.test or self.resolves or "")))
        if own is not None:
            why = f"Stated as {own}: the answer sums over its results, as where nothing is known."
            return Rule(own, Condition(()), why)
        rule = next(rule for rule in self.rules if rule.when.holds(facts))
        return replace(rule, state="planned") if (rule.state, self.time) == ("due", TIMES[1]) else rule


@dataclass(frozen=True)
class End:
    """Where the algorithm stops, stated: why nothing more of it is due, and what lies outside it."""

    #: key, title, text: its name, where it leads in a few words, and what is said; the plain ones for everybody.
    key: str
    title: str
    plain_title: str
    text: str
    plain_text: str
    when: Condition  # where it holds
    sources: tuple[str, ...]  # keys


@dataclass(frozen=True)
class Remark:
    """What is added to a statement where a condition holds."""

    when: Condition
    why: str


@dataclass(frozen=True)
class Statement:
    """Something the article says, in this project's words, with what the counts say of it."""

    key: str  # key, text: its name, and the statement
    text: str
    sources: tuple[str, ...]  # keys
    counts: tuple[str, ...]  # keys of the counts that bear on it, as `Count.key`
    comment: str  # what the counts say of it; empty where there is nothing to add
    when: Condition  # the consultations it belongs to
    outcome: str | None  # an outcome whose risk belongs beside it
    given: Known  # known states for that risk
    remarks: tuple[Remark, ...]  # what is added where something is stated


@dataclass(frozen=True)
class Neighbour:
    """A published figure to weigh a risk against: without the finding, or what a test itself may do."""

    key: str  # its name
    kind: str  # ``"background"``, for an outcome without the finding; ``"harm"`` or ``"error"``, of a step
    outcome: str | None  # outcome, step: what it stands beside
    step: str | None
    probability: float  # the figure, as published; not fitted here
    interval: tuple[float, float] | None  # its published 95 % interval
    differs: str  # how its definition differs from that of the outcome or test beside which it stands
    without: float | None  # for a harm, the same figure in those who did not have the test
    difference: tuple[float, float, float] | None  # published difference between the two with its 95 % interval
    text: str  # text, plain_text: what was counted, among whom, and in plain words
    plain_text: str
    sources: tuple[str, ...]  # keys


@dataclass(frozen=True, repr=False)
class WorkUp:
    """Everything a consultation says beside the risks."""

    steps: tuple[Step, ...] = ()
    tests: tuple[LabTest, ...] = ()  # those of a variable, the one that outweighs the others first
    ends: tuple[End, ...] = ()
    differential: tuple[Statement, ...] = ()
    prognosis: tuple[Statement, ...] = ()
    pitfalls: tuple[Statement, ...] = ()
    cautions: tuple[Statement, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()

    def __repr__(self) -> str:
        """How much there is."""
        return f"WorkUp({len(self.steps)} steps, {len(self.tests)} tests, {len(self.ends)} ends)"

    def results(self, finding: Finding) -> dict[str, tuple[str, ...]]:
        """By variable that can be known and by test, in this order, what each may show."""
        shown = {one.name: one.states for one in finding.states}
        return shown | {one.name: one.states for one in self.tests}

    def standing(self, facts: Mapping[str, Any]) -> tuple[End, ...]:
        """The ends that hold where these are known."""
        return tuple(one for one in self.ends if one.when.holds(facts))
