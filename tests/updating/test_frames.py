"""New counts and corpora as tables in memory, whoever made them: the same as the file that they would be."""

import sqlite3
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from new_series import NOBODY, as_csv

import riskmodel as rm
from riskmodel.calibration.corpus import load_corpus
from riskmodel.evidence.incoming import join

NAME = "fetal-hepatic-calcification"
#: Counts as the driver of a database gives those of a NUMERIC column.
OF_DATABASE = [one | {"events": Decimal(one["events"]), "total": Decimal(f"{one['total']}.00")} for one in NOBODY]


@pytest.fixture(scope="module")
def evidence():
    return rm.load_evidence(NAME)


@pytest.fixture(scope="module")
def wanted(evidence):
    return files(evidence, NOBODY)


def files(evidence, table):
    return dict(join(evidence, table, updated="2026-11-24").files)


class Stream:
    def __init__(self, made):
        self.made = made

    def __arrow_c_stream__(self, requested_schema=None):
        return self.made.__arrow_c_stream__(requested_schema)


def from_sqlite(rows):
    frame = pd.DataFrame(rows)
    with sqlite3.connect(":memory:") as base:
        base.row_factory = sqlite3.Row
        frame.to_sql("counts", base, index=False)
        return base.execute("select * from counts").fetchall()


@pytest.mark.parametrize(
    "made",
    [
        pd.DataFrame, pl.DataFrame, lambda x: pl.DataFrame(x).lazy(), lambda x: Stream(pl.DataFrame(x)), iter, tuple,
        lambda x: pd.DataFrame(x).set_index("source"), lambda x: pd.DataFrame(x).set_index(["source", "variable"]),
        lambda x: pd.DataFrame(x, index=[7, 3]), lambda x: xr.Dataset.from_dataframe(pd.DataFrame(x).set_index("variable")),
        lambda x: pd.DataFrame(x).astype({"events": "float64", "total": "Int64"}), lambda x: pd.DataFrame(x).astype("category"),
        lambda x: pl.DataFrame(x).cast({"source": pl.Categorical, "events": pl.Float32}), from_sqlite,
        lambda x: [one | {"events": str(one["events"]), "total": f"{one['total']}.0"} for one in x],
        lambda x: [one | {"events": f"{one['events']}/{one['total']}", "total": None} for one in x],
        lambda x: [one | {"events": np.int8(one["events"]), "total": Fraction(one["total"])} for one in x],
        lambda x: OF_DATABASE, lambda x: pd.DataFrame(OF_DATABASE), lambda x: pl.DataFrame(OF_DATABASE),
        lambda x: [one | {"note": np.ma.masked} for one in x],
    ],
)  # fmt: skip
def test_a_table_of_any_maker_is_the_file_that_it_would_be(evidence, wanted, made):
    found = files(evidence, made(NOBODY))
    lines = sorted(found["counts.csv"].splitlines())  # rows of a Dataset come in the order of its coordinate
    assert lines == sorted(wanted["counts.csv"].splitlines())
    assert found["sources.csv"] == wanted["sources.csv"]


@pytest.mark.parametrize("written", ["{0}/{1},", "{0}.0,{1}", "{0}/{1},{1}.00"])
def test_texts_are_read_alike_in_a_file(evidence, wanted, tmp_path, written):
    path = as_csv(NOBODY, tmp_path / "new.csv")
    text = path.read_text()
    for one in NOBODY:
        pair = f"{one['events']},{one['total']}"
        assert text.count(f",{pair},") == 1
        text = text.replace(f",{pair},", f",{written.format(*pair.split(','))},")
    path.write_text(text)
    assert files(evidence, path) == wanted


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"events": "12/61"}, "12/61 beside a total of 42"), ({"events": "1,234"}, "a thousands separator, or a decimal sign"),
        ({"events": np.ma.masked}, "empty"), ({"events": None}, "empty"), ({"events": Decimal("1.5")}, "a fraction"),
        ({"events": float("nan")}, "empty"), ({"events": True}, "a bool, not a text or a number"),
        ({"events": np.timedelta64(3, "s")}, "a timedelta64"), ({"events": pd.Timestamp("2026-03-20")}, "a Timestamp"),
        ({"events": [1]}, "a list, not a text or a number"), ({"events": "43/42", "total": ""}, "43 events of 42"),
    ],
)  # fmt: skip
def test_what_a_cell_cannot_say_is_told_with_its_place(evidence, change, what):
    with pytest.raises(rm.EvidenceError) as caught:
        join(evidence, [NOBODY[0], NOBODY[1] | change])
    assert [(one.row, one.column) for one in caught.value.problems if what in one.what] == [(3, "events")]


def test_what_cannot_be_worked_out_is_refused(evidence):
    lazy = pl.DataFrame(NOBODY).lazy().with_columns(pl.col("nowhere"))
    for call in (lambda: join(evidence, lazy), lambda: rm.pool(lazy), lambda: load_corpus(lazy)):
        with pytest.raises(rm.InputError, match="a LazyFrame that cannot be worked out: unable to find column"):
            call()


def test_a_missing_column_of_sources_is_all_that_is_told(evidence):
    with pytest.raises(rm.EvidenceError) as caught:
        join(evidence, pd.DataFrame(NOBODY).assign(citation=["One.", "Another."]).drop(columns="source"))
    assert [one.what for one in caught.value.problems] == ["column 'source' is missing"]


@pytest.mark.parametrize(
    "made", [pl.Series, pd.Series, np.array, lambda x: {"rows": x}, lambda x: [x], lambda x: ["ab", "cd"]]
)
def test_what_is_no_table_of_counts_is_refused(evidence, made):
    with pytest.raises((rm.InputError, rm.EvidenceError)):
        join(evidence, made([1, 2]))


def test_a_frame_is_a_refit_of_the_same_numbers():
    rows, frame = (rm.update(NAME, one, updated="2026-11-24") for one in (NOBODY, pl.DataFrame(NOBODY)))
    assert frame.after.evidence.version == rows.after.evidence.version


@pytest.mark.parametrize(
    "made",
    [
        lambda x: x, lambda x: pl.from_dict(x.to_dict("list")), lambda x: x.to_dict("records"), lambda x: x.set_index("study"),
        lambda x: x.sample(frac=1, random_state=1), lambda x: x.astype({"events": float}),
    ],
)  # fmt: skip
def test_a_corpus_in_memory_is_the_corpus(made):
    corpus = load_corpus()
    again = load_corpus(made(corpus.table()))
    assert again.arms == corpus.arms
    assert again.content_hash == corpus.content_hash
    few = corpus.table().query("meta_analysis == 'bcg'")
    judged = rm.calibrate(made(few), predictors="naive", ks=[1], most=1)
    assert judged.corpus["series"] == len(few)


def test_every_fault_of_a_corpus_in_memory_is_told():
    rows = pd.DataFrame(
        {"meta_analysis": "a", "arm": "x", "study": [1, 2, 3], "events": [11, 1, 1], "total": [10, None, 30]}
    )
    for table in (rows, rows.to_dict("records"), pl.from_dict(rows.to_dict("list"))):
        with pytest.raises(rm.EvidenceError) as caught:
            load_corpus(table)
        assert {(one.row, one.column) for one in caught.value.problems} == {(2, "events"), (3, "total")}
    with pytest.raises(rm.EvidenceError, match="column 'arm' is missing"):
        load_corpus(rows.drop(columns="arm"))
    for nothing in ([], 3, rows["events"], {"meta_analysis": ["a"]}):
        with pytest.raises((rm.InputError, rm.EvidenceError)):
            load_corpus(nothing)
