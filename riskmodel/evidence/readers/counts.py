"""A finding's ``counts.csv`` to values, every fault noted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from riskmodel.errors import closest
from riskmodel.evidence.finding import BASES, ROLES, TERMINATIONS, Count, Finding, Source
from riskmodel.evidence.readers.finding import parse_given
from riskmodel.evidence.readers.text import Column, Faults, Row, header, read_csv
from riskmodel.evidence.readings import as_tested

#: Columns of ``counts.csv``.
COLUMNS = {
    "source": Column("Key of the publication in sources.csv.", limits={"required": True}),
    "variable": Column(
        "What was counted: a variable of the tree, or an outcome counted by itself.", limits={"required": True}
    ),
    "category": Column("The state of the variable that the events are in.", limits={"required": True}),
    "given": Column("Among whom: VARIABLE=STATE, several joined by a semicolon; empty for all."),
    "events": Column("Fetuses in the category.", "integer", {"required": True, "minimum": 0}),
    "total": Column("Fetuses counted.", "integer", {"required": True, "minimum": 1}),
    "population": Column("Who was counted; not every population is pooled.", limits={"required": True}),
    "definition": Column("What counted as the category, where series differ."),
    "ascertainment": Column("How these fetuses came to be seen."),
    "terminations": Column(
        "Whether terminated pregnancies are in the count.", limits={"required": True, "enum": list(TERMINATIONS)}
    ),
    "basis": Column("How the number was read.", limits={"required": True, "enum": list(BASES)}),
    "reading": Column(
        "Under which reading of disputed rows it holds; primary ones hold wherever nothing replaces them.",
        limits={"required": True},
    ),
    "replaces": Column("In another reading: the primary rows it stands in for."),
    "note": Column("What a reader must know."),
    "role": Column(
        "fit (or empty) enters fits, check repeats fetuses counted elsewhere, context is never pooled.",
        limits={"enum": list(ROLES)},
        optional=True,
    ),
    "tested": Column(
        "Where not all of these fetuses were tested for a variable, the most that can have been: VARIABLE=NUMBER, several "
        "joined by a semicolon; empty where all were tested for what the row names.",
        optional=True,
    ),
}


def read_counts(path: Path, finding: Finding, sources: Mapping[str, Source], faults: Faults) -> tuple[Count, ...]:
    """Read ``counts.csv`` and check it against the finding and its sources."""
    rows = read_csv(path, faults, **header(COLUMNS))
    counts = tuple(filter(None, (_count(row, finding, sources) for row in rows)))
    _check_together(path.name, counts, finding, faults)
    return counts


def _choice(row: Row, column: str, kind: str, known: Sequence[str], default: str = "") -> str:
    """A cell, noted where it is none of what is known."""
    value = row[column] or default
    if not value:
        row.fault(column, "empty", f"Give one of: {', '.join(known)}")
    elif value not in known:
        row.unknown(column, kind, known)
    return value


def _category(row: Row, finding: Finding) -> tuple[str, str]:
    """The row's variable and category, known to the finding."""
    own = [one.name for one in finding.outcomes if one.variable is None]
    variable = _choice(row, "variable", "variable", [*(one.name for one in finding.variables), *own])
    declared = finding.variable(variable)
    if declared is None and variable not in own:
        return variable, row["category"]
    known = ["yes"] if declared is None else [*declared.states, *finding.kinds.get(variable, ())]
    return variable, _choice(row, "category", f"category of {variable}", known)


def _count(row: Row, finding: Finding, sources: Mapping[str, Source]) -> Count | None:
    """A row as a value, or None where its numbers cannot be read."""
    if not row["source"]:
        row.fault("source", "no source", "Name a key of sources.csv: a count without a citation is not evidence")
    elif row["source"] not in sources:
        row.unknown("source", "source", sources)
    variable, category = _category(row, finding)
    given, wrong = parse_given(row["given"], finding.variables)
    if wrong:
        row.fault("given", wrong, "Write VARIABLE=STATE, several joined by ';'")
    declared = finding.variable(variable)
    if declared is not None and category in declared.states and any(name == variable for name, _ in given):
        row.fault("given", f"{variable} is given as well as counted", "Count it, or condition on it")
    counted = row.counted()
    tested = _tested(row, finding, variable, counted[1]) if counted else ()
    named = {
        "terminations": _choice(row, "terminations", "value", TERMINATIONS),
        "basis": _choice(row, "basis", "basis", BASES),
        "reading": _choice(row, "reading", "reading", [one.name for one in finding.readings]),
        "role": _choice(row, "role", "role", ROLES, default="fit"),
        "population": _choice(row, "population", "population", [one.name for one in finding.populations]),
    }
    if not row["ascertainment"]:
        row.fault("ascertainment", "empty", "Say how these fetuses came to be seen, such as referral or routine")
    if named["role"] == "fit" and named["population"] in [one.name for one in finding.populations if not one.pooled]:
        row.fault("role", f"the population {named['population']!r} is never pooled", "Set role to context")
    replaces = tuple(filter(None, (part.strip() for part in row["replaces"].split(";;"))))
    if replaces and named["reading"] == "primary":
        row.fault("replaces", "a primary row replaces nothing", "Correct the row itself, or give it another reading")
    if counted is None:
        return None
    events, total = counted
    told = {name: row[name] for name in ("source", "definition", "ascertainment", "note")}
    return Count(
        **named, **told, variable=variable, category=category, given=given, events=events, total=total,
        replaces=replaces, row=row.number, tested=tested,
    )  # fmt: skip


