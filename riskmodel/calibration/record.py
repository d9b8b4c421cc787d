"""The record of a calibration: what was judged on what, every prediction's score, and the verdict; JSON and Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from riskmodel._support.files import write_whole
from riskmodel._support.fingerprint import code_fingerprint
from riskmodel._support.kept import kept
from riskmodel._support.record import Record
from riskmodel.calibration.corpus import Corpus
from riskmodel.calibration.document import CalibrationDocument
from riskmodel.calibration.scores import LEVELS, Scores, rarity, verdict
from riskmodel.errors import InputError, StaleRecordError, UnknownNameError
from riskmodel.report.calibration import record_markdown

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, kw_only=True)
class CalibrationRecord(Record):
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
        pit, log_score and expected; and why a predictor is unavailable.
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
    skipped: Mapping[str, str]
    seconds: float
    resamples: int = 2000
    arms: Mapping[str, Mapping[str, Any]]

    DOCUMENT: ClassVar = CalibrationDocument
    FILE: ClassVar = "calibration.json"
    AGAIN: ClassVar = "Calibrate again"

    @property
    def names(self) -> tuple[str, ...]:
        """Predictors, in the order in which they were named."""
        return tuple(one["name"] for one in self.predictors)

    @kept
    def unavailable(self) -> dict[str, str]:
        """Predictors that `pool` refused somewhere, and why: a mean over other series would not compare."""
        found: dict[str, str] = {}
        for arm in self.arms.values():
            for name, reason in arm["unavailable"].items():
                found.setdefault(name, reason)
        return found

    @kept
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
            events=column("events", np.int64),
            expected=score("expected"),
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
            ``"fail"`` where a criterion fails, ``"not available"`` where one could not be looked at, ``"inconclusive"``
            where one is missed by less than its own interval, else ``"pass"``.
        """
        statuses = {row["status"] for row in self.bar(name)}
        return next(status for status in ("fail", "not available", "inconclusive", "pass") if status in statuses)

    def symmetry(self) -> list[dict[str, Any]]:
        """How each predictor answers when events and non-events are exchanged; empty unless the record was made with it.

        Returns
        -------
        list of dict
            predictor; largest_difference of a probability between the two codings; and log_score of either.
        """
        if not self.settings["mirrored"]:
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

    def expected_table(self) -> pd.DataFrame:
        """Expected over observed number of events, and of non-events: calibration in the large.

        Returns
        -------
        pandas.DataFrame
            Columns as `riskmodel.calibration.scores.Scores.ratios` names them.
        """
        import pandas as pd

        return pd.DataFrame(self.scores.ratios)

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
        if known in self.unavailable:
            raise InputError(self.unavailable[known], where=known, remedy="Choose another predictor")
        return known

    def derived(self) -> dict[str, Any]:
        """The verdict and the tables.

        Returns
        -------
        dict
            unavailable, verdict, bar, table, expected_observed, differences, symmetry.
        """
        references = [name for name in ("rbest", "naive") if name in self.scores.pit]
        return {
            "unavailable": self.unavailable,
            "verdict": self.verdict(),
            "bar": self.bar(),
            "table": self.scores.rows,
            "expected_observed": self.scores.ratios,
            "differences": [row for name in references for row in self.scores.differences(name)],
            "symmetry": self.symmetry(),
        }

    def check(self, corpus: Corpus) -> None:
        """Refuse a record that is not of this corpus and this code.

        Parameters
        ----------
        corpus : Corpus
            What the verdict is wanted for.

        Raises
        ------
        StaleRecordError
            With the reason.
        """
        place = f"{self.names[0]} on {self.corpus['name']}"
        judged, given = self.corpus["content_hash"], corpus.content_hash
        if judged != given:
            what = f"the record is of the corpus {judged[:8]}, and this one is {given[:8]}"
            raise StaleRecordError(what, where=place, remedy=self.AGAIN)
        self.check_code(code_fingerprint("calibration"), where=place)

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
        if Path(path).suffix == ".md":
            write_whole(path, self.to_markdown())
        else:
            super().save(path)

    def __repr__(self) -> str:
        """The verdict, and whose."""
        return f"CalibrationRecord({self.names[0]} on {self.corpus['name']}: {self.verdict()})"
