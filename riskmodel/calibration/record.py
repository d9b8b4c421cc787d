"""The record of a calibration: what was judged on what, every prediction's score, and the verdict; JSON and Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel._support.files import write_whole
from riskmodel.calibration.scores import LEVELS, Scores, rarity, verdict
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.report.calibration import record_markdown

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "riskmodel calibration record 1"


@dataclass(frozen=True, eq=False)
class CalibrationRecord:
    """How well predictors foretold series that were left out, and all that is needed to check it.

    Parameters
    ----------
    corpus : mapping
        name, content_hash, arms, data_sets, clusters and series.
    settings : mapping
        seed, ks, most, largest, mirrored.
    predictors : tuple of mapping
        What each row is; the first is the one the verdict is about.
    code : str
        Fingerprint of the code behind `pool`.
    arms : mapping of str to mapping
        By arm, in the order of the corpus: cluster, pooled_risk, and columns study, k, events, total, u, and by predictor
        pit and log_score; and why a predictor is unavailable.
    missing : mapping of str to str
        Arms that were not judged, and why; empty in a complete record.
    skipped : mapping of str to str
        Arms that the protocol leaves out, and why.
    versions : mapping of str to str
        Of Python and of the packages behind the numbers.
    made : str
        When, in UTC.
    seconds : float
        How long it took.
    resamples : int
        Of data sets, behind each interval.
    """

    corpus: Mapping[str, Any]
    settings: Mapping[str, Any]
    predictors: tuple[Mapping[str, Any], ...]
    code: str
    arms: Mapping[str, Mapping[str, Any]]
    missing: Mapping[str, str]
    skipped: Mapping[str, str]
    versions: Mapping[str, str]
    made: str
    seconds: float
    resamples: int = 2000

    @property
    def complete(self) -> bool:
        """Whether every arm was judged."""
        return not self.missing

    @property
    def names(self) -> tuple[str, ...]:
        """Predictors, in the order in which they were named."""
        return tuple(one["name"] for one in self.predictors)

    @cached_property
    def unavailable(self) -> dict[str, str]:
        """Predictors that `pool` refused somewhere, and why: a mean over other series would not compare."""
        found: dict[str, str] = {}
        for arm in self.arms.values():
            for name, reason in arm["unavailable"].items():
                found.setdefault(name, reason)
        return found

    @cached_property
    def scores(self) -> Scores:
        """Every prediction, as arrays."""
        arms = list(self.arms.values())
        names = [name for name in self.names if name not in self.unavailable]

        def column(name: str, kind: Any) -> Any:
            return np.array([value for arm in arms for value in arm[name]], kind)

        def score(statistic: str) -> dict[str, Any]:
            return {
                name: np.array([value for arm in arms for value in arm["scores"][name][statistic]], float)
                for name in names
            }

        sizes = [len(arm["k"]) for arm in arms]
        return Scores(
            ks=tuple(str(k) for k in self.settings["ks"]),
            k=column("k", str),
            cluster=np.repeat(np.array([arm["cluster"] for arm in arms], str), sizes),
            rarity=np.repeat(np.array([rarity(arm["pooled_risk"]) for arm in arms], str), sizes),
            total=column("total", np.int64),
            pit=score("pit"),
            log_score=score("log_score"),
            seed=int(self.settings["seed"]),
            resamples=self.resamples,
        )

    def bar(self, name: str | None = None) -> list[dict[str, Any]]:
        """Hold a predictor against the bar.

        Parameters
        ----------
        name : str, optional
            Whose verdict; the first predictor's by default.

        Returns
        -------
        list of dict
            criterion, k, value, low, high, status and reason; see `riskmodel.calibration.scores.verdict`.
        """
        return verdict(self.scores, self._known(name), self.unavailable)

    def verdict(self, name: str | None = None) -> str:
        """The bar in a word.

        Parameters
        ----------
        name : str, optional
            Whose; the first predictor's by default.

        Returns
        -------
        str
            ``"fail"`` where a criterion fails, ``"not available"`` where one could not be looked at or arms are missing,
            else ``"pass"``.
        """
        statuses = {row["status"] for row in self.bar(name)} if self.complete else {"not available"}
        return next(status for status in ("fail", "not available", "pass") if status in statuses)

    def symmetry(self) -> list[dict[str, Any]]:
        """How each predictor answers when events and non-events are exchanged; empty unless the record was made with it.

        Returns
        -------
        list of dict
            predictor; largest_difference of a probability between the two codings; and log_score of either.
        """
        if not self.settings["mirrored"] or not self.arms:
            return []
        rows = []
        for name in self.scores.pit:
            columns = [arm["scores"][name] for arm in self.arms.values()]
            rows.append(
                {
                    "predictor": name,
                    "largest_difference": max(max(one["asymmetry"]) for one in columns),
                    "log_score": float(self.scores.log_score[name].mean()),
                    "mirrored_log_score": float(np.mean([v for one in columns for v in one["mirrored_log_score"]])),
                }
            )
        return rows

    def table(self) -> pd.DataFrame:
        """Coverage and log score of every predictor by stratum and K.

        Returns
        -------
        pandas.DataFrame
            Columns as `riskmodel.calibration.scores.Scores.rows` names them.
        """
        import pandas as pd

        return pd.DataFrame(self.scores.rows)

    def histogram_table(self, name: str | None = None) -> pd.DataFrame:
        """PIT values of a predictor in bins.

        Parameters
        ----------
        name : str, optional
            Whose; the first predictor's by default.

        Returns
        -------
        pandas.DataFrame
            Columns left, right, density, density_lower, density_upper, density_se.
        """
        import pandas as pd

        return pd.DataFrame(self.scores.histogram(self._available(name)))

    def ecdf_table(self, name: str | None = None) -> pd.DataFrame:
        """PIT values of a predictor as distances from the uniform distribution, with simultaneous bands.

        Parameters
        ----------
        name : str, optional
            Whose; the first predictor's by default.

        Returns
        -------
        pandas.DataFrame
            Columns k, z, difference, lower, upper.
        """
        import pandas as pd

        return pd.DataFrame(self.scores.ecdf(self._available(name)))

    def coverage_table(self, name: str | None = None) -> pd.DataFrame:
        """How often central intervals of a predictor hold, by K and averaged over K.

        Parameters
        ----------
        name : str, optional
            Whose; the first predictor's by default.

        Returns
        -------
        pandas.DataFrame
            Columns k, level, coverage, lower, upper (95 % interval by resampling data sets), cases.
        """
        import pandas as pd

        known = self._available(name)
        rows = [row for row in self.scores.rows if row["predictor"] == known and row["stratum"] == "all"]
        found = []
        for level in LEVELS:
            column = f"coverage_{round(100 * level)}"
            for row in rows:
                ends = {end: row[f"{column}_{end}"] for end in ("lower", "upper")}
                found.append({"k": row["k"], "level": level, "coverage": row[column], **ends, "cases": row["cases"]})
        return pd.DataFrame(found)

    def _known(self, name: str | None) -> str:
        if name is None:
            return self.names[0]
        if name not in self.names:
            raise UnknownNameError("predictor", name, self.names, where="name")
        return name

    def _available(self, name: str | None) -> str:
        known = self._known(name)
        if known in self.unavailable or not self.arms:
            reason = self.unavailable.get(known, "no arm was judged")
            raise InputError(reason, where=known, remedy="Choose another predictor")
        return known

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it: what was judged, the verdict, the tables, and every prediction last.

        Returns
        -------
        dict
            Without NaN or infinities: null stands for what is not known.
        """
        references = [name for name in ("rbest", "naive") if name in self.scores.pit]
        body = {
            "format": FORMAT,
            "corpus": dict(self.corpus),
            "settings": dict(self.settings),
            "predictors": [dict(one) for one in self.predictors],
            "code": self.code,
            "versions": dict(self.versions),
            "made": self.made,
            "seconds": self.seconds,
            "resamples": self.resamples,
            "complete": self.complete,
            "missing": dict(self.missing),
            "skipped": dict(self.skipped),
            "unavailable": self.unavailable,
            "verdict": self.verdict(),
            "bar": self.bar(),
            "table": self.scores.rows,
            "differences": [row for name in references for row in self.scores.differences(name)],
            "symmetry": self.symmetry(),
            "arms": {label: dict(arm) for label, arm in self.arms.items()},
        }
        clean: dict[str, Any] = _finite(body)
        return clean

    def to_json(self) -> str:
        """The record as a file holds it: readable down to the arms, one line for each of those.

        Returns
        -------
        str
            JSON.
        """
        body = self.to_dict()
        arms = body.pop("arms")
        lines = [f"    {json.dumps(label)}: {json.dumps(arm, allow_nan=False)}" for label, arm in arms.items()]
        head = json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)
        return head.removesuffix("\n}") + ',\n  "arms": {\n' + ",\n".join(lines) + "\n  }\n}\n"

    def to_markdown(self) -> str:
        """The record as a page.

        Returns
        -------
        str
            Markdown: the verdict criterion by criterion, predictors side by side, strata, and how it was made.
        """
        return record_markdown(self.to_dict())

    def save(self, path: str | Path) -> None:
        """Write the record, whole or not at all: Markdown where the name ends in .md, else JSON.

        Parameters
        ----------
        path : str or Path
            The file.
        """
        file = Path(path)
        write_whole(file, self.to_markdown() if file.suffix == ".md" else self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> CalibrationRecord:
        """Read a record.

        Parameters
        ----------
        path : str or Path
            A JSON file that `save` wrote.

        Returns
        -------
        CalibrationRecord
            Its tables are computed again from its predictions.

        Raises
        ------
        InputError
            If the file is no such record.
        """
        place = str(path)
        try:
            body = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", where=place, remedy="Give a record's path") from None
        except ValueError:
            raise InputError("not JSON", where=place, remedy="Give the .json file that a calibration wrote") from None
        if not isinstance(body, dict) or body.get("format") != FORMAT:
            raise InputError(f"not a {FORMAT}", where=place, remedy="Give the .json file that a calibration wrote")
        try:
            record = cls(
                **{name: body[name] for name in ("corpus", "settings", "code", "arms", "missing", "skipped")},
                **{name: body[name] for name in ("versions", "made", "seconds", "resamples")},
                predictors=tuple(body["predictors"]),
            )
            _ = record.scores
        except (KeyError, TypeError, ValueError, AttributeError):
            raise InputError("a damaged record", where=place, remedy="Delete it and calibrate anew") from None
        return record

    def __repr__(self) -> str:
        """The verdict, and whose."""
        part = "" if self.complete else f", {len(self.missing)} of {len(self.missing) + len(self.arms)} arms missing"
        return f"CalibrationRecord({self.names[0]} on {self.corpus['name']}: {self.verdict()}{part})"


def _finite(value: Any) -> Any:
    """The same with null for every number that JSON does not know."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return value
