"""Folders spoilt at random: each is refused with a located message, or read as Python's csv reader reads it. None crashes.

One in twenty runs here; ``make soak`` runs all thousand. Seeded: the same folders every time.
"""

import csv
import io
import json
import os
import shutil

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.evidence.manifest import FILES, SHIPPED

MUTATIONS = 1000
SHARE = 1 if os.environ.get("RISKMODEL_SOAK") else 20
NUMBERS = (
    "-1",
    "1e3",
    "1.5",
    "nan",
    "inf",
    "",
    "99999999999999999999",
    "0",
    "0x10",
    "1_000",
    " 7 ",
    "\uff11",
    "=1+1",
    "two",
)
ENCODINGS = ("utf-16", "utf-16-le", "latin-1", "utf-8-sig", "cp1252", "utf-32")


def table(raw):
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))


def written(rows):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def flip_bytes(raw, rng):
    spoilt = bytearray(raw)
    for place in rng.integers(0, len(spoilt), rng.integers(1, 6)):
        spoilt[place] ^= 1 << int(rng.integers(8))
    return bytes(spoilt)


def cut(raw, rng):
    return raw[: rng.integers(0, len(raw))]


def drop_bytes(raw, rng):
    start = int(rng.integers(len(raw)))
    return raw[:start] + raw[start + int(rng.integers(1, 40)) :]


def swap_cells(raw, rng):
    rows = table(raw)
    i, j = rng.integers(0, len(rows), 2)
    a, b = rng.integers(0, len(rows[0]), 2)
    rows[i][a], rows[j][b] = rows[j][b], rows[i][a]
    return written(rows)


def duplicate_rows(raw, rng):
    rows = table(raw)
    for i in rng.integers(0, len(rows), rng.integers(1, 4)):
        rows.insert(int(rng.integers(0, len(rows))), list(rows[i]))
    return written(rows)


def shuffle_rows(raw, rng):
    head, *rows = table(raw)
    rng.shuffle(rows)
    return written([head, *rows])


def drop_column(raw, rng):
    column = int(rng.integers(len(table(raw)[0])))
    return written([row[:column] + row[column + 1 :] for row in table(raw)])


def swap_columns(raw, rng):
    rows = table(raw)
    a, b = rng.integers(0, len(rows[0]), 2)
    for row in rows:
        row[a], row[b] = row[b], row[a]
    return written(rows)


def impossible_number(raw, rng):
    rows = table(raw)
    names = [i for i, name in enumerate(rows[0]) if name in ("events", "total", "year")]
    rows[int(rng.integers(1, len(rows)))][int(rng.choice(names))] = str(rng.choice(NUMBERS))
    return written(rows)


def other_encoding(raw, rng):
    return raw.decode().replace("Simon", "Sim\u00f6n").encode(str(rng.choice(ENCODINGS)), errors="replace")


def other_separator(raw, rng):
    return raw.replace(b",", (b";", b"\t", b"|")[int(rng.integers(3))])


def line_ends(raw, rng):
    return raw.replace(b"\n", (b"\r\n", b"\r", b"\n\n")[int(rng.integers(3))])


def quote(raw, rng):
    place = int(rng.integers(len(raw)))
    return raw[:place] + b'"' + raw[place:]


def strange_text(raw, rng):
    rows = table(raw)
    cell = ("\x00", "\x1b[31m", "\u202e", "a" * 100_000, "\ud83d".encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
            "'; DROP TABLE", "{{7*7}}", "../../etc")[int(rng.integers(8))]  # fmt: skip
    rows[int(rng.integers(1, len(rows)))][int(rng.integers(len(rows[0])))] = cell
    return written(rows)


ANY = (flip_bytes, cut, drop_bytes, line_ends, quote)
OF_TABLES = (swap_cells, duplicate_rows, shuffle_rows, drop_column, swap_columns, impossible_number, other_encoding,
             other_separator, strange_text)  # fmt: skip


def seen(raw):
    """Counts as Python's csv reader sees them, split by what its first line has most of."""
    text = raw.decode("utf-8-sig")
    first = text.split("\n", 1)[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t|", key=first.count))
    return [
        (row["source"].strip(), row["variable"].strip(), row["category"].strip(), int(row["events"]), int(row["total"]))
        for row in rows
    ]


@pytest.mark.parametrize("part", range(10))
def test_a_spoilt_folder_is_refused_with_its_place_or_read_as_it_stands(part, tmp_path, record_property):
    record_property("campaign", ["folders", MUTATIONS // 10 // SHARE, 0, ""])
    names = sorted(rm.findings())
    refused = loaded = 0
    for number in range(part * MUTATIONS // 10, (part + 1) * MUTATIONS // 10, SHARE):
        rng = np.random.default_rng([20261124, number])
        folder = tmp_path / "spoilt"
        shutil.copytree(SHIPPED / names[number % len(names)], folder)
        file = FILES[int(rng.integers(len(FILES)))]
        how = ANY + OF_TABLES if file.endswith(".csv") else ANY
        mutation = how[int(rng.integers(len(how)))]
        path = folder / file
        path.write_bytes(mutation(path.read_bytes(), rng))
        try:
            evidence = rm.load_evidence(folder)
        except rm.EvidenceError as error:
            refused += 1
            assert error.problems, (number, mutation)
            for problem in error.problems:
                assert problem.file in FILES, (number, problem)
                assert problem.what, (number, problem)
                assert problem.remedy, (number, problem)
            json.dumps(error.to_dict())
        else:
            loaded += 1
            counts = [(c.source, c.variable, c.category, c.events, c.total) for c in evidence.all_counts]
            assert counts == seen((folder / "counts.csv").read_bytes()), (number, mutation)
            model = rm.fit(evidence)
            for outcome in evidence.finding.outcomes:
                if outcome.headline:
                    mean = model.risk(outcome.name).mean
                    assert mean is None or 0 <= mean <= 1, (number, mutation)
        shutil.rmtree(folder)
    assert refused > 0
    assert refused + loaded == MUTATIONS // 10 // SHARE
