"""What a fitted tree predicts for one more count, and how each coarse count agrees with what it did not feed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.agreement import Agreement, Foretold, agreement, predicted
from riskmodel.distributions.diagram import edges_of
from riskmodel.evidence.finding import Count

if TYPE_CHECKING:
    from riskmodel.tree.branches import Branches
    from riskmodel.tree.model import ProbabilityTree


def coarse_agreement(tree: ProbabilityTree, row: Count) -> tuple[Count, Agreement | None, str]:
    """A coarse count, how it agrees with the branches' own counts, or why it cannot be read through the tree."""
    branches = tree.fitted
    found, reason, _ = branches.read(row, {})
    if found is None:
        return row, None, reason
    untold = _untold(branches, edges_of(found.node))
    if untold:
        return row, None, f"not compared: {untold}"
    compared = agreement(found, {i: branches.posterior(i) for i in edges_of(found.node)})
    return row, compared, "" if compared else f"not compared: {row.total:,} fetuses are too many to predict"


def foretold(tree: ProbabilityTree, row: Count) -> Foretold:
    """What a tree's counts predict for one more count, of a series that is not among them.

    The events of the row are used for the log score alone; without a prediction there is the reason.
    """
    evidence, branches = tree.evidence, tree.fitted
    declared = evidence.finding.variable(row.variable)
    if row.role != "fit":
        return Foretold(None, None, "it enters no fit")
    if declared is None:
        rows = evidence.select(variable=row.variable, category=row.category, given=row.given, setting=tree.setting)
        if not rows:
            return Foretold(None, None, "no series counted this before")
        return _scored(branches.pooled(rows).predict(row.total), row.events)
    if row.category not in declared.states:
        return Foretold(None, None, "shares of kinds are not predicted")
    found = branches.read(row, {})
    if found.coarse is None:
        return Foretold(None, None, found.reason)
    places = edges_of(found.coarse.node)
    if untold := _untold(branches, places):
        return Foretold(None, None, untold)
    pmf = predicted(found.coarse, {i: branches.posterior(i) for i in places})
    if pmf is None:
        return Foretold(None, None, f"{row.total:,} fetuses are too many to predict")
    return _scored(pmf, row.events)


def _untold(branches: Branches, places: frozenset[int]) -> str:
    """Why some branches foretell nothing: a prior alone does not. Empty where all have counts of their own."""
    unfed = [i for i in sorted({place % len(branches.edges) for place in places}) if branches.unfed(i)]
    return f"it needs a branch without counts of its own: {branches.edges[unfed[0]].said}" if unfed else ""


def _scored(pmf: NDArray[np.float64], events: int) -> Foretold:
    probability = float(pmf[events])
    return Foretold(pmf, math.log(probability) if probability > 0 else None, "")
