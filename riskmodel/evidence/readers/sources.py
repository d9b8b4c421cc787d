"""A finding's ``sources.csv`` to values, every fault noted.

A new column is a field of `Source`, a line in `COLUMNS` and one in ``docs/evidence-format.md``; what is exported, shown and
taken beside new counts follows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from riskmodel.evidence.finding import Source
from riskmodel.evidence.readers.text import Column, Faults, header, read_csv

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
_WRITTEN = {
    "year": (r"(19|20)[0-9][0-9]", "not a year", "Write four digits, or leave it empty"),
    "doi": (r"10\.\d{4,9}/\S+", "not a DOI", "Write it as 10.1067/mob.2002.127899, without a web address"),
    "pmid": (r"[0-9]{1,8}", "not a PubMed number", "Write up to eight digits"),
}


def read_sources(path: Path, faults: Faults) -> dict[str, Source]:
    """Read ``sources.csv``."""
    sources: dict[str, Source] = {}
    rows = read_csv(path, faults, **header(COLUMNS))
    for row in rows:
        key = row["key"]
        told: list[tuple[str, str, str]] = []
        if not key or ":" in key or ";" in key:
            told.append(("key", "not a key", "Write author and year, such as 'Simchen 2002', without ':' or ';'"))
        elif key in sources:
            told.append(("key", "the source appears twice", "Keep one row for each source"))
        else:
            if not row["citation"]:
                remedy = "Give the full reference: a count without one is not evidence"
                told.append(("citation", "no citation", remedy))
            wrong = {name for name, (form, _, _) in _WRITTEN.items() if row[name] and not re.fullmatch(form, row[name])}
            told += [(name, *_WRITTEN[name][1:]) for name in _WRITTEN if name in wrong]
            cells: dict[str, Any] = {name: row[name] for name in COLUMNS}
            cells["year"] = int(row["year"]) if row["year"] and "year" not in wrong else None
            cells["overlaps"] = tuple(filter(None, (part.strip() for part in row["overlaps"].split(";"))))
            sources[key] = Source(**cells)
        for column, what, remedy in told:
            faults.add(path.name, what, remedy, row=row.number, column=column, found=row[column])
    numbers = {row["key"]: row.number for row in rows}
    for source in sources.values():
        for other in source.overlaps:
            if other not in sources:
                faults.unknown(path.name, "source", other, sources, row=numbers[source.key], column="overlaps")
    return sources
