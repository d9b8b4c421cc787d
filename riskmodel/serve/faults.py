"""What is sent where there is no answer: a status, and one body in the form of whoever asked: JSON, FHIR, or a page."""

from __future__ import annotations

import json
import logging
import secrets
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from riskmodel.errors import InputError, RiskModelError, UnavailableError
from riskmodel.serve.exchange.fhir import MEDIA_TYPE, operation_outcome
from riskmodel.serve.finished import HTML, JSON
from riskmodel.serve.pages.templates import rendered

log = logging.getLogger("riskmodel.serve")
#: Beginnings of paths that a program asks: of any other an error is a page.
PROGRAMS = ("/api/v1", "/healthz", "/version", "/openapi.json", "/static")
#: Of those that speak FHIR, with the media type in which they do: CDS Hooks sends plain JSON.
HOSPITALS = {"/cds-services": JSON, "/fhir": MEDIA_TYPE}


class TooLargeError(InputError):
    """A body longer than is read."""

    code = "bad_input"


def status_of(error: RiskModelError) -> int:
    """The status that says an error of the one tree: what the caller can mend is 422."""
    if isinstance(error, TooLargeError):
        return 413
    if isinstance(error, UnavailableError):
        return 503
    return 422 if isinstance(error, InputError) or error.code == "bad_evidence" else 503


def error_body(error: RiskModelError, status: int) -> dict[str, Any]:
    """The one JSON body of an error, with its status."""
    body: dict[str, Any] = error.to_dict()
    body["error"]["status"] = status
    return body


def as_sent(path: str, error: RiskModelError, status: int) -> tuple[bytes, str]:
    """An error as the asker of a path reads it, and its media type."""
    body: Mapping[str, Any] = error_body(error, status)
    kind = next((kind for beginning, kind in HOSPITALS.items() if path.startswith(beginning)), None)
    if kind is None and not path.startswith(PROGRAMS):
        return rendered("error.html", error=body["error"]), HTML
    if kind is not None:
        body = operation_outcome(body["error"])
    return json.dumps(body, ensure_ascii=False).encode(), kind or JSON


def fault_of_ours(error: BaseException) -> RiskModelError:
    """A fault of ours as a number, under which its kind and place are logged; what was asked is not in it."""
    reference = secrets.token_hex(4)
    at = traceback.extract_tb(error.__traceback__)[-1]
    log.error("fault %s: %s at %s:%s", reference, type(error).__name__, Path(at.filename).name, at.lineno)
    return RiskModelError(f"a fault of riskmodel itself (reference {reference})", remedy="Please report it")
