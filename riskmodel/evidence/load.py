"""A finding's folder to checked evidence: the one way in, whether the folder is shipped or a user's own."""

from __future__ import annotations

from pathlib import Path

from riskmodel._support.doors import door
from riskmodel._support.kept import Shelf
from riskmodel.errors import EvidenceError, InputError, UnknownNameError
from riskmodel.evidence import manifest
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.manifest import FILES, findings, place_of
from riskmodel.evidence.readers.counts import COLUMNS, read_counts
from riskmodel.evidence.readers.fields import read_toml
from riskmodel.evidence.readers.finding import read_finding
from riskmodel.evidence.readers.sources import read_sources, unknown
from riskmodel.evidence.readers.text import Faults, Files, header, read_csv
from riskmodel.evidence.readers.together import mistaken
from riskmodel.evidence.readers.workup import read_workup

#: Evidence of the folders that were read last.
_READ = Shelf(32)


def as_evidence(finding: str | Path | Evidence) -> Evidence:
    """Evidence as it is, under its own reading; or that of a finding's name or folder."""
    return finding if isinstance(finding, Evidence) else load_evidence(finding)


@door
def load_evidence(finding: str | Path | Evidence, *, reading: str = "primary") -> Evidence:
    """Read and check a finding's folder.

    Parameters
    ----------
    finding : str, Path or Evidence
        Name of a shipped finding, evidence that is already read, or path of a folder with ``finding.toml``,
        ``sources.csv``, ``counts.csv`` and ``workup.toml``.
    reading : str
        How the disputed rows are read.

    Returns
    -------
    Evidence
        Checked: nothing in it is unsourced, impossible or counted twice.

    Raises
    ------
    EvidenceError
        If the folder has faults; it carries all of them.
    UnknownNameError
        If there is no such finding or reading.
    InputError
        If `finding` is neither a name nor a path.

    Examples
    --------
    >>> evidence = load_evidence("fetal-hepatic-calcification")
    >>> [(count.source, count.events, count.total) for count in evidence.select(
    ...     variable="karyotype", category="abnormal", given=(("anatomy", "isolated"),))]
    [('Simchen 2002', 1, 21), ('Bronshtein 1995', 0, 11), ('Ocal 2014', 0, 14)]
    """
    if isinstance(finding, Evidence):
        return finding.with_reading(reading)
    folder = place_of(finding, "finding", findings(), manifest.SHIPPED, "folder")
    if folder.is_file() and folder.name in FILES:
        remedy = f"Give the folder: {folder.parent}"
        raise InputError(f"{str(finding)!r} is one file of a folder", where="finding", remedy=remedy)
    if not folder.is_dir():
        raise UnknownNameError("finding, and no folder either:", str(finding), findings(), where="finding")
    key, files = folder.resolve().name, manifest.read_folder(folder)
    # A folder whose every byte is as it was is the same evidence: only its files are read again.
    evidence = _READ.get_or_make((key, folder, *files.items()), lambda: read_evidence(files, key, folder))
    if folder.parent == manifest.SHIPPED:
        manifest.check_released(folder.name, evidence.content_hash)
    return evidence.with_reading(reading)


def read_evidence(files: Files, key: str, folder: Path | None) -> Evidence:
    """A finding's files as checked evidence, under its primary reading; what is parsed here is what is hashed."""
    faults = Faults()
    parsed = read_finding(files, key, faults)
    sources = read_sources(files, faults)
    if parsed is None:
        # Rows cannot be checked against a finding that cannot be read; the files themselves and their numbers still can.
        for row in read_csv("counts.csv", files, faults, **header(COLUMNS), begun=True):
            row.counted()
        if "workup.toml" in files:
            read_toml("workup.toml", files, faults)
        raise EvidenceError(faults.problems, where=str(folder or key))
    counts = read_counts(files, parsed, sources, faults)
    workup = read_workup(files, parsed, faults)
    statements = [*workup.differential, *workup.prognosis, *workup.pitfalls, *workup.cautions]
    cited = [("workup.toml", f"steps.{one.key}", one.sources) for one in workup.steps]
    cited += [("workup.toml", one.key, one.sources) for one in statements]
    cited += [("workup.toml", one.key, one.sources) for one in workup.neighbours]
    cited += [("workup.toml", one.key, one.sources) for one in workup.ends]
    cited += [("workup.toml", one.name, one.sources) for one in workup.tests]
    cited += [("finding.toml", f"disagreements.{one.key}", one.sources) for one in parsed.disagreements]
    cited += [("finding.toml", f"edges: {one.name}", one.sources) for one in parsed.edges]
    cited += [("finding.toml", "partly_tested", one.sources) for one in parsed.partly_tested]
    if parsed.review.article_source:
        cited.append(("finding.toml", "review.article_source", (parsed.review.article_source,)))
    named = [("workup.toml", f"{one.key}.counts", one.counts) for one in statements]
    named += [("finding.toml", "partly_tested.counts", one.counts) for one in parsed.partly_tested]
    primary = sorted({count.key for count in counts if count.reading == "primary"})
    strange = unknown((key for *_, keys in cited for key in keys), sources, faults)
    missing = {key for *_, keys in named for key in keys} - {*primary}
    # Of a table that could not be read nothing is said to be missing; one that is only begun lacks what is named.
    unread = not counts and any(one.file == "counts.csv" for one in faults.problems)
    missing = {key for key in missing if not unread and not mistaken(key, counts, faults, "counts.csv")}
    for kind, wanted, known, amiss in (("source", cited, sources, strange), ("count", named, primary, missing)):
        for file, column, keys in wanted:
            for key in keys:
                if key in amiss:
                    faults.unknown(file, kind, key, known, column=column)
    told = faults.columns("counts.csv")
    for one in counts:
        declared = parsed.variable(one.variable)
        partly = any(one.key in part.counts for part in parsed.partly_tested)
        if partly and "variable" not in told.get(one.row, ()) and (declared is None or len(declared.states) > 2):
            what = "a count of one of several states cannot be partly tested"
            remedy = "Say it of a variable of two states"
            faults.add("finding.toml", what, remedy, column="partly_tested.counts", found=one.key)
    if faults.problems:
        order = {name: i for i, name in enumerate(FILES)}
        problems = sorted(faults.problems, key=lambda one: (order.get(one.file, 9), one.row or 0))
        raise EvidenceError(problems, where=str(folder or key))
    texts = manifest.as_texts(files)
    # Whatever the reading, its rows are chosen in one place.
    evidence = Evidence(parsed, sources, counts, counts, workup, "", folder, texts, manifest.hash_of(texts))
    return evidence.with_reading("primary")
