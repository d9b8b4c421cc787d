"""What may be judged: named configurations of `pool`, others of the same kind, and functions of a user's own.

A predictor takes the counts of some series and the size of a new one, and gives the probabilities of 0 to that many
events in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.checks import shown
from riskmodel.errors import InputError, RiskModelError, UnavailableError, UnknownNameError
from riskmodel.inference.pool import pool
from riskmodel.priors import as_heterogeneity_prior, as_mu_prior

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

#: Models of `pool`.
MODELS = ("beta-binomial", "logit-normal")
#: How far a predictive distribution's sum may be from one.
SUM_TOLERANCE = 1e-6


class Predictor(Protocol):
    """Counts of some series, and the size of a new one, to the probabilities of its number of events."""

    @property
    def name(self) -> str:
        """Its row in a record."""

    def __call__(self, events: Counts, totals: Counts, total: int) -> Array:
        """Probabilities of 0 to `total` events."""

    def to_dict(self) -> dict[str, str]:
        """What it is, as a record says."""


@dataclass(frozen=True)
class PoolPredictor:
    """A configuration of `pool`.

    Parameters
    ----------
    name : str
        Its row in a record.
    prior, heterogeneity, model
        As `riskmodel.inference.pool` takes them.
    title : str
        What it is, in words.
    """

    name: str
    prior: Any = "jeffreys"
    heterogeneity: Any = "default"
    model: str = "beta-binomial"
    title: str = ""

    def __call__(self, events: Counts, totals: Counts, total: int) -> Array:
        """Predictive probabilities of a new series from a new setting, ndarray of shape (total + 1,)."""
        model: Any = self.model
        try:
            post = pool(events, totals, prior=self.prior, heterogeneity=self.heterogeneity, model=model)
            return post.predict(total)
        except RiskModelError as refusal:
            raise UnavailableError(refusal.message) from refusal

    def to_dict(self) -> dict[str, str]:
        """Model and priors written out, so that a name whose meaning changes does not hide it."""
        heterogeneity = as_heterogeneity_prior(self.heterogeneity)
        return {
            "name": self.name,
            "title": self.title,
            "kind": "pool",
            "model": self.model,
            "prior": str(as_mu_prior(self.prior)),
            "heterogeneity": "heterogeneity 0" if heterogeneity is None else str(heterogeneity),
        }


@dataclass(frozen=True)
class FunctionPredictor:
    """A function of a user's own."""

    name: str  # its row in a record
    #: From events, totals (ndarrays of int, shape (series,)) and the total of a new series to an array of shape
    #: (total + 1,).
    function: Callable[[Counts, Counts, int], Any]

    def __call__(self, events: Counts, totals: Counts, total: int) -> Array:
        """Whatever the function gives; `checked_pmf` looks at it."""
        result: Array = self.function(events, totals, total)
        return result

    def to_dict(self) -> dict[str, str]:
        """Its place; what the function does is its author's to record."""
        module, place = getattr(self.function, "__module__", "?"), getattr(self.function, "__qualname__", "?")
        return {"name": self.name, "title": "a user's function", "kind": "function", "function": f"{module}.{place}"}


#: Rows by name. The first three are what the bar of a calibration compares.
PREDICTORS: dict[str, PoolPredictor] = {
    one.name: one
    for one in (
        PoolPredictor("default", title="the package's default"),
        PoolPredictor("naive", prior=(1, 1), heterogeneity=0, title="naive pooling: Beta(1 + events, 1 + non-events)"),
        PoolPredictor(
            "rbest",
            prior=("normal", 0, 2),
            heterogeneity=("half-normal", 1),
            model="logit-normal",
            title="RBesT's default for binomial data: logit-normal",
        ),
        PoolPredictor("first-default", heterogeneity="first-default", title="the default before one was learned"),
        PoolPredictor("uniform-rho", heterogeneity="uniform-rho", title="every intra-class correlation alike"),
        PoolPredictor("rho-beta-1-9", heterogeneity="rho-beta-1-9", title="mean intra-class correlation 0.1"),
    )
}
#: What is judged where nothing is named: the others cost twice the time and no criterion needs them.
USUAL = ("default", "naive", "rbest")


