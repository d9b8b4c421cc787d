"""How to sample: the options of PyMC's No-U-Turn sampler, checked, and a quiet run with them."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from riskmodel.errors import InputError, UnavailableError, UnknownNameError

Counts = NDArray[np.int64]

#: A series' log-likelihood is a sum of as many logarithms as it has fetuses.
LARGEST_TOTAL = 20_000


@dataclass(frozen=True)
class Options:
    """Options of the sampler, checked."""

    draws: int = 2000  # draws, tune: kept draws and warm-up of each chain
    tune: int = 1500
    chains: int = 4  # how many chains, one after the other in this process
    seed: int = 0
    target_accept: float = 0.95  # acceptance that step sizes aim at
    progressbar: bool = False  # whether PyMC shows its progress

    def __post_init__(self) -> None:
        for name, low in (("draws", 100), ("tune", 100), ("chains", 2), ("seed", 0)):
            value = getattr(self, name)
            high = 2**32 - 1 if name == "seed" else 1_000_000
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not low <= value <= high:
                raise InputError(f"{value!r} is not a whole number from {low:,} to {high:,}", where=name)
            object.__setattr__(self, name, int(value))
        if not 0.5 <= self.target_accept < 1:
            raise InputError(f"{self.target_accept!r} is not in [0.5, 1)", where="target_accept")

    @classmethod
    def given(cls, stated: Mapping[str, Any], **usual: Any) -> Self:
        """Options as a caller stated them, over what is usual for a model; None stands for the usual."""
        known = [one.name for one in fields(cls)]
        for name in stated:
            if name not in known:
                raise UnknownNameError("sampler option", name, known, where="pool")
        return cls(**usual | {name: value for name, value in stated.items() if value is not None})

    def stepper(self) -> Any:
        """A compiled step of the sampler, for the model in whose context this is called."""
        import pymc as pm
        from pytensor.compile.mode import get_default_mode

        with _quiet():
            # The first rewrite tries every product of sums: minutes, where the rest of compiling takes seconds. The second
            # finds results that may overwrite others: half of those seconds, and no draw comes sooner for it (2026-11).
            mode = get_default_mode().excluding("local_greedy_distributor", "inplace_elemwise")
            return pm.NUTS(target_accept=float(self.target_accept), compile_kwargs={"mode": mode, "trust_input": True})

    def run(self, initial: Mapping[str, Any], step: Any) -> Any:
        """Sample the model in whose context this is called."""
        import pymc as pm

        with _quiet():
            return pm.sample(
                draws=self.draws,
                tune=self.tune,
                chains=self.chains,
                cores=1,
                random_seed=self.seed,
                initvals=dict(initial),
                step=step,
                nuts_sampler="pymc",
                progressbar=self.progressbar,
                compute_convergence_checks=False,
            )


class Compiled:
    """A model whose counts are data of it, and the step that samples it: compiling takes seconds."""

    def __init__(self, model: Any, options: Options) -> None:
        self.model, self.lock = model, Lock()
        with model:
            self.step = options.stepper()
        self.fresh = self.step.sampling_state

    def run(self, data: Mapping[str, Any], initial: Mapping[str, Any], options: Options) -> Any:
        """Sample one posterior, the same whatever was sampled before; steps keep the acceptance they were made for."""
        import pymc as pm

        with self.lock, self.model:
            pm.set_data(dict(data))
            self.step.sampling_state = self.fresh
            return options.run(initial, self.step)


def check_totals(totals: Counts) -> None:
    """Refuse totals whose factors are too many to multiply at every step."""
    if totals.size and totals.max() > LARGEST_TOTAL:
        raise UnavailableError(
            f"a total of {totals.max():,} is above {LARGEST_TOTAL:,} for the sampler",
            where="method",
            remedy='Use method="exact", which has no such limit',
        )


def start(events: Counts, totals: Counts) -> np.float64:
    """Where chains start in logit(mu): the pooled odds, half an event added to each side."""
    return np.float64(np.log((events.sum() + 0.5) / ((totals - events).sum() + 0.5)))


@contextmanager
def _quiet() -> Iterator[None]:
    """PyMC's messages and its dependencies' deprecations are not for the reader of a risk."""
    logger = logging.getLogger("pymc")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)
