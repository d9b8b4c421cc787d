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
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from riskmodel._support.kept import Value
from riskmodel.errors import EvidenceError, InputError, Problem
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count
from riskmodel.evidence.load import load_evidence
from riskmodel.evidence.manifest import FILES, folder_hash
from riskmodel.evidence.readers import counts, sources
from riskmodel.evidence.readers.sheets import as_table
from riskmodel.evidence.readers.tables import Table, clean, comma_separated
from riskmodel.evidence.readers.text import Faults, Row, read_rows

NEEDED = ("source", "variable", "category", "events", "total", "ascertainment", "terminations", "basis")
#: What a row may say of its source: the columns of ``sources.csv`` but its key, and but what a count says itself.
OF_SOURCE = tuple(name for name in sources.COLUMNS if name not in ("key", "ascertainment", "note"))
#: What a table of new counts may have besides.
OPTIONAL = tuple(name for name in (*counts.COLUMNS, *OF_SOURCE) if name not in NEEDED)


@dataclass(frozen=True, eq=False)
class Incoming(Value):
    """A finding with new counts in it."""

    evidence: Evidence  # checked, of the whole
    files: Mapping[str, str]  # the folder's files, as they would be written
    counts: tuple[Count, ...]  # the new ones, as they stand in the new ``counts.csv``
    sources: tuple[str, ...]  # keys of sources that the finding did not have
    said: tuple[str, ...] = ()  # what of the file was passed over, or taken as it stands


def join(
    evidence: Evidence, new: Any, *, updated: str | None = None, sheet: str | None = None, hidden: bool = False
) -> Incoming:
    """Check new counts against a finding and put them beside its own."""
    table = as_table(new, required=NEEDED, optional=OPTIONAL, sheet=sheet, hidden=hidden)
    faults = Faults()
    lines = _new_rows(table, evidence, faults)
    if faults.problems:
        raise EvidenceError(table.placed(faults.problems), where=table.name)
    files = _files(evidence)
    files["counts.csv"], first = _with_rows(files["counts.csv"], counts.COLUMNS, [line.cells for line in lines])
    unknown: dict[str, list[Row]] = {}
    for line in lines:
        if line["source"] not in evidence.sources:
            unknown.setdefault(line["source"], []).append(line)
    said = [
        {"key": key}
        | {column: next((one[column] for one in of if one[column]), "") for column in ("ascertainment", *OF_SOURCE)}
        for key, of in unknown.items()
    ]
    files["sources.csv"], first_source = _with_rows(files["sources.csv"], sources.COLUMNS, said)
    day = updated or datetime.date.today().isoformat()
    dated = re.compile(r"(?m)^updated\s*=\s*\d{4}-\d{2}-\d{2}")
    files["finding.toml"] = dated.sub(f"updated = {day}", files["finding.toml"], count=1)
    places = {first + i: line.number for i, line in enumerate(lines)}
    origins = {first_source + i: of[0].number for i, of in enumerate(unknown.values())}
    whole = _loaded(files, evidence, table, places, origins)
    added = tuple(count for count in whole.all_counts if count.row in places)
    return Incoming(whole, files, added, tuple(unknown), table.said)


def _new_rows(table: Table, evidence: Evidence, faults: Faults) -> list[Row]:
    """Rows of the new table, with what need not be said filled in."""
    rows = read_rows(table, faults, required=NEEDED, optional=OPTIONAL)
    pooled = [one.name for one in evidence.finding.populations if one.pooled]
    filled = []
    for row in rows:
        cells = {one: value for one, value in row.cells.items() if value}
        if "population" not in cells and len(pooled) == 1:
            cells["population"] = pooled[0]
        cells.setdefault("reading", "primary")
        filled.append(replace(row, cells=cells))
        same = [other for other in rows if other["source"] == row["source"]]
        cited = any(other["citation"] or "citation" in other.told for other in same)
        if row["source"] and row["source"] not in evidence.sources and not cited:
            remedy = "Give its full reference in a column 'citation', and if known year, doi and pmid"
            row.fault("source", "a source that the finding does not have, without a citation", remedy)
        for column in OF_SOURCE:
            if row[column] and len({other[column] for other in same} - {""}) > 1:
                row.fault(column, f"the rows of {row['source']} say different things of it", "Say it once")
    return filled


def _files(evidence: Evidence) -> dict[str, str]:
    """Texts of the evidence's folder, as it was when it was read."""
    if not evidence.path.is_dir():
        remedy = "Save it, and load the folder that was saved"
        raise InputError("the finding has no folder", where=str(evidence.path), remedy=remedy)
    if folder_hash(evidence.path) != evidence.content_hash:
        raise InputError("the folder has changed since it was read", where=str(evidence.path), remedy="Load it again")
    there = [name for name in FILES if (evidence.path / name).exists()]
    texts = {name: (evidence.path / name).read_bytes().decode().lstrip("\ufeff") for name in there}
    columns = {"counts.csv": [*counts.COLUMNS], "sources.csv": [*sources.COLUMNS]}
    return {
        name: comma_separated(text, columns[name]) if name in columns else text.replace("\r\n", "\n")
        for name, text in texts.items()
    }


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


def _loaded(
    files: Mapping[str, str], evidence: Evidence, table: Table, places: Mapping[int, int], origins: Mapping[int, int]
) -> Evidence:
    """The whole as `load_evidence` reads it; faults of new rows are told where they stand in the new table."""
    with tempfile.TemporaryDirectory(prefix="riskmodel-") as above:
        folder = Path(above) / evidence.finding.key
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8", newline="\n")
        try:
            return load_evidence(folder, reading=evidence.reading)
        except EvidenceError as error:
            moved = [_moved(one, table.name, places, origins) for one in error.problems]
            raise EvidenceError(table.placed(moved), where=table.name) from None


def _moved(problem: Problem, name: str, places: Mapping[int, int], origins: Mapping[int, int]) -> Problem:
    table = {"counts.csv": places, "sources.csv": origins}.get(problem.file, {})
    if problem.row is None or problem.row not in table:
        return problem

    def moved(found: re.Match[str]) -> str:
        place = places.get(int(found[1]))
        return f"row {found[1]} of counts.csv" if place is None else f"row {place}"

    what = re.sub(r"\brow (\d+)\b", moved, problem.what)
    return replace(problem, file=name, row=table[problem.row], what=what)
