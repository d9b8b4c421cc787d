"""The record of a simulation-based calibration: every rank, whether they are uniform, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from riskmodel._support.kept import kept
from riskmodel._support.record import Named, Number, Probability, Record, RecordDocument, Whole
from riskmodel.calibration.scores import ecdf_differences
from riskmodel.errors import UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

#: Probability that all quantities of a right model stay inside their bands.
PROB = 0.95
#: Largest share of replications without a posterior.
MOST_REFUSED = 0.01
Values = Annotated[list[Probability], Meta(description="Where each true value fell in its posterior.")]


class SBCSettings(Struct, forbid_unknown_fields=True):
    """What was simulated and judged."""

    model: str
    method: str
    fit: Annotated[str, Meta(description="What was judged.")]
    prior: str
    heterogeneity_prior: str
    sizes: Annotated[list[Whole], Meta(min_length=1, description="Fetuses of a simulated series.")]
    most_series: Whole
    replications: Whole
    seed: Whole


class SBCRow(Struct, forbid_unknown_fields=True):
    """A quantity's verdict: all of a right model stay inside at all points at once with probability 0.95."""

    quantity: str
    replications: Whole
    largest: Annotated[float, Meta(description="Largest distance of the distribution from the uniform one.")]
    at: Annotated[Probability, Meta(description="Where it is.")]
    lower: Annotated[float, Meta(description="Band there.")]
    upper: float
    inside: Annotated[bool, Meta(description="Whether the whole curve is inside.")]


class SBCChunk(Struct, forbid_unknown_fields=True):
    """Some replications."""

    average: Values
    heterogeneity: Values
    first_series: Values
    new_setting: Values
    new_events: Values
    log_likelihood: Values
    refused: Annotated[Named, Meta(description="Replications without a posterior, and why.")]


class SBCDocument(RecordDocument, tag="riskmodel simulation-based calibration 2"):
    """Where true values fell in their posteriors over many replications: `SBCRecord.save` writes it."""

    passed: Annotated[bool, Meta(description="Next to nothing refused, and every quantity inside its band.")]
    table: list[SBCRow]
    settings: SBCSettings
    seconds: Annotated[Number, Meta(description="How long it took.")]
    chunks: Annotated[dict[str, SBCChunk], Meta(description="By replications.")]


@dataclass(frozen=True, eq=False, kw_only=True)
class SBCRecord(Record):
    """Where true values fell in their posteriors, over many replications."""

    settings: Mapping[
        str, Any
    ]  # model, method, fit, prior, heterogeneity_prior, sizes, most_series, replications, seed
    seconds: float  # how long it took
    #: By replications: lists of values in [0, 1] by quantity, and refused, replications without a posterior and why.
    chunks: Mapping[str, Mapping[str, Any]]

    DOCUMENT: ClassVar = SBCDocument
    AGAIN: ClassVar = "Run make sbc"

    @kept
    def values(self) -> dict[str, Array]:
        """By quantity, where each true value fell in its posterior: uniform on [0, 1] where the posterior is right."""
        parts = list(self.chunks.values())
        names = [name for name in parts[0] if name != "refused"]
        return {name: np.array([value for part in parts for value in part[name]], float) for name in names}

    @kept
    def refused(self) -> dict[str, str]:
        """Replications without a posterior, and why."""
        return {number: why for part in self.chunks.values() for number, why in part["refused"].items()}

    def ecdf(self, quantity: str, *, points: int = 50) -> list[dict[str, Any]]:
        """Distance of a quantity's values from the uniform distribution, with its band."""
        if quantity not in self.values:
            raise UnknownNameError("quantity", quantity, self.values, where="quantity")
        prob = 1 - (1 - PROB) / len(self.values)  # of each quantity, so that all together have PROB (Bonferroni)
        curve = ecdf_differences(self.values[quantity], points=points, prob=prob, seed=int(self.settings["seed"]))
        return [{"quantity": quantity, **row} for row in curve]

    @kept
    def rows(self) -> list[dict[str, Any]]:
        """Each quantity's verdict: quantity, replications, largest (distance from uniform), at, band there, inside."""
        found = []
        for name, values in self.values.items():
            curve = self.ecdf(name)
            worst = max(curve, key=lambda one: abs(one["difference"]))
            inside = all(one["lower"] - 1e-12 <= one["difference"] <= one["upper"] + 1e-12 for one in curve)
            found.append(
                {
                    "quantity": name,
                    "replications": int(values.size),
                    "largest": worst["difference"],
                    "at": worst["z"],
                    "lower": worst["lower"],
                    "upper": worst["upper"],
                    "inside": inside,
                }
            )
        return found

    @property
    def passed(self) -> bool:
        """Whether next to nothing was refused, and every quantity stays inside its band."""
        few = len(self.refused) <= MOST_REFUSED * int(self.settings["replications"])
        return few and all(row["inside"] for row in self.rows)

    def table(self) -> pd.DataFrame:
        """Each quantity's verdict, one row each."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def ecdf_table(self) -> pd.DataFrame:
        """All curves and bands, for `riskmodel.plots.pit_ecdf`."""
        import pandas as pd

        return pd.DataFrame([row for name in self.values for row in self.ecdf(name)])

    def derived(self) -> dict[str, Any]:
        """The verdict, and each quantity's."""
        return {"passed": self.passed, "table": self.rows}

    def __repr__(self) -> str:
        """What was judged, and whether it passed."""
        judged = min(value.size for value in self.values.values())
        verdict = "passed" if self.passed else "failed"
        return f"SBCRecord({self.settings['model']}, {self.settings['fit']}: {judged:,} replications, {verdict})"
