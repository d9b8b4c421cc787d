"""The one response model: what a consultation says, from which JSON, tables, pages and the JSON Schema come."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from riskmodel.consultation.said import (
    Answer,
    Average,
    Counted,
    Crude,
    Headline,
    Interval,
    Number,
    Positive,
    Probability,
    Said,
    States,
    Texts,
)
from riskmodel.evidence.finding import Disagreement, Review
from riskmodel.evidence.workup import Neighbour


class PriorVariant(Said, frozen=True, kw_only=True):
    """The answer under another prior."""

    variant: str
    probability: Probability | None


class ReadingVariant(Said, frozen=True, kw_only=True):
    """The answer under another reading, and the rows that differ."""

    reading: str
    probability: Probability | None
    bounds: Interval | None
    changed: Texts


class LeftOut(Said, frozen=True, kw_only=True):
    """The answer without one source."""

    source: str
    probability: Probability | None
    reason: str


class Untested(Said, frozen=True, kw_only=True):
    """The answer if as few as possible were tested, where a source does not say how many."""

    text: str
    sources: Texts
    fewest: Number
    most: Number
    probability_if_fewest: Probability | None


class Dependence(Said, frozen=True, kw_only=True):
    """The answer if the risks of its branches in one centre go together."""

    correlation: Annotated[float, Meta(ge=0, le=1, description="Of the normal scores of every two branches' risks.")]
    probability: Probability
    interval: Interval


class Robustness(Said, frozen=True, kw_only=True):
    """How far an answer moves: lowest and highest are the range of means over priors, readings and left-out series."""

    priors: tuple[PriorVariant, ...]
    readings: tuple[ReadingVariant, ...]
    left_out: tuple[LeftOut, ...]
    untested: tuple[Untested, ...]
    dependence: Annotated[tuple[Dependence, ...], Meta(description="By a normal copula; not in lowest and highest.")]
    dependence_reason: Annotated[str, Meta(description="Why there is none; empty where there is.")]
    lowest: Probability | None
    highest: Probability | None
    reason: Annotated[str, Meta(description="Why nothing was worked out; empty where it was.")]


class UnknownBranch(Said, frozen=True, kw_only=True):
    """A branch that no series reports, and the finding's word on it."""

    branch: str
    why: str


class Risk(Answer, frozen=True, kw_only=True):
    """The risk of an outcome given what is known, with its routes and what stands behind it."""

    outcome: str
    title: str
    plain_title: str
    complement_title: str
    polarity: Literal["good", "bad", "neutral"]
    definition: str
    until: str
    denominator: str
    terminations: Annotated[str, Meta(description="Whether terminated pregnancies are among those counted, by source.")]
    given: States
    ci_prob: Probability = 0.95
    ci_kind: Literal["eti", "hdi"] = "eti"
    bounds: Annotated[Interval | None, Meta(description="With the unknown branches at 0 or 1.")]
    bounds_interval: Interval | None
    unknown: tuple[UnknownBranch, ...]
    by_definition: bool
    crude: Annotated[Crude | None, Meta(description="Null where no series reports exactly the question.")]
    spread_between: Annotated[Probability | None, Meta(description="Share of the variance that is between settings.")]
    certainty: Literal["none", "very low", "low", "moderate", "by definition"]
    certainty_why: str
    counts: tuple[Counted, ...]
    weighing: Annotated[Texts, Meta(description="Those of the sources that only weigh what is known: not in `series`.")]
    direct: Annotated[Answer | None, Meta(description="Null for the risks of a branch: ask with its state known.")]
    indirect: Answer | None
    combined: Answer | None
    robustness: Annotated[Robustness | None, Meta(description="Null where it was not asked for by name.")]


class End(Said, frozen=True, kw_only=True):
    """Where the algorithm stops, with the reason, and what lies outside it."""

    key: str
    title: str
    plain_title: str
    text: str
    plain_text: str
    sources: Annotated[Texts, Meta(min_length=1)]


