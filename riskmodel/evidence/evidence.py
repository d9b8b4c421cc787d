"""The published counts about one finding, under one reading: which rows hold, and which of them speak to what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from riskmodel._support.kept import Value, kept, once
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.evidence.audit import AuditFinding, audit_counts
from riskmodel.evidence.finding import Count, Disagreement, Edge, Finding, Given, Outcome, Source, Variable, grouped
from riskmodel.evidence.readings import as_tested, rows_under
from riskmodel.evidence.workup import End, Neighbour, WorkUp

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Evidence(Value):
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
    path : Path or None
        Its folder; None where new counts were put beside a finding's own, and no folder has them yet.
    files : mapping of str to str
        Text of each of its files as it was read, whatever became of the folder since.
    content_hash : str
        SHA-256 of these files, in hexadecimal.
    """

    finding: Finding
    sources: Mapping[str, Source]
    counts: tuple[Count, ...]
    all_counts: tuple[Count, ...]
    workup: WorkUp
    reading: str
    path: Path | None
    files: Mapping[str, str] = field(compare=False)  # by their hash alone
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
        if reading == self.reading:
            return self  # with what was left out of it, or changed in it; a series that is out stays out
        out = {one.source for one in rows_under(self.all_counts, self.reading)} - {one.source for one in self.counts}
        counts = tuple(one for one in rows_under(self.all_counts, reading) if one.source not in out)
        return replace(self, counts=counts, reading=reading)

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
        self, *, variable: str, category: str, given: Given = (), after: tuple[str, ...] = (), setting: str = "any"
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
        declared, asked = self.finding.variable(variable), set(given)
        rows = [one for one in self.fitted(setting) if one.variable == variable and set(one.given) == asked]
        if declared is None or category not in declared.states:
            return [(row, (row,)) for row in rows if row.category == category]
        told_of = grouped((row for row in rows if row.category in declared.states), attrgetter("source", "population"))
        found = []
        for cells in ({row.category: row for row in group} for group in told_of.values()):
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
            In the order of the file, each among those of whom all is known that it was tested for (`as_tested`).

        Raises
        ------
        UnknownNameError
            If the setting does not exist.
        """
        allowed = self.ascertainments(setting)
        speaks = (one for one in self.counts if one.role == "fit" and (allowed is None or one.ascertainment in allowed))
        return once(self, ("fitted", setting), lambda: tuple(map(as_tested, speaks)))

    def for_edge(self, edge: Edge, *, setting: str = "any") -> tuple[Count, ...]:
        """Counts that feed a branch of the tree: its own, and those of coarser groups that it accepts.

        Parameters
        ----------
        edge : Edge
            The branch.
        setting : str
            As in `select`.

        Returns
        -------
        tuple of Count
            One row for each source: a source's own count before its coarser ones, so that no baby counts twice.
        """
        return tuple(count for count, _ in self.behind(edge, setting=setting))

    def behind(self, edge: Edge, *, setting: str = "any") -> tuple[tuple[Count, tuple[Count, ...]], ...]:
        """What `for_edge` gives, each with the rows that it is worked out from: a state's share of those left is of several.

        Parameters
        ----------
        edge : Edge
            The branch.
        setting : str
            As in `select`.

        Returns
        -------
        tuple of (Count, tuple of Count)
            Each count with its rows.
        """
        chosen: dict[str, tuple[Count, tuple[Count, ...]]] = {}
        for given in (edge.given, *edge.accepts):
            for count, rows in self._cells(edge.variable, edge.category, given, edge.after, setting):
                if count.total:
                    chosen.setdefault(count.source, (count, rows))
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
        rows = (row for row in self.fitted(setting) if row.category in states.get(row.variable, ()))
        return tuple(row for row in rows if (row.source, row.row) not in fed)

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
        known = {"any": None} | {one.name: one.ascertainments for one in self.finding.settings}
        if setting not in known:
            raise UnknownNameError("setting", setting, known, where="setting")
        return known[setting]

    def audit(self) -> tuple[AuditFinding, ...]:
        """What a careful reader would ask about these rows: sums, contradictions, gaps, weak bases."""
        return self._audited

    @kept
    def _audited(self) -> tuple[AuditFinding, ...]:
        # Of what only stands beside the risks no count is asked.
        told: tuple[Neighbour | End, ...] = (*self.workup.neighbours, *self.workup.ends)
        beside = {key for one in told for key in one.sources} - {count.source for count in self.counts}
        asked = {key: one for key, one in self.sources.items() if key not in beside}
        fed = {
            edge.said: [row for row in self.for_edge(edge) if row.given == edge.given]
            for edge in self.finding.edges
            if edge.status == "counts"
        }
        return audit_counts(self.finding, asked, self.counts, fed)

    @kept
    def _hash(self) -> int:
        return hash((self.content_hash, self.reading, self.counts))

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
            record["given"] = str(record["given"])
            record["replaces"] = " ;; ".join(record["replaces"])
            record["tested"] = "; ".join(f"{name}={number}" for name, number in record["tested"])
        return pd.DataFrame(records, columns=names).drop(columns="row")
