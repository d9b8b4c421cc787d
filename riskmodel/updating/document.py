"""What the file of a fit's record holds: the type that it is checked by, and its JSON Schema comes from."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from riskmodel._support.record import Hash, Probability, RecordDocument, Whole


class FitModel(Struct, forbid_unknown_fields=True):
    """What was fitted, and how."""

    model: str
    method: str
    prior: Annotated[Any, Meta(description="As it was given; an object by its description.")]
    heterogeneity: Annotated[Any, Meta(description="The same.")]
    prior_in_words: str
    heterogeneity_in_words: str


class Answer(Struct, forbid_unknown_fields=True):
    """What the fit says of a branch or of an outcome."""

    question: Annotated[str, Meta(description="A branch, or an outcome and what is known.")]
    probability: Probability | None
    lower: Annotated[
        Probability | None, Meta(description="Of the 95 % equal-tailed interval of the risk in a new setting.")
    ]
    upper: Probability | None
    series: Whole
    reason: str
    error: Annotated[float | None, Meta(description="Estimated error of the probability.")]
    error_kind: Annotated[
        str, Meta(description="exact, quadrature or monte carlo (one standard error); empty where there is none.")
    ]


class Checks(Struct, forbid_unknown_fields=True):
    """What was found about the counts."""

    audit: Annotated[dict[str, Whole], Meta(description="How many findings of each severity.")]
    agreement: Annotated[
        dict[str, Probability | None],
        Meta(description="Predictive mid-p of each coarse count; null where it is not read through the tree."),
    ]


class FitDocument(RecordDocument, tag="riskmodel fit record 1"):
    """What a fitted tree said, and all that is needed to say it again.

    `FitRecord.save` writes it, and `riskmodel refit --save` as record.json.
    """

    finding: str
    evidence_version: str
    content_hash: Annotated[Hash, Meta(description="SHA-256 of the finding's files.")]
    reading: str
    setting: str
    model: FitModel
    answers: list[Answer]
    checks: Checks
