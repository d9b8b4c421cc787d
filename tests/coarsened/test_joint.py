"""Answers with counts of coarser groups: against refits, brute force and PyMC, and refused where they contradict."""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from coarse_counts import FINE, ISOLATED, NEGATIVE, NORMAL, by_ways, coarse, tree

import riskmodel as rm
from riskmodel.coarsened import divisions
from riskmodel.coarsened import joint as joints
from riskmodel.coarsened.joint import Joint
from riskmodel.coarsened.nodes import nodes_of
from riskmodel.distributions.diagram import evaluate
from riskmodel.sensitivity import variants
from riskmodel.tree.answer import joint as tree_joint


@pytest.fixture(scope="module")
def build(evidence):
    """A fit to (source, variable, category, given, events, total) rows, under the priors of the sampled joint model."""
    return partial(tree, evidence)


def by_refitting(cells_of_each_way, fine):
    """P(good | isolated) by fitting every branch anew for each way, weighted by the evidence of its fits."""
    logs, means = [], []
    for cells in cells_of_each_way:
        log, mean = 0.0, 1.0
        for branch, own in enumerate(fine):
            extra = [cell[branch] for cell in cells if cell[branch][1]]
            events, totals = zip(*own, *extra, strict=True)
            post = rm.pool(events, totals, heterogeneity="first-default")
            log += post.log_evidence
            mean *= post.average.mean if branch == 2 else 1 - post.average.mean
        logs.append(log)
        means.append(mean)
    weights = np.exp(np.array(logs) - max(logs))
    return float(weights @ means / weights.sum())


def chain_ways(events, total):
    """Cells of the three branches: every way to lose the fetuses that did not do well."""
    for abnormal in range(total - events + 1):
        for positive in range(total - events - abnormal + 1):
            left = total - abnormal - positive
            yield ((abnormal, total), (positive, total - abnormal), (events, left))


OWN = ([(1, 21), (0, 14)], [(1, 20), (0, 17)], [(19, 19)])


def test_the_exact_mean_is_that_of_refits_for_every_way(build):
    model = build(*FINE, *coarse((10, 11), (5, 5), (4, 4)))
    risk = model.risk("good_outcome", anatomy="isolated")
    each = [list(chain_ways(*count)) for count in ((10, 11), (5, 5), (4, 4))]
    assert [len(one) for one in each] == [3, 1, 1]
    expected = by_refitting(itertools.product(*each), OWN)
    assert risk.combined.mean == pytest.approx(expected, abs=1e-8)
    assert risk.mean == risk.combined.mean == risk.bounds[0]
    assert risk.mean == pytest.approx(0.90154, abs=1e-5)
    # A joint model in PyMC gives 0.901 and, with the unknown branch at one, 0.929 (Monte Carlo error 0.0008).
    assert risk.bounds[1] == pytest.approx(0.92930, abs=1e-5)
    assert risk.direct.mean == pytest.approx(
        rm.pool([10, 5, 4], [11, 5, 4], heterogeneity="first-default").average.mean, abs=1e-12
    )
    assert risk.indirect.mean == pytest.approx(by_refitting([()], OWN), abs=1e-12)
    joint = risk.combined.to_dict()["joint"]
    assert joint["ways"] == 3
    assert joint["exact"]
    assert joint["error"] == 0
    assert 0.9 < joint["effective_share"] <= 1


def test_a_coarse_count_without_events_elsewhere_is_its_cells(build):
    """5 of 5 isolated did well: no abnormal karyotype, no infection, and five of five good."""
    as_coarse = build(*FINE, *coarse(None, (5, 5), (4, 4)))
    cells = [
        (source, variable, category, given, total * (variable == "outcome"), total)
        for source, total in (("Koopman 1998", 5), ("Achiron 1996", 4))
        for variable, category, given in (
            ("karyotype", "abnormal", ISOLATED),
            ("infection", "positive", NORMAL),
            ("outcome", "good", NEGATIVE),
        )
    ]
    as_fine = build(*FINE, *cells)
    for outcome, known in (
        ("good_outcome", {"anatomy": "isolated"}),
        ("good_outcome", dict(NEGATIVE)),
        ("abnormal_karyotype", {"anatomy": "isolated"}),
        ("infection", {"anatomy": "isolated", "karyotype": "normal"}),
    ):
        one, other = as_coarse.risk(outcome, **known), as_fine.risk(outcome, **known)
        assert one.mean == pytest.approx(other.mean, abs=1e-8)
        assert one.interval() == pytest.approx(other.interval(), abs=1e-3)  # observed: 6.5e-4
        assert one.average.interval() == pytest.approx(other.average.interval(), abs=1e-5)
        assert one.sources == other.sources or set(one.sources) == set(other.sources)


