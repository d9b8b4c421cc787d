"""A finding's ``workup.toml`` to values, every fault noted."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from riskmodel.errors import InputError
from riskmodel.evidence.finding import Finding
from riskmodel.evidence.readers.fields import Fields, read_toml
from riskmodel.evidence.readers.finding import check_names, read_given, read_states
from riskmodel.evidence.readers.text import Faults, Files
from riskmodel.evidence.workup import (
    NO_RESULT,
    STEP_STATES,
    TIMES,
    Condition,
    End,
    LabTest,
    Neighbour,
    Remark,
    Rule,
    Statement,
    Step,
    WorkUp,
)


def read_workup(files: Files, finding: Finding, faults: Faults) -> WorkUp:
    """Read ``workup.toml``, which a folder may lack."""
    file = "workup.toml"
    table = read_toml(file, files, faults) if file in files else None
    if table is None:
        return WorkUp()
    top = Fields(table, file, "", faults)
    tests = top.each("tests", lambda one: _test(one, finding), required=False)
    taken = [*(one.name for one in finding.variables), *(one.name for one in finding.descriptors)]
    top.once("tests", (*taken, *(one.name for one in tests)))
    told = _Told(finding, tests)
    steps = top.each("steps", lambda one: _step(one, told))
    keys = [step.key for step in steps]
    top.once("steps", keys)
    builds: dict[str, Callable[..., Any]] = {"ends": _end}
    builds |= dict.fromkeys(("differential", "prognosis", "pitfalls", "cautions"), _statement)
    builds["neighbours"] = partial(_neighbour, steps=keys)
    found: dict[str, Any] = {}
    for name, build in builds.items():
        found[name] = top.each(name, partial(build, told=told), required=False)
        top.once(name, (one.key for one in found[name]))
    errors = [one.key for one in found["neighbours"] if one.kind in ("error", "")]
    for one in tests:
        if one.error is not None and one.error not in errors:
            faults.unknown(file, "neighbour of kind error", one.error, errors, column=f"tests: {one.name}")
    top.finish()
    return WorkUp(steps, tests, **found)


class _Told(NamedTuple):
    """What conditions can name."""

    finding: Finding
    tests: tuple[LabTest, ...]

    @property
    def asked(self) -> dict[str, tuple[str, ...]]:
        """By variable that can be known, and by test, its states."""
        return WorkUp(tests=self.tests).results(self.finding)


def _test(fields: Fields, finding: Finding) -> LabTest:
    name, told = fields.text("name"), read_states(fields)
    check_names(fields, "name", [name])
    variables = {one.name: one.states for one in finding.states}
    of = fields.choice("of", list(variables))
    table = fields.table_of("reads")
    read = {state: table.choice(state, variables.get(of, ("",)), required=False) for state in told["states"]}
    table.finish()
    return fields.value(
        LabTest,
        **told,
        name=name,
        of=of,
        reads={state: said for state, said in read.items() if said},
        error=fields.text("error", required=False) or None,
        sources=_cited(fields),
    )


def _end(fields: Fields, told: _Told) -> End:
    return fields.value(End, when=_condition(fields, "when", told), sources=_cited(fields))


def _condition(fields: Fields, key: str, told: _Told) -> Condition:
    text = fields.text(key, required=False)
    try:
        condition = Condition.parse(text)
    except InputError as error:
        if not any(one in text for one in fields.faults.refused):
            fields.fault(key, error.what, error.remedy, text)
        return Condition(())
    descriptors = {one.name: one for one in told.finding.descriptors}
    for term in condition.terms:
        states, descriptor = told.asked.get(term.name), descriptors.get(term.name)
        if states is None and descriptor is None:
            fields.unknown(key, "name in a condition", term.name, [*told.asked, *descriptors])
        elif term.test in ("known", "unknown"):
            continue
        elif states is not None:
            if term.test not in ("=", "!="):
                fields.fault(key, f"{term.test!r} needs a number", "Use = or !=", text)
            elif term.value not in (*states, *NO_RESULT):
                fields.unknown(key, f"state of {term.name}", term.value, [*states, *NO_RESULT])
        elif descriptor is not None and descriptor.kind:
            numeric = re.fullmatch(r"-?\d+(\.\d+)?", term.value) is not None
            if descriptor.kind == "size" or numeric != (descriptor.kind in ("number", "integer")):
                fields.fault(key, f"{term} cannot be tested", f"{descriptor.name} is a {descriptor.kind}", text)
    return condition


def _rule(fields: Fields, told: _Told) -> Rule:
    state = fields.choice("state", STEP_STATES)
    return Rule(state or "due", _condition(fields, "when", told), fields.text("why"))  # type: ignore[arg-type]


def _step(fields: Fields, told: _Told) -> Step:
    finding = told.finding
    rules = list(fields.each("rules", lambda one: _rule(one, told)))
    if not fields.told("rules") and (not rules or rules[-1].when.terms):
        remedy = 'End with { state = "due", when = "always", why = "..." }'
        fields.fault("rules", "no rule that always holds comes last", remedy)
    if not rules or rules[-1].when.terms:
        rules.append(Rule("due", Condition(()), ""))
    number = fields.number("algorithm_step", required=False)
    resolves = fields.choice("resolves", [one.name for one in finding.states], required=False) or None
    test = fields.choice("test", [one.name for one in told.tests], required=False) or None
    of = {one.of for one in told.tests if one.name == test}
    if test is not None and not fields.told("resolves") and not of & {resolves, ""}:
        fields.fault("test", "the test is not of the variable that the step resolves", "Name its variable", test)
    return fields.value(
        Step,
        resolves=resolves,
        test=test,
        time=fields.choice("time", TIMES, required=False) or TIMES[0],
        informs=fields.choice("informs", [one.name for one in finding.outcomes], required=False) or None,
        algorithm_step=int(number) if number is not None else None,
        sources=_cited(fields),
        rules=tuple(rules),
    )


def _statement(fields: Fields, told: _Told) -> Statement:
    finding = told.finding
    return fields.value(
        Statement,
        optional=("counts", "comment"),
        sources=_cited(fields),
        when=_condition(fields, "when", told),
        outcome=fields.choice("outcome", [one.name for one in finding.outcomes], required=False) or None,
        given=read_given(fields, finding.variables),
        remarks=fields.each(
            "remarks", lambda one: Remark(_condition(one, "when", told), one.text("why")), required=False
        ),
    )


def _neighbour(fields: Fields, told: _Told, steps: Sequence[str]) -> Neighbour:
    kind = fields.choice("kind", ("background", "harm", "error"))
    beside = "outcome" if kind == "background" else "step"
    known = [one.name for one in told.finding.outcomes] if kind == "background" else steps
    named = fields.choice(beside, known, required=bool(kind)) or None
    fields.asked |= set() if kind else {"outcome"}
    numbers = fields.numbers("difference", 3)
    if numbers and not numbers[1] <= numbers[0] <= numbers[2]:
        fields.fault("difference", "the estimate is outside its interval", "Write [estimate, lower, upper]", numbers)
    probability, interval = _share(fields, "probability") or 0.0, fields.numbers("interval", 2)
    if interval and not fields.told("probability") and not 0 <= interval[0] <= probability <= interval[1] <= 1:
        fields.fault("interval", "the figure is outside its interval", "Write [lower, upper]", interval)
    return fields.value(
        Neighbour,
        optional=("differs",),
        kind=kind,
        outcome=named if kind == "background" else None,
        step=named if kind != "background" else None,
        probability=probability,
        interval=interval or None,
        without=_share(fields, "without", required=False),
        difference=numbers or None,
        sources=_cited(fields),
    )


def _share(fields: Fields, key: str, *, required: bool = True) -> float | None:
    value = fields.number(key, required=required)
    if value is not None and not 0 <= value <= 1:
        fields.fault(key, "not a probability", "Give a number from 0 to 1", value)
        return None
    return value


def _cited(fields: Fields) -> tuple[str, ...]:
    sources = fields.texts("sources")
    if not sources and not fields.told("sources"):
        fields.fault("sources", "nothing is cited", "Name at least one source")
    return sources
