"""What a fitted tree adds to an audit: series that the others did not foretell, marginals that its branches do not give."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.doors import door
from riskmodel.coarsened.read_coarse import ANSWERED, OFF_THE_PATH
from riskmodel.evidence.audit import AuditFinding, worst_first
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, Edge
from riskmodel.report.wording import denominator, frequency, moves
from riskmodel.tree.model import ProbabilityTree, as_tree
from riskmodel.tree.prediction import foretold

if TYPE_CHECKING:
    import pandas as pd

#: Two-sided predictive mid-p below which a series is called outlying, and a marginal not implied.
TAIL = 0.05
#: Share of a branch's fetuses above which one series decides it.
DOMINANT = 0.6


@door
def audit_model(model: str | Path | Evidence | ProbabilityTree) -> tuple[AuditFinding, ...]:
    """Everything that a careful reader would ask about a finding's counts and their fit.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The fitted tree, or a finding as `fit` takes it.

    Returns
    -------
    tuple of AuditFinding
        Worst first: what `Evidence.audit` finds in the counts; series that the others of their branch did not foretell
        (leave-one-out predictive mid-p below 5 %); single series that decide a branch; counts of coarser groups that the
        branches do not give (posterior predictive mid-p); branches whose kinds of clinic differ; readings that disagree.

    References
    ----------
    Gelman A, Meng XL, Stern H. Posterior predictive assessment of model fitness via realized discrepancies. Statistica
    Sinica 1996;6:733-807; Marshall EC, Spiegelhalter DJ. Identifying outliers in Bayesian hierarchical models: a
    simulation-based approach. Bayesian Analysis 2007;2:409-44, for leaving the series itself out.
    """
    model = as_tree(model)
    found = list(model.evidence.audit())
    for place, (edge, rows) in enumerate(zip(model.edges, model.counts, strict=True)):
        found += _outlying(model, place, rows)
        found += _dominant(edge, rows)
        found += _ascertainment(model, edge)
    found += unread(model)
    found += _counted_once(model)
    found += _implied(model)
    found += _readings(model)
    return worst_first(found)


@door
def audit_table(model: str | Path | Evidence | ProbabilityTree) -> pd.DataFrame:
    """`audit_model` as a table.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The fitted tree, or a finding as `fit` takes it.

    Returns
    -------
    pandas.DataFrame
        Columns severity, code, what, sources and remedy; worst first.
    """
    import pandas as pd

    rows = [one.to_dict() | {"sources": ", ".join(one.sources)} for one in audit_model(model)]
    return pd.DataFrame(rows, columns=["severity", "code", "what", "sources", "remedy"])


def two_sided(pmf: NDArray[np.float64], events: int) -> float:
    """Two-sided mid-p of a count under its prediction."""
    below = float(pmf[:events].sum() + 0.5 * pmf[events])
    return min(1.0, 2 * min(below, 1 - below))


def _outlying(model: ProbabilityTree, edge: int, rows: Sequence[Count]) -> Iterator[AuditFinding]:
    if len(rows) < 3:
        return  # of two series that differ nobody can say which is the odd one
    for left_out in rows:
        others = [row for row in rows if row is not left_out]
        posterior = model.fitted.pooled(tuple(others), edge)
        tail = two_sided(posterior.predict(left_out.total), left_out.events)
        if tail < TAIL:
            what = (
                f"{left_out.source}: {left_out.events} of {left_out.total} of {model.edges[edge].said}, where the others "
                f"foretell {posterior.average.mean * left_out.total:.1f} (tail probability {tail:.3f})"
            )
            yield AuditFinding("warning", "outlying series", what, (left_out.source,))


def _dominant(edge: Edge, rows: Sequence[Count]) -> Iterator[AuditFinding]:
    whole = sum(row.total for row in rows)
    for row in rows:
        if len(rows) > 1 and row.total > DOMINANT * whole:
            what = f"{row.source} has {row.total} of the {whole} fetuses of {edge.said}"
            yield AuditFinding("note", "dominant series", what, (row.source,))


def _ascertainment(model: ProbabilityTree, edge: Edge) -> Iterator[AuditFinding]:
    if model.setting != "any":
        return
    middles = {}
    for one in model.evidence.finding.settings:
        posterior = model.variant(setting=one.name).posterior(edge)
        if posterior is not None:
            middles[one.title] = (posterior.average.interval(0.5), posterior.average.mean, posterior.labels)
    names = list(middles)
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            (a, mean_a, who_a), (b, mean_b, who_b) = middles[first], middles[second]
            if a[1] < b[0] or b[1] < a[0]:
                # One series of a kind may differ for any reason; two or more of each speak of the kind.
                severity = "warning" if min(len(who_a), len(who_b)) > 1 else "note"
                of = max(denominator(mean_a), denominator(mean_b))
                what = f"{edge.said}: {frequency(mean_a, of)} of {of:,} in {first}, {frequency(mean_b, of)} in {second}"
                yield AuditFinding(severity, "ascertainment", what, tuple(sorted({*who_a, *who_b})))


def unread(model: str | Path | Evidence | ProbabilityTree) -> list[AuditFinding]:
    """Counts that enter no branch and cannot be read through the tree: every other question is answered without them.

    Parameters
    ----------
    model : str, Path, Evidence or ProbabilityTree
        The tree, or a finding as `fit` takes it; nothing is fitted.

    Returns
    -------
    list of AuditFinding
        With the line that would let a branch take the count, where one would.
    """
    model = as_tree(model)
    found = []
    for row in model.fitted.coarse:
        read = model.fitted.read(row, model.fitted.defined)
        if read.coarse is not None or read.reason == ANSWERED:
            continue
        what = f"{row.key}: {row.events} of {row.total} answer no question but their own, since {read.reason}"
        aside = read.reason == OFF_THE_PATH
        takers = [one for one in model.edges if (one.variable, one.status) == (row.variable, "counts")]
        taker = next((one for one in takers if one.given.implies(row.given)), None)
        if aside and taker is not None:
            what += f'; {taker.name} would take them by accepts = ["{row.given}"]'
        found.append(AuditFinding("warning" if aside else "note", "unread", what, (row.source,)))
    return found


def _counted_once(model: ProbabilityTree) -> Iterator[AuditFinding]:
    """Counts of a whole whose source gives the parts too: entered to be pooled, and pooled through the parts alone."""
    entered = {(row.source, row.row): row for row in model.evidence.all_counts if row.role == "fit"}
    for row in model.evidence.counts:
        if row.role == "check" and (row.source, row.row) in entered:
            what = f"{row.key}: {row.events} of {row.total} are of fetuses whom the source also counts in finer groups"
            yield AuditFinding("note", "counted once", what, (row.source,))


def _implied(model: ProbabilityTree) -> Iterator[AuditFinding]:
    """Wider counts, whether they enter the fit or only check it, beside what the branches give for them."""
    states = {one.name: one.states for one in model.evidence.finding.variables}
    feeding = {(row.source, row.row) for rows in model.counts for row in rows}
    allowed = model.evidence.ascertainments(model.setting)
    for row in model.evidence.counts:
        if (
            row.role == "context"
            or row.category not in states.get(row.variable, ())
            or (row.source, row.row) in feeding
        ):
            continue
        if allowed is not None and row.ascertainment not in allowed:
            continue
        pmf = foretold(model, replace(row, role="fit")).pmf
        if pmf is None:
            continue
        tail = two_sided(pmf, row.events)
        if tail < TAIL:
            expected = float(pmf @ np.arange(pmf.size))
            what = f"{row.key}: {row.events} of {row.total}, where the branches give {expected:.1f} (tail {tail:.3f})"
            yield AuditFinding("warning", "implied", what, (row.source,))


def _readings(model: ProbabilityTree) -> Iterator[AuditFinding]:
    evidence = model.evidence
    for reading in evidence.finding.readings:
        if reading.name == evidence.reading:
            continue
        other = model.variant(evidence=evidence.with_reading(reading.name))
        for edge in model.edges:
            mine, theirs = model.posterior(edge), other.posterior(edge)
            if mine is None or theirs is None:
                continue
            here, there = mine.average.mean, theirs.average.mean
            if not moves(there - here, mine.average.interval(), theirs.average.interval()):
                continue
            of = max(denominator(here), denominator(there))
            what = (
                f"{edge.said}: {frequency(here, of)} of {of:,} in the reading {evidence.reading!r}, "
                f"{frequency(there, of)} in {reading.name!r}"
            )
            yield AuditFinding("note", "reading", what, tuple(sorted({*mine.labels, *theirs.labels})))
