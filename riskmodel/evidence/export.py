"""A finding for other programs: as JSON knows it, and as a tabular data package for R, spreadsheets and readers of CSV.

Tabular Data Package and Table Schema, version 1 (specs.frictionlessdata.io): every column has a type and a meaning, and
counts name their sources by key.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from riskmodel._support.files import write_folder
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.manifest import PACKAGE
from riskmodel.evidence.readers import counts, sources
from riskmodel.evidence.readers.tables import clean, comma_separated
from riskmodel.evidence.readers.text import Column


def describe(evidence: Evidence) -> dict[str, Any]:
    """Evidence as JSON knows it."""
    finding = evidence.finding
    beside = ("row", "population", "role")
    counts = [count.to_dict() | {name: getattr(count, name) for name in beside} for count in evidence.counts]
    return {
        "finding": finding.key,
        "title": finding.title,
        "reading": evidence.reading,
        "readings": {one.name: one.description for one in finding.readings},
        "evidence_version": evidence.version,
        "rows": len(evidence.all_counts),
        "counts": counts,
        "sources": {key: asdict(one) | {"overlaps": list(one.overlaps)} for key, one in evidence.sources.items()},
        "edges": [
            {
                "branch": edge.name,
                "status": edge.status,
                "definition": edge.definition,
                "fed_by": [f"{row.source} {row.events}/{row.total}" for row in evidence.for_edge(edge)],
            }
            for edge in finding.edges
        ],
        "audit": [one.to_dict() | {"sources": list(one.sources)} for one in evidence.audit()],
        "disagreements": [asdict(one) | {"sources": list(one.sources)} for one in evidence.disagreements],
    }


def descriptor(evidence: Evidence) -> dict[str, Any]:
    """What ``datapackage.json`` says."""
    finding = evidence.finding
    named = {one: [kind.name for kind in getattr(finding, f"{one}s")] for one in ("population", "reading")}
    of_source = {"foreignKeys": [{"fields": "source", "reference": {"resource": "sources", "fields": "key"}}]}
    resources = [
        _resource(evidence, "sources", sources.COLUMNS, {}, {"primaryKey": "key"}),
        _resource(evidence, "counts", counts.COLUMNS, named, of_source),
    ]
    return {
        "profile": "tabular-data-package",
        "name": re.sub(r"[^a-z0-9._-]+", "-", finding.key.lower()).strip("-") or "finding",
        "title": finding.title,
        "description": finding.disclaimer,
        "version": evidence.version,
        "created": f"{finding.updated}T00:00:00Z",
        "sources": [{"title": one.citation} for one in evidence.sources.values()],
        "resources": resources,
    }


def _resource(
    evidence: Evidence,
    name: str,
    columns: Mapping[str, Column],
    named: Mapping[str, Sequence[str]],
    keys: Mapping[str, Any],
) -> dict[str, Any]:
    """One file; `named` has the words of a column that the finding declares."""
    rows = csv.reader(io.StringIO(with_commas(evidence)[f"{name}.csv"], newline=""))
    fields = []
    for column in filter(None, map(clean, next(cells for cells in rows if any(cells)))):
        known = columns[column]
        field = {"name": column, "type": known.kind, "description": known.meaning}
        limits = {**known.limits, **({"enum": named[column]} if column in named else {})}
        fields.append(field | ({"constraints": limits} if limits else {}))
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"{name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""], **keys},
    }


def with_commas(evidence: Evidence) -> dict[str, str]:
    """The files that were read, their tables with commas as every reader takes them."""
    columns = {"counts.csv": [*counts.COLUMNS], "sources.csv": [*sources.COLUMNS]}
    texts = evidence.files
    return {**texts, **{name: comma_separated(texts[name], known) for name, known in columns.items()}}


def write_package(evidence: Evidence, path: str | Path) -> list[str]:
    """Write a finding as a tabular data package, a new folder, whole or not at all; names of its files."""
    described = json.dumps(descriptor(evidence), indent=1, ensure_ascii=False) + "\n"
    files: dict[str, str | bytes] = {PACKAGE: described, **with_commas(evidence)}
    write_folder(path, files)
    return list(files)
