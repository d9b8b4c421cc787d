"""From a question to a complete consultation: the one thin interface that every face calls."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import convert, json, structs

from riskmodel._support.checks import shown
from riskmodel._support.doors import door
from riskmodel._support.kept import Value, once, same
from riskmodel.consultation import compose, tables
from riskmodel.consultation import document as doc
from riskmodel.consultation.missed import missed
from riskmodel.consultation.question import AUDIENCES, TEST_ERRORS, Stated, next_variable, said, stated, worded
from riskmodel.consultation.undecided import Undecided, risk
from riskmodel.consultation.workup import StepState, plan
from riskmodel.errors import ContradictionError, UnknownNameError
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Variable
from riskmodel.evidence.known import Known
from riskmodel.evidence.load import as_evidence, load_evidence
from riskmodel.evidence.workup import NO_RESULT, LabTest
from riskmodel.report.wording import named
from riskmodel.sensitivity.variants import tested
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree, fit

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_FINDING = "fetal-hepatic-calcification"
#: What costs much and is not always wanted: asked for by name.
DETAILS: tuple[str, ...] = ("robustness", "settings", "neighbours", "changes")


@dataclass(frozen=True, eq=False, repr=False)
class Query(Value):
    """What is asked: what is known, what is stated beside it, for whom, and what is wanted by name."""

    stated: Stated  # what is known, what was answered of each test, and what was described beside it
    audience: str
    detail: tuple[str, ...]
    test_errors: str


@dataclass(frozen=True, eq=False, repr=False)
class Consultation(tables.Shown, Value):
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
        return self.query.stated.known

    @property
    def described(self) -> Mapping[str, Any]:
        """What was stated beside it."""
        return self.query.stated.described

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
        detail = checked_detail((*self.query.detail, *names))
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


@door
def consult(
    *,
    finding: str | Path | Evidence | ProbabilityTree = DEFAULT_FINDING,
    reading: str | None = None,
    audience: str = "clinician",
    setting: str = "any",
    prior: Any = "dirichlet-tree",
    heterogeneity: Any = "default",
    detail: str | Iterable[str] = (),
    test_errors: str = "word",
    **given: Any,
) -> Consultation:
    """Answer a question about a finding.

    Parameters
    ----------
    finding : str, Path, Evidence or ProbabilityTree
        Name of a shipped finding, path of a folder, evidence that is already read, or a fitted tree, whose reading, setting
        and priors then hold: others beside it are a contradiction.
    reading : str, optional
        How the disputed rows are read; where it is not given ``"primary"``, or evidence's own.
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
    test_errors : {"word", "published"}
        Results are taken at their word; with ``"published"`` what a test misses stands beside that, where it is published.
    **given : object
        Known states, such as ``anatomy="isolated"``, results of tests, such as ``serology="positive"``, and descriptors,
        such as ``weeks=20``. A state or result may be ``"pending"`` or ``"declined"``: summed over as unknown, and its step
        not offered again. None is not known.

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
        raise UnknownNameError("audience", audience, AUDIENCES, where="audience")
    if test_errors not in TEST_ERRORS:
        raise UnknownNameError("choice", test_errors, TEST_ERRORS, where="test_errors")
    wanted = checked_detail((detail,) if isinstance(detail, str) else tuple(detail))
    if isinstance(finding, ProbabilityTree):
        model = finding
        _check_beside(model, reading=reading, setting=setting, prior=prior, heterogeneity=heterogeneity)
    else:
        evidence = as_evidence(finding) if reading is None else load_evidence(finding, reading=reading)
        model = fit(evidence, prior=prior, heterogeneity=heterogeneity, setting=setting)
    return _consultation(model, Query(stated(model.evidence, given), audience, wanted, test_errors))


def _check_beside(model: ProbabilityTree, **stated: Any) -> None:
    """What is stated beside a fitted tree is what it was fitted with: passed over, it would seem to be in the answer."""
    usual = inspect.signature(consult).parameters
    for name, value in stated.items():
        own = model.evidence.reading if name == "reading" else getattr(model, name)
        value = tuple(value) if isinstance(own, tuple) and isinstance(value, list) else value
        if not same(value, usual[name].default) and not same(value, own):
            what = f"{shown(value)} beside a tree that is fitted with {shown(own)}"
            raise ContradictionError(what, where=name, remedy="Leave it out, or give the evidence in place of the tree")


def checked_detail(names: Sequence[str]) -> tuple[str, ...]:
    """What is asked for by name, each once and in its order; ``"all"`` is all of it."""
    for name in names:
        if name not in (*DETAILS, "all"):
            raise UnknownNameError("detail", str(name), [*DETAILS, "all"], where="detail")
    return DETAILS if "all" in names else tuple(name for name in DETAILS if name in names)


