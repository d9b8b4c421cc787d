"""A finding's folder as checked evidence: the one way in, whether the folder is shipped or a user's own."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from riskmodel.errors import EvidenceError, InputError, UnknownNameError
from riskmodel.evidence.audit import AuditFinding, audit
from riskmodel.evidence.finding import Count, Disagreement, Edge, Finding, Given, Outcome, Source, Variable, given_text
from riskmodel.evidence.readers.counts import COUNT_COLUMNS, read_counts, read_sources
from riskmodel.evidence.readers.finding import check_citations, read_finding
from riskmodel.evidence.readers.text import Faults, read_csv, read_toml
from riskmodel.evidence.readers.workup import read_workup
from riskmodel.evidence.workup import WorkUp

if TYPE_CHECKING:
    import pandas as pd

FILES = ("finding.toml", "sources.csv", "counts.csv", "workup.toml")
SHIPPED = Path(__file__).parent.parent / "data"


@dataclass(frozen=True, eq=False)
class Evidence:
    """The published counts about one finding, under one reading.

    Parameters
    ----------
    finding : Finding
        Tree, outcomes, populations and words.
    sources : mapping of str to Source
        By key.
    counts : tuple of Count
        Rows that hold under the reading.
    all_counts : tuple of Count
        Rows of every reading.
    workup : WorkUp
        Steps, differential, prognosis, pitfalls and cautions.
    reading : str
        How the disputed rows are read.
    path : Path
        The folder.
    content_hash : str
        SHA-256 of its four files, in hexadecimal.
    """

    finding: Finding
    sources: Mapping[str, Source]
    counts: tuple[Count, ...]
    all_counts: tuple[Count, ...]
    workup: WorkUp
    reading: str
    path: Path
    content_hash: str

    @property
    def version(self) -> str:
        """Date of the last change and the first eight digits of the hash: names these numbers and no others."""
        return f"{self.finding.updated}+{self.content_hash[:8]}"

    @property
    def disagreements(self) -> tuple[Disagreement, ...]:
        """Where the article and the primary abstracts say different things."""
        return self.finding.disagreements

    def with_reading(self, reading: str) -> Evidence:
        """The same folder under another reading, without reading it again.

        Parameters
        ----------
        reading : str
            One of the finding's readings.

        Returns
        -------
        Evidence
            With the rows that hold under it.

        Raises
        ------
        UnknownNameError
            If the finding has no such reading.
        """
        known = [one.name for one in self.finding.readings]
        if reading not in known:
            raise UnknownNameError("reading", reading, known, where="reading")
        return replace(self, counts=_active(self.all_counts, reading), reading=reading)

    def without(self, source: str) -> Evidence:
        """The same evidence with one series left out of every fit.

        Parameters
        ----------
        source : str
            Key of the source.

        Returns
        -------
        Evidence
            Without its counts.

        Raises
        ------
        UnknownNameError
            If there is no such source.
        """
        if source not in self.sources:
            raise UnknownNameError("source", source, self.sources, where="source")
        return replace(self, counts=tuple(count for count in self.counts if count.source != source))

    def with_totals(self, totals: Mapping[str, int]) -> Evidence:
        """The same evidence with some totals changed, as if fewer had been tested.

        Parameters
        ----------
        totals : mapping of str to int
            New totals by the counts' keys, each at least the count's events.

        Returns
        -------
        Evidence
            With those totals.

        Raises
        ------
        InputError
            If a total is below its events.
        """
        changed = []
        for count in self.counts:
            total = totals.get(count.key, count.total)
            if total < max(count.events, 1):
                raise InputError(f"a total of {total} is below {max(count.events, 1)}", where=count.key)
            changed.append(count if total == count.total else replace(count, total=total))
        return replace(self, counts=tuple(changed))

    def variable(self, name: str) -> Variable:
        """The variable of that name.

        Parameters
        ----------
        name : str
            Of the variable.

        Returns
        -------
        Variable
            As the finding declares it.

        Raises
        ------
        UnknownNameError
            If the finding has none.
        """
        found = self.finding.variable(name)
        if found is None:
            raise UnknownNameError("variable", name, [one.name for one in self.finding.variables])
        return found

    def outcome(self, name: str) -> Outcome:
        """The outcome of that name.

        Parameters
        ----------
        name : str
            Of the outcome.

        Returns
        -------
        Outcome
            As the finding declares it.

        Raises
        ------
        UnknownNameError
            If the finding has none.
        """
        found = self.finding.outcome(name)
        if found is None:
            raise UnknownNameError("outcome", name, [one.name for one in self.finding.outcomes], where="outcome")
        return found

    def select(
        self,
        *,
        variable: str,
        category: str,
        given: Given = (),
        after: tuple[str, ...] = (),
        setting: str = "any",
    ) -> tuple[Count, ...]:
        """Counts of exactly one question that enter fits; a state told by what its source says of all others is worked out.

        Parameters
        ----------
        variable, category : str
            What was counted.
        given : tuple of (str, str)
            Among whom: the same known states, in any order.
        after : tuple of str
            States of the variable that are ruled out: those in them are not counted.
        setting : str
            ``"any"``, or a setting of the finding, whose ascertainments the rows must have.

        Returns
        -------
        tuple of Count
            In the order of the file.

        Raises
        ------
        UnknownNameError
            If the setting does not exist.
        """
        return tuple(count for count, _ in self._cells(variable, category, given, after, setting) if count.total)

    def _cells(
        self, variable: str, category: str, given: Given, after: tuple[str, ...], setting: str
    ) -> list[tuple[Count, tuple[Count, ...]]]:
        """What `select` gives, each with the rows behind it; a total of 0 where all are of the states ruled out."""
        declared = self.finding.variable(variable)
        rows = [
            count
            for count in self.fitted(setting)
            if count.variable == variable and frozenset(count.given) == frozenset(given)
        ]
        if declared is None or category not in declared.states:
            return [(row, (row,)) for row in rows if row.category == category]
        groups: dict[tuple[str, str], dict[str, Count]] = {}
        for row in rows:
            if row.category in declared.states:
                groups.setdefault((row.source, row.population), {})[row.category] = row
        found = []
        for cells in groups.values():
            total = next(iter(cells.values())).total
            events = {state: row.events for state, row in cells.items()}
            told = [state for state in (*after, category) if state in cells]
            lacking = [state for state in declared.states if state not in cells]
            if len(lacking) == 1:
                # All states but one are told, and so is the last.
                if lacking[0] in (*after, category):
                    told = list(cells)
                events[lacking[0]] = total - sum(events.values())
            if not {*after, category} <= set(events):
                continue
            left = total - sum(events[state] for state in after)
            row = replace(cells.get(category, cells[told[0]]), category=category, events=events[category], total=left)
            found.append((row, tuple(cells[state] for state in told)))
        return found

    def fitted(self, setting: str = "any") -> tuple[Count, ...]:
        """Counts that enter fits, of the series that speak for a setting.

        Parameters
        ----------
        setting : str
            As in `select`.

        Returns
        -------
        tuple of Count
            In the order of the file.

        Raises
        ------
        UnknownNameError
            If the setting does not exist.
        """
        allowed = self.ascertainments(setting)
        return tuple(
            count
            for count in self.counts
            if count.role == "fit" and (allowed is None or count.ascertainment in allowed)
        )

    def for_edge(self, edge: Edge, *, setting: str = "any") -> tuple[Count, ...]:
        """Counts that feed a branch of the tree: its own, and those of wider groups that it accepts.

        Parameters
        ----------
        edge : Edge
            The branch.
        setting : str
            As in `select`.

        Returns
        -------
        tuple of Count
            One row for each source: a source's own count before its wider ones, so that no baby counts twice.
        """
        chosen: dict[str, Count] = {}
        for given in (edge.given, *edge.accepts):
            for count, _ in self._cells(edge.variable, edge.category, given, edge.after, setting):
                if count.total:
                    chosen.setdefault(count.source, count)
        return tuple(chosen.values())

    def coarse(self, setting: str = "any") -> tuple[Count, ...]:
        """Counts of states of the tree that feed no branch: of coarser groups, or of what a path leaves out.

        Parameters
        ----------
        setting : str
            As in `select`.

        Returns
        -------
        tuple of Count
            In the order of the file.

        Raises
        ------
        UnknownNameError
            If the setting does not exist.
        """
        fed = {
            (row.source, row.row)
            for edge in self.finding.edges
            for given in (edge.given, *edge.accepts)
            for _, rows in self._cells(edge.variable, edge.category, given, edge.after, setting)
            for row in rows
        }
        states = {one.name: one.states for one in self.finding.variables}
        return tuple(
            row
            for row in self.fitted(setting)
            if row.category in states.get(row.variable, ()) and (row.source, row.row) not in fed
        )

    def ascertainments(self, setting: str) -> tuple[str, ...] | None:
        """The ascertainments that speak for a setting.

        Parameters
        ----------
        setting : str
            ``"any"``, or a setting of the finding.

        Returns
        -------
        tuple of str or None
            None where all speak.

        Raises
        ------
        UnknownNameError
            If the setting does not exist.
        """
        if setting == "any":
            return None
        for one in self.finding.settings:
            if one.name == setting:
                return one.ascertainments
        known = ["any", *(one.name for one in self.finding.settings)]
        raise UnknownNameError("setting", setting, known, where="setting")

    def audit(self) -> tuple[AuditFinding, ...]:
        """What a careful reader would ask about these rows: sums, contradictions, gaps, weak bases."""
        return audit(self.finding, self.sources, self.counts)

    def table(self) -> pd.DataFrame:
        """Rows of the reading as a table.

        Returns
        -------
        pandas.DataFrame
            One row for each count, with the columns of ``counts.csv``.
        """
        import pandas as pd

        names = [one.name for one in fields(Count)]
        records = [{name: getattr(count, name) for name in names} for count in self.counts]
        for record in records:
            record["given"] = given_text(record["given"])
            record["replaces"] = " ;; ".join(record["replaces"])
        return pd.DataFrame(records, columns=names).drop(columns="row")


def findings() -> tuple[str, ...]:
    """Names of the shipped findings.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(sorted(path.name for path in SHIPPED.iterdir() if (path / "finding.toml").is_file()))


