"""Leave-one-series-out prediction on published meta-analyses: whether the probabilities of this package hold.

For each arm some series are left out, one at a time; K others of the arm are drawn and pooled, and the left-out series is
predicted from them. Arms are judged one by one or by any `concurrent.futures.Executor`, to the same record.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel._support.checks import LARGEST_TOTAL, NotWhole, as_whole, checked_seed, checked_whole, shown
from riskmodel._support.doors import door
from riskmodel._support.executors import Progress, finished
from riskmodel._support.files import as_path
from riskmodel._support.fingerprint import code_fingerprint
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
#: The largest whole number that a record's file holds.
_LARGEST_SEED = 2**64 - 1


@door
def calibrate(
    corpus: Any = None,
    predictors: Any = None,
    *,
    seed: int = 1,
    executor: Executor | None = None,
    ks: Sequence[int | str] = KS,
    most: int = MOST,
    largest: int = LARGEST,
    mirrored: bool = False,
    resamples: int = 2000,
    save: str | Path | None = None,
    progress: Progress | None = None,
) -> CalibrationRecord:
    r"""Judge predictions by series that were left out.

    The score of a left-out series with y events of n is :math:`\log p(y)`, and its randomised PIT is
    :math:`F(y - 1) + u\,p(y)`, where p is the predictive distribution from K other series of its arm. Where an arm has fewer
    than K others that K is left out for it; ``"all"`` is always judged.

    Parameters
    ----------
    corpus : Corpus, str, Path, data frame or rows, optional
        The published series; the shipped development corpus by default, or what `load_corpus` takes.
    predictors : optional
        What `riskmodel.calibration.predictors.as_predictors` takes: names of `PREDICTORS`, `PoolPredictor` objects,
        functions of events, totals and the new total, or a mapping of names to these. The verdict is about the first. By
        default the package's default, naive pooling, and RBesT's default.
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
    save : str or Path, optional
        Where to write the record when it is finished; a run that is stopped writes nothing.
    progress : callable, optional
        Called with the number of arms done and of all arms.

    Returns
    -------
    CalibrationRecord
        Of all arms.

    Raises
    ------
    EvidenceError
        If the corpus has faults; it carries all of them.
    InputError
        If an argument cannot be used, or a predictor's probabilities are none.
    UnavailableError
        If a worker died: nothing is kept.

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
    seed = checked_seed(seed, "seed", _LARGEST_SEED)
    given = ((most, "most", 1), (largest, "largest", 1), (resamples, "resamples", 2))
    most, largest, resamples = (checked_whole(value, where, least, LARGEST_TOTAL) for value, where, least in given)
    file = None if save is None else as_path(save, "save")
    if file is not None and not (file.parent.is_dir() and os.access(file.parent, os.W_OK) and not file.is_dir()):
        raise InputError(f"{str(file)!r} cannot be written", where="save", remedy="Give a file in a folder of yours")
    settings = {"seed": seed, "ks": list(names), "most": most, "largest": largest, "mirrored": bool(mirrored)}
    if file is not None and os.path.lexists(file):
        _check_replaced(CalibrationRecord.load(file), corpus, settings, judged, file)
    tasks, skipped = {}, {}
    for arm in corpus.arms:
        usable = sum(total <= largest for total in arm.totals)
        if usable < FEWEST:
            skipped[arm.label] = f"{usable} series with a total up to {largest:,}, fewer than {FEWEST}"
        else:
            tasks[arm.label] = Task(arm, judged, seed, names, most, largest, bool(mirrored))
    most_series = max((sum(total <= largest for total in arm.totals) for arm in corpus.arms), default=0)
    for k in () if ks is KS else names:
        if k != "all" and int(k) >= most_series:
            what = f"no arm is so large: pooling {k} needs {int(k) + 1} series, and the largest has {most_series}"
            raise InputError(what, where="ks", remedy=f"Give at most {max(most_series - 1, 1)}, or raise `largest`")
    if not tasks:
        raise InputError("no arm has enough series", where="corpus", remedy="Raise `largest`, or give another corpus")
    done = dict(finished(judge_arm, tasks, executor, progress=progress))
    record = CalibrationRecord(
        **CalibrationRecord.header(code_fingerprint("calibration")),
        corpus={
            "name": corpus.name,
            "content_hash": corpus.content_hash,
            "arms": len(corpus.arms),
            "data_sets": len(corpus.data_sets),
            "clusters": len(corpus.clusters),
            "series": corpus.series,
        },
        settings=settings,
        predictors=tuple(one.to_dict() for one in judged),
        skipped=skipped,
        seconds=round(time.monotonic() - started, 1),
        resamples=resamples,
        arms={label: done[label] for label in tasks},
    )
    if file is not None:
        record.save(file)
    return record


def _check_replaced(
    old: CalibrationRecord, corpus: Corpus, settings: dict[str, Any], judged: Sequence[Predictor], file: Path
) -> None:
    """Refuse to write over a finished record of something else."""
    one = {"corpus": corpus.content_hash, "predictors": [one.to_dict() for one in judged]} | settings
    other = {"corpus": old.corpus["content_hash"], "predictors": list(old.predictors)} | dict(old.settings)
    if different := [name for name in one if one[name] != other.get(name)]:
        what = f"it holds a finished record of another {' and another '.join(different)}"
        raise InputError(what, where=str(file), field="save", remedy="Give another place, or move that record")


def _checked_ks(ks: Any) -> tuple[str, ...]:
    if isinstance(ks, (str, int)) or not isinstance(ks, Sequence) or not ks:
        raise InputError(
            f"{shown(ks)} is not a list", where="ks", remedy='Give numbers of series, such as [1, 2, "all"]'
        )
    names: list[str] = []
    for k in ks:
        whole = "all" if isinstance(k, str) and k == "all" else as_whole(k)
        if isinstance(whole, NotWhole) or (isinstance(whole, int) and whole < 1):
            raise InputError(f"{shown(k)} is not a number of series", where="ks", remedy='Give 1 or more, or "all"')
        names.append(str(whole))
    if len(set(names)) != len(names):
        raise InputError("a number appears twice", where="ks", remedy="Give each once")
    return tuple(names)
