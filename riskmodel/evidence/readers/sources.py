"""A finding's ``sources.csv`` to values, every fault noted.

A new column is a field of `Source`, a line in `COLUMNS` and one in ``docs/evidence-format.md``; what is exported and
taken beside new counts follows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from riskmodel._support.checks import is_missing
from riskmodel._support.labels import TOTAL, is_total
from riskmodel.evidence.finding import Source
from riskmodel.evidence.readers.identity import Papers, stands
from riskmodel.evidence.readers.text import Column, Faults, Files, Row, header, read_csv

#: Columns of ``sources.csv``, as the fields of `Source`.
COLUMNS = {
    "key": Column("Name of the publication.", limits={"required": True, "unique": True}),
    "citation": Column("Full reference.", limits={"required": True}),
    "year": Column("Of publication.", "integer"),
    "doi": Column("Digital object identifier."),
    "pmid": Column("PubMed number."),
    "design": Column("Of the study."),
    "ascertainment": Column("How its fetuses came to be seen."),
    "weeks": Column("Gestational age."),
    "overlaps": Column("Publications that may share fetuses, joined by a semicolon."),
    "note": Column("What a reader must know.", optional=True),
}
#: By column, what a cell that is not empty must look like, what it otherwise is, and how to write it.
WRITTEN = {
    "year": (r"(19|20)[0-9][0-9]", "not a year", "Write four digits, or leave it empty"),
    "doi": (r"10\.\d{4,9}/\S+", "not a DOI", "Write it as 10.1067/mob.2002.127899, without a web address"),
    "pmid": (r"[0-9]{1,8}", "not a PubMed number", "Write up to eight digits"),
}


def read_sources(files: Files, faults: Faults) -> dict[str, Source]:
    """Read ``sources.csv``. A key that is refused is among them, so that what cites it is not told as well."""
    name = "sources.csv"
    sources: dict[str, Source] = {}
    papers = Papers()
    rows = read_csv(name, files, faults, **header(COLUMNS), begun=True)
    for row in rows:
        key = row["key"]
        if is_missing(key) or ":" in key or ";" in key:
            faults.unread += 1
            faults.refused |= {key} - {""}
            row.fault("key", "not a key", "Write author and year, such as 'Simchen 2002', without ':' or ';'")
        elif is_total(key):
            row.fault("key", *TOTAL)
        elif key in sources:
            row.fault("key", "the source appears twice", "Keep one row for each source")
        if is_missing(row["citation"]):
            row.fault("citation", "no citation", "Give the full reference: a count without one is not evidence")
        cells: dict[str, Any] = {name: row[name] if well_written(row, name) else "" for name in COLUMNS}
        if same := papers.find(cells):
            row.fault(same[0], *stands(*same))
        papers.add(key, cells)
        cells["year"] = int(cells["year"]) if cells["year"] else None
        cells["overlaps"] = tuple(filter(None, (part.strip() for part in row["overlaps"].split(";"))))
        if key:
            sources.setdefault(key, Source(**cells))
    numbers = {row["key"]: row.number for row in rows}
    for source in sources.values():
        for other in source.overlaps:
            if other not in sources:
                faults.unknown(name, "source", other, sources, row=numbers[source.key], column="overlaps")
    return sources


def unknown(names: Iterable[str], sources: Mapping[str, Source], faults: Faults) -> set[str]:
    """Names that no source has: none where they may be those of the keys that could not be read."""
    unread = not sources and any(one.file == "sources.csv" for one in faults.problems)
    found = set() if unread else {*names} - {*sources}
    return found if len(found - {""}) > faults.unread else set()


def well_written(row: Row, column: str) -> bool:
    """Whether a cell is empty or looks as `WRITTEN` has it; where not, it is noted."""
    form, *told = WRITTEN.get(column, ("(?s).*", "", ""))
    good = not row[column] or re.fullmatch(form, row[column]) is not None
    if not good:
        row.fault(column, *told)
    return good