def load_evidence(finding: str | Path | Evidence, *, reading: str = "primary") -> Evidence:
    """Read and check a finding's folder.

    Parameters
    ----------
    finding : str, Path or Evidence
        Name of a shipped finding, evidence that is already read, or path of a folder with ``finding.toml``,
        ``sources.csv``, ``counts.csv`` and ``workup.toml``.
    reading : str
        How the disputed rows are read.

    Returns
    -------
    Evidence
        Checked: nothing in it is unsourced, impossible or counted twice.

    Raises
    ------
    EvidenceError
        If the folder has faults; it carries all of them.
    UnknownNameError
        If there is no such finding or reading.
    InputError
        If `finding` is neither a name nor a path.

    Examples
    --------
    >>> evidence = load_evidence("fetal-hepatic-calcification")
    >>> [(count.source, count.events, count.total) for count in evidence.select(
    ...     variable="karyotype", category="abnormal", given=(("anatomy", "isolated"),))]
    [('Simchen 2002', 1, 21), ('Bronshtein 1995', 0, 11), ('Ocal 2014', 0, 14)]
    """
    if isinstance(finding, Evidence):
        return finding.with_reading(reading)
    folder = _folder(finding)
    faults = Faults()
    parsed = read_finding(folder / "finding.toml", folder.resolve().name, faults)
    sources = read_sources(folder / "sources.csv", faults)
    if parsed is None:
        # Rows cannot be checked against a finding that cannot be read; the files themselves still can.
        read_csv(folder / "counts.csv", faults, required=COUNT_COLUMNS, optional=("role",))
        if os.path.lexists(folder / "workup.toml"):
            read_toml(folder / "workup.toml", faults)
        raise EvidenceError(faults.problems, where=str(folder))
    counts = read_counts(folder / "counts.csv", parsed, sources, faults)
    workup = read_workup(folder / "workup.toml", parsed, faults)
    statements = [*workup.differential, *workup.prognosis, *workup.pitfalls, *workup.cautions]
    keys = sorted({count.key for count in counts if count.reading == "primary"})
    check_citations(
        "workup.toml",
        [(f"steps.{step.key}", step.sources) for step in workup.steps]
        + [(one.key, one.sources) for one in statements]
        + [(one.key, one.sources) for one in workup.neighbours],
        sources,
        faults,
    )
    check_citations(
        "finding.toml",
        [(f"disagreements.{one.key}", one.sources) for one in parsed.disagreements]
        + [(f"edges: {one.name}", one.sources) for one in parsed.edges]
        + [("partly_tested", one.sources) for one in parsed.partly_tested],
        sources,
        faults,
    )
    named = [("workup.toml", f"{one.key}.counts", one.counts) for one in statements]
    named += [("finding.toml", "partly_tested.counts", one.counts) for one in parsed.partly_tested]
    for file, column, wanted in named:
        for key in wanted:
            if key not in keys:
                faults.unknown(file, "count", key, keys, column=column)
    for one in counts:
        declared = parsed.variable(one.variable)
        partly = any(one.key in part.counts for part in parsed.partly_tested)
        if partly and (declared is None or len(declared.states) > 2):
            what = "a count of one of several states cannot be partly tested"
            faults.add(
                "finding.toml", what, "Say it of a variable of two states", column="partly_tested.counts", found=one.key
            )
    if faults.problems:
        order = {name: i for i, name in enumerate(FILES)}
        problems = sorted(faults.problems, key=lambda one: (order.get(one.file, 9), one.row or 0))
        raise EvidenceError(problems, where=str(folder))
    content_hash = folder_hash(folder)
    if folder.parent == SHIPPED:
        _check_released(folder, content_hash)
    evidence = Evidence(parsed, sources, counts, counts, workup, "primary", folder, content_hash)
    return evidence.with_reading(reading)


