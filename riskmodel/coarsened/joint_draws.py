"""Draws of a tree's branches together from their exact posterior: a way to divide, and each branch given it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from riskmodel.coarsened.joint import Joint
from riskmodel.coarsened.nodes import alike, nodes_of

Array = NDArray[np.float64]


class JointDraws(NamedTuple):
    """Independent draws of the hyperparameters, and of the own risks of coarse counts' series."""

    a: Array  # a, b: shapes of each branch's Beta, of shape (size, branches)
    b: Array
    tau: Array  # of the same shape; shapes end at what is a point, where tau is still told
    theta: Array  # of shape (size, own)


def joint_draws(
    joint: Joint, edges: Sequence[int], own: Sequence[tuple[int, int]], size: int, rng: np.random.Generator
) -> JointDraws:
    """Draws of some branches, and of the risks of some coarse counts' series, told by count and branch.

    Given the way in which the fetuses of coarse counts divided, branches are independent, and a branch's nodes have its own
    counts' weights times the probability of its cells.
    """
    divisions, divided = joint._divisions, [row for row in joint.rows if row.cell is None]
    way = rng.choice(joint.ways, size, p=joint.weights)
    a, b, tau = np.empty((3, size, len(edges)))
    for column, edge in enumerate(edges):
        own_counts = joint.own(edge)
        nodes = nodes_of(own_counts)
        spread = np.zeros(nodes.a.size) if alike(own_counts) else own_counts.tau.at_nodes.ravel()  # type: ignore[attr-defined]
        weights, sets = nodes.weights[None], np.zeros(size, np.int64)
        if edge in divisions.edges:
            weights = nodes.weights * divisions.likelihoods(edge, nodes.divided)
            sets = divisions.sets(edge)[way]
        for one in np.unique(sets):
            those = np.flatnonzero(sets == one)
            upto = np.cumsum(weights[one])
            at = np.searchsorted(upto, rng.random(those.size) * upto[-1], side="right")
            at = np.minimum(at, upto.size - 1)
            a[those, column], b[those, column], tau[those, column] = nodes.a[at], nodes.b[at], spread[at]
    place: Mapping[int, int] = {edge: column for column, edge in enumerate(edges)}
    theta = np.empty((size, len(own)))
    for k, (row, edge) in enumerate(own):
        coarse = joint.rows[row]
        if coarse.cell is not None:
            hits, entered = coarse.cell
            more, less = np.full(size, hits), np.full(size, entered - hits)
        else:
            more, less = divisions.cells[edge][way, divided.index(coarse)].T
            seen_hits, seen = coarse.known.get(edge, (0, 0))
            # Where as many entered as the series reports itself, they are these.
            again = (more + less == seen) & (seen > 0)
            more = np.where(again, 0, more) + seen_hits
            less = np.where(again, 0, less) + (seen - seen_hits)
        theta[:, k] = rng.beta(a[:, place[edge]] + more, b[:, place[edge]] + less)
    return JointDraws(a, b, tau, theta)
