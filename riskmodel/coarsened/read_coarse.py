"""Counts of coarser groups as the tree understands them: which branches they speak of, or why they cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

from riskmodel.coarsened.counts import LARGEST_COARSE, Cells, readable, too_many
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.diagram import Branch, Node, cancel, edges_of, restrict
from riskmodel.evidence.finding import Count, Finding

#: Unknown branches of one question whose values are all tried: 256 answers.
MOST_UNKNOWN = 8


@dataclass(frozen=True)
class Coarse:
    """A coarse count and the diagram of its question."""

    row: Count  # the count
    node: Node  # what it says of the branches, unknown ones filled
    known: Cells  # cells of the same series


class Reading(NamedTuple):
    """A coarse count as it was read."""

    coarse: Coarse | None  # none where it cannot be read
    reason: str = ""  # why it cannot be read; empty where it can
    too_large: bool = False  # whether it could be read if it had fewer fetuses


def read_coarse(row: Count, finding: Finding, counts: Sequence[Sequence[Count]], fixed: Mapping[int, float]) -> Reading:
    """A coarse count as a diagram of the branches that counts feed, or why it cannot be read.

    `fixed` has values of unknown branches that have a definition, by their place in the finding's edges; the definitions
    hold otherwise.
    """
    edges = finding.edges
    try:
        top = diagram(finding, dict(row.given) | {row.variable: row.category})
        bottom = diagram(finding, dict(row.given))
    except NotOnTreeError as reason:
        return Reading(None, str(reason))
    top, bottom = cancel(top, bottom)
    filled: dict[int, float] = {}
    for i, edge in enumerate(edges):
        if edge.status == "unknown" and edge.probability is not None:
            filled[i] = fixed.get(i, edge.probability)
    whole = top, bottom
    top, bottom = cancel(*(restrict(part, filled) for part in whole))
    blanks = [edges[i].said for i in sorted(edges_of(top) | edges_of(bottom)) if not counts[i]]
    if blanks:
        return Reading(None, f"it needs a branch without counts: {blanks[0]}")
    if bottom != 1.0:
        return Reading(None, "its group is not one that the tree passes through")
    if not isinstance(top, Branch):
        return Reading(None, "the definitions alone answer it")
    if not readable(top):
        return Reading(None, "a stated independence puts one branch on both sides of a choice")
    if row.total > LARGEST_COARSE:
        return Reading(None, f"more than {LARGEST_COARSE} fetuses are not divided over the branches", too_large=True)
    if len(filled) > MOST_UNKNOWN:
        return Reading(None, f"more than {MOST_UNKNOWN} unknown branches decide what it says")
    # At every value of the unknown branches or at none, so that bounds compare the same evidence.
    corners = [dict(zip(filled, values, strict=True)) for values in product((0.0, 1.0), repeat=len(filled))]
    if any(too_many(cancel(*(restrict(part, at) for part in whole))[0], row.events, row.total) for at in corners):
        return Reading(None, "its fetuses can have divided over the branches in too many ways", too_large=True)
    known = {i: (own.events, own.total) for i in edges_of(top) for own in counts[i] if own.source == row.source}
    return Reading(Coarse(row, top, known))
