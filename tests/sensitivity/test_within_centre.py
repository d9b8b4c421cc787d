"""Risks of one centre that go together, by a normal copula."""

import math

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

import riskmodel as rm
from riskmodel.distributions.diagram import Branch, evaluate
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.report import render as report
from riskmodel.sensitivity.within_centre import CORRELATIONS, Ratio, centre_dependence

UNIFORM = BetaMixture.beta(1.0, 1.0)
BOTH = Branch(0, Branch(1, 1.0, 0.0), 0.0)
NOT_THE_SECOND = Branch(0, Branch(1, 0.0, 1.0), 0.0)
#: P(asked | known) with the known twice as likely on one way as on the other.
CONDITIONED = (Branch(0, Branch(1, 1.0, 0.0), 0.0), Branch(0, Branch(1, 1.0, 0.0), Branch(2, 1.0, 0.0)))


def by_points(ratio, correlation, size=2**18):
    """The same by Sobol points: mean and 95 % interval."""
    scores = ndtri(qmc.Sobol(len(ratio.risks) + 1, seed=3).random(size))
    drawn = dict(ratio.held)
    for place, (i, one) in enumerate(ratio.risks.items(), 1):
        z = math.sqrt(correlation) * scores[:, 0] + math.sqrt(1 - correlation) * scores[:, place]
        drawn[i] = one.quick_ppf(ndtr(z if ratio.raises()[i] else -z))
    weights = np.broadcast_to(evaluate(ratio.bottom, drawn), (size,))
    values = np.broadcast_to(evaluate(ratio.top, drawn) / evaluate(ratio.bottom, drawn), (size,))
    order = np.argsort(values)
    levels = np.cumsum(weights[order]) / weights.sum()
    return [float(weights @ values / weights.sum()), *values[order][np.searchsorted(levels, [0.025, 0.975])]]


@pytest.mark.parametrize("top", [BOTH, NOT_THE_SECOND], ids=["both", "one and not the other"])
@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.6, 0.9])
def test_two_uniform_risks_have_the_closed_form(top, correlation):
    ratio = Ratio(top, 1.0, {0: UNIFORM, 1: UNIFORM}, {})
    assert ratio.raises() == {0: True, 1: top is BOTH}
    mean, low, high = ratio.tied(correlation, ratio.raises())
    # The covariance of two uniforms under a normal copula is asin(rho / 2) / (2 pi) (Kruskal 1958); error 3e-5.
    assert mean == pytest.approx(0.25 + math.asin(correlation / 2) / (2 * math.pi), abs=1e-4)
    if correlation == 0:
        # P(XY <= t) = t (1 - log t); error 1e-5.
        assert [t * (1 - math.log(t)) for t in (low, high)] == pytest.approx([0.025, 0.975], abs=5e-5)


@pytest.mark.parametrize("correlation", [0.0, 0.6])
def test_what_is_known_weighs_centres_and_many_risks_run_through_points(correlation):
    shapes = [(2.0, 3.0), (1.5, 8.0), (0.8, 5.0), (6.0, 1.5), (3.0, 3.0)]
    risks = {i: BetaMixture.beta(*shape) for i, shape in enumerate(shapes)}
    nested = Branch(0, Branch(1, 1.0, Branch(2, 0.0, 1.0)), Branch(3, Branch(4, 1.0, 0.0), 0.0))
    for ratio in (
        Ratio(*CONDITIONED, {i: risks[i] for i in range(3)}, {}),
        Ratio(*CONDITIONED, {i: risks[i] for i in range(2)}, {2: 0.3}),
        Ratio(nested, 1.0, risks, {}),
    ):
        found = ratio.tied(correlation, ratio.raises())
        assert found == pytest.approx(by_points(ratio, correlation), abs=2e-3)  # error 8e-4


def test_the_isolated_finding_s_interval_widens_as_was_measured(model):
    found = centre_dependence(model, "good_outcome", correlations=[0, 0.6], anatomy="isolated")
    risk = model.risk("good_outcome", anatomy="isolated")
    alone, together = found["variants"]
    assert alone["interval"] == pytest.approx(risk.interval(), abs=1e-12)
    assert alone["probability"] == pytest.approx(risk.mean, abs=1e-12)
    assert together["interval"] == pytest.approx([0.659, 0.997], abs=1e-3)  # 0.660, 0.9975 by Sobol points, error 0.001
    assert together["probability"] == pytest.approx(risk.mean, abs=0.005)  # it moves, by 0.4 of 100
    assert {one["branch"].split()[0]: one["raises"] for one in found["branches"]} == {
        "karyotype": False,
        "infection": False,
        "outcome": True,
    }


@pytest.mark.parametrize(
    ("outcome", "known"),
    [
        ("good_outcome", {"anatomy": "isolated"}),
        ("good_outcome", {"anatomy": "isolated", "karyotype": "normal"}),
        ("abnormal_karyotype", {}),
        ("infection", {}),
        ("associated_anomaly", {"karyotype": "abnormal"}),
    ],
)
def test_the_stronger_the_dependence_the_wider_the_range(model, outcome, known):
    ends = [model.risk(outcome, **known).interval()]
    ends += [one["interval"] for one in centre_dependence(model, outcome, **known)["variants"]]
    lower, upper = zip(*ends, strict=True)
    assert list(lower) == sorted(lower, reverse=True)
    assert list(upper) == sorted(upper)


def test_an_answer_of_one_branch_or_of_none_says_why_there_is_nothing(model):
    for outcome, known in (
        ("associated_anomaly", {}),
        ("good_outcome", {}),
        ("good_outcome", {"anatomy": "isolated", "karyotype": "abnormal"}),
    ):
        found = centre_dependence(model, outcome, **known)
        assert found["variants"] == []
        assert "not put together from several branches" in found["reason"]
    bowel = rm.fit(rm.load_evidence("fetal-echogenic-bowel"))
    assert bowel.risk("cystic_fibrosis").only_direct
    assert centre_dependence(bowel, "cystic_fibrosis")["reason"]  # from the series that report just this


@pytest.mark.parametrize("wrong", [-0.1, 1, 0.96, True, "0.6", None])
def test_what_is_no_correlation_is_refused(model, wrong):
    with pytest.raises(rm.InputError, match="correlation"):
        centre_dependence(model, "good_outcome", correlations=[wrong], anatomy="isolated")


def test_it_stands_in_the_robustness_table_and_on_every_page():
    answer = rm.consult(detail="all", anatomy="isolated")
    risk = answer.to_dict()["risks"][0]
    told = risk["robustness"]["dependence"]
    assert [one["correlation"] for one in told] == list(CORRELATIONS)
    table = answer.robustness_table()
    rows = table[(table["outcome"] == "good_outcome") & (table["kind"] == "dependence")]
    assert rows[["lower", "upper"]].to_numpy().tolist() == [one["interval"] for one in told]
    first = table.iloc[0]
    assert (first["kind"], first["lower"], first["upper"]) == ("answer", *risk["interval"])
    pages = {
        name: report.to_markdown(answer.to_dict() | {"audience": name})
        for name in ("clinician", "patient", "researcher")
    }
    for name in ("clinician", "researcher"):
        assert (
            "correlation of their risks 0.2: 92 of 100 (70 to 99); 0.4: 92 of 100 (68 to nearly 100); 0.6: 92 of 100 (66 to"
            in pages[name]
        )
    assert "branches correlated 0.6 within a centre" in pages["researcher"]
    assert "could be anything from 66 to nearly 100 of 100" in pages["patient"]
