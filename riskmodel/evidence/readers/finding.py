"""A finding's ``finding.toml`` to values, every fault noted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskmodel.errors import closest
from riskmodel.evidence.finding import (
    EDGE_STATUSES,
    POLARITIES,
    Descriptor,
    Disagreement,
    Edge,
    Finding,
    Given,
    Independence,
    Outcome,
    PartlyTested,
    Population,
    Reading,
    Review,
    Setting,
    Variable,
)
from riskmodel.evidence.known import Known
from riskmodel.evidence.readers.fields import Fields, read_toml
from riskmodel.evidence.readers.text import Faults, Files, Row
from riskmodel.evidence.workup import NO_RESULT

NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_WORD = re.compile(r"^[a-z0-9][a-z0-9_-]*$")
_KEY = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
_WORDS = "lower-case letters, digits, '-' and '_', beginning with a letter or digit, such as 'not-seen'"
NAMES = "Use lower-case letters, digits and '_', beginning with a letter"
_KEYS = "Use letters, digits, '.', '-' and '_', beginning with a letter or digit"
#: Names that a consultation already uses, so that no variable or descriptor may take them.
_RESERVED = {"audience", "evidence", "finding", "help", "heterogeneity", "json", "known", "markdown", "prior"}
_RESERVED |= {"detail", "reading", "setting", "test_errors"}


def read_finding(files: Files, key: str, faults: Faults) -> Finding | None:
    """Read ``finding.toml``."""
    table = read_toml("finding.toml", files, faults)
    if table is None:
        return None
    top = Fields(table, "finding.toml", "", faults)
    review = top.table_of("review")
    variables = _variables(top)
    finding = top.value(
        Finding,
        optional=("question",),
        key=key,
        updated=top.date("updated"),
        review=review.value(
            Review,
            optional=("article", "article_source"),
            article_updated=review.date("article_updated", required=False),
            plain_statement=review.text("plain_statement", required=False) or review.text("statement"),
        ),
        variables=variables,
        edges=top.each("edges", lambda one: _edge(one, variables)),
        independences=top.each("independences", lambda one: _independence(one, variables), required=False),
        outcomes=top.each("outcomes", lambda one: _outcome(one, variables)),
        populations=top.each("populations", lambda one: one.value(Population)),
        readings=top.each("readings", lambda one: one.value(Reading)),
        settings=top.each("settings", lambda one: one.value(Setting), required=False),
        descriptors=top.each("descriptors", _descriptor, required=False),
        disagreements=top.each("disagreements", lambda one: one.value(Disagreement), required=False),
        partly_tested=top.each("partly_tested", _partly_tested, required=False),
        kinds=_kinds(top, variables),
        within=_within(top, variables),
    )
    review.finish()
    top.finish()
    _check_names(finding, top)
    if len(variables) >= 2 and not any(top.told(key) for key in ("variables", "edges")):
        _check_tree(finding, top)
    return finding


def _partly_tested(fields: Fields) -> PartlyTested:
    counts = fields.texts("counts")
    if not counts and not fields.told("counts"):
        fields.fault("counts", "no count is named", "Name at least one, as `riskmodel evidence show` prints it")
    fields.once("counts", counts)
    return fields.value(PartlyTested, counts=counts)


def _variables(top: Fields) -> tuple[Variable, ...]:
    found = top.each("variables", lambda one: one.value(Variable, **read_states(one)))
    if len(found) < 2:
        top.fault("variables", "fewer than two", "Declare what can be known, and the outcome last")
    check_names(top, "variables", [one.name for one in found])
    return found


def check_names(
    fields: Fields, key: str, names: Iterable[str], pattern: re.Pattern[str] = NAME, grammar: str = NAMES
) -> None:
    """Note names that break their grammar."""
    for name in names:
        if name and not pattern.fullmatch(name):
            fields.fault(key, "not a plain name", grammar, name)
            fields.faults.refused.add(name)


def read_states(fields: Fields) -> dict[str, Any]:
    """States and how they are said, of a variable or a test; what is wrong with their names is noted."""
    states = fields.texts("states")
    if len(states) < 2 or len(set(states)) != len(states):
        remedy = 'Write them, the reassuring one first: ["normal", "abnormal"]'
        if states or not fields.told("states"):
            fields.fault("states", "not two or more different names", remedy, list(states))
    for state in states:
        if not _WORD.fullmatch(state):
            what = "a state that is not a plain word" if state else "a state without a name"
            fields.fault("states", what, f"Write states in {_WORDS}", state)
            fields.faults.refused |= {state} - {""}
        if state in NO_RESULT:
            fields.fault("states", f"{state!r} is taken", "It is an answer to every test; choose another", state)
    if not states or len(states) < 2:
        states = (*states, "")  # those that were not read
    titles = _titles(fields, "state_titles", dict(zip(states, states, strict=True)))
    plain = _titles(fields, "plain_state_titles", titles)
    return {"states": states, "state_titles": titles, "plain_state_titles": plain}


def _within(top: Fields, variables: Sequence[Variable]) -> tuple[str, ...]:
    """Variables within whose groups the outcome is asked: some of the first ones."""
    named, names = top.texts("within", required=False), [one.name for one in variables[:-1]]
    if top.told("variables"):
        return ()
    if list(named) != names[: len(named)]:
        top.fault("within", "not the first variables in their order", f"Write the first of {', '.join(names)}", named)
        return ()
    return named


def _titles(fields: Fields, key: str, usual: Mapping[str, str]) -> dict[str, str]:
    """How states are said, by state; as usual where it is left out."""
    table = fields.table_of(key, required=False)
    titles = {state: table.text(state, required=False) or title for state, title in usual.items()}
    table.finish()
    return titles


def read_given(into: Fields | Row, variables: Sequence[Variable], key: str = "given", text: str | None = None) -> Known:
    """Read known states from a key or a cell, or one of its texts, and note what is wrong with them."""
    if text is None:
        text = into[key] if isinstance(into, Row) else into.text(key, required=False)
    by_name = {variable.name: variable for variable in variables}
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        name, equals, state = (piece.strip() for piece in part.partition("="))
        if not (name and equals and state):
            # A name that was refused may hold the sign itself.
            if not any(one in text for one in into.faults.refused):
                into.fault(key, f"{part!r} is not VARIABLE=STATE", "Write it so, several joined by ';'", text)
        elif name not in by_name:
            into.unknown(key, kind="variable", name=name, known=by_name)
        elif state not in by_name[name].states:
            into.unknown(key, kind=f"state of {name}", name=state, known=by_name[name].states)
        elif name in found:
            into.fault(key, f"{name!r} is given twice", "Give it once", text)
        else:
            found[name] = state
            continue
        return Known()
    return Known((name, found[name]) for name in by_name if name in found)


def _variable(fields: Fields, key: str, variables: Sequence[Variable]) -> str:
    """A variable's name, checked where any are declared: that none is, is told there."""
    names = [one.name for one in variables]
    return fields.choice(key, names) if names else fields.text(key)


