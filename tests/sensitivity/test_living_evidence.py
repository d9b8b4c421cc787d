"""The value of the next series, and the tipping point of selective publication."""

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.sensitivity.selective_publication import _shared, tipping_point
from riskmodel.sensitivity.value_of_information import MOST, next_series, representative

#: Priors of three branches, by hand: each end of the tree with a good outcome has 1/2, the three without share 1/2.
GOOD, ABNORMAL = rm.BetaMixture.beta(1 / 2, 1 / 6), rm.BetaMixture.beta(1 / 6, 5 / 6)

# ---------------------------------------------------------------- the next series


def test_the_expected_width_is_the_sum_over_what_the_series_may_say(model):
    table = next_series(model, 5).set_index("branch")
    row = table.loc["karyotype abnormal where anatomy associated"]
    events, totals = [10, 2, 4], [40, 3, 21]
    post = rm.pool(events, totals, prior=ABNORMAL)
    low, high = post.new_setting.interval()
    assert row["width"] == pytest.approx(high - low, abs=1e-9)
    expected = 0.0
    for y, p in enumerate(post.predict(5)):
        a, b = rm.pool([*events, y], [*totals, 5], prior=ABNORMAL).new_setting.interval()
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


@pytest.mark.parametrize("size", [0, -1, 1.5, True, 10**6, "20 %"])
def test_a_size_that_makes_no_sense_is_refused(model, size):
    with pytest.raises(rm.InputError, match=r"number of fetuses|whole number"):
        next_series(model, size)


# ---------------------------------------------------------------- the tipping point

NEGATIVE = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}


def test_the_tipping_point_is_the_first_number_that_crosses(evidence):
    counts = tuple(row for row in evidence.counts if row.source not in ("Koopman 1998", "Achiron 1996", "Avni 1994"))
    from dataclasses import replace

    model = rm.fit(replace(evidence, counts=counts))
    found = tipping_point(model, "good_outcome", threshold=0.8, **NEGATIVE)["scenarios"][0]
    cells = [([19, 10, 0][: 2 + (n > 0)], [19, 11, n][: 2 + (n > 0)]) for n in range(12)]
    means = [rm.pool(*one, prior=GOOD).average.mean for one in cells]
    first = next(n for n, mean in enumerate(means) if mean <= 0.8)
    assert found["unreported"] == first
    assert found["after"] == pytest.approx(means[first], abs=1e-12)
    assert "no good outcome as one more series" in found["reading"]


def test_the_scenarios_are_those_of_pool(fine):
    # Without counts of wider groups the branch is 19 of 19 and 10 of 11: each scenario is a pooling of its own.
    found = tipping_point(fine, "good_outcome", threshold=0.65, **NEGATIVE)
    assert [one["scenario"] for one in found["scenarios"]] == ["one series", "spread", "case reports"]

    def pooled(scenario, n):
        if scenario == "one series":
            return [19, 10, 0], [19, 11, n]
        if scenario == "spread":
            first = round(n * 19 / 30)
            return [19, 10], [19 + first, 11 + n - first]
        return [19, 10, *[0] * n], [19, 11, *[1] * n]

    for one in found["scenarios"]:
        n = one["unreported"]
        means = [rm.pool(*pooled(one["scenario"], k)).average.mean for k in (n - 1, n)]
        assert means[0] > 0.65 >= means[1]
        assert one["after"] == pytest.approx(means[1], abs=1e-9)
    assert found["unreported"] == min(one["unreported"] for one in found["scenarios"])


def test_a_few_case_reports_do_what_no_one_series_does(model):
    found = tipping_point(model, "good_outcome", threshold=0.5, **NEGATIVE)
    numbers = {one["scenario"]: one["unreported"] for one in found["scenarios"]}
    # Case reports beside 19/19, 10/11, 5/5 and 4/4. Spread in proportion to size, 41 through the tree: summing over all ways
    # to divide 5 of 10 and 4 of 8 by hand, without Avni 1994, gives 0.5011 with 40 and 0.4954 with 41.
    assert numbers == {"one series": None, "spread": 41, "case reports": 11}
    assert (found["scenario"], found["unreported"]) == ("case reports", 11)
    ten, eleven = (
        rm.pool([19, 10, 5, 4, *[0] * n], [19, 11, 5, 4, *[1] * n], prior=GOOD).average.mean for n in (10, 11)
    )
    assert found["after"] == pytest.approx(eleven)
    assert ten > 0.5
    assert found["reading"].startswith("11 unreported fetuses with no good outcome as single case reports, beside 30")
    assert found["scenarios"][0]["reading"].startswith("Not even 1,000")


