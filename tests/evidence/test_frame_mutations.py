"""Tables and columns in memory spoilt at random: refused with a message, or read as a plain reading of their cells has it.

The plain reading shares no code with the package: it reads the text that the maker of a table prints of it (``to_csv`` of
pandas, ``write_csv`` of polars, ``str`` of a NumPy array, where a masked cell is ``--``), and takes for a number what there
looks like a whole one. Labels are those that are printed, and two columns belong together by these. One in twenty runs here;
``make soak`` runs all thousand. Seeded: the same tables every time.
"""

import csv
import io
import json
import os
import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from workbooks import HEADER, series

import riskmodel as rm
from riskmodel._support.checks import checked_series
from riskmodel.evidence.incoming import join
from riskmodel.evidence.manifest import SHIPPED

MUTATIONS = 1000
SHARE = 1 if os.environ.get("RISKMODEL_SOAK") else 20
#: What a cell may come to hold in place of a count.
CELLS = (7, 7.0, 7.5, "7", "7.0", "007", " 7\u00a0", "7/9", "7/0", "1,234", "70%", "-7", -7, "seven", "", "NR", "\u2013", "\u200b7", "=3+4", "#REF!",
         "\uff17", None, float("nan"), pd.NA, pd.NaT, np.ma.masked, True, np.True_, Decimal("7.00"), Decimal("7.1"), Decimal("NaN"), Fraction(7),
         Fraction(1, 7), 7j, 1e300, float("inf"), b"7", np.float32(7), np.int8(7), pd.Timestamp("2026-03-07"), np.timedelta64(7, "s"), [7],
         np.array(7), 10**30)  # fmt: skip
#: Types that hold every count here as it is, and others.
HOLD = (
    "float64",
    "float32",
    "Int64",
    "UInt8",
    "int16",
    "object",
    "string",
    "str",
    "category",
    "Float64",
    ">i4",
    "uint64",
)
BEND = ("bool", "complex128", "datetime64[ns]", "timedelta64[s]", "S3", "boolean", "float16", "interval")


def some_rows(rng):
    totals = rng.integers(2, 60, rng.integers(2, 7))
    return [series(f"Series {i}", int(rng.integers(0, n + 1)), int(n)) for i, n in enumerate(totals)]


def pick(rng, of):
    return of[int(rng.integers(len(of)))]


# ---------------------------------------------------------------- of data frames; each says whether no cell changes


def index(frame, rng):
    rows = len(frame)
    made = (
        lambda: frame.set_index("source"),
        lambda: frame.set_index(["source", "variable"]),
        lambda: frame.set_index(rng.permutation(rows)),
        lambda: frame.set_index(pd.Index([0] * rows)),
        lambda: frame.set_index(pd.Index(list("abcdefghij")[:rows], name="mine")),
        lambda: frame.set_index(pd.date_range("2026-01-01", periods=rows)),
        lambda: frame.set_index(pd.Index(rng.permutation(rows), name="events")),
    )
    return pick(rng, made)(), not {*frame.index.names} & {*HEADER}  # which an index in its place would lose


def dtype(frame, rng):
    kind, column = pick(rng, HOLD if rng.integers(3) else BEND), pick(rng, ("events", "total"))
    if kind == "interval":
        return frame.assign(**{column: pd.cut(frame[column], 3)}), False
    return frame.astype({column: kind}), kind in HOLD


def cell(frame, rng):
    """One count becomes something else."""
    frame = frame.astype({"events": object, "total": object})
    column, value = frame.columns.get_loc(pick(rng, ("events", "total"))), pick(rng, CELLS)
    frame.isetitem(column, [value if i == 0 else one for i, one in enumerate(frame.iloc[:, column])])
    return frame, False


def mask(frame, rng):
    hidden = rng.integers(4, size=len(frame)) == 0
    column = pick(rng, ("events", "total"))
    return frame.assign(**{column: frame[column].astype("Int64").mask(hidden)}), not hidden.any()


def order(frame, rng):
    return frame.iloc[rng.permutation(len(frame)), rng.permutation(len(frame.columns))], True


def labels(frame, rng):
    """A column or a source comes to be called something else, or what another is called."""
    new = ("Events", " events ", "event", "", "total", "note", 7, ("a", "b"), None, "events\u00a0", "pmid")
    if rng.integers(2):
        return frame.rename(columns={pick(rng, ("events", "total", "year")): pick(rng, new)}), False
    names = ("series 0", "Total", "Pooled 2015", "Series\u00a00", "", None, 2015, "NR", "Series 00", "Series 0")
    return frame.assign(source=[pick(rng, names), *frame["source"][1:]]), False


def twice(frame, rng):
    rows = rng.integers(0, len(frame), len(frame))
    return frame.iloc[rows], len({*rows}) == len(rows)


