"""The analyst's page and the finding's: faults beside their cells, what moves, the new folder, and nothing kept."""

import dataclasses
import io
import re
import tempfile
import zipfile
from pathlib import Path

import pytest
from new_series import NOBODY, as_csv

import riskmodel as rm

HEPATIC = "fetal-hepatic-calcification"


def text(rows, tmp_path):
    return as_csv(rows, tmp_path / "new.csv").read_bytes()


def send(client, content, name="new.csv", path="/analyst", **more):
    return client.post(path, data={"finding": HEPATIC} | more, files={"file": (name, content)})


def test_new_counts_are_shown_with_what_they_move(client, tmp_path):
    reply = send(client, text(NOBODY, tmp_path))
    assert reply.status_code == 200
    assert reply.headers["cache-control"] == "no-store"
    assert "Nobody 2020 -3.2" in reply.text
    assert '<svg class="forest moves"' in reply.text
    body = rm.refit(HEPATIC, NOBODY).to_dict()
    moved = next(one for one in body["moves"] if one["title"] == "associated anomaly")
    assert f"{100 * moved['moved']:+.1f} of 100" in reply.text


def test_the_columns_that_a_finding_needs_are_named(client):
    for finding, named in ((HEPATIC, True), ("fetal-echogenic-bowel", False)):
        assert ("population" in client.get("/analyst", params={"finding": finding}).text) == named


def test_every_fault_stands_beside_its_cell(client, tmp_path):
    rows = [dict(NOBODY[0], events=40), dict(NOBODY[1], given="anatomy=foo", basis="<b>guess</b>")]
    reply = send(client, text(rows, tmp_path))
    assert reply.status_code == 422
    assert "3 faults" in reply.text
    cells = re.findall(r'<td class="wrong-cell">(.*?)</td>', reply.text, re.DOTALL)
    with pytest.raises(rm.EvidenceError) as told:
        rm.refit(HEPATIC, rows)
    assert len(cells) == len(told.value.problems) == 3
    assert cells[0].startswith("40<")
    assert "<b>" not in reply.text
    assert "Events cannot exceed the total" in reply.text


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "new.csv"), (b"PK\x03\x04nothing", "new.xlsx"), (b"a,b\n1,2\n", "new.csv"), (b"\xff\xfe\x00", "new.csv"),
     (b"a,b\n1,2\n", "new.exe"), (b"a,b\n1,2\n", "../../new.csv"), (b'"', "new.csv")],
)  # fmt: skip
def test_what_is_no_table_is_told_and_is_no_fault_of_ours(client, content, name):
    reply = send(client, content, name)
    assert reply.status_code == 422
    assert "reference" not in reply.text


def test_the_new_folder_is_the_one_that_is_saved_and_nothing_stays(client, tmp_path):
    page = send(client, text(NOBODY, tmp_path))
    fields = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text.split("/analyst/folder")[1])
    )
    before = {one for place in (tempfile.gettempdir(), "/dev/shm") for one in Path(place).glob("riskmodel-*")}
    reply = client.post("/analyst/folder", data=fields)
    assert reply.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        archive.extractall(tmp_path / "out")
    evidence = rm.load_evidence(tmp_path / "out" / HEPATIC)
    assert "Nobody 2020" in evidence.sources
    assert {one for place in (tempfile.gettempdir(), "/dev/shm") for one in Path(place).glob("riskmodel-*")} <= before
    assert client.post("/analyst/folder", data=fields | {"again": "%%%"}).status_code == 422


def test_rows_that_are_pasted_are_a_table(client, tmp_path):
    pasted = text(NOBODY, tmp_path).decode()
    assert client.post("/analyst", data={"finding": HEPATIC, "pasted": pasted}).status_code == 200


def test_a_page_of_another_site_sends_nothing_here(client, tmp_path):
    content = text(NOBODY, tmp_path)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site", "origin": "null"}):
        reply = client.post("/analyst", files={"file": ("new.csv", content)}, headers=headers)
        assert reply.status_code == 403
    assert client.post("/analyst", files={"file": ("new.csv", b"x" * (2 << 20))}).status_code == 413


@pytest.mark.parametrize("finding", rm.findings())
def test_a_finding_s_page_has_every_source_and_what_its_audit_asks(client, finding):
    reply = client.get("/finding", params={"finding": finding})
    assert reply.status_code == 200
    evidence = rm.load_evidence(finding)
    shown = re.sub(r"<[^>]+>", "", reply.text).replace("&#39;", "'").replace("&amp;", "&")
    assert all(one in shown for one in evidence.sources)
    assert all(one.remedy in shown for one in evidence.audit())
    assert evidence.content_hash in shown
    assert {f"row-{row.row}" for row in evidence.all_counts} <= {*re.findall(r'id="([^"]+)"', reply.text)}
    assert "becomes" in shown
    assert {*re.findall(r'href="#([^"]+)"', reply.text)} <= {*re.findall(r'id="([^"]+)"', reply.text)}
    body = client.get(f"/api/v1/finding/{finding}").json()
    assert body["evidence_version"] == evidence.version
    assert client.get("/finding", params={"finding": finding, "reading": "nobody"}).status_code == 422


def test_another_reading_says_how_its_moves_are_had(client):
    reply = client.get("/finding", params={"finding": HEPATIC, "reading": "as-cited"})
    assert (
        "riskmodel evidence ledger fetal-hepatic-calcification --setting any --reading as-cited --moves" in reply.text
    )


def test_the_shipped_calibration_is_shown_and_one_of_other_code_is_called_stale(tmp_path, monkeypatch):
    from riskmodel.calibration.corpus import load_corpus
    from riskmodel.calibration.record import CalibrationRecord
    from riskmodel.serve.pages import finding

    record = CalibrationRecord.load(finding.RECORD)
    record.check(load_corpus())  # make calibration writes it anew
    assert record.verdict() == "pass"
    said = finding.calibration.__wrapped__()
    assert said["stale"] == ""
    held = next(row["value"] for row in record.bar() if row["criterion"].startswith("95 %") and row["k"] == "average")
    assert f"{100 * held:.1f} %" in said["text"]
    assert record.made[:10] in said["text"]
    monkeypatch.setattr(finding, "RECORD", tmp_path / "other.json")
    dataclasses.replace(record, code="0" * 64).save(finding.RECORD)
    assert "stale" in finding.calibration.__wrapped__()["stale"]


def test_a_finding_that_nobody_serves_is_not_there(client):
    assert client.get("/api/v1/finding/nothing").status_code == 404
    assert client.get("/analyst", params={"finding": "nothing"}).status_code == 422
