"""Types that the parts of a consultation's document share: a count as published, and a risk by one route."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Probability = Annotated[float, Meta(ge=0, le=1)]
Interval = tuple[Probability, Probability]
Number = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Texts = tuple[str, ...]
States = dict[str, str]


class Said(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a consultation. What is not estimable is null, with its reason and, where there are any, bounds."""


class Counted(Said, frozen=True, kw_only=True):
    """A count as it was published, with its basis."""

    source: str
    variable: str
    category: str
    given: str
    events: Number
    total: Positive
    tested: Annotated[
        dict[str, Number], Meta(description="By variable, the most of the total that were tested for it.")
    ]
    ascertainment: str
    terminations: Literal["included", "excluded"]
    definition: str
    basis: Literal["abstract", "derived", "secondary", "as-cited"]
    reading: str
    note: str


class Average(Said, frozen=True, kw_only=True):
    """The average risk across settings."""

    probability: Probability
    interval: Interval


class Headline(Said, frozen=True, kw_only=True):
    """The figure that is told first."""

    figure: Probability
    statistic: Annotated[
        Literal["mean", "median"],
        Meta(description="The median where the mean lies outside the central 80 % interval of a new setting's risk."),
    ]
    reason: Annotated[str, Meta(description="Why it is the median; empty where it is the mean.")]


class Crude(Said, frozen=True, kw_only=True):
    """Counts of the series that report exactly the question, added up: no model is behind them."""

    events: Number
    total: Positive
    series: Positive


class Joining(Said, frozen=True, kw_only=True):
    """How branches that coarse counts tie together were joined."""

    ways: Annotated[int, Meta(ge=1, description="In how many ways the fetuses of the listed counts can have divided.")]
    exact: Annotated[bool, Meta(description="Whether every way is listed, so that the probability is exact.")]
    effective_share: Annotated[float, Meta(gt=0, le=1, description="Share of the weighted points that count.")]
    error: Annotated[float, Meta(ge=0, description="Standard error of the probability; 0 where it is exact.")]


class Answer(Said, frozen=True, kw_only=True):
    """A risk by one route: the probability for the next fetus and the range of one more centre."""

    probability: Annotated[Probability | None, Meta(description="The mean.")]
    median: Probability | None
    headline: Headline | None
    interval: Annotated[Interval | None, Meta(description="Of the risk in a setting not among the series.")]
    average: Average | None
    series: Number
    fetuses: Number
    events: Number | None
    sources: Texts
    coarse: Annotated[Texts, Meta(description="Those of the sources whose counts are of a coarser group.")]
    joint: Joining | None
    reason: str
