"""What a finding is, as frozen values: its tree, outcomes, populations, readings, and each published count.

    Finding
    ├── variables      what can be known of a fetus, two states or more each, the reassuring one first
    ├── edges          the probability tree: P(variable = category | given), each with what stands behind it
    ├── outcomes       what is asked: a state of a variable, or a count of its own such as termination
    └── populations, readings, settings, descriptors, disagreements

No file is read here and nothing is computed from counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from riskmodel._support.kept import Value, kept
from riskmodel.evidence.known import Known, one_of
from riskmodel.report.wording import listed

#: A path of the tree, as pairs in the order of the variables: (("anatomy", "isolated"), ("karyotype", "normal")).
Given = tuple[tuple[str, str], ...]

EdgeStatus = Literal["counts", "structural", "elicited", "unknown"]
EDGE_STATUSES: tuple[str, ...] = get_args(EdgeStatus)
BASES: tuple[str, ...] = ("abstract", "derived", "secondary", "as-cited")
TERMINATIONS: tuple[str, ...] = ("included", "excluded")
ROLES: tuple[str, ...] = ("fit", "check", "context")
POLARITIES: tuple[str, ...] = ("good", "bad", "neutral")


@dataclass(frozen=True, eq=False)
class Variable(Value):
    """Something that can be known of a fetus."""

    name: str  # name, title, plain_title: as used in files and options, by clinicians, and by everybody
    title: str
    plain_title: str
    states: tuple[str, ...]  # two or more; the first is the reassuring one
    definition: str  # what each state means
    #: state_titles, plain_state_titles: how a state is said by clinicians, and by everybody.
    state_titles: Mapping[str, str]
    plain_state_titles: Mapping[str, str]

    @property
    def normal(self) -> str:
        """The reassuring state."""
        return self.states[0]

    @property
    def other(self) -> str:
        """The other state; where there are several, all of them as a question names them: ``"mild|severe"``."""
        return one_of(self.states[1:])


@dataclass(frozen=True)
class Edge:
    """One branch of the tree: the risk P(variable = category | given)."""

    variable: str  # variable, category: what the risk is of
    category: str
    given: Known  # the path to it
    status: EdgeStatus  # what stands behind it: series; a definition; a cited judgement; nothing
    #: Of a structural or elicited edge; of an unknown one, the value that the finding's definition gives it, if any.
    probability: float | None
    definition: str  # why the edge is structural, or why it is unknown
    sources: tuple[str, ...]  # keys, for an elicited edge
    #: Coarser groups whose counts speak for this edge, by an independence that the finding states.
    accepts: tuple[Known, ...]
    #: For a variable of more than two states, those already ruled out: the risk is P(category | given, none of
    #: these).
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The edge as a formula: ``P(karyotype=abnormal | anatomy=isolated)``."""
        conditions = [*(f"{name}={state}" for name, state in self.given), *(f"not {state}" for state in self.after)]
        return f"P({self.variable}={self.category}{' | ' if conditions else ''}{'; '.join(conditions)})"

    @property
    def said(self) -> str:
        """The edge in words: ``karyotype abnormal where anatomy isolated``."""
        where = ", ".join([*(f"{name} {state}" for name, state in self.given), *(f"not {one}" for one in self.after)])
        return f"{self.variable} {self.category}" + (f" where {where}" if where else "")


@dataclass(frozen=True)
class Independence:
    """That a variable does not depend on another: an assumption of the tree, written down."""

    variable: str  # variable, of: their names
    of: str
    given: Known  # where it is assumed
    reason: str  # why, and what would be wrong if it fails


@dataclass(frozen=True)
class Outcome:
    """Something that is asked about."""

    name: str  # name, title, plain_title, complement_title: how it, and its absence, is said
    title: str
    plain_title: str
    complement_title: str
    polarity: str  # whether it is hoped for
    variable: str | None  # variable, state: the state of the tree that it is; None where it is counted by itself
    state: str | None
    definition: str  # definition, until, denominator: what counts, until when, and who is counted
    until: str
    denominator: str
    headline: bool  # whether a consultation reports it whenever it is open


@dataclass(frozen=True)
class Population:
    """Who was counted; only pooled populations enter a fit."""

    name: str
    title: str
    pooled: bool
    definition: str


@dataclass(frozen=True)
class Reading:
    """One way of reading the disputed rows."""

    name: str
    title: str
    description: str


@dataclass(frozen=True)
class Setting:
    """A kind of clinic, as the ascertainments whose series speak for it."""

    name: str
    title: str
    ascertainments: tuple[str, ...]


@dataclass(frozen=True)
class Descriptor:
    """Something a counselor states for which no series gives counts: accepted, echoed, never part of a number."""

    name: str  # name, title: as an option and as said
    title: str
    kind: str  # how it is written
    unit: str  # of a number or size
    minimum: float  # minimum, maximum: bounds of sense for a number, integer or each part of a size
    maximum: float
    words: tuple[str, ...]  # words that rules know; others are taken and echoed
    note: str  # why it does not move the number
    plain_title: str  # the title in plain words


@dataclass(frozen=True)
class Disagreement:
    """Where the article and the primary abstracts say different things."""

    key: str
    article: str
    primary: str
    sources: tuple[str, ...]
    effect: str


