"""Values to the parts of a consultation's document: here intervals are worked out, once, and nothing after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from msgspec import convert

from riskmodel._support.kept import once
from riskmodel.consultation import document as doc
from riskmodel.consultation.certainty import certainty
from riskmodel.consultation.said import Counted, Headline
from riskmodel.consultation.undecided import Undecided
from riskmodel.consultation.undecided import risk as ask
from riskmodel.consultation.workup import Change, StepState
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Count, terminations
from riskmodel.evidence.known import Known
from riskmodel.evidence.workup import Statement
from riskmodel.sensitivity.variants import of_setting, robustness
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree

CI_PROB = 0.95
#: What a risk, and a step, of the document have from the finding's own.
_OF_OUTCOME = ("title", "plain_title", "complement_title", "polarity", "definition", "until", "denominator")
_OF_STEP = ("title", "plain_title", "detail", "algorithm_step", "immediate", "time", "sources")


def risk_part(risk: RiskEstimate, model: ProbabilityTree | None = None, *, robust: bool = False) -> doc.Risk:
    """A risk; with the model also its routes, and with `robust` how far it moves."""
    return once(risk, ("part", model is not None, robust), lambda: _risk_part(risk, model, robust))


def _risk_part(risk: RiskEstimate, model: ProbabilityTree | None, robust: bool) -> doc.Risk:
    outcome = risk.outcome
    word, why = certainty(risk)
    said = risk.to_dict(ci_prob=CI_PROB) | {
        "outcome": outcome.name,
        **{name: getattr(outcome, name) for name in _OF_OUTCOME},
        "terminations": terminations(risk.counts),
        "given": dict(risk.known),
        "ci_prob": CI_PROB,
        "ci_kind": "eti",
        "bounds": risk.bounds,
        "bounds_interval": risk.bounds_interval(),
        "unknown": [{"branch": edge.said, "why": edge.definition} for edge in risk.unknown],
        "by_definition": risk.definition_only,
        "crude": risk.crude and asdict(risk.crude),
        "spread_between": risk.spread_between,
        "certainty": word,
        "certainty_why": why,
        "counts": tuple(map(count_part, risk.counts)),
        "weighing": _weighing(risk),
        "robustness": robustness(model, risk) if model and robust else None,
    }
    for name in ("direct", "indirect", "combined"):
        said[name] = getattr(risk, name).to_dict(ci_prob=CI_PROB) if model else None
    return convert(said, doc.Risk)


def _weighing(risk: RiskEstimate) -> tuple[str, ...]:
    """Sources that are in an answer only because something is known that stands after what they count."""
    telling = {count.source for count in risk.telling}
    return tuple(source for source in risk.sources if source not in telling)


def count_part(count: Count) -> Counted:
    """A count as it was published."""
    return once(count, "part", lambda: convert(count.to_dict(), Counted))


def step_part(state: StepState, *, changes: bool) -> doc.WorkupStep:
    """A step of the work-up; with `changes` what its result would do to every open outcome."""
    step, main = state.step, state.changes[0] if state.changes else None
    reasons = [state.reason]
    if main is not None:
        reasons += [main.if_normal.reason, main.if_abnormal.reason, main.information.reason]
    told: dict[str, Any] = {name: getattr(step, name) for name in _OF_STEP} | {"state": state.state, "why": state.why}
    return doc.WorkupStep(
        step=step.key,
        **told,
        outcome=main.outcome if main else None,
        if_normal=main.if_normal.mean if main else None,
        if_abnormal=main.if_abnormal.mean if main else None,
        p_abnormal=state.p_abnormal.mean if state.p_abnormal else None,
        bits=main.information.bits if main else None,
        reason="; ".join(dict.fromkeys(filter(None, reasons))),
        changes=tuple(map(_change_part, state.changes)) if changes else None,
    )


def _change_part(change: Change) -> doc.Change:
    def part() -> doc.Change:
        return doc.Change(
            outcome=change.outcome,
            before=doc.Brief(**_brief(change.before)),
            if_normal=doc.Brief(**_brief(change.if_normal)),
            if_abnormal=doc.Brief(**_brief(change.if_abnormal)),
            results=tuple(
                doc.Result(state=state, expected=expected.mean if expected else None, **_brief(after))
                for state, expected, after in change.results
            ),
            bits=change.information.bits,
            bits_at_most=change.information.at_most,
            bits_by_definition=change.information.by_definition,
            reason=change.information.reason,
        )

    return once(change, "part", part)


def _told(risk: RiskEstimate) -> dict[str, Any]:
    headline = risk.headline and Headline(**risk.headline._asdict())
    return {"probability": risk.mean, "headline": headline, "interval": risk.interval(), "reason": risk.reason}


def _brief(risk: RiskEstimate) -> dict[str, Any]:
    return _told(risk) | {"bounds": risk.bounds, "bounds_interval": risk.bounds_interval()}


def coarse_parts(model: ProbabilityTree) -> tuple[doc.CoarseCount, ...]:
    """Counts of coarser groups than the tree's branches, and how each agrees with what the branches predict for it."""
    return tuple(
        convert(row.to_dict() | {"agreement": found and found.to_dict(), "reason": reason}, doc.CoarseCount)
        for row, found, reason in model.coarse()
    )


