"""The record beside a fit: what it was made of, what it said, and by what code; saved, loaded, compared, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from riskmodel._support.fingerprint import code_fingerprint
from riskmodel._support.record import Record
from riskmodel.errors import InputError, StaleRecordError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.load import as_evidence
from riskmodel.tree.model import ProbabilityTree, as_tree, fit
from riskmodel.tree.standing_questions import numbers, questions, route
from riskmodel.updating.document import FitDocument

#: Two fits of the same record agree to this: rounding differs between machines, answers by points by their fixed seed.
SAME = 1e-6


@dataclass(frozen=True, eq=False, kw_only=True)
class FitRecord(Record):
    """What a fitted tree said, and all that is needed to say it again.

    Parameters
    ----------
    finding, evidence_version, content_hash, reading, setting : str
        What was fitted.
    model : mapping
        model, method, prior and heterogeneity: the arguments, and in words.
    answers : tuple of mapping
        Every branch and every headline outcome: question, probability, interval, series, error and its kind, reason.
    checks : mapping
        audit, how many of each severity; and agreement, the predictive mid-p of each count of a coarser group.
    code : str
        Fingerprint of the code behind the fit.
    versions : mapping of str to str
        Of Python and of the packages behind the numbers.
    made : str
        When, in UTC.
    """

    finding: str
    evidence_version: str
    content_hash: str
    reading: str
    setting: str
    model: Mapping[str, Any]
    answers: tuple[Mapping[str, Any], ...]
    checks: Mapping[str, Any]

    DOCUMENT: ClassVar = FitDocument
    AGAIN: ClassVar = "Fit again"

    @classmethod
    def of(cls, model: str | Path | Evidence | ProbabilityTree) -> FitRecord:
        """The record of a fitted tree.

        Parameters
        ----------
        model : str, Path, Evidence or ProbabilityTree
            The tree, or a finding as `fit` takes it; it is asked every branch and every headline outcome.

        Returns
        -------
        FitRecord
            Made now.
        """
        model = as_tree(model)
        evidence = model.evidence
        audit = evidence.audit()
        severities = ("contradiction", "warning", "note")
        return cls(
            **cls.header(code_fingerprint("fit")),
            finding=evidence.finding.key,
            evidence_version=evidence.version,
            content_hash=evidence.content_hash,
            reading=evidence.reading,
            setting=model.setting,
            model={
                "model": "beta-binomial",
                "method": "exact",
                "prior": _argument(model.prior),
                "heterogeneity": _argument(model.heterogeneity),
                "prior_in_words": "; ".join(dict.fromkeys(map(str, model.fitted.mu_priors))),
                "heterogeneity_in_words": str(model.fitted.heterogeneity_prior),
            },
            answers=tuple(_answers(model)),
            checks={
                "audit": {name: sum(one.severity == name for one in audit) for name in severities},
                "agreement": {row.key: found.mid_p if found else None for row, found, _ in model.coarse()},
            },
        )

    def check(self, evidence: str | Path | Evidence) -> None:
        """Refuse a record that is not of this evidence and this code.

        Parameters
        ----------
        evidence : str, Path or Evidence
            What the numbers are wanted for, as `load_evidence` takes it.

        Raises
        ------
        StaleRecordError
            With the reason.
        """
        evidence = as_evidence(evidence)
        if self.content_hash != evidence.content_hash:
            what = f"the record is of {self.evidence_version}, and the evidence is {evidence.version}"
            raise StaleRecordError(what, where=self.finding, remedy="Fit again: the counts or their words have changed")
        self.check_code(code_fingerprint("fit"), where=self.finding)

    def repeat(self, evidence: str | Path | Evidence) -> ProbabilityTree:
        """Fit again as recorded, and hold the numbers to the record.

        Parameters
        ----------
        evidence : str, Path or Evidence
            The evidence of the record, as `load_evidence` takes it.

        Returns
        -------
        ProbabilityTree
            The fit.

        Raises
        ------
        StaleRecordError
            If the evidence or the code is another, or a number differs.
        InputError
            If a prior was given as an object, which a file cannot hold.
        """
        evidence = as_evidence(evidence)
        self.check(evidence)
        arguments = {}
        for name in ("prior", "heterogeneity"):
            value = self.model[name]
            if isinstance(value, Mapping):
                remedy = "Fit with the object itself, and compare the records"
                raise InputError(f"{value['object']} was given as an object", where=name, remedy=remedy)
            arguments[name] = tuple(value) if isinstance(value, list) else value
        model = fit(evidence.with_reading(self.reading), setting=self.setting, **arguments)
        different = [row for row in self.compare(FitRecord.of(model)) if not row["same"]]
        if different:
            first = different[0]
            what = f"{len(different)} answers differ, {first['question']} by {first['difference']}"
            raise StaleRecordError(what, where=self.finding, remedy="Fit again, and look at versions in the record")
        return model

    def compare(self, other: FitRecord) -> list[dict[str, Any]]:
        """Answers of two records side by side.

        Parameters
        ----------
        other : FitRecord
            The later one.

        Returns
        -------
        list of dict
            question, probability, other, difference, and same: whether both agree to 1e-6. None where one has no answer.
        """
        theirs = {one["question"]: one for one in other.answers}
        mine = {one["question"]: one for one in self.answers}
        rows = []
        for question in dict.fromkeys((*mine, *theirs)):
            a, b = mine.get(question, {}).get("probability"), theirs.get(question, {}).get("probability")
            difference = None if a is None or b is None else b - a
            both = question in mine and question in theirs
            same = both and (a == b if difference is None else abs(difference) < SAME)
            rows.append({"question": question, "probability": a, "other": b, "difference": difference, "same": same})
        return rows

    def __repr__(self) -> str:
        """What was fitted, and when."""
        return (
            f"FitRecord({self.finding} {self.evidence_version}, reading {self.reading}, setting {self.setting}: "
            f"{len(self.answers)} answers, {self.made})"
        )


def _answers(model: ProbabilityTree) -> list[dict[str, Any]]:
    found = []
    edges = {edge.name: edge for edge in model.edges}
    for question in questions(model):
        answer = route(model, question)
        error: float | None = None
        kind = ""
        if question.kind == "branch" and (posterior := model.posterior(edges[question.name])) is not None:
            error, kind = posterior.error.mean, posterior.error.kind
        joint = None if answer is None else answer.to_dict()["joint"]
        if joint and joint["error"]:
            error, kind = joint["error"], "monte carlo"
        found.append({"question": question.text, **numbers(answer), "error": error, "error_kind": kind})
    return found


def _argument(value: Any) -> Any:
    """A prior as it was given, as JSON can hold it; an object by its description."""
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)) and all(isinstance(one, (str, int, float)) for one in value):
        return list(value)
    return {"object": str(value)}
