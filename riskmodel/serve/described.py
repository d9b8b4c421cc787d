"""The interface as OpenAPI: written from the findings that are served and the schemas of what they answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from riskmodel._support.json_schema import schema
from riskmodel._support.version import __version__
from riskmodel.consultation.consult import DETAILS
from riskmodel.consultation.question import choices
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.workup import NO_RESULT
from riskmodel.serve.asked import LONGEST
from riskmodel.serve.exchange.hooks import services

_FHIR = "application/fhir+json"
_ERROR = {"$ref": "#/components/schemas/ServedError"}
#: What is sent in its place to whoever speaks FHIR.
_OUTCOME = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {"resourceType": {"const": "OperationOutcome"}, "issue": {"type": "array", "minItems": 1}},
}


def openapi(findings: Mapping[str, Evidence]) -> dict[str, Any]:
    """The OpenAPI document of what is served."""
    components: dict[str, Any] = {}
    consultation = _component("Consultation", schema("consultation"), components)
    _component("Error", schema("error"), components)
    # The same body with the status in it, for whoever sees the body alone.
    body = components["ErrorBody"]
    components["ServedErrorBody"] = body | {
        "properties": {**body["properties"], "status": {"type": "integer"}},
        "required": [*body["required"], "status"],
    }
    components["ServedError"] = {
        "type": "object",
        "properties": {"error": {"$ref": "#/components/schemas/ServedErrorBody"}},
        "required": ["error"],
        "additionalProperties": False,
    }
    question, named = _question(findings), _in_path("finding", findings)
    any_object = {"type": "object"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "riskmodel",
            "version": __version__,
            "description": "Research software: options, not orders. Nothing that is asked is stored or logged.",
        },
        "paths": {
            "/api/v1/consultation": _get("The answer, as Consultation.to_dict gives it", consultation, question),
            "/api/v1/findings": _get("Findings that are served, with what may be asked of each", any_object),
            "/api/v1/finding/{finding}": _get("One finding's evidence, as read", any_object, [named]),
            "/fhir/RiskAssessment": _get("The answer as a FHIR RiskAssessment (R4)", any_object, question, _FHIR),
            "/fhir/Evidence": _get("The branches as a FHIR Bundle of Evidence (R5)", any_object, question, _FHIR),
            "/cds-services": _get("CDS Hooks 2.0.1: what is offered", any_object),
            "/cds-services/{id}": _hook(),
            "/healthz": _get("Whether every folder is what is served", any_object),
            "/version": _get("Versions of the package and of the evidence", any_object),
        },
        "components": {"schemas": components},
    }  # fmt: skip


def _component(name: str, document: Mapping[str, Any], components: dict[str, Any]) -> dict[str, str]:
    """Put a schema and what it is made of among the components; gives a reference to it."""
    whole = {key: one for key, one in document.items() if key not in ("$schema", "$defs")}
    components |= {key: _moved(one) for key, one in ({name: whole} | document["$defs"]).items()}
    return {"$ref": f"#/components/schemas/{name}"}


def _moved(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: one.replace("#/$defs/", "#/components/schemas/") if key == "$ref" else _moved(one)
            for key, one in part.items()
        }
    return [_moved(one) for one in part] if isinstance(part, list) else part


def _question(findings: Mapping[str, Evidence]) -> list[dict[str, Any]]:
    """Parameters of a question: every name of every finding; one that the asked finding does not have is refused."""
    states: dict[str, list[str]] = {}
    chosen: dict[str, list[str]] = {"finding": list(findings)}
    free: dict[str, str] = {}
    for evidence in findings.values():
        for held, more in ((states, evidence.workup.results(evidence.finding)), (chosen, choices(evidence))):
            for name, values in more.items():
                held.setdefault(name, []).extend(values)
        free |= {one.name: one.title for one in evidence.finding.descriptors}
    named = {name: [*values, *NO_RESULT] for name, values in states.items()} | chosen
    words, by_name = (
        {"type": "string", "minLength": 1, "maxLength": 60},
        "What costs more and is given when asked for by name",
    )
    detail = {"type": "array", "items": {"type": "string", "enum": [*DETAILS, "all"]}}
    return [
        *(_parameter(name, {"type": "string", "enum": list(dict.fromkeys(one))}) for name, one in named.items()),
        *(_parameter(name, words, f"{title}; echoed, part of no number") for name, title in free.items()),
        _parameter("detail", detail, by_name) | {"explode": False},
    ]


def _parameter(name: str, described: Mapping[str, Any], text: str = "") -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": text, "schema": described}


def _in_path(name: str, values: Iterable[str]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "enum": list(values)}}


def _get(
    text: str,
    answered: Mapping[str, Any],
    parameters: list[dict[str, Any]] | None = None,
    kind: str = "application/json",
) -> dict[str, Any]:
    said = ("ETag", "Cache-Control") if parameters else ("Cache-Control",)
    tags = {name: {"schema": {"type": "string"}, "required": True} for name in said}
    error = (_ERROR if kind == "application/json" else _OUTCOME), kind
    responses: dict[str, Any] = {
        "200": {"description": "The answer", "headers": tags, "content": {kind: {"schema": answered}}},
        "400": _refused("Another host was asked for", *error),
    }
    if parameters:
        responses["304"] = {"description": "What the asker has is still the answer"}
        unusable = f"A name, state or address (at most {LONGEST} characters) that cannot be used"
        responses["422"] = _refused(unusable, *error)
        responses["503"] = _refused("A number could not be reached within its stated error", *error)
        responses["404"] = _refused("There is no such finding")
    return {"get": {"summary": text, "parameters": parameters or [], "responses": responses}}


def _refused(text: str, schema: Mapping[str, Any] = _ERROR, kind: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _hook() -> dict[str, Any]:
    kinds = {"hook": "string", "hookInstance": "string", "context": "object", "prefetch": "object"}
    hook = {
        "type": "object",
        "required": ["hook", "hookInstance", "context"],
        "properties": {name: {"type": kind} for name, kind in kinds.items()},
    }
    several = {"cards": {"type": "array", "items": {"type": "object"}}}
    cards = {"type": "object", "required": ["cards"], "properties": several}
    return {
        "post": {
            "summary": "CDS Hooks 2.0.1: cards for a patient",
            "parameters": [_in_path("id", (one["id"] for one in services()["services"]))],
            "requestBody": {"required": True, "content": {"application/json": {"schema": hook}}},
            "responses": {
                "200": {"description": "Cards", "content": {"application/json": {"schema": cards}}},
                "400": _refused("No JSON, or another host", _OUTCOME),
                "401": _refused("A token that is not trusted, where tokens are asked for", _OUTCOME),
                "404": _refused("There is no such service", _OUTCOME),
                "413": _refused("Too long", _OUTCOME),
                "415": _refused("Not application/json", _OUTCOME),
                "422": _refused("No call of a hook", _OUTCOME),
            },
        }
    }
