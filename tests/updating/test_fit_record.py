"""The record of a fit: it repeats its numbers, and is refused where it is stale or edited."""

import json
from dataclasses import replace

import jsonschema
import pandas as pd
import pytest

import riskmodel as rm
from riskmodel.updating.fit_record import FitRecord

#: Prior of the branch abnormal karyotype, by hand (docs/dirichlet-tree.md).
ABNORMAL = rm.BetaMixture.beta(1 / 6, 5 / 6)


def test_a_record_repeats_its_numbers(model, tmp_path):
    record = FitRecord.of(model)
    record.save(tmp_path / "record.json")
    again = FitRecord.load(tmp_path / "record.json")
    assert again.to_dict() == record.to_dict()
    fitted = again.repeat(model.evidence)
    assert fitted.risk("good_outcome", anatomy="isolated").mean == model.risk("good_outcome", anatomy="isolated").mean
    assert all(row["same"] for row in record.compare(again))
    schema = jsonschema.Draft202012Validator(rm.schema("fit"), format_checker=jsonschema.FormatChecker())
    body = record.to_dict()
    schema.validate(body)
    for spoilt in (
        {"answers": [body["answers"][0] | {"probability": 1.1}]},
        {"answers": [body["answers"][0] | {"certain": True}]},
        {"content_hash": "0" * 63},
        {"reading": None},
        {"checks": {"audit": {}}},
        {"format": "riskmodel fit record 0"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            schema.validate(body | spoilt)
    answers = {one["question"]: one for one in record.answers}
    karyotype = answers["P(karyotype=abnormal | anatomy=associated)"]
    assert karyotype["probability"] == pytest.approx(
        rm.pool([10, 2, 4], [40, 3, 21], prior=ABNORMAL).average.mean, abs=1e-12
    )
    assert 0 < karyotype["error"] < 1e-6
    assert answers["good_outcome"]["probability"] is None
    assert record.checks["audit"]["contradiction"] == 0
    assert record.checks["agreement"]["Koopman 1998: outcome=good | anatomy=isolated"] > 0.5


def test_a_stale_or_edited_record_is_refused_with_the_reason(model, evidence, tmp_path):
    record = FitRecord.of(model)
    path = tmp_path / "record.json"
    record.save(path)
    path.write_text(path.read_text().replace('"series": 6', '"series": 7'))
    with pytest.raises(rm.StaleRecordError, match="edited after it was made"):
        FitRecord.load(path)
    with pytest.raises(rm.StaleRecordError, match="the evidence is"):
        record.check(rm.load_evidence("fetal-echogenic-bowel"))
    with pytest.raises(rm.StaleRecordError, match="code behind the numbers has changed: 00000000"):
        replace(record, code="0" * 64).check(evidence)
    for text in ("", "{}", "[]", "[" * 10_000):
        path.write_text(text)
        with pytest.raises(rm.InputError, match="record"):
            FitRecord.load(path)
    with pytest.raises(rm.InputError, match="cannot be read"):
        FitRecord.load(tmp_path / "none.json")


def test_records_of_two_fits_are_compared(model, evidence):
    other = FitRecord.of(rm.fit(evidence, heterogeneity=0))
    table = pd.DataFrame(FitRecord.of(model).compare(other))
    assert not table["same"].all()
    row = table.set_index("question").loc["P(karyotype=abnormal | anatomy=associated)"]
    assert row["other"] == pytest.approx((16 + 1 / 6) / (64 + 1), abs=1e-12)
    assert row["difference"] == pytest.approx(row["other"] - row["probability"], abs=1e-15)
    assert other.model["heterogeneity"] == 0
    assert other.repeat(evidence).heterogeneity == 0


def test_a_prior_that_is_an_object_is_recorded_and_not_repeated(evidence):
    record = FitRecord.of(rm.fit(evidence, prior=rm.BetaMixture.beta(1, 1)))
    json.dumps(record.to_dict())
    with pytest.raises(rm.InputError, match="given as an object"):
        record.repeat(evidence)
