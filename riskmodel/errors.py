"""Everything this package raises on purpose.

    RiskModelError                 what, where, the way out; has a code and one JSON shape
    ├── InputError                 an argument cannot be used            (also a ValueError)
    │   ├── UnknownNameError       a name nobody knows; says which were meant
    │   └── ContradictionError     arguments that cannot all be true
    ├── EvidenceError              a finding's folder has faults; carries all of them
    ├── AccuracyError              quadrature could not reach its stated error
    ├── StaleRecordError           a saved record that is not of this evidence or code, or was edited
    ├── ConvergenceError           a sampler's draws cannot be trusted
    └── UnavailableError           something that is not built yet, or not installed

An error is raised, never returned. Faces map every one of them to exit code 2; anything else is our fault and exits
with 1.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: How `where` names an argument, one of several series or rows, or both: "prior", "--prior", "events, series 3".
_WHERE = re.compile(r"(?:--)?(?P<field>[a-z][a-z0-9_]*)?(?:(?:^|, )(?:series|row) (?P<place>\d+))?")
#: Commands and functions that `where` names: none of their arguments is at fault alone.
_VERBS = {"calibrate", "consult", "ecdf_band", "evaluate", "evidence", "plots", "pool", "predict", "refit", "update"}


class RiskModelError(Exception):
    """Root of the tree: a fault that the caller can mend.

    Parameters
    ----------
    what : str
        What is wrong, with the value that was found.
    where : str, optional
        The argument, option, file, row or column it was found in.
    remedy : str, optional
        The way out, as something the reader can do.
    field : str, optional
        The argument, option, column or key at fault, so that a page can show the error beside it; by default `where`, if
        that is the name of one. None where no single one is at fault.
    place : int, optional
        Which series or row of the field, counted from 1 as the reader counts; by default the one that `where` names.
    """

    code = "error"

    def __init__(
        self, what: str, *, where: str = "", remedy: str = "", field: str | None = None, place: int | None = None
    ) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        named = _WHERE.fullmatch(where)
        if named is not None:
            field = field or (None if named["field"] in _VERBS else named["field"])
            place = int(named["place"]) if place is None and named["place"] else place
        self.field, self.place = field or None, place
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """One line: where, what and the way out."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head.removesuffix('.')}. {self.remedy}" if self.remedy else head

    def to_dict(self) -> dict[str, Any]:
        """The one JSON body that every face prints for an error."""
        said = {name: getattr(self, name) for name in ("code", "message", "what", "where", "field", "place", "remedy")}
        return {"error": said | {"problems": []}}


class InputError(RiskModelError, ValueError):
    """An argument that cannot be used: its value, type or length."""

    code = "bad_input"


class UnknownNameError(InputError):
    """A name that is not among the known ones.

    Parameters
    ----------
    kind : str
        What the name should name: ``"state of anatomy"``, ``"reading"``.
    name : str
        The name as given.
    known : iterable of str
        The names that exist, in the order in which they are listed to the reader.
    where : str, optional
        The argument or option.
    """

    code = "unknown_name"

    def __init__(self, kind: str, name: object, known: Iterable[str], *, where: str = "") -> None:
        names = [one for one in known if one]
        self.name = name if isinstance(name, str) else _said(name)
        self.known = names
        self.suggestion = closest(self.name, names)
        listed = ", ".join(names) if names else "none"
        article = "an" if kind[:1] in "aeiou" else "a"
        what = f"unknown {kind} {_shortened(self.name)!r}"
        if not self.name.strip():
            what = f"an empty name in place of {article} {kind}"
        super().__init__(what, where=where, remedy=f"{meant(self.name, names)}Known: {listed}")


class ContradictionError(InputError):
    """Arguments that cannot all hold together."""

    code = "contradiction"


@dataclass(frozen=True)
class Problem:
    """One fault of a file: where it is, what was found, and how to mend it."""

    file: str  # name inside the finding's folder
    row: int | None  # line as a spreadsheet numbers it: the header is row 1; None where the fault is the file's
    column: str | None  # name of the column, or the dotted key of a TOML file
    found: str  # the offending text
    what: str  # what is wrong with it
    remedy: str  # what to do
    sheet: str = ""  # of a workbook, and the cell as the program names it, where the fault is of one
    cell: str = ""

    def __str__(self) -> str:
        """Location first, so that a list of problems sorts and scans like a compiler's."""
        place = f"{self.file}, sheet {self.sheet!r}" if self.sheet else self.file
        if self.cell:
            place += f", cell {self.cell}"
        elif self.row is not None:
            place += f", row {self.row}"
        if self.column:
            place += f", {self.column}"
        found = f" (found {_shortened(self.found)!r})" if self.found else ""
        return f"{place}: {self.what}{found}. {self.remedy}"


class EvidenceError(RiskModelError):
    """A finding's folder has faults; all of them, found in one pass.

    Parameters
    ----------
    problems : sequence of Problem
        Every fault, in the order of file and row.
    where : str, optional
        The folder.
    """

    code = "bad_evidence"
    shown = 25  # a folder that is wrong throughout should not fill a terminal; to_dict() has them all

    def __init__(self, problems: Sequence[Problem], *, where: str = "") -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [str(problem) for problem in self.problems[: self.shown]]
        if count > self.shown:
            lines.append(f"... and {count - self.shown} more")
        what = f"{count} problem{'s' if count != 1 else ''} in the evidence\n  " + "\n  ".join(lines)
        super().__init__(what, where=where)
        self.field, self.place = (problems[0].column, problems[0].row) if problems else (None, None)

    def to_dict(self) -> dict[str, Any]:
        """The JSON body, with every problem as an object of its own."""
        body = super().to_dict()
        problems = [asdict(problem) for problem in self.problems]
        body["error"] |= {"what": f"{len(problems)} problems in the evidence", "problems": problems}
        return body


class StaleRecordError(RiskModelError):
    """A saved record that no longer holds: of other evidence or code, or edited after it was made."""

    code = "stale_record"


class AccuracyError(RiskModelError):
    """Quadrature could not reach its stated error with the nodes it may use."""

    code = "not_accurate"


class ConvergenceError(RiskModelError):
    """A sampler's draws cannot be trusted: its diagnostics say why."""

    code = "not_converged"


class UnavailableError(RiskModelError):
    """Something that is not built yet, or whose package is not installed."""

    code = "unavailable"


def closest(name: str, known: Sequence[str]) -> str | None:
    """The known name nearest in spelling, None if none is near; case, Unicode form and '-' for '_' do not matter."""
    folded = {_plain(candidate): candidate for candidate in known if candidate}
    found = difflib.get_close_matches(_plain(_shortened(name)), list(folded), n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def meant(name: str, known: Sequence[str]) -> str:
    """The question whether the nearest name was meant, with a space behind it; empty if none is near."""
    near = closest(name, known)
    return f"Did you mean {near!r}? " if near else ""


def _said(value: object) -> str:
    """A value as text, whatever it is."""
    try:
        return str(value)
    except Exception:  # an object that cannot say what it is
        return f"a {type(value).__name__}"


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace("_", "-")


def _shortened(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
