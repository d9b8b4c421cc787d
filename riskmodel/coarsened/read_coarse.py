"""Counts of coarser groups as the tree understands them: which branches they speak of, or why they cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from riskmodel.coarsened.counts import Cells, readable
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.diagram import Branch, Node, cancel, edges_of, renamed, restrict
from riskmodel.evidence.finding import Count, Finding
from riskmodel.evidence.readings import uninformed

#: Most terms of the sums over one count's divisions, for each combination of classes: a few seconds.
MOST_WORK = 2e7
#: What a cell of a branch's table counts beside a term: it is worked out at two dozen nodes, 200 bytes.
_OF_A_CELL = 8


#: Why a count that no branch could learn from is not read.
ANSWERED = "the definitions alone answer it"
#: Why a count is not read that names a later variable and leaves an earlier one open.
OFF_THE_PATH = "its group is not one that the tree passes through"


@dataclass(frozen=True)
class Coarse:
    """A coarse count and the diagram of its question."""

    row: Count  # the count
    node: Branch  # what it says of the branches, unknown ones filled where a definition says how; untested ones copies
    known: Cells  # cells of the same series

    @property
    def cell(self) -> tuple[int, int] | None:
        """Hits and entered where the count is one of a single branch, and then as good as that branch's own; else None."""
        if self.known or isinstance(self.node.hit, Branch) or isinstance(self.node.miss, Branch):
            return None
        events, total = self.row.events, self.row.total
        return (events if self.node.hit else total - events), total


class Reading(NamedTuple):
    """A coarse count as it was read."""

    coarse: Coarse | None  # none where it cannot be read
    reason: str = ""  # why it cannot be read; empty where it can
    too_large: bool = False  # whether it could be read if it had fewer fetuses


def read_coarse(row: Count, finding: Finding, counts: Sequence[Sequence[Count]], fixed: Mapping[int, float]) -> Reading:
    """A coarse count as a diagram of the branches, or why it cannot be read.

    `fixed` has values of unknown branches that have a definition, by their place in the finding's edges; the definitions
    hold otherwise.
    """
    edges = finding.edges
    try:
        top = diagram(finding, dict(row.given) | {row.variable: row.category})
        bottom = diagram(finding, dict(row.given))
    except NotOnTreeError as reason:
        return Reading(None, str(reason))
    filled = {
        i: fixed.get(i, edge.probability)
        for i, edge in enumerate(edges)
        if edge.status == "unknown" and edge.probability is not None
    }
    top, bottom = cancel(*(restrict(part, filled) for part in cancel(top, bottom)))
    judged = [edges[i].said for i in sorted(edges_of(top) | edges_of(bottom)) if edges[i].status == "elicited"]
    if judged:
        return Reading(None, f"it needs a branch that a judgement fills, not counts: {judged[0]}")
    if bottom != 1.0:
        return Reading(None, OFF_THE_PATH)
    if not isinstance(top, Branch):
        return Reading(None, ANSWERED)
    if not readable(top):
        return Reading(None, "a stated independence puts one branch on both sides of a choice")
    known = {i: (own.events, own.total) for i in edges_of(top) for own in counts[i] if own.source == row.source}
    # A test that not all had says nothing of its branch: here it is a copy, which the branch's own counts alone inform.
    copies = {i: i + len(edges) * row.row for i in uninformed(row, finding)}
    known = {copies.get(i, i): cell for i, cell in known.items()}
    found = Coarse(row, renamed(top, copies), known)
    if found.cell is None and work(found.node, row.events, row.total - row.events) > MOST_WORK:
        return Reading(
            None, f"dividing {row.total:,} fetuses over {len(edges_of(top))} branches takes too long", too_large=True
        )
    return Reading(found)


def work(node: Node, events: int, rest: int, free: tuple[bool, bool] = (False, False)) -> float:
    """Terms of the sums by which `coarsened.drawn` divides events and non-events over a diagram."""
    if not isinstance(node, Branch):
        return 0.0
    # The end that a side of the choice leads to settles who took it.
    summed = 0.0 not in (node.hit, node.miss), 1.0 not in (node.hit, node.miss)
    terms = 1.0
    for most, one, arrives in zip((events, rest), summed, free, strict=True):
        terms *= (most + 1) ** (one + arrives)
    if any(free):  # where some arrive, a table by hits and misses
        taken, left = (1 + events * (child != 0.0) + rest * (child != 1.0) for child in (node.hit, node.miss))
        terms += _OF_A_CELL * taken * left
    below = free[0] or summed[0], free[1] or summed[1]
    return terms + work(node.hit, events, rest, below) + work(node.miss, events, rest, below)
