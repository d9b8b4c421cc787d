"""The page of a finding, from the one view that `riskmodel evidence page` writes too; and the calibration of its model."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.record import CalibrationRecord
from riskmodel.errors import RiskModelError, StaleRecordError
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.report import evidence as report
from riskmodel.report.calibration import short_markdown
from riskmodel.report.wording import sentence
from riskmodel.sensitivity import finding_page as whole
from riskmodel.serve.pages.templates import as_html, rendered
from riskmodel.tree.model import ProbabilityTree

#: The record of the default on the development corpus, which `make calibration` writes.
RECORD = SHIPPED / "corpora" / "development" / CalibrationRecord.FILE
#: Sections as Markdown has them; the counts and the audit are shown from their data.
_SHOWN = ("asked", "answers", "tree", "disagreements", "neighbours", "workup")


def finding_page(model: ProbabilityTree, findings: Mapping[str, str]) -> bytes:
    """The page of a finding: its answers, the chain of every count, what its audit asks, the fit and how it was judged."""
    evidence = model.evidence
    finding = evidence.finding
    ledger = whole.stored_ledger(model)
    body = whole.finding_page(ledger)
    said = report.sections(body)
    fit = [
        ("Prior on averages", str(model.prior)),
        ("Prior on how settings differ", str(model.heterogeneity)),
        ("Counts and sources", f"{body['rows']} counts of {len(evidence.sources)} sources"),
        ("Content hash", evidence.content_hash),
    ]
    return rendered(
        "finding.html",
        finding=finding.key,
        title=finding.title,
        question=finding.question,
        review=sentence(finding.review.statement),
        version=evidence.version,
        readings=finding.readings,
        reading=evidence.reading,
        findings=findings,
        audit=body["audit"],
        fit=fit,
        said={name: as_html(said[name], lower=False) for name in _SHOWN},
        moved=report.how_moved(body["ledger"]),
        sources=[_source(key, one, body["ledger"]) for key, one in body["sources"].items()],
        calibration=calibration(),
    )


def _source(key: str, source: Mapping[str, Any], ledger: Mapping[str, Any]) -> dict[str, Any]:
    """A source with the chains of its counts."""
    rows = [one for one in ledger["counts"] if one["source"] == key]
    return {
        "key": key,
        "anchor": report.anchor(key),
        "cited": as_html(report.cited(source)),
        "counts": [one | {"chain": report.chain(one, ledger)} for one in rows],
    }


@cache
def calibration() -> dict[str, Any]:
    """The shipped record in short, and why it is not to be relied on where it is of other code or another corpus."""
    try:
        record = CalibrationRecord.load(RECORD)
    except RiskModelError as error:
        return {"text": "", "stale": sentence(str(error))}
    try:
        record.check(load_corpus())
        stale = ""
    except StaleRecordError as error:
        stale = f"This record is stale: {error.what}. {sentence(error.remedy)}"
    return {"text": as_html(short_markdown(record.to_dict())), "stale": stale}
