"""Leave-one-series-out prediction on published meta-analyses: whether the probabilities of this package hold.

For each arm some series are left out, one at a time; K others of the arm are drawn and pooled, and the left-out series is
predicted from them. Every draw is seeded by the names of arm, series and K, so that a record does not depend on the order
of a file, on the predictors beside it, or on the number of processes.
"""

from __future__ import annotations

import hashlib
import pickle
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel.corpus import Arm, Corpus, load_corpus
from riskmodel.errors import InputError, RiskModelError, UnavailableError
from riskmodel.fingerprint import code_fingerprint
from riskmodel.predictors import Array, Predictor, as_predictors, predicted
from riskmodel.record import CalibrationRecord
from riskmodel.version import __version__

Counts = NDArray[np.int64]

#: Values of K, the number of series pooled.
KS = (1, 2, 3, 5, "all")
#: Left-out series of an arm, so that no large arm outweighs the rest.
MOST = 12
#: Larger series are not used at all: no case series of a prenatal finding is as large.
LARGEST = 3000
#: A left-out series and two others: fewer, and K = 1 is all there is.
FEWEST = 3
#: Stands for a log score where the predicted probability is zero in double precision, or below this.
LOWEST_LOG_SCORE = -690.0  # log of 1e-300
#: Seconds between two writings of an unfinished record.
_SAVE_EVERY = 5.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Case:
    """One prediction to make.

    Parameters
    ----------
    left_out : int
        Index of the series within its arm.
    k : str
        How many others are pooled, or ``"all"``.
    others : tuple of int
        Their indices.
    u : float
        The uniform of the randomised PIT.
    """

    left_out: int
    k: str
    others: tuple[int, ...]
    u: float


@dataclass(frozen=True)
class Task:
    """One arm to judge, as it is sent to a worker.

    Parameters
    ----------
    arm : Arm
        Its series.
    predictors : tuple of Predictor
        Whom to ask.
    seed : int
        Of the draws.
    ks : tuple of str
        Numbers of series to pool.
    most, largest : int
        Left-out series of an arm, and total of a series, at most.
    mirrored : bool
        Whether to ask about non-events as well.
    """

    arm: Arm
    predictors: tuple[Predictor, ...]
    seed: int
    ks: tuple[str, ...]
    most: int
    largest: int
    mirrored: bool


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
        What `riskmodel.predictors.as_predictors` takes: names of `PREDICTORS`, `PoolPredictor`s, functions of events, totals
        and the new total, or a mapping of names to these. The verdict is about the first. By default the package's default,
        naive pooling, and RBesT's default.
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
    for value, where, least in ((seed, "seed", 0), (most, "most", 1), (largest, "largest", 1), (resamples, "resamples", 2)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{value!r} is not a whole number of at least {least}", where=where)
    save = Path(save or resume).expanduser() if save or resume else None
    if save is not None and not save.parent.is_dir():
        raise InputError(f"no folder {str(save.parent)!r}", where="save", remedy="Make it first")
    tasks, skipped = {}, {}
    for arm in corpus.arms:
        usable = sum(total <= largest for total in arm.totals)
        if usable < FEWEST:
            skipped[arm.label] = f"{usable} series with a total up to {largest:,}, fewer than {FEWEST}"
        else:
            tasks[arm.label] = Task(arm, judged, seed, names, most, largest, bool(mirrored))
    if not tasks:
        raise InputError("no arm has enough series", where="corpus", remedy="Raise `largest`, or give another corpus")
    run = _Run(corpus, judged, tasks, skipped, resamples, save, started)
    if resume is not None:
        run.take(CalibrationRecord.load(resume), str(resume))
    run.work(executor, progress or (lambda done, of: None))
    record = run.record()
    if save is not None:
        record.save(save)
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
        import scipy

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
            missing={label: self.missing.get(label, "not judged yet") for label in self.tasks if label not in self.done},
            skipped=self.skipped,
            versions={
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "riskmodel": __version__,
            },
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
        results = _in_turn(waiting) if executor is None else self._spread(executor, waiting)
        try:
            for label, arm in results:
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

    def _spread(self, executor: Executor, tasks: dict[str, Task]) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(executor, ProcessPoolExecutor):
            _check_sendable(tasks)
        futures: dict[Future[dict[str, Any]], str] = {}
        try:
            for label, task in tasks.items():
                try:
                    futures[executor.submit(judge_arm, task)] = label
                except (BrokenExecutor, RuntimeError) as error:
                    self.missing[label] = f"no worker took it: {error}"
            for future in as_completed(futures):
                label = futures[future]
                try:
                    yield label, future.result()
                except RiskModelError:
                    raise  # a predictor's fault, which every worker would meet
                except (Exception, CancelledError) as error:
                    self.missing[label] = f"its worker died or failed: {type(error).__name__}: {error}"
        finally:
            for future in futures:
                future.cancel()


def _in_turn(tasks: dict[str, Task]) -> Iterator[tuple[str, dict[str, Any]]]:
    for label, task in tasks.items():
        yield label, judge_arm(task)


def _check_sendable(tasks: dict[str, Task]) -> None:
    for task in tasks.values():
        for predictor in task.predictors:
            try:
                pickle.dumps(predictor)
            except (pickle.PicklingError, AttributeError, TypeError) as error:
                raise InputError(
                    f"cannot be sent to another process: {error}",
                    where=predictor.name,
                    remedy="Define the function at the top of a module, or leave the executor out",
                ) from None
        return


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


def draw_cases(task: Task) -> list[Case]:
    """Draw the series of an arm that are left out, and for each and every K the others that are pooled.

    Parameters
    ----------
    task : Task
        The arm and the protocol's numbers.

    Returns
    -------
    list of Case
        The same for the same seed and names, whatever else is asked.
    """
    arm = task.arm
    usable = np.flatnonzero(np.array(arm.totals) <= task.largest)
    chosen = _rng(task.seed, arm.label).permutation(usable)[: task.most]
    cases = []
    for left_out in chosen.tolist():
        others = usable[usable != left_out]
        for k in task.ks:
            if k != "all" and int(k) > others.size:
                continue
            rng = _rng(task.seed, arm.label, arm.studies[left_out], k)
            drawn = others if k == "all" else rng.permutation(others)[: int(k)]
            cases.append(Case(left_out, k, tuple(drawn.tolist()), float(rng.random())))
    return cases


def _rng(seed: int, *names: str) -> np.random.Generator:
    digest = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:16])])


