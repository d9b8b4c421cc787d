"""One door for counts in memory: whoever's column it is, its values are read by label, and what is missing is no number."""

import array
import datetime
from collections import Counter
from decimal import Decimal
from fractions import Fraction

import dask.array
import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr

import riskmodel as rm
from riskmodel._support.checks import checked_series

EVENTS = {"Birch": 18, "Cedar": 3, "Alder": 1}  # by frequency, as value_counts() has them
TOTALS = {"Alder": 30, "Birch": 20, "Cedar": 40}  # by name, as groupby().size() has them
RIGHT = {("Alder", 1, 30), ("Birch", 18, 20), ("Cedar", 3, 40)}


def frame_of_babies():
    rows = [("Alder", 1, 30), ("Birch", 18, 20), ("Cedar", 3, 40)]
    babies = pd.DataFrame([(s, i < e) for s, e, n in rows for i in range(n)], columns=["study", "event"])
    return babies[babies.event].study.value_counts(), babies.groupby("study").size()


def by_coordinate(counts, dim="study"):
    return xr.DataArray(list(counts.values()), coords={dim: list(counts)}, dims=dim)


class Stream:
    """What can only be handed over as an Arrow stream."""

    def __init__(self, made):
        self.made = made

    def __arrow_c_stream__(self, requested_schema=None):
        return self.made.__arrow_c_stream__(requested_schema)


class Interchange:
    """What speaks the dataframe interchange protocol alone."""

    def __init__(self, made):
        self.made = made

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.made.__dataframe__(nan_as_null=nan_as_null, allow_copy=allow_copy)


class Tensor:
    """An array of another maker."""

    def __init__(self, made):
        self.made = np.asarray(made)

    def __array__(self, dtype=None, copy=None):
        return self.made


class Quantity(Tensor):
    """Numbers with a unit, which an array of them would lose."""

    units = "percent"


class OtherSeries:
    """A labelled column of another maker, such as one on a graphics card."""

    def __init__(self, made):
        self.made = made
        self.index = tuple(made.index)

    def to_pandas(self):
        return self.made


def series(*arguments, **options):
    y, n, names = checked_series(*arguments, **options)
    return list(zip(names, y.tolist(), n.tolist(), strict=True))


def refused(*arguments, **options):
    with pytest.raises(rm.InputError) as caught:
        checked_series(*arguments, **options)
    assert caught.value.where
    assert caught.value.remedy
    return str(caught.value)


# ---------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("events", "totals"),
    [
        frame_of_babies(),
        (pd.Series(EVENTS), pd.Series(TOTALS)),
        (EVENTS, TOTALS),
        (Counter(EVENTS), pd.Series(TOTALS)),
        (by_coordinate(EVENTS), by_coordinate(TOTALS)),
        (by_coordinate(EVENTS), pd.Series(TOTALS).rename_axis("study")),
        (pd.Series(EVENTS).to_frame(), pd.Series(TOTALS).to_frame()),
        (OtherSeries(pd.Series(EVENTS)), pd.Series(TOTALS)),
        (pd.Series(EVENTS, dtype="Int64"), pd.Series(TOTALS, dtype="float64")),
        (xr.Dataset({"events": by_coordinate(EVENTS), "total": by_coordinate(TOTALS)}), None),
        (pd.DataFrame({"events": EVENTS, "total": TOTALS}), None),
    ],
    ids=[
        "value_counts", "series", "mappings", "counter", "coordinates", "coordinates-index", "one-column-frames",
        "another-maker", "types", "dataset", "frame",
    ],
)  # fmt: skip
def test_series_are_told_by_label_and_never_by_place(events, totals):
    assert set(series(events, totals)) == RIGHT