@pytest.mark.parametrize(
    ("counts", "mean", "low", "high"),
    [
        # A joint model in PyMC gives 0.537 (Monte Carlo error 0.0013) under these priors.
        ([(40, 100)] * 3, 0.5370, 0.0734, 0.9224),
        # The means again with four times as many ways drawn; the lower end of twelve drawings by three sequences, where one
        # drawing has a standard deviation of 0.003.
        ([(30, 60)] * 6, 0.5554, 0.162, 0.861),
        ([(200, 400), (5, 5)], 0.7131, 0.182, 0.970),
        ([(500, 1000)], 0.6606, 0.129, 0.959),
    ],
)
def test_large_counts_that_the_branches_do_not_foretell_are_answered(build, counts, mean, low, high):
    model = build(*FINE, *coarse(*counts))
    risk = model.risk("good_outcome", anatomy="isolated")
    joint = risk.combined.to_dict()["joint"]
    assert (joint["ways"], joint["exact"]) == (4096, False)
    assert 0.5 < joint["effective_share"] <= 1
    assert 0 < joint["error"] < 0.002
    assert risk.mean == pytest.approx(mean, abs=4 * np.hypot(0.0013 if mean == 0.537 else 0, joint["error"]))
    assert risk.interval() == pytest.approx((low, high), abs=0.01)
    assert risk.indirect.mean == pytest.approx(0.837, abs=0.001)
    events, totals = zip(*counts, strict=True)
    direct = rm.pool(events, totals, heterogeneity="first-default").average.mean
    assert risk.direct.mean == pytest.approx(direct, abs=1e-12)
    assert direct < risk.mean < risk.indirect.mean
    karyotype, other = (
        model.state_risk("karyotype", state, anatomy="isolated").mean for state in ("abnormal", "normal")
    )
    assert karyotype + other == pytest.approx(1, abs=1e-12)


def test_a_large_count_with_one_way_is_its_cells(build):
    """400 of 400 leave one way: none abnormal, none infected."""
    risk = build(*FINE, *coarse((400, 400))).risk("good_outcome", anatomy="isolated")
    assert "Bronshtein 1995" in risk.sources
    assert risk.combined.to_dict()["joint"] is None
    assert risk.mean == pytest.approx(by_refitting([(((0, 400), (0, 400), (400, 400)),)], OWN), abs=1e-8)


STRONG = (
    ("Simchen 2002", "karyotype", "abnormal", ISOLATED, 0, 100_000),
    ("Simchen 2002", "infection", "positive", NORMAL, 0, 100_000),
    ("Simchen 2002", "outcome", "good", NEGATIVE, 100_000, 100_000),
)


def test_a_contradiction_too_great_is_refused_once_and_both_sides_stay(build, monkeypatch):
    model = build(*STRONG, *coarse((3, 300), (3, 300), (3, 300)), heterogeneity=0)
    known = {"anatomy": "isolated"}
    risk = model.risk("good_outcome", **known)
    assert not risk.estimable
    assert "contradict" in risk.reason
    assert risk.interval() is risk.bounds is None
    assert risk.direct.mean == pytest.approx(9.5 / 901, abs=1e-12)
    assert risk.indirect.mean == pytest.approx((1 - 0.5 / 100_001) ** 3, abs=1e-9)
    assert "refused" not in repr(risk)
    monkeypatch.setattr(joints, "drawn", None)  # what is found out is kept
    assert not model.risk("abnormal_karyotype", **known).estimable
    # Where settings may differ there is an answer.
    assert build(*STRONG, *coarse((3, 30))).risk("good_outcome", **known).estimable


def test_an_end_that_is_refused_is_no_bound(build):
    """3 of 30 three times are refused if the infected do badly; if they do well there is an answer, which bounds nothing."""
    model = build(*STRONG, *coarse((3, 30), (3, 30), (3, 30)), heterogeneity=0)
    risk = model.risk("good_outcome", anatomy="isolated")
    assert not risk.estimable
    assert risk.bounds is None


