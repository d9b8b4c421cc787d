"""Trees of two states a variable, from their shape: a choice of two shapes, or what stands behind the outcome there.

``("counts", 0.0)`` is a first variable whose good state leads to counts of the outcome and whose bad one excludes a good one.
"""

from dataclasses import replace

import riskmodel as rm
from riskmodel.distributions.diagram import evaluate
from riskmodel.evidence.finding import Edge, Outcome, Variable
from riskmodel.evidence.known import Known

STATES = ("ok", "no")


def depth(shape):
    """Variables on the longest way, the outcome apart."""
    return 1 + max(map(depth, shape)) if isinstance(shape, tuple) else 0


def branches(shape):
    """Branches that counts feed."""
    return 1 + sum(map(branches, shape)) if isinstance(shape, tuple) else int(shape == "counts")


def ends(shape):
    """Outcomes that can be."""
    if isinstance(shape, tuple):
        return ends(shape[0]) | ends(shape[1])
    return {shape} if isinstance(shape, float) else {0.0, 1.0}


def _edges(shape, path=()):
    number = len(path)
    if isinstance(shape, tuple):
        yield Edge(f"v{number}", "no", Known(path), "counts", None, "", (), ())
        for state, below in zip(STATES, shape, strict=True):
            yield from _edges(below, (*path, (f"v{number}", state)))
    elif isinstance(shape, float):
        yield Edge("outcome", "good", Known(path), "structural", shape, "By definition.", (), ())
    else:
        yield Edge("outcome", "good", Known(path), shape, None, "Nobody says.", (), ())


def tree(shape, rows, **priors):
    """A fit to rows of source, variable, category, given, events and total."""
    evidence = rm.load_evidence("fetal-hepatic-calcification")
    names = {f"v{i}": STATES for i in range(depth(shape))} | {"outcome": ("good", "bad")}
    variables = tuple(
        Variable(name, name, name, states, "", {one: one for one in states}, {one: one for one in states})
        for name, states in names.items()
    )
    good = Outcome("good", "good", "good", "bad", "good", "outcome", "good", "", "", "", True)
    finding = replace(
        evidence.finding, variables=variables, edges=tuple(_edges(shape)), independences=(), outcomes=(good,), kinds={},
        disagreements=(), partly_tested=(), within=(),
    )  # fmt: skip
    counts = tuple(
        replace(
            evidence.counts[0], source=source, variable=variable, category=category, given=given, events=events,
            total=total, row=number, role="fit", population="with_finding", reading="primary",
        )
        for number, (source, variable, category, given, events, total) in enumerate(rows, 2)
    )  # fmt: skip
    return rm.fit(replace(evidence, finding=finding, counts=counts, all_counts=counts), **priors)


def by_branches(model, diagram):
    """A question without coarse counts; a branch that nobody entered has the mean of its prior."""
    means = {i: model.fitted.posterior(i).average.mean for i, edge in enumerate(model.edges) if edge.status == "counts"}
    return float(evaluate(diagram, means))
