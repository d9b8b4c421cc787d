"""New counts from a table that was sent: its faults beside their cells, or what moves, and the new folder.

Nothing is kept between requests: the table comes back with the page, and is sent again for the folder.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from riskmodel.errors import EvidenceError, InputError, Problem, RiskModelError
from riskmodel.evidence.incoming import NEEDED, OPTIONAL
from riskmodel.evidence.readers.sheets import File, as_table
from riskmodel.report.wording import capital, denominator, moves, named, said
from riskmodel.serve.pages.drawn import before_after
from riskmodel.tree.model import ProbabilityTree
from riskmodel.updating.new_counts import Refit, refit

#: Rows of a table with faults that are shown; of a longer one those with faults.
_SHOWN = 60
_ENDINGS = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".ods", ".xls")


@dataclass(frozen=True)
class Sent:
    """A table as it was sent: its name, for its ending alone, and its bytes."""

    name: str
    content: bytes
    merge: bool = False

    @classmethod
    def of(cls, given: Mapping[str, Any], name: str, content: bytes) -> Sent:
        """The table of a form: a file, a text that was pasted, or one that was sent before."""
        if again := str(given.get("again", "")):
            try:
                content, name = base64.b64decode(again, validate=True), str(given.get("name", ""))
            except ValueError as error:
                raise InputError("the table cannot be read", where="table", remedy="Send it again") from error
        elif not content:
            content, name = str(given.get("pasted", "")).encode(), "table.csv"
        if not content.strip():
            remedy = "Choose a file, or paste its rows with their header"
            raise InputError("no table was sent", where="table", remedy=remedy)
        ending = Path(name).suffix.lower()
        if ending not in _ENDINGS:
            remedy = f"Send one that ends in {', '.join(_ENDINGS)}"
            raise InputError("this is not the name of a table", where="table", remedy=remedy)
        return cls(f"table{ending}", content, bool(given.get("merge")))

    @property
    def file(self) -> File:
        """The table as it is read."""
        return File(self.name, self.content)

    @property
    def again(self) -> str:
        """The table as a form sends it back."""
        return base64.b64encode(self.content).decode()

    def refitted(self, model: ProbabilityTree) -> Refit:
        """The finding before and after."""
        return refit(model, self.file, merge=self.merge)


def looked_at(sent: Sent, model: ProbabilityTree) -> dict[str, Any]:
    """What a page says of a table: its faults by cell, or what it changes."""
    found: dict[str, Any] = {"faults": None, "change": None, "sent": sent}
    try:
        return found | {"change": _change(sent.refitted(model))}
    except EvidenceError as error:
        return found | {"faults": _faults(error, sent)}
    except RiskModelError as error:
        told = {"what": capital(error.what), "remedy": error.remedy}
        return found | {"faults": {"told": [told], "header": [], "rows": []}}


def zipped(sent: Sent, model: ProbabilityTree) -> bytes:
    """The folder with the new counts, as `Refit.save` writes it."""
    out, name = io.BytesIO(), model.evidence.finding.key
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, text in sorted(sent.refitted(model).files(name).items()):
            archive.writestr(f"{name}/{file}", text)
    return out.getvalue()


def _faults(error: EvidenceError, sent: Sent) -> dict[str, Any]:
    """Faults by cell, in the table as it was sent; those of no cell before it."""
    try:
        table = as_table(sent.file, required=NEEDED, optional=OPTIONAL)
        lines = [(number, [str(getattr(cell, "found", cell)) for cell in cells]) for number, cells in table.lines]
    except RiskModelError:
        lines = []
    header = lines[0][1] if lines else []
    at: dict[tuple[int, str], list[Problem]] = {}
    told = []
    for one in error.problems:
        if one.row is not None and one.column in header and any(number == one.row for number, _ in lines[1:]):
            at.setdefault((one.row, one.column), []).append(one)
        else:
            told.append({"what": _place(one) + one.what, "remedy": one.remedy})
    faulty = {row for row, _ in at}
    rows = [
        {
            "number": number,
            "cells": [
                {"text": cell, "faults": [f"{capital(one.what)}. {one.remedy}" for one in at.get((number, column), ())]}
                for column, cell in zip(header, cells, strict=False)
            ],
        }
        for number, cells in lines[1:]
        if len(lines) <= _SHOWN or number in faulty
    ]
    return {"told": told, "header": header, "rows": rows[:_SHOWN], "count": len(error.problems)}


def _place(one: Problem) -> str:
    at = ", ".join(filter(None, [f"row {one.row}" if one.row else "", one.column]))
    return f"{capital(at)}: " if at else ""


def _change(found: Refit) -> dict[str, Any]:
    body = found.to_dict()
    rows = []
    for one in body["moves"]:
        before, after, moved, words = one["before"], one["after"], one["moved"], "stays"
        ends = [(told["lower"], told["upper"]) for told in (before, after) if told["probability"] is not None]
        if moved is None:
            words = "no figure" if after["probability"] is None else "has a figure now"
        elif moves(moved, *ends):
            of = max(denominator(before["probability"]), denominator(after["probability"]))
            words = f"{of * moved:+.1f} of {of:,}"
        own = one["influence"].items() if words != "stays" else ()
        rows.append({
            "kind": one["kind"], "title": capital(named(one["title"])), "before": _said(before), "after": _said(after),
            "moved": words, "influence": ", ".join(f"{key} {100 * change:+.1f}" for key, change in own if change),
        })  # fmt: skip
    shown = [one for one in body["moves"] if one["kind"] == "outcome" and one["after"]["probability"] is not None]
    return {
        "sources": body["sources"],
        "said": body["said"],
        "version": (body["before"], body["after"]),
        "surprises": [
            {"source": one["source"], "count": named(one["count"]), "counted": f"{one['events']} of {one['total']}",
             "expected": "" if one["expected"] is None else f"{one['expected']:.1f}",
             "words": "; ".join(filter(None, (one["words"], one["reason"])))}
            for one in body["surprises"]
        ],
        "moves": rows,
        "forest": before_after(shown) if shown else Markup(""),
        "audit": [one["what"] for one in body["audit"]],
    }  # fmt: skip


def _said(one: Mapping[str, Any]) -> str:
    if one["probability"] is None:
        return "no figure"
    return f"{said(one['probability'], (one['lower'], one['upper']))}, {one['series']} series"
