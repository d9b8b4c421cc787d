"""A finding's ``counts.csv`` to values, every fault noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from riskmodel.errors import closest
from riskmodel.evidence.finding import BASES, ROLES, TERMINATIONS, Count, Finding, Source
from riskmodel.evidence.readers.finding import parse_given
from riskmodel.evidence.readers.text import Column, Faults, Row, header, read_csv, read_whole

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
}


def read_counts(path: Path, finding: Finding, sources: Mapping[str, Source], faults: Faults) -> tuple[Count, ...]:
    """Read ``counts.csv`` and check it against the finding and its sources."""
    rows = read_csv(path, faults, **header(COLUMNS))
    counts = tuple(filter(None, (_Line(path.name, row, faults).count(finding, sources) for row in rows)))
    _check_together(path.name, counts, finding, faults)
    return counts


@dataclass(frozen=True)
class _Line:
    """One row while it is checked."""

    file: str
    row: Row
    faults: Faults

    def fault(self, column: str, what: str, remedy: str) -> None:
        self.faults.add(self.file, what, remedy, row=self.row.number, column=column, found=self.row[column])

    def choice(self, column: str, kind: str, known: Sequence[str], default: str = "") -> str:
        value = self.row[column] or default
        if not value:
            self.fault(column, "empty", f"Give one of: {', '.join(known)}")
        elif value not in known:
            self.faults.unknown(self.file, kind, value, known, row=self.row.number, column=column)
        return value

    def whole(self, column: str) -> int | None:
        return read_whole(self.file, self.row, column, self.faults)

    def category(self, finding: Finding) -> tuple[str, str]:
        """The row's variable and category, known to the finding."""
        own = [one.name for one in finding.outcomes if one.variable is None]
        variable = self.choice("variable", "variable", [*(one.name for one in finding.variables), *own])
        declared = finding.variable(variable)
        if declared is not None:
            known = [*declared.states, *finding.kinds.get(variable, ())]
        elif variable in own:
            known = ["yes"]
        else:
            return variable, self.row["category"]
        return variable, self.choice("category", f"category of {variable}", known)

    def count(self, finding: Finding, sources: Mapping[str, Source]) -> Count | None:
        """The row as a value, or None where its numbers cannot be read."""
        row = self.row
        if row["source"] not in sources:
            if row["source"]:
                self.faults.unknown(self.file, "source", row["source"], sources, row=row.number, column="source")
            else:
                self.fault(
                    "source", "no source", "Name a key of sources.csv: a count without a citation is not evidence"
                )
        variable, category = self.category(finding)
        given, wrong = parse_given(row["given"], finding.variables)
        if wrong:
            self.fault("given", wrong, "Write VARIABLE=STATE, several joined by ';'")
        declared = finding.variable(variable)
        if declared is not None and category in declared.states and any(name == variable for name, _ in given):
            self.fault("given", f"{variable} is given as well as counted", "Count it, or condition on it")
        events, total = self.whole("events"), self.whole("total")
        if total == 0:
            self.fault("total", "a total of 0", "Leave the row out: nobody was counted")
        if events is not None and total is not None and events > total:
            self.faults.add(
                self.file, f"{events} events of {total}", "Events cannot exceed the total; are they swapped?",
                row=row.number, column="events", found=row["events"],
            )  # fmt: skip
            return None
        terminations = self.choice("terminations", "value", TERMINATIONS)
        basis = self.choice("basis", "basis", BASES)
        reading = self.choice("reading", "reading", [one.name for one in finding.readings])
        role = self.choice("role", "role", ROLES, default="fit")
        population = self.choice("population", "population", [one.name for one in finding.populations])
        if not row["ascertainment"]:
            self.fault("ascertainment", "empty", "Say how these fetuses came to be seen, such as referral or routine")
        pooled = {one.name for one in finding.populations if one.pooled}
        if role == "fit" and population in {one.name for one in finding.populations} - pooled:
            self.fault("role", f"the population {population!r} is never pooled", "Set role to context")
        replaces = tuple(filter(None, (part.strip() for part in row["replaces"].split(";;"))))
        if replaces and reading == "primary":
            self.fault(
                "replaces", "a primary row replaces nothing", "Correct the row itself, or give it another reading"
            )
        if events is None or not total:
            return None
        return Count(
            row["source"], variable, category, given, events, total, population, row["definition"], row["ascertainment"],
            terminations, basis, reading, role, replaces, row["note"], row.number,
        )  # fmt: skip


def _check_together(file: str, counts: Sequence[Count], finding: Finding, faults: Faults) -> None:
    """What only shows when rows are seen together: duplicates, replaced rows, kinds that do not sum."""
    seen: dict[tuple[str, ...], Count] = {}
    for count in counts:
        declared = finding.variable(count.variable)
        # The two states of a variable are one count, told twice; of more, each is one.
        twice = declared is not None and len(declared.states) == 2 and count.category in declared.states
        category = "" if twice else count.category
        place = (count.reading, count.source, count.variable, category, str(count.given), count.population)
        if place in seen:
            faults.add(
                file,
                f"the same count as row {seen[place].row} of the reading {count.reading!r}",
                "Keep one: a series must not be counted twice",
                row=count.row,
                found=count.key,
            )
        seen.setdefault(place, count)
    primary = {count.key for count in counts if count.reading == "primary"}
    for count in counts:
        for key in count.replaces:
            if key not in primary:
                near = closest(key, sorted(primary))
                faults.add(
                    file,
                    "no primary row counts this",
                    f"Did you mean {near!r}?" if near else "Write it as 'SOURCE: VARIABLE=CATEGORY | GIVEN'",
                    row=count.row,
                    column="replaces",
                    found=key,
                )
        if count.reading != "primary" and count.key in primary and count.key not in count.replaces:
            faults.add(
                file,
                f"the reading {count.reading!r} counts this beside the primary row",
                "Name that row in the column replaces",
                row=count.row,
                column="replaces",
                found=count.key,
            )
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
                faults.add(
                    file,
                    f"the kinds of {variable} of {source} sum to {events} of {listed}",
                    "List every kind; put the rest under another kind",
                    row=group[0].row,
                    column="events",
                )
