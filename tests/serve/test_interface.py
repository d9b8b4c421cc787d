"""The JSON interface: strict questions, one body for every error, tags of the evidence."""

import json

import jsonschema
import pytest
from command_line import BEST, SEED

import riskmodel as rm


def test_the_answer_is_the_one_dictionary_of_every_face(client):
    reply = client.get("/api/v1/consultation", params=BEST | SEED | {"detail": "changes,neighbours"})
    assert reply.status_code == 200
    assert reply.json() == rm.consult(**BEST, **SEED, detail=("changes", "neighbours")).to_dict()


@pytest.mark.parametrize(
    ("query", "field", "text"),
    [
        ("anatmy=isolated", "anatmy", "Did you mean 'anatomy'"),
        ("anatomy=isolate", "anatomy", "Did you mean 'isolated'"),
        ("anatomy=", "anatomy", "an empty name"),
        ("anatomy=isolated&anatomy=associated", "anatomy", "given twice"),
        ("finding=fetal-echogenic-bowl", "finding", "Did you mean 'fetal-echogenic-bowel'"),
        ("finding=../../etc", "finding", "unknown finding"),
        ("reading=primry", "reading", "Did you mean 'primary'"),
        ("setting=home", "setting", "unknown setting"),
        ("audience=doctor", "audience", "unknown audience"),
        ("detail=everything", "detail", "unknown detail"),
        ("detail=", "detail", "an empty name"),
        ("detail=changes,", "detail", "an empty name"),
        ("test_errors=some", "test_errors", "unknown"),
        ("weeks=99", "weeks", "outside"),
        ("weeks=20%2B9", "weeks", "days"),
        ("infection=negative&fluid=positive", "infection", "stated as negative"),
        ("%FF=1", "query", "cannot be read"),
        ("x=" + "a" * 3_000, "query", "characters"),
        ("prior=jeffreys", "prior", "unknown parameter"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_its_field_and_the_way_out(client, query, field, text):
    reply = client.get(f"/api/v1/consultation?{query}")
    error = reply.json()["error"]
    assert reply.status_code == error["status"] == 422
    assert error["field"] == field
    assert text in error["message"]
    assert error["remedy"]
    assert reply.headers["cache-control"] == "no-store"


def test_an_error_s_body_is_the_published_one_with_its_status(client):
    body = client.get("/api/v1/consultation?anatomy=x").json()
    assert body["error"].pop("status") == 422
    jsonschema.validate(body, rm.schema("error"))


@pytest.mark.parametrize("path", ["/", "/api/v1/consultation", "/api/v1/findings", "/healthz", "/version", "/api"])
def test_every_method_but_those_allowed_is_refused_with_what_is(client, path):
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        reply = client.request(method, path)
        assert reply.status_code == 405, method
        assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD"}
    head = client.head(path)
    assert head.status_code == 200
    assert not head.content


def test_an_answer_has_a_tag_of_its_evidence_and_is_not_sent_twice(client, service):
    first = client.get("/api/v1/consultation?anatomy=isolated")
    tag = first.headers["etag"]
    assert tag.startswith(f'"{rm.load_evidence(first.json()["finding"]).content_hash[:12]}')
    assert first.headers["cache-control"] == "private, no-cache"
    for said in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = client.get("/api/v1/consultation?anatomy=isolated", headers={"if-none-match": said})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert client.get("/api/v1/consultation?anatomy=associated", headers={"if-none-match": tag}).status_code == 200


def test_what_was_described_of_a_patient_is_kept_nowhere(client, service):
    before = len(service.desk.shelf)
    reply = client.get("/api/v1/consultation?anatomy=isolated&weeks=20.5")
    assert reply.json()["described"] == {"weeks": 20.5}
    assert reply.headers["cache-control"] == "no-store"
    assert len(service.desk.shelf) == before


def test_what_is_served_is_listed_with_what_may_be_asked(client):
    body = client.get("/api/v1/findings").json()["findings"]
    assert [one["finding"] for one in body] == list(rm.findings())
    for one in body:
        assert one["fault"] is None
        assert {test["of"] for test in one["tests"].values()} <= set(one["variables"])
    assert client.get("/version").json()["riskmodel"] == rm.__version__
    assert client.get("/healthz").json()["status"] == "ok"


def test_the_interface_is_described_and_its_page_loads_nothing_from_elsewhere(client):
    body = client.get("/openapi.json").json()
    found = set(_references(body))
    assert all(name.removeprefix("#/components/schemas/") in body["components"]["schemas"] for name in found)
    page = client.get("/api")
    assert page.status_code == 200
    assert "//" not in page.text.replace("</", "").split("<main")[0].split("<head>")[1]
    asked = {one["name"] for one in body["paths"]["/api/v1/consultation"]["get"]["parameters"]}
    assert {"finding", "anatomy", "serology", "weeks", "detail"} <= asked


def _references(part):
    if isinstance(part, dict):
        for name, one in part.items():
            if name == "$ref":
                yield one
            else:
                yield from _references(one)
    elif isinstance(part, list):
        for one in part:
            yield from _references(one)


def test_json_is_text_of_its_own(client):
    reply = client.get("/api/v1/consultation")
    assert reply.headers["content-type"] == "application/json"
    assert json.loads(reply.content.decode()) == reply.json()
