"""Fetal mild ventriculomegaly: which counts feed what, its figures beside the published ones, and a work-up without gaps."""

import pytest

import riskmodel as rm
from riskmodel.report import render as report

NAME = "fetal-mild-ventriculomegaly"
TESTED = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}


@pytest.fixture(scope="module")
def evidence():
    return rm.load_evidence(NAME)


@pytest.fixture(scope="module")
def fits(evidence):
    return {one.name: rm.fit(evidence.with_reading(one.name)) for one in evidence.finding.readings}


def fed(model, name):
    (edge,) = (one for one in model.edges if one.name == name)
    return {(row.source, row.events, row.total) for row in model.counts[model.edges.index(edge)]}


def development(width):
    return f"P(development=normal | anatomy=isolated; karyotype=normal; infection=negative; width={width})"


def test_abnormal_karyotypes_of_isolated_cases_beside_the_review(fits):
    """PMC8812611 pools 23 articles: 3 % (1 to 6) if isolated, 13 % (4 to 25) if not."""
    series = {
        ("Vergani 1998", 2, 48), ("Pilu 1999", 2, 31), ("FDT 2001", 1, 14), ("Ouahba 2006", 4, 167), ("Sethna 2011", 8, 177),
        ("Pasquini 2014", 1, 141), ("Duan 2019", 6, 101),
    }  # fmt: skip
    assert fed(fits["primary"], "P(karyotype=abnormal | anatomy=isolated)") == series
    risk = fits["primary"].risk("abnormal_karyotype", anatomy="isolated")
    low, high = risk.average.interval()
    assert low < 0.03 < high
    assert 0.01 < low < high < 0.1
    other = fits["primary"].risk("abnormal_karyotype", anatomy="associated").average.interval()
    assert other[0] < 0.13 < other[1]
    # The width does not tell of a karyotype: no series says.
    for width in ("10-12", "13-15"):
        assert fits["primary"].risk("abnormal_karyotype", anatomy="isolated", width=width).mean == pytest.approx(
            risk.mean, abs=1e-3
        )


def test_normal_development_beside_the_guideline(fits):
    """SMFM 2018 would say above 90 % at 10 to 12 mm, 75 to 93 % at 13 to 15 mm."""
    mixed = {
        ("Bromley 1991", 21, 26),
        ("Patel 1994", 22, 28),
        ("Vergani 1998", 45, 45),
        ("Lipitz 1998", 25, 26),
        ("Ouahba 2006", 89, 101),
    }
    own = {("Signorelli 2004", 38, 38), ("Gaglioti 2005", 40, 43)}
    assert fed(fits["primary"], development("10-12")) == own | mixed
    assert fed(fits["told"], development("10-12")) == own
    for reading in ("primary", "told"):
        assert fed(fits[reading], development("13-15")) == {("Gaglioti 2005", 6, 8)}
    mean = {name: fits[name].risk("normal_development", **TESTED, width="10-12") for name in fits}
    low, high = mean["primary"].average.interval()
    assert low < 0.9 < high
    assert mean["told"].mean > 0.9
    # Before the tests an abnormal karyotype or an infection, neither of which counts as normal, is still possible.
    before = fits["primary"].risk("normal_development", anatomy="isolated", width="10-12")
    assert 0.03 < mean["primary"].mean - before.mean < 0.08
    wide = fits["primary"].risk("normal_development", **TESTED, width="13-15")
    assert wide.mean < mean["primary"].mean
    assert wide.average.interval()[0] < 0.75 < 0.93 < wide.average.interval()[1]


def test_interview_and_scale_are_never_pooled_but_where_the_reading_says_so(fits):
    scale = {("Bloom 1997", 14, 22), ("Signorelli 2004", 22, 22), ("Bar-Yosef 2017", 106, 109)}
    assert fed(fits["by-scale"], development("10-12")) == scale
    assert fed(fits["by-scale"], development("13-15")) == {("Bar-Yosef 2017", 22, 24)}
    for reading in ("primary", "told"):
        assert not {one[0] for one in fed(fits[reading], development("10-12"))} & {"Bloom 1997", "Bar-Yosef 2017"}
    both = fed(fits["wide"], development("10-12"))
    assert ("Signorelli 2004", 60, 60) in both
    assert {("Bloom 1997", 14, 22), ("Ouahba 2006", 89, 101)} < both
    means = {name: fits[name].risk("normal_development", **TESTED, width="10-12").mean for name in fits}
    assert means["by-scale"] < means["wide"] < means["primary"] < means["told"]


