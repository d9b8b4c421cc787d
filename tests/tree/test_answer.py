"""What an answer says of itself, and why there is none: on routes by hand and on small trees whose answers are products."""

from dataclasses import MISSING, fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
from small_trees import tree

import riskmodel as rm
from riskmodel.coarsened import joint as joints
from riskmodel.coarsened import read_coarse
from riskmodel.evidence.known import Known
from riskmodel.tree.answer import MOST_UNKNOWN, blanks, probabilities, unknown
from riskmodel.tree.estimate import RiskEstimate, Route

WIDE, NARROW = rm.BetaMixture.beta(3, 7), rm.BetaMixture.beta(30, 70)
ONE = rm.load_evidence("fetal-hepatic-calcification").counts[0]


def row(source, events, total, **other):
    named = {"variable": "v0", "category": "no", "given": (), "row": 2} | other
    return replace(ONE, source=source, events=events, total=total, **named)


A, B, WIDER = row("A", 3, 10), row("B", 2, 20), row("A", 4, 15, row=3)


def estimate(said, **other):
    nothing = Route.none("nothing")
    outcome = SimpleNamespace(name="good", state="no", variable="v0")
    parts = {
        "outcome": outcome, "known": Known((("v1", "ok"),)), "setting": "any", "reading": "primary", "edges": (),
        "definition_only": False, "unknown": (), "fewest": 3, "weighing": (), "direct": nothing, "indirect": nothing,
        "combined": said, "corners": (),
    }  # fmt: skip
    return RiskEstimate(
        said.new_setting, said.average, said.counts, said.reason, said.coarse, said.joint, **parts | other
    )


def test_a_route_without_an_answer_has_nulls_and_its_reason():
    none = Route.none("nobody counts it")
    assert not none.estimable
    assert none.mean is none.median is none.headline is none.interval() is none.events is None
    told = none.to_dict()
    assert told["reason"] == "nobody counts it"
    assert [told[key] for key in ("probability", "median", "headline", "interval", "average", "joint")] == [None] * 6
    assert (told["series"], told["fetuses"], told["sources"], told["coarse"]) == (0, 0, [], [])


def test_a_route_says_what_its_distributions_and_rows_say():
    route = Route(WIDE, NARROW, (A, B), "")
    assert route.estimable
    assert (route.mean, route.median) == (WIDE.mean, WIDE.median)
    assert route.headline == WIDE.headline
    assert route.interval() == WIDE.interval(0.95) != route.interval(0.8) == WIDE.interval(0.8)
    assert route.interval(0.9, kind="hdi") == WIDE.interval(0.9, kind="hdi")
    assert (route.events, route.series, route.fetuses, route.sources) == (5, 2, 30, ("A", "B"))
    told = route.to_dict(ci_prob=0.5)
    assert told["interval"] == list(WIDE.interval(0.5))
    assert told["average"] == {"probability": NARROW.mean, "interval": list(NARROW.interval(0.5))}
    assert told["headline"] == WIDE.headline._asdict()
    assert (told["probability"], told["median"], told["sources"]) == (WIDE.mean, WIDE.median, ["A", "B"])
    assert (told["series"], told["fetuses"], told["events"], told["joint"]) == (2, 30, 5, None)


def test_a_source_with_several_rows_counts_its_largest_group_once():
    route = Route(WIDE, NARROW, (WIDER, A, B), "")
    assert (route.series, route.fetuses, route.sources, route.events) == (2, 35, ("A", "B"), None)
    mixed = Route(WIDE, NARROW, (A, replace(B, category="ok")), "")
    assert mixed.events is None
    coarse = Route(WIDE, NARROW, (A, B), "", (B, B))
    assert coarse.events is None
    assert coarse.to_dict()["coarse"] == ["B"]


def test_how_branches_were_joined_is_told():
    joined = SimpleNamespace(ways=7, exact=True, effective_share=0.5)
    told = Route(WIDE, NARROW, (A,), "", (), joined).to_dict()["joint"]
    assert told == {"ways": 7, "exact": True, "effective_share": 0.5, "error": 0.0}
    joined.exact = False
    assert Route(WIDE, NARROW, (A,), "", (), joined).to_dict()["joint"]["error"] == 0.0
    drawn = SimpleNamespace(error=0.25)
    assert Route(drawn, None, (A,), "")._joined(joined)["error"] == 0.25


