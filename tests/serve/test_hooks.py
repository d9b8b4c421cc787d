"""CDS Hooks: what is offered, and calls of every kind, of which none is refused for what it could not fetch."""

import copy
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from served import call, client_of

import riskmodel as rm
from riskmodel.serve.app import Service
from riskmodel.serve.desk import Desk

BOWEL, HEPATIC = "fetal-echogenic-bowel", "fetal-hepatic-calcification"
PATH = "/cds-services/riskmodel-patient-view"


def test_services_ask_for_what_the_patient_s_number_gives_and_nothing_else(client):
    body = client.get("/cds-services").json()
    assert {one["hook"] for one in body["services"]} == {"patient-view", "problem-list-item-create"}
    for one in body["services"]:
        assert {"hook", "id", "description"} <= one.keys()
        # What 3.0 asks for besides: the specification's version, and the hook's as the library of hooks has it.
        assert (one["version"], one["hookVersion"]) == ("2.0.1", {"patient-view": "1.0"}.get(one["hook"], "0.1.0"))
        for query in one["prefetch"].values():
            assert query.count("{{") == query.count("{{context.patientId}}") == 1


@pytest.mark.parametrize(
    "missing",
    [
        None,
        {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]},
        {"resourceType": "Bundle", "link": [{"relation": "next", "url": "x"}], "entry": "paged"},
        {"resourceType": "Bundle"},
        {"resourceType": "Bundle", "entry": [None, {}, {"resource": None}, {"resource": {"resourceType": "Patient"}}]},
        [], "text", 7,
    ],
)  # fmt: skip
def test_what_could_not_be_fetched_is_not_known_and_no_call_is_refused_for_it(client, missing):
    full = call(BOWEL, {"anatomy": "isolated", "karyotype": "normal"})
    body = copy.deepcopy(full)
    if isinstance(missing, dict) and missing.get("entry") == "paged":
        missing = missing | {"entry": full["prefetch"]["observations"]["entry"]}
    body["prefetch"]["observations"] = missing
    [card] = client.post(PATH, json=body).json()["cards"]
    assert card["summary"] == client.post(PATH, json=call(BOWEL, {})).json()["cards"][0]["summary"]
    del body["prefetch"]["observations"]
    assert client.post(PATH, json=body).json()["cards"][0]["summary"] == card["summary"]
    body["prefetch"]["conditions"] = missing
    assert client.post(PATH, json=body).json() == {"cards": []}
    del body["prefetch"]
    assert client.post(PATH, json=body).json() == {"cards": []}


def test_a_problem_that_is_put_on_the_list_is_answered(client):
    body = call(HEPATIC, {"anatomy": "isolated"})
    body["hook"] = "problem-list-item-create"
    body["context"]["conditions"] = body["prefetch"].pop("conditions")
    [card] = client.post("/cds-services/riskmodel-problem-list-item-create", json=body).json()["cards"]
    assert card["summary"].startswith("Good outcome: 92-94 of 100")
    assert card["links"][0]["url"].startswith("http://127.0.0.1/?finding=fetal-hepatic-calcification&anatomy=isolated")


