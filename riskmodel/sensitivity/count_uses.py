"""What each published count feeds: branches of the tree, its own or several at once, answers, kinds; or why nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from riskmodel.distributions.diagram import edges_of
from riskmodel.evidence.finding import Count, Edge, Finding
from riskmodel.evidence.known import Known
from riskmodel.report.wording import listed
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree
from riskmodel.tree.standing_questions import Question, questions, route

#: By which a row of ``counts.csv`` is found in every reading and after every change of its group: source and line.
Place = tuple[str, int]


@dataclass(frozen=True)
class Use:
    """One place at which a count enters."""

    kind: str  # ``"branch"``, ``"coarse"`` (read through the tree), ``"answer"``, ``"outcome"`` or ``"kinds"``
    what: tuple[str, ...]  # the branches, or the answer, in words
    events: int  # events, total: the count as it enters there
    total: int
    how: str  # why it may enter there; empty where the row is exactly of what it feeds


def place(row: Count) -> Place:
    """By which a row is found."""
    return row.source, row.row


def standing(model: ProbabilityTree) -> tuple[tuple[Question, RiskEstimate], ...]:
    """Headline outcomes with their answers: nothing known, and in each state of the first variable."""
    found = ((one, route(model, one)) for one in questions(model) if one.kind == "outcome")
    return tuple((one, risk) for one, risk in found if isinstance(risk, RiskEstimate))


def uses(model: ProbabilityTree) -> Mapping[Place, tuple[Use, ...]]:
    """By row, every place at which it enters."""
    found: dict[Place, list[Use]] = {}
    for rows, use in (*_branches(model), *_coarse(model), *_answers(model), *_beside(model)):
        for row in rows:
            found.setdefault(place(row), []).append(use)
    return {key: tuple(dict.fromkeys(several)) for key, several in found.items()}


def _branches(model: ProbabilityTree) -> Iterator[tuple[tuple[Count, ...], Use]]:
    finding = model.evidence.finding
    for edge in finding.edges:
        if edge.status != "counts":
            continue
        for count, rows in model.evidence.behind(edge, setting=model.setting):
            yield rows, Use("branch", (edge.said,), count.events, count.total, _why_accepted(finding, edge, rows[0]))


def _why_accepted(finding: Finding, edge: Edge, row: Count) -> str:
    """What lets a row feed a branch that it is not exactly of."""
    parts = []
    untold = [name for name, _ in edge.given if name not in dict(row.given)]
    assumed = [
        one.of
        for one in finding.independences
        if one.variable == edge.variable and one.of in untold and Known(edge.given).implies(one.given)
    ]
    if assumed:
        parts.append(f"assumed: {edge.variable} does not depend on {listed(assumed)} there")
    accepted = [name for name in untold if name not in assumed]
    if accepted:
        parts.append(f"the branch accepts series that do not tell {listed(accepted)}")
    if row.category != edge.category:
        parts.append(f"what is left of {row.category}")
    return "; ".join(parts)


def _coarse(model: ProbabilityTree) -> Iterator[tuple[tuple[Count, ...], Use]]:
    edges, branches = model.edges, model.fitted
    for row in branches.coarse:
        read = branches.read(row, branches.defined).coarse
        if read is None:
            continue
        passed = sorted(edges_of(read.node))
        # A place beyond the edges is a copy: a test that not all had, whose branch the count must not move.
        silent = sorted({edges[i % len(edges)].variable for i in passed if i >= len(edges)})
        how = "of a wider group, divided over these branches in every way it can have"
        how += f"; it tells nothing of {listed(silent)}, for which not all were tested" if silent else ""
        said = tuple(edges[i].said for i in passed if i < len(edges))
        yield (row,), Use("coarse", said, row.events, row.total, how)


def _answers(model: ProbabilityTree) -> Iterator[tuple[tuple[Count, ...], Use]]:
    """Rows that answer a standing question by themselves, since the tree has no way to it."""
    for question, risk in standing(model):
        for row in risk.counts if risk.only_direct else ():
            yield (row,), Use("answer", (question.title,), row.events, row.total, "the tree has no way to this answer")


def _beside(model: ProbabilityTree) -> Iterator[tuple[tuple[Count, ...], Use]]:
    """Rows of outcomes that are counted by themselves, and of kinds: they feed no branch."""
    finding = model.evidence.finding
    own = {one.name: one.title for one in finding.outcomes if one.variable is None}
    for row in model.evidence.fitted(model.setting):
        where = f" where {row.given}" if row.given else ""
        if row.variable in own:
            how = "counted by itself, not through the tree"
            yield (row,), Use("outcome", (own[row.variable] + where,), row.events, row.total, how)
        elif row.category in finding.kinds.get(row.variable, ()):
            how = "shares of kinds move no risk"
            yield (row,), Use("kinds", (f"kinds of {row.variable}{where}",), row.events, row.total, how)


def silence(model: ProbabilityTree, row: Count) -> str:
    """Why a row that enters nowhere does not."""
    evidence = model.evidence
    held = next((one for one in evidence.counts if place(one) == place(row)), None)
    if held is None:
        return _elsewhere(model, row)
    if held.role != "fit":
        return _aside(model, row, held)
    fitted = next((one for one in evidence.fitted(model.setting) if place(one) == place(row)), None)
    if fitted is None:
        return f"it does not speak for the setting {model.setting!r}"
    if fitted in model.fitted.coarse:
        return f"not read through the tree: {model.fitted.read(fitted, model.fitted.defined).reason}"
    return "a finer count of the same source feeds its branch"


def _aside(model: ProbabilityTree, row: Count, held: Count) -> str:
    """A row that holds and is not pooled: entered so, or made so since its source tells finer ones."""
    evidence = model.evidence
    if held.role == "check":
        if row.role == "fit":
            return "only checked: the source counts the same fetuses in finer groups, which are pooled"
        what = "only checked: its fetuses are, or may be, counted in other rows, which are pooled"
    else:
        population = next((one for one in evidence.finding.populations if one.name == row.population), None)
        if population is not None and not population.pooled:
            return f"shown, never pooled: it is of {population.title}"
        what = "shown, not pooled"
    # A reading's row that stands for many, and is of another group, is not this one entered after all.
    same = (one for one in evidence.all_counts if one.role == "fit" and row.key in one.replaces and one.key == row.key)
    pooled = [f"{one.reading!r} (row {one.row})" for one in same]
    return what + (f"; pooled in the reading {listed(pooled)}" if pooled else "")


def _elsewhere(model: ProbabilityTree, row: Count) -> str:
    """A row that does not hold in this reading, and what stands there instead."""
    evidence = model.evidence
    if row.reading != "primary":
        instead = [one for one in evidence.all_counts if one.reading == "primary" and one.key in row.replaces]
        words = f" in place of row{'s' if len(instead) > 1 else ''} {listed([str(one.row) for one in instead])}"
        return f"holds in the reading {row.reading!r} only{words if instead else ''}"
    return f"another row stands for it in the reading {evidence.reading!r}"