def _state_of(fields: Fields, variables: Sequence[Variable], variable_key: str, state_key: str) -> tuple[str, str]:
    """A variable's name and one of its states, each checked."""
    name = _variable(fields, variable_key, variables)
    variable = next((one for one in variables if one.name == name), None)
    state = fields.choice(state_key, variable.states) if variable else fields.text(state_key)
    return name, state


def _edge(fields: Fields, variables: Sequence[Variable]) -> Edge:
    variable, category = _state_of(fields, variables, "variable", "category")
    status = fields.choice("status", EDGE_STATUSES)
    probability = fields.number("probability", required=status in ("structural", "elicited"))
    if probability is not None:
        if not 0 <= probability <= 1:
            fields.fault("probability", "outside [0, 1]", "Give a probability", probability)
        elif status in ("structural", "unknown") and probability not in (0, 1):
            fields.fault("probability", "a definition gives 0 or 1", "Use status elicited for a judgement", probability)
        if status == "counts":
            fields.fault("probability", "an edge with counts takes its probability from them", "Delete it", probability)
    return Edge(
        variable=variable,
        category=category,
        given=read_given(fields, variables),
        status=status or "unknown",  # type: ignore[arg-type]
        probability=probability,
        definition=fields.text("definition", required=status in ("structural", "unknown", "elicited")),
        sources=fields.texts("sources", required=status == "elicited"),
        accepts=tuple(read_given(fields, variables, "accepts", one) for one in fields.texts("accepts", required=False)),
        after=fields.texts("after", required=False),
    )


def _independence(fields: Fields, variables: Sequence[Variable]) -> Independence:
    named = {key: _variable(fields, key, variables) for key in ("variable", "of")}
    return fields.value(Independence, **named, given=read_given(fields, variables))


def _outcome(fields: Fields, variables: Sequence[Variable]) -> Outcome:
    own = "variable" not in fields.table
    if own:
        fields.text("state", required=False)  # without a variable it says nothing, and is let pass
    variable, state = (None, None) if own else _state_of(fields, variables, "variable", "state")
    polarity = fields.choice("polarity", POLARITIES)
    return fields.value(Outcome, polarity=polarity, variable=variable, state=state)


