"""New counts beside a finding's own: checked together, as the folder that they would make.

A table of new counts has the columns of ``counts.csv``, and for a source that the finding does not know yet those of
``sources.csv``: its citation, year and so on, in any of its rows. What need not be said is left out: a finding with one
pooled population has that one, and a row without a reading is a primary one.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from riskmodel._support.checks import as_ratio, as_whole, is_missing
from riskmodel._support.kept import Value
from riskmodel._support.labels import TOTAL, is_total, totals
from riskmodel.errors import EvidenceError, Problem
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.export import with_commas
from riskmodel.evidence.finding import Count, Finding, grouped
from riskmodel.evidence.load import read_evidence
from riskmodel.evidence.readers import counts, sources
from riskmodel.evidence.readers.identity import NORMAL, Papers, stands
from riskmodel.evidence.readers.sheets import as_table
from riskmodel.evidence.readers.tables import Table, clean
from riskmodel.evidence.readers.text import Faults, Row, read_rows

NEEDED = ("source", "variable", "category", "events", "total", "ascertainment", "terminations", "basis")
#: What a row may say of its source: the columns of ``sources.csv`` but its key, and but what a count says itself.
OF_SOURCE = tuple(name for name in sources.COLUMNS if name not in ("key", "ascertainment", "note"))
#: What a table of new counts may have besides.
OPTIONAL = tuple(name for name in (*counts.COLUMNS, *OF_SOURCE) if name not in NEEDED)
#: By file and row of the whole, the row of the new table that it came from.
type Places = Mapping[str, Mapping[int, int]]


def needed(finding: Finding) -> tuple[str, ...]:
    """Columns that a table of new counts of a finding must have: its population too, unless there is one to be pooled."""
    return NEEDED if sum(one.pooled for one in finding.populations) == 1 else (*NEEDED, "population")


@dataclass(frozen=True, eq=False, repr=False)
class Incoming(Value):
    """A finding with new counts in it."""

    evidence: Evidence  # checked, of the whole
    files: Mapping[str, str]  # the folder's files, as they would be written
    counts: tuple[Count, ...]  # the new ones, as they stand in the new ``counts.csv``
    sources: tuple[str, ...]  # keys of sources that the finding did not have
    said: tuple[str, ...] = ()  # what of the file was passed over, or taken as it stands


def join(
    evidence: Evidence,
    new: Any,
    *,
    updated: str | None = None,
    merge: bool = False,
    sheet: str | None = None,
    hidden: bool = False,
) -> Incoming:
    """Check new counts against a finding and put them beside its own; with `merge` a known paper bears its known label."""
    table = as_table(new, required=NEEDED, optional=OPTIONAL, sheet=sheet, hidden=hidden)
    faults = Faults()
    lines = _new_rows(table, evidence, faults, merge)
    if not lines:
        raise EvidenceError(table.placed(faults.problems), where=table.name)
    told = faults.columns(table.name)
    files = with_commas(evidence)
    # A cell that is told already is written as a formula, so that nothing is concluded from its being empty.
    rows = [{at: "=" if at in told.get(one.number, ()) else cell for at, cell in one.cells.items()} for one in lines]
    files["counts.csv"], first = _with_rows(files["counts.csv"], counts.COLUMNS, rows)
    strange = grouped((one for one in lines if one["source"] not in evidence.sources), itemgetter("source"))
    unknown = {key: of for key, of in strange.items() if not (is_missing(key) or is_total(key))}
    said = []
    for key, of in unknown.items():
        columns = {one: _said(of, one) for one in ("ascertainment", *OF_SOURCE)}
        # What it lacks is told in the table; two that lack a citation are not one paper.
        said.append(columns | {"key": key, "citation": columns["citation"] or key})
    files["sources.csv"], first_source = _with_rows(files["sources.csv"], sources.COLUMNS, said)
    day = updated or datetime.date.today().isoformat()
    dated = re.compile(r"(?m)^updated\s*=\s*\d{4}-\d{2}-\d{2}")
    files["finding.toml"] = dated.sub(f"updated = {day}", files["finding.toml"], count=1)
    places = {"counts.csv": {first + i: line.number for i, line in enumerate(lines)}}
    places["sources.csv"] = {first_source + i: of[0].number for i, of in enumerate(unknown.values())}
    whole = _loaded(files, evidence, table, places, faults)
    added = tuple(count for count in whole.all_counts if count.row in places["counts.csv"])
    return Incoming(whole, files, added, tuple(unknown), table.said)


def _said(rows: Sequence[Row], column: str) -> str:
    """What rows say of their source: the first that says anything, and nothing where that cell is at fault."""
    said = next((one for one in rows if one[column]), None)
    return "" if said is None or said.told(column) else said[column]


def _new_rows(table: Table, evidence: Evidence, faults: Faults, merge: bool) -> list[Row]:
    """Rows of the new table, with what need not be said filled in, and what they say of their sources checked."""
    must, pooled = needed(evidence.finding), [one.name for one in evidence.finding.populations if one.pooled]
    rows = read_rows(table, faults, required=must, optional=[one for one in OPTIONAL if one not in must])
    usual = {"reading": "primary"} | ({"population": pooled[0]} if len(pooled) == 1 else {})
    filled = []
    for row in rows:
        # A cell that was told is empty now, and no other is put in its place.
        cells = {one: cell for one, cell in row.cells.items() if cell or row.told(one)}
        cells |= _as_digits(cells)
        filled.append(replace(row, cells={one: cell for one, cell in usual.items() if one not in cells} | cells))
        for column in OF_SOURCE:
            sources.well_written(filled[-1], column)
    _check_totals(filled)
    papers = Papers(evidence.sources.values())
    by_source = grouped(filled, itemgetter("source"))
    labels = {key: _checked_source(key, of, evidence, papers, merge) for key, of in by_source.items()}
    return [replace(row, cells={**row.cells, "source": labels[row["source"]]}) for row in filled]


def _check_totals(rows: Sequence[Row]) -> None:
    """A total, if by a name with a year, of the series of this table: of those and the finding's together it is no sum."""
    counted = [row for row in rows if all(isinstance(as_whole(row[one]), int) for one in ("events", "total"))]
    asked = itemgetter("variable", "category", "given", "population", "reading", "role")
    for group in grouped(counted, asked).values():
        numbers = [(int(row["events"]), int(row["total"])) for row in group]
        for i, series in totals([row["source"] for row in group], numbers).items():
            if not is_total(group[i]["source"]):  # which is told by its name alone
                group[i].fault("source", f"the sum of the {series} other series of this table", TOTAL[1])