@dataclass(frozen=True)
class PartlyTested:
    """Counts whose totals may include fetuses who were not tested: between their events and their totals were."""

    counts: tuple[str, ...]  # keys of the counts, as `Count.key`
    text: str  # what the source says, and what it does not
    sources: tuple[str, ...]  # keys


@dataclass(frozen=True)
class Source:
    """A publication."""

    key: str
    citation: str
    year: int | None
    doi: str
    pmid: str
    design: str
    ascertainment: str
    weeks: str
    overlaps: tuple[str, ...]
    note: str


#: Fields of a count that JSON has, in its order: what was counted, and how.
_TOLD = ("source", "variable", "category", "given", "events", "total")
_BESIDE = ("ascertainment", "terminations", "definition", "basis", "reading", "note")


@dataclass(frozen=True)
class Count:
    """Events of a total, as one source reports them."""

    source: str  # key of the publication
    #: variable, category: what was counted: a state of a variable, a kind within a state, or ``yes`` of an outcome of
    #: its own.
    variable: str
    category: str
    given: Known  # among whom
    events: int  # events, total: the count
    total: int
    #: population, definition, ascertainment, terminations: who, by which definition, how they came to be seen, and
    #: whether terminated pregnancies are among them.
    population: str
    definition: str
    ascertainment: str
    terminations: str
    basis: str  # how far to trust the number
    reading: str  # the reading the row belongs to; rows of the primary one hold in every reading unless replaced
    role: str  # whether it enters fits, only repeats babies counted elsewhere, or is shown and never pooled
    replaces: tuple[str, ...]  # keys of the primary rows that it stands in for
    note: str  # what a reader must know
    row: int  # line in the file, the header being 1
    #: By variable the most of `total` that were tested for it; where none is said, all were tested for what the row names.
    tested: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        if type(self.given) is not Known:
            object.__setattr__(self, "given", Known(self.given))  # pairs, as a hypothetical row is written by hand

    @property
    def key(self) -> str:
        """What the row counts, as another row names it in its column ``replaces``."""
        condition = f" | {self.given}" if self.given else ""
        return f"{self.source}: {self.variable}={self.category}{condition}"

    @property
    def untested(self) -> tuple[str, ...]:
        """Variables for which some of these fetuses were not tested: not knowing is not a negative result."""
        return tuple(name for name, number in self.tested if number < self.total)

    def to_dict(self) -> dict[str, object]:
        """As JSON knows it: source, question, numbers, who was tested, basis and note."""
        told = {name: getattr(self, name) for name in (*_TOLD, "tested", *_BESIDE)}
        return told | {"given": str(self.given), "tested": dict(self.tested)}


def terminations(counts: Sequence[Count]) -> str:
    """Whether terminated pregnancies are among those counted: a decision, and no outcome of the finding."""
    parts = []
    for kind, told in (("included", "are counted among all"), ("excluded", "are left out of the total")):
        found = dict.fromkeys(one.source for one in counts if one.terminations == kind)
        parts += [f"{told} by {listed([*found])}"] if found else []
    return f"terminated pregnancies {'; they '.join(parts)}" if parts else ""


def grouped[T](things: Iterable[T], by: Callable[[T], Any]) -> dict[Any, list[T]]:
    """Things in their order by what they have in common."""
    found: dict[Any, list[T]] = {}
    for one in things:
        found.setdefault(by(one), []).append(one)
    return found


@dataclass(frozen=True)
class Review:
    """How far the finding's text has been reviewed."""

    status: str
    statement: str
    article: str
    article_updated: str
    plain_statement: str
    article_source: str = ""  # key of the source that pages call the article; empty where there is none


@dataclass(frozen=True, eq=False, repr=False)
class Finding(Value):
    """A prenatal finding: everything about it but its counts and its work-up."""

    key: str
    title: str
    plain_title: str
    updated: str
    review: Review
    disclaimer: str
    question: str
    variables: tuple[Variable, ...]
    edges: tuple[Edge, ...]
    independences: tuple[Independence, ...]
    outcomes: tuple[Outcome, ...]
    populations: tuple[Population, ...]
    readings: tuple[Reading, ...]
    settings: tuple[Setting, ...]
    descriptors: tuple[Descriptor, ...]
    disagreements: tuple[Disagreement, ...]
    partly_tested: tuple[PartlyTested, ...]
    kinds: Mapping[str, tuple[str, ...]]
    #: First variables within whose groups the outcome is asked: in each the averages' prior is that of one risk.
    within: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Which it is."""
        return f"Finding({self.key}, {self.updated}: {len(self.edges)} branches, {len(self.outcomes)} outcomes)"

    @kept
    def splits(self) -> dict[Given, tuple[int, ...]]:
        """By path, the places in `edges` of the branches that leave it, in the order in which states are ruled out."""
        found = grouped(range(len(self.edges)), lambda i: self.edges[i].given)
        return {path: tuple(sorted(places, key=lambda i: len(self.edges[i].after))) for path, places in found.items()}

    @property
    def states(self) -> tuple[Variable, ...]:
        """Variables that can be known before the outcome: all but the last."""
        return self.variables[:-1]

    @property
    def target(self) -> Variable:
        """The last variable: how the pregnancy ends."""
        return self.variables[-1]

    def variable(self, name: str) -> Variable | None:
        """The variable of that name, or None."""
        return next((one for one in self.variables if one.name == name), None)

    def outcome(self, name: str) -> Outcome | None:
        """The outcome of that name, or None."""
        return next((one for one in self.outcomes if one.name == name), None)