def test_values_by_label_give_the_numbers_of_the_right_pairs():
    # Mean and 95 % interval by independent quadrature.
    events, totals = frame_of_babies()
    wide = ("log-normal", 0.9, 0.5)
    post = rm.pool(events, totals, labels=totals.index, heterogeneity=wide)
    assert [post.average.mean, *post.average.interval()] == pytest.approx([0.3798821, 0.1684106, 0.6331665], abs=1e-6)
    assert post.labels == ("Alder", "Birch", "Cedar")
    table = rm.pool_many(
        {"frame": (events, totals), "lists": ([1, 18, 3], [30, 20, 40])}, estimands=["average"], heterogeneity=wide
    )
    assert table["mean"].iloc[0] == table["mean"].iloc[1] == pytest.approx(0.3798821, abs=1e-6)


@pytest.mark.parametrize(
    ("events", "totals", "what"),
    [
        (pd.Series(EVENTS), pd.Series(TOTALS | {"Elm": 5}), "'Elm' only in totals"),
        (pd.Series(EVENTS | {"Oak": 5}), pd.Series(TOTALS | {"Elm": 5}), "'Oak' only in events; 'Elm' only in totals"),
        (pd.Series(EVENTS), list(TOTALS.values()), "events have labels and totals have none"),
        (list(EVENTS.values()), by_coordinate(TOTALS), "totals have labels and events have none"),
        (EVENTS, pl.Series(list(TOTALS.values())), "events have labels and totals have none"),
        (pd.Series([1, 2], index=[0, 2]), pd.Series([3, 4]), "2 only in events; 1 only in totals"),
        (pd.Series([1, 2], index=[1, 0]), [3, 4], "events have labels"),
        (pd.Series([1, 2], index=["a", "a"]), pd.Series([3, 4], index=["a", "b"]), "'a' of events appears twice"),
        (pd.Series(EVENTS).rename_axis("study"), pd.Series(TOTALS).rename_axis("centre"), "by study and totals are by centre"),
        (by_coordinate(EVENTS), by_coordinate(TOTALS, "centre"), "by study and totals are by centre"),
        (xr.DataArray([1, 2], dims="a"), xr.DataArray([3, 4], dims="b"), "by a and totals are by b"),
        ({1: 5}, {"1": 5}, "1 only in events; '1' only in totals"),
    ],
)  # fmt: skip
def test_labels_that_differ_are_refused(events, totals, what):
    assert what in refused(events, totals)


def test_labels_in_one_order_need_not_be_single_and_places_are_labels_to_nobody():
    twice = pd.concat([pd.DataFrame({"e": [1, 2], "n": [5, 6]})] * 2)
    assert series(twice.e, twice.n) == [("0", 1, 5), ("1", 2, 6), ("0", 1, 5), ("1", 2, 6)]
    assert series(pd.Series([1, 2]), [5, 6]) == series([1, 2], np.array([5, 6])) == series(pl.Series([1, 2]), (5, 6))
    assert series(pd.Series([1, 2]), pd.Series([6, 5], index=[1, 0])) == [("0", 1, 5), ("1", 2, 6)]
    assert series(pd.Series([2, 1], index=[1, 0]), pd.Series([5, 6])) == [("1", 2, 6), ("0", 1, 5)]
    assert series(pd.Series({"Elm": 1}), 21) == [("Elm", 1, 21)]  # one of each can only belong together
    pairs = [("a", 1), ("b", 2)]
    index = [pd.MultiIndex.from_tuples(one) for one in (pairs, pairs[::-1])]
    assert series(pd.Series([1, 2], index=index[0]), pd.Series([4, 3], index=index[1])) == [
        ("a / 1", 1, 3), ("b / 2", 2, 4),
    ]  # fmt: skip


def test_names_given_beside_labels():
    events, totals = pd.Series(EVENTS), pd.Series(TOTALS)
    assert series(events, totals, ["Cedar", "Alder", "Birch"])[0] == ("Cedar", 3, 40)
    assert series(events, totals[events.index], ["b", "c", "a"])[2] == ("a", 1, 30)
    names = pd.Series({"Alder": "Alder 2001", "Birch": "Birch 1999", "Cedar": "Cedar 2010"})
    assert series(events, totals, names)[0] == ("Birch 1999", 18, 20)
    assert "two orders" in refused(events, totals, ["a", "b", "c"])
    assert "2 labels for 3 series" in refused(events, totals, ["a", "b"])
    assert "'Elm' only in labels" in refused(events, totals, names.rename({"Alder": "Elm"}))


