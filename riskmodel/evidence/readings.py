"""Which rows hold under a reading, and which of them enter fits: no baby counts twice."""

from __future__ import annotations

from dataclasses import replace

from riskmodel.evidence.finding import Count, Finding
from riskmodel.evidence.known import Known


def rows_under(counts: tuple[Count, ...], reading: str) -> tuple[Count, ...]:
    """Rows that hold under a reading; a source's coarse count beside its finer ones only checks them."""
    rows = _holding(counts, reading)
    finer: dict[tuple[str, str], list[Known]] = {}
    for row in rows:
        # Kinds of a state, among those who are in it, are a division of its events and no finer count of the state.
        if row.role == "fit" and row.variable not in dict(row.given):
            finer.setdefault((row.source, row.variable), []).append(row.given)
    return tuple(
        replace(row, role="check")
        if row.role == "fit"
        and any(one != row.given and one.implies(row.given) for one in finer.get((row.source, row.variable), ()))
        else row
        for row in rows
    )


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
    """A reading's own rows, and the primary ones that it does not replace."""
    if reading == "primary":
        return tuple(count for count in counts if count.reading == "primary")
    own = [count for count in counts if count.reading == reading]
    stand_in = {key: count for count in own for key in count.replaces}
    replaced = set(stand_in)
    primary = [count for count in counts if count.reading == "primary"]
    rows = [stand_in.pop(count.key, None) if count.key in replaced else count for count in primary]
    placed = {id(count) for count in rows}
    return tuple(count for count in (*rows, *(one for one in own if id(one) not in placed)) if count is not None)
