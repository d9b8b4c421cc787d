"""The prior of a tree's averages: shapes by hand, products by moments, and nothing that depends on the order of branches."""

import math
from dataclasses import replace

import pytest

import riskmodel as rm
from riskmodel.evidence.finding import Edge, Variable
from riskmodel.evidence.known import Known
from riskmodel.tree.prior import as_branch_priors, dirichlet_tree

#: Of the hepatic finding, by (variable, what it is given).
SHAPES = {
    ("anatomy", ""): (1 / 2, 1 / 2),
    ("karyotype", "anatomy=isolated"): (1 / 6, 5 / 6),
    ("karyotype", "anatomy=associated"): (1 / 6, 5 / 6),
    ("infection", "anatomy=isolated; karyotype=normal"): (1 / 6, 4 / 6),
    ("infection", "anatomy=associated; karyotype=normal"): (1 / 6, 4 / 6),
    ("outcome", "anatomy=isolated; karyotype=normal; infection=negative"): (1 / 2, 1 / 6),
    ("outcome", "anatomy=associated; karyotype=normal; infection=negative"): (1 / 2, 1 / 6),
}


def moment(shapes, power):
    """E[p**power] of a Beta."""
    a, b = shapes
    return math.prod((a + k) / (a + b + k) for k in range(power))


def tree(finding, variables, *edges):
    """A finding of some variables and counted branches (variable, category, given, after)."""
    declared = tuple(
        Variable(name, name, name, states, "", {one: one for one in states}, {one: one for one in states})
        for name, states in variables.items()
    )
    counted = tuple(
        Edge(name, category, Known(given), "counts", None, "", (), (), after) for name, category, given, after in edges
    )
    return replace(finding, variables=declared, edges=counted, within=())


def test_the_shipped_shapes_are_those_written_down(evidence):
    finding = evidence.finding
    found = {
        (finding.edges[i].variable, str(finding.edges[i].given)): one for i, one in dirichlet_tree(finding).items()
    }
    assert found.keys() == SHAPES.keys()
    for place, shapes in SHAPES.items():
        assert found[place] == pytest.approx(shapes, abs=1e-15)


@pytest.mark.parametrize("power", range(1, 9))
def test_a_good_outcome_has_the_prior_of_one_risk(power):
    """Every moment of (1 - abnormal)(1 - positive) good is that of Beta(1/2, 1/2)."""
    given = "anatomy=isolated; karyotype=normal"
    parts = (SHAPES["karyotype", "anatomy=isolated"][::-1], SHAPES["infection", given][::-1])
    product = math.prod(moment(part, power) for part in (*parts, SHAPES["outcome", f"{given}; infection=negative"]))
    assert product == pytest.approx(moment((0.5, 0.5), power), rel=1e-12)


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "a", "b"), ("b", "c", "a")])
def test_states_ruled_out_in_any_order_have_the_same_prior(evidence, order):
    first, second, last = order
    finding = tree(
        evidence.finding,
        {"first": ("no", "yes"), "state": ("a", "b", "c")},
        ("first", "yes", (), ()),
        ("state", first, (("first", "no"),), ()),
        ("state", second, (("first", "no"),), (first,)),
        ("state", first, (("first", "yes"),), ()),
        ("state", second, (("first", "yes"),), (first,)),
    )
    shapes = dirichlet_tree(finding)
    assert shapes[0] == pytest.approx((0.5, 0.5))
    assert shapes[1] == pytest.approx((1 / 6, 2 / 6))
    assert shapes[2] == pytest.approx((1 / 6, 1 / 6))  # last is as likely as second
    assert last not in (first, second)


def test_what_a_definition_closes_has_no_share_and_any_prior_can_be_asked_for(evidence):
    finding = evidence.finding
    direct, branches = as_branch_priors(finding, "dirichlet-tree")
    assert str(direct) == "mu ~ Beta(0.5, 0.5)"
    assert str(branches[1]) == "mu ~ Beta(0.166667, 0.833333)"
    _, same = as_branch_priors(finding, "jeffreys")
    assert {str(one) for one in same} == {"mu ~ Beta(0.5, 0.5)"}
    with pytest.raises(rm.InputError):
        rm.fit(evidence, prior="dirichlet")


def test_the_default_moves_the_answer_as_was_recomputed(evidence):
    """Who was tested left aside: P(good | isolated) about 0.92 and P(abnormal | isolated) about 0.023."""
    counts = tuple(replace(one, tested=()) for one in evidence.counts)
    plain = replace(evidence, counts=counts, all_counts=counts)
    for prior, good, abnormal in (("jeffreys", 0.8945, 0.0315), ("dirichlet-tree", 0.9214, 0.0231)):
        model = rm.fit(plain, prior=prior, heterogeneity=("log-normal", 0.9, 0.5))  # as it was recomputed
        assert model.risk("good_outcome", anatomy="isolated").mean == pytest.approx(good, abs=1e-4)
        assert model.risk("abnormal_karyotype", anatomy="isolated").mean == pytest.approx(abnormal, abs=1e-4)
