"""Schemathesis asks a server on this machine 5,000 things by its own OpenAPI: no fault of ours, no breach of a schema.

Run by ``make fuzz-api``; about that many, bounded in number and by the clock, and it stops by itself.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from served_here import server

#: Requests at most, over operations of the interface; and seconds after which it is stopped.
CASES, SECONDS = 5_000, 900
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "response_headers_conformance,unsupported_method,negative_data_rejection"
)


def main() -> int:
    with server() as address, tempfile.TemporaryDirectory() as folder:
        operations = 6  # a third of the nine have nothing to vary
        command = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{address}/openapi.json",
            "--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--mode", "all",
            "--max-examples", str(CASES // operations), "--seed", "1", "--workers", "2", "--suppress-health-check", "all",
            "--request-timeout", "60",
        ]  # fmt: skip
        return subprocess.run(command, timeout=SECONDS, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
