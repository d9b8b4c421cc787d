"""Every door and every kind of input: what is read, and what is refused with which message.

The table in ``docs/evidence-format.md`` is made here from what the doors do: "read" is written only where exactly the counts
came out that were put in. ``make doors`` writes it again.
"""

import contextlib
import csv
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
import xarray as xr
from openpyxl.styles import PatternFill
from workbooks import HEADER, in_part, ods, ole, series, xls, xlsx

import riskmodel as rm
from riskmodel.cli import main
from riskmodel.evidence.manifest import SHIPPED

DOCUMENT = Path(__file__).parent.parent / "docs" / "evidence-format.md"
BEGIN, END = "<!-- doors: written by `make doors` -->\n", "<!-- doors end -->\n"
DOORS = ("`pool`", "`pool_many`", "`load_evidence`", "`refit`, `update`", "`load_corpus`, `calibrate`", "command line")
POOL, MANY, EVIDENCE, REFIT, CORPUS, COMMAND = range(6)
TEMPLATE = SHIPPED / "template"
ROWS = [("Alder 2011", 3, 20), ("Birch 2012", 9, 15), ("Cedar 2013", 1, 40)]
COUNTS = next(csv.reader(io.StringIO((TEMPLATE / "counts.csv").read_text())))
SERIES = ("meta_analysis", "arm", "study", "events", "total")


def of_refit(rows):
    return [HEADER, *(series(*row) for row in rows)]


def of_corpus(rows):
    return [SERIES, *(("trial", "arm", *row) for row in rows)]


def of_folder(rows):
    found = [
        dict(zip(HEADER, series(*row), strict=True)) | {"population": "with_finding", "reading": "primary"}
        for row in rows
    ]
    return [COUNTS, *([one.get(name, "") for name in COUNTS] for one in found)]


def as_text(table):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(table)
    return out.getvalue()


def folder(tmp, counts=None, rows=ROWS, **paper):
    """A copy of the template with another ``counts.csv``, and the sources that it names."""
    shutil.copytree(TEMPLATE, tmp / "folder")
    of = [[name, f"{name}. An invented series. J Nowhere.", 2011, paper.get("doi", ""), "", "", "referral", "", "", ""]
          for name in dict.fromkeys(row[0] for row in rows)]  # fmt: skip
    path = tmp / "folder" / "sources.csv"
    path.write_text(path.read_text() + as_text(of))
    content = as_text(of_folder(rows)) if counts is None else counts
    (tmp / "folder" / "counts.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp / "folder"


# ---------------------------------------------------------------- doors: what they are given, and the counts that come out


def pool(given):
    post = rm.pool(*given[0], **given[1], heterogeneity=0)
    return list(zip(post.events.tolist(), post.totals.tolist(), strict=True))


def pool_many(given):
    table = rm.pool_many({"x": given[0] if len(given[0]) > 1 else given[0][0]}, heterogeneity=0, estimands=["average"])
    assert table["mean"].iloc[0] == rm.pool(*given[0], heterogeneity=0).average.mean
    return pool(given)


def load_evidence(given):
    names = {one.key for one in rm.load_evidence(TEMPLATE).sources.values()}
    return [(one.events, one.total) for one in rm.load_evidence(given).all_counts if one.source not in names]


def refit(given):
    found = rm.refit(TEMPLATE, given).new
    return [(one.events, one.total) for one in found.counts], found.said


def load_corpus(given):
    corpus = rm.load_corpus(given)
    assert rm.calibrate(given, predictors="naive", ks=[1], most=1).corpus["content_hash"] == corpus.content_hash
    return [(y, n) for arm in corpus.arms for y, n in zip(arm.events, arm.totals, strict=True)], corpus.said


def command(given):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()), pytest.raises(SystemExit) as stop:
        main([*given, "--json"])
    body = json.loads(out.getvalue())
    if stop.value.code:
        raise Told(body["error"]["problems"] or [body["error"]])
    return [(one["events"], one["total"]) for one in body.get("surprises", ())], body.get("said")


class Told(Exception):
    """What the command line said, as `EvidenceError` has it."""


CALLS = (pool, pool_many, load_evidence, refit, load_corpus, command)

# ---------------------------------------------------------------- kinds of input, for each door that they can come through


