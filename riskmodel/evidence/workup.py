"""A finding's work-up as values: steps, the rules that decide their state, differential, prognosis and pitfalls.

A rule is text that a clinician can read and a program can test: ``"anatomy = isolated and karyotype is unknown"``. It
prints as it was written.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from riskmodel.errors import InputError
from riskmodel.evidence.finding import Given

StepStatus = Literal["due", "done", "not indicated", "blocked"]
STEP_STATES: tuple[str, ...] = ("due", "done", "not indicated", "blocked")

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TERM = re.compile(r"^([a-z][a-z0-9_]*)\s+(?:is\s+(known|unknown)|(<=|>=|!=|=|<|>)\s*(\S.*))$")


@dataclass(frozen=True)
class Term:
    """One part of a condition: ``anatomy is known`` or ``weeks >= 20``."""

    name: str
    test: str
    value: str

    def __str__(self) -> str:
        """As it was written."""
        return (
            f"{self.name} is {self.test}"
            if self.test in ("known", "unknown")
            else f"{self.name} {self.test} {self.value}"
        )

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it is true of what is known; a comparison with something unknown is not."""
        found = facts.get(self.name)
        if self.test == "known":
            return found is not None
        if self.test == "unknown":
            return found is None
        if found is None:
            return False
        if isinstance(found, (int, float)):
            return _COMPARE[self.test](float(found), float(self.value))
        return _COMPARE[self.test](str(found), self.value)


@dataclass(frozen=True)
class Condition:
    """Terms that must all hold; none is always true.

    Parameters
    ----------
    terms : tuple of Term
        The parts.
    """

    terms: tuple[Term, ...]

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition.

        Parameters
        ----------
        text : str
            Terms joined by ``and``: ``NAME is known``, ``NAME is unknown`` or ``NAME = VALUE`` (also ``!=``, and ``<``,
            ``<=``, ``>``, ``>=`` for numbers). Empty or ``always`` is always true.

        Returns
        -------
        Condition
            The condition.

        Raises
        ------
        InputError
            If a term cannot be read.
        """
        if text.strip() in ("", "always"):
            return cls(())
        terms = []
        for part in text.split(" and "):
            match = _TERM.match(part.strip())
            if not match:
                raise InputError(
                    f"{part.strip()!r} is not a condition",
                    remedy="Write 'anatomy is known', 'anatomy = isolated' or 'weeks >= 20'",
                )
            name, knowledge, compare, value = match.groups()
            terms.append(Term(name, knowledge or compare, (value or "").strip()))
        return cls(tuple(terms))

    def __str__(self) -> str:
        """As it was written."""
        return " and ".join(map(str, self.terms)) or "always"

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether every term is true of what is known.

        Parameters
        ----------
        facts : mapping of str to object
            Known states and descriptors by name.

        Returns
        -------
        bool
            True where there is no term.
        """
        return all(term.holds(facts) for term in self.terms)


@dataclass(frozen=True)
class Rule:
    """When a step is in a state, and why."""

    state: StepStatus
    when: Condition
    why: str


@dataclass(frozen=True)
class Step:
    """One step of the work-up.

    Parameters
    ----------
    key, title, plain_title : str
        Its name, and how it is said.
    resolves : str or None
        The variable whose state the step tells.
    informs : str or None
        An outcome of its own that the step looks for.
    algorithm_step : int or None
        Its place in the article's algorithm.
    immediate : bool
        Whether the article lists it under the immediate work-up.
    detail : str
        What is done.
    sources : tuple of str
        Keys.
    rules : tuple of Rule
        Tried in order; the first that holds decides, and the last always holds.
    """

    key: str
    title: str
    plain_title: str
    resolves: str | None
    informs: str | None
    algorithm_step: int | None
    immediate: bool
    detail: str
    sources: tuple[str, ...]
    rules: tuple[Rule, ...]

    def decide(self, facts: Mapping[str, Any]) -> Rule:
        """The rule that applies to what is known.

        Parameters
        ----------
        facts : mapping of str to object
            Known states and descriptors by name.

        Returns
        -------
        Rule
            The first whose condition holds.
        """
        return next(rule for rule in self.rules if rule.when.holds(facts))


@dataclass(frozen=True)
class Remark:
    """What is added to a statement where a condition holds."""

    when: Condition
    why: str


@dataclass(frozen=True)
class Statement:
    """Something the article says, in this project's words, with what the counts say of it.

    Parameters
    ----------
    key, text : str
        Its name, and the statement.
    sources : tuple of str
        Keys.
    counts : tuple of str
        Keys of the counts that bear on it, as `Count.key`.
    comment : str
        What the counts say of it; empty where there is nothing to add.
    when : Condition
        The consultations it belongs to.
    outcome : str or None
        An outcome whose risk belongs beside it.
    given : tuple of (str, str)
        Known states for that risk.
    remarks : tuple of Remark
        What is added where something is stated.
    """

    key: str
    text: str
    sources: tuple[str, ...]
    counts: tuple[str, ...]
    comment: str
    when: Condition
    outcome: str | None
    given: Given
    remarks: tuple[Remark, ...]


@dataclass(frozen=True)
class Neighbour:
    """A published figure to weigh a risk against: without the finding, or what a test itself may do.

    Parameters
    ----------
    key : str
        Its name.
    kind : str
        ``"background"``, for an outcome without the finding, or ``"harm"``, of a step.
    outcome, step : str or None
        What it stands beside.
    probability : float
        The figure, as published; not fitted here.
    without : float or None
        For a harm, the same figure in those who did not have the test.
    difference : tuple of (float, float, float) or None
        Published difference between the two with its 95 % interval.
    text, plain_text : str
        What was counted, among whom, and in plain words.
    sources : tuple of str
        Keys.
    """

    key: str
    kind: str
    outcome: str | None
    step: str | None
    probability: float
    without: float | None
    difference: tuple[float, float, float] | None
    text: str
    plain_text: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class WorkUp:
    """Everything a consultation says beside the risks."""

    steps: tuple[Step, ...]
    differential: tuple[Statement, ...]
    prognosis: tuple[Statement, ...]
    pitfalls: tuple[Statement, ...]
    cautions: tuple[Statement, ...]
    neighbours: tuple[Neighbour, ...]