def _consultation(model: ProbabilityTree, query: Query) -> Consultation:
    known, answered, described, undecided = query.stated
    detail = query.detail
    evidence = model.evidence
    risks = once(model, ("risks", known, undecided), lambda: _headlines(model, known, undecided))
    split = next_variable(evidence, query.stated)
    branches = once(model, ("branches", known, undecided, split), lambda: _branches(model, known, undecided, split))
    workup = plan(model, query.stated, every="changes" in detail)
    facts = dict(known) | {name: one for name, one in answered.items() if one not in NO_RESULT} | described

    def statements(group: Sequence[Any]) -> tuple[doc.Statement, ...]:
        return tuple(compose.statement_part(one, model, facts) for one in group if compose.applies(one, facts))

    def asked[T](name: str, part: Any, *arguments: Any) -> T | None:
        """A part that was asked for by name, kept beside the model; nothing of what was described is in it."""
        return once(model, (name, known, undecided), lambda: part(*arguments)) if name in detail else None

    def ends(facts: Mapping[str, Any]) -> tuple[doc.End, ...]:
        return convert(evidence.workup.standing(facts), tuple[doc.End, ...], from_attributes=True)

    def branch(given: Known, after: Sequence[RiskEstimate]) -> doc.Branch:
        then = query.stated.facts | dict(given)
        due = tuple(one.key for one in evidence.workup.steps if one.decide(then).state in ("due", "planned"))
        return doc.Branch(given=dict(given), risks=tuple(map(compose.risk_part, after)), due=due, ends=ends(then))

    unchanging = once(model, "unchanging", lambda: _unchanging(model))
    document = doc.Document(
        **unchanging,
        known=dict(known),
        answered=answered,
        described={name: list(one) if isinstance(one, tuple) else one for name, one in described.items()},
        stated={
            one.name: worded(described[one.name], one) for one in evidence.finding.descriptors if one.name in described
        },
        audience=query.audience,  # type: ignore[arg-type]
        detail=detail,
        risks=tuple(compose.risk_part(one, model, robust="robustness" in detail) for one in risks),
        branches=tuple(branch(given, after) for given, after in branches),
        settings=asked("settings", compose.setting_parts, model, risks, undecided),
        neighbours=asked("neighbours", compose.neighbours_part, evidence, known, risks),
        also_counted=compose.also_counted(evidence, known, model.setting),
        test_errors=missed(model, query.stated) if query.test_errors == "published" else None,
        workup=tuple(compose.step_part(state, changes="changes" in detail) for state in workup),
        ends=ends(query.stated.facts),
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
    asked: list[Variable | LabTest] = [*finding.variables, *evidence.workup.tests]
    return {
        "finding": finding.key,
        **{name: getattr(finding, name) for name in ("title", "plain_title", "review", "updated", "disclaimer")},
        "variables": {
            one.name: doc.VariableTitles(
                title=one.title,
                plain_title=one.plain_title,
                states=dict(one.plain_state_titles),
                state_titles=dict(one.state_titles),
            )
            for one in asked
        },
        "not_counted": tuple(one.title for one in finding.descriptors),
        "plain_not_counted": tuple(one.plain_title for one in finding.descriptors),
        "setting": model.setting,
        "reading": evidence.reading,
        "evidence_version": evidence.version,
        "kinds": {name: convert(model.kinds(name), tuple[doc.Kind, ...]) for name in finding.kinds},
        "coarse_counts": compose.coarse_parts(model),
        "disagreements": evidence.disagreements,
        "audit": convert(evidence.audit(), tuple[doc.AuditRow, ...], from_attributes=True),
        "model": doc.ModelSaid(prior=str(model.prior), heterogeneity=str(model.heterogeneity)),
        "sources": {key: one.citation for key, one in evidence.sources.items()},
    }


def _headlines(model: ProbabilityTree, known: Known, undecided: Undecided) -> tuple[RiskEstimate, ...]:
    """The headline outcomes that are still open."""
    return tuple(
        risk(model, one.name, known, undecided)
        for one in model.evidence.finding.outcomes
        if one.headline and one.variable not in dict(known)
    )


def _branches(
    model: ProbabilityTree, known: Known, undecided: Undecided, split: str | None
) -> tuple[tuple[Known, tuple[RiskEstimate, ...]], ...]:
    """What each state of an open variable would make of the risks."""
    if split is None:
        return ()
    finding = model.evidence.finding
    after = (known.with_state(finding, split, state) for state in model.evidence.variable(split).states)
    return tuple((given, _headlines(model, given, undecided)) for given in after)


def _pitfall(statement: doc.Statement, kind: Literal["pitfall", "limit"] = "pitfall") -> doc.Caution:
    return doc.Caution(**structs.asdict(statement), kind=kind)


def _limit(key: str, text: str, sources: Sequence[str] = ()) -> doc.Caution:
    return doc.Caution(key=key, kind="limit", text=text, sources=tuple(sources))


def _limits(model: ProbabilityTree, query: Query, risks: Sequence[RiskEstimate]) -> Iterable[doc.Caution]:
    """What this answer cannot say."""
    finding = model.evidence.finding
    described = query.stated.described
    beside = [one for one in finding.descriptors if one.name in described]
    if beside:
        titles = ", ".join(f"{one.title} ({said(described[one.name], one)})" for one in beside)
        notes = " ".join(one.note for one in beside)
        yield _limit("not-modelled", f"Stated and echoed, but not part of any number: {titles}. {notes}")
    elif finding.descriptors:
        titles = ", ".join(one.title for one in finding.descriptors)
        yield _limit("not-modelled", f"Not part of any number, for no series gives counts by it: {titles}.")
    for name, result in query.stated.undecided:
        title = model.evidence.variable(name).title
        text = f"{result[:1].upper()}{result[1:]}. What depends on the {title} has bounds and no figure."
        yield _limit("undecided-" + name, text)
    for found in risks:
        if found.thin:
            deciding = found.weakness
            if found.unknown and not found.only_direct:
                low, high = found.bounds or (0.0, 1.0)
                deciding += f", which could move it by {100 * (high - low):.0f} of 100"
            text = f"{found.outcome.title.capitalize()}: {deciding}; take the range, not the figure."
            yield _limit("thin-" + found.outcome.name, text, found.sources)
    for one in finding.independences:
        if all(dict(query.stated.known).get(name, state) == state for name, state in one.given):
            where = named(str(one.given))
            yield _limit(
                f"assumed-{one.variable}-{one.given}",
                f"Assumed{' where ' * bool(where)}{where}: {one.variable} does not depend on {one.of}. {one.reason}",
            )
