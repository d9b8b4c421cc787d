"""Two branches and a count of those who passed either: every way by SciPy's beta-binomial, listed and drawn."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta, betabinom
from small_trees import tree

import riskmodel as rm
from riskmodel.coarsened import joint as joints
from riskmodel.coarsened.joint import Joint, effective
from riskmodel.coarsened.nodes import nodes_of
from riskmodel.distributions.diagram import Branch
from riskmodel.tree.answer import joint

#: P(v0 = no) of 3 in 10, P(good | v0 = ok) of 6 in 7; those who are v0 = no are not good. 8 of 11 are good.
FIRST, GOOD, COARSE = (3, 10), (6, 7), (8, 11)
SHAPES = [(events + 0.5, total - events + 0.5) for events, total in (FIRST, GOOD)]
ROWS = (
    ("A", "v0", "no", (), *FIRST), ("B", "outcome", "good", (("v0", "ok"),), *GOOD), ("D", "outcome", "good", (), *COARSE),
)  # fmt: skip


@pytest.fixture
def model():
    """All settings alike: each branch is a Beta, and each way's branches are Betas too."""
    return tree(("counts", 0.0), ROWS, prior="jeffreys", heterogeneity=0)


OK = (("v0", "ok"),)


def by_ways():
    """Weight of each way, and each branch's Beta in it: j of eleven by the first branch, and eight good of the rest."""
    (a, b), (c, d) = SHAPES
    good, total = COARSE
    weights, shapes = [], []
    for lost in range(total - good + 1):
        left = total - lost
        weights.append(betabinom.pmf(lost, total, a, b) * betabinom.pmf(good, left, c, d))
        shapes.append(((a + lost, b + left), (c + good, d + left - good)))
    return np.array(weights) / sum(weights), shapes


def mean(shape):
    return shape[0] / sum(shape)


def test_of_two_every_way_is_weighed_as_the_beta_binomial_does(model):
    weights, shapes = by_ways()
    together = joint(model)
    assert (together.ways, together.exact, together.drawn, together.tied) == (4, True, None, {0, 1})
    assert sorted(together.weights) == pytest.approx(sorted(weights), abs=1e-9)
    assert together.involved == {0, 1}
    assert [together.sources(edge) for edge in (0, 1)] == [["D"], ["D"]]
    assert together.effective_share == 1
    assert effective(together.weights) == pytest.approx(1 / (4 * (weights**2).sum()), abs=1e-9)
    for edge in (0, 1):
        margin = together.posterior(edge)
        assert margin.average.mean == pytest.approx(weights @ [mean(one[edge]) for one in shapes], abs=1e-8)
        cdf = sum(w * beta(*one[edge]).cdf(0.4) for w, one in zip(weights, shapes, strict=True))
        assert float(margin.average.cdf(0.4)) == pytest.approx(cdf, abs=2e-3)
    node = Branch(0, 0.0, Branch(1, 1.0, 0.0))
    good = weights @ [(1 - mean(first)) * mean(second) for first, second in shapes]
    assert together.mean(node, 1.0, {}) == pytest.approx(good, abs=1e-9)
    passed = weights @ [1 - mean(first) for first, _ in shapes]
    assert together.mean(node, Branch(0, 0.0, 1.0), {}) == pytest.approx(good / passed, abs=1e-9)
    assert np.isnan(together.mean(node, 0.0, {}))
    assert together.mean(Branch(0, Branch(7, 1.0, 0.0), 0.0), 1.0, {7: 0.5}) == pytest.approx(
        (1 - passed) / 2, abs=1e-9
    )
    assert together.error(node, 1.0, {}) == 0
    assert together.ties(frozenset({5}), average=True) is None
    assert together.terms > 0


def test_of_two_the_answer_is_the_mixture_of_products(model):
    weights, shapes = by_ways()
    risk = model.risk("good")

    points, widths = (each / 2 for each in np.polynomial.legendre.leggauss(400))
    points += 0.5

    def below(at):
        parts = (
            beta.pdf(points, *first[::-1]) * beta.cdf(np.minimum(1, at / points), *second) for first, second in shapes
        )
        return sum(w * widths @ part for w, part in zip(weights, parts, strict=True))

    for distribution in (risk.new_setting, risk.average):
        assert distribution.mean == pytest.approx(risk.mean, abs=1e-9)
        for at in (0.45, 0.6, 0.75):
            assert float(distribution.cdf(at)) == pytest.approx(below(at), abs=2e-3)
    assert risk.new_setting.error == 0


def test_of_two_drawn_ways_say_the_same_within_their_error(model, monkeypatch):
    every = joint(model)
    monkeypatch.setattr(joints, "listed", lambda rows: None)
    some = Joint(model.fitted, every.rows)
    assert (some.exact, some.drawn is None) == (False, False)
    assert 0.5 < some.effective_share <= 1
    node = Branch(0, 0.0, Branch(1, 1.0, 0.0))
    for below in (1.0, Branch(0, 0.0, 1.0)):
        error = some.error(node, below, {})
        assert 0 < error < 0.002
        assert some.mean(node, below, {}) == pytest.approx(every.mean(node, below, {}), abs=4 * error)
        for average in (True, False):
            drawn, listed = (joints.Tied(one, node, below, {}, average=average) for one in (some, every))
            assert drawn.error == pytest.approx(error)
            assert drawn.mean == pytest.approx(listed.mean, abs=4 * error)
            assert drawn.interval(0.8) == pytest.approx(listed.interval(0.8), abs=0.01)
    # Ways drawn for these rows are weighed anew for them, and not drawn again.
    monkeypatch.setattr(joints, "drawn", None)
    again = Joint(model.fitted, every.rows, some.drawn)
    assert again.mean(node, 1.0, {}) == pytest.approx(some.mean(node, 1.0, {}), abs=1e-12)


