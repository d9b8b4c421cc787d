"""What a careful reader would ask about a finding's counts. Shown, never refused: a folder's faults are `reader`'s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from riskmodel.evidence.finding import Count, Finding, Source
from riskmodel.evidence.known import Known

#: Worst first.
SEVERITIES = ("contradiction", "warning", "note")
#: By code, what to do.
REMEDIES = {
    "sum": "Read the paper again: one of the three numbers is wrong, or they are not of the same fetuses",
    "group size": "Read the paper again, or say in a note why the group is larger than the count of it",
    "overlap": "Pool one of them, and enter the other with role check; a second reading may pool both",
    "empty edge": "Find a series, or declare the edge unknown",
    "thin edge": "Take the range, not the figure; next_series says what one more series would be worth",
    "basis": "Get the primary paper",
    "counted once": "Nothing: the parts are pooled and the whole only checks them; give it role check to say so",
    "no counts": "Nothing, if it is cited for a statement only",
    "outlying series": "Read how its fetuses came to be seen and what it counts; leave it out to see what it moves",
    "dominant series": "Leave it out to see what the others say; ask whether its definition is the branch's",
    "implied": "Read the wider count again: the tree's branches do not give it",
    "ascertainment": "Ask with --setting, or compare adjusted_settings: the kinds of clinic differ",
    "reading": "Say which reading an answer rests on",
}


@dataclass(frozen=True)
class AuditFinding:
    """One question about the evidence."""

    severity: str  # cannot both be true; may mislead; worth knowing
    code: str  # kind of question, for filtering
    what: str  # what was found
    sources: tuple[str, ...]  # keys of the sources concerned

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return REMEDIES[self.code]

    def to_dict(self) -> dict[str, object]:
        """As JSON knows it."""
        return asdict(self) | {"remedy": self.remedy}

    def __str__(self) -> str:
        """One line."""
        return f"{self.severity}: {self.what}"


def audit_counts(finding: Finding, sources: Mapping[str, Source], counts: Sequence[Count]) -> tuple[AuditFinding, ...]:
    """Examine the counts of one reading."""
    found = [
        *_sums(finding, counts),
        *_group_sizes(finding, counts),
        *_overlaps(sources, counts),
        *_thin_edges(finding, counts),
        *_weak(sources, counts),
    ]
    return worst_first(found)


def worst_first(found: Iterable[AuditFinding]) -> tuple[AuditFinding, ...]:
    """Findings in the order of their severity."""
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _by_source(counts: Sequence[Count]) -> dict[str, list[Count]]:
    grouped: dict[str, list[Count]] = {}
    for count in counts:
        if count.role != "context":
            grouped.setdefault(count.source, []).append(count)
    return grouped


def _ratio(count: Count) -> str:
    return f"{count.events}/{count.total} ({count.variable}={count.category}" + (
        f" | {count.given})" if count.given else ")"
    )


def _sums(finding: Finding, counts: Sequence[Count]) -> list[AuditFinding]:
    """A wider count must be the sum of its finer ones, where a source gives all of them."""
    found = []
    for source, rows in _by_source(counts).items():
        index = {(row.variable, row.category, row.given): row for row in rows}
        for row in rows:
            for variable in finding.states:
                if variable.name == row.variable or any(name == variable.name for name, _ in row.given):
                    continue
                places = [row.given.with_state(finding, variable.name, state) for state in variable.states]
                parts = [
                    part for given in places if (part := index.get((row.variable, row.category, given))) is not None
                ]
                if len(parts) < len(places):
                    continue
                events, total = sum(part.events for part in parts), sum(part.total for part in parts)
                if (events, total) != (row.events, row.total):
                    found.append(
                        AuditFinding(
                            "contradiction",
                            "sum",
                            f"{source}: {_ratio(row)} is not the sum of {' and '.join(map(_ratio, parts))}",
                            (source,),
                        )
                    )
    return found


def _group_sizes(finding: Finding, counts: Sequence[Count]) -> list[AuditFinding]:
    """A group cannot be larger than the count that says how many are in it."""
    found = []
    for source, rows in _by_source(counts).items():
        index = {(row.variable, row.category, row.given): row for row in rows}
        for row in rows:
            if not row.given:
                continue
            name, state = row.given[-1]
            parent = row.given.without(name)
            variable = finding.variable(name)
            if variable is None:
                continue
            counted = index.get((name, state, parent))
            size = counted.events if counted is not None else 0
            if counted is None and len(variable.states) == 2:
                counted = index.get((name, next(one for one in variable.states if one != state), parent))
                size = counted.total - counted.events if counted is not None else 0
            if counted is None:
                continue
            if row.total > size:
                found.append(
                    AuditFinding(
                        "contradiction",
                        "group size",
                        f"{source}: {_ratio(row)} has {row.total} where {_ratio(counted)} leaves {size}",
                        (source,),
                    )
                )
    return found


def _overlaps(sources: Mapping[str, Source], counts: Sequence[Count]) -> list[AuditFinding]:
    found = []
    fitted: dict[tuple[str, Known], set[str]] = {}
    for count in counts:
        if count.role == "fit":
            fitted.setdefault((count.variable, count.given), set()).add(count.source)
    for (variable, given), keys in fitted.items():
        pairs = {frozenset((key, other)) for key in keys for other in sources[key].overlaps if other in keys}
        where = variable + (f" | {given}" if given else "")
        for pair in sorted(map(sorted, pairs)):
            what = f"{' and '.join(pair)} may share fetuses and both feed {where}"
            found.append(AuditFinding("warning", "overlap", what, tuple(pair)))
    return found


def _thin_edges(finding: Finding, counts: Sequence[Count]) -> list[AuditFinding]:
    found = []
    states = {one.name: one.states for one in finding.variables}
    for edge in finding.edges:
        if edge.status != "counts":
            continue
        groups = (edge.given, *edge.accepts)
        keys = {
            count.source
            for count in counts
            if count.role == "fit"
            and count.variable == edge.variable
            and count.category in states[edge.variable]
            and count.given in groups
        }
        if not keys:
            found.append(AuditFinding("warning", "empty edge", f"no series feeds {edge.name}", ()))
        elif len(keys) <= 2:
            found.append(
                AuditFinding(
                    "note",
                    "thin edge",
                    f"{len(keys)} series feed {edge.name}: {', '.join(sorted(keys))}",
                    tuple(sorted(keys)),
                )
            )
    return found


def _weak(sources: Mapping[str, Source], counts: Sequence[Count]) -> list[AuditFinding]:
    weak = [count for count in counts if count.role == "fit" and count.basis in ("secondary", "as-cited")]
    used = {count.source for count in counts}
    return [
        AuditFinding(
            "warning", "basis", f"{one.source}: {_ratio(one)} rests on a number of basis {one.basis!r}", (one.source,)
        )
        for one in weak
    ] + [
        AuditFinding("note", "no counts", f"{key} is cited and has no count", (key,))
        for key in sources
        if key not in used
    ]