def test_rows_that_only_weigh_an_answer_are_no_babies_behind_it():
    said = Route(WIDE, NARROW, (A, B), "")
    assert (estimate(said, weighing=(B,)).series, estimate(said, weighing=(B,)).fetuses) == (1, 10)
    assert estimate(said, weighing=(A, B)).series == 2  # where all do, they are all there is
    assert estimate(said, weighing=(B,)).sources == ("A", "B")


def test_bounds_are_the_smallest_and_largest_corner():
    low, middle, high = (Route(rm.BetaMixture.beta(a, 10 - a), None, (), "") for a in (1, 4, 8))
    risk = estimate(Route.none("unknown"), corners=(middle, high, low))
    assert risk.bounds == (low.mean, high.mean)
    assert risk.bound_routes == (low, high)
    assert risk.bounds_interval(0.8) == (low.interval(0.8)[0], high.interval(0.8)[1])
    assert risk.bounds_interval() == (low.interval(0.95)[0], high.interval(0.95)[1])
    assert "not estimable, between 0.100 and 0.800)" in repr(risk)
    none = estimate(Route.none("unknown"))
    assert none.bounds is none.bounds_interval() is None
    assert repr(none).endswith("primary, any: not estimable)")
    assert repr(none).startswith("RiskEstimate(good | v1=ok; ")
    alone = estimate(Route.none("unknown"), known=Known(), corners=(low,))
    assert alone.bounds == (low.mean, low.mean)
    assert "| nothing known;" in repr(alone)


def test_an_answer_in_a_line():
    said = estimate(Route(WIDE, NARROW, (A, B), ""))
    low, high = WIDE.interval()
    assert repr(said).endswith(f"0.3000, 95 % interval {low:.4f} to {high:.4f}; 2 series)")


def test_crude_counts_are_of_the_series_that_report_it():
    direct = Route(WIDE, NARROW, (A, replace(B, category="ok"), WIDER), "")
    risk = estimate(Route(WIDE, NARROW, (A,), ""), direct=direct)
    assert (risk.crude.events, risk.crude.total, risk.crude.series) == (3 + 18 + 4, 45, 2)
    assert estimate(Route(WIDE, NARROW, (A,), "")).crude is None
    assert estimate(Route(WIDE, NARROW, (A,), ""), direct=direct, definition_only=True).crude is None


def test_spread_between_settings_is_the_share_of_variance_that_the_average_does_not_have():
    assert estimate(Route(WIDE, NARROW, (), "")).spread_between == pytest.approx(1 - NARROW.sd**2 / WIDE.sd**2)
    assert estimate(Route(NARROW, WIDE, (), "")).spread_between == 0
    for said in (Route(WIDE, None, (), ""), Route(None, NARROW, (), ""), Route(SimpleNamespace(sd=0), NARROW, (), "")):
        assert estimate(said).spread_between is None


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, ""), ({"fewest": 2}, "two series decide it"), ({"fewest": 1}, "one series decides it"),
        ({"fewest": 1, "edges": (1, 2)}, "one series decides one of its branches"),
        ({"fewest": 2, "edges": (1,)}, "two series decide it"),
        ({"fewest": 1, "definition_only": True}, ""),
        ({"unknown": (SimpleNamespace(said="x given y"), SimpleNamespace(said="z"))},
         "no series reports a branch that it depends on (x given y; z)"),
        ({"combined": Route.none(""), "fewest": 9, "edges": (1, 2)}, "two series decide it"),
        ({"combined": Route.none(""), "unknown": (SimpleNamespace(said="x"),)}, "two series decide it"),
    ],
)  # fmt: skip
def test_a_thin_answer_says_what_makes_it_so(other, said):
    risk = estimate(Route(WIDE, NARROW, (A, B), ""), **other)
    assert (risk.weakness, risk.thin) == (said, bool(said))
    assert risk.only_direct is ("combined" in other)
    none = estimate(Route.none("x"), **{"fewest": 1} | other)
    assert (none.weakness, none.only_direct) == ("", False)


# ---------------------------------------------------------------- small trees

OK, NO = (("v0", "ok"),), (("v0", "no"),)
ROWS = (
    ("A", "v0", "no", (), 3, 10), ("B", "v0", "no", (), 2, 20),
    ("A", "outcome", "good", OK, 6, 7), ("C", "outcome", "good", OK, 11, 12),
)  # fmt: skip


def fitted(below, *more):
    """A variable, its good state with counts of the outcome; the priors are those of `pool`."""
    return tree(("counts", below), (*ROWS, *more), prior="jeffreys")


