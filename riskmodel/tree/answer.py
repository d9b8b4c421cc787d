"""A question to a fitted tree, and its answer by every route."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from riskmodel._support.kept import once
from riskmodel.coarsened.joint import Joint, Tied
from riskmodel.coarsened.questions import NotOnTreeError, diagram
from riskmodel.distributions.base import Distribution, PointMass
from riskmodel.distributions.diagram import Branch, Node, cancel, edges_of, restrict
from riskmodel.distributions.propagated import propagate
from riskmodel.errors import AccuracyError, ContradictionError
from riskmodel.evidence.finding import Edge, Finding, Outcome
from riskmodel.evidence.known import Known
from riskmodel.posterior import Posterior
from riskmodel.tree.branches import Branches, PooledRisk, Rows
from riskmodel.tree.estimate import RiskEstimate, Route

#: Unknown branches of one question whose values are all tried: 256 answers.
MOST_UNKNOWN = 8

if TYPE_CHECKING:
    from riskmodel.tree.model import ProbabilityTree


def joint(tree: ProbabilityTree, fixed: Mapping[int, float] | None = None) -> Joint:
    """Posterior of the branches given every count that can be read, kept beside the tree.

    `fixed` has values of unknown branches that have a definition, by their place in `edges`; the definitions otherwise.
    """
    branches = tree.fitted
    filled = {i: (fixed or {}).get(i, value) for i, value in branches.defined.items()}

    def made() -> Joint:
        found = (branches.read(row, filled).coarse for row in branches.coarse)
        rows = tuple(one for one in found if one is not None)
        # Values that no count passes make no other posterior.
        return once(tree, ("joint", *((one.row, one.node) for one in rows)), lambda: Joint(branches, rows, tree.near))

    return once(tree, ("joint", *filled.items()), made)


def numerator(finding: Finding, known: Known, variable: str, state: str) -> Node:
    """Diagram of what is known together with the state that is asked about."""
    both = known.narrowed(finding, variable, state)
    return 0.0 if both is None else diagram(finding, dict(both))


def answer(tree: ProbabilityTree, asked: Outcome, known: Known) -> RiskEstimate:
    """The risk of an outcome given what is known, kept beside the tree."""
    return once(tree, ("answer", asked.name, known), lambda: _answer(tree, asked, known))


def _answer(tree: ProbabilityTree, asked: Outcome, known: Known) -> RiskEstimate:
    finding = tree.evidence.finding
    rows = direct_rows(tree, asked, known)
    if asked.variable is None:
        return _counted(tree, asked, known, rows)
    assert asked.state is not None
    try:
        below = diagram(finding, dict(known))
        above = numerator(finding, known, asked.variable, asked.state)
    except NotOnTreeError as reason:
        nothing = Route.none(str(reason))
        direct = _pooled_route(tree.fitted, rows, "no series reports exactly this question")
        return _estimate(tree, asked, known, direct if direct.estimable else nothing, direct, nothing, nothing)
    if below == 0.0:
        raise ContradictionError(
            f"{known} cannot be by the finding's definitions", where="known", remedy="Leave one of them out"
        )
    return _through_tree(tree, asked, known, above, below, rows)


def _through_tree(
    tree: ProbabilityTree, asked: Outcome, known: Known, above: Node, below: Node, direct_rows: Rows
) -> RiskEstimate:
    branches = tree.fitted
    top, bottom = cancel(above, below)
    used = sorted(edges_of(top) | edges_of(bottom))
    missing = [i for i in used if unknown(tree, i)]
    by_definition = {i: value for i in missing if (value := branches.edges[i].probability) is not None}
    fillable = len(by_definition) == len(missing)
    combined = route(tree, above, below, by_definition) if fillable else None
    constant = combined is not None and isinstance(combined.new_setting, PointMass) and not combined.counts
    if combined is None or (missing and constant):
        # Branches that a definition fills are not what stands in the way, unless there are no others.
        blocking = [i for i in missing if i not in by_definition] or missing
        combined = Route.none(" ".join(_why_unknown(tree, branches.edges[i]) for i in blocking))
    apart = {row: branches.read(row, {}) for row in direct_rows if row in branches.coarse}
    large = [row for row, found in apart.items() if found.coarse is None]
    if large and combined.estimable:
        # Without the series that answers the question most directly a number would be silently wrong.
        named = ", ".join(f"{row.source} ({row.events:,} of {row.total:,})" for row in large)
        size = "too many fetuses to divide over the branches"
        why = size if any(apart[row].too_large for row in large) else apart[large[0]].reason
        combined = Route(
            None, None, (*combined.counts, *large), f"{named}: {why}. Read direct and indirect apart", combined.coarse
        )
    reason = combined.reason
    feeding = {(row.source, row.row) for i in used for row in branches.rows[i]}
    direct_rows = tuple(row for row in direct_rows if (row.source, row.row) not in feeding)
    refused = bool(reason and combined.counts)

    # Direct: the series that report exactly this. Indirect: finer cells through the tree.
    untold = [i for i in used if branches.unfed(i) and i not in by_definition]
    indirect = Route.none(" ".join(_why_unknown(tree, branches.edges[i]) for i in untold) or reason)
    if not untold and (refused or not reason):
        indirect = route(tree, above, below, by_definition, joined=False) or indirect
    one_branch = bottom == 1.0 and isinstance(top, Branch) and not {top.hit, top.miss} - {0.0, 1.0} and not missing
    if one_branch and indirect.estimable:
        direct = indirect
        indirect = Route.none("the question is one branch: no finer cells speak for it through the tree")
    else:
        direct = _pooled_route(branches, direct_rows, "no series reports exactly this question and nothing finer")
    # Where nothing reaches this question but the series that report it, they are the answer, and bounds still show.
    only_direct = not combined.estimable and not refused and bool(direct_rows)
    tried = missing and not large and len(missing) <= MOST_UNKNOWN
    ends = itertools.product((0.0, 1.0), repeat=len(missing)) if tried else ()
    corners = tuple(filter(None, (route(tree, above, below, dict(zip(missing, end, strict=True))) for end in ends)))
    if not all(one.estimable for one in corners):
        corners = ()  # an end that is refused is no bound, and the other end alone is none either
    together = joint(tree, by_definition)
    feeds = [{row.source for row in branches.rows[i]} | set(together.sources(i)) for i in used]
    return _estimate(
        tree,
        asked,
        known,
        direct if only_direct else combined,
        direct,
        indirect,
        combined,
        edges=tuple(branches.edges[i] for i in used),
        definition_only=constant and not missing,
        corners=corners,
        unknown=tuple(branches.edges[i] for i in missing),
        fewest=min((len(one) for one in feeds if one), default=None),
        weighing=_weighing(tree, asked, known, combined.counts),
    )


def _weighing(tree: ProbabilityTree, asked: Outcome, known: Known, counts: Rows) -> Rows:
    """Rows that are in an answer for a known state that stands after what is asked, or after what the answer sums over."""
    order = [variable.name for variable in tree.evidence.finding.variables]
    before = Known(pair for pair in known if order.index(pair[0]) <= order.index(asked.variable or ""))
    told = counts if before == known else answer(tree, asked, before).telling
    return tuple(row for row in counts if row not in told or row.variable in dict(known))


def unknown(tree: ProbabilityTree, edge: int) -> bool:
    """Whether nothing tells a branch: no count is about it, and none of a coarser group passes it."""
    return tree.fitted.unfed(edge) and edge not in joint(tree).involved


def route(
    tree: ProbabilityTree, above: Node, below: Node, fixed: Mapping[int, float], *, joined: bool = True
) -> Route | None:
    """The ratio of two diagrams with some branches fixed; None where what is known then cannot be.

    With `joined` the coarser counts are in it; without, only the branches' own.
    """
    branches = tree.fitted
    above, below = restrict(above, fixed), restrict(below, fixed)
    top, bottom = cancel(above, below)
    if bottom == 0.0:
        return None
    used = edges_of(top) | edges_of(bottom)
    rows = tuple(row for i in sorted(used) for row in branches.rows[i])
    if not joined:
        return Route(*_propagated(branches, top, bottom, branches.posterior), rows, "")
    together = joint(tree, fixed)
    coarse = tuple(one.row for one in together.rows if edges_of(one.node) & used)
    try:
        if coarse:
            together.check()
        if not together.tied & used:
            return Route(*_propagated(branches, top, bottom, together.posterior), rows + coarse, "", coarse)
    except AccuracyError as refused:
        return Route(None, None, rows + coarse, refused.message, coarse)
    whole = cancel(above, below, keep=together.tied)
    apart = (edges_of(whole[0]) | edges_of(whole[1])) - together.tied
    others = _risks(branches, apart, together.posterior)
    risk, average = (Tied(together, *whole, others[kind], average=bool(kind)) for kind in (0, 1))
    return Route(risk, average, rows + coarse, "", coarse, together)


def _risks(
    branches: Branches, used: frozenset[int], posterior: Callable[[int], Posterior]
) -> tuple[dict[int, Distribution], dict[int, Distribution]]:
    """Risks of some branches in a new setting, and their averages."""
    fed = {i: posterior(i) for i in used if branches.edges[i].status in ("counts", "unknown")}
    judged: dict[int, Distribution] = {
        i: PointMass(float(branches.edges[i].probability or 0.0)) for i in used if i not in fed
    }
    # The new setting's mean is the average's; its mixture is only made when an interval is asked for.
    return judged | {i: one.next_setting for i, one in fed.items()}, judged | {i: one.average for i, one in fed.items()}


def _propagated(
    branches: Branches, top: Node, bottom: Node, posterior: Callable[[int], Posterior]
) -> tuple[Distribution, Distribution]:
    settings, averages = _risks(branches, edges_of(top) | edges_of(bottom), posterior)
    return propagate(top, bottom, settings), propagate(top, bottom, averages)


def _why_unknown(tree: ProbabilityTree, edge: Edge) -> str:
    if edge.status == "unknown":
        return f"Unknown: {edge.said}. {edge.definition}"
    where = "" if tree.setting == "any" else f" of the setting {tree.setting!r}"
    return f"No series{where} reports {edge.said}."


def direct_rows(tree: ProbabilityTree, asked: Outcome, known: Known) -> Rows:
    """Rows that report exactly a question, one of each source."""
    variable, category = (asked.name, "yes") if asked.variable is None else (asked.variable, str(asked.state))
    rows = tree.evidence.select(variable=variable, category=category, given=known, setting=tree.setting)
    return tuple({row.source: row for row in reversed(rows)}.values())[::-1]


def _pooled_route(branches: Branches, rows: Rows, reason: str) -> Route:
    if not rows:
        return Route.none(reason)
    return Route(PooledRisk(branches, rows, average=False), PooledRisk(branches, rows, average=True), rows, "")


def _counted(tree: ProbabilityTree, asked: Outcome, known: Known, rows: Rows) -> RiskEstimate:
    """An outcome of its own: only the series that count exactly this."""
    counted = (one for one in tree.evidence.counts if one.variable == asked.name and one.role == "fit")
    elsewhere = sorted({str(one.given) or "all" for one in counted})
    reason = f"no series counts {asked.title} where {known or 'nothing more is known'}"
    if elsewhere:
        reason += f"; it is counted where {', '.join(elsewhere)}"
    only = _pooled_route(tree.fitted, rows, reason)
    return _estimate(tree, asked, known, only, only, Route.none("counted by itself, not through the tree"), only)


def _estimate(
    tree: ProbabilityTree,
    asked: Outcome,
    known: Known,
    said: Route,
    direct: Route,
    indirect: Route,
    combined: Route,
    *,
    definition_only: bool = False,
    fewest: int | None = None,
    weighing: Rows = (),
    edges: tuple[Edge, ...] = (),
    corners: tuple[Route, ...] = (),
    unknown: tuple[Edge, ...] = (),
) -> RiskEstimate:
    if definition_only:
        stated = asked.variable in dict(known)
        definitions = [] if stated else [edge.definition for edge in _structural(tree.fitted, asked, known)]
        note = "; ".join(dict.fromkeys(definitions)) or "it is part of what is known"
        said = Route(said.new_setting, said.average, (), f"by definition: {note}")
    return RiskEstimate(
        said.new_setting,
        said.average,
        said.counts,
        said.reason,
        said.coarse,
        said.joint,
        outcome=asked,
        known=known,
        setting=tree.setting,
        reading=tree.evidence.reading,
        edges=edges,
        definition_only=definition_only,
        unknown=unknown,
        fewest=said.series if fewest is None else fewest,
        weighing=weighing,
        direct=direct,
        indirect=indirect,
        combined=combined,
        corners=corners,
    )


def _structural(branches: Branches, asked: Outcome, known: Known) -> list[Edge]:
    """Branches of the outcome that a definition closes, where what is known allows them."""
    return [
        edge
        for edge in branches.edges
        if edge.status == "structural"
        and edge.variable == asked.variable
        and not known.contradicts(edge.given)
        and any(known.states(name) for name, _ in edge.given)
    ]


def probabilities(
    tree: ProbabilityTree, wanted: Sequence[Mapping[str, str]], known: Known, corner: Mapping[int, float]
) -> list[float | None]:
    """Probability of each of some sets of states given what is known, with the unknown branches fixed at `corner`.

    None where the tree has no way to the question, or what is known cannot be.
    """
    branches, given, together = tree.fitted, dict(known), joint(tree, corner)
    means: dict[int, float] = dict(corner)

    def whole(states: Mapping[str, str]) -> float | None:
        """Probability of some states, in the ways of coarse counts together."""
        try:
            node = diagram(branches.finding, states)
        except NotOnTreeError:
            return None
        for i in edges_of(node) - together.involved - means.keys():
            edge = branches.edges[i]
            if branches.rows[i]:
                means[i] = branches.posterior(i).average.mean
            elif edge.status == "elicited" and edge.probability is not None:
                means[i] = edge.probability
            else:
                return None
        return together.expected(node, means)

    try:
        bottom = whole(given)
        if not bottom:
            return [None] * len(wanted)
        tops = [
            0.0 if any(given.get(k, v) != v for k, v in one.items()) else whole(given | dict(one)) for one in wanted
        ]
    except AccuracyError:
        return [None] * len(wanted)
    return [None if top is None else top / bottom for top in tops]


def blanks(tree: ProbabilityTree, questions: Sequence[Mapping[str, str]]) -> tuple[int, ...]:
    """Branches, by their place in `edges`, that some questions need and that no count, definition or judgement fills."""
    needed: set[int] = set()
    for wanted in questions:
        try:
            needed |= edges_of(diagram(tree.evidence.finding, wanted))
        except NotOnTreeError:
            continue
    return tuple(i for i in sorted(needed) if unknown(tree, i))
