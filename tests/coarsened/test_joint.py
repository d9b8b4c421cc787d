"""Counts of coarser groups: against refits, brute force and simulation, and refused where they cannot be answered."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import betabinom

import riskmodel as rm
from riskmodel.coarsened.agreement import agreement
from riskmodel.coarsened.counts import MOST_SPLITS, Divided, likelihood, splits, too_many, ways
from riskmodel.coarsened.joint import Joint
from riskmodel.coarsened.nodes import nodes_of
from riskmodel.distributions.diagram import Branch, evaluate
from riskmodel.sensitivity.variants import robustness
from riskmodel.tree.answer import joint as tree_joint

ISOLATED = (("anatomy", "isolated"),)
NORMAL = (*ISOLATED, ("karyotype", "normal"))
NEGATIVE = (*NORMAL, ("infection", "negative"))
#: P(good | isolated), the outcome after a positive infection work-up not good: abnormal karyotype, infection, good.
CHAIN = Branch(0, 0.0, Branch(1, 0.0, Branch(2, 1.0, 0.0)))


@pytest.fixture(scope="module")
def build(evidence):
    """Evidence from (source, variable, category, given, events, total) rows."""

    def built(*rows):
        counts = tuple(
            replace(
                evidence.counts[0],
                source=source,
                variable=variable,
                category=category,
                given=given,
                events=events,
                total=total,
                row=number,
                role="fit",
                population="with_finding",
            )
            for number, (source, variable, category, given, events, total) in enumerate(rows, 2)
        )
        # The prior under which the joint model was sampled in PyMC; the sums do not depend on which it is.
        return rm.fit(replace(evidence, counts=counts, all_counts=counts), heterogeneity="first-default")

    return built


FINE = (
    ("Simchen 2002", "karyotype", "abnormal", ISOLATED, 1, 21),
    ("Ocal 2014", "karyotype", "abnormal", ISOLATED, 0, 14),
    ("Simchen 2002", "infection", "positive", NORMAL, 1, 20),
    ("Ocal 2014", "infection", "positive", ISOLATED, 0, 17),
    ("Simchen 2002", "outcome", "good", NEGATIVE, 19, 19),
)


def coarse(*counts):
    sources = ("Bronshtein 1995", "Koopman 1998", "Achiron 1996")
    return [
        (source, "outcome", "good", ISOLATED, *count) for source, count in zip(sources, counts, strict=False) if count
    ]


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


def test_three_counts_that_contradict_the_tree_are_answered_correctly(build):
    """40 of 100 three times, beside 19 of 19: plain weights over everything at once collapse here."""
    model = build(*FINE, *coarse((40, 100), (40, 100), (40, 100)))
    risk = model.risk("good_outcome", anatomy="isolated")
    joint = risk.combined.to_dict()["joint"]
    assert not joint["exact"]
    assert 0.01 < joint["effective_share"] < 0.5
    assert 0 < joint["error"] < 0.01
    # A joint model in PyMC gives 0.537 (Monte Carlo error 0.0013) under these priors.
    assert risk.mean == pytest.approx(0.537, abs=4 * np.hypot(0.0013, joint["error"]))
    lower, upper = risk.interval()
    assert lower < 0.4 < risk.mean < upper
    assert risk.direct.mean == pytest.approx(0.406, abs=0.01)
    assert risk.indirect.mean == pytest.approx(0.837, abs=0.01)
    # One centre's 40 of 100 is within what centres can differ by, though only just.
    assert all(0.025 < one.mid_p < 0.05 and not one.conflict for _, one, _ in model.coarse())


def test_a_contradiction_too_great_is_refused_and_both_sides_stay(build):
    rows = [*FINE[:4], ("Simchen 2002", "outcome", "good", NEGATIVE, 400, 400)]
    model = build(*rows, *coarse((3, 60), (3, 60), (3, 60)))
    model = rm.fit(model.evidence, heterogeneity=0)
    risk = model.risk("good_outcome", anatomy="isolated")
    assert not risk.estimable
    assert "contradict" in risk.reason
    assert risk.interval() is None
    assert risk.direct.estimable
    assert risk.indirect.estimable
    assert "refused" not in repr(risk)
    rm.consult(anatomy="isolated").to_dict()


@pytest.mark.parametrize("count", [(200, 400), (401, 401)])
def test_a_count_too_large_to_divide_is_refused_and_both_sides_stay(build, count):
    model = build(*FINE, *coarse(count, (5, 5)))
    risk = model.risk("good_outcome", anatomy="isolated")
    assert not risk.estimable
    assert f"Bronshtein 1995 ({count[0]} of {count[1]})" in risk.reason
    assert risk.bounds is None
    assert [(row.events, row.total) for row in risk.direct.counts] == [count, (5, 5)]
    assert risk.direct.estimable
    assert risk.indirect.estimable
    # Where the count does not answer the question itself, the branches do.
    assert model.risk("abnormal_karyotype", anatomy="isolated").estimable
    assert [bool(reason) for _, _, reason in model.coarse()] == [True, False]


def test_a_large_count_with_few_ways_is_divided(build):
    """400 of 400 leave one way: none abnormal, none infected."""
    risk = build(*FINE, *coarse((400, 400))).risk("good_outcome", anatomy="isolated")
    assert "Bronshtein 1995" in risk.sources
    assert risk.combined.to_dict()["joint"] is None
    assert risk.mean > 0.9


@pytest.mark.parametrize("count", [(10, 11), (40, 100), (90, 140), (100, 300), (300, 300)])
def test_the_limit_on_ways_counts_what_the_likelihood_meets(count):
    class Counted:
        calls = 0

        def cell(self, hits, total):
            Counted.calls += 1
            return 1.0

    likelihood({edge: Counted() for edge in range(3)}, CHAIN, *count)
    assert too_many(CHAIN, *count) is (Counted.calls > MOST_SPLITS)


def test_how_far_an_answer_by_points_moves_is_not_worked_out_and_says_so(build):
    model = build(*FINE, *coarse((40, 100), (40, 100), (40, 100)))
    moved = robustness(model, model.risk("good_outcome", anatomy="isolated"))
    assert "as long as the answer" in moved["reason"]
    assert not any(moved[kind] for kind in ("priors", "readings", "left_out", "untested"))
    listed = build(*FINE, *coarse((10, 11)))
    moved = robustness(listed, listed.risk("good_outcome", anatomy="isolated"))
    assert moved["priors"]
    assert not moved["reason"]


def test_all_settings_alike_by_brute_force(build):
    """Three risks and no heterogeneity: a grid of the three-dimensional posterior."""
    model = rm.fit(build(*FINE, *coarse((10, 11), (5, 5), None)).evidence, heterogeneity=0)
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
    evidence = build(*FINE, *coarse((10, 11), (5, 5), None)).evidence
    risk = rm.fit(evidence, prior=("normal", 0, 2), heterogeneity=0).risk("good_outcome", anatomy="isolated")
    other = rm.fit(evidence, prior="jeffreys", heterogeneity=0).risk("good_outcome", anatomy="isolated")
    lower, upper = risk.interval()
    assert lower < risk.mean < upper
    assert risk.mean == pytest.approx(other.mean, abs=0.03)


def test_quantiles_agree_with_weighted_draws(build):
    """Half a million draws of every branch, each weighted by the exact likelihood of 7 of 11 given its hyperparameters."""
    model = build(*FINE, *coarse((7, 11)))
    joint = tree_joint(model)
    size, rng = 500_000, np.random.default_rng(11)
    shapes = {}
    for edge in sorted(joint.involved):
        nodes = nodes_of(model.fitted.posterior(edge))
        chosen = rng.choice(nodes.weights.size, size, p=nodes.weights / nodes.weights.sum())
        shapes[edge] = (nodes.a[chosen], nodes.b[chosen])
    node = joint.rows[0].node
    weights = likelihood({edge: Divided(*shape) for edge, shape in shapes.items()}, node, 7, 11)
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


# ---------------------------------------------------------------- the parts


@pytest.mark.parametrize("node", [CHAIN, Branch(3, Branch(0, 0.0, 1.0), Branch(1, 1.0, 0.0))])
@pytest.mark.parametrize("total", [1, 4, 7])
def test_likelihoods_sum_to_one_and_are_those_of_the_listed_ways(node, total):
    rng = np.random.default_rng(5)
    shapes = {edge: (rng.uniform(0.3, 5, 6), rng.uniform(0.3, 5, 6)) for edge in range(4)}
    parts = {edge: Divided(*shape) for edge, shape in shapes.items()}
    likelihoods = [likelihood(parts, node, events, total) for events in range(total + 1)]
    assert np.sum(likelihoods, axis=0) == pytest.approx(np.ones(6), abs=1e-12)
    for events, probability in enumerate(likelihoods):
        listed = 0.0
        for way in ways(node, events, total):
            listed = listed + np.prod(
                [betabinom.pmf(hits, entered, *shapes[edge]) for edge, (hits, entered) in way.items()], axis=0
            )
        assert probability == pytest.approx(listed, abs=1e-12)


def test_ways_are_all_ways_and_none_twice():
    found = [tuple(sorted(way.items())) for way in ways(CHAIN, 8, 11)]
    assert len(found) == len(set(found)) == 10  # three losses to three causes
    assert list(ways(CHAIN, 5, 5)) == [{0: (0, 5), 1: (0, 5), 2: (5, 5)}]
    assert list(ways(1.0, 3, 4)) == []
    assert list(splits(Branch(0, 1.0, 0.0), 3, 5)) == [(3, 3)]


def test_what_a_series_reports_of_the_same_fetuses_fixes_how_they_divided():
    risk = (np.array([2.0]), np.array([3.0]))
    assert Divided(*risk, (2, 7)).cell(2, 7) == pytest.approx([1.0])
    assert Divided(*risk, (2, 7)).cell(1, 7) == pytest.approx([0.0])
    assert Divided(*risk, (2, 7)).cell(1, 3) == pytest.approx(betabinom.pmf(1, 3, 4, 8))


def test_points_where_nothing_is_tied_are_not_needed():
    joint = Joint(None, ())
    assert joint.effective_share == 1.0
    assert joint.exact
    assert joint.tied == joint.involved == frozenset()


@pytest.mark.parametrize(("count", "conflict"), [((10, 11), False), ((2, 11), True)])
def test_agreement_is_the_tail_of_the_exact_prediction(build, count, conflict):
    model = build(*FINE, *coarse(count))
    ((row, found, _),) = model.coarse()
    joint = tree_joint(model)
    posteriors = {edge: model.fitted.posterior(edge) for edge in joint.involved}
    # the exact prediction by sums over all nodes of each branch, one branch's at a time
    points = 60_000
    rng = np.random.default_rng(3)
    shapes = {}
    for edge, posterior in posteriors.items():
        one = nodes_of(posterior)
        chosen = rng.choice(one.weights.size, points, p=one.weights / one.weights.sum())
        shapes[edge] = Divided(one.a[chosen], one.b[chosen])
    pmf = np.array([np.mean(likelihood(shapes, joint.rows[0].node, y, row.total)) for y in range(row.total + 1)])
    below = np.cumsum(pmf) - 0.5 * pmf
    assert found.mid_p == pytest.approx(below[row.events], abs=0.01)
    assert found.expected == pytest.approx(pmf @ np.arange(row.total + 1), abs=0.05)
    assert found.conflict is conflict
    assert found.testable
    assert found.detectable_high is None  # all of eleven would not have been too many
    assert agreement(joint.rows[0], posteriors) == found


def test_what_cannot_be_read_says_why(build):
    model = build(*FINE, ("Koopman 1998", "outcome", "good", (), 5, 7))
    ((_, found, reason),) = model.coarse()
    assert found is None
    assert "without counts" in reason
    assert "Koopman 1998" not in model.risk("good_outcome", anatomy="isolated").sources
