"""The command and the picture say what the record says."""

import json

import matplotlib as mpl
import pytest

import riskmodel as rm
from riskmodel import cli
from riskmodel.calibration.cross_validation import calibrate
from riskmodel.calibration.predictors import asked

mpl.use("agg")


def test_the_picture_draws_the_tables(small, tmp_path):
    record = calibrate(small, "naive", ks=[1, 2], resamples=50)
    tables = record.histogram_table(), record.ecdf_table(), record.coverage_table()
    axes = rm.plots.calibration(*tables, title="x")
    assert [bar.get_height() for bar in axes[0].patches] == tables[0]["density"].tolist()
    assert tables[0]["density"].mean() == pytest.approx(1)
    lines = [line for line in axes[1].lines if line.get_label().startswith("K = ")]
    assert [value for line in lines for value in line.get_ydata()] == tables[1]["difference"].tolist()
    points = [line for line in axes[2].lines if line.get_marker() in ("o", "D", "s")]
    assert [value for line in points for value in line.get_ydata()] == tables[2]["coverage"].tolist()
    rm.plots.save(axes, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 10_000
    with pytest.raises(rm.InputError, match="Give a file such as"):
        rm.plots.save(axes, tmp_path / "picture.nonsense")
    mpl.pyplot.close("all")


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as stop:
        cli.main(["calibrate", *arguments])
    return stop.value.code, capsys.readouterr()


def test_the_command_gives_the_librarys_record(tmp_path, capsys, monkeypatch, written):
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "own.csv", 3, 3, 2)
    code, out = run(
        capsys, "--corpus", str(path), "--json", "--heterogeneity", "0", "--out", "out", "--picture", "c.png"
    )
    assert code == 0
    body = json.loads(out.out)
    assert [one["name"] for one in body["predictors"]] == ["asked", "default", "naive", "rbest"]
    assert body["arms"] == calibrate(path, asked(heterogeneity="0")).to_dict()["arms"]
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["calibration.json", "calibration.md"]
    assert (tmp_path / "c.png").is_file()
    assert out.err == ""
    mpl.pyplot.close("all")


def test_the_command_stopped_by_ctrl_c_writes_nothing(tmp_path, capsys, monkeypatch, written, interrupting):
    monkeypatch.chdir(tmp_path)
    path = str(written(tmp_path / "own.csv", 3, 3, 2))
    for out in ([], ["--out", "out"]):
        with monkeypatch.context() as patched:
            interrupting(patched, 2)
            code, _ = run(capsys, "--corpus", path, *out)
        assert code == 130
        assert not list(tmp_path.rglob("*.json"))
    code, out = run(capsys, "--corpus", path)
    assert code == 0
    assert "Calibration of default on own.csv" in out.out
    code, out = run(capsys, "--corpus", path, "--out", path)
    assert code == 2
    assert "the folder cannot be made" in out.err


def test_the_command_refuses_a_bad_corpus_with_every_fault(tmp_path, capsys):
    path = tmp_path / "bad.csv"
    path.write_text("meta_analysis,arm,study,events,total\na,x,1,5,3\na,x,2,-1,3\n")
    code, out = run(capsys, "--corpus", str(path), "--json")
    assert code == 2
    assert len(json.loads(out.out)["error"]["problems"]) == 3
    assert "row 2, events: 5 events of 3" in out.err
