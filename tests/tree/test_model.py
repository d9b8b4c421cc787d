"""The probability tree: against products by hand, brute-force simulation, and its own rules."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from command_line import BEST

import riskmodel as rm
from riskmodel.distributions.diagram import Branch, branch, cancel, edges_of, evaluate, restrict
from riskmodel.distributions.propagated import propagate
from riskmodel.tree.tables import kind_shares

KNOWN = [
    dict(zip(("anatomy", "karyotype", "infection"), states, strict=True))
    for states in itertools.product(
        (None, "isolated", "associated"), (None, "normal", "abnormal"), (None, "negative", "positive")
    )
]
KNOWN = [{name: state for name, state in known.items() if state} for known in KNOWN]
TREE_OUTCOMES = ("good_outcome", "associated_anomaly", "abnormal_karyotype", "infection")


def edge_mean(model, variable, **given):
    edge = next(e for e in model.edges if e.variable == variable and dict(e.given) == given)
    return model.posterior(edge).average.mean


def test_a_question_that_is_one_branch_is_that_branch_s_posterior(fine):
    risk = fine.risk("abnormal_karyotype", anatomy="isolated")
    post = rm.pool([1, 0, 0], [21, 11, 14])
    assert risk.mean == pytest.approx(post.new_setting.mean, abs=1e-9)
    assert risk.interval() == pytest.approx(post.new_setting.interval(), abs=1e-12)
    assert risk.average.interval() == pytest.approx(post.average.interval(), abs=1e-12)
    assert (risk.series, risk.events, risk.fetuses) == (3, 1, 46)


def test_the_mean_is_the_sum_over_paths_of_products_of_means(fine):
    a = edge_mean(fine, "anatomy")
    k_isolated, k_associated = (edge_mean(fine, "karyotype", anatomy=s) for s in ("isolated", "associated"))
    assert fine.risk("abnormal_karyotype").mean == pytest.approx((1 - a) * k_isolated + a * k_associated, abs=1e-12)
    after = a * k_associated / ((1 - a) * k_isolated + a * k_associated)
    assert fine.risk("associated_anomaly", karyotype="abnormal").mean == pytest.approx(after, abs=1e-12)
    i = edge_mean(fine, "infection", anatomy="isolated", karyotype="normal")
    g = edge_mean(fine, "outcome", anatomy="isolated", karyotype="normal", infection="negative")
    good = fine.risk("good_outcome", anatomy="isolated")
    assert good.mean == pytest.approx((1 - k_isolated) * (1 - i) * g, abs=1e-12)
    assert good.bounds == pytest.approx((good.mean, good.mean + (1 - k_isolated) * i), abs=1e-12)


@pytest.mark.parametrize(
    ("outcome", "known"),
    [
        ("good_outcome", {"anatomy": "isolated"}),
        ("abnormal_karyotype", {}),
        ("associated_anomaly", {"karyotype": "abnormal"}),
    ],
)
def test_intervals_agree_with_simulation(fine, outcome, known):
    """A million draws of every branch, by another route than the fixed points of the library."""
    rng = np.random.default_rng(2026)
    size = 1_000_000
    drawn = {
        (e.variable, tuple(sorted(dict(e.given).items()))): fine.posterior(e).new_setting.sample(size, rng)
        for e in fine.edges
        if e.status == "counts"
    }
    a = drawn["anatomy", ()]
    k = {s: drawn["karyotype", (("anatomy", s),)] for s in ("isolated", "associated")}
    i = drawn["infection", (("anatomy", "isolated"), ("karyotype", "normal"))]
    g = drawn["outcome", (("anatomy", "isolated"), ("infection", "negative"), ("karyotype", "normal"))]
    if outcome == "good_outcome":
        top, bottom = (1 - k["isolated"]) * (1 - i) * g, np.ones(size)
    elif outcome == "abnormal_karyotype":
        top, bottom = (1 - a) * k["isolated"] + a * k["associated"], np.ones(size)
    else:
        top = a * k["associated"]
        bottom = (1 - a) * k["isolated"] + top
    values, order = top / bottom, np.argsort(top / bottom)
    share = np.cumsum(bottom[order]) / bottom.sum()
    risk = fine.risk(outcome, **known)
    for end, level in zip(risk.interval(), (0.025, 0.975), strict=True):
        simulated = values[order][np.searchsorted(share, level)]
        assert end == pytest.approx(simulated, abs=0.004)
    assert risk.mean == pytest.approx(top.mean() / bottom.mean(), abs=0.001)
    assert risk.new_setting.sd == pytest.approx(
        np.sqrt(np.average((values - np.average(values, weights=bottom)) ** 2, weights=bottom)), abs=0.002
    )


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: ",".join(known.values()) or "nothing")
def test_every_subset_of_known_states_has_a_coherent_answer(model, known):
    for name in TREE_OUTCOMES:
        risk = model.risk(name, **known)
        if risk.mean is None:
            assert risk.reason
            assert risk.interval() is None
        else:
            lower, upper = risk.interval()
            assert 0 <= lower <= risk.mean <= upper <= 1
        if risk.bounds:
            assert 0 <= risk.bounds[0] <= risk.bounds[1] <= 1
            if risk.mean is not None:
                assert risk.bounds[0] - 1e-12 <= risk.mean <= risk.bounds[1] + 1e-12
        repr(risk)


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: ",".join(known.values()) or "nothing")
def test_total_probability_over_a_test_s_results(model, known):
    results = {"anatomy": "associated_anomaly", "karyotype": "abnormal_karyotype", "infection": "infection"}
    for variable, result in results.items():
        if variable in known:
            continue
        states = model.evidence.variable(variable).states
        p = model.risk(result, **known).mean
        for name in TREE_OUTCOMES:
            if name == result:
                continue
            before = model.risk(name, **known)
            normal, abnormal = (model.risk(name, **known, **{variable: state}) for state in states)
            if None not in (before.mean, normal.mean, abnormal.mean) and not before.unknown:
                assert before.mean == pytest.approx((1 - p) * normal.mean + p * abnormal.mean, abs=1e-12)


def test_what_no_series_reports_is_not_estimated(model):
    for known in (
        {},
        {"anatomy": "associated"},
        {"anatomy": "isolated", "karyotype": "normal", "infection": "positive"},
    ):
        risk = model.risk("good_outcome", **known)
        assert not risk.estimable
        assert risk.reason
        assert risk.bounds
    assert model.risk("good_outcome", anatomy="associated").bounds[0] == 0


def test_a_definition_is_said_to_be_one(model):
    risk = model.risk("good_outcome", anatomy="isolated", karyotype="abnormal")
    assert risk.mean == 0
    assert risk.definition_only
    assert "by definition" in risk.reason


def test_an_outcome_of_its_own_rests_on_its_own_series(model):
    risk = model.risk("termination", anatomy="associated")
    assert (risk.series, risk.events, risk.fetuses) == (1, 18, 40)
    assert not model.risk("termination").estimable
    assert "anatomy=associated" in model.risk("termination").reason


def test_direct_indirect_and_combined_use_each_series_once(model, fine):
    risk = model.risk("good_outcome", anatomy="isolated")
    assert risk.direct.sources == ("Koopman 1998", "Achiron 1996")
    assert not set(risk.direct.sources) & set(risk.indirect.sources)
    assert risk.direct.mean == pytest.approx(rm.pool([5, 4], [5, 4]).average.mean, abs=1e-12)
    without = fine.variant(prior=model.prior).risk("good_outcome", anatomy="isolated")
    assert risk.indirect.mean == pytest.approx(without.mean, abs=1e-12)
    assert set(risk.combined.sources) == {*risk.indirect.sources, *risk.direct.sources, "Avni 1994"}
    assert risk.indirect.mean < risk.combined.mean == risk.mean < risk.direct.mean
    assert risk.events is None  # of groups of different width
    assert risk.fewest == 4


def test_an_empty_branch_is_not_a_prior_s_mean(evidence):
    thin, known = evidence.without("Simchen 2002").without("Bronshtein 1995"), BEST
    alone = rm.fit(replace(thin, counts=tuple(row for row in thin.counts if row not in thin.coarse())))
    risk = alone.risk("good_outcome", **known)
    assert not risk.estimable
    assert "No series" in risk.reason
    # Koopman's 5 of 5 and Achiron's 4 of 4 isolated did well: they pass it, and their nine are all there is of it.
    passed = rm.fit(thin, prior="jeffreys").risk("good_outcome", **known)
    assert passed.mean == pytest.approx(rm.pool([5, 4], [5, 4]).average.mean, abs=1e-8)
    assert not passed.indirect.estimable


def test_settings_change_the_answer_and_say_so(evidence):
    routine, referral = (rm.fit(evidence, setting=s).risk("associated_anomaly") for s in ("routine", "referral"))
    assert routine.mean < 0.3 < 0.5 < referral.mean
    assert set(routine.sources) == {"Bronshtein 1995", "Achiron 1996"}
    with pytest.raises(rm.UnknownNameError, match=r"Did you mean 'referral'\?"):
        rm.fit(evidence, setting="referal")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("good_outcom",), rm.UnknownNameError),
        (("good_outcome", {"anatomy": "isolted"}), rm.UnknownNameError),
        (("good_outcome", {"anatomi": "isolated"}), rm.UnknownNameError),
        (("good_outcome", {"outcome": "good"}), rm.UnknownNameError),
        (("good_outcome", {"anatomy": 3}), rm.InputError),
    ],
)
def test_questions_with_unknown_names_are_refused(model, arguments, error):
    with pytest.raises(error, match=r"Known: |is not a text"):
        model.risk(arguments[0], **(arguments[1] if len(arguments) > 1 else {}))


def test_kinds_of_abnormal_karyotype(model):
    kinds = {one["kind"]: one for one in model.kinds("karyotype")}
    assert {(one["total"], one["series"]) for one in kinds.values()} == {(14, 3)}
    assert sum(one["probability"] for one in kinds.values()) == pytest.approx(1, abs=1e-5)
    eighteen = kinds["trisomy-18"]
    assert eighteen["events"] == 4
    assert eighteen["interval"][0] < eighteen["average"]["interval"][0]
    assert eighteen["interval"][1] > eighteen["average"]["interval"][1]
    assert any("by choice" in note for note in eighteen["notes"])
    alike = {one["kind"]: one["probability"] for one in model.variant(heterogeneity=0).kinds("karyotype")}
    assert alike["trisomy-13"] == pytest.approx(4.2 / 15, abs=1e-12)
    with pytest.raises(rm.UnknownNameError):
        model.kinds("anatomy")


def test_cases_of_a_wider_group_count_once(evidence):
    rows = [one for one in evidence.counts if one.category == "trisomy-18"]
    finer = replace(rows[1], given=(("anatomy", "associated"), *rows[1].given))
    kinds = evidence.finding.kinds["karyotype"]
    once = kind_shares(kinds, rows, None, ci_prob=0.95)
    assert kind_shares(kinds, [*rows, finer], None, ci_prob=0.95)[2]["events"] == once[2]["events"] == 4
    assert kind_shares(kinds, [], None, ci_prob=0.95) == ()


def test_branches_as_a_table(model):
    table = model.branches()
    assert len(table) == len(model.edges)
    assert set(table["status"]) == {"counts", "structural", "unknown"}
    assert table.loc[table["status"] == "unknown", "mean"].isna().all()
    karyotype = table[(table["variable"] == "karyotype") & (table["given"] == "anatomy=isolated")].iloc[0]
    assert (karyotype["series"], karyotype["events"], karyotype["total"], karyotype["coarse"]) == (3, 1, 46, 1)
    assert karyotype["mean"] == pytest.approx(model.risk("abnormal_karyotype", anatomy="isolated").mean, abs=1e-12)


# ---------------------------------------------------------------- diagrams


def test_an_edge_that_does_not_matter_drops_out():
    assert branch(0, 0.4, 0.4) == 0.4
    assert edges_of(Branch(0, Branch(1, 1.0, 0.0), 0.0)) == {0, 1}
    assert restrict(Branch(0, Branch(1, 1.0, 0.0), 0.0), {0: 1.0}) == Branch(1, 1.0, 0.0)


def test_common_factors_cancel():
    top = Branch(0, Branch(1, Branch(2, 1.0, 0.0), 0.0), 0.0)
    bottom = Branch(0, Branch(1, 1.0, 0.0), 0.0)
    assert cancel(top, bottom) == (Branch(2, 1.0, 0.0), 1.0)
    # Also where the factor stands lower in one than in the other.
    assert cancel(Branch(3, Branch(1, 0.0, Branch(2, 1.0, 0.0)), 0.0), Branch(1, 0.0, 1.0)) == (
        Branch(3, Branch(2, 1.0, 0.0), 0.0),
        1.0,
    )
    assert cancel(bottom, bottom) == (1.0, 1.0)
    assert cancel(0.0, bottom) == (0.0, 1.0)


def test_a_product_of_two_betas_by_quadrature():
    from scipy.integrate import quad
    from scipy.stats import beta

    first, second = rm.BetaMixture.beta(3, 2), rm.BetaMixture.beta(8, 1.5)
    product = propagate(Branch(0, Branch(1, 1.0, 0.0), 0.0), 1.0, {0: first, 1: second})
    assert product.mean == pytest.approx(0.6 * 8 / 9.5, abs=1e-12)
    for t in (0.2, 0.5, 0.8):
        exact = quad(lambda v, t=t: beta(3, 2).pdf(v) * beta(8, 1.5).cdf(min(1.0, t / v)), 0, 1, points=[t])[0]
        assert float(product.cdf(t)) == pytest.approx(exact, abs=2e-4)
    assert evaluate(Branch(0, 1.0, 0.0), {0: 0.25}) == 0.25


def test_an_unknown_prior_is_told_with_those_of_a_tree():
    with pytest.raises(rm.UnknownNameError, match=r"Did you mean 'dirichlet-tree'\?"):
        rm.fit("fetal-hepatic-calcification", prior="dirichlet")