def _checked_source(key: str, rows: Sequence[Row], evidence: Evidence, papers: Papers, merge: bool) -> str:
    """The label of a source, with every fault of what its rows say of it noted."""
    if is_missing(key):
        return key  # told as a cell of counts.csv
    first = rows[0]
    said = {column: _said(rows, column) for column in OF_SOURCE}
    for column, cell in said.items():
        differing = next((one for one in rows if cell and one[column] not in ("", cell)), None)
        if differing is not None:
            differing.fault(column, f"the rows of {key} say different things of it", "Say it once")
    if is_total(key):
        first.fault("source", *TOTAL)
        return key
    cells = {"key": key} | said
    same = papers.find(cells if key not in evidence.sources else cells | {"key": ""})
    if key in evidence.sources:
        own = vars(evidence.sources[key])
        for column in ("doi", "pmid"):
            if cells[column] and own[column] and NORMAL[column](cells[column]) != NORMAL[column](own[column]):
                remedy = "Correct it, or give the other paper another label"
                _first(rows, column).fault(column, f"not that of {key}, which is {own[column]}", remedy)
        if same and same[1] != key:
            _first(rows, same[0]).fault(same[0], *stands(*same))
        return key
    if same and merge:
        return same[1]
    if same:
        column = "source" if same[0] == "key" else same[0]
        _first(rows, column).fault(column, *stands(*same, " here, or merge it by choice (merge=True, --merge)"))
    elif is_missing(cells["citation"]) and not any(one.told("citation") for one in rows):
        remedy = "Give its full reference in a column 'citation', and if known year, doi and pmid"
        first.fault("source", "a source that the finding does not have, without a citation", remedy)
    papers.add(key, cells)
    return key


def _first(rows: Sequence[Row], column: str) -> Row:
    return next(one for one in rows if one[column])


def _as_digits(cells: Mapping[str, str]) -> dict[str, str]:
    """Events and total as digits, where they are whole numbers however they were written: so they are saved."""
    said: dict[str, Any] = {name: cells[name] for name in ("events", "total") if name in cells}
    both = as_ratio(said.get("events"))
    if both is not None and ("total" not in said or as_whole(said["total"]) == both[1]):
        said = {"events": both[0], "total": both[1]}
    return {name: str(number) for name, value in said.items() if isinstance(number := as_whole(value), int)}


def _with_rows(text: str, known: Iterable[str], rows: Sequence[Mapping[str, str]]) -> tuple[str, int]:
    """A file with more rows, its header longer where they need it; and the row in which the first of them stands."""
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next([clean(cell) for cell in cells] for cells in reader if any(map(str.strip, cells)))
    columns = [*header, *(name for name in known if name not in header and any(row.get(name) for row in rows))]
    if columns != header:
        old = [dict(zip(header, cells, strict=False)) for cells in reader if any(cells)]
        text = _written(columns, [dict(zip(columns, columns, strict=True)), *old])
    text = text if text.endswith("\n") else text + "\n"
    return text + _written(columns, rows), sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) + 1


def _written(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    out = io.StringIO()
    csv.DictWriter(out, columns, restval="", extrasaction="ignore", lineterminator="\n").writerows(rows)
    return out.getvalue()


def _loaded(files: Mapping[str, str], evidence: Evidence, table: Table, places: Places, faults: Faults) -> Evidence:
    """The whole as a folder of it would be read; faults of new rows are told where they stand in the new table."""
    try:
        raw = {name: text.encode() for name, text in files.items()}
        whole = read_evidence(raw, evidence.finding.key, None).with_reading(evidence.reading)
    except EvidenceError as error:
        for one in error.problems:
            to = _moved(one, table.name, places)
            faults.add(to.file, to.what, to.remedy, row=to.row, column=to.column, found=to.found)
    if faults.problems:
        found = sorted(faults.problems, key=lambda one: (one.file != table.name, one.row or 0))
        raise EvidenceError(table.placed(found), where=table.name)
    return whole


def _moved(problem: Problem, name: str, places: Places) -> Problem:
    table = places.get(problem.file, {})
    if problem.row is None or problem.row not in table:
        return problem

    def moved(found: re.Match[str]) -> str:
        place = places["counts.csv"].get(int(found[1]))
        return f"row {found[1]} of counts.csv" if place is None else f"row {place}"

    what = re.sub(r"\brow (\d+)\b", moved, problem.what)
    column = "source" if problem.file == "sources.csv" and problem.column == "key" else problem.column
    return replace(problem, file=name, row=table[problem.row], column=column, what=what)
