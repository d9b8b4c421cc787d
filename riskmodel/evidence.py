"""A finding's folder as checked evidence: the one way in, whether the folder is shipped or a user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from riskmodel.audit import AuditFinding, audit
from riskmodel.counts import COUNT_COLUMNS, read_counts, read_sources
from riskmodel.errors import EvidenceError, InputError, UnknownNameError
from riskmodel.finding import Count, Disagreement, Edge, Finding, Given, Outcome, Source, Variable, given_text
from riskmodel.reader import check_citations, read_finding
from riskmodel.rules import WorkUp
from riskmodel.tables import Faults, read_csv, read_toml
from riskmodel.workup_reader import read_workup

if TYPE_CHECKING:
    import pandas as pd

FILES = ("finding.toml", "sources.csv", "counts.csv", "workup.toml")
SHIPPED = Path(__file__).parent / "data"


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

        Raises
        ------
        UnknownNameError
            If the finding has none.
        """
        found = self.finding.outcome(name)
        if found is None:
            raise UnknownNameError("outcome", name, [one.name for one in self.finding.outcomes], where="outcome")
        return found

    def select(self, *, variable: str, category: str, given: Given = (), setting: str = "any") -> tuple[Count, ...]:
        """Counts of exactly one question that enter fits; a count of the other state is turned round.

        Parameters
        ----------
        variable, category : str
            What was counted.
        given : tuple of (str, str)
            Among whom: the same known states, in any order.
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
        declared = self.finding.variable(variable)
        opposite = None
        if declared is not None and category in declared.states:
            opposite = declared.normal if category == declared.other else declared.other
        return tuple(
            count
            if count.category == category
            else replace(count, category=category, events=count.total - count.events)
            for count in self.fitted(setting)
            if count.variable == variable
            and count.category in (category, opposite)
            and frozenset(count.given) == frozenset(given)
        )

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
            for count in self.select(variable=edge.variable, category=edge.category, given=given, setting=setting):
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
            for row in self.select(variable=edge.variable, category=edge.category, given=given, setting=setting)
        }
        states = {one.name: one.states for one in self.finding.variables}
        return tuple(
            row
            for row in self.fitted(setting)
            if row.category in states.get(row.variable, ()) and (row.source, row.row) not in fed
        )

    def ascertainments(self, setting: str) -> tuple[str, ...] | None:
        """The ascertainments that speak for a setting; None where all do.

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
    if faults.problems:
        order = {name: i for i, name in enumerate(FILES)}
        problems = sorted(faults.problems, key=lambda one: (order.get(one.file, 9), one.row or 0))
        raise EvidenceError(problems, where=str(folder))
    evidence = Evidence(parsed, sources, counts, counts, workup, "primary", folder, folder_hash(folder))
    return evidence.with_reading(reading)


def folder_hash(folder: Path, files: tuple[str, ...] = FILES) -> str:
    """SHA-256 of a folder's files, line ends counted as LF.

    Parameters
    ----------
    folder : Path
        The folder.
    files : tuple of str
        Their names; a finding's by default.

    Returns
    -------
    str
        In hexadecimal.
    """
    digest = hashlib.sha256()
    for name in files:
        content = (folder / name).read_bytes().removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")
        digest.update(f"{name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


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
