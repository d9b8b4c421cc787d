"""The published JSON Schemas of what riskmodel writes, generated from the types that describe it."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

from riskmodel.errors import UnknownNameError

#: By name: the type that describes what is written, as module and class; imported when first asked for.
TYPES = {
    "calibration": "riskmodel.calibration.document:CalibrationDocument",
    "fit": "riskmodel.updating.document:FitDocument",
}
FOLDER = Path(__file__).parent.parent / "schemas"


def names() -> tuple[str, ...]:
    """What there is a schema of, sorted."""
    return tuple(sorted((*TYPES, *(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json")))))


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
    if name not in names():
        raise UnknownNameError("schema", name, names(), where="schema")
    if name in TYPES:
        module, kind = TYPES[name].split(":")
        return schema_of(getattr(importlib.import_module(module), kind)) | {"title": f"riskmodel {name}"}
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found


def schema_of(described: type) -> dict[str, Any]:
    """The schema of what a `msgspec.Struct` describes, itself at the top and what it is made of among the definitions."""
    import msgspec

    parts = msgspec.json.schema(described)["$defs"]
    top = parts.pop(described.__name__)
    top["description"] = inspect.cleandoc(top["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **top, "$defs": parts}
