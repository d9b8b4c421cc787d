"""Command lines put together at random, printed in five encodings: an answer or a message, and never a fault of the program's own.

One in twenty runs here; ``make soak`` runs all. Seeded: the same lines every time.
"""

import io
import json
import sys

import numpy as np
import pytest

from riskmodel.cli import main
from riskmodel.evidence.manifest import SHIPPED

LINES = 1200
ENCODINGS = ("utf-8", "ascii", "cp932", "cp437", "cp850")
TEMPLATE = str(SHIPPED / "template")
COMMANDS = (
    ["consult", "--finding", TEMPLATE], ["consult"], ["pool"], ["pool", "3/20", "1/15"], ["prior"], ["prior", "--mean", "0.1", "--n", "20"],
    ["calibrate", "--corpus"], ["refit", "--finding", TEMPLATE], ["fit-all"], ["evidence"], ["evidence", "show", TEMPLATE],
    ["evidence", "check"], ["evidence", "check", TEMPLATE], ["evidence", "audit", TEMPLATE], ["evidence", "ledger", TEMPLATE, "--no-moves"],
    ["evidence", "export", TEMPLATE], ["evidence", "template"], ["evidence", "page", "nosuch"], ["nosuch"], [], ["serve", "--nosuch"],
)  # fmt: skip
WORDS = (
    "--json", "--markdown", "--fhir", "--help", "-h", "--version", "--no-pager", "--setting", "--reading", "--audience", "--detail",
    "--test-errors", "--finding", "--prior", "--heterogeneity", "--model", "--quantiles", "--components", "--robustify", "--counts",
    "--rule", "--by", "a,b", "era=1,2", "--mean", "--n", "--source", "--sheet", "--hidden", "--merge", "--save", "--picture", "--out", "--jobs", "--seed",
    "--records", "--anatomy", "--karyotype", "--weeks", "--size", "--foci", "isolated", "normal", "patient", "researcher", "all",
    "evidence", "primary", "any", "jeffreys", "1,1", "0", "-1", "0.5", "nan", "1e400", "3/20", "20/3", "3/0", "9" * 5000, "", " ", "-", "--",
    "=", "=1+1", "--=x", "\u00fc", "\u6f22\u5b57", "\U0001f600", "\ud800", "\x1b[31m", "\u202e", "$HOME", "~nosuch", "/dev/null", ".", "..",
    "x" * 5000, "a\nb", "P(risk < 0.2) > 0.9", "0.05=0.02,0.95=0.4", "<script>", "%s%n", "{}", "nowhere.csv", TEMPLATE, "20+3", "5x4x3",
)  # fmt: skip


def said(arguments, encoding):
    """Exit code, standard output and standard error of a command line in this process."""
    kept = sys.stdout, sys.stderr
    streams = [io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in kept]
    sys.stdout, sys.stderr = streams
    try:
        with pytest.raises(SystemExit) as stop:
            main(arguments)
    finally:
        sys.stdout, sys.stderr = kept
    return stop.value.code, *(one.buffer.getvalue().decode(encoding) for one in streams)


def test_a_line_put_together_at_random_is_answered_or_told(tally, share, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with tally("argument lines") as found:
        for number in range(0, LINES, share):
            rng = np.random.default_rng([20261129, number])
            line = [
                *COMMANDS[int(rng.integers(len(COMMANDS)))],
                *(WORDS[i] for i in rng.integers(0, len(WORDS), rng.integers(0, 7))),
            ]
            encoding = ENCODINGS[number // share % len(ENCODINGS)]
            with found.one(f"{number}: {line!r:.300} in {encoding}"):
                code, out, told = said(line, encoding)
                assert code in (0, 2), (code, told)
                assert code == 0 or told or "--help" in line
                assert "\x1b[31m" not in out + told
                if "--json" in line and out.startswith("{"):
                    json.loads(out)
    assert list(tmp_path.rglob(".*")) == []
