"""Laws that hold whatever the numbers: mixture, engine, tree and loader."""

import csv
import io
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import riskmodel as rm
from riskmodel.distributions.diagram import Branch, branch, cancel, edges_of, evaluate
from riskmodel.distributions.propagated import propagate

#: Examples of what fits a whole tree or loads a whole finding; all others have the house's 50.
FEW = 50 if os.environ.get("RISKMODEL_SOAK") else 15
SHAPE = st.floats(0.3, 300)
SERIES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 60)).map(lambda p: (min(p), max(p))), min_size=1, max_size=6
)


@st.composite
def mixtures(draw):
    size = draw(st.integers(1, 5))
    weights = draw(st.lists(st.floats(0.01, 1), min_size=size, max_size=size))
    a, b = (draw(st.lists(SHAPE, min_size=size, max_size=size)) for _ in range(2))
    return rm.BetaMixture(np.array(weights), np.array(a), np.array(b))


# ---------------------------------------------------------------- mixture


@given(mixtures(), st.floats(1e-6, 1 - 1e-6))
def test_quantiles_invert_the_distribution_function(mixture, level):
    value = float(mixture.ppf(level))
    assert 0 <= value <= 1
    if 1e-12 < value < 1 - 1e-9:
        assert float(mixture.cdf(value)) == pytest.approx(level, abs=1e-7)


@given(mixtures(), st.floats(0.01, 0.99))
def test_a_mixture_and_its_complement_are_mirror_images(mixture, x):
    other = mixture.complement()
    assert other.mean == pytest.approx(1 - mixture.mean, abs=1e-12)
    assert other.sd == pytest.approx(mixture.sd, abs=1e-12)
    assert float(other.cdf(x)) == pytest.approx(float(mixture.sf(1 - x)), abs=1e-12)


@given(mixtures(), st.integers(0, 30), st.integers(0, 30))
def test_updating_with_two_series_is_updating_with_their_sum(mixture, events, others):
    at_once = mixture.update(events + 3, events + others + 8)
    in_turn = mixture.update(events, events + others).update(3, 8)
    assert at_once.mean == pytest.approx(in_turn.mean, abs=1e-10)


@given(mixtures(), st.integers(1, 60))
def test_predictive_probabilities_are_the_evidence_of_updating(mixture, total):
    pmf = mixture.predict(total)
    assert pmf.sum() == pytest.approx(1, abs=1e-12)
    assert (pmf >= 0).all()
    # Bayes: averaging the updated means over the prediction gives the mean back.
    means = [mixture.update(y, total).mean for y in range(total + 1)]
    assert pmf @ means == pytest.approx(mixture.mean, abs=1e-9)


@given(mixtures(), st.floats(0.05, 0.99))
def test_intervals_hold_their_probability(mixture, prob):
    pieces = mixture.highest_density(prob)
    for lower, upper in (mixture.interval(prob), *(pieces if len(pieces) == 1 else ())):
        assert 0 <= lower <= upper <= 1
        if upper < 1 - 1e-9 and lower > 1e-12:
            assert float(mixture.cdf(upper) - mixture.cdf(lower)) == pytest.approx(prob, abs=1e-6)
    if len(pieces) == 1:
        assert mixture.interval(prob, kind="hdi") == pieces[0]
    else:
        assert [end for piece in pieces for end in piece] == sorted(end for piece in pieces for end in piece)
        with pytest.raises(rm.InputError, match=f"{len(pieces)} peaks"):
            mixture.interval(prob, kind="hdi")


# ---------------------------------------------------------------- engine


@given(SERIES)
def test_the_engine_is_symmetric_and_orders_its_uncertainties(series):
    events, totals = (np.array(part) for part in zip(*series, strict=True))
    post, mirror = rm.pool(events, totals), rm.pool(totals - events, totals)
    assert post.average.mean == pytest.approx(1 - mirror.average.mean, abs=1e-12)
    assert 0 < post.average.mean < 1
    assert post.new_setting.sd >= post.average.sd - 1e-9
    assert post.new_setting.mean == pytest.approx(post.average.mean, abs=1e-7)
    assert post.error.mean < 1e-6


@given(SERIES, st.randoms(use_true_random=False))
def test_the_order_of_series_does_not_matter(series, random):
    shuffled = list(series)
    random.shuffle(shuffled)
    first, second = (rm.pool(*zip(*one, strict=True)) for one in (series, shuffled))
    assert first.average.mean == pytest.approx(second.average.mean, abs=1e-9)
    assert first.log_evidence == pytest.approx(second.log_evidence, abs=1e-8)


@given(SERIES)
def test_one_more_event_raises_the_average(series):
    events, totals = (np.array(part) for part in zip(*series, strict=True))
    before = rm.pool(events, totals).average.mean
    if events[0] < totals[0]:
        events[0] += 1
        assert rm.pool(events, totals).average.mean > before


@given(SERIES)
def test_a_series_is_drawn_towards_the_others(series):
    events, totals = (np.array(part) for part in zip(*series, strict=True))
    post = rm.pool(events, totals)
    for i, one in enumerate(post.series):
        low, high = sorted((post.average.mean, events[i] / totals[i]))
        assert low - 0.08 <= one.mean <= high + 0.08


