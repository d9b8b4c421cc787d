"""Files of at most 2 MB that are made to fill the memory or the day: each is read or refused, within 5 s and 500 MB.

Each is read by a fork of its own, whose processor time and memory the system tells. One in twenty runs here, of which no time is
judged; ``make soak`` runs all.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import MOST, RECORDS, TEXTS, WORKBOOKS

SOAK = bool(os.environ.get("RISKMODEL_SOAK"))

SECONDS, MEGABYTES = 5, 500


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_every_reader_is_bounded(tally, share, tmp_path):
    helper = Path(__file__).parent.parent / "helpers" / "measured.py"
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, str(helper), str(tmp_path), str(share)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == -(-len({**WORKBOOKS, **TEXTS, **RECORDS}) // share), done.stderr
    with tally("hostile files") as found:
        found.note = f"longest {max(row['seconds'] for row in rows):.1f} s, most memory {max(row['megabytes'] for row in rows)} MB"
        for row in rows:
            with found.one(str(row)):
                assert row["size"] <= MOST
                assert row["code"] in (0, 3)  # read, or refused with a message
                assert row["megabytes"] < MEGABYTES
                assert row["seconds"] < SECONDS or not SOAK
