"""Leave-one-series-out prediction on published meta-analyses: whether the probabilities of this package hold.

For each arm some series are left out, one at a time; K others of the arm are drawn and pooled, and the left-out series is
predicted from them. Arms are judged one by one or by any `concurrent.futures.Executor`, to the same record.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel._support.executors import Progress, finished
from riskmodel._support.fingerprint import code_fingerprint
from riskmodel._support.version import package_versions
from riskmodel.calibration.corpus import Corpus, load_corpus
from riskmodel.calibration.leave_out import Task, judge_arm
from riskmodel.calibration.predictors import Predictor, as_predictors
from riskmodel.calibration.record import CalibrationRecord
from riskmodel.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor

#: Values of K, the number of series pooled.
KS = (1, 2, 3, 5, "all")
#: Left-out series of an arm, so that no large arm outweighs the rest.
MOST = 12
#: Larger series are not used at all: no case series of a prenatal finding is as large.
LARGEST = 3000
#: A left-out series and two others: fewer, and K = 1 is all there is.
FEWEST = 3
#: Where the command keeps what is finished, until all of it is, if no other file is named.
UNFINISHED = Path("calibration-unfinished.json")
#: Seconds between two writings of an unfinished record.
_SAVE_EVERY = 10.0


def calibrate(
    corpus: Corpus | str | Path | None = None,
    predictors: Any = None,
    *,
    seed: int = 1,
    executor: Executor | None = None,
    ks: Sequence[int | str] = KS,
    most: int = MOST,
    largest: int = LARGEST,
    mirrored: bool = False,
    resamples: int = 2000,
    resume: str | Path | None = None,
    save: str | Path | None = None,
    progress: Progress | None = None,
) -> CalibrationRecord:
    r"""Judge predictions by series that were left out.

    The score of a left-out series with y events of n is :math:`\log p(y)`, and its randomised PIT is
    :math:`F(y - 1) + u\,p(y)`, where p is the predictive distribution from K other series of its arm. Where an arm has fewer
    than K others that K is left out for it; ``"all"`` is always judged.

    Parameters
    ----------
    corpus : Corpus, str or Path, optional
        The published series; the shipped development corpus by default, or what `load_corpus` takes.
    predictors : optional
        What `riskmodel.calibration.predictors.as_predictors` takes: names of `PREDICTORS`, `PoolPredictor`s, functions of
        events, totals and the new total, or a mapping of names to these. The verdict is about the first. By default the
        package's default, naive pooling, and RBesT's default.
    seed : int
        Of every draw.
    executor : concurrent.futures.Executor, optional
        Where to work, one arm at a time; this process by default. The record is the same.
    ks : sequence of int or "all"
        How many other series are pooled.
    most : int
        Left-out series of each arm, at most.
    largest : int
        Series with larger totals are not used.
    mirrored : bool
        Also ask every predictor about non-events, as a check of symmetry; twice the work.
    resamples : int
        Of data sets, for intervals.
    resume : str or Path, optional
        An unfinished record, whose arms are kept.
    save : str or Path, optional
        Where to write the record as it grows; where `resume` is, by default.
    progress : callable, optional
        Called with the number of arms done and of all arms.

    Returns
    -------
    CalibrationRecord
        Where a worker died its `missing` says which arms were not judged, and why.

    Raises
    ------
    EvidenceError
        If the corpus has faults; it carries all of them.
    InputError
        If an argument cannot be used, a predictor's probabilities are none, or `resume` is of another calibration.

    Examples
    --------
    >>> record = calibrate(predictors="naive", ks=[1], most=1)
    >>> round(float(record.table()["coverage_95"].iloc[0]), 1) < 0.9
    True
    """
    started = time.monotonic()
    if not isinstance(corpus, Corpus):
        corpus = load_corpus(corpus)
    judged = as_predictors(predictors)
    names = _checked_ks(ks)
    for value, where, least in (
        (seed, "seed", 0),
        (most, "most", 1),
        (largest, "largest", 1),
        (resamples, "resamples", 2),
    ):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{value!r} is not a whole number of at least {least}", where=where)
    place = save if save is not None else resume
    file = None if place is None else Path(place).expanduser()
    if file is not None and not (file.parent.is_dir() and os.access(file.parent, os.W_OK) and not file.is_dir()):
        raise InputError(f"{str(file)!r} cannot be written", where="save", remedy="Give a file in a folder of yours")
    tasks, skipped = {}, {}
    for arm in corpus.arms:
        usable = sum(total <= largest for total in arm.totals)
        if usable < FEWEST:
            skipped[arm.label] = f"{usable} series with a total up to {largest:,}, fewer than {FEWEST}"
        else:
            tasks[arm.label] = Task(arm, judged, seed, names, most, largest, bool(mirrored))
    if not tasks:
        raise InputError("no arm has enough series", where="corpus", remedy="Raise `largest`, or give another corpus")
    run = _Run(corpus, judged, tasks, skipped, resamples, file, started)
    if resume is not None:
        run.take(CalibrationRecord.load(resume), str(resume))
    run.work(executor, progress or (lambda done, of: None))
    record = run.record()
    if file is not None:
        record.save(file)
    return record


class _Run:
    """Arms judged so far, and what is left to do."""

    def __init__(
        self,
        corpus: Corpus,
        predictors: tuple[Predictor, ...],
        tasks: dict[str, Task],
        skipped: dict[str, str],
        resamples: int,
        save: Path | None,
        started: float,
    ) -> None:
        self.corpus, self.predictors, self.tasks, self.skipped = corpus, predictors, tasks, skipped
        self.resamples, self.save, self.started = resamples, save, started
        self.done: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, str] = {}
        self.earlier_seconds = 0.0
        self.saved = time.monotonic()
        self.code = code_fingerprint()
        first = next(iter(tasks.values()))
        self.settings = {
            "seed": first.seed,
            "ks": list(first.ks),
            "most": first.most,
            "largest": first.largest,
            "mirrored": first.mirrored,
        }

    def record(self) -> CalibrationRecord:

        return CalibrationRecord(
            corpus={
                "name": self.corpus.name,
                "content_hash": self.corpus.content_hash,
                "arms": len(self.corpus.arms),
                "data_sets": len(self.corpus.data_sets),
                "clusters": len(self.corpus.clusters),
                "series": self.corpus.series,
            },
            settings=self.settings,
            predictors=tuple(one.to_dict() for one in self.predictors),
            code=self.code,
            arms={label: self.done[label] for label in self.tasks if label in self.done},
            missing={
                label: self.missing.get(label, "not judged yet") for label in self.tasks if label not in self.done
            },
            skipped=self.skipped,
            versions=package_versions(),
            made=datetime.now(UTC).isoformat(timespec="seconds"),
            seconds=round(self.earlier_seconds + time.monotonic() - self.started, 1),
            resamples=self.resamples,
        )

    def take(self, earlier: CalibrationRecord, where: str) -> None:
        """Keep what an unfinished record holds, if it is of this very calibration."""
        mine, found = self.record(), earlier
        for what, ours, theirs in (
            ("corpus", mine.corpus["content_hash"], found.corpus["content_hash"]),
            ("code", mine.code, found.code),
            ("settings", dict(mine.settings), dict(found.settings)),
            ("predictors", list(mine.predictors), list(found.predictors)),
        ):
            if ours != theirs:
                raise InputError(
                    f"the record is of other {what}: {theirs}, now {ours}",
                    where=where,
                    remedy="Ask for the same calibration, or start a new one without resuming",
                )
        self.done = {label: dict(arm) for label, arm in earlier.arms.items()}
        self.earlier_seconds = earlier.seconds

    def work(self, executor: Executor | None, progress: Progress) -> None:
        waiting = {label: task for label, task in self.tasks.items() if label not in self.done}
        progress(len(self.done), len(self.tasks))
        try:
            for label, arm in finished(judge_arm, waiting, executor, self.missing):
                self.done[label] = arm
                if self.save is not None and time.monotonic() - self.saved > _SAVE_EVERY:
                    self.record().save(self.save)
                    self.saved = time.monotonic()
                progress(len(self.done), len(self.tasks))
        except BaseException:
            # Ctrl-C as well as a fault: what is finished can be taken up again.
            if self.save is not None and self.done:
                self.record().save(self.save)
            raise


def _checked_ks(ks: Any) -> tuple[str, ...]:
    if isinstance(ks, (str, int)) or not isinstance(ks, Sequence) or not ks:
        raise InputError(f"{ks!r} is not a list", where="ks", remedy='Give numbers of series, such as [1, 2, "all"]')
    for k in ks:
        if k != "all" and (isinstance(k, bool) or not isinstance(k, int) or k < 1):
            raise InputError(f"{k!r} is not a number of series", where="ks", remedy='Give 1 or more, or "all"')
    names = tuple(str(k) for k in ks)
    if len(set(names)) != len(names):
        raise InputError("a number appears twice", where="ks", remedy="Give each once")
    return names