def _tested(row: Row, finding: Finding, counted: str, total: int) -> tuple[tuple[str, int], ...]:
    """How many were tested for what, in the order of the finding."""
    known = [one.name for one in finding.states]
    found: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in row["tested"].split(";"))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if not re.fullmatch("[0-9]{1,10}", number):
            row.fault("tested", f"{part!r} is not VARIABLE=NUMBER", "Write VARIABLE=NUMBER, several joined by ';'")
        elif name not in known:
            row.faults.unknown(row.file, "variable that is tested for", name, known, row=row.number, column="tested")
        elif name in found:
            row.fault("tested", f"{name} is said twice", "Say it once")
        elif int(number) > total:
            row.fault("tested", f"{number} tested for {name} of {total}", "At most all of them were; are they swapped?")
        elif name == counted and int(number) < total:
            what = f"{total} counted, of whom {number} were tested for {name}"
            row.fault("tested", what, "Give those tested as the total: of others the test says nothing")
        found.setdefault(name, int(number) if number.isdigit() else 0)
    return tuple((name, found[name]) for name in known if name in found)


def _check_together(file: str, counts: Sequence[Count], finding: Finding, faults: Faults) -> None:
    """What only shows when rows are seen together: duplicates, replaced rows, kinds that do not sum."""
    seen: dict[tuple[str, ...], Count] = {}
    reread: dict[tuple[str, ...], Count] = {}
    for count in counts:
        declared = finding.variable(count.variable)
        # The two states of a variable are one count, told twice; of more, each is one.
        twice = declared is not None and len(declared.states) == 2 and count.category in declared.states
        category = "" if twice else count.category
        place = (count.reading, count.source, count.variable, category, str(count.given), count.population)
        if place in seen:
            what = f"the same count as row {seen[place].row} of the reading {count.reading!r}"
            faults.add(file, what, "Keep one: a series must not be counted twice", row=count.row, found=count.key)
        seen.setdefault(place, count)
        wide = (*place[:4], str(as_tested(count).given), count.population)
        if wide != place and count.role == "fit" and reread.setdefault(wide, count) is not count:
            what = f"without what not all were tested for, the same count as row {reread[wide].row}"
            faults.add(file, what, "Give one of them role check", row=count.row, column="tested", found=count.key)
    primary = {count.key for count in counts if count.reading == "primary"}
    for count in counts:
        for key in count.replaces:
            if key not in primary:
                near = closest(key, sorted(primary))
                remedy = f"Did you mean {near!r}?" if near else "Write it as 'SOURCE: VARIABLE=CATEGORY | GIVEN'"
                faults.add(file, "no primary row counts this", remedy, row=count.row, column="replaces", found=key)
        if count.reading != "primary" and count.key in primary and count.key not in count.replaces:
            what = f"the reading {count.reading!r} counts this beside the primary row"
            remedy = "Name that row in the column replaces"
            faults.add(file, what, remedy, row=count.row, column="replaces", found=count.key)
    _check_kinds(file, counts, finding, faults)
    _check_states(file, counts, finding, faults)


def _check_states(file: str, counts: Sequence[Count], finding: Finding, faults: Faults) -> None:
    """Counts of several states of one variable, of the same fetuses, must have one total and not exceed it."""
    for reading in finding.readings:
        replaced = {key for count in counts if count.reading == reading.name for key in count.replaces}
        groups: dict[tuple[str, str, str, str], list[Count]] = {}
        for count in counts:
            holds = count.reading == reading.name or (count.reading == "primary" and count.key not in replaced)
            declared = finding.variable(count.variable)
            if holds and declared is not None and count.category in declared.states:
                place = (count.source, count.variable, str(count.given), count.population)
                groups.setdefault(place, []).append(count)
        for (source, variable, _, _), group in groups.items():
            declared = finding.variable(variable)
            assert declared is not None
            if len({count.category for count in group}) < len(group):
                continue  # told twice, which is told
            totals = sorted({count.total for count in group})
            events = sum(count.events for count in group)
            whole = {count.category for count in group} == set(declared.states)
            if len(totals) > 1:
                what = f"the states of {variable} of {source} have totals {' and '.join(map(str, totals))}"
                remedy = "Give the number in whom the variable is known, the same for each state"
            elif events > totals[0] or (whole and events != totals[0]):
                what = f"the states of {variable} of {source} sum to {events} of {totals[0]}"
                remedy = "Correct the counts; leave a state out if the source does not report it"
            else:
                continue
            if reading.name == "primary" or any(count.reading == reading.name for count in group):
                faults.add(file, what, remedy, row=group[-1].row, column="total" if len(totals) > 1 else "events")


def _check_kinds(file: str, counts: Sequence[Count], finding: Finding, faults: Faults) -> None:
    for variable, kinds in finding.kinds.items():
        groups: dict[tuple[str, str, str], list[Count]] = {}
        for count in counts:
            if count.variable == variable and count.category in kinds:
                groups.setdefault((count.source, count.reading, str(count.given)), []).append(count)
        for (source, _, _), group in groups.items():
            totals = {count.total for count in group}
            events = sum(count.events for count in group)
            if len(totals) > 1 or events != max(totals):
                listed = " or ".join(map(str, sorted(totals)))
                what = f"the kinds of {variable} of {source} sum to {events} of {listed}"
                remedy = "List every kind; put the rest under another kind"
                faults.add(file, what, remedy, row=group[0].row, column="events")
