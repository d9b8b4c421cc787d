"""A finished answer in the form that is asked for: JSON for programs, Markdown for its audience.

A new format is a file here and a line below; it sees the answer's dictionary and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def to_json(answer: Mapping[str, Any]) -> str:
    """An answer as JSON text."""
    return json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_markdown(answer: Mapping[str, Any]) -> str:
    """A consultation as Markdown, worded for its audience."""
    from riskmodel.report import clinician, patient, researcher  # JSON needs no page

    pages = {
        "clinician": clinician.to_markdown,
        "patient": patient.to_markdown,
        "researcher": researcher.to_markdown,
    }
    # What was not asked for by name is left out of the page.
    details = {"settings": answer["settings"] or (), "neighbours": answer["neighbours"] or {"given": (), "missing": ()}}
    return pages[answer["audience"]]({**answer, **details})