def test_where_the_event_is_rare_the_added_series_has_the_size_of_the_published(model):
    found = tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")["scenarios"][0]
    assert "in one more series of 14" in found["reading"]  # of 21, 14 and 11
    for outcome, known in (("associated_anomaly", {}), ("abnormal_karyotype", {"anatomy": "associated"})):
        risk = model.risk(outcome, **known)
        one = tipping_point(model, outcome, threshold=0.5 * (1 + risk.mean), **known)["scenarios"][0]
        size = int(np.median([row.total for row in risk.counts if row not in risk.coarse]))
        assert f"in one more series of {size} " in one["reading"]
    # What is common goes the other way: a whole series without the event.
    one = tipping_point(model, "abnormal_karyotype", threshold=0.02, anatomy="isolated")["scenarios"][0]
    assert "as one more series" in one["reading"]


def test_a_question_and_its_complement_have_one_tipping_point(tmp_path):
    from riskmodel.evidence.template import write_template

    write_template(tmp_path / "own")
    path = tmp_path / "own" / "finding.toml"
    text = path.read_text()
    block = text[
        text.index('[[outcomes]]\nname = "good_outcome"') : text.index('[[outcomes]]\nname = "associated_anomaly"')
    ]
    other = block.replace("good_outcome", "poor_outcome").replace('state = "good"', 'state = "poor"')
    path.write_text(text.replace(block, block + other))
    model = rm.fit(rm.load_evidence(tmp_path / "own"))
    good = tipping_point(model, "good_outcome", threshold=0.75, anatomy="isolated")
    poor = tipping_point(model, "poor_outcome", threshold=0.25, anatomy="isolated")
    assert [one["unreported"] for one in good["scenarios"]] == [one["unreported"] for one in poor["scenarios"]]


def test_the_unreported_speak_for_the_setting_that_is_asked(evidence):
    routine = rm.fit(evidence, setting="routine")
    found = tipping_point(routine, "abnormal_karyotype", threshold=0.2, anatomy="isolated")
    assert all(one["unreported"] is not None for one in found["scenarios"])


@pytest.mark.parametrize("sizes", [[19, 11, 5, 4], [1], [682, 106, 882], [3, 3, 3]])
def test_shares_are_whole_and_in_proportion(sizes):
    for number in (0, 1, 7, 38, 1000):
        shares = _shared(number, sizes)
        assert sum(shares) == number
        assert all(abs(share - number * size / sum(sizes)) < 1 for share, size in zip(shares, sizes, strict=True))


def test_a_rare_outcome_is_carried_up(model):
    found = tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")
    assert 1 <= found["unreported"] <= 10
    assert found["after"] >= 0.1 > found["probability"]
    assert "with abnormal karyotype" in found["reading"]


def test_where_a_thousand_do_not_suffice_it_says_so(model):
    found = tipping_point(rm.fit(model.evidence), "abnormal_karyotype", threshold=0.99, anatomy="isolated")
    assert (found["scenario"], found["unreported"], found["after"]) == (None, None, None)
    assert "Not even 14 unreported fetuses" in found["reading"]
    assert "Not even 1,000 unreported fetuses" in found["reading"]


def test_what_no_single_branch_decides_is_refused(model):
    for outcome, known in (("abnormal_karyotype", {}), ("good_outcome", {"anatomy": "isolated"}), ("good_outcome", {})):
        with pytest.raises(rm.UnavailableError, match="one branch") as refused:
            tipping_point(model, outcome, threshold=0.5, **known)
        assert ".." not in str(refused.value)
    for threshold in (0, 1, 1.5, True, "0.5", 0.0):
        with pytest.raises(rm.InputError, match=r"not a (probability|number)"):
            tipping_point(model, "abnormal_karyotype", threshold=threshold, anatomy="isolated")


def test_nothing_supposed_is_ever_written(model):
    before = model.evidence.counts
    tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")
    assert model.evidence.counts == before
    assert not any("unreported" in row.source for row in rm.load_evidence(model.evidence.path).counts)