def test_who_was_tested_by_choice_and_severe_cases_feed_nothing(evidence, fits):
    shown = {
        "Hopkins 2017": "karyotype",
        "Coventry 2010": "karyotype",
        "Sci Rep 2020": "karyotype",
        "IJGM 2021": "infection",
    }
    for source, variable in shown.items():
        rows = [one for one in evidence.counts if (one.source, one.variable) == (source, variable)]
        assert rows
        assert all(one.role == "context" for one in rows)
    assert {one.role for one in evidence.counts if one.key == "Bromley 1991: karyotype=abnormal"} == {"context"}
    assert ("Sci Rep 2020", 7, 294) in fed(fits["wide"], "P(karyotype=abnormal | anatomy=isolated)")
    for model in fits.values():
        assert model.coarse() == ()  # every answer is exact
        assert not [one for one in model.evidence.audit() if one.severity == "contradiction"]
    doubtful = {key.split(":")[0] for part in evidence.finding.partly_tested for key in part.counts}
    assert doubtful == {"Ouahba 2006", "Pasquini 2014"}


def test_survivors_terminations_and_deaths_are_apart(evidence, fits):
    for one in evidence.counts:
        if one.variable == "development":
            assert (one.population, one.terminations) == ("followed", "excluded")
    model = fits["primary"]
    assert model.risk("termination", anatomy="isolated").sources == ("Ouahba 2006",)
    assert set(model.risk("infant_death", anatomy="isolated").sources) == {"FDT 2001", "Sethna 2011"}
    assert model.risk("favourable_outcome", anatomy="isolated", width="10-12").sources == ("IJGM 2021",)
    assert model.risk("missed_anomaly", anatomy="isolated").sources == ("FDT 2001", "Sethna 2011")


def test_what_a_width_says_of_the_survey_is_bayes_theorem(fits):
    """Gaglioti 2005: 31 of 75 at 10-12 mm and 31 of 41 above had other anomalies."""
    model = fits["primary"]
    prior = model.risk("associated_anomaly").mean
    share = {one: model.risk("moderate_width", anatomy=one).mean for one in ("isolated", "associated")}
    told = prior * share["associated"]
    asked = model.risk("associated_anomaly", width="13-15").mean
    assert asked == pytest.approx(told / (told + (1 - prior) * share["isolated"]), abs=1e-12)
    assert 31 / 75 < asked < 31 / 41


@pytest.mark.parametrize("known", [{}, {"anatomy": "isolated", "width": "10-12"}, TESTED, {"anatomy": "associated"}])
def test_a_patient_s_page_has_no_bare_name(evidence, known):
    page = report.to_markdown(rm.consult(finding=NAME, audience="patient", detail="all", **known).to_dict())
    body = page.split("## The studies behind these numbers")[0]
    for name in ("karyotype", "anatomy", "isolated", "10-12", "13-15", "negative", "microarray"):
        assert name not in body


def test_a_known_width_adds_no_baby_to_what_stands_before_it(fits):
    """Series of widths weigh an infection or a karyotype, and tell none."""
    model = fits["primary"]
    for outcome, known in [
        ("infection", {"anatomy": "isolated"}),
        ("abnormal_karyotype", {"anatomy": "isolated"}),
        ("abnormal_karyotype", {}),
        ("infection", {"anatomy": "isolated", "karyotype": "normal"}),
    ]:
        before = model.risk(outcome, **known)
        for width in ("10-12", "13-15"):
            after = model.risk(outcome, **known, width=width)
            assert (after.series, after.fetuses) == (before.series, before.fetuses)
            assert set(after.sources) > set(before.sources) or after.mean == before.mean


def test_a_patient_reads_sentences_of_every_result_and_both_ranges():
    """A result of a measurement is one of something, and what no study tells of an infection is not how a child did."""
    text = " ".join(report.to_text(rm.consult(finding=NAME, width="13-15", audience="patient").to_dict()).split())
    assert "has reached the baby: nobody can give one number. No study tells this of such babies." in text
    assert "It could be anything from 21 to 74 of 100. In one more hospital it could be 1 to 97." in text
    after = rm.consult(finding=NAME, **TESTED, audience="patient").to_dict()
    assert 'If the result of the measurement of the space is "10 to 12 millimetres"' in report.to_markdown(after)
    ranged = rm.consult(finding=NAME, anatomy="isolated", audience="patient").to_dict()
    assert "very uncertain: some were not followed and hospitals differ" in report.to_markdown(ranged)


@pytest.mark.parametrize("audience", ["clinician", "patient", "researcher"])
@pytest.mark.parametrize("known", [{}, {"anatomy": "isolated"}, {"width": "10-12"}])
def test_a_screen_has_eighty_columns_though_thousands_were_counted(known, audience):
    text = report.to_text(rm.consult(finding=NAME, audience=audience, **known).to_dict())
    assert max(map(len, text.splitlines())) <= 80
