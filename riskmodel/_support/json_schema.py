"""The published JSON Schemas of what riskmodel writes, generated from the types that describe it."""

from __future__ import annotations

import importlib
import inspect
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from riskmodel._support.doors import door
from riskmodel.errors import Problem, UnknownNameError

#: By name: the type that describes what is written, as module and class; imported when first asked for.
TYPES = {
    "calibration": "riskmodel.calibration.document:CalibrationDocument",
    "consultation": "riskmodel.consultation.document:Document",
    "error": "riskmodel._support.json_schema:ErrorDocument",
    "fit": "riskmodel.updating.document:FitDocument",
}


class ErrorBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong, where, and the way out; of bad evidence every problem."""

    code: Literal[
        "error", "bad_input", "unknown_name", "contradiction", "bad_evidence", "stale_record", "not_accurate",
        "not_converged", "unavailable",
    ]  # fmt: skip
    message: Annotated[str, Meta(min_length=1)]
    what: str
    where: str
    field: str | None
    place: int | None
    remedy: str
    problems: tuple[Problem, ...]


class ErrorDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """The one JSON body of an error, from every command with --json."""

    error: ErrorBody


@door
def schema(name: str = "consultation") -> dict[str, Any]:
    """A published JSON Schema.

    Parameters
    ----------
    name : {"consultation", "error", "calibration", "fit"}
        What it describes: a consultation, an error of a command, or a record of a calibration or a fit.

    Returns
    -------
    dict
        The schema, draft 2020-12.

    Raises
    ------
    UnknownNameError
        If there is no such schema.
    """
    if name not in TYPES:
        raise UnknownNameError("schema", name, sorted(TYPES), where="schema")
    module, kind = TYPES[name].split(":")
    return schema_of(getattr(importlib.import_module(module), kind)) | {"title": f"riskmodel {name}"}


def schema_of(described: type) -> dict[str, Any]:
    """The schema of what a `msgspec.Struct` describes, itself at the top and what it is made of among the definitions."""
    parts = msgspec.json.schema(described)["$defs"]
    for part in parts.values():
        if "description" in part:
            part["description"] = inspect.cleandoc(part["description"]).split("\n\nParameters\n")[0]
        if "properties" in part:
            part["additionalProperties"] = False  # of a dataclass as of a Struct
        if {"probability", "reason"} <= part.get("properties", {}).keys():
            # What is not estimable is null with its reason.
            part["if"] = {"properties": {"probability": {"type": "null"}}}
            part["then"] = {"properties": {"reason": {"minLength": 1}}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **parts.pop(described.__name__), "$defs": parts}
