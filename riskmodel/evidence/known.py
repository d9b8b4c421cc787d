"""What is known of a fetus as a value: of each variable that is known, the states that it may be in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from riskmodel.errors import UnknownNameError

if TYPE_CHECKING:
    from riskmodel.evidence.finding import Finding, Variable

#: Between states of which one holds, as a question, a table and JSON write them: ``"mild|severe"``.
_OR = "|"


def one_of(states: Iterable[str]) -> str:
    """States of which one holds, as one text."""
    return _OR.join(states)


def states_in(text: str) -> tuple[str, ...]:
    """The states that a text of `one_of` names."""
    return tuple(text.split(_OR))


class Known(tuple[tuple[str, str], ...]):
    """Pairs of a variable and its state or states, in the order of the finding: ``(("karyotype", "normal|abnormal"),)``.

    Compared, ordered, hashed and pickled as the tuple that it is; ``dict(known)`` is its form in JSON. Build it with `of`
    or `with_state`, which check names and put both variables and states in order.
    """

    __slots__ = ()

    @classmethod
    def of(cls, finding: Finding, states: Mapping[str, Any], *, several: bool = True) -> Known:
        """States by variable, checked; None is not known, and without `several` a variable has one state."""
        variables = {one.name: one for one in finding.states}
        for name in states:
            if name not in variables:
                raise UnknownNameError("variable", name, variables, where="known states")
        return cls(
            (name, _checked(variable, str(states[name]), several))
            for name, variable in variables.items()
            if states.get(name) is not None
        )

    def with_state(self, finding: Finding, variable: str, state: str) -> Known:
        """The same with a variable in these states instead; the finding's last one too, since a question asks of it."""
        declared = finding.variable(variable)
        if declared is None:
            raise UnknownNameError("variable", variable, [one.name for one in finding.variables], where="known states")
        states = dict(self) | {variable: _checked(declared, state)}
        return Known((one.name, states[one.name]) for one in finding.variables if one.name in states)

    def without(self, variable: str) -> Known:
        """The same with nothing known of a variable."""
        return Known(pair for pair in self if pair[0] != variable)

    def narrowed(self, finding: Finding, variable: str, state: str) -> Known | None:
        """The same with a variable in these states as well as in those it is in; None where it cannot be in both."""
        both = [one for one in states_in(state) if self.allows(variable, one)]
        return self.with_state(finding, variable, one_of(both)) if both else None

    def states(self, variable: str) -> tuple[str, ...]:
        """States that a variable may be in; empty where it is not known."""
        return next((states_in(state) for name, state in self if name == variable), ())

    def allows(self, variable: str, state: str) -> bool:
        """Whether a variable may be in a state, or in one of several; what is not known may be in any."""
        own = self.states(variable)
        return not own or not set(own).isdisjoint(states_in(state))

    def implies(self, condition: Iterable[tuple[str, str]]) -> bool:
        """Whether some states must hold where these do."""
        return all((own := self.states(name)) and set(own) <= set(states_in(state)) for name, state in condition)

    def contradicts(self, condition: Iterable[tuple[str, str]]) -> bool:
        """Whether some states cannot hold where these do."""
        return not all(self.allows(name, state) for name, state in condition)

    def __str__(self) -> str:
        """As a counts file writes it: ``anatomy=isolated; karyotype=normal``."""
        return "; ".join(f"{name}={state}" for name, state in self)


def _checked(variable: Variable, text: str, several: bool = True) -> str:
    """A state, or the text of several, in the variable's order."""
    found = states_in(text) if several else (text,)
    for one in found:
        if one not in variable.states:
            raise UnknownNameError(f"state of {variable.name}", one, variable.states, where=variable.name)
    return one_of(one for one in variable.states if one in found)
