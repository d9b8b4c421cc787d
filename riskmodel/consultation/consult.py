"""From a question to a consultation: the one thin interface that every face calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from riskmodel.consultation import tables as consult_tables
from riskmodel.consultation.document import (
    also_counted,
    applies,
    by_setting,
    neighbours,
    risk_dict,
    statement_dict,
    wider_counts,
)
from riskmodel.consultation.question import said, split_stated
from riskmodel.consultation.workup import StepState, plan
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Given, given_text
from riskmodel.evidence.load import load_evidence
from riskmodel.evidence.workup import Statement
from riskmodel.sensitivity.variants import tested
from riskmodel.tree.answer import known_states
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree, fit

if TYPE_CHECKING:
    import pandas as pd

Audience = Literal["clinician", "patient", "researcher"]
AUDIENCES: tuple[str, ...] = ("clinician", "patient", "researcher")
DEFAULT_FINDING = "fetal-hepatic-calcification"


@dataclass(frozen=True, eq=False)
class Consultation:
    """What the evidence says to one question.

    Parameters
    ----------
    evidence : Evidence
        The finding's counts under the chosen reading.
    model : ProbabilityTree
        The fitted tree.
    audience : str
        For whom it is worded; the numbers are the same for all.
    known : tuple of (str, str)
        Known states.
    described : mapping of str to object
        What was stated and has no counts behind it.
    risks : tuple of RiskEstimate
        One for each headline outcome that is still open.
    branches : tuple of (Given, tuple of RiskEstimate)
        The same after either state of the first variable that is not known.
    workup : tuple of StepState
        Steps in the order of the algorithm.
    cautions : tuple of dict
        Pitfalls with what the counts say of them, and what this answer cannot say.
    """

    evidence: Evidence
    model: ProbabilityTree
    audience: str
    known: Given
    described: Mapping[str, Any]
    risks: tuple[RiskEstimate, ...]
    branches: tuple[tuple[Given, tuple[RiskEstimate, ...]], ...]
    workup: tuple[StepState, ...]
    cautions: tuple[dict[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """The consultation as JSON knows it; the schema is ``schemas/consultation.schema.json``.

        Returns
        -------
        dict
            What is not estimable is null, with its reason and bounds.
        """
        evidence, finding = self.evidence, self.evidence.finding
        return {
            "schema": "riskmodel-consultation-1",
            "finding": finding.key,
            "title": finding.title,
            "plain_title": finding.plain_title,
            "known": dict(self.known),
            "variables": {
                one.name: {"title": one.title, "plain_title": one.plain_title, "states": dict(one.plain_state_titles)}
                for one in finding.variables
            },
            "described": {name: _plain(value) for name, value in self.described.items()},
            "not_counted": [one.title for one in finding.descriptors],
            "plain_not_counted": [one.plain_title for one in finding.descriptors],
            "setting": self.model.setting,
            "reading": evidence.reading,
            "audience": self.audience,
            "evidence_version": evidence.version,
            "risks": [risk_dict(risk, self.model) for risk in self.risks],
            "branches": [
                {"given": dict(given), "risks": [risk_dict(risk) for risk in risks]} for given, risks in self.branches
            ],
            "kinds": {name: list(self.model.kinds(name)) for name in finding.kinds},
            "settings": by_setting(self.model, self.risks),
            "wider_counts": wider_counts(self.model),
            "neighbours": neighbours(evidence, self.known, self.risks),
            "also_counted": also_counted(evidence, self.known, self.model.setting),
            "workup": [step.to_dict() for step in self.workup],
            "differential": [_statement(one, self) for one in evidence.workup.differential if self._applies(one)],
            "prognosis": [_statement(one, self) for one in evidence.workup.prognosis if self._applies(one)],
            "cautions": list(self.cautions),
            "disagreements": [asdict(one) | {"sources": list(one.sources)} for one in evidence.disagreements],
            "audit": [one.to_dict() | {"sources": list(one.sources)} for one in evidence.audit()],
            "model": {
                "prior": str(self.model.prior),
                "heterogeneity": str(self.model.heterogeneity),
                "estimand": "risk in a new setting; its mean is the probability for the next fetus",
            },
            "sources": {key: one.citation for key, one in evidence.sources.items()},
            "review": asdict(finding.review),
            "updated": finding.updated,
            "disclaimer": finding.disclaimer,
        }

    def risk_table(self) -> pd.DataFrame:
        """Risks, by route, and those of the branches: see `riskmodel.consultation.tables.risk_table`."""
        return consult_tables.risk_table(self.to_dict())

    def workup_table(self) -> pd.DataFrame:
        """What each step would change: see `riskmodel.consultation.tables.workup_table`."""
        return consult_tables.workup_table(self.to_dict())

    def robustness_table(self) -> pd.DataFrame:
        """How far each answer moves: see `riskmodel.consultation.tables.robustness_table`."""
        return consult_tables.robustness_table(self.to_dict())

    def tested_table(self) -> pd.DataFrame:
        """Bounds of each answer over every number that may have been tested, where a source does not say how many.

        Returns
        -------
        pandas.DataFrame
            Columns outcome, tested, lowest, highest; empty where every total is known.
        """
        import pandas as pd

        rows = [{"outcome": risk.outcome.name} | one for risk in self.risks for one in tested(self.model, risk)]
        return pd.DataFrame(rows, columns=["outcome", "tested", "lowest", "highest"])

    def _applies(self, statement: Statement) -> bool:
        return applies(statement, self.known, self.described)


def consult(
    *,
    finding: str | Path | Evidence = DEFAULT_FINDING,
    reading: str = "primary",
    audience: str = "clinician",
    setting: str = "any",
    prior: Any = "jeffreys",
    heterogeneity: Any = "default",
    **stated: Any,
) -> Consultation:
    """Answer a question about a finding.

    Parameters
    ----------
    finding : str, Path or Evidence
        Name of a shipped finding, path of a folder, or evidence that is already read.
    reading : str
        How the disputed rows are read.
    audience : {"clinician", "patient", "researcher"}
        For whom it is worded.
    setting : str
        ``"any"``, or a setting of the finding, whose series alone then speak.
    prior, heterogeneity : optional
        As `riskmodel.inference.pool` takes them.
    **stated : object
        Known states, such as ``anatomy="isolated"``, and descriptors, such as ``weeks=20``. None is not known.

    Returns
    -------
    Consultation
        Risks, work-up and cautions. Nothing that was stated is stored or logged.

    Raises
    ------
    UnknownNameError
        If a name or state does not exist.
    ContradictionError
        If what is stated cannot be.
    InputError
        If a descriptor has no sense.
    EvidenceError
        If the finding's folder has faults.

    Examples
    --------
    >>> answer = consult(anatomy="isolated", karyotype="normal", infection="negative")
    >>> [(risk.outcome.name, round(risk.mean, 3)) for risk in answer.risks]
    [('good_outcome', 0.951)]
    """
    if audience not in AUDIENCES:
        raise UnknownNameError("audience", str(audience), AUDIENCES, where="audience")
    if not isinstance(reading, str) or not isinstance(setting, str):
        raise InputError(
            "reading and setting are names", where="consult", remedy='Give reading="primary", setting="any"'
        )
    evidence = load_evidence(finding, reading=reading)
    model = fit(evidence, prior=prior, heterogeneity=heterogeneity, setting=setting)
    states, described = split_stated(evidence.finding, stated)
    known = known_states(model.evidence.finding, states)
    risks = tuple(
        model.risk(one.name, **dict(known))
        for one in evidence.finding.outcomes
        if one.headline and one.variable not in dict(known)
    )
    branches = _branches(model, known)
    steps = plan(model, known, described)
    cautions = _cautions(model, known, described, risks)
    return Consultation(evidence, model, audience, known, described, risks, branches, steps, cautions)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _branches(model: ProbabilityTree, known: Given) -> tuple[tuple[Given, tuple[RiskEstimate, ...]], ...]:
    """What either state of the first open variable would make of the risks."""
    finding = model.evidence.finding
    open_variable = next((one for one in finding.states if one.name not in dict(known)), None)
    if open_variable is None:
        return ()
    found = []
    for state in open_variable.states:
        given = known_states(finding, dict(known) | {open_variable.name: state})
        risks = tuple(
            model.risk(one.name, **dict(given))
            for one in finding.outcomes
            if one.headline and one.variable not in dict(given)
        )
        found.append((given, risks))
    return tuple(found)


def _statement(statement: Statement, consultation: Consultation) -> dict[str, Any]:
    return statement_dict(statement, consultation.model, dict(consultation.known) | dict(consultation.described))


def _cautions(
    model: ProbabilityTree, known: Given, described: Mapping[str, Any], risks: Sequence[RiskEstimate]
) -> tuple[dict[str, Any], ...]:
    evidence = model.evidence
    facts = dict(known) | dict(described)
    found = [
        statement_dict(one, model, facts) | {"kind": "pitfall"}
        for one in evidence.workup.pitfalls
        if applies(one, known, described)
    ]

    def note(key: str, text: str, sources: Sequence[str] = ()) -> None:
        found.append(
            {
                "key": key,
                "kind": "limit",
                "text": text,
                "sources": list(sources),
                "counts": [],
                "comment": "",
                "remarks": [],
                "risk": None,
            }
        )

    stated = [one for one in evidence.finding.descriptors if one.name in described]
    if stated:
        titles = ", ".join(f"{one.title} ({said(described[one.name], one)})" for one in stated)
        note(
            "not-modelled",
            f"Stated and echoed, but not part of any number: {titles}. " + " ".join(one.note for one in stated),
        )
    else:
        titles = ", ".join(one.title for one in evidence.finding.descriptors)
        if titles:
            note("not-modelled", f"Not part of any number, for no series gives counts by it: {titles}.")
    for risk in risks:
        if risk.thin and risk.estimable and not risk.definition_only:
            deciding = "two series or fewer, in one of its branches, decide this answer"
            if risk.unknown:
                low, high = risk.bounds or (0.0, 1.0)
                deciding = f"an unknown branch moves this answer by up to {100 * (high - low):.0f} points of 100"
            note(
                "thin-" + risk.outcome.name,
                f"{risk.outcome.title.capitalize()}: {deciding}; take the range, not the figure.",
                risk.sources,
            )
    for one in evidence.finding.independences:
        if all(dict(known).get(name, state) == state for name, state in one.given):
            note(
                f"assumed-{one.variable}-{given_text(one.given)}",
                f"Assumed where {given_text(one.given) or 'always'}: {one.variable} does not depend on {one.of}. "
                f"{one.reason}",
            )
    found += [
        statement_dict(one, model, facts) | {"kind": "limit"}
        for one in evidence.workup.cautions
        if applies(one, known, described)
    ]
    contradictions = [one for one in evidence.audit() if one.severity == "contradiction"]
    for contradiction in contradictions:
        note("contradiction", f"This reading contradicts itself: {contradiction.what}.", contradiction.sources)
    return tuple(found)