def _descriptor(fields: Fields) -> Descriptor:
    kind = fields.choice("kind", ("number", "integer", "size", "word"))
    bounds = {key: fields.number(key, required=kind in ("number", "integer", "size")) for key in ("minimum", "maximum")}
    return fields.value(
        Descriptor,
        optional=("unit", *(("words",) if kind != "word" else ())),
        kind=kind,
        **{key: bound or 0.0 for key, bound in bounds.items()},
        plain_title=fields.text("plain_title", required=False) or fields.text("title"),
    )


def _kinds(top: Fields, variables: Sequence[Variable]) -> dict[str, tuple[str, ...]]:
    table, known = top.table_of("kinds", required=False), [one.name for one in variables]
    kinds: dict[str, tuple[str, ...]] = dict.fromkeys(known, ("",)) if top.told("kinds") else {}
    for name in table.table:
        kinds_of = table.texts(name) or ("",) * table.told(name)
        if name not in known:
            table.unknown(name, "variable", name, known)
        kinds[closest(name, known) or name] = kinds_of
    return kinds


def _check_names(finding: Finding, top: Fields) -> None:
    known = ("variables", "outcomes", "descriptors", "populations", "readings", "settings")
    groups = {group: [one.name for one in getattr(finding, group)] for group in known}
    groups["disagreements"] = [one.key for one in finding.disagreements]
    for group, names in groups.items():
        top.once(group, names)
        if group in ("outcomes", "descriptors"):
            check_names(top, group, names)
        elif group != "variables":  # which are checked before what names them
            check_names(top, group, names, _KEY, _KEYS)
    # Both become options and keyword arguments of a consultation.
    variables, descriptors = set(groups["variables"]), set(groups["descriptors"])
    for name in variables & descriptors | _RESERVED & (variables | descriptors):
        top.fault("variables", f"the name {name!r} is taken", "Choose another")
    if "primary" not in groups["readings"]:
        if not top.told("readings"):
            remedy = "Declare it: its rows hold wherever nothing replaces them"
            top.fault("readings", "no reading named 'primary'", remedy)
        top.faults.refused.add("primary")
    if "any" in groups["settings"]:
        top.fault("settings", "'any' is taken", "It means every setting together; choose another name")


def _check_tree(finding: Finding, top: Fields) -> None:
    """Every path must have one next edge, and end at the last variable."""
    edges: dict[Given, Edge] = {}
    for path, places in finding.splits.items():
        edges[path] = finding.edges[places[0]]
        _check_split(finding, path, [finding.edges[i] for i in places], top)
    if top.told("edges"):
        return  # an edge that belongs elsewhere is lacking there, and so are those behind it
    order = [variable.name for variable in finding.variables]
    reached: set[Given] = set()
    open_paths: list[Given] = [()]
    while open_paths:
        path = open_paths.pop()
        found = edges.get(path)
        if found is None:
            what = f"no edge leaves {str(Known(path)) or 'the start'!r}"
            top.fault("edges", what, "Declare it, with status unknown if no series tells")
            reached |= {given for given in edges if Known(given).implies(Known(path))}  # what lies behind it follows
            continue
        reached.add(path)
        place = order.index(found.variable)
        if path and place <= order.index(path[-1][0]):
            what = "the variable is already on the path, or belongs before it"
            top.fault("edges", what, "Keep the order of the variables", found.name)
        elif found.variable != order[-1]:
            open_paths.extend((*path, (found.variable, state)) for state in finding.variables[place].states)
    for given, edge in edges.items():
        if given not in reached:
            top.fault("edges", "no path leads to this edge", "Delete it, or declare the edges before it", edge.name)


def _check_split(finding: Finding, path: Given, edges: Sequence[Edge], top: Fields) -> None:
    """The edges that leave a path must rule out its variable's states one by one, until one is left."""
    variable = finding.variable(edges[0].variable)
    assert variable is not None
    place = str(Known(path)) or "the start"
    ruled: list[str] = []
    for edge in edges:
        if edge.variable != variable.name or (ruled and not edge.after):
            top.fault("edges", f"two edges leave {place!r}", "Keep one", edge.name)
            return
        if set(edge.after) != set(ruled) or edge.category in ruled:
            what = f"the states ruled out before are not those of the edges before it at {place!r}"
            remedy = f"Write after = [{', '.join(map(repr, ruled))}], and a state that is none of them"
            top.fault("edges", what, remedy, edge.name)
            return
        ruled.append(edge.category)
    left = [state for state in variable.states if state not in ruled]
    if len(left) != 1:
        what = f"{len(left)} states of {variable.name} are left without a branch at {place!r}"
        after = ", ".join(map(repr, ruled))
        more = f"Add an edge for {left[0]!r} with after = [{after}]" if left else "Delete the last"
        top.fault("edges", what, more, edges[-1].name)