def test_a_definition_an_unknown_branch_and_a_product():
    closed = fitted(0.0)
    first, good = (rm.pool(*one).average.mean for one in (([3, 2], [10, 20]), ([6, 11], [7, 12])))
    risk = closed.risk("good")
    assert risk.mean == pytest.approx((1 - first) * good, abs=1e-9)
    assert (risk.series, risk.fetuses, risk.fewest, risk.definition_only, risk.corners) == (3, 42, 2, False, ())
    assert [edge.variable for edge in risk.edges] == ["v0", "outcome"]
    defined = closed.risk("good", v0="no")
    assert (defined.mean, defined.definition_only, defined.reason) == (0, True, "by definition: By definition.")
    assert defined.counts == ()
    opened = fitted("unknown")
    risk = opened.risk("good")
    assert not risk.estimable
    assert risk.reason.startswith("Unknown: ")
    assert risk.bounds == pytest.approx(((1 - first) * good, (1 - first) * good + first), abs=1e-9)
    assert len(risk.corners) == 2 <= 2**MOST_UNKNOWN
    assert [(edge.variable, edge.status) for edge in risk.unknown] == [("outcome", "unknown")]
    assert opened.risk("good", v0="ok").mean == pytest.approx(good, abs=1e-9)
    assert opened.risk("good", v0="no").bounds == (0, 1)
    places = [place for place in range(3) if unknown(opened, place)]
    assert [opened.edges[place].status for place in places] == ["unknown"]
    assert blanks(opened, [{"outcome": "good"}, {"v0": "ok"}]) == tuple(places)
    assert blanks(opened, [{"v0": "ok"}]) == blanks(closed, [{"outcome": "good"}]) == ()


def test_a_later_state_weighs_an_earlier_one():
    """By Bayes' rule; what tells only how likely the later state is, is not behind the answer."""
    ends = [(*OK, ("v1", "ok")), (*NO, ("v1", "ok")), (*NO, ("v1", "no"))]
    rows = (
        *ROWS[:2], ("E", "v1", "no", OK, 1, 8), ("F", "v1", "no", NO, 4, 9),
        *(("G", "outcome", "good", end, 2, 3) for end in ends),
    )  # fmt: skip
    model = tree((("counts", 0.0), ("counts", "counts")), rows, prior="jeffreys")
    first = rm.pool([3, 2], [10, 20]).average.mean
    after_ok, after_no = (rm.pool([hits], [total]).average.mean for hits, total in ((1, 8), (4, 9)))
    risk = model.state_risk("v0", "no", v1="no")
    assert risk.mean == pytest.approx(first * after_no / (first * after_no + (1 - first) * after_ok), abs=1e-9)
    assert [one.source for one in risk.weighing] == ["E", "F"]
    assert (risk.sources, risk.series, risk.fetuses) == (("A", "B", "E", "F"), 2, 30)
    assert model.state_risk("v0", "no").weighing == ()
    assert [one.source for one in model.risk("good", v1="ok").weighing] == ["E", "F"]
    closed = model.risk("good", v0="ok", v1="no")
    assert (closed.mean, closed.definition_only, closed.reason) == (0, True, "by definition: By definition.")
    assert closed.crude is None
    stated = model.state_risk("v1", "ok", v1="ok")
    assert (stated.mean, stated.definition_only, stated.reason) == (
        1,
        True,
        "by definition: it is part of what is known",
    )


def test_the_probability_of_states_is_the_product_along_the_tree():
    closed, opened = fitted(0.0), fitted("unknown")
    first, good = (closed.risk("good", v0="ok").mean, closed.state_risk("v0", "no").mean)[::-1]
    ok, no = Known(OK), Known(NO)
    asked = {"outcome": "good"}
    assert probabilities(closed, [asked], Known(), {})[0] == pytest.approx((1 - first) * good, abs=1e-9)
    assert probabilities(closed, [asked], ok, {})[0] == pytest.approx(good, abs=1e-9)
    assert probabilities(closed, [asked], no, {})[0] == 0
    assert probabilities(closed, [{"v0": "ok"}], no, {})[0] == 0
    assert probabilities(closed, [{"v0": "no"}], no, {})[0] == 1
    assert probabilities(opened, [asked], no, {})[0] is None
    (place,) = (i for i, edge in enumerate(opened.edges) if edge.status == "unknown")
    for value in (0.0, 1.0):
        whole = (1 - first) * good + first * value
        assert probabilities(opened, [asked], Known(), {place: value})[0] == pytest.approx(whole, abs=1e-9)


