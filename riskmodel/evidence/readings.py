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
    replaced = {key for count in own for key in count.replaces}
    stand_in = {key: count for count in own for key in count.replaces}
    rows = []
    for count in counts:
        if count.reading == "primary" and count.key in replaced:
            rows.append(stand_in.pop(count.key, None))
        elif count.reading == "primary":
            rows.append(count)
    placed = {id(count) for count in rows if count is not None}
    extra = [count for count in own if id(count) not in placed]
    return tuple(count for count in [*rows, *extra] if count is not None)
