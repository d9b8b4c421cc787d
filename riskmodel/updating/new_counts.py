"""A new series arrives: is it a surprise, what moves, how far, and which series moved it."""

from __future__ import annotations

import datetime
import math
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel._support.checks import shown
from riskmodel._support.doors import door
from riskmodel._support.files import new_folder, read_once, write_folder
from riskmodel._support.kept import Value, kept
from riskmodel.errors import InputError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count
from riskmodel.evidence.incoming import Incoming, join
from riskmodel.evidence.load import load_evidence
from riskmodel.evidence.manifest import FILES, MOST_BYTES, MOVES, PACKAGE, as_texts
from riskmodel.report.refit import changelog_entry, to_markdown
from riskmodel.tree.model import ProbabilityTree, fit
from riskmodel.tree.prediction import foretold
from riskmodel.tree.standing_questions import numbers, questions, route
from riskmodel.updating.fit_record import FitRecord

if TYPE_CHECKING:
    import pandas as pd

#: The log of a finding's changes, beside its files.
LOG = "CHANGELOG.md"
#: Two-sided tail probabilities below which a count is called so.
WORDS = ((0.01, "very surprising"), (0.05, "surprising"), (0.2, "somewhat unusual"), (math.inf, "as expected"))
#: What each branch or outcome that may move is.
_QUESTION = ("kind", "name", "given", "title")
#: Tail below which a count is a surprise at all.
SURPRISING = 0.05


