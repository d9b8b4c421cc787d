"""The record of a calibration: the same wherever it is made, and not to be spoilt."""

import json
import os
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import jsonschema
import numpy as np
import pytest

import riskmodel as rm
from riskmodel._support import files
from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.cross_validation import calibrate
from riskmodel.calibration.leave_out import Task, draw_cases
from riskmodel.calibration.record import CalibrationRecord


def uniform(events, totals, total):
    return np.full(total + 1, 1 / (total + 1))


def dies_at_set02(events, totals, total):
    if os.environ.get("RISKMODEL_TEST_DIES") and int(events.sum()) == int(os.environ["RISKMODEL_TEST_DIES"]):
        os._exit(9)
    return uniform(events, totals, total)


def judged(record):
    """What must not depend on where and when."""
    return {name: value for name, value in record.to_dict().items() if name not in ("made", "seconds", "digest")}


# ---------------------------------------------------------------- one record, wherever it was made


def test_every_executor_gives_one_record(small, processes):
    alone = calibrate(small, ["naive", uniform], resamples=50)
    with ThreadPoolExecutor(3) as threads:
        assert judged(calibrate(small, ["naive", uniform], resamples=50, executor=threads)) == judged(alone)
    assert judged(calibrate(small, ["naive", uniform], resamples=50, executor=processes)) == judged(alone)


def test_corpora_scores_and_records_are_finished_values(small, processes):
    record = calibrate(small, ["naive", "uniform-rho"], ks=[1], resamples=50, mirrored=True)
    for value in (small, record, record.scores):
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert hash(again) == hash(value)
    assert pickle.loads(pickle.dumps(record)).to_dict() == record.to_dict()
    assert replace(record, seconds=0.0) != record
    assert load_corpus() == load_corpus() != small
    sent = processes.submit(calibrate, small, "naive", ks=[1], resamples=50)
    assert sent.result().arms == calibrate(small, "naive", ks=[1], resamples=50).arms


def test_the_room_is_a_namespace():
    assert dir(rm.calibration) == [
        "CalibrationRecord",
        "Corpus",
        "PoolPredictor",
        "calibrate",
        "load_corpus",
        "pit_table",
    ]
    for name in dir(rm.calibration):
        assert name == "pit_table" or getattr(rm.calibration, name) is getattr(rm, name)


def test_a_record_survives_being_written(small, tmp_path):
    record = calibrate(small, "naive", resamples=50)
    record.save(tmp_path / "record.json")
    record.save(tmp_path / "record.md")
    again = CalibrationRecord.load(tmp_path / "record.json")
    assert again == record
    assert again.to_dict() == record.to_dict()
    assert (tmp_path / "record.md").read_text().startswith("# Calibration of `naive` on small.csv: ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["record.json", "record.md"]
    for name in ("content_hash", "code", "seed", "numpy", "made"):
        assert name in (tmp_path / "record.json").read_text()


def test_a_record_keeps_to_its_schema(small, tmp_path):
    schema = jsonschema.Draft202012Validator(rm.schema("calibration"), format_checker=jsonschema.FormatChecker())
    whole = calibrate(small, ["naive", "uniform-rho"], resamples=50, mirrored=True)
    whole.save(tmp_path / "record.json")
    schema.validate(json.loads((tmp_path / "record.json").read_text()))
    schema.validate(calibrate(small, {"flat": uniform}, ks=[1], resamples=50).to_dict())
    body = whole.to_dict()
    arm = body["arms"]["set00/x"]
    for spoilt in (
        {"verdict": "excellent"},
        {"seconds": -1},
        {"predictors": []},
        {"code": "new"},
        {"remark": ""},
        {"table": [body["table"][0] | {"cases": 1.5}]},
        {"arms": {"set00/x": arm | {"pooled_risk": 1.2}}},
        {"arms": {"set00/x": {name: arm[name] for name in arm if name != "u"}}},
    ):
        with pytest.raises(jsonschema.ValidationError):
            schema.validate(body | spoilt)
        (tmp_path / "record.json").write_text(json.dumps(body | spoilt))
        with pytest.raises(rm.InputError, match=r"a damaged record: .*[$`]"):
            CalibrationRecord.load(tmp_path / "record.json")


@pytest.mark.parametrize("text", ["", "{}", '{"format": "riskmodel calibration record 3"}', "[1]", None])
def test_what_is_no_record_is_refused(tmp_path, text):
    path = tmp_path / "record.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(rm.InputError, match="record"):
        CalibrationRecord.load(path)


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    files.write_whole(path, "old")
    order = []
    monkeypatch.setattr(os, "fsync", lambda _: order.append("on the disk"))

    def fails(*_):
        order.append("named")
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(rm.InputError, match="disk full"):
        files.write_whole(path, "new")
    assert order == ["on the disk", "named"]
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]


# ---------------------------------------------------------------- nothing finished is spoilt


def test_ctrl_c_leaves_the_finished_record_and_writes_nothing_unfinished(small, tmp_path, monkeypatch, interrupting):
    path = tmp_path / "record.json"
    calibrate(small, "naive", ks=[1], save=path)
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        interrupting(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            calibrate(small, "naive", ks=[1], save=path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]
    counted = []
    calibrate(small, "naive", ks=[1], progress=lambda done, of: counted.append((done, of)))
    assert counted == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_an_edited_record_is_refused_by_name(small, tmp_path):
    path = tmp_path / "calibration.json"
    calibrate(small, "naive", ks=[1], resamples=50, save=path)
    whole = json.loads(path.read_text())

    def first_score(body):
        body["arms"]["set00/x"]["scores"]["naive"]["log_score"][0] += 0.1

    for spoil in (
        first_score,
        lambda body: body.update(verdict="pass"),
        lambda body: body["settings"].update(seed=2),
        lambda body: body["corpus"].update(content_hash="0" * 64),
        lambda body: body["arms"].pop("set00/x"),
    ):
        body = json.loads(json.dumps(whole))
        spoil(body)
        path.write_text(json.dumps(body))
        with pytest.raises(rm.StaleRecordError, match=r"calibration\.json: the record was edited after it was made"):
            CalibrationRecord.load(tmp_path)
    path.write_text(json.dumps({name: whole[name] for name in reversed(whole)}))  # another order is no edit
    assert CalibrationRecord.load(path).to_dict() == whole


def test_a_record_of_another_corpus_or_other_code_is_refused(small):
    record = calibrate(small, "naive", ks=[1], resamples=50)
    record.check(small)
    with pytest.raises(
        rm.StaleRecordError, match=r"naive on small\.csv: the record is of the corpus .* and this one is"
    ):
        record.check(load_corpus())
    with pytest.raises(rm.StaleRecordError, match="code behind the numbers has changed: 00000000"):
        replace(record, code="0" * 64).check(small)


def test_a_worker_that_dies_is_told_and_no_record_is_left(small, tmp_path, monkeypatch):
    arm = small.arms[2]
    case = draw_cases(Task(arm, (), 1, ("all",), 12, 3000, False))[0]
    monkeypatch.setenv("RISKMODEL_TEST_DIES", str(sum(arm.events[i] for i in case.others)))
    path = tmp_path / "record.json"
    told = pytest.raises(rm.UnavailableError, match=r"set0[23]/x: its worker died or failed: .* run it again")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, told:
        calibrate(small, dies_at_set02, ks=["all"], executor=pool, save=path)
    assert not path.exists()
    with ThreadPoolExecutor(1) as pool:
        pool.shutdown()
        with pytest.raises(rm.UnavailableError, match="set00/x: no worker took it"):
            calibrate(small, "naive", executor=pool)
