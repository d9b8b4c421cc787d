"""Risks that depend on each other as a finite mixture: in each of some ways they are independent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.kept import Value, kept

Array = NDArray[np.float64]
Places = NDArray[np.int64]

#: Logits of the levels of its margin at which a risk's density is compared with that under each set of counts.
TILT_STEP = 0.5
TILT_LOGITS = np.arange(-32, 33) * TILT_STEP
#: Steps into which each of theirs is cut where levels are many.
FINE = 16


def distinct(rows: Places) -> tuple[Places, Places]:
    """Rows of counts that differ, ascending, and which of them each is: by a number for each, where NumPy sorts records."""
    key, span = np.zeros(len(rows), np.int64), 1
    for column in rows.T:
        values = int(column.max(initial=0)) + 1
        if span * values > 2**62:
            key = np.unique(key, return_inverse=True)[1].astype(np.int64)
            span = int(key.max()) + 1
        key, span = key * values + column, span * values
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    return rows[first], place


def finer(rows: Array, steps: int = FINE) -> Array:
    """Values at so many times as many even steps along each row: cubics through them (Catmull and Rom 1974)."""
    padded = np.concatenate([2 * rows[:, :1] - rows[:, 1:2], rows, 2 * rows[:, -1:] - rows[:, -2:-1]], axis=1)
    before, first, second, after = (padded[:, i : i + rows.shape[1] - 1, None] for i in range(4))
    t = np.arange(steps) / steps
    bend = 2 * before - 5 * first + 4 * second - after + t * (3 * (first - second) + after - before)
    inside = first + 0.5 * t * (second - before + t * bend)
    return np.concatenate([inside.reshape(len(rows), -1), rows[:, -1:]], axis=1)


def finer_ratios(ratios: Array, steps: int = FINE) -> Array:
    """Ratios at so many times as many levels, by cubics through their logarithms."""
    return np.asarray(np.exp(finer(np.log(np.clip(ratios, 1e-9, 1e9)), steps)))


@dataclass(frozen=True, eq=False)
class Tilt(Value):
    """What one risk is under each of some sets of counts: densities over its margin's, and means."""

    ratios: Array  # of shape (sets, levels), at the levels of `TILT_LOGITS`
    means: Array  # of the risk under each set, of shape (sets,)

    @kept
    def fine(self) -> Array:
        """Ratios at `FINE` times as many levels, of shape (sets, levels)."""
        return finer_ratios(self.ratios)

    def at(self, logits: Array) -> Array:
        """Ratios at levels with these logits, of shape (sets, levels)."""
        step = TILT_STEP / FINE
        place = np.rint((np.clip(logits, TILT_LOGITS[0], TILT_LOGITS[-1]) - TILT_LOGITS[0]) / step).astype(int)
        return np.asarray(self.fine[:, place])


@dataclass(frozen=True, eq=False)
class Ties(Value):
    """Ways in which risks go together, and what each risk is in each way."""

    weights: Array  # probability of each way, of shape (ways,)
    sets: Mapping[int, Places]  # for each tied edge, the set of counts of each way
    tilts: Mapping[int, Tilt]

    def rows(self, edges: Iterable[int]) -> tuple[list[int], Places, Places]:
        """Which of some edges are tied, the combinations of their sets, and which of those each way has."""
        tied = [edge for edge in edges if edge in self.sets]
        held = np.stack([self.sets[edge] for edge in tied]) if tied else np.zeros((0, self.weights.size), np.int64)
        combinations, place = distinct(held.T)
        return tied, combinations.T, place

    def among(self, edges: Iterable[int]) -> Ties | None:
        """The ways as some edges can tell them apart; None where they cannot."""
        tied, combinations, place = self.rows(edges)
        if not tied:
            return None
        weights = np.bincount(place, self.weights, minlength=combinations.shape[1])
        return Ties(weights, dict(zip(tied, combinations, strict=True)), {edge: self.tilts[edge] for edge in tied})

    def only(self, way: int) -> Ties:
        """One way alone."""
        return Ties(np.ones(1), {edge: sets[[way]] for edge, sets in self.sets.items()}, self.tilts)

    def beside(self, edge: int, sets: Places, tilt: Tilt) -> Ties:
        """The ways with one more edge that they tell apart."""
        return Ties(self.weights, {**self.sets, edge: sets}, {**self.tilts, edge: tilt})

    def weighted(self, factors: Array) -> Ties:
        """The ways with their probabilities multiplied by factors, of shape (ways,)."""
        weights = self.weights * factors
        return Ties(weights / weights.sum(), self.sets, self.tilts)

    def means(self) -> dict[int, Array]:
        """Mean of each tied risk in each way, of shape (ways,)."""
        return {edge: self.tilts[edge].means[place] for edge, place in self.sets.items()}