@pytest.mark.parametrize(
    "label", ["Total", "Pooled (n = 75)", "All studies, random effects", "Σ", "Overall 2015", "gesamt"]
)
def test_a_total_among_series_is_refused_by_its_label(label):
    labels = ["Alder 2011", label, "Birch 2012", "Cedar 2013"]
    events, totals = [3, 13, 9, 1], [20, 75, 15, 40]
    what = f"labels, series 2: {label!r}, 13 of 75, is the sum of the 3 other series. Leave it out"
    by_label = [dict(zip(labels, column, strict=True)) for column in (events, totals)]
    frame = pd.DataFrame({"events": events, "total": totals}, index=labels)
    assert all(what in refused(*one) for one in ((events, totals, labels), by_label, (frame,)))
    with pytest.raises(rm.InputError, match="is the sum of the 3 other series"):
        rm.pool_many({"x": by_label})
    # Of other counts it is no sum; alone it is all there is; and a study may bear such a word in its name.
    assert len(series([3, 12, 9, 1], totals, labels)) == 4
    assert len(series([13], [75], [label])) == 1
    assert len(series(events, totals, ["Alder 2011", "Allen 2015", "Birch 2012", "Cedar 2013"])) == 4


@pytest.mark.parametrize("label", [None, "", "  ", float("nan"), pd.NA, np.ma.masked])
def test_an_empty_name_is_never_one_of_a_series(label):
    assert series([1, 2], [3, 4], ["Elm", label]) == [("Elm", 1, 3), ("series 2", 2, 4)]
    counts = [pd.Series(values, index=pd.Index(["Elm", label], dtype=object)) for values in ([1, 2], [3, 4])]
    assert series(*counts) == [("Elm", 1, 3), ("series 2", 2, 4)]


def test_subtotals_are_no_series_of_the_total():
    labels = ["Alder", "Birch", "Subtotal", "Cedar", "Total"]
    assert "series 5: 'Total', 13 of 75" in refused([3, 9, 12, 1, 13], [20, 15, 30, 40, 75], labels)
    assert "series 2: 'Total', 3 of 20, is the sum of the 1" in refused([3, 3], [20, 20], ["Alder", "Total"])


# ---------------------------------------------------------------- what is missing


@pytest.mark.parametrize(
    "events",
    [
        np.ma.masked_array([3, 0, 4], mask=[False, True, False]),
        np.ma.masked_array([3, 999, 4], mask=[False, True, False]),
        [3, np.ma.masked, 4],
        [3, np.ma.masked_array(0, mask=True), 4],
        np.ma.masked_equal([3, 0, 4], 0).astype(object),
        dask.array.ma.masked_equal(dask.array.from_array(np.array([3, 0, 4])), 0),
        xr.DataArray(dask.array.ma.masked_equal(dask.array.from_array(np.array([3, 0, 4])), 0), dims="study"),
        [3, None, 4], [3, float("nan"), 4], [3, Decimal("NaN"), 4], [3, "", 4], [3, "  ", 4], [3, "NR", 4], ["3", "\u2013", "4"], [3, "n/a", 4], [3, "not reported", 4], [3, np.datetime64("NaT", "ns"), 4],
        pd.Series([3, None, 4], dtype="Int64"), pd.Series([3, pd.NaT, 4], dtype=object), pd.array([3, pd.NA, 4]),
        pl.Series([3, None, 4]), pl.Series([3.0, float("nan"), 4.0]), xr.DataArray([3, np.nan, 4], dims="study"),
    ],
)  # fmt: skip
def test_a_missing_count_is_never_a_number(events):
    text = refused(events, [10, 999, 10])
    assert "series 2" in text
    assert "a missing count" in text
    assert "a missing count" in refused([3, 0, 4], np.ma.masked_array([10, 999, 10], mask=[0, 1, 0]))