def folder_hash(folder: Path, files: tuple[str, ...] = FILES) -> str:
    """SHA-256 of a folder's files, line ends counted as LF."""
    digest = hashlib.sha256()
    for name in files:
        if name == "workup.toml" and not (folder / name).exists():
            continue
        content = (folder / name).read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def _check_released(folder: Path, content_hash: str) -> None:
    """Refuse a shipped finding that is not what was released: its numbers would bear the package's name."""
    try:
        released = json.loads((SHIPPED / "manifest.json").read_text(encoding="utf-8")).get(folder.name)
    except (OSError, ValueError, AttributeError):
        released = None
    if released != content_hash:
        raise InputError(
            "the shipped finding is not the one that was released",
            where=folder.name,
            remedy="Install riskmodel again. To change a finding copy its folder, and give the copy's path",
        )


def _folder(finding: str | Path) -> Path:
    if not isinstance(finding, (str, Path)) or not str(finding).strip() or "\0" in str(finding):
        raise InputError(
            f"{finding!r} is not a finding", where="finding", remedy="Give a shipped finding's name, or a folder's path"
        )
    name = str(finding)
    if name in findings():
        return SHIPPED / name
    path = Path(name).expanduser()
    try:
        if path.is_dir():
            return path
        if path.is_file() and path.name in FILES:
            raise InputError(
                f"{name!r} is one file of a folder", where="finding", remedy=f"Give the folder: {path.parent}"
            )
    except OSError:
        pass  # a name too long for the file system is no folder
    raise UnknownNameError("finding, and no folder either:", name, findings(), where="finding")


def _active(counts: tuple[Count, ...], reading: str) -> tuple[Count, ...]:
    """Rows that hold under a reading; a source's wider count beside its finer ones only checks them."""
    rows = _holding(counts, reading)
    finer: dict[tuple[str, str], list[frozenset[tuple[str, str]]]] = {}
    for row in rows:
        if row.role == "fit":
            finer.setdefault((row.source, row.variable), []).append(frozenset(row.given))
    return tuple(
        replace(row, role="check")
        if row.role == "fit" and any(frozenset(row.given) < given for given in finer[row.source, row.variable])
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
