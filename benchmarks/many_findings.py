"""Findings a second, memory and bytes moved: fit_all on one process, a pool and a Dask LocalCluster, by number of findings.

    python benchmarks/many_findings.py [--jobs 2] [--findings 100 1000 10000] [--write]

Each finding has four branches with counts simulated for it, so that no two are alike. A record is made of each: every
branch and headline outcome with its interval and error, the audit, and how wider counts agree. Every row is a process of
its own, whose memory is the system's mark of its highest; --write puts the table into README.md beside this script.
"""

import argparse
import contextlib
import csv
import functools
import itertools
import json
import pickle
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from peers.tables import write_between

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel.evidence.manifest import SHIPPED, TEMPLATE
from riskmodel.report.wording import table
from riskmodel.updating.many import record_of

FOUR = """
[[variables]]
name = "anatomy"
title = "survey"
plain_title = "the scan"
states = ["isolated", "associated"]
definition = "Simulated."
[[variables]]
name = "karyotype"
title = "karyotype"
plain_title = "the chromosome test"
states = ["normal", "abnormal"]
definition = "Simulated."
[[variables]]
name = "outcome"
title = "outcome"
plain_title = "how the baby is"
states = ["good", "poor"]
definition = "Simulated."
"""
BRANCHES = (
    ("anatomy", "associated", "", 40),
    ("karyotype", "abnormal", "anatomy=isolated", 30),
    ("outcome", "good", "anatomy=isolated; karyotype=normal", 25),
    ("outcome", "good", "anatomy=associated", 12),
)
USUAL = {"population": "with_finding", "terminations": "excluded", "basis": "abstract", "reading": "primary"}
UNKNOWN = "anatomy=isolated; karyotype=abnormal"


def write(folder, number):
    """A finding of four branches and an unknown one, three series in each."""
    rng = np.random.default_rng([11, number])
    folder.mkdir()
    template = (SHIPPED / TEMPLATE / "finding.toml").read_text(encoding="utf-8")
    head, tail = template[: template.index("[[variables]]")], template[template.index("[[outcomes]]") :]
    edges = "".join(
        f'[[edges]]\nvariable = "{name}"\ncategory = "{state}"\ngiven = "{given}"\nstatus = "counts"\n'
        for name, state, given, _ in BRANCHES
    )
    edges += f'[[edges]]\nvariable = "outcome"\ncategory = "good"\ngiven = "{UNKNOWN}"\nstatus = "unknown"\n'
    edges += 'definition = "Not followed."\n'
    (folder / "finding.toml").write_text(head + FOUR + edges + tail, encoding="utf-8")
    (folder / "sources.csv").write_bytes((SHIPPED / TEMPLATE / "sources.csv").read_bytes())
    header = (SHIPPED / TEMPLATE / "counts.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    with open(folder / "counts.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, header, lineterminator="\n")
        rows.writeheader()
        for name, state, given, size in BRANCHES:
            risk = rng.beta(2, 3)
            for source, setting in (
                ("Example 2001", "referral"),
                ("Example 2005", "routine"),
                ("Example 2010", "referral"),
            ):
                total = int(rng.integers(size // 2, size * 2))
                counts = {"events": int(rng.binomial(total, risk)), "total": total, "ascertainment": setting}
                rows.writerow(USUAL | counts | {"source": source, "variable": name, "category": state, "given": given})


WAYS = ("one process", "processes", "Dask LocalCluster")


@contextlib.contextmanager
def executor_of(way, jobs):
    if way == "Dask LocalCluster":
        from distributed import Client, LocalCluster

        cluster = LocalCluster(
            n_workers=jobs, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", processes=True
        )
        with cluster, Client(cluster) as client:
            yield client.get_executor(pure=False)  # or repeated calls are answered from memory
    else:
        with workers(1 if way == "one process" else jobs) as pool:
            yield pool


def megabytes(process="self"):
    """The most memory that a process has had."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def measured(way, jobs, paths):
    """Time, memory and bytes of one call, after workers have imported the package."""
    import psutil

    with executor_of(way, jobs) as executor, tempfile.TemporaryDirectory() as place:
        rm.fit_all(paths[: 4 * jobs], executor=executor)
        before, start = megabytes(), time.perf_counter()
        found = rm.fit_all(paths, executor=executor, save=place)
        spent, after = time.perf_counter() - start, megabytes()
        assert len(found.records) == len(paths), next(iter(found.failed.values()))
        others = [megabytes(one.pid) for one in psutil.Process().children(recursive=True)]
        how = {"setting": "any", "prior": "dirichlet-tree", "heterogeneity": "default"}
        task = functools.partial(record_of, reading="primary", many=True, **how), str(paths[0])
        moved = [len(pickle.dumps((record, ""))) for record in itertools.islice(found.records.values(), 100)]
        return {
            "seconds": spent,
            "before": before,
            "after": after,
            "worker": max(others, default=0.0),
            "task": len(pickle.dumps(task)),
            "result": sum(moved) / len(moved),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--findings", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--write", action="store_true", help="the table into benchmarks/README.md")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        way, place = options.one
        paths = sorted(Path(place).iterdir())[: options.findings[0]]
        print(json.dumps(measured(way, options.jobs, paths)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for number in range(max(options.findings)):
            write(Path(place) / f"finding-{number:06d}", number)
        for size in options.findings:
            for way in WAYS:
                command = [sys.executable, __file__, "--jobs", str(options.jobs), "--findings", str(size)]
                done = subprocess.run([*command, "--one", way, place], stdout=subprocess.PIPE, check=True, text=True)
                rows.append(row(size, way, json.loads(done.stdout.splitlines()[-1])))
                print("  ".join(rows[-1]), flush=True)
    head = ["Findings", "Way", "Findings/s", "ms each", "Parent, MB", "of it for a finding, kB", "A worker, MB"]
    text = table([*head, "Task, result: bytes each"], rows)
    said = f"Python {platform.python_version()}, riskmodel {rm.__version__}, {options.jobs} processes.\n\n{text}"
    print(said)
    if options.write:
        write_between(Path(__file__).with_name("README.md"), "many findings", said)


def row(size, way, one):
    each = 1024 * (one["after"] - one["before"]) / size
    cells = [f"{size:,}", way, f"{size / one['seconds']:.1f}", f"{1000 * one['seconds'] / size:.1f}"]
    cells += [f"{one['after']:.0f}", f"{each:.1f}", f"{one['worker']:.0f}" if one["worker"] else ""]
    return [*cells, f"{one['task']:,}, {one['result']:,.0f}" if one["worker"] else "none"]


if __name__ == "__main__":
    main()