def as_predictors(given: Any) -> tuple[Predictor, ...]:
    """Turn what `calibrate` takes as `predictors` into predictors."""
    if given is None:
        given = USUAL
    if isinstance(given, Mapping):
        found = [_as_predictor(value, str(name)) for name, value in given.items()]
    else:
        several = isinstance(given, Sequence) and not isinstance(given, str)
        found = [_as_predictor(value, None) for value in (given if several else [given])]
    if not found:
        raise InputError("nothing to judge", where="predictors", remedy=f"Name one: {', '.join(PREDICTORS)}")
    names = [one.name for one in found]
    for one in found:
        if names.count(one.name) > 1:
            remedy = "Give a dict with a name for each"
            raise InputError(f"two predictors are called {one.name!r}", where="predictors", remedy=remedy)
        one.to_dict()  # a prior that cannot be used is refused now, not after the first arm
    return tuple(found)


def _as_predictor(value: Any, name: str | None) -> Predictor:
    if isinstance(value, str):
        if value not in PREDICTORS:
            raise UnknownNameError("predictor", value, PREDICTORS, where="predictors")
        value = PREDICTORS[value]
    if isinstance(value, PoolPredictor) and value.model not in MODELS:
        raise UnknownNameError("model", value.model, MODELS, where="model")
    if isinstance(value, (PoolPredictor, FunctionPredictor)):
        return value if name is None else replace(value, name=name)
    if callable(value):
        return FunctionPredictor(str(name or getattr(value, "__name__", type(value).__name__)), value)
    remedy = "Give a name, a PoolPredictor, or a function of events, totals and total"
    raise InputError(f"{shown(value)} cannot predict", where="predictors", remedy=remedy)


def asked(
    *, prior: str | None = None, heterogeneity: str | None = None, model: str | None = None, rows: Sequence[str] = ()
) -> tuple[Predictor, ...]:
    """Predictors as a command line asks for them."""
    own = {"prior": prior, "heterogeneity": heterogeneity}
    given: dict[str, Any] = {name: stated(text) for name, text in own.items() if text is not None}
    given |= {} if model is None else {"model": model}
    first = [PoolPredictor("asked", title="as asked", **given)] if given else []
    return as_predictors([*first, *dict.fromkeys([*USUAL, *rows])])


def stated(text: str) -> Any:
    """Read a prior as a command line writes it."""
    parts: list[Any] = [part.strip() for part in text.split(",")]
    for i, part in enumerate(parts):
        try:
            parts[i] = float(part)
        except ValueError:
            continue
    if len(parts) == 1:
        return 0 if parts[0] == 0 else parts[0]
    return tuple(parts)


def checked_pmf(pmf: Any, total: int, *, name: str, where: str) -> Array:
    """Probabilities of 0 to `total` events, or an error that says whose and where they are none."""
    place = f"{name} at {where}"
    remedy = f"Give the probabilities of 0 to {total} events"
    try:
        values: Array = np.asarray(pmf, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{type(pmf).__name__} instead of probabilities", where=place, remedy=remedy) from None
    if values.shape != (total + 1,):
        raise InputError(f"shape {values.shape} where ({total + 1},) is due", where=place, remedy=remedy)
    wrong = np.flatnonzero(~np.isfinite(values) | (values < 0))
    if wrong.size:
        what = f"the probability of {wrong[0]} events is {values[wrong[0]]:.3g}"
        raise InputError(what, where=place, remedy=remedy)
    if abs(float(values.sum()) - 1) > SUM_TOLERANCE:
        raise InputError(f"the probabilities sum to {values.sum():.9g}", where=place, remedy=remedy)
    return values


def predicted(predictor: Predictor, events: Counts, totals: Counts, total: int, *, where: str) -> Array:
    """Ask a predictor, and check what it says."""
    try:
        pmf = predictor(events, totals, total)
    except UnavailableError:
        raise
    except Exception as error:
        raise InputError(
            f"{type(error).__name__}: {error}",
            where=f"{predictor.name} at {where}",
            remedy=f"It was given events {events.tolist()}, totals {totals.tolist()} and total {total}",
        ) from error
    return checked_pmf(pmf, total, name=predictor.name, where=where)