def test_the_latest_result_counts_and_two_that_differ_do_not(client):
    def dated(states):
        body = call(HEPATIC, {"anatomy": "isolated"})
        for state, when in states:
            one = call(HEPATIC, {"karyotype": state})["prefetch"]["observations"]["entry"][0]
            one["resource"] |= when if isinstance(when, dict) else {"effectiveDateTime": when}
            body["prefetch"]["observations"]["entry"].append(one)
        return client.post(PATH, json=body).json()["cards"][0]

    assert "karyotype=normal" in dated([("abnormal", "2026-01-01"), ("normal", "2026-02-01")])["links"][0]["url"]
    # At 05:00 and at 09:00 in UTC, which their texts sort the other way round.
    zones = [("abnormal", "2026-01-01T10:00:00+05:00"), ("normal", "2026-01-01T09:00:00Z")]
    assert "karyotype=normal" in dated(zones)["links"][0]["url"]
    later = (
        {"effectiveInstant": "2026-03-01T09:00:00Z"},
        {"effectivePeriod": {"start": "2026-03-01", "end": "2026-03-02"}},
    )
    for when in later:
        assert "karyotype=normal" in dated([("abnormal", "2026-01-01"), ("normal", when)])["links"][0]["url"]
    # Which is the later no one can tell: of one day, of a day and an hour of it, of a month and a day of it, and without a time.
    for first, second in (
        ("2026-01-01", "2026-01-01"), ("2026-01-01", "2026-01-01T09:00:00Z"), ("2026-01", "2026-01-20"), ({}, "2026-01-20"),
    ):  # fmt: skip
        differ = dated([("abnormal", first), ("normal", second)])
        assert "karyotype" not in differ["links"][0]["url"]
        assert "two results differ" in differ["detail"]


def test_a_problem_that_is_over_or_another_s_is_not_answered(client):
    body = call(BOWEL, {})
    condition = body["prefetch"]["conditions"]["entry"][0]["resource"]
    for status in ("resolved", "inactive"):
        condition["clinicalStatus"] = {"coding": [{"code": status}]}
        assert client.post(PATH, json=body).json() == {"cards": []}
    del condition["clinicalStatus"]
    condition["code"] = {"text": "Hypertension"}
    assert client.post(PATH, json=body).json() == {"cards": []}
    condition["code"] = {"coding": [{"system": "urn:x-riskmodel:finding", "code": BOWEL}]}
    assert len(client.post(PATH, json=body).json()["cards"]) == 1


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400), (b"[" * 100_000, "application/json", 400), (b"\xff", "application/json", 400),
        (b"{}", "text/plain", 415), (b"[]", "application/json", 422), (b"{}", "application/json", 422),
        (b'{"hook": 7}', "application/json", 422),
        (b'{"hook": "order-sign", "hookInstance": "x", "context": {}}', "application/json", 422),
    ],
)  # fmt: skip
def test_what_is_no_call_is_refused_with_an_outcome(client, content, kind, status):
    reply = client.post(PATH, content=content, headers={"content-type": kind})
    assert reply.status_code == status
    assert reply.headers["content-type"] == "application/json"
    _outcome(reply)


def _outcome(reply):
    """The one issue of an OperationOutcome (R4), of a code that is one."""
    body = reply.json()
    assert body["resourceType"] == "OperationOutcome"
    [issue] = body["issue"]
    codes = {
        "login",
        "forbidden",
        "not-found",
        "not-supported",
        "too-long",
        "value",
        "exception",
        "processing",
        "invalid",
    }
    assert issue["severity"] in ("error", "fatal")
    assert issue["code"] in codes
    assert issue["details"]["text"].endswith(".")
    return issue


def test_an_error_of_fhir_is_an_outcome_and_says_where_it_is_and_how_it_is_mended(client):
    reply = client.get("/fhir/RiskAssessment", params={"finding": BOWEL, "anatomy": "isolatd"})
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/fhir+json; fhirVersion=4.0")
    issue = _outcome(reply)
    assert (issue["code"], "isolated" in issue["diagnostics"]) == ("value", True)
    assert issue["diagnostics"].startswith("anatomy: ")
    assert _outcome(client.get("/fhir/Nothing"))["code"] == "not-found"
    assert _outcome(client.get(PATH))["code"] == "not-supported"
    assert client.get("/fhir/metadata", headers={"host": "evil.example"}).json()["resourceType"] == "OperationOutcome"


def test_a_service_that_nobody_offers_and_feedback(client):
    assert client.post("/cds-services/other", json=call(BOWEL, {})).status_code == 404
    assert client.get(PATH).status_code == 405
    assert client.post(f"{PATH}/feedback", json={"feedback": [{"card": "x", "outcome": "accepted"}]}).status_code == 200