def test_masked_arrays_without_a_masked_cell_are_arrays():
    whole = np.ma.masked_array([3, 4], mask=False)
    assert series(whole, np.ma.masked_array([10, 999, 10], mask=[0, 1, 0]).compressed()) == series([3, 4], [10, 10])


# ---------------------------------------------------------------- containers


@pytest.mark.parametrize(
    "made",
    [
        list, tuple, np.array, lambda x: dask.array.from_array(np.array(x)), lambda x: array.array("q", x), pd.Series, pd.array, pd.Index, pl.Series, iter, Tensor,
        lambda x: (one for one in x), lambda x: xr.DataArray(x, dims="study"), lambda x: pl.DataFrame({"any": x}),
        lambda x: pd.DataFrame({"any": x}),
        lambda x: Stream(pl.DataFrame({"any": x})), lambda x: Stream(pl.Series(x)), lambda x: Interchange(pd.DataFrame({"a": x})),
        lambda x: [Decimal(one) for one in x], lambda x: [Fraction(one) for one in x], lambda x: [f"{one}.0" for one in x],
        lambda x: pd.Series(x, dtype="float32"), lambda x: pl.Series([Decimal(one) for one in x]), lambda x: pd.Series(map(str, x)),
        lambda x: np.array(x, dtype=object), lambda x: [np.array(one) for one in x], lambda x: pd.Series(x, dtype="category"),
    ],
)  # fmt: skip
def test_a_column_of_any_maker_is_read_alike(made):
    assert series(made([20, 10]), [21, 11]) == [("series 1", 20, 21), ("series 2", 10, 11)]


@pytest.mark.parametrize(
    "made",
    [
        dict, pd.DataFrame, pl.DataFrame, lambda x: pl.DataFrame(x).lazy(), lambda x: Stream(pl.DataFrame(x)),
        lambda x: Interchange(pd.DataFrame(x)), lambda x: pd.DataFrame(x).rename(columns={"total": "totals"}),
    ],
)  # fmt: skip
def test_a_table_of_events_and_totals_is_both(made):
    table = made({"events": [20, 10], "total": [21, 11]})
    assert series(table) == [("series 1", 20, 21), ("series 2", 10, 11)]
    problems = rm.pool_many([table, ([20, 10], [21, 11])], estimands=["average"])
    assert problems["mean"].iloc[0] == problems["mean"].iloc[1]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (pd.DataFrame({"12": [1], "61": [2]}), "a table with the columns 12, 61"),
        (pl.DataFrame({"a": [1], "b": [2]}), "a table with the columns a, b"),
        (np.zeros(1, dtype=[("events", int), ("total", int)]), "a table with the columns events, total"),
        (np.matrix([[1]]), "may not mean what they say"),
        (np.ones((2, 2), int), "counts of shape (2, 2)"),
        (xr.DataArray([[1]], dims=("a", "b")), "counts of shape (1, 1)"),
        (xr.DataArray([1], dims="a", attrs={"units": "%"}), "percentages"),
        (Quantity([1]), "with a unit"),
        ({1, 2}, "is not a list"), (b"12", "is not a list"), (iter(int, 1), "more than 100,000 series"),
        ([np.array([1, 2])], "not a whole number"), (rm, "not a whole number"), (int, "not a whole number"),
    ],
)  # fmt: skip
def test_what_is_no_column_is_refused(values, what):
    assert what in refused(values, [1])


def test_pairs_are_taken_apart_only_where_they_are_pairs():
    """The letters of a text and the names of a table's columns are no events and totals."""
    for problem in ("12", {"12": [1], "61": [2]}, pd.DataFrame({"12": [1], "61": [2]}), ["3/20", "1/10"]):
        with pytest.raises(rm.InputError, match="problem 0"):
            rm.pool_many([problem])
    assert rm.pool_many(["12/61"])["total"].tolist() == [61, 61]
    table = pd.DataFrame({"events": [1, 2], "total": [9, 9]})
    with pytest.raises(rm.InputError, match="one table is not a list of problems"):
        rm.pool_many(table)
    named = pd.Series({"a": ([1], [2]), "b": ([2], [5])})
    assert rm.pool_many(named, estimands=["average"])["problem"].tolist() == ["a", "b"]
    with pytest.raises(rm.InputError, match="two problems have one label"):
        rm.pool_many(pd.Series([([1], [2]), ([2], [5])], index=["a", "a"]))