@dataclass(frozen=True, eq=False)
class Refit(Value):
    """A finding before and after new counts.

    Parameters
    ----------
    before, after : ProbabilityTree
        Fitted to the old counts and to all, with the same priors, reading and setting.
    new : Incoming
        The new counts, checked, and the folder that they would make.
    log : str
        The folder's ``CHANGELOG.md`` as it was, empty where it has none.
    left : tuple of str
        What else is in the folder, which `save` does not carry.
    """

    before: ProbabilityTree
    after: ProbabilityTree
    new: Incoming
    log: str = ""
    left: tuple[str, ...] = ()

    @kept
    def surprises(self) -> list[dict[str, Any]]:
        """How each new count compares with what the old ones predict for it.

        Each has source, count, events, total, expected, tail, log_score, words and reason. ``tail`` is the two-sided
        predictive mid-p, ``log_score`` the logarithm of the predictive probability; both are None, with the reason, where
        nothing is predicted.
        """
        return [self._surprise(count) for count in self.new.counts]

    def _surprise(self, count: Count) -> dict[str, Any]:
        row: dict[str, Any] = {"source": count.source, "count": count.key.removeprefix(f"{count.source}: ")}
        row |= {"events": count.events, "total": count.total}
        active = next((one for one in self.after.evidence.counts if one.row == count.row), None)
        if active is None:
            pmf, score, reason = None, None, f"it does not hold in the reading {self.after.evidence.reading!r}"
        elif active.role == "fit" and active not in self.after.evidence.fitted(self.after.setting):
            pmf, score, reason = None, None, f"it does not speak for the setting {self.after.setting!r}"
        else:
            pmf, score, reason = foretold(self.before, active)
        if pmf is None:
            return row | {"expected": None, "tail": None, "log_score": None, "words": "not compared", "reason": reason}
        below = np.cumsum(pmf) - 0.5 * pmf
        tails = np.minimum(1.0, 2 * np.minimum(below, 1 - below))
        tail = float(tails[count.events])
        words = next(word for end, word in WORDS if tail < end)
        note = "" if tails.min() < SURPRISING else "no number of events would have been a surprise"
        row |= {"expected": float(pmf @ np.arange(pmf.size)), "tail": tail}
        return row | {"log_score": score, "words": words, "reason": note}

    @kept
    def moves(self) -> list[dict[str, Any]]:
        """Every branch and headline outcome before and after.

        Each has kind (``"branch"`` or ``"outcome"``), name, given, title; before and after, with probability, lower, upper
        and series (None, with the reason, where it is not estimable); moved, the change of the probability; and
        influence: by new source, the change that it makes beside all the others.
        """
        without = {key: self.after.variant(evidence=self.after.evidence.without(key)) for key in self.sources}
        found = []
        for question in questions(self.after):
            before, after = (numbers(route(model, question)) for model in (self.before, self.after))
            others = {key: numbers(route(model, question)) for key, model in without.items()}
            row = {name: getattr(question, name) for name in _QUESTION} | {"given": str(question.given)}
            row |= {"before": before, "after": after, "moved": _less(after["probability"], before["probability"])}
            row["influence"] = {key: _less(after["probability"], one["probability"]) for key, one in others.items()}
            found.append(row)
        return found

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of the new counts."""
        return tuple(dict.fromkeys(count.source for count in self.new.counts))

    def surprise_table(self) -> pd.DataFrame:
        """How surprising each new count is.

        Returns
        -------
        pandas.DataFrame
            Columns source, count, events, total, expected, tail, log_score, words, reason; see `surprises`.
        """
        import pandas as pd

        table = pd.DataFrame(self.surprises)
        return table.astype(dict.fromkeys(("expected", "tail", "log_score"), "float64"))

    def move_table(self) -> pd.DataFrame:
        """Every branch and headline outcome before and after.

        Returns
        -------
        pandas.DataFrame
            Columns kind, name, given, title, before, before_lower, before_upper, before_series, after, after_lower,
            after_upper, after_series, moved; 95 % equal-tailed intervals of the risk in a new setting, missing where it is
            not estimable.
        """
        import pandas as pd

        rows = []
        for one in self.moves:
            row = {name: one[name] for name in _QUESTION}
            for when in ("before", "after"):
                row |= {when: one[when]["probability"]}
                row |= {f"{when}_{name}": one[when][name] for name in ("lower", "upper", "series")}
            rows.append(row | {"moved": one["moved"]})
        table = pd.DataFrame(rows)
        floats = [f"{when}{end}" for when in ("before", "after") for end in ("", "_lower", "_upper")]
        return table.astype(dict.fromkeys((*floats, "moved"), "float64"))

    def influence_table(self) -> pd.DataFrame:
        """What each new series changes beside all the others.

        Returns
        -------
        pandas.DataFrame
            Columns kind, name, given, title, source, change: the probability with all series less that without this one.
        """
        import pandas as pd

        rows = [
            {name: one[name] for name in _QUESTION} | {"source": source, "change": change}
            for one in self.moves
            for source, change in one["influence"].items()
        ]
        return pd.DataFrame(rows).astype({"change": "float64"})

    @kept
    def record(self) -> FitRecord:
        """The record of the fit to all counts."""
        return FitRecord.of(self.after)

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it.

        Returns
        -------
        dict
            finding, reading, setting, versions before and after, sources, said (what of the file was passed over, such as a
            hidden row, or taken as it stands), surprises, moves and audit: what the audit finds after, and did not before.
        """
        old = {str(one) for one in self.before.evidence.audit()}
        return {
            "finding": self.after.evidence.finding.key,
            "reading": self.after.evidence.reading,
            "setting": self.after.setting,
            "before": self.before.evidence.version,
            "after": self.after.evidence.version,
            "sources": {key: self.after.evidence.sources[key].citation for key in self.sources},
            "said": list(self.new.said),
            "surprises": self.surprises,
            "moves": self.moves,
            "audit": [one.to_dict() for one in self.after.evidence.audit() if str(one) not in old],
        }

    def to_markdown(self) -> str:
        """As a page.

        Returns
        -------
        str
            Markdown: how surprising each count is, what moved, which series moved it, and what the audit says.
        """
        return to_markdown(self.to_dict())

    def save(self, path: str | Path) -> None:
        """Write the finding with the new counts as a new folder, whole or not at all.

        Parameters
        ----------
        path : str or Path
            Where; nothing may be there yet. It gets the finding's files, ``CHANGELOG.md`` with an entry, and
            ``record.json``, the record of the fit.

        Raises
        ------
        InputError
            If something is there, or it cannot be written.
        """
        place = new_folder(path)
        write_folder(place, self.files(place.name))

    def files(self, name: str) -> dict[str, str]:
        """The files of a folder of that name, as `save` writes them.

        Parameters
        ----------
        name : str
            Of the folder, which is the finding's from then on.

        Returns
        -------
        dict of str to str
            By file its text.

        Raises
        ------
        InputError
            If an earlier refit that it began from is in no folder.
        """
        if self.before.evidence.path is None:
            what = "these counts were put beside others that no folder has: its log would lack them"
            raise InputError(what, where=name, remedy="Save the earlier refit, and begin from its folder")
        entry = changelog_entry(self.to_dict(), self.after.evidence.finding.updated)
        record = self.record if name == self.after.evidence.finding.key else replace(self.record, finding=name)
        beside = {LOG: entry + ("\n" + self.log if self.log else ""), FitRecord.FILE: record.to_json()}
        return {**self.new.files, **beside}

    def __repr__(self) -> str:
        """What was added."""
        return (
            f"Refit({self.after.evidence.finding.key}: {len(self.new.counts)} counts of {', '.join(self.sources)}; "
            f"{self.before.evidence.version} to {self.after.evidence.version})"
        )