def test_other_sites_are_let_in_only_where_they_are_named():
    shut = client_of(Service(Desk([BOWEL]), background=False))
    asked = {"origin": "https://ehr.example", "access-control-request-method": "POST",
             "access-control-request-headers": "authorization,content-type"}  # fmt: skip
    assert "access-control-allow-origin" not in shut.options(PATH, headers=asked).headers
    let = client_of(Service(Desk([BOWEL]), origins=["https://ehr.example"], background=False))
    reply = let.options(PATH, headers=asked)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == "https://ehr.example"
    assert "authorization" in reply.headers["access-control-allow-headers"].lower()
    other = let.options(PATH, headers=asked | {"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_what_fhir_is_served_is_said(client):
    body = client.get("/fhir/metadata").json()
    assert (body["resourceType"], body["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    reply = client.get("/fhir/RiskAssessment", params={"finding": BOWEL})
    assert reply.headers["content-type"] == "application/fhir+json; fhirVersion=4.0"


@pytest.mark.parametrize("finding", rm.findings())
def test_a_resource_has_ranges_in_order_percent_and_references_that_are_there(client, finding):
    resource = client.get("/fhir/RiskAssessment", params={"finding": finding, "anatomy": "isolated"}).json()
    assert resource["status"] == "final"
    assert resource["subject"]["reference"] == f"#{resource['contained'][0]['id']}"
    assert len(resource["prediction"]) >= 1
    for one in resource["prediction"]:
        assert len({"probabilityDecimal", "probabilityRange"} & one.keys()) <= 1
        assert 0 <= one.get("probabilityDecimal", 0) <= 100
        if ends := one.get("probabilityRange"):
            assert 0 <= ends["low"]["value"] <= ends["high"]["value"] <= 100
            assert {end["unit"] for end in ends.values()} == {"%"}
    assert not any(value in ("", [], {}, None) for value in _leaves(resource))


def _leaves(part):
    if isinstance(part, (dict, list)) and part:
        for one in part.values() if isinstance(part, dict) else part:
            yield from _leaves(one)
    else:
        yield part


def test_the_command_line_prints_the_same_resource(client):
    from command_line import run

    code, out, _ = run("consult", "--anatomy", "isolated", "--fhir")
    assert code == 0
    assert (
        json.loads(out) == client.get("/fhir/RiskAssessment", params={"finding": HEPATIC, "anatomy": "isolated"}).json()
    )


@pytest.mark.parametrize("finding", rm.findings())
def test_another_s_validator_finds_no_fault_where_there_is_one(client, finding, tmp_path):
    """Medplum's schemas and the package fhir, both from npm: `make browser` installs them beside this test's script."""
    script = Path(__file__).parent.parent / "browser" / "validate.mjs"
    if shutil.which("node") is None or not (script.parent / "node_modules" / "@medplum").is_dir():
        pytest.skip("Node or the validators are not installed: make browser installs them")
    for path, name in (("/fhir/RiskAssessment", "assessment"), ("/fhir/metadata", "capability")):
        asked = {"finding": finding, "anatomy": "isolated"} if "Risk" in path else {}
        place = tmp_path / f"{name}.json"
        place.write_bytes(client.get(path, params=asked).content)
        done = subprocess.run(["node", str(script), str(place)], capture_output=True, text=True, cwd=script.parent)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_validator_finds_a_fault(tmp_path):
    script = Path(__file__).parent.parent / "browser" / "validate.mjs"
    if shutil.which("node") is None or not (script.parent / "node_modules" / "@medplum").is_dir():
        pytest.skip("Node or the validators are not installed: make browser installs them")
    place = tmp_path / "wrong.json"
    place.write_text('{"resourceType": "RiskAssessment", "status": "bogus", "predictions": []}')
    done = subprocess.run(["node", str(script), str(place)], capture_output=True, text=True, cwd=script.parent)
    assert done.returncode == 1
    assert {"medplum", "fhir"} <= {line.split(": ")[1] for line in done.stdout.splitlines()}
