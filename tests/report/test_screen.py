"""The first screen: short, the number near its top, in words, and the same for every state that can be known."""

import dataclasses
import itertools
import json
import re

import pytest
from command_line import BEST, SEED

import riskmodel as rm
from riskmodel.report import render
from riskmodel.report.brief import CARD, brief
from riskmodel.report.wording import compact, named, read, why

FINDINGS = ("fetal-hepatic-calcification", "fetal-echogenic-bowel")
AUDIENCES = ("clinician", "patient", "researcher")


@pytest.fixture(scope="module", params=FINDINGS)
def answers(request):
    """Answers to every combination of known states of a finding; nothing is asked for by name."""
    evidence = rm.load_evidence(request.param)
    states = {one.name: (None, *one.states) for one in evidence.finding.states}
    every = (dict(zip(states, one, strict=True)) for one in itertools.product(*states.values()))
    more = {} if request.param == FINDINGS[1] else SEED
    return [rm.consult(finding=evidence, **known, **more).to_dict() for known in every]


@pytest.mark.parametrize("audience", AUDIENCES)
def test_every_state_fits_one_screen_with_its_number_within_six_lines(answers, audience):
    for answer in answers:
        answer = answer | {"audience": audience}
        found, text = brief(answer), render.to_text(answer)
        lines = text.splitlines()
        assert len(lines) <= (60 if audience == "patient" else 30), text
        assert max(map(len, lines)) <= 80, text
        head = " ".join(line.strip() for line in lines[:6])
        if audience != "patient":
            assert found.rows[0].text in head, text
        elif found.rows[0].kind in ("figure", "range"):
            assert re.search(found.outcome.title + r": about [\d,]+( to [\d,]+)? of [\d,]+\b", head), text
        else:
            assert re.search(found.outcome.title + ": (nobody can give|there is no)", head), text
        # What an outcome is called is no statement of this baby.
        assert audience != "patient" or found.outcome.title.upper() not in text
        assert found.warning in head


@pytest.mark.parametrize("audience", AUDIENCES)
def test_no_screen_has_names_of_columns_or_a_gap_without_a_reason(answers, audience):
    for answer in answers:
        answer = answer | {"audience": audience}
        page = render.to_markdown(answer, ())
        for text in (render.to_text(answer), page):
            assert not re.search(r"[a-z0-9]_[a-z0-9]|\w=\w|estimable|\b(None|nan)\b", text), text
        found = brief(answer)
        for row in (*found.rows, *found.others):
            assert bool(row.why) == (row.kind in ("none", "definition"))
            assert (row.figure is None) == (row.kind != "figure")
            assert 0 <= row.low <= row.high <= 1
            assert row.centre_low is None or row.centre_low <= row.low + 1e-12
            assert row.centre_high is None or row.centre_high >= row.high - 1e-12
            if audience != "patient":
                assert row.text in page
        json.dumps(dataclasses.asdict(found), allow_nan=False)


def test_a_card_s_summary_is_short_and_has_number_range_and_series(answers):
    for answer in answers:
        for audience in AUDIENCES:
            found = brief(answer | {"audience": audience})
            row = found.rows[0]
            assert len(found.card) < CARD
            assert row.text in found.card
            assert row.centre in found.card
            assert (row.rests_on or "no stud" if audience == "patient" else row.rests_on or "no series") in found.card
            assert found.sentence.endswith(".")


def test_whole_pages_have_words_for_names():
    for finding in FINDINGS:
        for audience in AUDIENCES:
            page = render.to_markdown(rm.consult(finding=finding, audience=audience, detail="all").to_dict())
            prose = page.split("## Sources")[0].split("## The studies")[0]
            assert not re.search(r"[a-z]_[a-z]|[a-z]=[a-z]", prose)
            assert "estimable" not in prose
            assert "tests shows" not in prose


def test_a_lower_bound_is_no_figure():
    """The one infected fetus moves it: with that branch at 0 and at 1 the risk has two ends, and neither is better."""
    answer = rm.consult(anatomy="isolated", karyotype="normal").to_dict()
    row, risk = brief(answer).rows[0], answer["risks"][0]
    assert (row.kind, row.figure) == ("range", None)
    assert [row.low, row.high] == risk["bounds"]
    assert row.text == "{:.0f}-{:.0f} of 100".format(*(100 * end for end in risk["bounds"]))
    assert [row.centre_low, row.centre_high] == risk["bounds_interval"]
    settled = brief(rm.consult(**BEST).to_dict()).rows
    assert [(one.kind, one.text) for one in settled] == [("figure", f"{100 * settled[0].figure:.0f} of 100")]


def test_the_rows_are_the_answer_s_own_numbers():
    answer = rm.consult(anatomy="isolated").to_dict()
    found = brief(answer)
    assert [row.given for row in found.rows] == [{"anatomy": "isolated"}, *(one["given"] for one in answer["branches"])]
    assert [row.outcome for row in found.others] == [risk["outcome"] for risk in answer["risks"][1:]]
    for row, risk in zip(found.others, answer["risks"][1:], strict=True):
        assert (row.figure, row.babies, row.series) == (risk["headline"]["figure"], risk["fetuses"], risk["series"])
    assert [one.step for one in found.next] == [step["step"] for step in answer["workup"] if step["state"] == "due"]


