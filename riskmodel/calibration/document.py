"""What the file of a calibration's record holds: the type that it is checked by, and its JSON Schema comes from."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from riskmodel._support.record import Hash, Named, Number, Probability, RecordDocument, Whole

Status = Literal["pass", "fail", "inconclusive", "not available"]
Share = Annotated[float | None, Meta(description="Share of left-out series inside this central interval.")]
LogScore = Annotated[float | None, Meta(description="Mean log score, or its difference from the reference's.")]
Lower = Annotated[float | None, Meta(description="Lower end of its interval.")]
Upper = Annotated[float | None, Meta(description="Upper end of its interval.")]
Error = Annotated[float | None, Meta(description="Its standard error by resampling data sets.")]


class CorpusDocument(Struct, forbid_unknown_fields=True):
    """What was judged on."""

    name: str
    content_hash: Annotated[Hash, Meta(description="SHA-256 of its counts and clusters.")]
    arms: Whole
    data_sets: Whole
    clusters: Annotated[
        Whole, Meta(description="Groups of data sets that share series; intervals resample these whole.")
    ]
    series: Whole


class Options(Struct, forbid_unknown_fields=True):
    """How it was judged."""

    seed: Whole
    ks: Annotated[
        list[str],
        Meta(
            min_length=1,
            description='Numbers of other series a prediction is made from; "all" for every other one.',
        ),
    ]
    most: Annotated[Whole, Meta(description="Most series left out of one arm.")]
    largest: Annotated[Whole, Meta(description="Largest total of a series that is judged.")]
    mirrored: Annotated[bool, Meta(description="Whether non-events were predicted as well.")]


class PredictorDocument(Struct, forbid_unknown_fields=True):
    """What was judged."""

    name: str
    title: str
    kind: str
    model: str | UnsetType = UNSET
    prior: str | UnsetType = UNSET
    heterogeneity: str | UnsetType = UNSET
    function: Annotated[str | UnsetType, Meta(description="Place of a user's function.")] = UNSET


class Criterion(Struct, forbid_unknown_fields=True):
    """One criterion of the bar."""

    criterion: str
    k: str
    value: float | None
    low: Annotated[float, Meta(description="Smallest value that passes.")]
    high: Annotated[float | None, Meta(description="Largest value that passes; null where open.")]
    status: Status
    reason: Annotated[str, Meta(description="Why it is not available; empty where it is.")]


class Scored(Struct, forbid_unknown_fields=True):
    """A predictor in one stratum at one K."""

    predictor: str
    stratum: str
    k: Annotated[str, Meta(description='"average" is over the Ks.')]
    cases: Annotated[Whole, Meta(description="Predictions.")]
    data_sets: Whole
    coverage_50: Share
    coverage_50_lower: Lower
    coverage_50_upper: Upper
    coverage_50_se: Error
    coverage_80: Share
    coverage_80_lower: Lower
    coverage_80_upper: Upper
    coverage_80_se: Error
    coverage_95: Share
    coverage_95_lower: Lower
    coverage_95_upper: Upper
    coverage_95_se: Error
    log_score: LogScore
    log_score_lower: Lower
    log_score_upper: Upper
    log_score_se: Error


class Ratio(Struct, forbid_unknown_fields=True):
    """Expected over observed number of events or non-events: calibration in the large."""

    predictor: str
    stratum: str
    k: Annotated[str, Meta(description='"average" is over the Ks.')]
    coding: Annotated[
        Literal["events", "non-events"], Meta(description="What is counted: non-events are the total less the events.")
    ]
    cases: Annotated[Whole, Meta(description="Predictions.")]
    data_sets: Whole
    expected: Annotated[float | None, Meta(description="Sum over predictions; null for the average.")]
    observed: Annotated[Whole | None, Meta(description="Sum over left-out series; null for the average.")]
    ratio: Annotated[float | None, Meta(description="Expected over observed; null where none was observed.")]
    ratio_lower: Lower
    ratio_upper: Upper
    ratio_se: Error


class Difference(Struct, forbid_unknown_fields=True):
    """A predictor's log score less another's."""

    predictor: str
    reference: str
    k: Annotated[str, Meta(description='"pooled" is over all predictions.')]
    log_score: LogScore
    log_score_lower: Lower
    log_score_upper: Upper
    log_score_se: Error


class Symmetry(Struct, forbid_unknown_fields=True):
    """A predictor's answers with events and non-events exchanged."""

    predictor: str
    largest_difference: Annotated[float | None, Meta(description="Of a probability between the two codings.")]
    log_score: float | None
    mirrored_log_score: float | None


class ArmScores(Struct, forbid_unknown_fields=True):
    """A predictor's scores, one value for each prediction of an arm."""

    pit: Annotated[
        list[float | None], Meta(description="Randomised probability integral transform of each prediction.")
    ]
    log_score: list[float | None]
    expected: Annotated[list[float], Meta(description="Mean number of events of each prediction.")]
    asymmetry: list[float | None] | UnsetType = UNSET
    mirrored_log_score: list[float | None] | UnsetType = UNSET


class ArmDocument(Struct, forbid_unknown_fields=True):
    """Every prediction of an arm, one entry of each column."""

    cluster: str
    pooled_risk: Probability
    study: list[str]
    k: list[str]
    events: list[Whole]
    total: list[Whole]
    u: Annotated[list[Probability], Meta(description="Uniform draws that randomise the PIT.")]
    scores: Annotated[dict[str, ArmScores], Meta(description="By predictor.")]
    unavailable: Annotated[Named, Meta(description="Predictors refused here, and why.")]


class CalibrationDocument(RecordDocument, tag="riskmodel calibration record 3"):
    """How well predictors foretold series left out of published meta-analyses.

    `riskmodel calibrate --out DIR` writes it as calibration.json.
    """

    corpus: CorpusDocument
    settings: Options
    predictors: Annotated[
        list[PredictorDocument], Meta(min_length=1, description="What was judged; the verdict is about the first.")
    ]
    seconds: Annotated[Number, Meta(description="How long it took.")]
    resamples: Annotated[Whole, Meta(description="Resamples of data sets behind each interval.")]
    skipped: Annotated[Named, Meta(description="Arms that the protocol leaves out, and why.")]
    unavailable: Annotated[Named, Meta(description="Predictors refused somewhere, and why.")]
    verdict: Status
    bar: Annotated[list[Criterion], Meta(description="The verdict, criterion by criterion.")]
    table: Annotated[
        list[Scored],
        Meta(description="Coverage and log score; intervals are 95 %. Null where nothing is known."),
    ]
    expected_observed: Annotated[
        list[Ratio],
        Meta(
            description="Expected over observed numbers in both codings; intervals are 95 %, by resampling data sets."
        ),
    ]
    differences: Annotated[
        list[Difference], Meta(description="On the same series with the same others; intervals are 90 %.")
    ]
    symmetry: Annotated[
        list[Symmetry],
        Meta(description="When events and non-events are exchanged; empty unless mirrored."),
    ]
    arms: Annotated[dict[str, ArmDocument], Meta(description="Every prediction, by arm.")]
