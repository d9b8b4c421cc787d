"""How far a risk moves: under other priors and readings, and with each series left out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from riskmodel._support.doors import door
from riskmodel._support.kept import once
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, PartlyTested
from riskmodel.sensitivity.within_centre import dependence
from riskmodel.tree.answer import joint
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree

#: Other choices that a reader may hold, one changed at a time: (name, changes).
ALTERNATIVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("Jeffreys' prior on every branch", {"prior": "jeffreys"}),
    ("uniform prior on the average", {"prior": "uniform"}),
    ("half-normal(1) on the spread", {"heterogeneity": "half-normal-1"}),
    ("all settings alike", {"heterogeneity": 0}),
)
#: Most terms of the sums by which ways to divide are drawn, where variants are worked out: one in four draws its own.
MOST_TERMS = 2e6
NOT_WORKED_OUT = (
    "the coarse counts are of so many fetuses that to divide them anew for other priors, readings or left-out series "
    "would take minutes"
)


@door
def robustness(model: ProbabilityTree, risk: RiskEstimate) -> dict[str, Any]:
    """How far one answer of a model moves under other priors and readings, and with each series left out.

    Parameters
    ----------
    model : ProbabilityTree
        The fitted tree.
    risk : RiskEstimate
        An answer of it.

    Returns
    -------
    dict
        Keys priors, readings and left_out, each a list of variants with their probability; reason, why there are none,
        where they would take minutes; untested, the answer if as few as possible were tested where a source does not say
        how many; dependence, the answer if the branches' risks in one centre go together, and dependence_reason, why none;
        lowest and highest, the range of the first three with the answer itself, None where nothing is estimable.
    """
    together = joint(model)
    if not together.exact and together.terms > MOST_TERMS:
        return {
            **{kind: [] for kind in ("priors", "readings", "left_out", "untested", "dependence")},
            "dependence_reason": "not worked out",
            **dict.fromkeys(("lowest", "highest"), risk.mean),
            "reason": NOT_WORKED_OUT,
        }

    def other(name: Hashable, given: Callable[[], Evidence] | None = None, **changes: Any) -> RiskEstimate:
        # Variants are kept beside the model: the other risks of a consultation ask the same ones.
        def made() -> ProbabilityTree:
            read = {"evidence": given()} if given else {}
            return model.variant(**read, **changes).like(together.drawn)

        return once(model, ("variant", name), made).risk(risk.outcome.name, **dict(risk.known))

    evidence = model.evidence
    # What has no answer, or has it from a definition, does not move with a prior.
    moving = () if risk.mean is None or risk.definition_only else ALTERNATIVES
    priors = [{"variant": label, "probability": other(label, **changes).mean} for label, changes in moving]
    readings = []
    for one in evidence.finding.readings:
        if one.name == evidence.reading:
            continue
        read = other(one, partial(evidence.with_reading, one.name))
        changed = [f"{row.source} {row.events} of {row.total}" for row in read.counts if row not in risk.counts]
        bounds = list(read.bounds) if read.mean is None and read.bounds is not None else None
        readings.append({"reading": one.name, "probability": read.mean, "bounds": bounds, "changed": changed})
    left_out = []
    for source in risk.sources:
        without = other(("without", source), partial(evidence.without, source))
        left_out.append({"source": source, "probability": without.mean, "reason": without.reason})
    untested = []
    for declared, rows in _partly_tested(model, risk):
        # The answer if only those with the event had been tested.
        totals = {row.key: max(row.events, 1) for row in rows}
        fewest = other(("tested", *totals.items()), partial(evidence.with_totals, totals))
        told = {"text": declared.text, "sources": list(declared.sources), "fewest": sum(totals.values())}
        untested.append(told | {"most": sum(row.total for row in rows), "probability_if_fewest": fewest.mean})
    dependent = dependence(model, risk)
    variants: list[dict[str, Any]] = [*priors, *readings, *left_out]
    values = [value for value in (*(one["probability"] for one in variants), risk.mean) if value is not None]
    return {
        "priors": priors,
        "readings": readings,
        "left_out": left_out,
        "untested": untested,
        "dependence": dependent["variants"],
        "dependence_reason": dependent["reason"],
        "lowest": min(values, default=None),
        "highest": max(values, default=None),
        "reason": "",
    }


def of_setting(model: ProbabilityTree, name: str) -> ProbabilityTree:
    """The model with one kind of clinic's series alone, kept beside it."""
    if name == model.setting:
        return model
    return once(model, ("setting", name), lambda: model.variant(setting=name).like(joint(model).drawn))


@door
def tested(model: ProbabilityTree, risk: RiskEstimate) -> list[dict[str, Any]]:
    """Bounds of an answer over every number that may have been tested, where a source does not say how many.

    Parameters
    ----------
    model : ProbabilityTree
        The fitted tree.
    risk : RiskEstimate
        An answer of it.

    Returns
    -------
    list of dict
        For each possible number its lowest and highest probability over the ways in which the tested can have divided over
        the counts: keys tested, lowest and highest. Empty where every total is known.
    """
    found: dict[int, list[float]] = {}
    for _, rows in _partly_tested(model, risk):
        for totals in itertools.product(*(range(max(row.events, 1), row.total + 1) for row in rows)):
            chosen = dict(zip((row.key for row in rows), totals, strict=True))
            other = model.variant(evidence=model.evidence.with_totals(chosen)).like(joint(model).drawn)
            mean = other.risk(risk.outcome.name, **dict(risk.known)).mean
            if mean is not None:
                found.setdefault(sum(totals), []).append(mean)
    return [{"tested": n, "lowest": min(means), "highest": max(means)} for n, means in sorted(found.items())]


def _partly_tested(model: ProbabilityTree, risk: RiskEstimate) -> list[tuple[PartlyTested, list[Count]]]:
    """Statements about totals behind an answer that may count fetuses who were not tested, with those counts."""
    if risk.mean is None or risk.definition_only:
        return []
    found = [
        (one, [row for row in risk.counts if row.key in one.counts]) for one in model.evidence.finding.partly_tested
    ]
    return [(one, rows) for one, rows in found if rows]