def cells(change, *, text=str):
    """Values in lists, rows and files; `change` makes the rows, `text` a value's text, None where it has none."""

    def made(tmp):
        rows = change([list(row) for row in ROWS])
        names, events, totals = (list(column) for column in zip(*rows, strict=True))
        by_name = tuple(dict(zip(names, column, strict=True)) for column in (events, totals))
        given = {POOL: ((events, totals), {"labels": names}), MANY: (by_name, {})}
        for door, of in ((REFIT, of_refit), (CORPUS, of_corpus)):
            head, *lines = of(rows)
            given[door] = [dict(zip(head, line, strict=True)) for line in lines]
        if text is not None:
            rows = [(row[0], *(one if isinstance(one, str) else text(one) for one in row[1:])) for row in rows]
            (tmp / "new.csv").write_text(as_text(of_refit(rows)))
            given |= {
                EVIDENCE: folder(tmp, rows=rows),
                COMMAND: ("refit", str(tmp / "new.csv"), "--finding", str(TEMPLATE)),
            }
        return given

    return made


def cell(value, **options):
    """A value in place of the first number of events."""
    return cells(lambda rows: [[rows[0][0], value, rows[0][2]], *rows[1:]], **options)


def frames(make):
    """A table in memory, made of columns by name."""

    def made(tmp):
        tables = [("events", "total"), *(row[1:] for row in ROWS)], of_refit(ROWS), of_corpus(ROWS)
        both, new, corpus = (
            make(dict(zip(head, map(list, zip(*lines, strict=True)), strict=True))) for head, *lines in tables
        )
        return {POOL: ((both,), {}), MANY: ((both,), {}), REFIT: new, CORPUS: corpus}

    return made


def columns(events, totals):
    return lambda tmp: {door: ((events, totals), {}) for door in (POOL, MANY)}


def texts(change):
    """A file of text, changed from plain CSV."""

    def made(tmp):
        (tmp / "new.csv").write_bytes(change(as_text(of_refit(ROWS))).encode())
        (tmp / "corpus.csv").write_bytes(change(as_text(of_corpus(ROWS))).encode())
        given = {
            EVIDENCE: folder(tmp, change(as_text(of_folder(ROWS)))),
            REFIT: tmp / "new.csv",
            CORPUS: tmp / "corpus.csv",
        }
        return given | {COMMAND: ("refit", str(tmp / "new.csv"), "--finding", str(TEMPLATE))}

    return made


def books(write, suffix=".xlsx"):
    """A workbook: `write(path, rows, column)` with the place of each column by name, counted from 1."""

    def made(tmp):
        for name, table in (("new", of_refit(ROWS)), ("corpus", of_corpus(ROWS))):
            write(tmp / f"{name}{suffix}", table, {one: i for i, one in enumerate(table[0], 1)})
        given = {REFIT: tmp / f"new{suffix}", CORPUS: tmp / f"corpus{suffix}"}
        given[EVIDENCE] = folder(tmp, given[REFIT].read_bytes())
        return given | {COMMAND: ("refit", str(given[REFIT]), "--finding", str(TEMPLATE))}

    return made


def edited(edit):
    """A workbook of Excel, changed by `edit(book, page, column)`."""
    return books(lambda path, rows, column: xlsx(path, rows, lambda book, page: edit(book, page, column)))


def again(tmp):
    """A DOI that stands already, a study's name in other letters, a label twice."""
    row = dict(zip(HEADER, series(*ROWS[0]), strict=True)) | {"doi": "10.1234/here"}
    twice = [row, row | {"source": "ALDER", "citation": "Another. 2011.", "events": 4}]
    (tmp / "new.csv").write_text(as_text([[*row], *([*one.values()] for one in twice)]))
    corpus = pd.DataFrame(of_corpus([*ROWS, ("alder  2011", 3, 20)])[1:], columns=SERIES)
    return {EVIDENCE: folder(tmp, rows=ROWS[:2], doi="10.1234/here"), REFIT: twice, CORPUS: corpus,
            COMMAND: ("refit", str(tmp / "new.csv"), "--finding", str(TEMPLATE))}  # fmt: skip


def a_format(form):
    def edit(book, page, column):
        page.cell(2, column["events"]).number_format = form
        page.cell(2, column["events"]).value = 1 if "%" in form else 3

    return edited(edit)


def a_value(value):
    return edited(lambda book, page, column: page.cell(2, column["events"], value))


