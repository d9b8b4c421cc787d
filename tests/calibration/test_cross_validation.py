"""Leave-one-series-out calibration: what it finds, that it is reproducible, and that its record cannot be spoilt."""

import json
import os
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import jsonschema
import matplotlib as mpl
import numpy as np
import pytest
from scipy.special import expit

import riskmodel as rm
from riskmodel import cli
from riskmodel._support import files
from riskmodel._support.executors import workers
from riskmodel.calibration import cross_validation as calibration
from riskmodel.calibration.corpus import load_corpus
from riskmodel.calibration.cross_validation import calibrate
from riskmodel.calibration.leave_out import Task, draw_cases
from riskmodel.calibration.predictors import PREDICTORS, PoolPredictor, as_predictors, asked, stated
from riskmodel.calibration.record import CalibrationRecord
from riskmodel.calibration.scores import Scores, ecdf_band, rarity, verdict

mpl.use("agg")


def written(path, arms, series, seed, heterogeneity=True):
    """A corpus drawn from the package's own model: mu from Jeffreys' prior, tau log-normal, theta about as logit-normal."""
    rng = np.random.default_rng(seed)
    lines = ["meta_analysis,arm,study,events,total"]
    for i in range(arms):
        mu = rng.beta(0.5, 0.5)
        tau = 0.8 * np.exp(0.6 * rng.standard_normal()) if heterogeneity else 0.0
        for j in range(series):
            theta = expit(np.log(mu / (1 - mu)) + tau * rng.standard_normal())
            total = int(rng.integers(10, 200))
            lines.append(f"set{i:02},x,{j},{rng.binomial(total, theta)},{total}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return load_corpus(written(tmp_path_factory.mktemp("corpus") / "small.csv", 4, 4, 1))


def uniform(events, totals, total):
    return np.full(total + 1, 1 / (total + 1))


def dies_at_set02(events, totals, total):
    if os.environ.get("RISKMODEL_TEST_DIES") and int(events.sum()) == int(os.environ["RISKMODEL_TEST_DIES"]):
        os._exit(9)
    return uniform(events, totals, total)


def judged(record):
    """What must not depend on where and when."""
    return {name: value for name, value in record.to_dict().items() if name not in ("made", "seconds", "digest")}


# ---------------------------------------------------------------- what it finds


def test_coverage_is_right_where_the_model_is_and_naive_pooling_fails(tmp_path):
    corpus = load_corpus(written(tmp_path / "many.csv", 60, 5, 7))
    record = calibrate(corpus, ["default", "naive"], ks=[2], most=2, resamples=200)
    rows = {row["predictor"]: row for row in record.scores.rows if row["stratum"] == "all" and row["k"] == "2"}
    for level in (0.5, 0.8, 0.95):
        error = np.sqrt(level * (1 - level) / 120)
        assert abs(rows["default"][f"coverage_{round(100 * level)}"] - level) < 4 * error
    assert rows["naive"]["coverage_95"] < 0.8
    gap = next(row for row in record.scores.differences("naive") if row["k"] == "pooled")
    assert gap["log_score_lower"] > 1
    assert record.verdict("naive") == "fail"


def test_naive_pooling_holds_where_settings_are_alike(tmp_path):
    corpus = load_corpus(written(tmp_path / "alike.csv", 60, 5, 3, heterogeneity=False))
    record = calibrate(corpus, "naive", ks=["all"], most=2, resamples=200)
    row = record.scores.rows[0]
    assert abs(row["coverage_95"] - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 120)


def test_scores_are_those_of_the_closed_form(small):
    # Uniform predictions: log score -log(n + 1), PIT (y + u) / (n + 1).
    record = calibrate(small, {"flat": uniform}, ks=[1])
    for arm in record.arms.values():
        n, y, u = (np.array(arm[name]) for name in ("total", "events", "u"))
        np.testing.assert_allclose(arm["scores"]["flat"]["log_score"], -np.log(n + 1), rtol=1e-12)
        np.testing.assert_allclose(arm["scores"]["flat"]["pit"], (y + u) / (n + 1), rtol=1e-12)


def test_a_probability_of_zero_counts_and_does_not_spoil_the_mean(small):
    record = calibrate(small, {"sure": lambda events, totals, total: np.eye(total + 1)[0]}, ks=[1])
    values = record.scores.log_score["sure"]
    assert set(values) <= {0.0, -690.0}
    assert np.isfinite(record.scores.rows[0]["log_score"])


def test_the_default_answers_non_events_alike(small):
    record = calibrate(small, ["default", {"flat": uniform}["flat"]], ks=[2], most=2, mirrored=True)
    rows = {row["predictor"]: row for row in record.symmetry()}
    assert rows["default"]["largest_difference"] < 1e-12
    lopsided = {"lopsided": lambda events, totals, total: np.arange(1, total + 2) / ((total + 1) * (total + 2) / 2)}
    found = calibrate(small, lopsided, ks=[1], most=1, mirrored=True).symmetry()[0]
    assert found["largest_difference"] > 1e-3
    assert found["log_score"] != pytest.approx(found["mirrored_log_score"])
    assert "Events and non-events exchanged" in record.to_markdown()


# ---------------------------------------------------------------- the protocol


def test_the_draws_keep_the_protocol():
    corpus = load_corpus()
    for arm in corpus.arms:
        cases = draw_cases(Task(arm, (), 1, ("1", "2", "3", "5", "all"), 12, 3000, False))
        left_out = {case.left_out for case in cases}
        usable = [i for i, total in enumerate(arm.totals) if total <= 3000]
        assert len(left_out) == min(12, len(usable))
        for case in cases:
            assert case.left_out not in case.others
            assert set(case.others) <= set(usable)
            assert len(set(case.others)) == (len(usable) - 1 if case.k == "all" else int(case.k))
            assert 0 <= case.u < 1


def test_a_draw_depends_on_nothing_but_seed_and_names():
    arm = load_corpus().arms[0]
    every = draw_cases(Task(arm, (), 1, ("1", "3", "all"), 12, 3000, False))
    some = draw_cases(Task(arm, (), 1, ("3",), 12, 3000, False))
    assert [case for case in every if case.k == "3"] == some
    assert draw_cases(Task(arm, (), 2, ("3",), 12, 3000, False)) != some


def test_arms_without_enough_usable_series_are_named():
    record = calibrate(predictors={"flat": uniform}, ks=[1], most=1)
    assert record.skipped == {"crisafulli2020/cases": "0 series with a total up to 3,000, fewer than 3"}
    assert len(record.arms) == 40
    assert "crisafulli2020/cases was left out" in record.to_markdown()


# ---------------------------------------------------------------- one record, wherever it was made


def test_every_executor_gives_one_record(small):
    alone = calibrate(small, ["naive", uniform], resamples=50)
    with ThreadPoolExecutor(3) as threads:
        assert judged(calibrate(small, ["naive", uniform], resamples=50, executor=threads)) == judged(alone)
    with workers(2) as processes:
        assert judged(calibrate(small, ["naive", uniform], resamples=50, executor=processes)) == judged(alone)


def test_corpora_scores_and_records_are_finished_values(small):
    record = calibrate(small, ["naive", "uniform-rho"], ks=[1], resamples=50, mirrored=True)
    for value in (small, record, record.scores):
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert hash(again) == hash(value)
    assert pickle.loads(pickle.dumps(record)).to_dict() == record.to_dict()
    assert replace(record, seconds=0.0) != record
    assert load_corpus() == load_corpus() != small
    with workers(2) as processes:
        assert (
            processes.submit(calibrate, small, "naive", ks=[1], resamples=50).result().arms
            == calibrate(small, "naive", ks=[1], resamples=50).arms
        )


def test_the_room_is_a_namespace():
    assert dir(rm.calibration) == ["CalibrationRecord", "Corpus", "PoolPredictor", "calibrate", "load_corpus"]
    for name in dir(rm.calibration):
        assert getattr(rm.calibration, name) is getattr(rm, name)


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


@pytest.mark.parametrize("text", ["", "{}", '{"format": "riskmodel calibration record 2"}', "[1]", None])
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
    with pytest.raises(OSError, match="disk full"):
        files.write_whole(path, "new")
    assert order == ["on the disk", "named"]
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["record.json"]


# ---------------------------------------------------------------- nothing finished is spoilt


def interrupting(monkeypatch, at):
    """Ctrl-C when the arm of this number is about to be judged."""
    real, calls = calibration.judge_arm, []

    def judge(task):
        calls.append(task)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(task)

    monkeypatch.setattr(calibration, "judge_arm", judge)


def test_ctrl_c_leaves_the_finished_record_and_writes_nothing_unfinished(small, tmp_path, monkeypatch):
    path = tmp_path / "record.json"
    calibrate(small, "naive", ks=[1], save=path)
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        interrupting(patched, 3)
        with pytest.raises(KeyboardInterrupt):
            calibrate(small, "naive", save=path)
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


# ---------------------------------------------------------------- predictors


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda events, totals, total: np.ones(total) / total, r"shape \(\d+,\) where"),
        (lambda events, totals, total: np.full(total + 1, 0.5), "the probabilities sum to"),
        (lambda events, totals, total: np.linspace(-1, 1, total + 1) + 1 / (total + 1), "the probability of 0 events is -"),
        (lambda events, totals, total: np.full(total + 1, np.nan), "the probability of 0 events is nan"),
        (lambda events, totals, total: "likely", "str instead of probabilities"),
        (lambda events, totals, total: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)  # fmt: skip