def test_what_a_result_leads_to():
    then = brief(rm.consult(anatomy="isolated", karyotype="normal").to_dict()).then
    assert [one.label for one in then] == ["infection negative", "infection positive"]
    assert then[0].text.endswith("postnatal ultrasound")
    assert then[1].text == "refer for infection of the fetus, outside the algorithm"
    isolated = brief(rm.consult(anatomy="isolated").to_dict())
    assert [one.text for one in isolated.then] == [
        "go on with the other steps",
        "genetic counselling, outside the algorithm",
    ]
    done = brief(
        rm.consult(anatomy="associated", karyotype="abnormal", infection="negative", fluid="negative").to_dict()
    )
    assert done.ends == ("genetic counselling, outside the algorithm", "counselling for that anomaly")
    assert not done.no_step


def test_what_is_pending_or_declined_is_known_to_be_so():
    answer = rm.consult(anatomy="isolated").to_dict()
    answer["answered"] = {"anatomy": "isolated", "karyotype": "declined", "infection": "pending"}
    answer["workup"][2]["state"] = "awaited"
    found = brief(answer)
    assert found.known == "anatomy isolated, pending: infection, declined: karyotype"
    assert "await maternal TORCH and parvovirus B19 serology" in [one.title for one in found.next]
    plain = brief(answer | {"audience": "patient"})
    assert plain.known.endswith("pending: the infection tests; declined: the chromosome test")


@pytest.mark.parametrize("word", ["pending", "declined"])
def test_a_variable_that_a_test_tells_is_not_pending_as_well(word):
    """The mother's serology is taken at its word while the fetus's own test has no result."""
    answer = rm.consult(infection=word, serology="negative").to_dict()
    assert answer["known"] == {"infection": "negative"}
    assert brief(answer).known == f"serology negative, read as infection negative (its own test: {word})"
    assert brief(answer | {"audience": "patient"}).known.endswith(f"(its own test: {word})")


def test_what_has_been_reviewed_has_no_warning_and_what_nobody_asks_has_no_row():
    answer = rm.consult(**BEST).to_dict()
    assert brief(answer | {"review": answer["review"] | {"status": "reviewed"}}).warning == ""
    nothing = brief(answer | {"risks": [], "branches": []})
    assert (nothing.rows, nothing.outcome) == ((), None)
    assert "already known" in nothing.sentence
    assert "already known" in nothing.card
    for audience in AUDIENCES:
        assert render.to_text(answer | {"risks": [], "branches": [], "audience": audience})


def test_other_readings_and_settings_are_told():
    found = brief(rm.consult(reading="strict", setting="referral").to_dict())
    assert found.rests_on.endswith("reading strict, setting referral only")
    assert brief(rm.consult(audience="patient").to_dict()).rests_on == ""
    told = brief(rm.consult(audience="patient", reading="strict", setting="referral").to_dict()).rests_on
    assert told == "studies of one kind of hospital only; some studies read another way"


def test_the_plain_answer_asks_for_nothing_by_name():
    assert render.details(render.sections(())) == ()
    assert render.details(render.sections(("evidence",))) == ("settings", "neighbours")
    assert render.details(("changes", "evidence"), whole=False) == ("settings", "neighbours", "changes")
    with pytest.raises(rm.UnknownNameError, match="robustness"):
        render.sections(("robustnes",))


@pytest.mark.parametrize(
    ("interval", "of", "said"),
    [((0.92, 0.94), 100, "92-94"), ((0.001, 0.14), 100, "<1-14"), ((0.72, 0.996), 100, "72 to >99"), ((0.5, 0.5), 100, "50"),
     ((0, 1), 100, "0-100"), ((0.0001, 0.0024), 1000, "<1-2")],
)  # fmt: skip
def test_ranges_in_short(interval, of, said):
    assert compact(interval, of) == said


def test_reasons_in_short():
    assert why("by definition: A good outcome is one.") == "a good outcome is one"
    assert why("Unknown: outcome good where a b. No series says: see there.") == "no series says"
    told = "no series, and no stated independence, tells cystic_fibrosis where anatomy=associated; karyotype=abnormal"
    assert why(told) == "no series tells cystic fibrosis where anatomy associated, karyotype abnormal"
    assert why("") == "no series tells this"
    assert named("a=b-c; d_e=f; else") == "a b-c, d e f; else"
    assert named("fetal_death and 8_20") == "fetal death and 8 20"


def test_how_a_risk_is_read():
    risk = {"probability": 0.0, "interval": [0.0, 0.0], "bounds": None, "headline": None}
    assert read(risk) == ("definition", (0.0, 0.0))
    assert read(risk | {"probability": None, "bounds": [0.2, 0.4]}) == ("none", (0.2, 0.4))
    figure = risk | {"probability": 0.3, "interval": [0.1, 0.4], "headline": {"figure": 0.3}}
    assert read(figure) == ("figure", (0.3, 0.3))
    assert read(figure | {"bounds": [0.3, 0.35]}) == ("range", (0.3, 0.35))
    assert read(figure | {"bounds": [0.3, 0.3001]}) == ("figure", (0.3, 0.3))  # the same where people read


def test_a_brief_is_data():
    found = brief(rm.consult(**BEST).to_dict())
    assert found == brief(rm.consult(**BEST).to_dict())
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.title = "x"
