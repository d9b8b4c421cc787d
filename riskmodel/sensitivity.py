"""How far a risk moves: under other priors and readings, and with each series left out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from riskmodel.estimate import RiskEstimate
from riskmodel.tree import ProbabilityTree

#: Other choices that a reader may hold, one changed at a time: (name, changes).
ALTERNATIVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("uniform prior on the average", {"prior": "uniform"}),
    ("half-normal(1) on the spread", {"heterogeneity": "half-normal-1"}),
    ("all settings alike", {"heterogeneity": 0}),
)


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """The variants of one model, fitted once for all the risks of a consultation.

    Parameters
    ----------
    model : ProbabilityTree
        The model whose answers are compared.
    """

    model: ProbabilityTree

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
        """How far one risk moves.

        Parameters
        ----------
        risk : RiskEstimate
            An answer of the model.

        Returns
        -------
        dict
            Keys priors, readings and left_out, each a list of variants with their probability (readings with interval
            too), and lowest and highest, the range of all of them with the answer itself; null where nothing is estimable.
        """
        name, known = risk.outcome.name, dict(risk.known)
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
                    "interval": None if (interval := other.interval()) is None else list(interval),
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
        found = [one["probability"] for one in variants]
        values = [float(value) for value in (*found, risk.mean) if value is not None]
        return {
            "priors": priors,
            "readings": readings,
            "left_out": left_out,
            "lowest": min(values, default=None),
            "highest": max(values, default=None),
        }
