"""What a test's reassuring result leaves of what it looks for, where the share that it misses is published."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, logit, ndtri

from riskmodel.consultation import document as doc
from riskmodel.consultation.question import Stated
from riskmodel.evidence.workup import LabTest, Neighbour
from riskmodel.tree.model import ProbabilityTree

_RISKS, _SHARES = 999, 101  # quantiles of the risk and of the share missed, whose products make the interval


def missed(model: ProbabilityTree, stated: Stated) -> tuple[doc.Missed, ...]:
    """Of each test with a reassuring result the probability that what it looks for is there all the same.

    With p the probability before the test and m the share that it misses, P(there | reassuring) = p m / (p m + 1 - p):
    Bayes' theorem for a test without false alarms, of which there are too few to matter here. For the next fetus p and m are
    the means, exactly, since the two are independent; the interval is of the risk in a new setting.
    """
    tests = model.evidence.workup.tests
    return tuple(_missed(model, stated, one) for one in tests if stated.answered.get(one.name) == one.states[0])


def _missed(model: ProbabilityTree, stated: Stated, test: LabTest) -> doc.Missed:
    variable = model.evidence.variable(test.of)
    before = model.state_risk(test.of, variable.other, **dict(stated.known.without(test.of)))
    error = next((one for one in model.evidence.workup.neighbours if one.key == test.error), None)
    word = model.state_risk(test.of, variable.other, **dict(stated.known)).mean or 0.0
    found: dict[str, Any] = {
        "test": test.name,
        "title": test.title,
        "result": test.states[0],
        "variable": test.of,
        "state": variable.other,
        "at_its_word": word,
        "share_missed": error and error.probability,
        "share_missed_interval": error and error.interval,
        "text": f"{error.text} {error.differs}".strip() if error else "",
        "sources": error.sources if error else (),
    }
    if error is None or before.mean is None or before.new_setting is None:
        reason = before.reason if error else "how often it misses what it looks for is not in the evidence"
        return doc.Missed(**found, probability=None, interval=None, outcomes={}, reason=reason)
    left = float(_left(before.mean, error.probability))
    risks = before.new_setting.ppf((np.arange(_RISKS) + 0.5) / _RISKS)
    ends = np.quantile(_left(risks[:, None], _shares(error)), [0.025, 0.975])
    reassured = dict(stated.known.with_state(model.evidence.finding, test.of, variable.normal))
    outcomes = {}
    for outcome in model.evidence.finding.outcomes:
        if outcome.headline and outcome.variable not in (None, test.of, *dict(stated.known)):
            mean = model.risk(outcome.name, **reassured).mean
            if mean is not None:
                outcomes[outcome.name] = ((1 - left) * mean, (1 - left) * mean + left)
    interval = float(ends[0]), float(ends[1])
    return doc.Missed(**found, probability=left, interval=interval, outcomes=outcomes, reason="")


def _left(risk: np.ndarray | float, share: np.ndarray | float) -> np.ndarray:
    """What is left of a risk by a reassuring result of a test that misses a share."""
    return np.asarray(risk * share / (risk * share + 1 - risk))


def _shares(error: Neighbour) -> np.ndarray:
    """Quantiles of the share missed: a normal logit with the published interval, or the figure alone where there is none."""
    if error.interval is None:
        return np.array([error.probability])
    low, high = logit(np.clip(error.interval, 1e-9, 1 - 1e-9))
    scores = ndtri((np.arange(_SHARES) + 0.5) / _SHARES)
    return np.asarray(expit((low + high) / 2 + (high - low) / (2 * ndtri(0.975)) * scores))
