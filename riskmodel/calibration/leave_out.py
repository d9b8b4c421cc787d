"""One arm of the leave-one-series-out protocol: which series are left out, what is pooled, and how predictions did.

Every draw is seeded by the names of arm, series and K, so that it does not depend on the order of a file, on the
predictors, on the other values of K, or on which process makes it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from riskmodel.calibration.corpus import Arm
from riskmodel.calibration.predictors import Predictor, predicted
from riskmodel.distributions.bulk import bulk
from riskmodel.errors import UnavailableError

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Stands for a log score where the predicted probability is zero in double precision, or below this.
LOWEST_LOG_SCORE = -690.0  # log of 1e-300


@dataclass(frozen=True)
class Case:
    """One prediction to make."""

    left_out: int  # index of the series within its arm
    k: str  # how many others are pooled, or ``"all"``
    others: tuple[int, ...]  # their indices
    u: float  # the uniform of the randomised PIT


@dataclass(frozen=True)
class Task:
    """One arm to judge, as it is sent to a worker."""

    arm: Arm  # its series
    predictors: tuple[Predictor, ...]  # whom to ask
    seed: int  # of the draws
    ks: tuple[str, ...]  # numbers of series to pool
    most: int  # most, largest: left-out series of an arm, and total of a series, at most
    largest: int
    mirrored: bool  # whether to ask about non-events as well


def draw_cases(task: Task) -> list[Case]:
    """Draw the series of an arm that are left out, and for each and every K the others that are pooled."""
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
    """Predict every left-out series of an arm, with every predictor."""
    arm, cases = task.arm, draw_cases(task)
    events, totals = np.array(arm.events, np.int64), np.array(arm.totals, np.int64)
    scores: dict[str, dict[str, list[float]]] = {}
    unavailable: dict[str, str] = {}
    for predictor in task.predictors:
        columns: dict[str, list[float]] = {}
        try:
            with bulk():
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
    found = {"pit": _pit(pmf, y, case.u), "log_score": _log_score(pmf, y), "expected": float(pmf @ np.arange(n + 1))}
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