@pytest.mark.parametrize("counts", [((14, 60),), ((10, 40),), ((7, 11), (8, 11))])
def test_drawn_ways_are_as_good_as_all_ways_within_their_error(build, monkeypatch, counts):
    known = {"anatomy": "isolated"}
    monkeypatch.setattr(divisions, "MOST_WAYS", 2000)
    model = build(*FINE, *coarse(*counts))
    every = tree_joint(model)
    assert every.exact
    assert every.ways == np.prod([(n - y + 1) * (n - y + 2) // 2 for y, n in counts])
    monkeypatch.setattr(joints, "listed", lambda rows: None)
    some = Joint(model.fitted, every.rows)
    assert (some.exact, some.ways) == (False, 4096)
    node = every.rows[0].node
    for one in (node, *(type(node)(edge, 1.0, 0.0) for edge in sorted(every.tied))):
        error = some.error(one, 1.0, {})
        assert 0 < error < 0.001
        assert some.mean(one, 1.0, {}) == pytest.approx(every.mean(one, 1.0, {}), abs=4 * error)
    ends = model.risk("good_outcome", **known).interval()
    tied = joints.Tied(some, node, 1.0, {}, average=False)
    assert tied.interval() == pytest.approx(ends, abs=0.005)  # sd 0.0017 between shifts of the points


def test_a_million_on_a_single_branch_are_a_series_of_that_branch():
    """By the independences of the bowel finding, infections where the karyotype is normal speak of one branch alone."""
    evidence = rm.load_evidence("fetal-echogenic-bowel")
    given = (("anatomy", "isolated"), ("karyotype", "normal"))

    def asked(events, total):
        row = replace(
            evidence.counts[0], source="Berlin 1999", variable="infection", category="positive", given=given,
            events=events, total=total, row=99, role="fit", population="with_finding",
        )  # fmt: skip
        rows = tuple(one for one in evidence.counts if one not in evidence.coarse())
        return rm.fit(replace(evidence, counts=(*rows, row)), prior="jeffreys")

    model = asked(12_000, 10**6)
    risk = model.risk("infection", anatomy="isolated", karyotype="normal")
    pooled = rm.pool([0, 12_000], [74, 10**6])
    assert risk.mean == pytest.approx(pooled.average.mean, abs=1e-12)
    assert risk.interval() == pytest.approx(pooled.new_setting.interval(), abs=1e-9)
    assert risk.sources == ("Maillet 2014", "Berlin 1999")
    ((_, found, reason),) = model.coarse()
    assert found is None
    assert "1,000,000 fetuses" in reason
    # 12 of 1,060 are told by what the branch's own series, none of 74, predicts.
    ((_, found, _),) = asked(12, 1060).coarse()
    pmf = rm.pool([0], [74]).predict(1060)
    assert found.mid_p == pytest.approx(pmf[:12].sum() + pmf[12] / 2, abs=1e-9)
    assert found.expected == pytest.approx(pmf @ np.arange(1061), abs=1e-7)


def test_how_far_an_answer_of_the_largest_counts_moves_is_not_worked_out_and_says_so(build, monkeypatch):
    model = build(*FINE, *coarse((40, 100)))
    risk = model.risk("good_outcome", anatomy="isolated")
    monkeypatch.setattr(variants, "MOST_TERMS", 1000)
    moved = variants.robustness(model, risk)
    assert "would take minutes" in moved["reason"]
    assert not any(moved[kind] for kind in ("priors", "readings", "left_out", "untested"))
    listed = build(*FINE, *coarse((10, 11)))
    moved = variants.robustness(listed, listed.risk("good_outcome", anatomy="isolated"))
    assert moved["priors"]
    assert not moved["reason"]


def test_all_settings_alike_by_brute_force(build):
    """Three risks and no heterogeneity: a grid of the three-dimensional posterior."""
    model = build(*FINE, *coarse((10, 11), (5, 5)), heterogeneity=0)
    x = (np.arange(300) + 0.5) / 300
    a, b, c = np.meshgrid(x**4, x**4, 1 - x**4, indexing="ij", sparse=True)  # crowded where the posterior is
    density = (a * b * (1 - c)) ** 0.75  # the crowding's slope, 4 x**3
    for risk, cells in zip((a, b, c), OWN, strict=True):
        events, total = np.sum(cells, axis=0)
        density = density * risk ** (events - 0.5) * (1 - risk) ** (total - events - 0.5)
    good = (1 - a) * (1 - b) * c
    weights = density * 11 * good**10 * (1 - good) * good**5  # ten of eleven, and five of five
    expected = (weights * good).sum() / weights.sum()
    assert model.risk("good_outcome", anatomy="isolated").mean == pytest.approx(expected, abs=2e-4)


def test_a_normal_prior_with_all_settings_alike_is_answered_too(build):
    evidence = build(*FINE, *coarse((10, 11), (5, 5))).evidence
    risk = rm.fit(evidence, prior=("normal", 0, 2), heterogeneity=0).risk("good_outcome", anatomy="isolated")
    other = rm.fit(evidence, prior="jeffreys", heterogeneity=0).risk("good_outcome", anatomy="isolated")
    lower, upper = risk.interval()
    assert lower < risk.mean < upper
    assert risk.mean == pytest.approx(other.mean, abs=0.03)


def test_quantiles_agree_with_weighted_draws(build):
    """Two hundred thousand draws of every branch, each weighted by the exact likelihood of 7 of 11 given its hyperparameters."""
    model = build(*FINE, *coarse((7, 11)))
    joint = tree_joint(model)
    size, rng = 200_000, np.random.default_rng(11)
    shapes = {}
    for edge in sorted(joint.involved):
        nodes = nodes_of(model.fitted.posterior(edge))
        chosen = rng.choice(nodes.weights.size, size, p=nodes.weights / nodes.weights.sum())
        shapes[edge] = (nodes.a[chosen], nodes.b[chosen])
    node = joint.rows[0].node
    weights = by_ways(node, 7, 11, shapes)
    values = evaluate(node, {edge: rng.beta(*shape) for edge, shape in shapes.items()})
    order = np.argsort(values)
    share = np.cumsum(weights[order]) / weights.sum()
    risk = model.risk("good_outcome", anatomy="isolated")
    assert risk.mean == pytest.approx(weights @ values / weights.sum(), abs=0.003)
    for end, level in zip(risk.interval(), (0.025, 0.975), strict=True):
        assert end == pytest.approx(values[order][np.searchsorted(share, level)], abs=0.006)
    middle = values[order][np.searchsorted(share, 0.5)]
    assert risk.new_setting.median == pytest.approx(middle, abs=0.006)
    assert float(risk.new_setting.cdf(middle)) == pytest.approx(0.5, abs=0.02)
    spread = np.sqrt(weights @ (values - risk.mean) ** 2 / weights.sum())
    assert risk.new_setting.sd == pytest.approx(spread, abs=0.006)


def test_a_source_s_wider_count_beside_its_finer_ones_is_not_used_twice(model, folder):
    used = {(row.source, row.row) for row, _, _ in model.coarse()}
    feeding = {(row.source, row.row) for rows in model.counts for row in rows}
    assert not used & feeding
    assert not {source for source, _ in used} & {"Simchen 2002", "Bronshtein 1995"}
    path = folder / "counts.csv"
    lines = path.read_text().splitlines()
    again = next(line for line in lines if line.startswith("Koopman 1998,outcome"))
    path.write_text("\n".join([*lines, again]) + "\n")
    with pytest.raises(rm.EvidenceError, match="same count as row"):
        rm.load_evidence(folder)


def test_total_probability_holds_where_branches_are_tied(model):
    a = model.risk("associated_anomaly").mean
    infected = [model.risk("infection", anatomy=state).mean for state in ("isolated", "associated")]
    assert (1 - a) * infected[0] + a * infected[1] == pytest.approx(model.risk("infection").mean, abs=1e-12)


def test_a_setting_leaves_out_other_settings_coarse_counts(evidence):
    assert {row.source for row in evidence.coarse("routine")} == {"Achiron 1996"}
    routine = rm.fit(evidence, setting="routine")
    assert {row.source for row, _, _ in routine.coarse()} == {"Achiron 1996"}


def test_a_joint_posterior_of_no_coarse_counts_ties_nothing():
    joint = Joint(None, ())
    assert joint.effective_share == 1.0
    assert joint.exact
    assert joint.tied == joint.involved == frozenset()


def test_what_cannot_be_read_says_why(build):
    model = build(*FINE, ("Koopman 1998", "anatomy", "associated", (("karyotype", "abnormal"),), 5, 7))
    ((_, found, reason),) = model.coarse()
    assert found is None
    assert "not one that the tree passes through" in reason
    assert "Koopman 1998" not in model.risk("associated_anomaly").sources


def test_a_count_of_all_passes_branches_that_have_no_counts(build):
    """5 of 7 of any anatomy: how many were malformed, and how those fared, has its prior and no bounds."""
    model = build(*FINE, ("Koopman 1998", "outcome", "good", (), 5, 7))
    ((_, found, reason),) = model.coarse()
    assert found is None  # a prior foretells nothing
    assert reason.startswith("not compared: it needs a branch without counts of its own")
    risk = model.risk("good_outcome", anatomy="associated", karyotype="normal", infection="negative")
    assert risk.estimable
    assert risk.bounds is None
    assert risk.sources == ("Koopman 1998",)
    assert 0.5 < risk.mean < 0.75
