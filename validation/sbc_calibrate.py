"""Simulation-based calibration: whether posteriors are right on average over counts that their own model produces.

Parameters are drawn from the priors and counts from the parameters; the true value of each quantity then falls anywhere in
its posterior with equal probability (Talts et al. 2018). Work is split into chunks of replications, each replication with a
stream of random numbers of its own, so that one process and many give the same record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel._support.executors import Progress, finished
from riskmodel._support.fingerprint import code_fingerprint
from riskmodel.errors import InputError, UnknownNameError
from sbc_generator import MOST_SERIES, SIZES, Generator
from sbc_record import SBCRecord
from sbc_replicate import Chunk, Fit, FunctionFit, PoolFit, SamplerFit, judge

if TYPE_CHECKING:
    from concurrent.futures import Executor

METHODS = ("exact", "nuts")
#: Replications where none are named: as many as about a minute allows on two cores, and four minutes for the sampler.
REPLICATIONS = {
    "beta-binomial": 10_000,
    "contaminated-beta-binomial": 1_000,
    "logit-normal": 2_000,
    "logit-t": 200,
    "nuts": 200,
}
#: Replications of one chunk: many chunks for each worker, and for the sampler few compilations.
_CHUNK = {"exact": 100, "logit-t": 20, "nuts": 20}


def simulation_based_calibration(
    model: str = "beta-binomial",
    *,
    method: str = "exact",
    prior: Any = "jeffreys",
    heterogeneity: Any = "default",
    replications: int | None = None,
    seed: int = 1,
    executor: Executor | None = None,
    fit: Callable[..., Any] | None = None,
    sizes: Sequence[int] = SIZES,
    most_series: int = MOST_SERIES,
    progress: Progress | None = None,
) -> SBCRecord:
    """Judge a model's posteriors by counts drawn from the model; `fit` judges another function of events and totals.

    prior and heterogeneity are as `pool` takes them; `sizes` are totals, equally likely for each series, and numbers of
    series from 1 to `most_series` are equally likely. The record is the same in any executor, dates and timings aside.
    """
    started = time.monotonic()
    generator = Generator.of(model, prior, heterogeneity, sizes=sizes, most_series=most_series)
    judged = _fit(generator, model, method, prior, heterogeneity, fit)
    usual = REPLICATIONS["nuts" if method == "nuts" else model]
    number = usual if replications is None else replications
    for value, where, least in ((number, "replications", 1), (seed, "seed", 0)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{value!r} is not a whole number of at least {least}", where=where)
    size = _CHUNK.get(model, _CHUNK[method])
    chunks = [Chunk(generator, judged, seed, first, min(first + size, number)) for first in range(0, number, size)]
    tasks = {chunk.label: chunk for chunk in chunks}
    settings = {
        "model": model,
        "method": method,
        "fit": str(judged),
        "prior": str(generator.mu_prior),
        "heterogeneity_prior": str(generator.heterogeneity_prior),
        "sizes": list(generator.sizes),
        "most_series": most_series,
        "replications": number,
        "seed": seed,
    }
    done = dict(finished(judge, tasks, executor, progress=progress))
    return SBCRecord(
        **SBCRecord.header(code_of(method)),
        settings=settings,
        seconds=round(time.monotonic() - started, 1),
        chunks={label: done[label] for label in tasks},
    )


def code_of(method: str) -> str:
    """Fingerprint of the code behind a calibration: the package's and what is beside this file."""
    beside = tuple(Path(__file__).with_name(name) for name in ("sbc_generator.py", "sbc_replicate.py"))
    return code_fingerprint("sampled simulation" if method == "nuts" else "simulation", beside=beside)


def _fit(generator: Generator, model: str, method: str, prior: Any, heterogeneity: Any, fit: Any) -> Fit:
    if method not in METHODS:
        raise UnknownNameError("method", str(method), METHODS, where="method")
    if fit is not None:
        if not callable(fit):
            raise InputError(f"{fit!r} is not a function", where="fit", remedy="Give one of events and totals")
        return FunctionFit(fit)
    if method == "exact":
        return PoolFit(model, prior, heterogeneity)
    if model != "beta-binomial":
        raise InputError(
            "the sampler has the beta-binomial model only", where="method", remedy='Use method="exact" for this model'
        )
    return SamplerFit(generator)
