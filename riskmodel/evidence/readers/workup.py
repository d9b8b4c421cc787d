"""A finding's ``workup.toml`` to values, every fault noted."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from riskmodel.errors import InputError
from riskmodel.evidence.finding import Finding
from riskmodel.evidence.readers.fields import Fields, read_toml
from riskmodel.evidence.readers.finding import read_given
from riskmodel.evidence.readers.text import Faults
from riskmodel.evidence.workup import STEP_STATES, Condition, Neighbour, Remark, Rule, Statement, Step, WorkUp


def read_workup(path: Path, finding: Finding, faults: Faults) -> WorkUp:
    """Read ``workup.toml``."""
    if not os.path.lexists(path):
        return WorkUp()
    table = read_toml(path, faults)
    if table is None:
        return WorkUp()
    top = Fields(table, path.name, "", faults)
    steps = top.each("steps", lambda one: _step(one, finding))
    top.once("steps", (step.key for step in steps))
    keys = [step.key for step in steps]
    found: dict[str, Any] = {}
    for name in ("differential", "prognosis", "pitfalls", "cautions", "neighbours"):
        build = partial(_neighbour, steps=keys) if name == "neighbours" else _statement
        found[name] = top.each(name, partial(build, finding=finding), required=False)
        top.once(name, (one.key for one in found[name]))
    top.finish()
    return WorkUp(steps, **found)


def _condition(fields: Fields, key: str, finding: Finding) -> Condition:
    text = fields.text(key, required=False)
    try:
        condition = Condition.parse(text)
    except InputError as error:
        fields.fault(key, error.what, error.remedy, text)
        return Condition(())
    descriptors = {one.name: one for one in finding.descriptors}
    for term in condition.terms:
        variable, descriptor = finding.variable(term.name), descriptors.get(term.name)
        if variable is None and descriptor is None:
            known = [*(one.name for one in finding.states), *descriptors]
            fields.faults.unknown(fields.file, "name in a condition", term.name, known, column=f"{fields.place}.{key}")
        elif variable is not None and term.test not in ("known", "unknown"):
            if term.test not in ("=", "!="):
                fields.fault(key, f"{term.test!r} needs a number", "Use = or !=", text)
            elif term.value not in variable.states:
                kind = f"state of {variable.name}"
                fields.faults.unknown(fields.file, kind, term.value, variable.states, column=f"{fields.place}.{key}")
        elif descriptor is not None and term.test not in ("known", "unknown"):
            numeric = re.fullmatch(r"-?\d+(\.\d+)?", term.value) is not None
            if descriptor.kind == "size" or numeric != (descriptor.kind in ("number", "integer")):
                fields.fault(key, f"{term} cannot be tested", f"{descriptor.name} is a {descriptor.kind}", text)
    return condition


def _rule(fields: Fields, finding: Finding) -> Rule:
    state = fields.choice("state", STEP_STATES)
    return Rule(state or "due", _condition(fields, "when", finding), fields.text("why"))  # type: ignore[arg-type]


def _step(fields: Fields, finding: Finding) -> Step:
    rules = [*fields.each("rules", lambda one: _rule(one, finding))]
    if not rules or rules[-1].when.terms:
        remedy = 'End with { state = "due", when = "always", why = "..." }'
        fields.fault("rules", "no rule that always holds comes last", remedy)
        rules.append(Rule("due", Condition(()), ""))
    number = fields.number("algorithm_step", required=False)
    return fields.value(
        Step,
        resolves=fields.choice("resolves", [one.name for one in finding.states], required=False) or None,
        informs=fields.choice("informs", [one.name for one in finding.outcomes], required=False) or None,
        algorithm_step=int(number) if number is not None else None,
        sources=_cited(fields),
        rules=tuple(rules),
    )


def _statement(fields: Fields, finding: Finding) -> Statement:
    return fields.value(
        Statement,
        optional=("counts", "comment"),
        sources=_cited(fields),
        when=_condition(fields, "when", finding),
        outcome=fields.choice("outcome", [one.name for one in finding.outcomes], required=False) or None,
        given=read_given(fields, finding.variables),
        remarks=fields.each(
            "remarks", lambda one: Remark(_condition(one, "when", finding), one.text("why")), required=False
        ),
    )


def _neighbour(fields: Fields, finding: Finding, steps: Sequence[str]) -> Neighbour:
    kind = fields.choice("kind", ("background", "harm"))
    beside = "outcome" if kind == "background" else "step"
    known = [one.name for one in finding.outcomes] if kind == "background" else steps
    named = fields.choice(beside, known) or None
    numbers = fields.numbers("difference", 3)
    if numbers and not numbers[1] <= numbers[0] <= numbers[2]:
        fields.fault("difference", "the estimate is outside its interval", "Write [estimate, lower, upper]", numbers)
    return fields.value(
        Neighbour,
        kind=kind,
        outcome=named if kind == "background" else None,
        step=named if kind == "harm" else None,
        probability=_share(fields, "probability") or 0.0,
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
    if not sources and "sources" in fields.table:
        fields.fault("sources", "nothing is cited", "Name at least one source")
    return sources