# ---------------------------------------------------------------- tree


@st.composite
def diagrams(draw, edges=(0, 1, 2, 3)):
    if not edges or draw(st.booleans()):
        return draw(st.sampled_from([0.0, 1.0]))
    return branch(edges[0], draw(diagrams(edges[1:])), draw(diagrams(edges[1:])))


@given(diagrams(), st.lists(st.floats(0.01, 0.99), min_size=4, max_size=4))
def test_a_diagram_is_linear_in_each_edge(node, values):
    probabilities = dict(enumerate(values))
    whole = evaluate(node, probabilities)
    assert -1e-12 <= whole <= 1 + 1e-12
    for edge in edges_of(node):
        ends = [evaluate(node, probabilities | {edge: end}) for end in (0.0, 1.0)]
        p = probabilities[edge]
        assert whole == pytest.approx((1 - p) * ends[0] + p * ends[1], abs=1e-12)


@given(diagrams(), diagrams(), st.lists(st.floats(0.05, 0.95), min_size=4, max_size=4))
def test_cancelling_keeps_the_ratio(top, bottom, values):
    probabilities = dict(enumerate(values))
    below = evaluate(bottom, probabilities)
    if below > 1e-6:
        new_top, new_bottom = cancel(top, bottom)
        ratio = evaluate(new_top, probabilities) / evaluate(new_bottom, probabilities)
        assert ratio == pytest.approx(evaluate(top, probabilities) / below, abs=1e-9)


@given(diagrams(), st.lists(st.tuples(SHAPE, SHAPE), min_size=4, max_size=4))
def test_propagated_risks_and_their_complements_sum_to_one(node, shapes):
    risks = {i: rm.BetaMixture.beta(a, b) for i, (a, b) in enumerate(shapes)}
    other = _negated(node)
    one, rest = propagate(node, 1.0, risks), propagate(other, 1.0, risks)
    assert one.mean + rest.mean == pytest.approx(1, abs=1e-12)
    assert -1e-12 <= one.mean <= 1 + 1e-12
    lower, upper = one.interval(0.9)
    assert 0 <= lower <= upper <= 1
    assert rest.interval(0.9) == pytest.approx((1 - upper, 1 - lower), abs=2e-3)


def _negated(node):
    return Branch(node.edge, _negated(node.hit), _negated(node.miss)) if isinstance(node, Branch) else 1.0 - node


@settings(max_examples=FEW)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)).map(lambda p: (min(p), max(p))), min_size=6, max_size=6)
)
def test_total_probability_whatever_the_counts(evidence, numbers):
    """Fifteen sets of counts here, fifty in the soak run: the law is an identity, which any one set would break."""
    from dataclasses import replace

    fit_rows = [c for c in evidence.counts if c.role == "fit" and evidence.finding.variable(c.variable) is not None]
    chosen = dict(zip([id(c) for c in fit_rows], numbers * 10, strict=False))
    counts = tuple(
        replace(c, events=chosen[id(c)][0], total=chosen[id(c)][1]) if id(c) in chosen else c for c in evidence.counts
    )
    changed = replace(evidence, counts=counts, all_counts=counts)
    model = rm.fit(changed)
    p = model.risk("associated_anomaly").mean
    parts = [model.risk("abnormal_karyotype", anatomy=state).mean for state in ("isolated", "associated")]
    assert model.risk("abnormal_karyotype").mean == pytest.approx((1 - p) * parts[0] + p * parts[1], abs=1e-12)
    for known in ({}, {"anatomy": "isolated"}):
        bounds = model.risk("good_outcome", **known).bounds
        assert 0 <= bounds[0] <= bounds[1] <= 1


# ---------------------------------------------------------------- loader


@given(st.binary(max_size=400))
def test_any_bytes_are_evidence_or_an_evidence_error(folder, content):
    for name in ("counts.csv", "finding.toml"):
        path = folder / name
        original = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(rm.EvidenceError):
            rm.load_evidence(folder)
        path.write_bytes(original)


CELL = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["Simchen 2002", "anatomy", "associated", "40", "61", "primary", "abstract", ""]),
)


@given(st.integers(1, 63), st.integers(0, 14), CELL)
def test_any_cell_is_accepted_or_named(folder, row, column, cell):
    path = folder / "counts.csv"
    original = path.read_text()
    rows = list(csv.reader(io.StringIO(original)))
    rows[row][column] = cell
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", errors="surrogatepass", newline="")
    try:
        assert len(rm.load_evidence(folder).all_counts) == 66
    except rm.EvidenceError as error:
        assert all(problem.file in ("counts.csv", "workup.toml", "finding.toml") for problem in error.problems)
    finally:
        path.write_text(original)


@settings(max_examples=FEW)
@given(st.text(max_size=30), st.text(max_size=30))
def test_any_stated_text_is_used_or_refused(value, name):
    """Fifteen texts in five places each here, fifty in the soak run."""
    for stated in ({"anatomy": value}, {"size": value}, {"weeks": value}, {"location": value}, {name or "x": value}):
        try:
            rm.consult(**stated)
        except (rm.InputError, TypeError):
            continue
