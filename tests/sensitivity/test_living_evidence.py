"""Many findings at once, the value of the next series, and the tipping point of selective publication."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel.cli import main
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.evidence.template import write_template
from riskmodel.sensitivity.tipping_point import tipping_point
from riskmodel.sensitivity.value_of_information import MOST, next_series, representative
from riskmodel.updating.many import fit_all


@pytest.fixture
def directory(tmp_path):
    """Three good findings and one spoilt."""
    place = tmp_path / "findings"
    place.mkdir()
    for name in rm.findings():
        shutil.copytree(SHIPPED / name, place / name)
    for name in ("mine", "spoilt"):
        write_template(place / name)
    counts = place / "spoilt" / "counts.csv"
    counts.write_text(counts.read_text().replace("12,30", "31,30"))
    (place / "notes").mkdir()
    (place / "readme.txt").write_text("not a finding")
    return place


# ---------------------------------------------------------------- many findings


def test_one_bad_folder_does_not_stop_the_rest(directory):
    calls = []
    found = fit_all(directory, progress=lambda done, of: calls.append((done, of)))
    assert sorted(found.records) == ["fetal-echogenic-bowel", "fetal-hepatic-calcification", "mine"]
    assert "31 events of 30" in found.failed["spoilt"]
    assert calls[0] == (0, 4)
    assert calls[-1] == (4, 4)
    table = found.table().set_index("finding")
    assert table.loc["mine", "branches"] == 2
    assert "31 events of 30" in table.loc["spoilt", "problem"]
    assert table.loc["fetal-hepatic-calcification", "contradictions"] == 0
    answers = {one["question"]: one["probability"] for one in found.records["mine"].answers}
    expected = rm.pool([16, 20], [18, 21]).average.mean
    assert answers["P(outcome=good | anatomy=isolated)"] == pytest.approx(expected, abs=1e-12)


def test_every_executor_gives_the_same_records(directory):
    alone = fit_all(directory)

    def bodies(found):
        return {name: {k: v for k, v in one.to_dict().items() if k not in ("made", "digest")}
                for name, one in found.records.items()}  # fmt: skip

    with ThreadPoolExecutor(2) as threads:
        assert bodies(fit_all(directory, executor=threads)) == bodies(alone)
    with workers(2) as processes:
        other = fit_all(directory, executor=processes)
    assert bodies(other) == bodies(alone)
    assert other.failed == alone.failed


@pytest.mark.filterwarnings("default")
def test_dask_gives_the_same_records(directory, dask):
    found, alone = fit_all(directory, executor=dask), fit_all(directory)
    assert sorted(found.records) == sorted(alone.records)
    assert found.failed == alone.failed
    assert [one.answers for one in found.records.values()] == [one.answers for one in alone.records.values()]


@pytest.mark.parametrize("bad", ["nowhere", "empty", []])
def test_no_findings_are_told(tmp_path, bad):
    (tmp_path / "empty").mkdir()
    with pytest.raises(rm.InputError):
        fit_all(tmp_path / bad if isinstance(bad, str) else bad)


def test_two_folders_of_one_name_are_told(directory, tmp_path):
    shutil.copytree(directory / "mine", tmp_path / "mine")
    with pytest.raises(rm.InputError, match="two folders of the name 'mine'"):
        fit_all([directory / "mine", tmp_path / "mine"])


def test_the_command_fits_a_directory_and_says_what_is_wrong(directory, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["fit-all", str(directory), "--records", str(tmp_path / "records"), "--json"])
    assert stop.value.code == 2  # one folder is bad, and the others are done
    captured = capsys.readouterr()
    body = json.loads(captured.out)
    assert {one["finding"]: bool(one["problem"]) for one in body["findings"]} == {
        "fetal-echogenic-bowel": False, "fetal-hepatic-calcification": False, "mine": False, "spoilt": True,
    }  # fmt: skip
    assert rm.FitRecord.load(tmp_path / "records" / "mine.json").finding == "mine"
    shutil.rmtree(directory / "spoilt")
    with pytest.raises(SystemExit) as stop:
        main(["fit-all", str(directory)])
    assert stop.value.code == 0
    assert "fetal-echogenic-bowel" in capsys.readouterr().out


# ---------------------------------------------------------------- the next series


def test_the_expected_width_is_the_sum_over_what_the_series_may_say(model):
    table = next_series(model, 5).set_index("branch")
    row = table.loc["karyotype abnormal where anatomy associated"]
    events, totals = [10, 2, 4], [40, 3, 21]
    post = rm.pool(events, totals)
    low, high = post.new_setting.interval()
    assert row["width"] == pytest.approx(high - low, abs=1e-9)
    expected = 0.0
    for y, p in enumerate(post.predict(5)):
        a, b = rm.pool([*events, y], [*totals, 5]).new_setting.interval()
        expected += p * (b - a)
    assert row["expected_width"] == pytest.approx(expected, abs=1e-9)
    assert row["narrower"] == pytest.approx(1 - expected / (high - low), abs=1e-9)


def test_a_larger_series_is_expected_to_narrow_more_and_the_neediest_branch_comes_first(model):
    small, large = (next_series(model, size) for size in (10, 100))
    gains = large["average_width"] - large["expected_average_width"]
    assert list(gains) == sorted(gains, reverse=True)
    few, many = (one.set_index("branch")["expected_average_width"].sort_index() for one in (small, large))
    assert (many < few).all()
    assert (small["average_narrower"] > 0).all()


def test_few_numbers_of_events_stand_for_a_long_prediction(model):
    pmf = rm.pool([10, 2, 4], [40, 3, 21]).predict(400)
    places, weights = representative(pmf)
    assert len(places) <= MOST
    assert weights.sum() == pytest.approx(1)
    assert weights @ np.array(places) == pytest.approx(pmf @ np.arange(401), rel=0.03)


def test_a_branch_without_counts_says_so(evidence):
    routine = rm.fit(evidence, setting="routine")
    table = next_series(routine, 10)
    empty = table[table["series"] == 0]
    assert all("would be the first" in one for one in empty["reason"])


@pytest.mark.parametrize("size", [0, -1, 1.5, True, 10**6, "20"])
def test_a_size_that_makes_no_sense_is_refused(model, size):
    with pytest.raises(rm.InputError, match="number of fetuses"):
        next_series(model, size)


# ---------------------------------------------------------------- the tipping point

NEGATIVE = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}


def test_the_tipping_point_is_the_first_number_that_crosses(evidence):
    counts = tuple(row for row in evidence.counts if row.source not in ("Koopman 1998", "Achiron 1996", "Avni 1994"))
    from dataclasses import replace

    model = rm.fit(replace(evidence, counts=counts))
    found = tipping_point(model, "good_outcome", threshold=0.8, **NEGATIVE)
    means = [rm.pool([19, 10, 0][: 2 + (n > 0)], [19, 11, n][: 2 + (n > 0)]).average.mean for n in range(8)]
    first = next(n for n, mean in enumerate(means) if mean <= 0.8)
    assert found["unreported"] == first
    assert found["after"] == pytest.approx(means[first], abs=1e-12)
    assert found["probability"] == pytest.approx(means[0], abs=1e-12)
    assert "no good outcome" in found["reading"]


def test_a_rare_outcome_is_carried_up(model):
    found = tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")
    assert 1 <= found["unreported"] <= 10
    assert found["after"] >= 0.1 > found["probability"]
    assert "with abnormal karyotype" in found["reading"]


def test_where_a_thousand_do_not_suffice_it_says_so(model):
    found = tipping_point(rm.fit(model.evidence), "abnormal_karyotype", threshold=0.95, anatomy="isolated")
    assert found["unreported"] is None
    assert "Not even 1,000" in found["reading"]


def test_what_no_single_branch_decides_is_refused(model):
    for outcome, known in (("abnormal_karyotype", {}), ("good_outcome", {"anatomy": "isolated"}), ("good_outcome", {})):
        with pytest.raises(rm.UnavailableError, match="one branch"):
            tipping_point(model, outcome, threshold=0.5, **known)
    for threshold in (0, 1, 1.5, True, "0.5", 0.0):
        with pytest.raises(rm.InputError, match="not a probability"):
            tipping_point(model, "abnormal_karyotype", threshold=threshold, anatomy="isolated")


def test_nothing_supposed_is_ever_written(model):
    before = model.evidence.counts
    tipping_point(model, "abnormal_karyotype", threshold=0.1, anatomy="isolated")
    assert model.evidence.counts == before
    assert not any(row.source == "unreported" for row in rm.load_evidence(model.evidence.path).counts)
