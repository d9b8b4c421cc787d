"""The published JSON Schemas of what riskmodel writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from riskmodel.errors import UnknownNameError


def schema(name: str = "consultation") -> dict[str, Any]:
    """A published JSON Schema.

    Parameters
    ----------
    name : {"consultation", "error", "calibration", "simulation-based-calibration", "fit"}
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
    folder = Path(__file__).parent.parent / "schemas"
    known = sorted(path.name.removesuffix(".schema.json") for path in folder.glob("*.schema.json"))
    if name not in known:
        raise UnknownNameError("schema", name, known, where="schema")
    found: dict[str, Any] = json.loads((folder / f"{name}.schema.json").read_text(encoding="utf-8"))
    return found
