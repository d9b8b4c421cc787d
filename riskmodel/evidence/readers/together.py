"""What only shows when rows of ``counts.csv`` are seen together: duplicates, totals, replaced rows, sums that fail."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import attrgetter

from riskmodel._support.labels import TOTAL, is_total, totals
from riskmodel.errors import meant
from riskmodel.evidence.finding import Count, Finding, grouped
from riskmodel.evidence.readers.text import Faults
from riskmodel.evidence.readings import as_tested

#: Columns that say what a row counts, and those that say how many.
WHICH = frozenset(("source", "variable", "category", "given", "population", "reading"))
NUMBERS = frozenset(("events", "total"))
#: Of a table with more rows at fault than this sums are not looked at: they would fail by what is told already.
MOST_DOUBTFUL = 200

#: Rows at fault, and the columns that have been told of each.
Doubtful = Sequence[tuple[Count, set[str]]]


def check_together(file: str, counts: Sequence[Count], finding: Finding, faults: Faults) -> None:
    """Note what rows are at fault together; what may follow from a fault of one cell is let be."""
    told = faults.columns(file)
    if told.get(1, set()) & (WHICH | NUMBERS):
        return  # a column is missing: every row would follow from that
    doubtful = [(one, told[one.row]) for one in counts if told.get(one.row, set()) & (WHICH | NUMBERS)]
    sure = [one for one in counts if not told.get(one.row, set()) & WHICH]
    _check_twice(file, sure, finding, faults, {row for row, columns in told.items() if columns & {*NUMBERS, "tested"}})
    _check_replaced(file, counts, sure, faults)
    if len(doubtful) <= MOST_DOUBTFUL:
        _check_totals(file, sure, doubtful, faults)
        _check_kinds(file, sure, finding, doubtful, faults)
        _check_states(file, sure, finding, doubtful, faults)


def belongs(
    group: Count, doubtful: Doubtful, same: Sequence[str] = ("source", "variable", "given", "population")
) -> bool:
    """Whether a row at fault may be one of a group, by the cells of it that are not."""
    return any(
        all(column in columns or getattr(one, column) == getattr(group, column) for column in same)
        for one, columns in doubtful
    )


def mistaken(key: str, counts: Sequence[Count], faults: Faults, file: str) -> bool:
    """Whether a key that no count has may be that of a row at fault, by the cells of it that are not."""
    told = faults.columns(file)
    for one in counts:
        bad = told.get(one.row, set()) & WHICH
        cells = {at: ".+" if at in bad else re.escape(getattr(one, at)) for at in ("source", "variable", "category")}
        given = r"( \| .+)?" if "given" in bad else re.escape(f" | {one.given}" if one.given else "")
        if bad and re.fullmatch(f"{cells['source']}: {cells['variable']}={cells['category']}{given}", key):
            return True
    return bool(told.get(1, set()) & WHICH)


def _check_twice(file: str, counts: Sequence[Count], finding: Finding, faults: Faults, unread: set[int]) -> None:
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
        counted = wide != place and count.role == "fit" and count.row not in unread
        if counted and reread.setdefault(wide, count) is not count:
            what = f"without what not all were tested for, the same count as row {reread[wide].row}"
            faults.add(file, what, "Give one of them role check", row=count.row, column="tested", found=count.key)


def _check_replaced(file: str, counts: Sequence[Count], sure: Sequence[Count], faults: Faults) -> None:
    primary = {count.key for count in counts if count.reading == "primary"}
    for count in counts:
        for key in count.replaces:
            if key not in primary and not mistaken(key, counts, faults, file):
                near = meant(key, sorted(primary)).strip()
                remedy = near or "Write it as 'SOURCE: VARIABLE=CATEGORY | GIVEN'"
                faults.add(file, "no primary row counts this", remedy, row=count.row, column="replaces", found=key)
    for count in sure:
        if count.reading != "primary" and count.key in primary and count.key not in count.replaces:
            what = f"the reading {count.reading!r} counts this beside the primary row"
            remedy = "Name that row in the column replaces"
            faults.add(file, what, remedy, row=count.row, column="replaces", found=count.key)


def _check_totals(file: str, counts: Sequence[Count], doubtful: Doubtful, faults: Faults) -> None:
    """A row that is called a total, if by a name with a year, and is the sum of the others."""
    fitted = (count for count in counts if count.role == "fit")
    for group in grouped(fitted, attrgetter("reading", "variable", "category", "given", "population")).values():
        summed = totals([one.source for one in group], [(one.events, one.total) for one in group])
        for one, series in ((group[i], series) for i, series in summed.items()):
            # One without a year is told by its name alone.
            if not is_total(one.source) and not belongs(one, doubtful, ("variable", "given")):
                what = f"the sum of the {series} other series"
                faults.add(file, what, TOTAL[1], row=one.row, column="source", found=one.source)


def _check_states(file: str, counts: Sequence[Count], finding: Finding, doubtful: Doubtful, faults: Faults) -> None:
    """Counts of several states of one variable, of the same fetuses, must have one total and not exceed it."""
    states = {one.name: one.states for one in finding.variables}
    for reading in finding.readings:
        replaced = {key for count in counts if count.reading == reading.name for key in count.replaces}
        holding = (
            count for count in counts
            if count.reading == reading.name or (count.reading == "primary" and count.key not in replaced)
            if count.category in states.get(count.variable, ())
        )  # fmt: skip
        for group in grouped(holding, attrgetter("source", "variable", "given", "population")).values():
            source, variable = group[0].source, group[0].variable
            if len({count.category for count in group}) < len(group) or belongs(group[0], doubtful):
                continue  # which is told
            totals = sorted({count.total for count in group})
            events = sum(count.events for count in group)
            whole = {count.category for count in group} == {*states[variable]}
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


def _check_kinds(file: str, counts: Sequence[Count], finding: Finding, doubtful: Doubtful, faults: Faults) -> None:
    """Kinds of a state must sum to how many are in it."""
    for variable, kinds in finding.kinds.items():
        of_kinds = (count for count in counts if count.variable == variable and count.category in kinds)
        for (source, *_), group in grouped(of_kinds, attrgetter("source", "reading", "given")).items():
            totals = {count.total for count in group}
            events = sum(count.events for count in group)
            if (len(totals) > 1 or events != max(totals)) and not belongs(group[0], doubtful):
                listed = " or ".join(map(str, sorted(totals)))
                what = f"the kinds of {variable} of {source} sum to {events} of {listed}"
                remedy = "List every kind; put the rest under another kind"
                faults.add(file, what, remedy, row=group[0].row, column="events")
