"""The guard: hosts, headers, bodies, and faults of our own."""

import logging
import shutil
import threading

import pytest
from command_line import run
from fastapi.testclient import TestClient
from served import client_of

import riskmodel as rm
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.serve.app import Service
from riskmodel.serve.asked import pairs
from riskmodel.serve.desk import Desk
from riskmodel.serve.finished import Finished, Shelf
from riskmodel.serve.guard import HEADERS

MILD = "fetal-mild-ventriculomegaly"


@pytest.mark.parametrize(
    "path", ["/", "/?anatomy=x", "/nothing", "/api/v1/consultation", "/healthz", "/static/desk.css"]
)
def test_every_answer_has_the_headers_of_safety(client, path):
    reply = client.get(path)
    for name, value in HEADERS:
        assert reply.headers[name.decode()] == value.decode()
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert "server" not in reply.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost:80:80"])
def test_another_host_is_refused(client, host):
    reply = client.get("/healthz", headers={"host": host})
    assert reply.status_code == 400
    assert reply.json()["error"]["field"] == "host"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:99", "LOCALHOST", "[::1]:8000", "[::1]"])
def test_this_machine_is_served_under_each_of_its_names(client, host):
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("Clinic.Local", "clinic.local:8000"),
        ("fd00::1", "[fd00::1]:8000"),
        ("[FD00::1]", "[fd00::1]"),
        ("::", "[::]:80"),
    ],
)
def test_a_name_that_is_allowed_is_served_however_it_is_written(given, asked):
    let = client_of(Service(Desk([MILD]), hosts=[given], background=False))
    assert let.get("/healthz", headers={"host": asked}).status_code == 200


@pytest.mark.parametrize("given", ["", " ", "clinic.local:8000", "127.0.0.1:80", "http://clinic.local"])
@pytest.mark.parametrize("option", ["--host", "--allow-host"])
def test_a_host_that_none_can_ask_for_is_refused_and_nothing_listens(option, given):
    code, out, err = run("serve", option, given)
    assert (code, out) == (2, "")
    assert err.startswith("riskmodel: host: ")
    assert "is no machine's name" in err


@pytest.mark.parametrize("host", ["a..b", "192.0.2.1"])
def test_an_address_of_another_machine_is_told_as_that(host):
    code, _, err = run("serve", "--host", host, "--port", "0")
    assert code == 2
    assert err == f"riskmodel: host: {host} is no address of this machine. Give one, such as 127.0.0.1\n"


@pytest.mark.parametrize("given", ["", "clinic", "https://clinic.example/", "https://clinic.example/page", "null"])
def test_a_site_that_no_browser_names_is_refused(given):
    with pytest.raises(rm.InputError, match="is no site"):
        Service(Desk([MILD]), origins=[given], background=False)


def test_a_body_is_read_to_its_cap_whether_its_length_is_said_or_not(client):
    def endless():
        for _ in range(200):
            yield b"x" * 65_536

    for content in (b"x" * (10 << 20), endless()):
        reply = client.post(
            "/cds-services/riskmodel-patient-view", content=content, headers={"content-type": "application/json"}
        )
        assert reply.status_code == 413
        assert reply.json()["issue"][0]["code"] == "too-long"
    assert client.post("/", content=b"x" * 70_000).status_code == 413


def test_a_fault_of_ours_is_a_number_and_neither_told_nor_logged_with_what_was_asked(monkeypatch, caplog):
    service = Service(Desk([MILD]), background=False)

    def broken(*_):
        raise ValueError("anatomy=isolated is a secret of a patient")

    monkeypatch.setattr(service.desk, "consult", broken)
    with caplog.at_level(logging.DEBUG):
        replies = [
            client_of(service).get(path) for path in ("/?anatomy=isolated", "/api/v1/consultation?anatomy=isolated")
        ]
    for reply in replies:
        assert reply.status_code == 500
        assert "secret" not in reply.text
        assert "reference" in reply.text
    assert "secret" not in caplog.text
    assert "isolated" not in caplog.text.replace(
        "anatomy=isolated", "" if "HTTP Request" in caplog.text else "anatomy=isolated"
    )
    assert "ValueError at test_guard.py" in caplog.text


def test_what_is_kept_is_bounded():
    shelf = Shelf(most=3, most_bytes=100)
    for i in range(10):
        shelf.put(i, Finished.of(bytes(30), "text/plain", "v"))
    assert (len(shelf), shelf.size) == (3, 90)
    shelf.put("long", Finished.of(bytes(95), "text/plain", "v"))
    assert (len(shelf), shelf.size) == (1, 95)
    assert shelf.get("long") is not None


def test_a_folder_that_turns_bad_leaves_what_was_read_serving_and_is_reported(tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / MILD, folder)
    toml = folder / "finding.toml"
    service = Service(Desk([folder]), background=False)
    client = client_of(service)
    before = client.get("/api/v1/consultation").json()
    assert "has faults" not in client.get("/").text
    whole = toml.read_text()
    toml.write_text("nonsense = [")
    assert len(service.desk.look()) == 1
    assert client.get("/api/v1/consultation").json() == before
    health = client.get("/healthz").json()
    assert health["status"] == "degraded"
    assert health["findings"]["mine"]["fault"]["problems"]
    assert "The folder of this finding has changed and has faults" in client.get("/").text
    assert service.desk.look() == []
    toml.write_text(whole.replace("updated = ", "updated = 2026-11-27 # ", 1))
    service.desk.look()
    assert client.get("/healthz").json()["status"] == "ok"
    assert client.get("/api/v1/consultation").json()["evidence_version"].startswith("2026-11-27")


def test_what_is_read_anew_is_answered_beforehand_again(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / MILD, folder)
    service = Service(Desk([folder]))
    warmed = threading.Event()
    monkeypatch.setattr("riskmodel.serve.app.LOOK", 0.01)
    monkeypatch.setattr(service.desk, "warm", lambda stop, usual, last: warmed.set())
    with TestClient(service.app):
        assert warmed.wait(60)
        warmed.clear()
        toml = folder / "finding.toml"
        toml.write_text(toml.read_text().replace("updated = ", "updated = 2026-11-27 # ", 1))
        assert warmed.wait(60)


def test_a_finding_that_is_bad_at_the_start_is_not_served(tmp_path):
    with pytest.raises(rm.UnknownNameError):
        Desk([tmp_path / "nothing"])


def test_a_query_is_text_of_bounded_length():
    assert pairs(b"a=1&b=%C3%A9") == {"a": "1", "b": "\xe9"}
    with pytest.raises(rm.InputError):
        pairs(b"a=%FF")
