"""How far a risk moves: under other priors and readings, and with each series left out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from riskmodel.evidence.finding import PartlyTested
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree

#: Other choices that a reader may hold, one changed at a time: (name, changes).
ALTERNATIVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("uniform prior on the average", {"prior": "uniform"}),
    ("half-normal(1) on the spread", {"heterogeneity": "half-normal-1"}),
    ("all settings alike", {"heterogeneity": 0}),
)
#: Each variant would take as long as the answer: seconds, where others take milliseconds.
NOT_WORKED_OUT = (
    "the wider counts can have divided over the branches in too many ways to list, and each other prior, reading or "
    "left-out series would take as long as the answer itself"
)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The variants of one model, fitted once for all the risks of a consultation."""

    model: ProbabilityTree  # the model whose answers are compared

    @cached_property
    def _priors(self) -> list[tuple[str, ProbabilityTree]]:
        return [(name, self.model.variant(**changes)) for name, changes in ALTERNATIVES]

    @cached_property
    def _readings(self) -> list[tuple[str, ProbabilityTree]]:
        evidence = self.model.evidence
        return [
            (one.name, self.model.variant(evidence=evidence.with_reading(one.name)))
            for one in evidence.finding.readings
            if one.name != evidence.reading
        ]

    @cached_property
    def _left_out(self) -> dict[str, ProbabilityTree]:
        return {}

    def _without(self, source: str) -> ProbabilityTree:
        if source not in self._left_out:
            self._left_out[source] = self.model.variant(evidence=self.model.evidence.without(source))
        return self._left_out[source]

    def of(self, risk: RiskEstimate) -> dict[str, Any]:
        """How far one risk moves."""
        name, known = risk.outcome.name, dict(risk.known)
        if not self.model.joint().exact:
            return {
                **{kind: [] for kind in ("priors", "readings", "left_out", "untested")},
                **dict.fromkeys(("lowest", "highest"), risk.mean),
                "reason": NOT_WORKED_OUT,
            }
        # What has no answer, or has it from a definition, does not move with a prior.
        moving = [] if risk.mean is None or risk.definition_only else self._priors
        priors = [{"variant": label, "probability": model.risk(name, **known).mean} for label, model in moving]
        readings = []
        for label, model in self._readings:
            other = model.risk(name, **known)
            readings.append(
                {
                    "reading": label,
                    "probability": other.mean,
                    "bounds": list(other.bounds) if other.mean is None and other.bounds is not None else None,
                    "changed": [
                        f"{count.source} {count.events} of {count.total}"
                        for count in other.counts
                        if count not in risk.counts
                    ],
                }
            )
        left_out = []
        for source in risk.sources:
            other = self._without(source).risk(name, **known)
            left_out.append({"source": source, "probability": other.mean, "reason": other.reason})
        variants: list[dict[str, Any]] = [*priors, *readings, *left_out]
        untested = [self._fewest_tested(one, risk) for one in self._partly_tested(risk)]
        found = [one["probability"] for one in variants]
        values = [float(value) for value in (*found, risk.mean) if value is not None]
        return {
            "priors": priors,
            "readings": readings,
            "left_out": left_out,
            "untested": untested,
            "lowest": min(values, default=None),
            "highest": max(values, default=None),
            "reason": "",
        }

    def _partly_tested(self, risk: RiskEstimate) -> list[PartlyTested]:
        """Totals behind an answer that may count fetuses who were not tested."""
        keys = {count.key for count in risk.counts}
        moving = risk.mean is not None and not risk.definition_only
        declared = self.model.evidence.finding.partly_tested
        return [one for one in declared if moving and keys & set(one.counts)]

    def _with_totals(self, totals: Mapping[str, int]) -> ProbabilityTree:
        key = tuple(sorted(totals.items()))
        if key not in self._tested:
            self._tested[key] = self.model.variant(evidence=self.model.evidence.with_totals(totals))
        return self._tested[key]

    @cached_property
    def _tested(self) -> dict[tuple[tuple[str, int], ...], ProbabilityTree]:
        return {}

    def _fewest_tested(self, declared: PartlyTested, risk: RiskEstimate) -> dict[str, Any]:
        """The answer if only those with the event had been tested."""
        rows = [count for count in risk.counts if count.key in declared.counts]
        model = self._with_totals({count.key: max(count.events, 1) for count in rows})
        return {
            "text": declared.text,
            "sources": list(declared.sources),
            "fewest": sum(max(count.events, 1) for count in rows),
            "most": sum(count.total for count in rows),
            "probability_if_fewest": model.risk(risk.outcome.name, **dict(risk.known)).mean,
        }

    def tested(self, risk: RiskEstimate) -> list[dict[str, Any]]:
        """Bounds of an answer over every number that may have been tested, where a source does not say how many."""
        name, known = risk.outcome.name, dict(risk.known)
        found: dict[int, list[float]] = {}
        for declared in self._partly_tested(risk):
            rows = [count for count in risk.counts if count.key in declared.counts]
            ranges = [range(max(count.events, 1), count.total + 1) for count in rows]
            for totals in itertools.product(*ranges):
                chosen = dict(zip((count.key for count in rows), totals, strict=True))
                mean = self.model.variant(evidence=self.model.evidence.with_totals(chosen)).risk(name, **known).mean
                if mean is not None:
                    found.setdefault(sum(totals), []).append(mean)
        return [{"tested": n, "lowest": min(means), "highest": max(means)} for n, means in sorted(found.items())]
