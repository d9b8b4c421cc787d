"""Ways to divide the fetuses of coarser counts, their likelihoods, and what the finer counts predict for them."""

import itertools
from functools import partial

import numpy as np
import pytest
from coarse_counts import CHAIN, FINE, NORMAL, by_ways, coarse, tree
from scipy.stats import betabinom

import riskmodel as rm
from riskmodel.coarsened.agreement import agreement, predicted
from riskmodel.coarsened.counts import Divided, splits, ways
from riskmodel.coarsened.divisions import listed
from riskmodel.coarsened.nodes import _jacobi, nodes_of
from riskmodel.coarsened.read_coarse import Coarse
from riskmodel.distributions.diagram import Branch, edges_of
from riskmodel.tree.answer import joint as tree_joint

FORKED = Branch(3, Branch(0, 0.0, 1.0), Branch(1, 1.0, 0.0))
DEEP = Branch(0, Branch(1, Branch(2, 1.0, 0.0), Branch(3, 0.0, 1.0)), 1.0)


@pytest.fixture(scope="module")
def build(evidence):
    return partial(tree, evidence)


@pytest.mark.parametrize("node", [CHAIN, FORKED])
@pytest.mark.parametrize("total", [1, 4, 7])
def test_the_listed_ways_of_every_number_of_events_sum_to_one(node, total):
    rng = np.random.default_rng(5)
    shapes = {edge: (rng.uniform(0.3, 5, 6), rng.uniform(0.3, 5, 6)) for edge in range(4)}
    assert sum(by_ways(node, events, total, shapes) for events in range(total + 1)) == pytest.approx(
        np.ones(6), abs=1e-12
    )


def test_ways_are_all_ways_and_none_twice():
    found = [tuple(sorted(way.items())) for way in ways(CHAIN, 8, 11, {})]
    assert len(found) == len(set(found)) == 10  # three losses to three causes
    assert list(ways(CHAIN, 5, 5, {})) == [{0: (0, 5), 1: (0, 5), 2: (5, 5)}]
    assert list(ways(1.0, 3, 4, {})) == []
    assert list(splits(Branch(0, 1.0, 0.0), 3, 5)) == [(3, 3)]


def test_cells_are_beta_binomial_and_what_a_series_reports_of_the_same_fetuses_fixes_them():
    risk = (np.array([2.0, 0.3]), np.array([3.0, 40.0]))
    hits, missed = (one.ravel() for one in np.indices((4, 5)))
    found = Divided(*risk).cells(hits, missed)
    for point, (a, b) in enumerate(zip(*risk, strict=True)):
        assert found[:, point] == pytest.approx(betabinom.pmf(hits, hits + missed, a, b), rel=1e-11)
    seen = Divided(risk[0][:1], risk[1][:1], (2, 7)).cells(np.array([2, 1, 1]), np.array([5, 6, 2]))
    assert seen.ravel() == pytest.approx([1.0, 0.0, betabinom.pmf(1, 3, 4, 8)])


def test_all_ways_of_several_counts_are_their_combinations(build):
    rows = tree_joint(build(*FINE, *coarse((10, 11), (2, 4)))).rows
    found = listed(rows)
    assert found.size == 3 * 6
    assert {tuple(found.cells[edge][:, i].tobytes() for edge in found.edges) for i in (0, 1)}
    each = [list(ways(row.node, row.row.events, row.row.total, row.known)) for row in rows]
    for number, together in enumerate(itertools.product(*each)):
        for i, way in enumerate(together):
            for edge, (hits, entered) in way.items():
                assert found.cells[edge][number, i].tolist() == [hits, entered - hits]


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (3.5, 0.17), (40, 60), (4000.5, 0.5), (0.5, 10**6), (10**9, 10**9)])
def test_the_nodes_of_a_beta_give_its_moments_whatever_it_is_worth(a, b):
    risk, weights = _jacobi(a, b)
    assert weights.sum() == pytest.approx(1, abs=1e-14)
    assert weights @ risk == pytest.approx(a / (a + b), rel=1e-12)
    assert weights @ risk**2 == pytest.approx(a / (a + b) * (a + 1) / (a + b + 1), rel=1e-12)


# ---------------------------------------------------------------- what is predicted


