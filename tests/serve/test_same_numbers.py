"""One question through Python, the terminal, the page, JSON, CDS Hooks and FHIR: the same numbers."""

import itertools
import json
import os
import re

import pytest
from served import call

import riskmodel as rm
from riskmodel.report import render
from riskmodel.report.brief import CARD, brief

SOAK = bool(os.environ.get("RISKMODEL_SOAK"))
#: Of every combination of states and of no results one in so many is asked, unless all are: a prime, which meets each state.
ONE_IN = 1 if SOAK else 47


def questions():
    """Every combination of states, pending and declined, of variables, and then of tests, of every finding."""
    for finding in rm.findings():
        evidence = rm.load_evidence(finding)
        states = {one.name: (None, *one.states, "pending", "declined") for one in evidence.finding.states}
        for one in itertools.product(*states.values()):
            yield finding, {name: state for name, state in zip(states, one, strict=True) if state}
        tests = {one.name: (None, *one.states, "pending") for one in evidence.workup.tests}
        for one in itertools.product(*tests.values()):
            yield finding, {"anatomy": "isolated"} | {n: s for n, s in zip(tests, one, strict=True) if s}


ASKED = [one for i, one in enumerate(questions()) if i % ONE_IN == 0]


def close(one, other):
    return abs(one - other) < 1e-11  # ten digits of a percentage


@pytest.mark.slow
@pytest.mark.parametrize(
    ("finding", "states"), ASKED, ids=lambda one: one if isinstance(one, str) else "-".join(one.values())
)
def test_every_face_says_the_same(client, finding, states):
    params = {"finding": finding} | states
    try:
        answer = rm.consult(finding=finding, **states).to_dict()
    except rm.InputError as error:  # tests that contradict each other do so on every face
        assert client.get("/api/v1/consultation", params=params).json()["error"]["what"] == error.what
        assert error.what.split(",")[0] in re.sub("&#39;", "'", client.get("/", params=params).text)
        assert client.get("/fhir/RiskAssessment", params=params).status_code == 422
        [card] = client.post("/cds-services/riskmodel-patient-view", json=call(finding, states)).json()["cards"]
        assert "contradict" in card["summary"]
        return
    screen = brief(answer)
    rows = [*screen.rows[:1], *screen.others]
    assert client.get("/api/v1/consultation", params=params).json() == answer

    terminal = " ".join(render.to_text(answer).split())
    page = re.sub(r"<[^>]+>", " ", client.get("/", params=params).text)
    page = " ".join(page.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'").replace("–", "-").split())
    for row in rows:
        number = row.text.removeprefix("about ").removeprefix("not known, within ").split(" of ")[0]
        assert number.split(" by ")[0] in terminal
        if row.kind in ("figure", "range"):
            assert re.search(rf"{re.escape(number)} of {row.of:,}", page, re.IGNORECASE), number
    assert screen.sentence in page

    [card] = client.post("/cds-services/riskmodel-patient-view", json=call(finding, states)).json()["cards"]
    assert card["summary"] == screen.card
    assert len(card["summary"]) < CARD
    assert card["indicator"] == "info"
    assert "<" not in card["detail"]
    assert card["detail"].replace("&lt;", "<") == render.to_markdown(answer, ())
    assert client.get(card["links"][0]["url"]).status_code == 200

    resource = client.get("/fhir/RiskAssessment", params=params).json()
    predictions = iter(resource.get("prediction", ()))
    for row in rows:
        first = next(predictions)
        assert first["outcome"]["coding"][0]["code"] == row.outcome
        if row.kind == "definition":
            assert not {"probabilityDecimal", "probabilityRange"} & first.keys()
            continue
        if row.kind == "figure":
            assert close(first["probabilityDecimal"] / 100, row.figure)
        else:
            assert close(first["probabilityRange"]["low"]["value"] / 100, row.low)
            assert close(first["probabilityRange"]["high"]["value"] / 100, row.high)
        if row.centre_low is not None:
            centre = next(predictions)["probabilityRange"]
            assert close(centre["low"]["value"] / 100, row.centre_low)
            assert close(centre["high"]["value"] / 100, row.centre_high)
    assert next(predictions, None) is None
    if rows:
        assert resource["prediction"][0]["rationale"] == screen.sentence

    risks = [*answer["risks"], *(risk for branch in answer["branches"] for risk in branch["risks"])]
    entries = client.get("/fhir/Evidence", params=params).json().get("entry", [])
    assert len(entries) == len(risks)
    for entry, risk in zip(entries, risks, strict=True):
        [statistic] = entry["resource"]["statistic"]
        assert statistic["sampleSize"] == {"numberOfStudies": risk["series"], "numberOfParticipants": risk["fetuses"]}
        if "quantity" in statistic:
            assert close(statistic["quantity"]["value"] / 100, risk["probability"])
    json.dumps(resource, allow_nan=False)
