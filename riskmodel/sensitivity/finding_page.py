"""Everything that a finding's page says, as data: what is asked, the tree and its counts, sources, audit, work-up."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from riskmodel._support.files import folder as made
from riskmodel._support.files import read_once, write_whole
from riskmodel.errors import StaleRecordError
from riskmodel.evidence.export import describe
from riskmodel.evidence.manifest import MOST_BYTES, MOVES
from riskmodel.evidence.workup import Step
from riskmodel.report import evidence as report
from riskmodel.sensitivity.ledger import Ledger, count_ledger
from riskmodel.tree.audit import audit_model
from riskmodel.tree.model import ProbabilityTree


def stored_ledger(model: ProbabilityTree) -> Ledger:
    """All counts of a finding, with the moves that its folder has stored where they are of this evidence."""
    ledger, evidence = count_ledger(model, moves=False), model.evidence
    try:
        # Counts that no folder has, have none: the same error.
        return ledger.with_stored(json.loads(read_once(evidence.path / MOVES, MOST_BYTES)))  # type: ignore[operator]
    except (OSError, ValueError, TypeError, KeyError, StaleRecordError):
        asked = f"--setting {model.setting} --reading {evidence.reading} --moves"
        how = f"`riskmodel evidence ledger {evidence.finding.key} {asked}` works them out"
        return replace(ledger, not_worked_out=f"not stored for this evidence, reading and setting; {how}")


def finding_page(ledger: Ledger) -> dict[str, Any]:
    """What a finding's page is drawn from: what `riskmodel evidence show --json` has, and the rest of the finding."""
    model = ledger.model
    evidence = model.evidence
    finding, workup = evidence.finding, evidence.workup
    body = describe(evidence)
    edges = [
        one | {"said": edge.said, "probability": edge.probability, "accepts": [str(group) for group in edge.accepts]}
        for one, edge in zip(body["edges"], finding.edges, strict=True)
    ]
    statements = {
        "Differential diagnosis": workup.differential,
        "Prognosis as published": workup.prognosis,
        "Pitfalls": workup.pitfalls,
        "Cautions": workup.cautions,
    }
    return body | {
        "question": finding.question,
        "disclaimer": finding.disclaimer,
        "review": asdict(finding.review),
        "variables": [
            {"name": one.name, "title": one.title, "definition": one.definition, "states": dict(one.state_titles)}
            for one in finding.variables
        ],
        "outcomes": [asdict(one) for one in finding.outcomes],
        "populations": {one.name: {"title": one.title, "definition": one.definition} for one in finding.populations},
        "edges": edges,
        "independences": [asdict(one) | {"given": str(one.given)} for one in finding.independences],
        "ledger": ledger.to_dict(),
        "audit": [one.to_dict() | {"sources": list(one.sources)} for one in audit_model(model)],
        "neighbours": [asdict(one) for one in workup.neighbours],
        "steps": [_step(one) for one in workup.steps],
        "ends": [
            {"key": one.key, "title": one.title, "text": one.text, "when": str(one.when), "sources": list(one.sources)}
            for one in workup.ends
        ],
        "statements": {
            name: [{"text": one.text, "comment": one.comment, "sources": list(one.sources)} for one in several]
            for name, several in statements.items()
        },
    }


def _step(step: Step) -> dict[str, Any]:
    told = {name: getattr(step, name) for name in ("key", "title", "detail", "time")}
    rules = [{"state": one.state, "when": str(one.when), "why": one.why} for one in step.rules]
    return told | {"rules": rules, "sources": list(step.sources)}


def write_pages(ledger: Ledger, folder: str | Path) -> tuple[Path, Path]:
    """Write a finding's page, ``FINDING.md``, and beside it, ``FINDING.moves.json``, the answers that took time."""
    place, name = made(folder), ledger.model.evidence.finding.key
    page, moves = place / f"{name}.md", place / f"{name}.moves.json"
    write_whole(page, report.to_page(finding_page(ledger)))
    write_whole(moves, stored_text(ledger.stored()))
    return page, moves


def stored_text(stored: Mapping[str, Any]) -> str:
    """Answers that took time as JSON text, a line for each count, so that a change of one is a change of one line."""
    head = [f" {json.dumps(name)}: {json.dumps(value)}" for name, value in stored.items() if name != "left_out"]
    lines = [f"  {json.dumps(row)}: {json.dumps(said)}" for row, said in stored["left_out"].items()]
    return "{\n" + ",\n".join([*head, ' "left_out": {\n' + ",\n".join(lines) + "\n }"]) + "\n}\n"
