"""What a careful reader would ask about a finding's counts. Shown, never refused: a folder's faults are the readers'."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter

from riskmodel._support.labels import TELLING_TOTAL, sums
from riskmodel.evidence.finding import Count, Finding, Source, grouped
from riskmodel.evidence.known import Known
from riskmodel.evidence.readers.identity import near
from riskmodel.evidence.readings import as_tested
from riskmodel.report.wording import named

#: What a row counts, and a source's counts by that.
_WHAT = attrgetter("variable", "category", "given")
Index = Mapping[tuple[str, str, Known], Count]
#: Worst first.
SEVERITIES = ("contradiction", "warning", "note")
#: By code, what to do.
REMEDIES = {
    "sum": "Read the paper again: one of the three numbers is wrong, or they are not of the same fetuses",
    "group size": "Read the paper again, or say in a note why the group is larger than the count of it",
    "overlap": "Pool one of them, and enter the other with role check; a second reading may pool both",
    "near duplicate": "Read both: if they are one paper, give both one label; else say in a note how they differ",
    "total": "Read the paper: if it sums the other series, give it role check or leave it out",
    "bare names": "Give [variables.plain_state_titles] in finding.toml, in words that everybody knows",
    "empty edge": "Find a series, or declare the edge unknown",
    "thin edge": "Take the range, not the figure; next_series says what one more series would be worth",
    "populations": "Ask whether they are alike for this risk; if not, give one role context, or an outcome of its own",
    "uncounted outcome": "Find a series and enter its count, or take the headline away: the first screen says 'not known'",
    "basis": "Get the primary paper",
    "counted once": "Nothing: the parts are pooled and the whole only checks them; give it role check to say so",
    "untested": "Get the paper: counts by who was tested feed the test's branch and the outcome's alike",
    "tested unsaid": "Give the number tested in the column tested; until then all count as tested",
    "unread": "Write it, with an independence that says why; or give the row role context. Until then no figure has it",
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


def audit_counts(
    finding: Finding, sources: Mapping[str, Source], counts: Sequence[Count], fed: Mapping[str, Sequence[Count]]
) -> tuple[AuditFinding, ...]:
    """Examine the counts of one reading; `fed` has, by what is asked, those of exactly that which enter one fit."""
    found = []
    by_source = grouped((one for one in counts if one.role != "context"), attrgetter("source"))
    for code, check in (("sum", _sums), ("group size", _group_sizes)):
        for source, rows in by_source.items():
            index = {_WHAT(row): row for row in rows}
            told = [f"{source}: {what}" for row in rows for what in check(finding, row, index)]
            found += [AuditFinding("contradiction", code, what, (source,)) for what in told]
    fitted = [one for one in counts if one.role == "fit"]
    return worst_first(
        [
            *found,
            *_overlaps(sources, fitted),
            *_near_duplicates(sources, fitted),
            *_totals(fitted),
            *_bare_names(finding),
            *_thin_edges(finding, fitted),
            *_populations(finding, fed, fitted),
            *_uncounted(finding, fitted),
            *_untested(finding, fitted),
            *_weak(fitted),
            *_without_counts(sources, counts),
        ]
    )


def worst_first(found: Iterable[AuditFinding]) -> tuple[AuditFinding, ...]:
    """Findings in the order of their severity."""
    return tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity)))


def _ratio(count: Count) -> str:
    given = f" | {count.given}" if count.given else ""
    return f"{count.events}/{count.total} ({count.variable}={count.category}{given})"


def _sums(finding: Finding, row: Count, index: Index) -> Iterator[str]:
    """A coarse count must be the sum of its finer ones, where a source gives all of them."""
    for variable in finding.states:
        if variable.name == row.variable or any(name == variable.name for name, _ in row.given):
            continue
        places = [row.given.with_state(finding, variable.name, state) for state in variable.states]
        parts = [part for given in places if (part := index.get((row.variable, row.category, given))) is not None]
        sums = sum(part.events for part in parts), sum(part.total for part in parts)
        if len(parts) == len(places) and sums != (row.events, row.total):
            yield f"{_ratio(row)} is not the sum of {' and '.join(map(_ratio, parts))}"


def _group_sizes(finding: Finding, row: Count, index: Index) -> Iterator[str]:
    """A group cannot be larger than the count that says how many are in it."""
    if not row.given:
        return
    name, state = row.given[-1]
    parent, variable = row.given.without(name), finding.variable(name)
    counted = index.get((name, state, parent))
    size = counted.events if counted is not None else 0
    if counted is None and variable is not None and len(variable.states) == 2:
        counted = index.get((name, next(one for one in variable.states if one != state), parent))
        size = counted.total - counted.events if counted is not None else 0
    if counted is not None and row.total > size:
        yield f"{_ratio(row)} has {row.total} where {_ratio(counted)} leaves {size}"


def _overlaps(sources: Mapping[str, Source], counts: Sequence[Count]) -> Iterator[AuditFinding]:
    for (variable, given), rows in grouped(counts, attrgetter("variable", "given")).items():
        keys = {row.source for row in rows}
        pairs = {frozenset((key, other)) for key in keys for other in sources[key].overlaps if other in keys}
        where = variable + (f" | {given}" if given else "")
        for pair in sorted(map(sorted, pairs)):
            what = f"{' and '.join(pair)} may share fetuses and both feed {where}"
            yield AuditFinding("warning", "overlap", what, tuple(pair))


def _near_duplicates(sources: Mapping[str, Source], counts: Sequence[Count]) -> Iterator[AuditFinding]:
    """Sources that may be one paper: by label or citation, or by equal counts that are too large to be chance."""
    why = {(one, other): [reason] for one, other, reason in near(sources.values())}
    telling = (one for one in counts if one.total >= TELLING_TOTAL and 0 < one.events < one.total)
    for rows in grouped(telling, lambda one: (*_WHAT(one), one.events, one.total)).values():
        for other in rows[1:]:
            first, second = sorted((rows[0].source, other.source))
            if first != second:
                why.setdefault((first, second), []).append(f"both count {_ratio(other)}")
    for (first, second), reasons in why.items():
        if second not in sources[first].overlaps and first not in sources[second].overlaps:
            what = f"{first} and {second} may be one paper: {', and '.join(reasons)}"
            yield AuditFinding("warning", "near duplicate", what, (first, second))


def _totals(counts: Sequence[Count]) -> Iterator[AuditFinding]:
    """A series that is the sum of all others of its question; one that is called a total is refused before."""
    for rows in grouped(counts, _WHAT).values():
        for i in sums([(one.events, one.total) for one in rows]):
            if rows[i].total >= TELLING_TOTAL:
                what = f"{rows[i].source}: {_ratio(rows[i])} is the sum of the {len(rows) - 1} other series"
                yield AuditFinding("warning", "total", what, (rows[i].source,))


def _bare_names(finding: Finding) -> Iterator[AuditFinding]:
    """States that the patient's page calls by the names that files use; it does not say those of the last variable."""
    for variable in finding.states:
        bare = [state for state in variable.states if variable.plain_state_titles[state] == state]
        if bare:
            what = f"the patient's page has no words for {variable.name} {' and '.join(bare)}, and shows the bare name"
            yield AuditFinding("warning", "bare names", what, ())


