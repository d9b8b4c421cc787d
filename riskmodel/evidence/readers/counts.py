"""A finding's ``counts.csv`` to values, every fault noted."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from riskmodel._support.checks import is_missing
from riskmodel._support.labels import TOTAL, is_total
from riskmodel.errors import meant
from riskmodel.evidence.finding import BASES, ROLES, TERMINATIONS, Count, Finding, Source
from riskmodel.evidence.readers.finding import read_given
from riskmodel.evidence.readers.sources import unknown
from riskmodel.evidence.readers.text import Column, Faults, Files, Row, header, read_csv
from riskmodel.evidence.readers.together import check_together

_NEEDED = {"required": True}
#: Columns of ``counts.csv``.
COLUMNS = {
    "source": Column("Key of the publication in sources.csv.", limits=_NEEDED),
    "variable": Column("What was counted: a variable of the tree, or an outcome counted by itself.", limits=_NEEDED),
    "category": Column("The state of the variable that the events are in.", limits=_NEEDED),
    "given": Column("Among whom: VARIABLE=STATE, several joined by a semicolon; empty for all."),
    "events": Column("Fetuses in the category.", "integer", _NEEDED | {"minimum": 0}),
    "total": Column("Fetuses counted.", "integer", _NEEDED | {"minimum": 1}),
    "population": Column("Who was counted; not every population is pooled.", limits=_NEEDED),
    "definition": Column("What counted as the category, where series differ."),
    "ascertainment": Column("How these fetuses came to be seen."),
    "terminations": Column(
        "Whether terminated pregnancies are in the count.", limits=_NEEDED | {"enum": list(TERMINATIONS)}
    ),
    "basis": Column("How the number was read.", limits=_NEEDED | {"enum": list(BASES)}),
    "reading": Column(
        "Under which reading of disputed rows it holds; primary ones hold wherever nothing replaces them.",
        limits=_NEEDED,
    ),
    "replaces": Column("In another reading: the primary rows it stands in for."),
    "note": Column("What a reader must know."),
    "role": Column(
        "fit (or empty) enters fits, check repeats fetuses counted elsewhere, context is never pooled.",
        limits={"enum": list(ROLES)},
        optional=True,
    ),
    "tested": Column(
        "Where not all of these fetuses were tested for a variable, the most that can have been: VARIABLE=NUMBER, several "
        "joined by a semicolon; empty where all were tested for what the row names.",
        optional=True,
    ),
}


def read_counts(files: Files, finding: Finding, sources: Mapping[str, Source], faults: Faults) -> tuple[Count, ...]:
    """Read ``counts.csv`` and check it against the finding and its sources."""
    name = "counts.csv"
    rows = read_csv(name, files, faults, **header(COLUMNS), begun=True)
    strange = unknown((row["source"] for row in rows if not is_total(row["source"])), sources, faults)
    unpooled = {one.name for one in finding.populations if not one.pooled}
    if faults.declared_amiss("populations"):
        unpooled = set()  # which they are is not known
    counts = tuple(_count(row, finding, sources, strange, unpooled) for row in rows)
    check_together(name, counts, finding, faults)
    return counts


def _choice(row: Row, column: str, kind: str, known: Sequence[str], default: str = "") -> str:
    """A cell, noted where it is none of what is known."""
    value = row[column] or default
    if not known:
        return value  # that none is declared is told in finding.toml
    if not value:
        row.fault(column, "empty", f"Give one of: {', '.join(known)}")
    elif value not in known:
        row.unknown(column, kind, known)
    return value


def _category(row: Row, finding: Finding) -> tuple[str, str]:
    """The row's variable and category, known to the finding."""
    own = [one.name for one in finding.outcomes if one.variable is None]
    variable = _choice(row, "variable", "variable", [*(one.name for one in finding.variables), *own])
    declared = finding.variable(variable)
    if declared is None and variable not in own:
        return variable, row["category"]
    known = ["yes"] if declared is None else [*declared.states, *finding.kinds.get(variable, ())]
    return variable, _choice(row, "category", f"category of {variable}", known)


