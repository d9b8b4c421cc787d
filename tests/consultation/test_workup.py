"""The work-up in every state: a next step or a stated end, and no step done by another's result."""

import itertools
import shutil

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.consultation.question import stated
from riskmodel.errors import ContradictionError, EvidenceError, UnknownNameError
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.evidence.workup import NO_RESULT

FINDINGS = rm.findings()
#: What leaves something to do, or to wait for.
GOES_ON = {"due", "planned", "awaited"}


def states_of(evidence):
    """Every combination of answers, unknown, pending and declined among them, that does not contradict itself."""
    asked = evidence.workup.results(evidence.finding)
    for answers in itertools.product(*((None, *NO_RESULT, *states) for states in asked.values())):
        try:
            yield stated(evidence, dict(zip(asked, answers, strict=True)))
        except ContradictionError:
            continue


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_state_has_a_next_step_or_a_stated_end(finding):
    evidence = rm.load_evidence(finding)
    workup, seen = evidence.workup, 0
    for one in states_of(evidence):
        seen += 1
        states = {step.key: step.decide(one.facts).state for step in workup.steps}
        ends = workup.standing(one.facts)
        assert GOES_ON & set(states.values()) or ends, one.answered
        # What is due now is not what can only be done after birth.
        assert all(states[step.key] != "due" for step in workup.steps if step.time == "after birth"), one.answered
        # An answer that is no result is said as such, whatever else is known.
        for step in workup.steps:
            answer = one.answered.get(step.test or step.resolves or "")
            if answer in NO_RESULT:
                assert states[step.key] == NO_RESULT[answer], (step.key, one.answered)
    assert seen > 500


@pytest.mark.parametrize("finding", FINDINGS)
def test_no_step_is_done_by_another_s_result(finding):
    evidence = rm.load_evidence(finding)
    for one in states_of(evidence):
        for step in evidence.workup.steps:
            if step.resolves is None or step.decide(one.facts).state != "done":
                continue
            own = {step.test, step.resolves} - {None}
            assert any(one.answered.get(name) not in (None, *NO_RESULT) for name in own), (step.key, one.answered)
            # A test of the same variable does not stand in for it.
            others = {test.name for test in evidence.workup.tests if test.of == step.resolves} - {step.test}
            assert own & set(one.answered) or not others & set(one.answered), (step.key, one.answered)


@pytest.mark.parametrize("finding", FINDINGS)
def test_abnormal_results_end_in_words_and_not_in_nothing(finding):
    evidence = rm.load_evidence(finding)
    for variable in evidence.finding.states:
        if variable.name == "width":  # a band: whatever it is, the next steps are the same
            continue
        for state in variable.states[1:]:
            answer = rm.consult(finding=evidence, **{variable.name: state}).to_dict()
            assert answer["ends"], (variable.name, state)
            for end in answer["ends"]:
                assert end["sources"]
                assert set(end["sources"]) <= set(answer["sources"])


def test_pending_and_declined_are_summed_over_as_unknown():
    known = rm.consult(anatomy="isolated")
    for answer, state in NO_RESULT.items():
        found = rm.consult(anatomy="isolated", karyotype=answer)
        assert [risk.mean for risk in found.risks] == [risk.mean for risk in known.risks]
        assert found.to_dict()["answered"] == {"anatomy": "isolated", "karyotype": answer}
        assert found.to_dict()["known"] == {"anatomy": "isolated"}
        assert [one.state for one in found.workup][1] == state


def test_a_mother_s_serology_is_not_an_infection_of_the_fetus():
    answer = rm.consult(anatomy="isolated", karyotype="normal", serology="positive").to_dict()
    states = {step["step"]: step["state"] for step in answer["workup"]}
    assert states["maternal-infection-serology"] == "done"
    assert states["amniotic-fluid-infection"] == "due"
    assert "infection" not in answer["known"]
    good = answer["risks"][0]
    # The figure of those whose mothers were not known to be infected is not hers; of an infected fetus nothing is counted.
    assert good["probability"] is None
    assert good["bounds"] == [0.0, 1.0]
    assert all(step["p_abnormal"] is None for step in answer["workup"])


