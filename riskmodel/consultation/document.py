"""Values to the plain dictionaries that every face shows: risks, counts, statements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from riskmodel._support.kept import once
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Given
from riskmodel.evidence.workup import Statement
from riskmodel.report.wording import certainty
from riskmodel.sensitivity.variants import robustness
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree


def risk_dict(risk: RiskEstimate, model: ProbabilityTree | None = None) -> dict[str, Any]:
    """A risk as JSON knows it."""
    interval = risk.interval()
    bounds_interval = risk.bounds_interval()
    word, why = certainty(
        series=risk.series - len({count.source for count in risk.wider}),
        width=None if interval is None else interval[1] - interval[0],
        thin=risk.thin,
        by_definition=risk.definition_only,
    )
    outcome = risk.outcome
    return {
        "outcome": outcome.name,
        "title": outcome.title,
        "plain_title": outcome.plain_title,
        "complement_title": outcome.complement_title,
        "polarity": outcome.polarity,
        "definition": outcome.definition,
        "until": outcome.until,
        "denominator": outcome.denominator,
        "given": dict(risk.known),
        **risk.to_dict(),
        "ci_prob": 0.95,
        "ci_kind": "eti",
        "bounds": None if risk.bounds is None else list(risk.bounds),
        "bounds_interval": None if bounds_interval is None else list(bounds_interval),
        "unknown": [{"branch": edge.said, "why": edge.definition} for edge in risk.unknown],
        "by_definition": risk.definition_only,
        "spread_between": risk.spread_between,
        "certainty": word,
        "certainty_why": why,
        "counts": [count.to_dict() for count in risk.counts],
        "direct": risk.direct.to_dict() if model else None,
        "indirect": risk.indirect.to_dict() if model else None,
        "combined": risk.combined.to_dict() if model else None,
        "robustness": robustness(model, risk) if model else None,
    }


def wider_counts(model: ProbabilityTree) -> list[dict[str, Any]]:
    """Counts of wider groups than the tree's branches, and how each agrees with what the branches predict for it."""
    return [
        row.to_dict() | {"agreement": None if found is None else found.to_dict(), "reason": reason}
        for row, found, reason in model.coarse()
    ]


def by_setting(model: ProbabilityTree, risks: Sequence[RiskEstimate]) -> list[dict[str, Any]]:
    """The same risks as each setting's own series answer them, side by side."""
    finding = model.evidence.finding
    titles = {"any": "all settings"} | {one.name: one.title for one in finding.settings}
    rows = []
    for name, title in titles.items():
        own = model if name == model.setting else _of_setting(model, name)
        answers = []
        for risk in risks:
            found = own.risk(risk.outcome.name, **dict(risk.known))
            interval = found.interval()
            answers.append(
                {
                    "outcome": risk.outcome.name,
                    "probability": found.mean,
                    "interval": None if interval is None else list(interval),
                    "series": found.series,
                    "fetuses": found.fetuses,
                    "sources": list(found.sources),
                    "reason": found.reason,
                }
            )
        rows.append({"setting": name, "title": title, "risks": answers})
    return rows


def _of_setting(model: ProbabilityTree, name: str) -> ProbabilityTree:
    return once(model, ("setting", name), lambda: model.variant(setting=name))


def neighbours(evidence: Evidence, known: Given, risks: Sequence[RiskEstimate]) -> dict[str, Any]:
    """Published figures to weigh the risks against, and which of them the evidence does not have."""
    asked = [risk.outcome for risk in risks]
    open_steps = [step for step in evidence.workup.steps if step.resolves and step.resolves not in dict(known)]
    names = {one.name for one in asked} | {step.key for step in open_steps}
    given = [one for one in evidence.workup.neighbours if (one.outcome or one.step) in names]
    told = {one.outcome or one.step for one in given}
    missing = [f"{one.title}: how often without this finding" for one in asked if one.name not in told]
    missing += [f"{step.title}: what it may harm" for step in open_steps if step.key not in told]
    missing += [f"{step.title}: how often its result is wrong" for step in open_steps]
    return {
        "given": [
            asdict(one)
            | {"sources": list(one.sources), "difference": None if one.difference is None else list(one.difference)}
            for one in given
        ],
        "missing": missing,
    }


def also_counted(evidence: Evidence, known: Given, setting: str) -> list[dict[str, Any]]:
    """Outcomes that series count by themselves, for groups that what is known allows: shown as counts, not as risks."""
    own = {one.name for one in evidence.finding.outcomes if one.variable is None}
    states = dict(known)
    return [
        count.to_dict()
        for count in evidence.fitted(setting)
        if count.variable in own and all(states.get(name, state) == state for name, state in count.given)
    ]


def applies(statement: Statement, known: Given, described: Mapping[str, Any]) -> bool:
    """Whether a statement belongs to a consultation; one that needs an open variable to differ still does."""
    facts = dict(known) | dict(described)
    return all(term.name not in facts or term.holds(facts) for term in statement.when.terms)


def statement_dict(statement: Statement, model: ProbabilityTree, facts: Mapping[str, Any]) -> dict[str, Any]:
    """A statement with what the counts say of it."""
    rows = [count for count in model.evidence.counts if count.key in statement.counts]
    risk = None
    if statement.outcome is not None:
        found = model.risk(statement.outcome, **dict(statement.given))
        interval = found.interval()
        risk = {
            "outcome": statement.outcome,
            "title": found.outcome.title,
            "given": dict(statement.given),
            "probability": found.mean,
            "interval": None if interval is None else list(interval),
            "series": found.series,
            "reason": found.reason,
        }
    return {
        "key": statement.key,
        "text": statement.text,
        "sources": list(statement.sources),
        "counts": [count.to_dict() for count in rows],
        "comment": statement.comment,
        "remarks": [remark.why for remark in statement.remarks if remark.when.holds(facts)],
        "risk": risk,
    }