def test_a_function_that_gives_no_probabilities_is_told_where(small, function, what):
    with pytest.raises(rm.InputError, match=what) as caught:
        calibrate(small, {"mine": function}, ks=[2])
    assert caught.value.where.startswith("mine at set00/x, study ")
    assert caught.value.where.endswith(", K = 2")


def test_what_pool_refuses_is_a_row_without_numbers(small):
    refused = PoolPredictor("refused", model="logit-normal", heterogeneity=(1, 9))
    record = calibrate(small, ["naive", refused], ks=[1])
    assert "logit-normal" in record.unavailable["refused"] or "rho" in record.unavailable["refused"]
    assert "`refused` is not available" in record.to_markdown()
    assert {row["predictor"] for row in record.scores.rows} == {"naive"}
    assert {row["status"] for row in record.bar("refused")} == {"not available"}
    assert all(row["reason"] for row in record.bar("refused"))


def test_predictors_are_named_and_checked():
    assert [one.name for one in as_predictors(None)] == ["default", "naive", "rbest"]
    assert set(PREDICTORS) == {"default", "naive", "rbest", "first-default", "uniform-rho", "rho-beta-1-9"}
    assert as_predictors({"mine": "naive"})[0].to_dict()["heterogeneity"] == "heterogeneity 0"
    assert as_predictors(uniform)[0].name == "uniform"
    assert [one.name for one in asked(heterogeneity="half-normal,1", rows=["uniform-rho"])][::4] == [
        "asked",
        "uniform-rho",
    ]
    assert stated("log-normal,0.8,0.6") == ("log-normal", 0.8, 0.6)
    assert (stated("0"), stated("uniform"), stated("1,9")) == (0, "uniform", (1.0, 9.0))
    with pytest.raises(rm.UnknownNameError, match="Did you mean 'naive'"):
        as_predictors("naiv")
    for wrong in ([], 3, ["naive", "naive"], PoolPredictor("x", prior="none")):
        with pytest.raises(rm.InputError):
            as_predictors(wrong)