OF_FRAMES = (index, dtype, cell, mask, order, labels, twice)


def a_pandas(rng):
    frame, whole, how = pd.DataFrame(some_rows(rng), columns=HEADER), True, []
    for change in (pick(rng, OF_FRAMES) for _ in range(rng.integers(0, 4))):
        try:
            frame, same = change(frame, rng)
        except Exception as error:  # what pandas cannot make of it is no table
            how.append(f"not {change.__name__}: {type(error).__name__}")
            continue
        how.append(change.__name__)
        whole &= same
    known = [one for one in frame.index.names if one in HEADER and one not in frame.columns]
    printed = (frame.reset_index(known) if known else frame).to_csv(index=False)
    return frame, printed, whole, how


def a_polars(rng):
    frame, whole, how = pl.DataFrame(some_rows(rng), schema=list(HEADER), orient="row"), True, []
    hold = (pl.Float32, pl.Int8, pl.UInt64, pl.String, pl.Decimal(10, 2), pl.Float64)
    bend = (pl.Boolean, pl.Date, pl.Duration("us"), pl.Binary, pl.Time)
    column = pick(rng, ("events", "total"))
    at = pl.int_range(pl.len()) == int(rng.integers(frame.height))
    texts = [one for one in CELLS if isinstance(one, str)]
    changes = {
        "hold": lambda x: (x.with_columns(pl.col(column).cast(pick(rng, hold))), True),
        "bend": lambda x: (x.with_columns(pl.col(column).cast(pl.Int64).cast(pick(rng, bend))), False),
        "null": lambda x: (x.with_columns(pl.when(at).then(None).otherwise(pl.col(column)).alias(column)), False),
        "nan": lambda x: (x.with_columns(pl.when(at).then(float("nan")).otherwise(pl.col(column)).alias(column)), False),
        "text": lambda x: (
            x.with_columns(pl.when(at).then(pl.lit(pick(rng, texts))).otherwise(pl.col(column).cast(pl.String)).alias(column)),
            False,
        ),
        "order": lambda x: (x.sample(fraction=1, shuffle=True, seed=3).select(rng.permutation(x.columns).tolist()), True),
        "category": lambda x: (x.with_columns(pl.col("source").cast(pl.Categorical)), True),
        "rename": lambda x: (x.rename({column: pick(rng, ("Events", "event", "", "note", " total"))}), False),
        "lazy": lambda x: (x.lazy(), True),
    }  # fmt: skip
    for name in rng.choice(list(changes), rng.integers(0, 4), replace=False).tolist():
        try:
            frame, same = changes[name](frame)
        except (pl.exceptions.PolarsError, AttributeError, TypeError) as error:
            how.append(f"not {name}: {type(error).__name__}")
            continue
        how.append(name)
        whole &= same
    try:
        printed = (frame.collect() if isinstance(frame, pl.LazyFrame) else frame).write_csv()
    except pl.exceptions.PolarsError:
        printed = ""
    return frame, printed, whole, how


# ---------------------------------------------------------------- of columns


def array(values, rng):
    """An array, perhaps masked, of some type and layout; and whether every value is in sight as it was."""
    made = np.array(
        values, dtype=pick(rng, ("int64", "int8", "float32", ">i2", "uint8", "object", "U5", "float16", "complex64"))
    )
    whole = made.dtype.kind != "c"
    if rng.integers(2):
        made = np.concatenate([made, made])[: len(values)][::-1][::-1]
    if rng.integers(3):
        hidden = rng.integers(5, size=len(values)) == 0
        made = np.ma.masked_array(
            made, mask=pick(rng, (hidden, hidden, False, np.ma.nomask)), hard_mask=bool(rng.integers(2))
        )
        whole &= not np.ma.getmaskarray(made).any()
        if rng.integers(2) and made.dtype.kind in "iuf":
            made.fill_value = 7
        if not rng.integers(4):
            made.data[0] = 7  # also behind the mask
    return made, whole


def printed_array(made):
    with np.printoptions(precision=17, floatmode="unique", threshold=10_000, linewidth=10_000):
        return [one.strip("'") for one in str(made).strip("[]").split()]


def some_arrays(rng):
    rows = some_rows(rng)
    columns = [array([row[at] for row in rows], rng) for at in (4, 5)]
    (events, one), (totals, other) = columns
    printed = [[(str(i), text) for i, text in enumerate(printed_array(made))] for made in (events, totals)]
    return (events, totals), printed, one and other and _fits(events, totals), []


def _fits(events, totals):
    return all(int(y) <= int(n) for y, n in zip(events.tolist(), totals.tolist(), strict=True))


