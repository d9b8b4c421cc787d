"""Corpora of published meta-analyses of proportions: what a prior is learned from and predictions are judged on.

A corpus is a table of series, `meta_analysis, arm, study, events, total`, one arm of one data set after another. The
shipped one stands beside the citation of each data set. Data sets that share trials are one cluster, since they are not
independent: whoever resamples or cross-validates does it by cluster.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from riskmodel._support.kept import Value, kept
from riskmodel.errors import EvidenceError
from riskmodel.evidence.manifest import place_of
from riskmodel.evidence.readers.sheets import as_table
from riskmodel.evidence.readers.sources import well_written
from riskmodel.evidence.readers.tables import Table
from riskmodel.evidence.readers.text import Faults, Row, read_csv, read_rows

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = Path(__file__).parent.parent / "data" / "corpora"
FILES = ("series.csv", "sources.csv")
SERIES_COLUMNS = ("meta_analysis", "arm", "study", "events", "total")
SOURCE_COLUMNS = ("key", "cluster", "what", "citation", "doi")
#: With one series left out there must be two to pool: an arm of fewer says nothing of how series differ.
FEWEST_SERIES = 3


@dataclass(frozen=True)
class Arm:
    """The series of one arm of one published data set."""

    meta_analysis: str  # meta_analysis, name: the data set, and which of its columns or treatments the counts are
    name: str
    cluster: str  # data sets that share trials have one
    studies: tuple[str, ...]  # A name for each series, sorted
    events: tuple[int, ...]  # events, totals: counts
    totals: tuple[int, ...]

    @property
    def label(self) -> str:
        """Data set and arm."""
        return f"{self.meta_analysis}/{self.name}"

    @property
    def pooled_risk(self) -> float:
        """Events of all series by all totals: only to sort arms into rare and common."""
        return sum(self.events) / sum(self.totals)


@dataclass(frozen=True)
class CorpusSource:
    """Where a data set was published."""

    key: str  # the data set
    cluster: str  # data sets that share trials have one
    what: str  # what the studies are about
    citation: str  # citation, doi: the publication; the DOI may be empty
    doi: str


@dataclass(frozen=True, eq=False)
class Corpus(Value):
    """Published meta-analyses of proportions, checked.

    Parameters
    ----------
    name : str
        Name of a shipped corpus, or of the file.
    arms : tuple of Arm
        Sorted by data set and arm.
    sources : mapping of str to CorpusSource
        By data set; empty for a file without citations.
    said : tuple of str
        What of the file was passed over, such as a hidden row, or taken as it stands.
    """

    name: str
    arms: tuple[Arm, ...]
    sources: Mapping[str, CorpusSource]
    said: tuple[str, ...] = field(default=(), compare=False)

    @property
    def clusters(self) -> tuple[str, ...]:
        """Names of the clusters, sorted."""
        return tuple(sorted({arm.cluster for arm in self.arms}))

    @property
    def data_sets(self) -> tuple[str, ...]:
        """Names of the data sets, sorted."""
        return tuple(sorted({arm.meta_analysis for arm in self.arms}))

    @property
    def series(self) -> int:
        """How many series there are."""
        return sum(len(arm.studies) for arm in self.arms)

    @kept
    def content_hash(self) -> str:
        """SHA-256 of the counts and clusters, in hexadecimal: not of the order of rows, nor of how the file is written."""
        digest = hashlib.sha256()
        for arm in self.arms:
            for row in zip(arm.studies, arm.events, arm.totals, strict=True):
                digest.update(repr((arm.meta_analysis, arm.name, arm.cluster, *row)).encode())
        return digest.hexdigest()

    def table(self) -> pd.DataFrame:
        """Every series, one row each.

        Returns
        -------
        pandas.DataFrame
            Columns meta_analysis, arm, cluster, study, events, total.
        """
        import pandas as pd

        rows = [
            (arm.meta_analysis, arm.name, arm.cluster, *row)
            for arm in self.arms
            for row in zip(arm.studies, arm.events, arm.totals, strict=True)
        ]
        return pd.DataFrame(rows, columns=["meta_analysis", "arm", "cluster", "study", "events", "total"])

    def __repr__(self) -> str:
        """How much of what."""
        return (
            f"Corpus({self.name}: {self.series} series in {len(self.arms)} arms of {len(self.data_sets)} data sets, "
            f"{len(self.clusters)} clusters; {self.content_hash[:8]})"
        )


def corpora() -> tuple[str, ...]:
    """Names of the shipped corpora."""
    return tuple(sorted(path.name for path in SHIPPED.iterdir() if (path / FILES[0]).is_file()))


def load_corpus(path: str | Path | None = None, *, sheet: str | None = None, hidden: bool = False) -> Corpus:
    """Read and check a corpus.

    Parameters
    ----------
    path : str or Path, optional
        Name of a shipped corpus, ``"development"`` by default; or a CSV file or workbook with the columns meta_analysis,
        arm, study, events and total, and cluster where data sets share trials; or a folder with such a CSV file,
        ``series.csv``, and ``sources.csv``.
    sheet : str, optional
        Of a workbook; by default the only visible one with these columns.
    hidden : bool
        Whether hidden rows and columns of a workbook are read as well.

    Returns
    -------
    Corpus
        Checked.

    Raises
    ------
    EvidenceError
        If a file has faults; it carries all of them.
    UnknownNameError
        If there is no such corpus, file or folder.
    InputError
        If `path` is neither a name nor a path, or is not a table.

    Examples
    --------
    >>> load_corpus()
    Corpus(development: 746 series in 41 arms of 22 data sets, 21 clusters; ...)
    """
    place = place_of("development" if path is None else path, "corpus", corpora(), SHIPPED, "CSV file")
    faults = Faults()
    sources: dict[str, CorpusSource] = {}
    series = place
    if place.is_dir():
        for file in FILES:
            if not (place / file).is_file():
                faults.add(file, "the file is missing", f"A corpus's folder has {' and '.join(FILES)}")
        if faults.problems:
            raise EvidenceError(faults.problems, where=str(place))
        sources = _read_sources(place / FILES[1], faults)
        series = place / FILES[0]
    table = as_table(series, required=SERIES_COLUMNS, optional=("cluster",), sheet=sheet, hidden=hidden)
    arms = _read_series(table, sources, faults)
    if faults.problems:
        found = sorted(table.placed(faults.problems), key=lambda one: (one.file, one.row or 0))
        raise EvidenceError(found, where=str(place))
    return Corpus(place.resolve().name, arms, sources, table.said)


def _read_sources(path: Path, faults: Faults) -> dict[str, CorpusSource]:
    sources: dict[str, CorpusSource] = {}
    for row in read_csv(path, faults, required=SOURCE_COLUMNS):
        for column in ("key", "cluster", "citation"):
            if not row[column]:
                row.fault(column, "empty", "Fill it in")
        well_written(row, "doi")
        if row["key"] in sources:
            row.fault("key", "the data set appears twice", "Keep one")
        sources[row["key"]] = CorpusSource(*(row[column] for column in SOURCE_COLUMNS))
    return sources


def _read_series(table: Table, sources: Mapping[str, CorpusSource], faults: Faults) -> tuple[Arm, ...]:
    rows = read_rows(table, faults, required=SERIES_COLUMNS, optional=("cluster",))
    if any(column not in rows[0].cells for column in SERIES_COLUMNS) if rows else True:
        return ()  # a missing column would be a fault of every row
    arms: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    first_rows: dict[tuple[str, str], Row] = {}
    # Counted before a row is refused, so that one bad count is not also told as an arm that is too short.
    sizes = Counter((row["meta_analysis"], row["arm"]) for row in rows)
    clusters: dict[str, str] = {}
    for row in rows:
        key = row["meta_analysis"], row["arm"]
        for column in ("meta_analysis", "arm", "study"):
            if not row[column]:
                row.fault(column, "empty", "Give a name")
        if sources and key[0] and key[0] not in sources:
            row.unknown("meta_analysis", "data set", sources)
        counts = row.counted()
        first_rows.setdefault(key, row)
        series = arms.setdefault(key, {})
        if row["study"] and row["study"] in series:
            row.fault("study", "the study is already in this arm", "Keep one row, or name the second series apart")
        series[row["study"]] = counts or (0, 0)  # the corpus is refused anyway
        cluster = row["cluster"] or (sources[key[0]].cluster if key[0] in sources else key[0])
        if clusters.setdefault(key[0], cluster) != cluster:
            what = f"the data set is in the cluster {clusters[key[0]]!r} already"
            row.fault("cluster", what, "Give all rows of a data set one cluster")
    for key, size in sizes.items():
        if size < FEWEST_SERIES:
            what = f"the arm has {size} series, fewer than {FEWEST_SERIES}"
            number = first_rows[key].number
            faults.add(table.name, what, "Leave the arm out", row=number, column="arm", found="/".join(key))
    if faults.problems:
        return ()
    return tuple(_arm(key, arms[key], clusters[key[0]]) for key in sorted(arms))


def _arm(key: tuple[str, str], series: Mapping[str, tuple[int, int]], cluster: str) -> Arm:
    studies = sorted(series, key=lambda study: (_natural(study), study))
    events, totals = zip(*(series[one] for one in studies), strict=True)
    return Arm(*key, cluster, tuple(studies), events, totals)


def _natural(text: str) -> Sequence[tuple[int, int, str]]:
    """Order in which study 2 comes before study 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", text)]
