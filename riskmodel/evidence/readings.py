"""Which rows hold under a reading, and which of them enter fits: no baby counts twice."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

from riskmodel.evidence.finding import Count, Finding, grouped
from riskmodel.evidence.known import Known

#: What rows have in common that one source says of one variable.
_OF_ONE = attrgetter("source", "variable")


def rows_under(counts: tuple[Count, ...], reading: str) -> tuple[Count, ...]:
    """Rows that hold under a reading; a source's coarse count beside its finer ones only checks them."""
    rows = _holding(counts, reading)
    # Kinds of a state, among those who are in it, are a division of its events and no finer count of the state.
    counting = (row for row in rows if row.role == "fit" and row.variable not in dict(row.given))
    finer = grouped(counting, _OF_ONE)

    def checks(row: Count) -> bool:
        found = finer.get(_OF_ONE(row), ())
        return row.role == "fit" and any(one.given != row.given and one.given.implies(row.given) for one in found)

    return tuple(replace(row, role="check") if checks(row) else row for row in rows)


def as_tested(row: Count) -> Count:
    """A row as fits take it: among those of whom is known what all of them were tested for.

    A group that is told by a test which not all had, such as good outcomes of a normal karyotype where three were not
    karyotyped, is the wider group without it: a coarse count, summed over what the test would have shown.
    """
    left = Known(pair for pair in row.given if pair[0] not in row.untested)
    return row if left == row.given else replace(row, given=left)


def uninformed(row: Count, finding: Finding) -> frozenset[int]:
    """Branches, by their place in the finding's edges, that a row is not to move: those of tests that not all had.

    Their risks weigh how the row's fetuses can have divided, and learn nothing from it: a baby who did well without a
    karyotype is no normal karyotype.
    """
    return frozenset(i for i, edge in enumerate(finding.edges) if edge.variable in row.untested)


def _holding(counts: tuple[Count, ...], reading: str) -> tuple[Count, ...]:
    """A reading's own rows, each where the first stood that it replaces, and the primary ones that it does not replace."""
    primary = [count for count in counts if count.reading == "primary"]
    own = [count for count in counts if count.reading == reading != "primary"]
    stand_in = {key: count for count in own for key in count.replaces}
    rows = {id(row): row for row in (stand_in.get(count.key, count) for count in primary)}
    return tuple((rows | {id(row): row for row in own}).values())