def test_the_fluid_outweighs_the_serology_and_what_contradicts_is_refused():
    both = rm.consult(serology="negative", fluid="positive")
    assert dict(both.known) == {"infection": "positive"}
    assert dict(rm.consult(serology="positive", fluid="negative").known) == {"infection": "negative"}
    with pytest.raises(ContradictionError, match="infection is stated as positive, while fluid is negative") as told:
        rm.consult(infection="positive", fluid="negative")
    assert told.value.field == "infection"
    assert "Leave infection out" in told.value.remedy
    # A mother's infection says nothing against a fetus that is said to be well.
    assert dict(rm.consult(infection="negative", serology="positive").known) == {"infection": "negative"}
    with pytest.raises(UnknownNameError, match=r"maybe.*|state of serology"):
        rm.consult(serology="maybe")


# ---------------------------------------------------------------- what a test misses


def test_what_a_negative_test_leaves_is_bayes_theorem():
    known = {"anatomy": "isolated", "karyotype": "normal"}
    answer = rm.consult(**known, fluid="negative", test_errors="published").to_dict()
    (found,) = answer["test_errors"]
    before = rm.fit("fetal-hepatic-calcification").state_risk("infection", "positive", **known)
    assert found["probability"] == pytest.approx(before.mean * 0.08 / (before.mean * 0.08 + 1 - before.mean), abs=1e-12)
    assert found["at_its_word"] == 0.0
    assert found["share_missed_interval"] == [0.05, 0.13]
    # The interval by plain simulation: risks of a new setting, and a share missed whose logit is normal.
    rng = np.random.default_rng(1)
    logit = np.log(np.array([0.05, 0.13]) / (1 - np.array([0.05, 0.13])))
    shares = 1 / (1 + np.exp(-rng.normal(logit.mean(), np.diff(logit)[0] / 3.919928, 400_000)))
    risks = before.new_setting.sample(400_000, rng)
    drawn = np.quantile(risks * shares / (risks * shares + 1 - risks), [0.025, 0.975])
    assert found["interval"][1] == pytest.approx(drawn[1], rel=0.03)
    assert found["interval"][0] == pytest.approx(drawn[0], abs=2e-5)
    word = rm.consult(**known, infection="negative").risks[0].mean
    low, high = found["outcomes"]["good_outcome"]
    assert low == pytest.approx((1 - found["probability"]) * word, abs=1e-12)
    assert high - low == pytest.approx(found["probability"], abs=1e-12)
    assert answer["risks"][0]["probability"] == pytest.approx(
        word, abs=1e-12
    )  # the answer itself takes results at their word


def test_without_a_published_interval_the_share_stands_alone_and_is_said_to():
    (found,) = rm.consult(anatomy="isolated", serology="negative", test_errors="published").to_dict()["test_errors"]
    assert found["share_missed"] == 0.31
    assert found["share_missed_interval"] is None
    assert "No interval was read" in found["text"]
    assert rm.consult(anatomy="isolated", serology="negative").to_dict()["test_errors"] is None
    assert rm.consult(serology="positive", test_errors="published").to_dict()["test_errors"] == []
    with pytest.raises(UnknownNameError, match="test_errors"):
        rm.consult(test_errors="all")


# ---------------------------------------------------------------- faults of the file

TEST = """
[[tests]]
name = "{name}"
title = "a test"
plain_title = "a test"
of = "{of}"
states = ["negative", "{state}"]
reads = {{ negative = "{reads}" }}
definition = "What it is."
sources = ["Simchen 2002"]
{more}
"""


@pytest.mark.parametrize(("changed", "told"), [
    ({"name": "anatomy"}, "'anatomy' is declared 2 times"),
    ({"name": "2nd"}, "not a plain name"),
    ({"of": "outcome"}, "found 'outcome'"),
    ({"state": "pending"}, "'pending' is taken"),
    ({"reads": "none"}, "found 'none'"),
    ({"more": 'error = "nothing"'}, "unknown neighbour of kind error (found 'nothing')"),
])  # fmt: skip
def test_faults_of_a_test_are_named(tmp_path, changed, told):
    folder = tmp_path / "own"
    shutil.copytree(SHIPPED / "fetal-hepatic-calcification", folder)
    said = {"name": "smear", "of": "infection", "state": "positive", "reads": "negative", "more": ""} | changed
    path = folder / "workup.toml"
    path.write_text(path.read_text(encoding="utf-8") + TEST.format(**said), encoding="utf-8")
    with pytest.raises(EvidenceError) as found:
        rm.load_evidence(folder)
    assert any(told in str(one) for one in found.value.problems), [str(one) for one in found.value.problems]
