"""A finding as a tabular data package, so that R, spreadsheets and any reader of CSV can use it.

Tabular Data Package and Table Schema, version 1 (specs.frictionlessdata.io): every column has a type and a meaning, and
counts name their sources by key.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from riskmodel._support.files import write_folder
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import BASES, ROLES
from riskmodel.evidence.manifest import FILES

#: Meaning of each column of ``counts.csv``.
COUNTS = {
    "source": "Key of the publication in sources.csv.",
    "variable": "What was counted: a variable of the tree, or an outcome counted by itself.",
    "category": "The state of the variable that the events are in.",
    "given": "Among whom: VARIABLE=STATE, several joined by a semicolon; empty for all.",
    "events": "Fetuses in the category.",
    "total": "Fetuses counted.",
    "population": "Who was counted; not every population is pooled.",
    "definition": "What counted as the category, where series differ.",
    "ascertainment": "How these fetuses came to be seen.",
    "terminations": "Whether terminated pregnancies are in the count.",
    "basis": "How the number was read.",
    "reading": "Under which reading of disputed rows it holds; primary ones hold wherever nothing replaces them.",
    "role": "fit (or empty) enters fits, check repeats fetuses counted elsewhere, context is never pooled.",
    "replaces": "In another reading: the primary rows it stands in for.",
    "note": "What a reader must know.",
}
#: Meaning of each column of ``sources.csv``.
SOURCES = {
    "key": "Name of the publication.",
    "citation": "Full reference.",
    "year": "Of publication.",
    "doi": "Digital object identifier.",
    "pmid": "PubMed number.",
    "design": "Of the study.",
    "ascertainment": "How its fetuses came to be seen.",
    "weeks": "Gestational age.",
    "overlaps": "Publications that may share fetuses, joined by a semicolon.",
    "note": "What a reader must know.",
}


def descriptor(evidence: Evidence) -> dict[str, Any]:
    """What ``datapackage.json`` says."""
    finding = evidence.finding
    limits: dict[str, dict[str, Any]] = {
        "source": {"required": True},
        "variable": {"required": True},
        "category": {"required": True},
        "events": {"required": True, "minimum": 0},
        "total": {"required": True, "minimum": 1},
        "population": {"required": True, "enum": [one.name for one in finding.populations]},
        "terminations": {"required": True, "enum": ["included", "excluded"]},
        "basis": {"required": True, "enum": list(BASES)},
        "reading": {"required": True, "enum": [one.name for one in finding.readings]},
        "role": {"enum": list(ROLES)},
        "key": {"required": True, "unique": True},
        "citation": {"required": True},
    }
    resources = [
        _resource(evidence, "sources", SOURCES, limits, {"primaryKey": "key"}),
        _resource(
            evidence,
            "counts",
            COUNTS,
            limits,
            {"foreignKeys": [{"fields": "source", "reference": {"resource": "sources", "fields": "key"}}]},
        ),
    ]
    return {
        "profile": "tabular-data-package",
        "name": finding.key.lower(),
        "title": finding.title,
        "description": finding.disclaimer,
        "version": evidence.version,
        "created": f"{finding.updated}T00:00:00Z",
        "sources": [{"title": one.citation} for one in evidence.sources.values()],
        "resources": resources,
    }


def _resource(
    evidence: Evidence, name: str, meanings: dict[str, str], limits: dict[str, dict[str, Any]], keys: dict[str, Any]
) -> dict[str, Any]:
    head = (evidence.path / f"{name}.csv").read_text(encoding="utf-8-sig").splitlines()[0]
    whole = {"events", "total", "year"}
    fields = [
        {
            "name": column,
            "type": "integer" if column in whole else "string",
            "description": meanings[column],
            **({"constraints": limits[column]} if column in limits else {}),
        }
        for column in (part.strip().strip('"') for part in head.split(","))
    ]
    return {
        "profile": "tabular-data-resource",
        "name": name,
        "path": f"{name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": {"fields": fields, "missingValues": [""], **keys},
    }


def export(evidence: Evidence, path: str | Path) -> None:
    """Write a finding as a tabular data package: a new folder, whole or not at all."""
    files: dict[str, str | bytes] = {}
    for name in FILES:
        if (evidence.path / name).exists():
            # Line ends and byte order mark as every reader takes them.
            files[name] = (evidence.path / name).read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    files["datapackage.json"] = json.dumps(descriptor(evidence), indent=1, ensure_ascii=False) + "\n"
    write_folder(path, files)
