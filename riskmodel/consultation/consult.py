"""From a question to a complete consultation: the one thin interface that every face calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import json

from riskmodel._support.kept import Value, once
from riskmodel.consultation import compose, tables
from riskmodel.consultation import document as doc
from riskmodel.consultation.question import said, split_stated, stated
from riskmodel.consultation.workup import StepState, plan
from riskmodel.errors import InputError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.known import Known
from riskmodel.evidence.load import load_evidence
from riskmodel.report.wording import named
from riskmodel.sensitivity.variants import tested
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree, fit

if TYPE_CHECKING:
    import pandas as pd

Audience = Literal["clinician", "patient", "researcher"]
AUDIENCES: tuple[str, ...] = ("clinician", "patient", "researcher")
DEFAULT_FINDING = "fetal-hepatic-calcification"
#: What costs much and is not always wanted: asked for by name.
DETAILS: tuple[str, ...] = ("robustness", "settings", "neighbours", "changes")


@dataclass(frozen=True, eq=False)
class Query(Value):
    """What is asked: what is known, what is stated beside it, for whom, and what is wanted by name."""

    known: Known
    described: Mapping[str, Any]  # stated, echoed, and part of no number
    audience: str
    detail: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Consultation(Value):
    """What the evidence says to one question.

    Parameters
    ----------
    model : ProbabilityTree
        The fitted tree, with the evidence that it rests on.
    query : Query
        What was asked.
    risks : tuple of RiskEstimate
        One for each headline outcome that is still open.
    branches : tuple of (Known, tuple of RiskEstimate)
        The same after either state of the first variable that is not known.
    workup : tuple of StepState
        Steps in the order of the algorithm.
    document : Document
        All that is said, as the response model: every face shows parts of it, and nothing is worked out after.
    """

    model: ProbabilityTree
    query: Query
    risks: tuple[RiskEstimate, ...]
    branches: tuple[tuple[Known, tuple[RiskEstimate, ...]], ...]
    workup: tuple[StepState, ...]
    document: doc.Document

    @property
    def evidence(self) -> Evidence:
        """The finding's counts under the chosen reading."""
        return self.model.evidence

    @property
    def known(self) -> Known:
        """Known states."""
        return self.query.known

    @property
    def described(self) -> Mapping[str, Any]:
        """What was stated beside it."""
        return self.query.described

    @property
    def cautions(self) -> tuple[dict[str, Any], ...]:
        """Pitfalls with what the counts say of them, and what this answer cannot say."""
        return tuple(self.to_dict()["cautions"])

    def to_dict(self) -> dict[str, Any]:
        """The consultation as JSON knows it; its schema is ``riskmodel.schema()``.

        Returns
        -------
        dict
            What is not estimable is null, with its reason and bounds; so is what was not asked for by name.
        """
        answer: dict[str, Any] = json.decode(json.encode(self.document))
        return answer

    def with_detail(self, *names: str) -> Consultation:
        """The same consultation with more in it.

        Parameters
        ----------
        *names : str
            Of what is asked for by name: ``"robustness"``, ``"settings"``, ``"neighbours"``, ``"changes"``, or ``"all"``.

        Returns
        -------
        Consultation
            Itself where it has them already.

        Raises
        ------
        UnknownNameError
            If there is no such detail.
        """
        detail = _checked_detail((*self.query.detail, *names))
        return self if detail == self.query.detail else _consultation(self.model, replace(self.query, detail=detail))

    def risk_table(self) -> pd.DataFrame:
        """Risks, by route, and those of the branches: see `riskmodel.consultation.tables.risk_table`."""
        return tables.risk_table(self.to_dict())

    def workup_table(self) -> pd.DataFrame:
        """What each step would change: see `riskmodel.consultation.tables.workup_table`."""
        return tables.workup_table(self.with_detail("changes").to_dict())

    def robustness_table(self) -> pd.DataFrame:
        """How far each answer moves: see `riskmodel.consultation.tables.robustness_table`."""
        return tables.robustness_table(self.with_detail("robustness").to_dict())

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