def hidden_rows(book, page, column):
    page.append([cell.value for cell in page[2]])
    page.cell(5, column["events"], 2)
    page.row_dimensions[5].hidden = True


def draft_before(state):
    def edit(book, page, column):
        draft = book.create_sheet("draft", 0)
        for line in page.iter_rows(values_only=True):
            draft.append(line)
        draft.cell(2, column["events"], 2)
        draft.sheet_state = state

    return edited(edit)


def stray(book, page, column):
    for row, at in ((9, 16384), (19000, 1)):
        page.cell(row, at).fill = PatternFill("solid", fgColor="FFFF00")


def stale(path, rows, column):
    in_part(xlsx(path, rows), '<dimension ref="', '<dimension ref="A1:B2" old="')


class Kind(NamedTuple):
    name: str
    made: Callable[[Path], dict[int, Any]]
    pairs: Sequence[tuple[int, int]] = tuple(row[1:] for row in ROWS)  # the counts that are right


def total(label, last=(13, 75)):
    return cells(lambda rows: [*rows, [label, *last]])


BY_LABEL = pd.Series({"b": 9, "c": 1, "a": 3}), pd.Series({"a": 20, "b": 15, "c": 40})
KINDS = {
    "Numbers and cells": [
        Kind(
            "whole numbers as 3.0, Decimal, NumPy's, nullable",
            cells(lambda rows: [[rows[0][0], 3.0, Decimal(20)], [rows[1][0], np.int8(9), Decimal("15.00")], rows[2]]),
        ),
        Kind('a text "3" or " 3 "', cell(" 3 ")),
        Kind('a text "3/20" beside 20', cell("3/20")),
        Kind("a masked cell", cell(np.ma.masked, text=None)),
        Kind("an empty cell, None, NaN", cell(None, text=lambda one: "" if one is None else str(one))),
        Kind("`NR`, `n/a`, `-`", cell("NR")),
        Kind("a fraction", cell(3.5)),
        Kind('"1,234", "12.000"', cell("1,234")),
        Kind('"12 (20%)", "12*"', cell("12 (20%)")),
        Kind("true or false", cell(True)),
        Kind("a date", cell(pd.Timestamp("2026-03-20"))),
        Kind("events above the total", cell(33)),
        Kind("several faults", cells(lambda rows: [[rows[0][0], "NR", 20], [rows[1][0], 33, 20], rows[2]])),
    ],
    "Rows": [
        Kind("a row `Total` or `Pooled` that is the sum of the others", total("Total")),
        Kind("such a row with another sum", total("Pooled (n = 75)", (14, 80)), [*(row[1:] for row in ROWS), (14, 80)]),
        Kind("a paper or study that is there already under another spelling", again),
    ],
    "Tables and columns in memory": [
        Kind("a frame of pandas", frames(pd.DataFrame)),
        Kind("a frame of polars", frames(pl.DataFrame)),
        Kind("a lazy frame", frames(lambda x: pl.DataFrame(x).lazy())),
        Kind(
            "rows as dictionaries (columns, for `pool`)",
            frames(
                lambda x: (
                    x if len(x) == 2 else [dict(zip(x, row, strict=True)) for row in zip(*x.values(), strict=True)]
                )
            ),
        ),
        Kind("columns with labels in two orders", columns(*BY_LABEL), [(9, 15), (1, 40), (3, 20)]),
        Kind(
            "coordinates of xarray in two orders",
            columns(*(xr.DataArray(one.rename_axis("study")) for one in BY_LABEL)),
            [(9, 15), (1, 40), (3, 20)],
        ),
        Kind("columns whose labels differ", columns(BY_LABEL[0], BY_LABEL[1].rename({"a": "A"}))),
        Kind("labels on one side only", columns(BY_LABEL[0], [20, 15, 40])),
        Kind("a masked array", columns(np.ma.masked_array([3, 9, 0], mask=[0, 0, 1]), [20, 15, 40])),
    ],
    "Files of text": [
        Kind(
            "`;`, tabs or `\\|` between cells",
            texts(lambda text: as_text(csv.reader(io.StringIO(text))).replace(",", ";")),
        ),
        Kind("a line `sep=,`", texts(lambda text: f"sep=,\n{text}")),
        Kind("byte order marks", texts(lambda text: f"\ufeff\ufeff{text}")),
        Kind("no-break and thin spaces", texts(lambda text: re.sub(",3,", ",3\u00a0,", text))),
        Kind("12.0 in a column of whole numbers", texts(lambda text: re.sub(",9,15", ",9.0,15.0", text))),
        Kind("trailing commas", texts(lambda text: text.replace("\n", ",\n"))),
        Kind(
            "an index without a name",
            texts(lambda text: "".join(f"{i or ''},{line}\n" for i, line in enumerate(text.splitlines()))),
        ),
        Kind("a formula", texts(lambda text: re.sub(",3,", ",=1+2,", text))),
        Kind("UTF-16", texts(lambda text: text.replace("3", "3\x00"))),
    ],
    "Workbooks": [
        Kind("xlsx, xlsm", books(lambda path, rows, column: xlsx(path, rows))),
        Kind("ods", books(lambda path, rows, column: ods(path, rows), ".ods")),
        Kind("xls", books(lambda path, rows, column: xls(path, rows), ".xls")),
        Kind("a name of another kind", books(lambda path, rows, column: xlsx(path, rows), ".ods")),
        Kind("locked", books(lambda path, rows, column: path.write_bytes(ole(b"\0" * 5000, "EncryptedPackage")))),
        Kind("a stale dimension", books(stale)),
        Kind("blank rows and columns before", books(lambda path, rows, column: xlsx(path, rows, top=4, left=3))),
        Kind("coloured cells far away", edited(stray)),
        Kind("a hidden sheet first", draft_before("hidden")),
        Kind("two sheets with the columns", draft_before("visible")),
        Kind("a hidden row", edited(hidden_rows)),
        Kind(
            "a hidden column that is needed",
            edited(
                lambda book, page, column: setattr(
                    page.column_dimensions["ABCDEFGHIJK"[column["total"] - 1]], "hidden", True
                )
            ),
        ),
        Kind("a share: 100%", a_format("0%")),
        Kind("a date format on a count", a_format("yyyy-mm-dd")),
        Kind("`#REF!`", a_value("#REF!")),
        Kind("a formula without a value", a_value("=1+2")),
        Kind(
            "merged cells",
            edited(
                lambda book, page, column: page.merge_cells(
                    start_row=2, end_row=3, start_column=column["events"], end_column=column["events"]
                )
            ),
        ),
    ],
    "Others": [Kind("a gestational age as `20+3`", lambda tmp: {COMMAND: ("consult", "--weeks", "20+3")}, ())],
}


