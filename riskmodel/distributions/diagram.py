r"""Decision diagrams: the probability of a question as a multilinear function of a tree's edges.

A node is a constant, or ``Branch(edge, hit, miss)``, whose value is :math:`p\,v(hit) + (1-p)\,v(miss)` with p the
probability of the edge. On one way from top to bottom an edge occurs at most once, so the value is linear in each edge;
with independent edges its expectation is its value at their means. Equal parts are recognised by comparison, so that an
edge which does not matter drops out and one that both numerator and denominator contain cancels (Bryant, IEEE
Transactions on Computers 1986, for the reduced form).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple


class Branch(NamedTuple):
    """A choice by one edge."""

    edge: int  # which edge
    hit: Any  # hit, miss: what follows where the edge's event happens, and where it does not
    miss: Any


Node = float | Branch


def branch(edge: int, hit: Node, miss: Node) -> Node:
    """A choice, left out where both ways lead to the same."""
    return hit if hit == miss else Branch(edge, hit, miss)


@lru_cache(4096)
def edges_of(node: Node) -> frozenset[int]:
    """Edges on which a value depends."""
    if not isinstance(node, Branch):
        return frozenset()
    return edges_of(node.hit) | edges_of(node.miss) | {node.edge}


def restrict(node: Node, fixed: Mapping[int, float]) -> Node:
    """The diagram with some edges fixed at 0 or 1."""
    if not isinstance(node, Branch):
        return node
    if node.edge in fixed:
        return restrict(node.hit if fixed[node.edge] else node.miss, fixed)
    return branch(node.edge, restrict(node.hit, fixed), restrict(node.miss, fixed))


def renamed[N: Node](node: N, names: Mapping[int, int]) -> N:
    """The diagram with some edges under other names."""
    if not isinstance(node, Branch):
        return node
    return Branch(names.get(node.edge, node.edge), renamed(node.hit, names), renamed(node.miss, names))  # type: ignore[return-value]


def evaluate(node: Node, probabilities: Mapping[int, Any]) -> Any:
    """Value of a diagram."""
    if not isinstance(node, Branch):
        return node
    p = probabilities[node.edge]
    return p * evaluate(node.hit, probabilities) + (1 - p) * evaluate(node.miss, probabilities)


@lru_cache(4096)
def cancel(numerator: Node, denominator: Node, *, keep: frozenset[int] = frozenset()) -> tuple[Node, Node]:
    """Remove the edges that are a factor of both parts of a ratio."""
    for edge in sorted(edges_of(denominator) - keep):
        for kept in (1.0, 0.0):
            gone = {edge: 1.0 - kept}
            if restrict(numerator, gone) == 0.0 and restrict(denominator, gone) == 0.0:
                numerator, denominator = restrict(numerator, {edge: kept}), restrict(denominator, {edge: kept})
                break
    if denominator != 0.0 and numerator in (0.0, denominator):
        return (0.0, 1.0) if numerator == 0.0 else (1.0, 1.0)
    return numerator, denominator


def compress(
    numerator: Node, denominator: Node, separate: Callable[[frozenset[int]], bool]
) -> tuple[Node, Node, dict[int, Branch]]:
    """Replace every largest part that has several edges and shares none with the rest by an edge of its own, below zero.

    `separate` says of a set of edges whether they may stand together as one risk.
    """
    found: dict[int, Branch] = {}

    def without(node: Node, part: Branch) -> Node:
        if node == part:
            return 0.5  # whatever stands for it
        if not isinstance(node, Branch):
            return node
        return Branch(node.edge, without(node.hit, part), without(node.miss, part))

    def alone(part: Branch) -> bool:
        own = edges_of(part)
        rest = (edges_of(without(whole, part)) for whole in (numerator, denominator))
        return len(own) > 1 and separate(own) and not any(own & edges for edges in rest)

    def shortened(node: Node, top: bool) -> Node:
        if not isinstance(node, Branch):
            return node
        if not (top and denominator == 1.0) and alone(node):
            place = next((edge for edge, part in found.items() if part == node), -len(found) - 1)
            found[place] = node
            return Branch(place, 1.0, 0.0)
        return Branch(node.edge, shortened(node.hit, False), shortened(node.miss, False))

    return shortened(numerator, True), shortened(denominator, False), found
