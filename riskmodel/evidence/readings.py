"""Which rows hold under a reading, and which of them enter fits: no baby counts twice."""

from __future__ import annotations

from dataclasses import replace

from riskmodel.evidence.finding import Count
from riskmodel.evidence.known import Known


def rows_under(counts: tuple[Count, ...], reading: str) -> tuple[Count, ...]:
    """Rows that hold under a reading; a source's coarse count beside its finer ones only checks them."""
    rows = _holding(counts, reading)
    finer: dict[tuple[str, str], list[Known]] = {}
    for row in rows:
        if row.role == "fit":
            finer.setdefault((row.source, row.variable), []).append(row.given)
    return tuple(
        replace(row, role="check")
        if row.role == "fit"
        and any(one != row.given and one.implies(row.given) for one in finer[row.source, row.variable])
        else row
        for row in rows
    )


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