def verdict(kind, door, given, notes):
    """What a table's cell says."""
    if door not in given:
        return "–"
    try:
        found = CALLS[door](given[door])
    except (rm.RiskModelError, Told) as error:
        problems = error.args[0] if isinstance(error, Told) else getattr(error, "problems", None) or [error]
        what = [one["what"] if isinstance(one, dict) else one.what for one in problems]
        what = [re.sub(r"^problem x: ((pool|([a-z]+, )?series \d+( \(.*?\))?): )?", "", one) for one in what]
        short = what[0] if len(what) == 1 else f"{len(what)} faults in one pass: {'; '.join(what)}"
        return f"refused: {notes.setdefault(short, len(notes) + 1)}"
    found, said = found if isinstance(found, tuple) else (found, ())
    assert found == list(kind.pairs), (kind.name, DOORS[door], found)
    return "read, and said" if said else "read"


@pytest.mark.filterwarnings("ignore")
def test_the_table_of_doors_is_what_the_doors_do(tmp_path):
    notes, lines = {}, ["| What comes in | " + " | ".join(DOORS) + " |", "| --- " * 7 + "|"]
    for group, kinds in KINDS.items():
        lines.append(f"| **{group}** |" + " |" * 6)
        for i, kind in enumerate(kinds):
            place = tmp_path / f"{group}-{i}"
            place.mkdir()
            given = kind.made(place)
            lines.append(
                f"| {kind.name} | " + " | ".join(verdict(kind, door, given, notes) for door in range(6)) + " |"
            )
    listed = [f"{number}. {what}" for what, number in notes.items()]
    made = "\n".join([*lines, "", "Refused with:", "", *listed, ""])
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    now, after = rest.split(END)
    if os.environ.get("RISKMODEL_WRITE"):
        DOCUMENT.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")
    else:
        assert now.strip() == made.strip(), "make doors writes it again"