class Branch(Said, frozen=True, kw_only=True):
    """The risks after one more result."""

    given: States
    risks: tuple[Risk, ...]
    due: Annotated[Texts, Meta(description="Steps of the work-up that are due or planned then, in its order.")]
    ends: Annotated[tuple[End, ...], Meta(description="Where the work-up stops then.")]


class Kind(Said, frozen=True, kw_only=True):
    """The share of a kind among the cases of a variable, such as abnormal results, in a new setting."""

    kind: str
    events: Number
    total: Positive
    probability: Probability
    interval: Annotated[Interval, Meta(description="Of the share in a setting not among the series.")]
    average: Average
    series: Number
    sources: Texts
    notes: Texts


class Told(Said, frozen=True, kw_only=True):
    """A risk in short: the figure, its range, or the reason for there being none."""

    probability: Probability | None
    headline: Headline | None
    interval: Interval | None
    reason: str


class SettingRisk(Told, frozen=True, kw_only=True):
    """An outcome as one kind of clinic's own series answer it."""

    outcome: str
    series: Number
    fetuses: Number
    sources: Texts
    weighing: Annotated[Texts, Meta(description="Those of the sources that only weigh what is known: not in `series`.")]


class SettingRisks(Said, frozen=True, kw_only=True):
    """The risks by one kind of clinic's series alone."""

    setting: str
    title: str
    risks: tuple[SettingRisk, ...]


class Agreeing(Said, frozen=True, kw_only=True):
    """A coarse count beside what the branches' own counts predict for it."""

    expected: Annotated[float, Meta(ge=0)]
    mid_p: Probability
    conflict: bool
    testable: bool
    detectable_low: Number | None
    detectable_high: Number | None


class CoarseCount(Counted, frozen=True, kw_only=True):
    """A count of a coarser group than the tree's branches: its agreement, or why it could not be read."""

    agreement: Agreeing | None
    reason: str


class Neighbours(Said, frozen=True, kw_only=True):
    """Published figures to weigh the risks against, and what the evidence does not have, in words."""

    given: tuple[Neighbour, ...]
    missing: Texts


class Brief(Told, frozen=True, kw_only=True):
    """A risk in short, with what unknown branches leave open."""

    bounds: Interval | None
    bounds_interval: Interval | None


class Result(Brief, frozen=True, kw_only=True):
    """One result of a test, how likely it is, and the outcome after it."""

    state: str
    expected: Probability | None


class Change(Said, frozen=True, kw_only=True):
    """What a test's result would do to one outcome."""

    outcome: str
    before: Brief
    if_normal: Brief
    if_abnormal: Brief
    results: tuple[Result, ...]
    bits: Annotated[float, Meta(ge=0)] | None
    bits_at_most: Annotated[float, Meta(ge=0)] | None
    bits_by_definition: Annotated[float, Meta(ge=0)] | None
    reason: str


class WorkupStep(Said, frozen=True, kw_only=True):
    """A step of the work-up; if_normal, if_abnormal and bits are those of the first open outcome."""

    step: str
    title: str
    plain_title: str
    detail: str
    algorithm_step: int | None
    immediate: bool
    time: Literal["before birth", "after birth"]
    state: Literal["due", "planned", "awaited", "declined", "done", "not indicated", "blocked"]
    why: Annotated[str, Meta(min_length=1)]
    sources: Annotated[Texts, Meta(min_length=1)]
    outcome: str | None
    if_normal: Probability | None
    if_abnormal: Probability | None
    p_abnormal: Probability | None
    bits: Annotated[float, Meta(ge=0)] | None
    reason: str
    changes: Annotated[tuple[Change, ...] | None, Meta(description="Null where they were not asked for by name.")]


