"""Expected information of a test: never more than there is to know, and what a definition tells named apart."""

import itertools
import math
import os

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.consultation.workup import _At, information
from riskmodel.evidence.known import Known
from riskmodel.report import render as report

FINDINGS = ("fetal-hepatic-calcification", "fetal-echogenic-bowel", "fetal-mild-ventriculomegaly")


def entropy(*parts):
    return -sum(q * math.log2(q) for q in parts if q > 0)


def most_to_know(risk):
    """Entropy of a state, the largest within its bounds."""
    low, high = risk.bounds or (risk.mean, risk.mean)
    if low is None:
        return math.inf
    return 1.0 if low <= 0.5 <= high else max(entropy(low, 1 - low), entropy(high, 1 - high))


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_test_tells_no_more_than_there_is_to_know_of_the_outcome_and_of_its_result(finding):
    evidence = rm.load_evidence(finding)
    found, asked = evidence.finding, 0
    fits = [*itertools.product(found.readings, ("any", *(one.name for one in found.settings)))]
    # A ventriculomegaly has twelve of them and five variables: a minute and a half for all, observed 2026-11.
    few = 1 if finding == "fetal-mild-ventriculomegaly" else 5
    for reading, setting in fits if os.environ.get("RISKMODEL_SOAK") else fits[:few]:
        model = rm.fit(evidence.with_reading(reading.name), setting=setting)
        for states in itertools.product(*((None, *variable.states) for variable in found.states)):
            known = Known.of(found, dict(zip((one.name for one in found.states), states, strict=True)))
            for variable, outcome in itertools.product(found.states, found.outcomes):
                if {variable.name, outcome.variable} & {None, *dict(known)} or variable.name == outcome.variable:
                    continue
                told = information(model, known, variable.name, outcome.variable, outcome.state)
                risk = model.risk(outcome.name, **dict(known))
                result = model.state_risk(variable.name, variable.other, **dict(known))
                asked += 1
                for bits in (told.bits, told.at_most):
                    if bits is not None:
                        assert 0 <= bits <= min(most_to_know(risk), most_to_know(result)) + 1e-9
                if told.by_definition is not None:
                    assert 0 <= told.by_definition <= (told.at_most if told.bits is None else told.bits) + 1e-12
    assert asked > 200


def test_what_a_good_outcome_excludes_is_told_by_definition(model):
    isolated = Known.of(model.evidence.finding, {"anatomy": "isolated"})
    told = information(model, isolated, "karyotype", "outcome", "good")
    abnormal = model.risk("abnormal_karyotype", anatomy="isolated").mean
    good = model.risk("good_outcome", anatomy="isolated", karyotype="normal").mean
    whole = (1 - abnormal) * good
    by_hand = entropy(whole, 1 - whole) - (1 - abnormal) * entropy(good, 1 - good)
    assert told.bits == told.by_definition == pytest.approx(by_hand, abs=1e-12)
    page = report.to_markdown(rm.consult(detail="all", anatomy="isolated").to_dict())
    assert "(expected information 0.09 bits, all of it by definition)" in page
    # Of an abnormal karyotype the survey tells by counts alone.
    assert information(model, Known(), "anatomy", "karyotype", "abnormal").by_definition == 0


def test_of_three_results_one_of_which_settles_the_outcome_a_part_is_by_definition():
    """The chain rule by hand: whether it is the settled result, and then which of the others."""
    results, given = np.array([0.6, 0.3, 0.1]), np.array([0.9, 0.4, 0.0])
    found = _At(tuple(results), tuple(results * given))
    assert [found.settled(i) for i in range(3)] == [False, False, True]
    whole = found.bits()
    part = found.bits({2})
    total = float(results @ given)
    other = float((results * given)[:2].sum() / 0.9)
    assert part == pytest.approx(entropy(total, 1 - total) - 0.9 * entropy(other, 1 - other), abs=1e-12)
    within = entropy(other, 1 - other) - sum(
        p / 0.9 * entropy(q, 1 - q) for p, q in zip(results[:2], given[:2], strict=True)
    )
    assert whole == pytest.approx(part + 0.9 * within, abs=1e-12)
