"""What a fitted tree says to its standing questions: every branch, and every headline outcome."""

from __future__ import annotations

from typing import Any, NamedTuple

from riskmodel.evidence.known import Known
from riskmodel.tree.estimate import Route
from riskmodel.tree.model import ProbabilityTree


class Question(NamedTuple):
    """A standing question."""

    kind: str  # ``"branch"`` or ``"outcome"``
    name: str  # of the branch, such as ``"P(karyotype=abnormal | anatomy=isolated)"``, or of the outcome
    given: Known  # what is known
    title: str  # in words

    @property
    def text(self) -> str:
        """The question in one line, by which it is known in a record."""
        return self.name if self.kind == "branch" or not self.given else f"{self.name} | {self.given}"


def questions(model: ProbabilityTree) -> tuple[Question, ...]:
    """Every branch that counts feed, then every headline outcome: nothing known, and each state of the first variable."""
    finding = model.evidence.finding
    found = [Question("branch", one.name, one.given, one.said) for one in finding.edges if one.status == "counts"]
    first = finding.variables[0]
    groups = [Known(), *(Known.of(finding, {first.name: state}) for state in first.states)]
    for given in groups:
        where = ", ".join(f"{name} {state}" for name, state in given)
        for outcome in finding.outcomes:
            if outcome.headline and outcome.variable not in dict(given):
                title = outcome.title + (f" where {where}" if where else "")
                found.append(Question("outcome", outcome.name, given, title))
    return tuple(found)


def route(model: ProbabilityTree, question: Question) -> Route | None:
    """The answer to a standing question."""
    if question.kind == "outcome":
        return model.risk(question.name, **dict(question.given))
    return model.branch(next(edge for edge in model.edges if edge.name == question.name))


def numbers(found: Route | None) -> dict[str, Any]:
    """An answer as JSON knows it."""
    interval = None if found is None else found.interval()
    return {
        "probability": None if found is None else found.mean,
        "lower": None if interval is None else interval[0],
        "upper": None if interval is None else interval[1],
        "series": 0 if found is None else found.series,
        "reason": "no series feeds it" if found is None else found.reason,
    }