@door
def refit(
    finding: str | Path | Evidence | ProbabilityTree,
    new: Any,
    *,
    reading: str = "primary",
    setting: str = "any",
    prior: Any = "dirichlet-tree",
    heterogeneity: Any = "default",
    updated: datetime.date | str | None = None,
    merge: bool = False,
    sheet: str | None = None,
    hidden: bool = False,
) -> Refit:
    """Add new counts to a finding, and see what they change. Nothing is written.

    Parameters
    ----------
    finding : str, Path, Evidence or ProbabilityTree
        As `load_evidence` takes it; or a fitted tree, whose reading, setting and priors then hold.
    new : str, Path, data frame or iterable of mapping
        A CSV file, a workbook (.xlsx, .xlsm, .ods, .xls), a data frame (pandas, polars, an xarray.Dataset, whatever is
        handed over by Arrow; an index with a column's name is that column), or rows: the columns of ``counts.csv``, of which
        source, variable, category, events, total, ascertainment, terminations and basis are needed, and for a source that
        the finding does not have ``citation`` and, if known, the others of ``sources.csv``.
    reading, setting : str
        As `load_evidence` and `fit` take them.
    prior, heterogeneity : optional
        As `fit` takes them.
    updated : date or str, optional
        The day that the finding then bears; today by default.
    merge : bool
        Take a source whose label, DOI, PubMed number or citation is that of one that the finding has for that one; by
        default it is refused, with the label that it has there.
    sheet : str, optional
        Of a workbook; by default the only visible one with these columns.
    hidden : bool
        Whether hidden rows and columns of a workbook are read as well. What is passed over is said in ``to_dict()["said"]``
        and on the page.

    Returns
    -------
    Refit
        With `surprise_table`, `move_table`, `influence_table`, `to_markdown` and `save`.

    Raises
    ------
    EvidenceError
        If the new counts have faults or do not fit the finding: all of them, located.
    InputError
        If an argument cannot be used.
    """
    if isinstance(finding, ProbabilityTree):
        before = finding
    else:
        before = fit(load_evidence(finding, reading=reading), prior=prior, heterogeneity=heterogeneity, setting=setting)
    log, left = _beside(before.evidence.path)
    day = None if updated is None else _day(updated)
    joined = join(before.evidence, new, updated=day, merge=merge, sheet=sheet, hidden=hidden)
    return Refit(before, before.variant(evidence=joined.evidence), joined, log, left)


def _day(updated: datetime.date | str) -> str:
    try:
        return datetime.date.fromisoformat(str(updated)).isoformat()
    except ValueError:
        what = f"{shown(updated)} is not a day"
        raise InputError(what, where="updated", remedy="Write it as 2026-01-31") from None


def _beside(folder: Path | None) -> tuple[str, tuple[str, ...]]:
    """A folder's log, refused where it is not this folder's own text, and what else is in it."""
    if folder is None or not folder.is_dir():
        return "", ()
    own = (*FILES, LOG, FitRecord.FILE, MOVES, PACKAGE)
    log = folder / LOG
    try:
        left = tuple(sorted(one.name for one in folder.iterdir() if one.name not in own))
        if log.is_symlink() and not log.resolve().is_relative_to(folder.resolve()):
            raise InputError("a link out of the folder", where=str(log), remedy="Put the text itself there")
        text = as_texts({LOG: read_once(log, MOST_BYTES)})[LOG] if os.path.lexists(log) else ""
    except (OSError, ValueError) as error:
        what = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "not UTF-8 text"
        raise InputError(what, where=str(log), remedy="Mend it, or put it elsewhere") from None
    if len(text) >= MOST_BYTES:
        raise InputError(f"more than {MOST_BYTES:,} bytes", where=str(log), remedy="Put it elsewhere")
    return text, left


#: The names that outside programs use.
Update, update = Refit, refit


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other