class Missed(Said, frozen=True, kw_only=True):
    """What a reassuring result leaves of what the test looks for, by the published share that it misses."""

    test: str
    title: str
    result: str
    variable: str
    state: str
    at_its_word: Probability
    probability: Annotated[Probability | None, Meta(description="Of the state in the next fetus with this result.")]
    interval: Annotated[Interval | None, Meta(description="In a new setting, with the interval of the share missed.")]
    share_missed: Probability | None
    share_missed_interval: Annotated[Interval | None, Meta(description="As published; null where none was.")]
    outcomes: Annotated[
        dict[str, Interval], Meta(description="By headline outcome, its mean if no, and if every, fetus missed has it.")
    ]
    text: str
    sources: Texts
    reason: Annotated[str, Meta(description="Why there is no figure; empty where there is one.")]


class StatementRisk(Told, frozen=True, kw_only=True):
    """The risk beside a statement."""

    outcome: str
    title: str
    given: States
    series: Number


class Statement(Said, frozen=True, kw_only=True):
    """A statement of the literature with what the counts say of it."""

    key: str
    text: str
    sources: Texts
    counts: tuple[Counted, ...] = ()
    comment: str = ""
    remarks: Texts = ()
    risk: StatementRisk | None = None


class Caution(Statement, frozen=True, kw_only=True):
    """A pitfall of the literature, or a limit of this answer."""

    kind: Literal["pitfall", "limit"]


class VariableTitles(Said, frozen=True, kw_only=True):
    """A variable in words."""

    title: str
    plain_title: str
    states: Annotated[States, Meta(description="Each state in plain words.")]
    state_titles: Annotated[States, Meta(description="Each state as clinicians say it.")]


class AuditRow(Said, frozen=True, kw_only=True):
    """One question that the counts raise, and what to do about it."""

    severity: Literal["contradiction", "warning", "note"]
    code: str
    what: str
    sources: Texts
    remedy: str


class ModelSaid(Said, frozen=True, kw_only=True):
    """Priors as they were stated, and what is estimated."""

    prior: str
    heterogeneity: str
    estimand: str = "risk in a new setting; its mean is the probability for the next fetus"


class Document(Said, frozen=True, kw_only=True):
    """What `riskmodel consult --json` and `Consultation.to_dict()` give. Probabilities lie in [0, 1]."""

    def __repr__(self) -> str:
        """Of what it is."""
        return f"Document({self.schema}, {self.finding}, {len(self.risks)} risks)"

    schema: Literal["riskmodel-consultation-2"] = "riskmodel-consultation-2"
    finding: str
    title: str
    plain_title: str
    known: Annotated[States, Meta(description="What the answer is of: results taken at their word.")]
    answered: Annotated[
        States, Meta(description="What was stated of each variable or test; pending and declined are no result.")
    ]
    variables: dict[str, VariableTitles]
    described: Annotated[dict[str, Any], Meta(description="Stated and echoed; part of no number, stored nowhere.")]
    stated: Annotated[States, Meta(description="The same as people write it, with its unit.")]
    not_counted: Texts
    plain_not_counted: Texts
    setting: str
    reading: str
    audience: Literal["clinician", "patient", "researcher"]
    evidence_version: Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}\+[0-9a-f]{8}$")]
    detail: Annotated[Texts, Meta(description="What was asked for by name.")]
    risks: tuple[Risk, ...]
    branches: tuple[Branch, ...]
    kinds: dict[str, tuple[Kind, ...]]
    settings: Annotated[tuple[SettingRisks, ...] | None, Meta(description="Null where not asked for by name.")]
    coarse_counts: tuple[CoarseCount, ...]
    neighbours: Annotated[Neighbours | None, Meta(description="Null where not asked for by name.")]
    also_counted: tuple[Counted, ...]
    test_errors: Annotated[
        tuple[Missed, ...] | None, Meta(description="What the stated tests miss; null where not asked for.")
    ]
    workup: tuple[WorkupStep, ...]
    ends: tuple[End, ...]
    differential: tuple[Statement, ...]
    prognosis: tuple[Statement, ...]
    cautions: tuple[Caution, ...]
    disagreements: tuple[Disagreement, ...]
    audit: tuple[AuditRow, ...]
    model: ModelSaid
    sources: dict[str, str]
    review: Review
    updated: str
    disclaimer: str
