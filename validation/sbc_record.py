"""The record of a simulation-based calibration: every rank, whether they are uniform, and how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from riskmodel._support.files import write_whole
from riskmodel.calibration.scores import ecdf_band
from riskmodel.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

FORMAT = "riskmodel simulation-based calibration 1"
#: Probability that all quantities of a right model stay inside their bands.
PROB = 0.95
#: Largest share of replications without a posterior.
MOST_REFUSED = 0.01


@dataclass(frozen=True, eq=False)
class SBCRecord:
    """Where true values fell in their posteriors, over many replications.

    Parameters
    ----------
    settings : mapping
        model, method, fit, prior, heterogeneity_prior, sizes, most_series, replications and seed.
    code : str
        Fingerprint of the code behind the fits.
    chunks : mapping of str to mapping
        By replications: lists of values in [0, 1] by quantity, and refused, replications without a posterior and why.
    missing : mapping of str to str
        Chunks that were not judged, and why; empty in a complete record.
    versions : mapping of str to str
        Of Python and of the packages behind the numbers.
    made : str
        When, in UTC.
    seconds : float
        How long it took.
    """

    settings: Mapping[str, Any]
    code: str
    chunks: Mapping[str, Mapping[str, Any]]
    missing: Mapping[str, str]
    versions: Mapping[str, str]
    made: str
    seconds: float

    @property
    def complete(self) -> bool:
        """Whether every replication was judged."""
        return not self.missing

    @cached_property
    def values(self) -> dict[str, Array]:
        """By quantity, where each true value fell in its posterior: uniform on [0, 1] where the posterior is right."""
        parts = list(self.chunks.values())
        names = [name for name in parts[0] if name != "refused"] if parts else []
        return {name: np.array([value for part in parts for value in part[name]], float) for name in names}

    @cached_property
    def refused(self) -> dict[str, str]:
        """Replications without a posterior, and why."""
        return {number: why for part in self.chunks.values() for number, why in part["refused"].items()}

    def ecdf(self, quantity: str, *, points: int = 50) -> list[dict[str, Any]]:
        """Distance of a quantity's values from the uniform distribution, with its band."""
        if not self.values:
            raise InputError("no replication was judged", where="ecdf", remedy="See missing")
        if quantity not in self.values:
            raise UnknownNameError("quantity", quantity, self.values, where="quantity")
        values = self.values[quantity]
        z = np.arange(1, points) / points
        share = (values[:, None] <= z).mean(0)
        lower, upper = ecdf_band(
            values.size, points=points, prob=1 - (1 - PROB) / len(self.values), seed=int(self.settings["seed"])
        )
        return [
            {
                "quantity": quantity,
                "z": float(a),
                "difference": float(b - a),
                "lower": float(c - a),
                "upper": float(d - a),
            }
            for a, b, c, d in zip(z, share, lower, upper, strict=True)
        ]

    @cached_property
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
        """Whether it is complete, next to nothing was refused, and every quantity stays inside its band."""
        few = len(self.refused) <= MOST_REFUSED * int(self.settings["replications"])
        return self.complete and few and bool(self.rows) and all(row["inside"] for row in self.rows)

    def table(self) -> pd.DataFrame:
        """Each quantity's verdict, one row each."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def ecdf_table(self) -> pd.DataFrame:
        """All curves and bands, for `riskmodel.plots.pit_ecdf`."""
        import pandas as pd

        return pd.DataFrame([row for name in self.values for row in self.ecdf(name)])

    def to_json(self) -> str:
        """The record as a file holds it: one line for each quantity of a chunk."""
        body = {
            "format": FORMAT,
            "passed": self.passed,
            "settings": dict(self.settings),
            "code": self.code,
            "versions": dict(self.versions),
            "made": self.made,
            "seconds": self.seconds,
            "missing": dict(self.missing),
            "table": self.rows,
        }
        head = json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)
        lines = [f"    {json.dumps(label)}: {json.dumps(part, allow_nan=False)}" for label, part in self.chunks.items()]
        return head.removesuffix("\n}") + ',\n  "chunks": {\n' + ",\n".join(lines) + "\n  }\n}\n"

    def save(self, path: str | Path) -> None:
        """Write the record, whole or not at all."""
        write_whole(Path(path), self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> SBCRecord:
        """Read a record."""
        place = str(path)
        try:
            body = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=place, remedy="Give a record's path") from None
        except ValueError:
            raise InputError("not JSON", where=place, remedy="Give the .json file that `save` wrote") from None
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise InputError(f"not a {FORMAT}", where=place, remedy="Give the .json file that `save` wrote")
        try:
            names = ("settings", "code", "chunks", "missing", "versions", "made", "seconds")
            record = cls(**{name: body[name] for name in names})
            _ = record.rows, record.refused
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError("a damaged record", where=place, remedy="Delete it and calibrate anew") from None
        return record

    def __repr__(self) -> str:
        """What was judged, and whether it passed."""
        judged = min((value.size for value in self.values.values()), default=0)
        verdict = "passed" if self.passed else "failed" if self.complete else "incomplete"
        return f"SBCRecord({self.settings['model']}, {self.settings['fit']}: {judged:,} replications, {verdict})"