def _thin_edges(finding: Finding, counts: Sequence[Count]) -> Iterator[AuditFinding]:
    states = {one.name: one.states for one in finding.variables}
    for edge in finding.edges:
        if edge.status != "counts":
            continue
        groups = (edge.given, *edge.accepts)
        fed = [one for one in counts if one.variable == edge.variable and one.given in groups]
        keys = tuple(sorted({one.source for one in fed if one.category in states[edge.variable]}))
        if not keys:
            yield AuditFinding("warning", "empty edge", f"no series feeds {edge.name}", ())
        elif len(keys) <= 2:
            what = f"{len(keys)} series feed{'s' * (len(keys) == 1)} {edge.name}: {', '.join(keys)}"
            yield AuditFinding("note", "thin edge", what, keys)


def _populations(
    finding: Finding, fed: Mapping[str, Sequence[Count]], counts: Sequence[Count]
) -> Iterator[AuditFinding]:
    """Series of one fit that were counted in different populations, but for rows that a reading puts in by itself."""
    titles = {one.name: one.title for one in finding.populations}
    own = {one.name for one in finding.outcomes if one.variable is None}
    alone = grouped((as_tested(one) for one in counts if one.variable in own), attrgetter("variable", "given"))
    apart = {f"{name} where {named(str(given))}" if given else name: rows for (name, given), rows in alone.items()}
    for asked, rows in {**fed, **apart}.items():
        told = grouped((row for row in rows if row.reading == "primary"), attrgetter("population"))
        if len(told) > 1:
            sources = {titles[of]: dict.fromkeys(row.source for row in of_it) for of, of_it in told.items()}
            each = "; ".join(f"{title}: {', '.join(keys)}" for title, keys in sources.items())
            concerned = tuple(sorted({key for keys in sources.values() for key in keys}))
            yield AuditFinding("note", "populations", f"{asked} pools populations that differ ({each})", concerned)


def _uncounted(finding: Finding, counts: Sequence[Count]) -> Iterator[AuditFinding]:
    """Outcomes of the first screen that are counted by themselves, and by no series."""
    counted = {one.variable for one in counts}
    for one in finding.outcomes:
        if one.headline and one.variable is None and one.name not in counted:
            what = f"no series counts {one.name}, which the first screen shows"
            yield AuditFinding("note", "uncounted outcome", what, ())


def _untested(finding: Finding, counts: Sequence[Count]) -> Iterator[AuditFinding]:
    """Outcomes of fetuses of whom some were not tested, or may not have been."""
    for one in counts:
        said = {name for name, _ in (*one.tested, *one.given)}
        silent = [variable.title for variable in finding.states if variable.name not in said]
        if one.untested:
            tested = " and ".join(f"{number} for {name}" for name, number in one.tested if name in one.untested)
            what = f"{one.source}: of {_ratio(one)} at most {tested} were tested; untested is not negative"
            yield AuditFinding("note", "untested", what, (one.source,))
        elif silent and one.given and one.variable == finding.target.name:
            what = f"{one.source}: {_ratio(one)} does not say who was tested ({', '.join(silent)})"
            yield AuditFinding("note", "tested unsaid", what, (one.source,))


def _weak(counts: Sequence[Count]) -> Iterator[AuditFinding]:
    for one in counts:
        if one.basis in ("secondary", "as-cited"):
            what = f"{one.source}: {_ratio(one)} rests on a number of basis {one.basis!r}"
            yield AuditFinding("warning", "basis", what, (one.source,))


def _without_counts(sources: Mapping[str, Source], counts: Sequence[Count]) -> Iterator[AuditFinding]:
    used = {count.source for count in counts}
    for key in sources:
        if key not in used:
            yield AuditFinding("note", "no counts", f"{key} is cited and has no count", (key,))
