"""The response model of an error: the one JSON body that every face prints."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from riskmodel.errors import Problem


class ErrorBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong, where, and the way out; of bad evidence every problem."""

    code: Literal[
        "error",
        "bad_input",
        "unknown_name",
        "contradiction",
        "bad_evidence",
        "stale_record",
        "not_accurate",
        "not_converged",
        "unavailable",
    ]
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
