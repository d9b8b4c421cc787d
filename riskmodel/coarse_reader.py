"""Counts of coarser groups as the tree understands them: which branches they speak of, or why they cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from riskmodel.coarse import LARGEST_COARSE, Cells, readable
from riskmodel.diagram import Branch, Node, cancel, edges_of, restrict
from riskmodel.finding import Count, Edge
from riskmodel.questions import NotOnTreeError, Questions


@dataclass(frozen=True)
class Coarse:
    """A coarse count and the diagram of its question.

    Parameters
    ----------
    row : Count
        The count.
    node : float or Branch
        What it says of the branches, unknown ones filled.
    known : mapping of int to (int, int)
        Cells of the same series.
    """

    row: Count
    node: Node
    known: Cells


def read_coarse(
    row: Count,
    questions: Questions,
    edges: Sequence[Edge],
    counts: Sequence[Sequence[Count]],
    fixed: Mapping[int, float],
) -> tuple[Coarse | None, str]:
    """A coarse count as a diagram of the branches that counts feed.

    Parameters
    ----------
    row : Count
        The count.
    questions : Questions
        Diagrams of the finding's tree.
    edges : sequence of Edge
        Its branches.
    counts : sequence of sequence of Count
        Rows that feed each.
    fixed : mapping of int to float
        Values of unknown branches that have a definition, by their place in `edges`; the definitions otherwise.

    Returns
    -------
    coarse : Coarse or None
        None where it cannot be read.
    reason : str
        Why it cannot be read; empty where it can.
    """
    try:
        top = questions.diagram(dict(row.given) | {row.variable: row.category})
        bottom = questions.diagram(dict(row.given))
    except NotOnTreeError as reason:
        return None, str(reason)
    top, bottom = cancel(top, bottom)
    filled: dict[int, float] = {}
    for i, edge in enumerate(edges):
        if edge.status == "unknown" and edge.probability is not None:
            filled[i] = fixed.get(i, edge.probability)
    top, bottom = cancel(restrict(top, filled), restrict(bottom, filled))
    blanks = [edges[i].said for i in sorted(edges_of(top) | edges_of(bottom)) if not counts[i]]
    if blanks:
        return None, f"it needs a branch without counts: {blanks[0]}"
    if bottom != 1.0:
        return None, "its group is not one that the tree passes through"
    if not isinstance(top, Branch):
        return None, "the definitions alone answer it"
    if not readable(top):
        return None, "a stated independence puts one branch on both sides of a choice"
    if row.total > LARGEST_COARSE:
        return None, f"more than {LARGEST_COARSE} fetuses are not divided over the branches"
    known = {i: (own.events, own.total) for i in edges_of(top) for own in counts[i] if own.source == row.source}
    return Coarse(row, top, known), ""