def setting_parts(
    model: ProbabilityTree, risks: Sequence[RiskEstimate], undecided: Undecided
) -> tuple[doc.SettingRisks, ...]:
    """The same risks as each setting's own series answer them, side by side."""
    titles = {"any": "all settings"} | {one.name: one.title for one in model.evidence.finding.settings}

    def answered(own: ProbabilityTree, risk: RiskEstimate) -> doc.SettingRisk:
        found = ask(own, risk.outcome.name, risk.known, undecided)
        return doc.SettingRisk(
            outcome=risk.outcome.name,
            series=found.series,
            fetuses=found.fetuses,
            sources=found.sources,
            weighing=_weighing(found),
            **_told(found),
        )

    trees = {name: of_setting(model, name) for name in titles}
    return tuple(
        doc.SettingRisks(setting=name, title=titles[name], risks=tuple(answered(own, risk) for risk in risks))
        for name, own in trees.items()
    )


def neighbours_part(evidence: Evidence, known: Known, risks: Sequence[RiskEstimate]) -> doc.Neighbours:
    """Published figures to weigh the risks against, and which of them the evidence does not have.

    A test whose result is known has no harm left to weigh.
    """
    asked = [risk.outcome for risk in risks]
    open_steps = [step for step in evidence.workup.steps if step.resolves and not known.states(step.resolves)]
    names = {one.name for one in asked} | {step.key for step in open_steps}
    given = tuple(one for one in evidence.workup.neighbours if (one.outcome or one.step) in names)
    told = {(one.kind, one.outcome or one.step) for one in given}
    missing = [f"{one.title}: how often without this finding" for one in asked if ("background", one.name) not in told]
    for kind, what in (("harm", "what it may harm"), ("error", "how often its result is wrong")):
        missing += [f"{step.title}: {what}" for step in open_steps if (kind, step.key) not in told]
    return doc.Neighbours(given=given, missing=tuple(missing))


def also_counted(evidence: Evidence, known: Known, setting: str) -> tuple[Counted, ...]:
    """Outcomes that series count by themselves, for groups that what is known allows: shown as counts, not as risks."""
    own = {one.name for one in evidence.finding.outcomes if one.variable is None}
    return tuple(
        count_part(count)
        for count in evidence.fitted(setting)
        if count.variable in own and not known.contradicts(count.given)
    )


def applies(statement: Statement, facts: Mapping[str, Any]) -> bool:
    """Whether nothing that is known speaks against a statement; one that needs an open variable to differ still applies."""
    return all(term.name not in facts or term.holds(facts) for term in statement.when.terms)


def statement_part(statement: Statement, model: ProbabilityTree, facts: Mapping[str, Any]) -> doc.Statement:
    """A statement with what the counts say of it, and the risk beside it."""
    remarks = tuple(remark.why for remark in statement.remarks if remark.when.holds(facts))

    def part() -> doc.Statement:
        risk = None
        if statement.outcome is not None:
            found = model.risk(statement.outcome, **dict(statement.given))
            risk = doc.StatementRisk(
                outcome=statement.outcome,
                title=found.outcome.title,
                given=dict(statement.given),
                series=found.series,
                **_told(found),
            )
        rows = (count for count in model.evidence.counts if count.key in statement.counts)
        return doc.Statement(
            key=statement.key,
            text=statement.text,
            sources=statement.sources,
            counts=tuple(map(count_part, rows)),
            comment=statement.comment,
            remarks=remarks,
            risk=risk,
        )

    return once(model, ("statement", statement.key, remarks), part)
