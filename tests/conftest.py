"""Fixtures that every test may use, and how tests are shared out between processes."""

import gc
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before NumPy is loaded: threads of two processes wait for each other's, a fifth of all time on two cores (2026-11).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import riskmodel as rm
from riskmodel._support import kept
from riskmodel._support.executors import workers
from riskmodel.evidence.manifest import SHIPPED

# Bounded, and the same every time: a failure in CI is a failure here. Nothing is judged by a clock.
settings.register_profile(
    "house",
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("house")


def pytest_collection_modifyitems(config, items):
    """Begin each process's share with slow tests, a file's together: they share what is fitted, and the quick even things out.

    A process takes from another, from the end, when it has nothing left (``--dist worksteal``): what is last must be quick.
    """
    shares = getattr(config, "workerinput", {}).get("workercount", 1)
    if shares == 1:
        return
    quick, slow = [], {}
    for item in items:
        if item.get_closest_marker("slow") or item.path.suffix == ".md":
            slow.setdefault(item.path, []).append(item)
        else:
            quick.append(item)
    files, left = list(slow.values()), len(items)
    items.clear()
    for share in range(shares):
        begin = [item for file in files[share::shares] for item in file]
        size = left // (shares - share)  # as the scheduler divides
        filled = max(0, size - len(begin))
        items += begin + quick[:filled]
        del quick[:filled]
        left -= size
    items += quick


def pytest_collection_finish():
    """Leave what was collected and imported to itself: looking through it for garbage is a twentieth of all time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)


RELIABILITY = Path(__file__).parent.parent / "docs" / "reliability.md"


def pytest_terminal_summary(terminalreporter):
    """Write what the campaigns of this run tried into the table of ``docs/reliability.md``, where it is asked for."""
    if not os.environ.get("RISKMODEL_WRITE"):
        return
    rows = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") == "call":
                for name, value in report.user_properties:
                    if name == "campaign":
                        kind, tried, failed, note = value
                        before = rows.get(kind, (0, 0, ""))
                        rows[kind] = (before[0] + tried, before[1] + (failed or report.failed), note or before[2])
    if rows:
        head, begin, rest = RELIABILITY.read_text(encoding="utf-8").partition("| Kind |")
        _, _, tail = rest.partition("\n\n")
        lines = [f"{begin} Tried | Failed | Beside |", "| --- | ---: | ---: | --- |"]
        lines += [f"| {kind} | {tried:,} | {failed} | {note} |" for kind, (tried, failed, note) in sorted(rows.items())]
        RELIABILITY.write_text(head + "\n".join(lines) + "\n\n" + tail, encoding="utf-8")


HEPATIC = "fetal-hepatic-calcification"


@pytest.fixture(scope="session")
def evidence():
    return rm.load_evidence(HEPATIC)


@pytest.fixture(scope="session")
def model(evidence):
    return rm.fit(evidence)


@pytest.fixture(scope="session")
def fine(evidence):
    """The tree with the branches' own counts only, under the prior of `pool`: no count of a coarser group."""
    coarse = evidence.coarse()
    assert {row.source for row in coarse} == {"Koopman 1998", "Achiron 1996", "Avni 1994"}
    return rm.fit(
        replace(evidence, counts=tuple(row for row in evidence.counts if row not in coarse)), prior="jeffreys"
    )


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped finding that a test may spoil."""
    path = tmp_path / HEPATIC
    shutil.copytree(SHIPPED / HEPATIC, path)
    return path


@pytest.fixture
def nothing_kept(monkeypatch):
    """Nothing is kept beside a value or on a shelf; what other tests left there is back when the test has ended."""
    shelves = [(shelf, dict(shelf)) for shelf in kept._SHELVES]
    monkeypatch.setattr(kept, "_BESIDE", {})
    kept.clear()
    yield
    for shelf, held in shelves:
        shelf.clear()
        shelf.update(held)


@pytest.fixture(scope="session")
def processes():
    """Two processes, which have imported the package once for every test that sends work."""
    with workers(2) as executor:
        yield executor


@pytest.fixture(scope="session")
def ask():
    """Run a task of `helpers/forked.py` in a fork, and get what came of it."""
    helper = Path(__file__).parent / "helpers" / "forked.py"
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, str(helper)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as server:

        def asked(**task):
            server.stdin.write(json.dumps(task) + "\n")
            server.stdin.flush()
            return json.loads(server.stdout.readline())

        yield asked
        server.stdin.close()


@pytest.fixture
def dask():
    """An executor of two processes of Dask's, whatever other clusters are up and however busy the machine is.

    Dask opens port 8787 even without its dashboard, and warns where another test's cluster has it; it warns of a slow disk
    too. A test that asks for this says ``filterwarnings("default")``, since here warnings are errors.
    """
    distributed = pytest.importorskip("distributed")
    import dask

    patient = dict.fromkeys(("distributed.comm.timeouts.connect", "distributed.comm.timeouts.tcp"), "1h")
    with (
        dask.config.set(patient),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", scheduler_kwargs={"dashboard": False},
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        distributed.Client(cluster) as client,
    ):  # fmt: skip
        yield client.get_executor()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The built site, with warnings as errors and without running the notebooks, which have a test of their own."""
    pytest.importorskip("sphinx", reason="the docs extra is not installed")
    root, work = Path(__file__).parent.parent, tmp_path_factory.mktemp("site")
    shutil.copytree(root / "docs", work / "docs", ignore=shutil.ignore_patterns("generated", "*.ipynb", "__pycache__"))
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--quiet", "-D", "nb_execution_mode=off"]
    done = subprocess.run(
        [*command, "-d", work / "doctrees", work / "docs", work / "html"], capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 0, done.stderr[-5000:]
    return work / "html"
