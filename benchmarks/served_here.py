"""A server of our own on a free port of this machine, for as long as it is measured."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator


@contextlib.contextmanager
def server(*options: str, warm: bool = False) -> Iterator[str]:
    """Its address, when it answers; with `warm`, when every state has been worked out."""
    command = [sys.executable, "-m", "riskmodel", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"(http://\S+)/ ", process.stderr.readline())
        assert found is not None
        address = found[1]
        try:
            deadline, ready = time.monotonic() + 180, 0
            while warm and ready < 20 and time.monotonic() < deadline:
                health = json.load(urllib.request.urlopen(f"{address}/healthz"))
                # Workers answer by turns: all of them are warm when twenty answers in a row say so.
                ready = ready + 1 if all(one["warm"] for one in health["findings"].values()) else 0
                time.sleep(0.02 if ready else 1)
            yield address
        finally:
            process.terminate()
            process.wait(30)