def consult(
    *,
    finding: str | Path | Evidence = DEFAULT_FINDING,
    reading: str = "primary",
    audience: str = "clinician",
    setting: str = "any",
    prior: Any = "dirichlet-tree",
    heterogeneity: Any = "default",
    detail: str | Iterable[str] = (),
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
        As `riskmodel.pool` takes them.
    detail : str or sequence of str
        What costs more and is given when asked for by name: ``"robustness"`` (other priors, readings, series left out),
        ``"settings"`` (each kind of clinic's series alone), ``"neighbours"`` (published figures to weigh a risk against),
        ``"changes"`` (what each test's result would do to every outcome), or ``"all"``.
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
    [('good_outcome', 0.964)]
    """
    if audience not in AUDIENCES:
        raise UnknownNameError("audience", str(audience), AUDIENCES, where="audience")
    if not isinstance(reading, str) or not isinstance(setting, str):
        raise InputError(
            "reading and setting are names", where="consult", remedy='Give reading="primary", setting="any"'
        )
    wanted = _checked_detail((detail,) if isinstance(detail, str) else tuple(detail))
    evidence = load_evidence(finding, reading=reading)
    model = fit(evidence, prior=prior, heterogeneity=heterogeneity, setting=setting)
    states, described = split_stated(evidence.finding, stated)
    known = Known.of(evidence.finding, states, several=False)
    return _consultation(model, Query(known, described, audience, wanted))


def _checked_detail(names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if name not in (*DETAILS, "all"):
            raise UnknownNameError("detail", str(name), [*DETAILS, "all"], where="detail")
    return DETAILS if "all" in names else tuple(name for name in DETAILS if name in names)


def _consultation(model: ProbabilityTree, query: Query) -> Consultation:
    known, detail = query.known, query.detail
    evidence = model.evidence
    risks = once(model, ("risks", known), lambda: _headlines(model, known))
    branches = once(model, ("branches", known), lambda: _branches(model, known))
    workup = plan(model, known, query.described, every="changes" in detail)
    facts = dict(known) | dict(query.described)

    def statements(group: Sequence[Any]) -> tuple[doc.Statement, ...]:
        return tuple(compose.statement_part(one, model, facts) for one in group if compose.applies(one, facts))

    def asked[T](name: str, part: Any, *arguments: Any) -> T | None:
        """A part that was asked for by name, kept beside the model; nothing of what was described is in it."""
        return once(model, (name, known), lambda: part(*arguments)) if name in detail else None

    def due(given: Known) -> tuple[str, ...]:
        then = dict(given) | dict(query.described)
        return tuple(step.key for step in evidence.workup.steps if step.decide(then).state == "due")

    unchanging = once(model, "unchanging", lambda: _unchanging(model))
    document = doc.Document(
        **unchanging,
        known=dict(known),
        described={name: list(one) if isinstance(one, tuple) else one for name, one in query.described.items()},
        stated={
            one.name: stated(query.described[one.name], one)
            for one in evidence.finding.descriptors
            if one.name in query.described
        },
        audience=query.audience,  # type: ignore[arg-type]
        detail=detail,
        risks=tuple(compose.risk_part(risk, model, robust="robustness" in detail) for risk in risks),
        branches=tuple(
            doc.Branch(given=dict(given), risks=tuple(map(compose.risk_part, after)), due=due(given))
            for given, after in branches
        ),
        settings=asked("settings", compose.setting_parts, model, risks),
        neighbours=asked("neighbours", compose.neighbours_part, evidence, known, risks),
        also_counted=compose.also_counted(evidence, known, model.setting),
        workup=tuple(compose.step_part(state, changes="changes" in detail) for state in workup),
        differential=statements(evidence.workup.differential),
        prognosis=statements(evidence.workup.prognosis),
        cautions=(
            *(_pitfall(one) for one in statements(evidence.workup.pitfalls)),
            *_limits(model, query, risks),
            *(_pitfall(one, "limit") for one in statements(evidence.workup.cautions)),
            *(
                _limit("contradiction", f"This reading contradicts itself: {one.what}.", one.sources)
                for one in evidence.audit()
                if one.severity == "contradiction"
            ),
        ),
    )
    return Consultation(model, query, risks, branches, workup, document)


def _unchanging(model: ProbabilityTree) -> dict[str, Any]:
    """What every consultation of a fitted finding says."""
    evidence, finding = model.evidence, model.evidence.finding
    return {
        "finding": finding.key,
        "title": finding.title,
        "plain_title": finding.plain_title,
        "variables": {
            one.name: doc.VariableTitles(
                title=one.title, plain_title=one.plain_title, states=dict(one.plain_state_titles)
            )
            for one in finding.variables
        },
        "not_counted": tuple(one.title for one in finding.descriptors),
        "plain_not_counted": tuple(one.plain_title for one in finding.descriptors),
        "setting": model.setting,
        "reading": evidence.reading,
        "evidence_version": evidence.version,
        "kinds": compose.kind_parts(model),
        "coarse_counts": compose.coarse_parts(model),
        "disagreements": evidence.disagreements,
        "audit": compose.audit_parts(evidence),
        "model": doc.ModelSaid(prior=str(model.prior), heterogeneity=str(model.heterogeneity)),
        "sources": {key: one.citation for key, one in evidence.sources.items()},
        "review": finding.review,
        "updated": finding.updated,
        "disclaimer": finding.disclaimer,
    }


def _headlines(model: ProbabilityTree, known: Known) -> tuple[RiskEstimate, ...]:
    """The headline outcomes that are still open."""
    return tuple(
        model.risk(one.name, **dict(known))
        for one in model.evidence.finding.outcomes
        if one.headline and one.variable not in dict(known)
    )


def _branches(model: ProbabilityTree, known: Known) -> tuple[tuple[Known, tuple[RiskEstimate, ...]], ...]:
    """What either state of the first open variable would make of the risks."""
    finding = model.evidence.finding
    variable = next((one for one in finding.states if not known.states(one.name)), None)
    if variable is None:
        return ()
    after = (known.with_state(finding, variable.name, state) for state in variable.states)
    return tuple((given, _headlines(model, given)) for given in after)


def _pitfall(statement: doc.Statement, kind: Literal["pitfall", "limit"] = "pitfall") -> doc.Caution:
    return doc.Caution(**{name: getattr(statement, name) for name in statement.__struct_fields__}, kind=kind)


def _limit(key: str, text: str, sources: Sequence[str] = ()) -> doc.Caution:
    return doc.Caution(key=key, kind="limit", text=text, sources=tuple(sources))


def _limits(model: ProbabilityTree, query: Query, risks: Sequence[RiskEstimate]) -> Iterable[doc.Caution]:
    """What this answer cannot say."""
    finding = model.evidence.finding
    stated = [one for one in finding.descriptors if one.name in query.described]
    if stated:
        titles = ", ".join(f"{one.title} ({said(query.described[one.name], one)})" for one in stated)
        notes = " ".join(one.note for one in stated)
        yield _limit("not-modelled", f"Stated and echoed, but not part of any number: {titles}. {notes}")
    elif finding.descriptors:
        titles = ", ".join(one.title for one in finding.descriptors)
        yield _limit("not-modelled", f"Not part of any number, for no series gives counts by it: {titles}.")
    for risk in risks:
        if risk.thin:
            deciding = risk.weakness
            if risk.unknown and not risk.only_direct:
                low, high = risk.bounds or (0.0, 1.0)
                deciding += f", which could move it by {100 * (high - low):.0f} of 100"
            text = f"{risk.outcome.title.capitalize()}: {deciding}; take the range, not the figure."
            yield _limit("thin-" + risk.outcome.name, text, risk.sources)
    for one in finding.independences:
        if all(dict(query.known).get(name, state) == state for name, state in one.given):
            where = named(str(one.given))
            yield _limit(
                f"assumed-{one.variable}-{one.given}",
                f"Assumed{' where ' * bool(where)}{where}: {one.variable} does not depend on {one.of}. {one.reason}",
            )