def test_arguments_that_cannot_be_used_are_refused(small, tmp_path):
    for wrong in ({"ks": []}, {"ks": [0]}, {"ks": 3}, {"ks": [1, 1]}, {"most": 0}, {"seed": -1}, {"largest": 5}):
        with pytest.raises(rm.InputError):
            calibrate(small, "naive", **wrong)
    with pytest.raises(rm.InputError, match="cannot be written"):
        calibrate(small, "naive", save=tmp_path / "nowhere" / "record.json")
    with pytest.raises(rm.InputError, match="jobs"), workers(0):
        pass
    with workers(2) as pool, pytest.raises(rm.InputError, match="cannot be sent to another process"):
        calibrate(small, {"mine": lambda events, totals, total: uniform(events, totals, total)}, executor=pool)


# ---------------------------------------------------------------- scores


def scores(pit, gap, clusters=20, each=50):
    """Made-up scores at every K: some PIT values, and a default that is `gap` above RBesT's."""
    ks = ("1", "2", "3", "5", "all")
    n = clusters * each
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(n * 5)
    return Scores(
        ks=ks,
        k=np.repeat(ks, n),
        cluster=np.tile(np.repeat([f"c{i}" for i in range(clusters)], each), 5),
        rarity=np.repeat(rarity(0.2), 5 * n),
        total=np.full(5 * n, 50),
        pit={"default": np.tile(pit, 5), "rbest": np.tile(pit, 5), "naive": np.tile(pit, 5)},
        log_score={"default": noise, "rbest": noise - gap, "naive": noise - 3},
        seed=1,
        resamples=200,
    )


