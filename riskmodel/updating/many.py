"""Many findings at once: each folder fitted and recorded on its own, so that one bad folder does not stop the rest."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel._support.doors import door
from riskmodel._support.executors import Progress, finished
from riskmodel._support.files import as_path, folder
from riskmodel._support.kept import Value
from riskmodel.distributions.bulk import MANY, bulk
from riskmodel.errors import InputError, RiskModelError
from riskmodel.evidence.load import load_evidence
from riskmodel.tree.model import fit
from riskmodel.updating.fit_record import FitRecord

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pandas as pd


@dataclass(frozen=True, eq=False)
class Saved(Mapping[str, FitRecord]):
    """Records in a folder, each read when it is asked for."""

    place: Path
    names: Mapping[str, None]  # in their order

    def __getitem__(self, name: str) -> FitRecord:
        """The record of a finding."""
        self.names[name]
        return FitRecord.load(self.place / f"{name}.json")

    def __iter__(self) -> Iterator[str]:
        """Names of findings."""
        return iter(self.names)

    def __len__(self) -> int:
        """How many."""
        return len(self.names)


@dataclass(frozen=True, eq=False)
class Fitted(Value):
    """What became of a directory of findings."""

    records: Mapping[str, FitRecord]  # by folder name, of those that could be fitted
    failed: Mapping[str, str]  # why the others could not: their faults in full

    def table(self) -> pd.DataFrame:
        """A summary, one row for each finding."""
        import pandas as pd

        rows = [{"finding": name} | _summary(record) for name, record in self.records.items()]
        rows += [{"finding": name, "problem": why} for name, why in self.failed.items()]
        counted = ["branches", "estimable", "questions", "contradictions", "warnings", "conflicts"]
        table = pd.DataFrame(rows, columns=["finding", "version", *counted, "problem"])
        return table.sort_values("finding", ignore_index=True).astype(dict.fromkeys(counted, "Int64"))


def _summary(record: FitRecord) -> dict[str, Any]:
    agreement = record.checks["agreement"].values()
    return {
        "version": record.evidence_version,
        "branches": sum(one["question"].startswith("P(") for one in record.answers),
        "estimable": sum(one["probability"] is not None for one in record.answers),
        "questions": len(record.answers),
        "contradictions": record.checks["audit"]["contradiction"],
        "warnings": record.checks["audit"]["warning"],
        "conflicts": sum(p is not None and not 0.025 <= p <= 0.975 for p in agreement),
        "problem": "",
    }


def record_of(path: str, *, reading: str, many: bool, **arguments: Any) -> tuple[FitRecord | None, str]:
    """Fit a folder, with the arguments of `fit`; `many` says whether compiled loops are worth loading."""
    try:
        with bulk(many):
            return FitRecord.of(fit(load_evidence(path, reading=reading), **arguments)), ""
    except RiskModelError as error:
        return None, error.message


@door
def fit_all(
    findings: str | Path | Iterable[str | Path],
    *,
    reading: str = "primary",
    setting: str = "any",
    prior: Any = "dirichlet-tree",
    heterogeneity: Any = "default",
    save: str | Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Fitted:
    """Fit a directory of findings, each on its own.

    Parameters
    ----------
    findings : str, Path or iterable of these
        A directory whose folders with a ``finding.toml`` are taken, or the folders themselves.
    reading, setting : str
        As `load_evidence` and `fit` take them.
    prior, heterogeneity : optional
        As `fit` takes them.
    save : str or Path, optional
        A folder, made unless it is there, into which each record is written as ``NAME.json`` when it is made, whole or not
        at all. ``records`` then reads them from there, and memory grows by some 2 kB a finding.
    executor : concurrent.futures.Executor, optional
        Where to work; this process by default. The records are the same but for their dates.
    progress : callable, optional
        Called with the number of findings done and of all findings.

    Returns
    -------
    Fitted
        Records, and the faults of the folders that could not be fitted.

    Raises
    ------
    InputError
        If there is no finding, two folders have one name, or a record cannot be written.
    """
    paths = _folders(findings)
    many = len(paths) >= MANY // 4  # of four branches or more each
    how = {"setting": setting, "prior": prior, "heterogeneity": heterogeneity}
    work = partial(record_of, reading=reading, many=many, **how)
    tasks = {path.name: str(path) for path in paths}
    if len(tasks) < len(paths):
        names = [path.name for path in paths]
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputError(f"two folders of the name {twice[0]!r}", where="findings", remedy="Rename one of them")
    place = None if save is None else folder(save)
    kept: dict[str, FitRecord] = {}
    failed: dict[str, str] = {}
    for name, (record, reason) in finished(work, tasks, executor, failed, progress=progress):
        if record is None:
            failed[name] = reason
        elif place is None:
            kept[name] = record
        else:
            record.save(place / f"{name}.json")
    made = [name for name in tasks if name not in failed]
    records = {name: kept[name] for name in made} if place is None else Saved(place, dict.fromkeys(made))
    return Fitted(records, failed)


def _folders(findings: str | Path | Iterable[str | Path]) -> list[Path]:
    if isinstance(findings, (str, Path)):
        place = as_path(findings, "findings")
        if not place.is_dir():
            remedy = "Give a directory of findings' folders"
            raise InputError("not a directory", where=str(findings), field="findings", remedy=remedy)
        try:
            found = sorted(path for path in place.iterdir() if os.path.lexists(path / "finding.toml"))
        except OSError as error:
            what = f"cannot be read: {error.strerror}"
            raise InputError(what, where=str(findings), field="findings", remedy="Give a directory of yours") from None
        found = [path for path in found if not path.name.startswith(".")]
    else:
        found = [as_path(one, "findings") for one in findings]
    if not found:
        remedy = "A finding's folder has a finding.toml"
        raise InputError("no finding", where=str(findings), field="findings", remedy=remedy)
    return found
