"""The figure that is told first, and what stands beside it: mean, median and crude count."""

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.distributions.base import Complement, PointMass
from riskmodel.distributions.mixture import BetaMixture
from riskmodel.report import render as report
from riskmodel.report.wording import denominator

#: Prior of the branch abnormal karyotype: one end of four in its group, and all that share the poor half.
ABNORMAL = BetaMixture.beta(1 / 6, 5 / 6)
#: A twentieth of all settings carry nearly all of the mean.
CARRIED = BetaMixture(np.array([0.95, 0.05]), np.array([1.0, 1.0]), np.array([1e6, 1.0]))


@pytest.fixture
def rare(tmp_path):
    """The template's finding with no associated anomaly in two large series, under a prior that leaves the mean outside."""
    from riskmodel.evidence.template import write_template

    write_template(tmp_path / "rare")
    path = tmp_path / "rare" / "counts.csv"
    lines = path.read_text().splitlines()
    row = "Example 200{},anatomy,associated,,0,20000,with_finding,,routine,included,abstract,primary,,,Invented,"
    kept = [line for line in lines if ",anatomy," not in line]
    path.write_text("\n".join([*kept, row.format(1), row.format(5)]) + "\n")
    return rm.consult(finding=tmp_path / "rare", heterogeneity="half-normal-1", detail="all")


def test_the_headline_is_the_mean_unless_few_settings_carry_it():
    skewed = BetaMixture.beta(0.5, 10)
    assert skewed.headline == (skewed.mean, "mean", "")
    assert CARRIED.cdf(CARRIED.mean) > 0.9
    figure, statistic, reason = CARRIED.headline
    assert (figure, statistic) == (CARRIED.median, "median")
    assert float(CARRIED.cdf(figure)) == pytest.approx(0.5, abs=1e-9)
    assert "above the central 80 % interval" in reason
    other = Complement(CARRIED).headline
    assert other.figure == pytest.approx(1 - figure, abs=1e-12)
    assert "below the central 80 % interval" in other.reason
    assert PointMass(0.0).headline == (0.0, "mean", "")


def test_the_rule_is_that_the_mean_leaves_the_interval():
    for one in (
        CARRIED,
        BetaMixture.beta(0.05, 3),
        rm.pool([0, 0], [20000] * 2).new_setting,
        rm.pool([19], [19]).average,
    ):
        low, high = one.interval(0.8)
        assert (one.headline.statistic == "mean") == (low <= one.mean <= high)


def test_an_estimate_says_mean_median_and_crude_count(model):
    risk = model.risk("abnormal_karyotype", anatomy="associated")
    post = rm.pool([10, 2, 4], [40, 3, 21], prior=ABNORMAL).new_setting
    assert risk.median == pytest.approx(post.median, abs=1e-9)
    assert (risk.headline.figure, risk.headline.statistic) == (risk.mean, "mean")
    assert (risk.crude.events, risk.crude.total, risk.crude.series) == (16, 64, 3)
    # Put together from several branches: only Koopman 1998 and Achiron 1996 count exactly this.
    good = model.risk("good_outcome", anatomy="isolated").crude
    assert (good.events, good.total, good.series) == (9, 9, 2)
    assert model.risk("abnormal_karyotype").crude is None
    assert model.risk("good_outcome", anatomy="isolated", karyotype="abnormal").crude is None  # by definition


def test_the_complement_is_counted_as_the_complement(model):
    risk = model.state_risk("karyotype", "normal", anatomy="associated")
    assert (risk.crude.events, risk.crude.total) == (48, 64)
    assert risk.median == pytest.approx(
        1 - rm.pool([10, 2, 4], [40, 3, 21], prior=ABNORMAL).new_setting.median, abs=1e-9
    )


def test_the_document_and_the_table_have_them(model):
    answer = rm.consult(anatomy="associated")
    risk = next(one for one in answer.to_dict()["risks"] if one["outcome"] == "abnormal_karyotype")
    assert risk["crude"] == {"events": 16, "total": 64, "series": 3}
    assert risk["headline"] == {"figure": risk["probability"], "statistic": "mean", "reason": ""}
    row = answer.risk_table().query("outcome == 'abnormal_karyotype' and route == 'answer'").iloc[0]
    assert (row["headline"], row["median"]) == (risk["probability"], risk["median"])
    assert (row["statistic"], row["crude_events"], row["crude_total"], row["crude_series"]) == ("mean", 16, 64, 3)
    nothing = next(one for one in answer.to_dict()["risks"] if one["outcome"] == "good_outcome")
    assert (nothing["headline"], nothing["median"], nothing["crude"]) == (None, None, None)


@pytest.mark.parametrize("audience", ["clinician", "patient", "researcher"])
def test_where_few_settings_carry_the_mean_every_page_begins_with_the_median_and_says_why(rare, audience):
    answer = rare.to_dict() | {"audience": audience}
    risk = next(one for one in answer["risks"] if one["outcome"] == "associated_anomaly")
    post = rm.pool([0, 0], [20000] * 2, heterogeneity="half-normal-1").new_setting
    assert risk["headline"]["figure"] == risk["median"] == pytest.approx(post.median, rel=1e-4)
    assert risk["probability"] > post.interval(0.8)[1]
    page = report.to_markdown(answer)
    if audience == "patient":
        assert (
            "About 6 of 1,000,000. For the other 999,994 of 1,000,000 this is not so. This is the middle value." in page
        )
        assert "The average is higher, 272 of 1,000,000, since a few hospitals may differ a lot." in page
        assert "In the 2 studies that asked just this, it was so for 0 of 40,000 babies." in page
    else:
        assert "median 6 of 1,000,000, mean 272, counted 0 of 40,000 in 2 series" in page
        assert "| about 272 of 1,000,000 | **about 6 of 1,000,000** |" in page
        assert "Why the median comes first: the mean lies above the central 80 % interval" in page


def test_no_page_calls_a_mean_the_best_figure():
    for known in ({}, {"anatomy": "isolated"}):
        for audience in ("clinician", "patient", "researcher"):
            page = report.to_markdown(rm.consult(detail="all", audience=audience, **known).to_dict())
            assert "best single figure" not in page.lower()
    page = report.to_markdown(rm.consult(finding="fetal-echogenic-bowel", detail="neighbours").to_dict())
    post = rm.pool([19], [682]).new_setting  # the only series, under Jeffreys' prior
    mean, median = (round(100 * figure) for figure in (post.mean, post.median))
    assert mean > median
    assert f"mean {mean} of 100, median {median}, counted 19 of 682 in 1 series" in page


def test_rarer_figures_get_the_power_of_ten_of_which_they_are_one():
    found = [denominator(p) for p in (0.01, 0.0099, 0.001, 0.0007, 9e-5, 9e-6, 1e-9, 1 - 9e-6, 1.0)]
    assert found == [100, 1000, 1000, 10_000, 100_000, 1_000_000, 1_000_000, 1_000_000, 100]
