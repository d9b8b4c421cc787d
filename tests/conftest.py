"""Fixtures that every test may use."""

import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings

import riskmodel as rm
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

HEPATIC = "fetal-hepatic-calcification"


@pytest.fixture(scope="session")
def evidence():
    return rm.load_evidence(HEPATIC)


@pytest.fixture(scope="session")
def model(evidence):
    return rm.fit(evidence)


@pytest.fixture(scope="session")
def fine(evidence):
    """The tree with the branches' own counts only: no count of a coarser group."""
    coarse = evidence.coarse()
    assert {row.source for row in coarse} == {"Koopman 1998", "Achiron 1996", "Avni 1994"}
    return rm.fit(replace(evidence, counts=tuple(row for row in evidence.counts if row not in coarse)))


@pytest.fixture
def folder(tmp_path):
    """A copy of the shipped finding that a test may spoil."""
    path = tmp_path / HEPATIC
    shutil.copytree(SHIPPED / HEPATIC, path)
    return path


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
