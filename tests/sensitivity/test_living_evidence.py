"""The value of the next series, and the tipping point of selective publication."""

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.sensitivity.selective_publication import tipping_point
from riskmodel.sensitivity.value_of_information import MOST, next_series, representative

# ---------------------------------------------------------------- the next series


def test_the_expected_width_is_the_sum_over_what_the_series_may_say(model):
    table = next_series(model.variant(prior="jeffreys"), 5).set_index("branch")
    row = table.loc["karyotype abnormal where anatomy associated"]
    events, totals = [10, 2, 4], [40, 3, 21]
    post = rm.pool(events, totals)
    low, high = post.new_setting.interval()
    assert row["width"] == pytest.approx(high - low, abs=1e-9)
    expected = 0.0
    for y, p in enumerate(post.predict(5)):
        a, b = rm.pool([*events, y], [*totals, 5]).new_setting.interval()
        expected += p * (b - a)
    assert row["expected_width"] == pytest.approx(expected, abs=1e-9)
    assert row["narrower"] == pytest.approx(1 - expected / (high - low), abs=1e-9)


def test_a_larger_series_is_expected_to_narrow_more_and_the_neediest_branch_comes_first(model):
    small, large = (next_series(model, size) for size in (10, 100))
    gains = large["average_width"] - large["expected_average_width"]
    assert list(gains) == sorted(gains, reverse=True)
    few, many = (one.set_index("branch")["expected_average_width"].sort_index() for one in (small, large))
    assert (many < few).all()
    assert (small["average_narrower"] > 0).all()


def test_few_numbers_of_events_stand_for_a_long_prediction(model):
    pmf = rm.pool([10, 2, 4], [40, 3, 21]).predict(400)
    places, weights = representative(pmf)
    assert len(places) <= MOST
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.array(places) == pytest.approx(pmf @ np.arange(401), rel=0.03)


def test_a_branch_without_counts_says_so(evidence):
    routine = rm.fit(evidence, setting="routine")
    table = next_series(routine, 10)
    empty = table[table["series"] == 0]
    assert all("would be the first" in one for one in empty["reason"])


@pytest.mark.parametrize("size", [0, -1, 1.5, True, 10**6, "20"])
def test_a_size_that_makes_no_sense_is_refused(model, size):
    with pytest.raises(rm.InputError, match="number of fetuses"):
        next_series(model, size)


# ---------------------------------------------------------------- the tipping point

NEGATIVE = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}


def test_the_tipping_point_is_the_first_number_that_crosses(evidence):
    counts = tuple(row for row in evidence.counts if row.source not in ("Koopman 1998", "Achiron 1996", "Avni 1994"))
    from dataclasses import replace

    model = rm.fit(replace(evidence, counts=counts), prior="jeffreys")
    found = tipping_point(model, "good_outcome", threshold=0.8, **NEGATIVE)
    means = [rm.pool([19, 10, 0][: 2 + (n > 0)], [19, 11, n][: 2 + (n > 0)]).average.mean for n in range(8)]
    first = next(n for n, mean in enumerate(means) if mean <= 0.8)
    assert found["unreported"] == first
    assert found["after"] == pytest.approx(means[first], abs=1e-12)
    assert found["probability"] == pytest.approx(means[0], abs=1e-12)
    assert "no good outcome" in found["reading"]


def test_a_rare_outcome_is_carried_up(model):
    found = tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")
    assert 1 <= found["unreported"] <= 10
    assert found["after"] >= 0.1 > found["probability"]
    assert "with abnormal karyotype" in found["reading"]


def test_where_a_thousand_do_not_suffice_it_says_so(model):
    found = tipping_point(rm.fit(model.evidence), "abnormal_karyotype", threshold=0.95, anatomy="isolated")
    assert found["unreported"] is None
    assert "Not even 1,000" in found["reading"]


def test_what_no_single_branch_decides_is_refused(model):
    for outcome, known in (("abnormal_karyotype", {}), ("good_outcome", {"anatomy": "isolated"}), ("good_outcome", {})):
        with pytest.raises(rm.UnavailableError, match="one branch"):
            tipping_point(model, outcome, threshold=0.5, **known)
    for threshold in (0, 1, 1.5, True, "0.5", 0.0):
        with pytest.raises(rm.InputError, match="not a probability"):
            tipping_point(model, "abnormal_karyotype", threshold=threshold, anatomy="isolated")


def test_nothing_supposed_is_ever_written(model):
    before = model.evidence.counts
    tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")
    assert model.evidence.counts == before
    assert not any(row.source == "unreported" for row in rm.load_evidence(model.evidence.path).counts)