def test_the_bar_passes_and_fails_where_it_should():
    even = (np.arange(1000) + 0.5) / 1000
    assert {row["status"] for row in verdict(scores(even, 0.02), "default", {})} == {"pass"}
    wide = 0.5 + (even - 0.5) * 0.6
    failed = {row["criterion"] for row in verdict(scores(wide, 0.02), "default", {}) if row["status"] == "fail"}
    assert failed == {"95 % intervals hold", "50 % intervals hold"}
    failed = [row for row in verdict(scores(even, -0.06), "default", {}) if row["status"] == "fail"]
    assert [row["k"] for row in failed] == ["pooled", "1", "2", "3", "5", "all"]
    failed = [row for row in verdict(scores(even, -0.04), "default", {}) if row["status"] == "fail"]
    assert [row["k"] for row in failed] == ["pooled"]


def test_coverage_counts_the_middle_and_averages_over_k():
    row = scores((np.arange(1000) + 0.5) / 1000, 0).rows[5]
    assert (row["k"], row["cases"], row["data_sets"]) == ("average", 5000, 20)
    assert [row[f"coverage_{level}"] for level in (50, 80, 95)] == pytest.approx([0.5, 0.8, 0.95])


def test_one_data_set_has_no_interval():
    row = scores((np.arange(50) + 0.5) / 50, 0, clusters=1).rows[0]
    assert np.isnan(row["log_score_lower"])
    assert np.isfinite(row["log_score"])


def test_rarity_does_not_depend_on_the_coding():
    assert rarity(0.005) == rarity(0.995) == "rarer than 1 %"
    assert rarity(0.05) == rarity(0.95) == "1 to 10 %"
    assert rarity(0.5) == "more than 10 %"


@pytest.mark.parametrize("size", [20, 300])
def test_uniform_values_stay_inside_the_band_as_often_as_it_says(size):
    lower, upper = ecdf_band(size, points=20)
    values = np.random.default_rng(11).random((3000, size))
    share = (values[:, None, :] <= (np.arange(1, 20) / 20)[:, None]).mean(2)
    inside = ((share >= lower - 1e-12) & (share <= upper + 1e-12)).all(1).mean()
    # Counts are discrete, so the band holds a little more often; 0.004 is one standard error.
    assert 0.938 < inside < 0.975


def test_the_document_of_the_default_prior_says_what_pool_says():
    text = (Path(__file__).parents[2] / "docs" / "default-prior.md").read_text(encoding="utf-8")
    for median, sigma in ((0.8, 0.6), (0.9, 0.5)):
        row = next(
            line for line in text.splitlines() if f"LogNormal(median {median}, sigma {sigma})" in line and "|" in line
        )
        told = [cell.strip() for cell in row.strip("|").split("|")][-3:]
        rare, none, every = (
            rm.pool(events, totals, heterogeneity=("log-normal", median, sigma)).new_setting
            for events, totals in (
                ([14, 7, 5, 17], [24600, 7260, 7500, 19200]),
                ([0] * 6, [100, 150, 200, 325, 400, 700]),
                ([19], [19]),
            )
        )
        assert told == [f"{100 * rare.interval(0.95)[1]:.2f} %", f"{100 * none.mean:.2f} %", f"{every.mean:.3f}"]
        assert rare.interval(0.95)[1] < 0.01
        assert none.mean < 0.003
        assert 0.9 < every.mean < 0.97


# ---------------------------------------------------------------- faces


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


def test_the_command_gives_the_librarys_record(tmp_path, capsys, monkeypatch):
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


def test_the_command_stopped_by_ctrl_c_writes_nothing(tmp_path, capsys, monkeypatch):
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
