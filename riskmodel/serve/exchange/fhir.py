"""An answer as FHIR: a RiskAssessment (the same in R4 and R4B), Evidence (R5) for it and for each result that may come.

A figure is a decimal in percent, as FHIR has it, and the range of one more centre a second prediction. Where there is no
figure there is no decimal: a lower end is no better than another. HL7 FHIR R4, RiskAssessment; R5, Evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from riskmodel._support.version import __version__
from riskmodel.report.brief import Row, brief
from riskmodel.report.wording import capital, meaning, named, read, sentence

Answer = Mapping[str, Any]

#: Names of ours in codes: what a finding is called, what may be known of it, and what is asked.
FINDING, STATE, OUTCOME = (f"urn:x-riskmodel:{name}" for name in ("finding", "state", "outcome"))
MEDIA_TYPE, MEDIA_TYPE_R5 = "application/fhir+json; fhirVersion=4.0", "application/fhir+json; fhirVersion=5.0"
UCUM = "http://unitsofmeasure.org"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ROLES = "http://terminology.hl7.org/CodeSystem/variable-role"
#: Digits of a percentage: ten more than anybody can use, so that it is the probability of every other face.
_DIGITS = 10


def risk_assessment(answer: Answer) -> dict[str, Any]:
    """An answer as a RiskAssessment about the group of fetuses of whom the same is known: no patient is named in it."""
    screen = brief(answer)
    rows = [*screen.rows[:1], *screen.others]
    risks = {risk["outcome"]: risk for risk in answer["risks"]}
    predictions = [one for row in rows for one in _predictions(row, risks[row.outcome], screen.sentence)]
    steps = [*screen.ends, *(step.title for step in screen.next)]
    resource: dict[str, Any] = {
        "resourceType": "RiskAssessment",
        "language": "en",
        "text": _narrative([screen.title, screen.sentence, screen.warning, screen.closing]),
        "contained": [_group(answer)],
        "status": "final",
        "method": {"text": f"riskmodel {__version__}, evidence {answer['evidence_version']}, {screen.rests_on}"},
        "code": _concept(FINDING, answer["finding"], answer["title"]),
        "subject": {"reference": "#group"},
        "prediction": predictions,
        "mitigation": "; ".join(f"({i}) {one}" for i, one in enumerate(steps, 1)) or sentence(screen.no_step),
        "note": [
            {"text": f"{screen.warning} {answer['disclaimer']}".strip()},
            *({"text": f"{capital(risk['title'])}: {meaning(risk)}"} for risk in answer["risks"]),
        ],
    }
    return {name: one for name, one in resource.items() if one}  # FHIR has nothing that is empty


def _predictions(row: Row, risk: Answer, first: str) -> list[dict[str, Any]]:
    """Predictions of an outcome: the figure, or what it lies between, and the range of one more centre."""
    head = {"outcome": _concept(OUTCOME, row.outcome, capital(str(risk["title"])))}
    when = {"whenRange": {"extension": [{"url": _ABSENT, "valueCode": "as-text"}]}}
    told = first if row.label == "now" else f"{row.label}: {row.text} ({row.rests_on or 'no series'})."
    if row.kind == "definition":
        return [head | when | {"rationale": told if told is first else f"{told} {sentence(row.why)}"}]
    figure: dict[str, Any] = {"probabilityRange": _range(row.low, row.high)}  # unreported branches at none and at all
    if row.figure is not None:
        figure = {"probabilityDecimal": round(100 * row.figure, _DIGITS)}
    found = [head | figure | when | {"rationale": told}]
    if row.centre_low is not None and row.centre_high is not None:
        centre = {"probabilityRange": _range(row.centre_low, row.centre_high)}
        found.append(head | centre | when | {"rationale": "One more centre: its 95 % range."})
    return found


def evidence(answer: Answer) -> dict[str, Any]:
    """The figures of an answer, now and after each result of the next test, as a collection of Evidence (R5)."""
    groups: Iterable[Answer] = ({"risks": answer["risks"]}, *answer["branches"])
    entries = [{"resource": _evidence(risk, answer)} for group in groups for risk in group["risks"]]
    return {"resourceType": "Bundle", "type": "collection"} | ({"entry": entries} if entries else {})


def _evidence(risk: Answer, answer: Answer) -> dict[str, Any]:
    given = ", ".join(named(f"{name} {state}") for name, state in risk["given"].items()) or "nothing else known"
    kind, ends = read(risk)
    statistic: dict[str, Any] = {
        "description": sentence(risk["reason"]) if risk["reason"] else capital(str(risk["title"])),
        "statisticType": {"text": "probability for the next fetus: mean of the risk in one more centre"},
        "sampleSize": {"numberOfStudies": risk["series"], "numberOfParticipants": risk["fetuses"]},
    }
    if kind == "figure":
        statistic["quantity"] = _quantity(risk["probability"])
    estimates: list[dict[str, Any]] = []
    if kind in ("range", "none"):
        text = "branches that no series reports at none and at all"
        estimates.append({"type": {"text": text}, "range": _range(*ends)})
    if kind != "definition" and (interval := risk["bounds_interval"] or risk["interval"]):
        text = "95 % range of one more centre, equal-tailed"
        estimates.append({"type": {"text": text}, "level": 0.95, "range": _range(*interval)})
    if estimates:
        statistic["attributeEstimate"] = estimates
    roles = (("population", f"{answer['title']}: {given}"), ("measuredVariable", sentence(risk["definition"])))
    return {
        "resourceType": "Evidence",
        "id": re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join([risk["outcome"], *risk["given"].values()]))[:64],
        "version": answer["evidence_version"],
        "title": f"{capital(str(risk['title']))}: {answer['title']}, {given}",
        "status": "draft" if answer["review"]["status"] != "reviewed" else "active",
        "experimental": True,
        "description": meaning(risk),
        "variableDefinition": [
            {"description": text, "variableRole": {"coding": [{"system": _ROLES, "code": role}]}} for role, text in roles
        ],
        "statistic": [statistic],
        "certainty": [{"description": sentence(named(risk["certainty_why"])), "rating": {"text": risk["certainty"]}}],
    }  # fmt: skip


def capability(date: str) -> dict[str, Any]:
    """What of FHIR is served, as a CapabilityStatement."""
    told = "GET RiskAssessment?finding=F&... answers the resource itself, made when asked; it is no search"
    return {
        "resourceType": "CapabilityStatement", "status": "active", "date": date, "kind": "instance",
        "software": {"name": "riskmodel", "version": __version__},
        "implementation": {"description": "Risks of prenatal findings from published series; no patient is stored"},
        "fhirVersion": "4.0.1", "format": ["application/fhir+json"],
        "rest": [{"mode": "server", "resource": [{"type": "RiskAssessment", "documentation": told}]}],
    }  # fmt: skip


#: FHIR R4, `IssueType`, by the status that says the same.
_ISSUES = {401: "login", 403: "forbidden", 404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported",
           422: "value", 500: "exception", 503: "processing"}  # fmt: skip


def operation_outcome(error: Mapping[str, Any]) -> dict[str, Any]:
    """An error as an OperationOutcome (FHIR R4), which CDS Hooks 3.0 (ballot) has a service send in place of cards."""
    where = f"{error['field']}: " if error["field"] else ""
    issue = {
        "severity": "fatal" if error["status"] == 500 else "error",
        "code": _ISSUES.get(error["status"], "invalid"),
        "details": {"text": sentence(error["what"])},
    }
    told = where + sentence(error["remedy"]) if error["remedy"] else where.removesuffix(": ")
    return {"resourceType": "OperationOutcome", "issue": [issue | ({"diagnostics": told} if told else {})]}


def _group(answer: Answer) -> dict[str, Any]:
    """Fetuses of whom the same is known: a group by description, without members."""
    said = ((name, state, answer["variables"][name]) for name, state in answer["known"].items())
    characteristic = [
        {
            "code": _concept(STATE, name, capital(one["title"])),
            "valueCodeableConcept": _concept(STATE, f"{name}.{state}", one["state_titles"][state]),
            "exclude": False,
        }
        for name, state, one in said
    ]
    head = {"resourceType": "Group", "id": "group", "type": "person", "actual": False}
    head |= {"code": _concept(FINDING, answer["finding"], answer["title"]), "name": f"Fetuses: {brief(answer).known}"}
    return head | ({"characteristic": characteristic} if characteristic else {})


def _concept(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def _quantity(probability: float) -> dict[str, Any]:
    return {"value": round(100 * probability, _DIGITS), "unit": "%", "system": UCUM, "code": "%"}


def _range(low: float, high: float) -> dict[str, Any]:
    return {"low": _quantity(low), "high": _quantity(high)}


def _narrative(lines: Iterable[str]) -> dict[str, str]:
    body = "".join(f"<p>{escape(line)}</p>" for line in lines if line)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'}