def some_series(rng):
    """Events and totals of pandas, each with labels of its own."""
    rows = some_rows(rng)
    named = [[f"{row[0]}" for row in rows], list(range(len(rows))), [("a", i) for i in range(len(rows))]][
        rng.integers(3)
    ]
    made, how, whole = [], [], True
    for at in (4, 5):
        one = pd.Series([row[at] for row in rows], index=pd.Index(named))
        for _ in range(rng.integers(0, 3)):
            change = ("permute", "relabel", "dtype", "name", "drop", "twice", "hide")[rng.integers(7)]
            how.append(change)
            whole &= change in ("permute", "name")
            try:
                one = {
                    "permute": lambda x: x.iloc[rng.permutation(len(x))],
                    "relabel": lambda x: x.set_axis(pd.Index([*x.index[1:], x.index[0]])),
                    "dtype": lambda x: x.astype(pick(rng, HOLD + BEND[:-1])),
                    "name": lambda x: x.rename("n"),
                    "drop": lambda x: x.iloc[1:],
                    "twice": lambda x: x.set_axis(pd.Index([x.index[-1], *x.index[1:]])),
                    "hide": lambda x: x.astype("Int64").mask(rng.integers(4, size=len(x)) == 0),
                }[change](one)
            except Exception as error:
                how[-1] += f": {type(error).__name__}"
        made.append(one)
    lines = [
        [(" / ".join(line[:-1]), line[-1]) for line in csv.reader(io.StringIO(one.to_csv(header=False)))]
        for one in made
    ]
    return tuple(made), lines, whole, how


# ---------------------------------------------------------------- plain readings


def number(text):
    """A whole number that a text shows, None where it shows none."""
    match = re.fullmatch(r"\s*([0-9]+)(\.0*)?\s*", text)
    return int(match[1]) if match else None


def both(event, total):
    """Events and total of two cells: 7/9 is both."""
    ratio = re.fullmatch(r"\s*([0-9]+)\s*/\s*([0-9]+)\s*", event)
    if ratio and (not total.strip() or number(total) == int(ratio[2])):
        return int(ratio[1]), int(ratio[2])
    return number(event), number(total)


def plain_table(printed):
    """Source, events and total of each line, None where a cell shows no number or a column is not there."""
    header, *lines = list(csv.reader(io.StringIO(printed))) or [[]]
    header = [one.replace("\u00a0", " ").strip() for one in header]
    if any(header.count(name) != 1 for name in ("source", "events", "total")):
        return None
    places = [header.index(name) for name in ("source", "events", "total")]
    cells = [[line[at].replace("\u00a0", " ").strip() for at in places] for line in lines]
    return [(source, *both(event, total)) for source, event, total in cells]


def plain_pairs(printed):
    """Label, events and total, by the labels that are printed; None where these do not tell what belongs together."""
    events, totals = printed
    names = [[label for label, _ in column] for column in printed]
    if names[0] != names[1]:
        if len({*names[0]}) < len(names[0]) or sorted(names[0]) != sorted(names[1]):
            return None
        totals = [(label, dict(totals)[label]) for label in names[0]]
    return [(label, *both(event, total)) for (label, event), (_, total) in zip(events, totals, strict=True)]


def read_table(evidence, made):
    return [(one.source, one.events, one.total) for one in join(evidence, made, updated="2026-01-31").counts]


def read_pairs(evidence, made):
    y, n, names = checked_series(*made)
    places = all(one == f"series {i}" for i, one in enumerate(names, 1))
    return [
        (str(i) if places else name, *pair)
        for i, (name, *pair) in enumerate(zip(names, y.tolist(), n.tolist(), strict=True))
    ]


KINDS = ((a_pandas, plain_table, read_table), (a_polars, plain_table, read_table), (some_arrays, plain_pairs, read_pairs),
         (some_series, plain_pairs, read_pairs))  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(10))
def test_a_spoilt_table_in_memory_is_refused_or_read_as_it_prints(part, record_property):
    record_property("campaign", ["data frames", MUTATIONS // 10 // SHARE, 0, ""])
    evidence = rm.load_evidence(SHIPPED / "template")
    refused = loaded = 0
    for i in range(part * MUTATIONS // 10, (part + 1) * MUTATIONS // 10, SHARE):
        rng = np.random.default_rng([20261126, i])
        make, plain, read = KINDS[(i // 20) % 4]
        made, printed, whole, how = make(rng)
        try:
            found = read(evidence, made)
        except (rm.InputError, rm.EvidenceError) as error:
            refused += 1
            assert not whole, (i, how, error)
            assert error.remedy or all(one.what and one.remedy for one in error.problems), (i, how)
            json.dumps(error.to_dict())
            continue
        loaded += 1
        assert found == plain(printed), (i, how, printed)
    assert SHARE > 1 or min(refused, loaded) > 20
    assert refused + loaded == MUTATIONS // 10 // SHARE