@pytest.mark.parametrize("node", [CHAIN, FORKED, DEEP, Branch(0, Branch(1, 1.0, 0.0), Branch(2, 0.0, 1.0))])
@pytest.mark.parametrize("known", [{}, {"first": (1, 6)}, {1: (2, 30)}])
def test_a_prediction_is_the_sum_over_every_way_of_every_number_of_events(build, node, known):
    """In a way each branch has its cell, whose probability is a sum over the branch's nodes."""
    known = {node.edge if edge == "first" else edge: cell for edge, cell in known.items()}
    posteriors = {edge: rm.pool([edge + 1, 0], [20, 15 + edge]) for edge in sorted(edges_of(node))}
    row = build(*FINE, *coarse((2, 6))).evidence.counts[-1]
    expected = np.zeros(row.total + 1)
    for events in range(row.total + 1):
        for way in ways(node, events, row.total, known):
            chance = 1.0
            for edge, (hits, entered) in way.items():
                own = known.get(edge, (0, 0))
                if entered == own[1]:
                    chance *= hits == own[0]
                    continue
                nodes = nodes_of(posteriors[edge])
                chance *= nodes.weights @ betabinom.pmf(
                    hits, entered, np.maximum(nodes.a + own[0], 1e-12), np.maximum(nodes.b + own[1] - own[0], 1e-12)
                )
            expected[events] += chance
    assert expected.sum() == pytest.approx(1, abs=1e-6)
    assert predicted(Coarse(row, node, known), posteriors) == pytest.approx(expected, abs=3e-4)


@pytest.mark.parametrize(("count", "conflict"), [((10, 11), False), ((2, 11), True)])
def test_agreement_is_the_tail_of_the_exact_prediction(build, count, conflict):
    """Sixty thousand draws of all branches' nodes; observed 0.003 of the mid-p, 0.01 of the expected number."""
    model = build(*FINE, *coarse(count))
    ((row, found, _),) = model.coarse()
    joint = tree_joint(model)
    posteriors = {edge: model.fitted.posterior(edge) for edge in joint.involved}
    rng = np.random.default_rng(3)
    shapes = {}
    for edge, posterior in posteriors.items():
        one = nodes_of(posterior)
        chosen = rng.choice(one.weights.size, 60_000, p=one.weights / one.weights.sum())
        shapes[edge] = (one.a[chosen], one.b[chosen])
    node = joint.rows[0].node
    drawn = {edge: rng.beta(*shape) for edge, shape in shapes.items()}
    good = (1 - drawn[1]) * (1 - drawn[4]) * drawn[6]
    from scipy.stats import binom

    pmf = binom.pmf(np.arange(row.total + 1)[:, None], row.total, good).mean(axis=1)
    below = np.cumsum(pmf) - 0.5 * pmf
    assert edges_of(node) == {1, 4, 6}
    assert found.mid_p == pytest.approx(below[row.events], abs=0.01)
    assert found.expected == pytest.approx(pmf @ np.arange(row.total + 1), abs=0.05)
    assert found.conflict is conflict
    assert found.testable
    assert found.detectable_high is None  # all of eleven would not have been too many
    assert agreement(joint.rows[0], posteriors) == found


def test_large_counts_are_predicted_and_larger_ones_are_not(build):
    rows = coarse((40, 100), (200, 400), (10001, 10001))
    told = build(*FINE, *rows).coarse()
    # One centre's 40 of 100 is within what centres can differ by, though only just.
    assert told[0][1].mid_p == pytest.approx(0.0297, abs=1e-3)
    assert told[1][1].mid_p == pytest.approx(0.0467, abs=1e-3)
    assert told[1][1].expected == pytest.approx(4 * told[0][1].expected, abs=1e-2)
    assert told[2][1] is None
    assert "10,001 fetuses are too many" in told[2][2]


def test_a_series_own_cells_are_not_in_its_prediction_twice(build):
    """None of the eleven had an abnormal karyotype, as the same series says: ten of eleven are of the other two branches."""
    model = build(*FINE, ("Koopman 1998", "infection", "positive", NORMAL, 0, 11), *coarse(None, (10, 11)))
    ((row, found, _),) = model.coarse()
    (one,) = tree_joint(model).rows
    assert one.known == {4: (0, 11)}
    assert found.expected < row.total
