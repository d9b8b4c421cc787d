"""An outcome that is counted by itself and shown, and which series are counted behind an answer."""

import itertools

import pytest

import riskmodel as rm
from riskmodel.report import render as report
from riskmodel.report.brief import brief
from riskmodel.report.wording import named


@pytest.fixture
def shown(folder):
    path = folder / "finding.toml"
    path.write_text(path.read_text().replace('name = "fetal_death"', 'name = "fetal_death"\nheadline = true', 1))
    return rm.fit(rm.load_evidence(folder))


def test_every_state_and_test_answers(shown):
    finding = shown.evidence.finding
    states = {one.name: (None, *one.states) for one in finding.states}
    answered = 0
    for given in itertools.product(*states.values()):
        known = {name: state for name, state in zip(states, given, strict=True) if state}
        for serology in ("negative", "positive", "pending"):
            try:
                answer = rm.consult(finding=shown, **known, serology=serology)
            except rm.ContradictionError:
                continue
            answered += 1
            assert any(one.outcome == "fetal_death" for one in brief(answer.to_dict()).others)
    assert answered > 60


def test_a_mother_s_infection_leaves_what_is_counted_by_itself_between_its_ends(shown):
    answer = rm.consult(finding=shown, serology="positive").to_dict()
    (row,) = (one for one in brief(answer).others if one.outcome == "fetal_death")
    assert 0 <= row.low <= row.high <= 1


def test_where_it_is_counted_is_a_clause_of_its_own(shown):
    """However much is known: a state before it is no reason for a comma."""
    reasons = [
        shown.risk("fetal_death", **known).reason
        for known in ({"anatomy": "isolated"}, {"anatomy": "isolated", "karyotype": "normal"})
    ]
    assert [named(one).partition("; ")[2] for one in reasons] == ["it is counted where all, anatomy associated"] * 2
    assert named("a=b; fetal_death=yes; x=mild|severe") == "a b, fetal death yes, x mild|severe"


def test_as_many_series_are_named_as_are_counted_beside_those_that_weigh_what_is_known():
    answer = rm.consult(finding="fetal-echogenic-bowel", karyotype="normal", detail="settings").to_dict()
    risks = [risk for part in (answer, *answer["settings"], *answer["branches"]) for risk in part["risks"]]
    assert all(risk["series"] == len(risk["sources"]) - len(risk["weighing"]) for risk in risks)
    told = "Yang 2022, Al-Kouatly 2001, Maillet 2014 and Aboujaoude 2006; what is known is weighed by JMFM 1999, Simon-Bouy"
    assert f"4 series, 1,196 fetuses: {told} 2003, Fan 2021 and Berlin 1999" in report.to_markdown(answer)


def test_what_a_fitted_tree_was_not_fitted_with_is_refused_beside_it():
    model = rm.fit("fetal-hepatic-calcification", setting="routine", prior=(1, 1))
    for right in ({}, {"setting": "routine", "prior": (1, 1)}, {"reading": "primary", "heterogeneity": "default"}):
        assert rm.consult(finding=model, **right).to_dict()["setting"] == "routine"
    for name, wrong in {"reading": "strict", "setting": "referral", "prior": "uniform", "heterogeneity": 0}.items():
        with pytest.raises(rm.ContradictionError, match=f"^{name}: {str(wrong)!r} beside a tree that is fitted with"):
            rm.consult(finding=model, **{name: wrong})
