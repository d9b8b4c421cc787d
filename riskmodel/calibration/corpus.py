"""Corpora of published meta-analyses of proportions: what a prior is learned from and predictions are judged on.

A corpus is a table of series, `meta_analysis, arm, study, events, total`, one arm of one data set after another. The
shipped one stands beside the citation of each data set. Data sets that share trials are one cluster, since they are not
independent: whoever resamples or cross-validates does it by cluster.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from riskmodel._support.checks import is_missing
from riskmodel._support.doors import door
from riskmodel._support.kept import Value, kept
from riskmodel._support.labels import TELLING_TOTAL, TOTAL, bare, folded, is_total, sums, totals
from riskmodel.errors import EvidenceError
from riskmodel.evidence.audit import AuditFinding
from riskmodel.evidence.manifest import place_of, read_folder
from riskmodel.evidence.readers.identity import WINDOW, Papers, labels_alike, stands
from riskmodel.evidence.readers.sheets import as_table
from riskmodel.evidence.readers.sources import well_written
from riskmodel.evidence.readers.tables import Table
from riskmodel.evidence.readers.text import Faults, Files, Row, read_csv, read_rows

if TYPE_CHECKING:
    import pandas as pd

SHIPPED = Path(__file__).parent.parent / "data" / "corpora"
FILES = ("series.csv", "sources.csv")
SERIES_COLUMNS = ("meta_analysis", "arm", "study", "events", "total")
COLUMNS: Mapping[str, Sequence[str]] = {"required": SERIES_COLUMNS, "optional": ("cluster",)}
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

    def audit(self) -> tuple[AuditFinding, ...]:
        """What a careful reader would ask: series of an arm that may be one, or the sum of the others.

        Returns
        -------
        tuple of AuditFinding
            Each with severity, code, what, sources (the arm's label) and remedy.
        """
        found = []
        for arm in self.arms:
            rows = sorted(zip(arm.studies, arm.events, arm.totals, strict=True), key=lambda row: bare(row[0]))
            for i, row in enumerate(rows):
                for other in rows[i + 1 : i + 1 + WINDOW]:
                    if row[1:] == other[1:] and labels_alike(row[0], other[0]):
                        what = f"{arm.label}: {row[0]} and {other[0]}, both {row[1]} of {row[2]}, may be one study"
                        found.append(AuditFinding("warning", "near duplicate", what, (arm.label,)))
            for i in sums([row[1:] for row in rows]):
                # Three small counts sum by chance.
                if len(rows) > FEWEST_SERIES and rows[i][2] >= TELLING_TOTAL:
                    what = f"{arm.label}: {rows[i][0]}, {rows[i][1]} of {rows[i][2]}, is the sum of the others"
                    found.append(AuditFinding("warning", "total", what, (arm.label,)))
        return tuple(found)

    def __repr__(self) -> str:
        """How much of what."""
        return (
            f"Corpus({self.name}: {self.series} series in {len(self.arms)} arms of {len(self.data_sets)} data sets, "
            f"{len(self.clusters)} clusters; {self.content_hash[:8]})"
        )


def corpora() -> tuple[str, ...]:
    """Names of the shipped corpora."""
    return tuple(sorted(path.name for path in SHIPPED.iterdir() if (path / FILES[0]).is_file()))


@door
def load_corpus(path: Any = None, *, sheet: str | None = None, hidden: bool = False) -> Corpus:
    """Read and check a corpus.

    Parameters
    ----------
    path : str, Path, data frame or sequence of mapping, optional
        Name of a shipped corpus, ``"development"`` by default; or a CSV file or workbook with the columns meta_analysis,
        arm, study, events and total, and cluster where data sets share trials; or a data frame of any maker, or rows, with
        these; or a folder with such a CSV file, ``series.csv``, and ``sources.csv``.
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
        If `path` is neither a name nor a path, and no table; or it has no sheet or nothing hidden that is asked for.

    Examples
    --------
    >>> load_corpus()
    Corpus(development: 746 series in 41 arms of 22 data sets, 21 clusters; ...)
    """
    faults = Faults()
    if path is not None and not isinstance(path, (str, Path)):
        table = as_table(path, **COLUMNS, sheet=sheet, hidden=hidden)
        arms = _arms(table, {}, faults)
        if faults.problems:
            raise EvidenceError(faults.problems, where=table.name)
        return Corpus(table.name, arms, {})
    place = place_of("development" if path is None else path, "corpus", corpora(), SHIPPED, "CSV file")
    sources: dict[str, CorpusSource] = {}
    series = place
    if place.is_dir():
        files = read_folder(place, FILES)
        for file in FILES:
            if file not in files:
                faults.add(file, "the file is missing", f"A corpus's folder has {' and '.join(FILES)}")
        series = place / FILES[0]
        sources = _read_sources(files, faults) if FILES[1] in files else {}
    arms, table = (), Table(series.name, ())
    if series.is_file() or not place.is_dir():
        try:
            table = as_table(series, **COLUMNS, sheet=sheet, hidden=hidden)
            arms = _arms(table, sources, faults)
        except EvidenceError as error:
            faults.problems += error.problems
    if faults.problems:
        found = sorted(table.placed(faults.problems), key=lambda one: (one.file, one.row or 0))
        raise EvidenceError(found, where=str(place))
    return Corpus(place.resolve().name, arms, sources, table.said)


def _read_sources(files: Files, faults: Faults) -> dict[str, CorpusSource]:
    sources: dict[str, CorpusSource] = {}
    papers = Papers()
    for row in read_csv(FILES[1], files, faults, required=SOURCE_COLUMNS):
        for column in ("key", "cluster", "citation"):
            if is_missing(row[column]):
                row.fault(column, "empty", "Fill it in")
        well_written(row, "doi")
        if row["key"] in sources:
            row.fault("key", "the data set appears twice", "Keep one")
        cells = {column: row[column] for column in SOURCE_COLUMNS}
        if same := papers.find(cells):
            row.fault(same[0], *stands(*same, " and name what differs in the column arm"))
        papers.add(row["key"], cells)
        sources.setdefault(row["key"], CorpusSource(**cells))
    return sources


def _arms(table: Table, sources: Mapping[str, CorpusSource], faults: Faults) -> tuple[Arm, ...]:
    rows = read_rows(table, faults, required=COLUMNS["required"], optional=COLUMNS["optional"])
    if any(column not in rows[0].cells for column in SERIES_COLUMNS) if rows else True:
        return ()  # a missing column would be a fault of every row
    arms: dict[tuple[str, str], dict[str, _Series]] = {}
    # Counted before a row is refused, so that one bad count is not also told as an arm that is too short.
    sizes = Counter((row["meta_analysis"], row["arm"]) for row in rows if not is_total(row["study"]))
    first_rows: dict[tuple[str, str], Row] = {}
    clusters: dict[str, str] = {}
    spelt: dict[tuple[str, ...], str] = {}
    for row in rows:
        key = row["meta_analysis"], row["arm"]
        for column, of in (("meta_analysis", ()), ("arm", key[:1]), ("cluster", ())):
            _spelt_once(row, column, of, spelt)
        for column in ("meta_analysis", "arm", "study"):
            # An arm may well be called '-'; a study may not.
            if not row[column] or (column == "study" and is_missing(row[column])):
                row.fault(column, "empty", "Give a name")
        if sources and key[0] and key[0] not in sources:
            row.unknown("meta_analysis", "data set", sources)
        counts = row.counted()
        first_rows.setdefault(key, row)
        series = arms.setdefault(key, {})
        if row["study"] and folded(row["study"]) in series:
            row.fault("study", "the study is already in this arm", "Keep one row, or name the second series apart")
        series.setdefault(folded(row["study"]), _Series(row, *(counts or (0, 0))))  # the corpus is refused anyway
        cluster = row["cluster"] or (sources[key[0]].cluster if key[0] in sources else key[0])
        if clusters.setdefault(key[0], cluster) != cluster:
            what = f"the data set is in the cluster {clusters[key[0]]!r} already"
            row.fault("cluster", what, "Give all rows of a data set one cluster")
    for key, size in sizes.items():
        told = any(first_rows[key].told(column) for column in ("meta_analysis", "arm"))
        if size < FEWEST_SERIES and all(key) and not told:
            what = f"the arm has {size} series, fewer than {FEWEST_SERIES}"
            number = first_rows[key].number
            faults.add(table.name, what, "Leave the arm out", row=number, column="arm", found="/".join(key))
    for found in arms.values():
        _check_totals(list(found.values()))
    if faults.problems:
        return ()
    return tuple(_arm(key, arms[key].values(), clusters[key[0]]) for key in sorted(arms))


class _Series(NamedTuple):
    """A row of a corpus and its counts."""

    row: Row
    events: int
    total: int


def _check_totals(rows: Sequence[_Series]) -> None:
    """Note every row that is called a total: it would count the others' patients again."""
    summed = totals([one.row["study"] for one in rows], [(one.events, one.total) for one in rows])
    for i, one in enumerate(rows):
        if i in summed:
            one.row.fault("study", f"the sum of the {summed[i]} other series, not one of its own", TOTAL[1])
        elif is_total(one.row["study"]):
            one.row.fault("study", *TOTAL)


def _spelt_once(row: Row, column: str, of: tuple[str, ...], spelt: dict[tuple[str, ...], str]) -> None:
    """Note a label that another row spells otherwise: it would be taken for another data set, arm or cluster."""
    label = row[column]
    first = spelt.setdefault((column, *of, folded(label)), label)
    if first != label:
        row.fault(column, *stands("key", first))


def _arm(key: tuple[str, str], series: Iterable[_Series], cluster: str) -> Arm:
    rows = sorted(
        ((one.row["study"], one.events, one.total) for one in series), key=lambda one: (_natural(one[0]), one)
    )
    studies, events, totals = zip(*rows, strict=True)
    return Arm(*key, cluster, studies, events, totals)


def _natural(text: str) -> list[tuple[int, int, str]]:
    """Order in which study 2 comes before study 10."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", text)]