def _count(
    row: Row, finding: Finding, sources: Mapping[str, Source], strange: Collection[str], unpooled: Collection[str]
) -> Count:
    """A row as a value; what cannot be read is told, and something stands in for it."""
    if is_missing(row["source"]):
        row.fault("source", "no source", "Name a key of sources.csv: a count without a citation is not evidence")
    elif row["source"] not in sources and is_total(row["source"]):
        row.fault("source", *TOTAL)
    elif row["source"] in strange:
        row.unknown("source", "source", sources)
    variable, category = _category(row, finding)
    given = read_given(row, finding.variables)
    declared = finding.variable(variable)
    if declared is not None and category in declared.states and any(name == variable for name, _ in given):
        row.fault("given", f"{variable} is given as well as counted", "Count it, or condition on it")
    counted = row.counted()
    tested = _tested(row, finding, variable, counted[1]) if counted else ()
    named = {
        "terminations": _choice(row, "terminations", "value", TERMINATIONS),
        "basis": _choice(row, "basis", "basis", BASES),
        "reading": _choice(row, "reading", "reading", [one.name for one in finding.readings]),
        "role": _choice(row, "role", "role", ROLES, default="fit"),
        "population": _choice(row, "population", "population", [one.name for one in finding.populations]),
    }
    if named["role"] == "fit" and named["population"] in unpooled:
        row.fault("role", f"the population {named['population']!r} is never pooled", "Set role to context")
    _check_ascertainment(row, finding, named["role"])
    replaces = tuple(filter(None, (part.strip() for part in row["replaces"].split(";;"))))
    if replaces and named["reading"] == "primary":
        row.fault("replaces", "a primary row replaces nothing", "Correct the row itself, or give it another reading")
    events, total = counted or (0, 1)
    told = {name: row[name] for name in ("source", "definition", "ascertainment", "note")}
    return Count(
        **named, **told, variable=variable, category=category, given=given, events=events, total=total,
        replaces=replaces, row=row.number, tested=tested,
    )  # fmt: skip


def _check_ascertainment(row: Row, finding: Finding, role: str) -> None:
    """What enters fits must speak for a setting, where any are declared: else no answer of a setting would hear it."""
    told = row["ascertainment"]
    held = [one for setting in finding.settings for one in setting.ascertainments]
    if not told:
        row.fault("ascertainment", "empty", "Say how these fetuses came to be seen, such as referral or routine")
    elif row.told("role") or not all(one.ascertainments for one in finding.settings):
        return  # whether it enters fits, or what a setting holds, is not known
    elif role == "fit" and held and told not in held:
        remedy = f"{meant(told, held)}Held: {', '.join(held)}; or name it in a setting of finding.toml"
        row.fault("ascertainment", "an ascertainment that no setting holds", remedy)


def _tested(row: Row, finding: Finding, counted: str, total: int) -> tuple[tuple[str, int], ...]:
    """How many were tested for what, in the order of the finding."""
    known = [one.name for one in finding.states]
    found: dict[str, int] = {}
    for part in filter(None, (piece.strip() for piece in row["tested"].split(";"))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if not name or not re.fullmatch("[0-9]{1,10}", number):
            row.fault("tested", f"{part!r} is not VARIABLE=NUMBER", "Write VARIABLE=NUMBER, several joined by ';'")
        elif name not in known:
            row.unknown("tested", "variable that is tested for", known, name)
        elif name in found:
            row.fault("tested", f"{name} is said twice", "Say it once")
        elif int(number) > total:
            row.fault("tested", f"{number} tested for {name} of {total}", "At most all of them were; are they swapped?")
        elif name == counted and int(number) < total:
            what = f"{total} counted, of whom {number} were tested for {name}"
            row.fault("tested", what, "Give those tested as the total: of others the test says nothing")
        found.setdefault(name, int(number) if number.isdigit() else 0)
    return tuple((name, found[name]) for name in known if name in found)
