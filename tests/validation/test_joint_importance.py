"""The joint answers against importance sampling that shares no code with the package."""

import json
from pathlib import Path

import numpy as np
import pytest

import riskmodel as rm

STORED = json.loads((Path(__file__).parents[2] / "validation" / "joint_importance.json").read_text())
#: What leaves the coarse counts of one kind alone.
ALONE = {"karyotype": "Aboujaoude 2006", "outcome": "Avni 1994"}
GIVEN = {"isolated": {"anatomy": "isolated"}, "associated": {"anatomy": "associated"}, "": {}}


def test_every_case_is_stored():
    assert {(one["finding"], one["prior"], one["coarse"]) for one in STORED["cases"]} == {
        (finding, prior, coarse)
        for finding, alone in (("fetal-echogenic-bowel", "karyotype"), ("fetal-hepatic-calcification", "outcome"))
        for prior in ("dirichlet-tree", "jeffreys")
        for coarse in ("all", alone)
    }


@pytest.mark.parametrize(
    "case", STORED["cases"], ids=lambda one: " ".join(map(one.get, ("finding", "prior", "coarse")))
)
def test_the_joint_answers_are_those_of_importance_sampling(case):
    evidence = rm.load_evidence(case["finding"])
    if case["coarse"] != "all":
        evidence = evidence.without(ALONE[case["coarse"]])
    model = rm.fit(evidence, prior=case["prior"])
    for question, stored in case["answers"].items():
        outcome, _, known = question.partition(" | ")
        risk = model.risk(outcome, **GIVEN[known])
        if not risk.estimable:  # without Aboujaoude 2006 nothing tells most deaths
            assert (case["coarse"], outcome) == ("karyotype", "fetal_death")
            continue
        error = getattr(risk.new_setting, "error", 0.0)
        assert abs(risk.mean - stored["mean"]) < 4 * np.hypot(stored["standard_error"], error), question