def test_arrow_is_read_alike():
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"events": [20, 10], "total": [21, 11]})
    wanted = [("series 1", 20, 21), ("series 2", 10, 11)]
    assert series(table) == series(Stream(table)) == series(table["events"], pa.array([21, 11])) == wanted
    assert series(list(table["events"]), table.to_pandas(types_mapper=pd.ArrowDtype).total) == wanted
    assert "a missing count" in refused(pa.array([1, None]), [2, 3])


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    "value",
    [12, 12.0, "12", " 12 ", "12.0", "012", "12\u00a0", Decimal(12), Decimal("12.00"), np.uint8(12), np.str_("12")],
)
def test_a_whole_number_is_one_however_it_is_written(value):
    assert series([value], [20]) == [("series 1", 12, 20)]
    assert series([1], [value]) == [("series 1", 1, 12)]
    assert rm.pool([1], [2], heterogeneity=0).predict(value).size == 13


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (12.5, "not a whole number"), ("12.5", "not a whole number"), (Decimal("12.5"), "not a whole number"),
        ("1,234", "thousands or a fraction"), ("12.000", "thousands or a fraction"), ("1 234", "thousands or a fraction"),
        ("12 %", "not a whole number"), ("1e1", "not a whole number"), ("0x1", "not a whole number"), ("1_0", "not a whole number"),
        ("\u0661\u0662", "not a whole number"), ("twelve", "not a whole number"), ("-1", "not a whole number"), ("12,0", "not a whole"),
        (True, "not a whole number"), (np.True_, "not a whole number"), (1j, "not a whole number"), (float("inf"), "not a whole"),
        (Decimal("1e999999"), "not a whole number"), pytest.param(10**5000, "too large", id="huge"), (2**53, "too large"), (object(), "not a whole number"),
        (np.float16(2048), "may be rounded"), (np.float32(2**24), "may be rounded"),
        (datetime.date(2026, 3, 20), "is a date"), (pd.Timestamp("2026-03-20"), "is a date"), (np.datetime64(3, "ns"), "is a date"),
        (np.timedelta64(3, "ns"), "not a whole number"), (pd.Timedelta(3), "not a whole number"), (b"12", "not a whole number"),
    ],
)  # fmt: skip
def test_what_is_no_whole_number_or_may_be_two_is_refused(value, what):
    assert what in refused([1, value], [10**8, 10**8])
    with pytest.raises(rm.InputError):
        rm.pool([1], [2], heterogeneity=0).predict(value)


def test_a_text_may_say_events_and_total_at_once():
    assert series(["12/61", " 3 / 20 "]) == [("series 1", 12, 61), ("series 2", 3, 20)]
    assert series("12/61") == series(["12/61"], [61]) == series(["12/61"], [None]) == series(["12"], ["61"])
    assert "'12/61' beside a total of 60" in refused(["12/61"], [60])
    assert "61 events of 12" in refused(["61/12"])
    assert "no total" in refused(["12/61", "12"])
    assert "not a whole number" in refused([1], ["12/61"])
    assert "not a whole number" in refused(["12/61/1"], [61])


# ---------------------------------------------------------------- results


def test_results_own_their_counts():
    events, totals = np.array([20, 10]), pd.Series([21, 11])
    post = rm.pool(events, totals)
    events[0], totals.iloc[0] = 1, 99
    assert (post.events.tolist(), post.totals.tolist()) == ([20, 10], [21, 11])
    for array_ in (post.events, post.totals):
        with pytest.raises(ValueError, match="read-only"):
            array_[0] = 1