def test_a_coarse_count_joins_the_branches_and_is_in_no_route_without_it():
    alone, joined = fitted(0.0), fitted(0.0, ("D", "outcome", "good", (), 8, 11))
    before, risk = alone.risk("good"), joined.risk("good")
    assert risk.indirect.mean == pytest.approx(before.mean, abs=1e-12)
    assert risk.direct.sources == ("D",)
    assert risk.direct.mean == pytest.approx(rm.pool([8], [11]).average.mean, abs=1e-9)
    assert before.mean != risk.mean == risk.combined.mean
    assert risk.combined.to_dict()["coarse"] == ["D"]
    assert risk.combined.joint.exact
    assert risk.combined.joint.ways == 4  # three that did not do well: none to three of them by the first branch
    assert set(risk.sources) == {"A", "B", "C", "D"}
    assert (risk.fetuses, risk.series) == (10 + 20 + 12 + 11, 4)
    # Neither branch alone is what it was; without the first, none is a count of the second.
    assert joined.state_risk("v0", "no").mean != pytest.approx(alone.state_risk("v0", "no").mean, abs=1e-6)
    assert risk.reason == risk.combined.reason == ""


def test_a_question_that_is_one_branch_has_no_finer_cells():
    risk = fitted(0.0).state_risk("v0", "no")
    assert risk.direct.mean == risk.mean == pytest.approx(rm.pool([3, 2], [10, 20]).average.mean, abs=1e-9)
    assert (risk.direct.sources, risk.direct.events) == (("A", "B"), 5)
    assert risk.indirect.reason == "the question is one branch: no finer cells speak for it through the tree"
    joined = fitted(0.0, ("D", "outcome", "good", OK, 8, 11)).risk("good", v0="ok")
    assert (joined.reason, joined.sources, joined.events) == ("", ("A", "C", "D"), 25)


def test_a_question_that_is_not_on_the_tree_has_the_series_that_report_it_or_none():
    shape, asked = (("counts", 0.0), "counts"), ("v1", "ok")
    rows = (*ROWS[:2], ("G", "outcome", "good", (*OK, ("v1", "ok")), 2, 3))
    nothing = tree(shape, rows, prior="jeffreys").state_risk(*asked, v0="no")
    assert not nothing.estimable
    assert nothing.reason == nothing.combined.reason == nothing.indirect.reason != ""
    assert nothing.direct.reason == "no series reports exactly this question"
    told = tree(shape, (*rows, ("H", "v1", "ok", NO, 4, 9)), prior="jeffreys").state_risk(*asked, v0="no")
    assert told.mean == told.direct.mean == pytest.approx(rm.pool([4], [9]).average.mean, abs=1e-9)
    assert told.only_direct


def test_counts_that_contradict_each_other_are_refused_and_shown(monkeypatch):
    monkeypatch.setattr(joints, "_weights", lambda divisions, own: np.zeros(divisions.size))
    risk = fitted(0.0, ("D", "outcome", "good", (), 7, 11)).risk("good")
    assert not risk.estimable
    assert "contradict the branches' own counts" in risk.reason
    assert (risk.sources, [one.source for one in risk.coarse]) == (("A", "B", "C", "D"), ["D"])
    assert risk.direct.sources == ("D",)
    assert risk.indirect.estimable
    assert risk.bounds is None


def test_every_part_of_an_answer_must_be_given():
    own = fields(RiskEstimate)[len(fields(Route)) :]
    assert len(own) == 13
    assert all(one.kw_only and one.default is MISSING for one in own)


def test_a_series_too_large_to_divide_is_told_and_no_figure_leaves_it_out(monkeypatch):
    monkeypatch.setattr(read_coarse, "MOST_WORK", 1)
    risk = fitted(0.0, ("D", "outcome", "good", (), 9, 11)).risk("good")
    assert (risk.combined.new_setting, risk.combined.average, risk.combined.coarse) == (None, None, ())
    assert [one.source for one in risk.combined.counts] == ["A", "B", "A", "C", "D"]
    assert risk.combined.reason == (
        "D (9 of 11): too many fetuses to divide over the branches. Read direct and indirect apart"
    )
    assert (risk.direct.sources, risk.indirect.sources, risk.bounds) == (("D",), ("A", "B", "C"), None)