def test_of_two_counts_that_cannot_be_together_are_refused(monkeypatch):
    strong = (("A", "v0", "no", (), 0, 10**6), ("B", "outcome", "good", (("v0", "ok"),), 10**6, 10**6))
    model = tree(("counts", 0.0), (*strong, ("D", "outcome", "good", (), 0, 30)), prior="jeffreys", heterogeneity=0)
    together = joint(model)
    assert together.exact
    together.check()  # listed ways are weighed, however small their chance
    monkeypatch.setattr(joints, "_weights", lambda divisions, own: np.zeros(divisions.size))
    refused = Joint(model.fitted, together.rows)
    with pytest.raises(rm.AccuracyError, match="the coarser counts of D contradict the branches' own counts"):
        refused.check()


def test_of_two_too_few_drawn_ways_are_told_apart_from_a_contradiction(monkeypatch):
    model = tree(
        ("counts", 0.0), (("A", "v0", "no", (), 3, 30), ("D", "outcome", "good", (), 20, 40)), prior="jeffreys"
    )
    together = joint(model)
    monkeypatch.setattr(Joint, "exact", False)
    monkeypatch.setattr(joints, "_weights", lambda divisions, own: np.eye(1, 1000)[0])
    (row,) = together.rows
    refused = Joint(model.fitted, tuple(replace(row, row=replace(row.row, source=f"D{i}")) for i in range(7)))
    said = "the fetuses of D0, D1, D2, D3, D4 and 2 more can have divided 0.1% of those drawn count, less than 1%"
    with pytest.raises(rm.AccuracyError, match=said):
        refused.check()


def test_of_two_the_effective_share_is_kong_s():
    assert effective(np.full(8, 1 / 8)) == 1
    assert effective(np.array([0.5, 0.5, 0, 0])) == 0.5
    assert effective(np.zeros(3)) == 0


def test_of_two_drawn_ways_are_weighed_on_fewer_nodes_of_the_branches_that_they_tie(monkeypatch):
    """Every second row and column; a branch without counts of its own is on few columns already, and an untied one stays."""
    rows = (
        ROWS[0],
        ("B", "outcome", "good", (("v0", "ok"), ("v1", "ok")), *GOOD),
        ("D", "outcome", "good", OK, *COARSE),
    )
    model = tree((("counts", 0.0), "counts"), rows, prior="jeffreys")
    every = joint(model)
    assert every.exact
    names = {
        (edge.variable, len(edge.given)): place for place, edge in enumerate(model.edges) if edge.status == "counts"
    }
    first, empty, last = names["v0", 0], names["v1", 1], names["outcome", 2]
    monkeypatch.setattr(joints, "listed", lambda rows: None)
    some = Joint(model.fitted, every.rows)
    assert some.tied == {empty, last}
    for edge, fewer in ((first, 1), (empty, 2), (last, 4)):
        whole, few = every.own(edge), some.own(edge)
        assert whole == model.fitted.posterior(edge)
        assert nodes_of(whole).weights.size / nodes_of(few).weights.size == pytest.approx(fewer, rel=0.1)
        assert few.average.mean == pytest.approx(whole.average.mean, abs=2e-4)


def test_of_two_and_a_third_that_is_not_tied_drawn_ways_say_the_same_each_time(model, monkeypatch):
    every = joint(model)
    assert every.exact
    monkeypatch.setattr(joints, "listed", lambda rows: None)
    third = {7: rm.BetaMixture.beta(30, 10)}
    node = Branch(7, Branch(0, 0.0, Branch(1, 1.0, 0.0)), 0.0)
    listed, drawn, again = (
        joints.Tied(one, node, 1.0, third, average=False)
        for one in (every, *(Joint(model.fitted, every.rows) for _ in range(2)))
    )
    assert drawn.mean == pytest.approx(0.75 * every.mean(node.hit, 1.0, {}), abs=4 * drawn.error)
    assert drawn.interval(0.8) == pytest.approx(listed.interval(0.8), abs=0.01)
    assert drawn.interval(0.8) == again.interval(0.8)


def test_of_two_the_average_varies_less_than_a_new_setting():
    risk = tree(("counts", 0.0), ROWS, prior="jeffreys").risk("good")
    assert risk.average.mean == pytest.approx(risk.new_setting.mean, abs=1e-9)
    assert risk.average.sd < 0.95 * risk.new_setting.sd


@pytest.mark.parametrize("count", [(700_000, 10**6), (5_000, 10_000)])
def test_a_count_whose_tables_would_fill_memory_is_refused(count):
    rows = (*ROWS[:2], ("D", "outcome", "good", (), *count))
    found = tree(("counts", 0.0), rows, prior="jeffreys").risk("good")
    assert not found.estimable
    assert "too many fetuses" in found.reason
