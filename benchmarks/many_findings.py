"""How many findings a second: fit_all on one process, a pool of processes and a Dask LocalCluster, by number of findings.

    python benchmarks/many_findings.py [--jobs 2] [--findings 1000]

Each finding has four branches with counts simulated for it, so that no two are alike. A record is made of each: every
branch and headline outcome with its interval and error, the audit, and how wider counts agree.
"""

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel.evidence.manifest import SHIPPED, TEMPLATE

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
    lines = [(SHIPPED / TEMPLATE / "counts.csv").read_text(encoding="utf-8").splitlines()[0]]
    for name, state, given, size in BRANCHES:
        risk = rng.beta(2, 3)
        for source, setting in (
            ("Example 2001", "referral"),
            ("Example 2005", "routine"),
            ("Example 2010", "referral"),
        ):
            total = int(rng.integers(size // 2, size * 2))
            events = rng.binomial(total, risk)
            lines.append(
                f"{source},{name},{state},{given},{events},{total},with_finding,,{setting},excluded,abstract,primary,,,"
            )
    (folder / "counts.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def seconds(paths, executor=None):
    start = time.perf_counter()
    found = rm.fit_all(paths, executor=executor)
    spent = time.perf_counter() - start
    assert len(found.records) == len(paths), found.failed
    return spent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--findings", type=int, default=1000)
    options = parser.parse_args()
    sizes = sorted({10, 100, options.findings})
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place) / f"finding-{number:05d}" for number in range(max(sizes))]
        for number, path in enumerate(paths):
            write(path, number)
        rm.fit_all(paths[:2])
        print(f"Python {platform.python_version()}, {options.jobs} processes\n")
        print("| Findings | one process, findings/s (branches/s) | processes | Dask LocalCluster |")
        print("| --- | --- | --- | --- |")
        from distributed import Client, LocalCluster

        cluster = LocalCluster(
            n_workers=options.jobs, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", processes=True
        )
        with workers(options.jobs) as pool, cluster, Client(cluster) as client:
            dask = client.get_executor(pure=False)  # or repeated calls are answered from memory
            # Workers import the package before the clock runs.
            seconds(paths[: 4 * options.jobs], pool)
            seconds(paths[: 4 * options.jobs], dask)
            for size in sizes:
                times = [
                    statistics.median(seconds(paths[:size], executor) for _ in range(3 if size <= 100 else 1))
                    for executor in (None, pool, dask)
                ]
                rates = [size / spent for spent in times]
                cells = [f"{rates[0]:.1f} ({4 * rates[0]:.0f})", *(f"{r:.1f} ({r / rates[0]:.2f})" for r in rates[1:])]
                print(f"| {size:,} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