def judge_arm(task: Task) -> dict[str, Any]:
    """Predict every left-out series of an arm, with every predictor.

    Parameters
    ----------
    task : Task
        The arm, the predictors and the protocol's numbers.

    Returns
    -------
    dict
        As `CalibrationRecord.arms` holds it.

    Raises
    ------
    InputError
        If a predictor's probabilities are none, naming the series.
    """
    arm, cases = task.arm, draw_cases(task)
    events, totals = np.array(arm.events, np.int64), np.array(arm.totals, np.int64)
    scores: dict[str, dict[str, list[float]]] = {}
    unavailable: dict[str, str] = {}
    for predictor in task.predictors:
        columns: dict[str, list[float]] = {}
        try:
            for case in cases:
                others = np.array(case.others)
                where = f"{arm.label}, study {arm.studies[case.left_out]}, K = {case.k}"
                judged = _judge(predictor, events, totals, case, others, task.mirrored, where)
                for name, value in judged.items():
                    columns.setdefault(name, []).append(value)
        except UnavailableError as refusal:
            unavailable[predictor.name] = refusal.message
        else:
            scores[predictor.name] = columns
    return {
        "cluster": arm.cluster,
        "pooled_risk": arm.pooled_risk,
        "study": [arm.studies[case.left_out] for case in cases],
        "k": [case.k for case in cases],
        "events": [arm.events[case.left_out] for case in cases],
        "total": [arm.totals[case.left_out] for case in cases],
        "u": [case.u for case in cases],
        "scores": scores,
        "unavailable": unavailable,
    }


def _judge(
    predictor: Predictor, events: Counts, totals: Counts, case: Case, others: Counts, mirrored: bool, where: str
) -> dict[str, float]:
    y, n = int(events[case.left_out]), int(totals[case.left_out])
    pmf = predicted(predictor, events[others], totals[others], n, where=where)
    found = {"pit": _pit(pmf, y, case.u), "log_score": _log_score(pmf, y)}
    if mirrored:
        other = predicted(predictor, totals[others] - events[others], totals[others], n, where=f"{where}, non-events")
        found["mirrored_log_score"] = _log_score(other, n - y)
        found["asymmetry"] = float(np.abs(pmf - other[::-1]).max())
    return found


def _pit(pmf: Array, events: int, u: float) -> float:
    """Randomised PIT; rounding of the sum must not leave [0, 1]."""
    return float(np.clip(pmf[:events].sum() + u * pmf[events], 0.0, 1.0))


def _log_score(pmf: Array, events: int) -> float:
    probability = float(pmf[events])
    return max(float(np.log(probability)), LOWEST_LOG_SCORE) if probability > 0 else LOWEST_LOG_SCORE
