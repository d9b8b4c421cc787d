"""CDS Hooks 2.0.1, with what 3.0 adds: services, what of a call is a question, and an answer as a card.

What a hospital's system sends is prefetched for ``{{context.patientId}}`` alone and read leniently: what is absent, null,
an error of its own, or a page of several is not known. Nothing is fetched, and the access token that may come with it is
not looked at. Observations of ours have codes of ``urn:x-riskmodel:state``; a finding is recognised by its code or title.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from riskmodel._support.version import __version__
from riskmodel.errors import InputError
from riskmodel.evidence.evidence import Evidence
from riskmodel.report import render
from riskmodel.report.brief import CARD, brief
from riskmodel.report.wording import capital, lower
from riskmodel.serve.exchange.fhir import FINDING, STATE

Answer = Mapping[str, Any]

#: The specification that is followed, which a service says from 3.0 on (3.0.0-ballot, "Discovery"); 2.0 passes it over.
SPECIFICATION = "2.0.1"
#: By hook its version in the library of hooks (CDS Hooks Library 1.0.1), and what the service tells.
_HOOKS = {
    "patient-view": ("1.0", "Risks of a finding on a patient's problem list, from published series"),
    "problem-list-item-create": (
        "0.1.0", "Risks of a finding as it is put on the problem list, from published series"
    ),
}  # fmt: skip
_PREFETCH = {
    "conditions": "Condition?patient={{context.patientId}}",
    "observations": f"Observation?patient={{{{context.patientId}}}}&code={STATE}|",
}
_FINAL, _WAITING = ("final", "amended", "corrected"), ("registered", "preliminary")


def services() -> dict[str, Any]:
    """What is offered, as `GET /cds-services` gives it."""
    return {
        "services": [
            {
                "hook": hook,
                "id": f"riskmodel-{hook}",
                "title": "riskmodel",
                "description": text,
                "version": SPECIFICATION,
                "hookVersion": version,
                "prefetch": _PREFETCH,
                "usageRequirements": f"States of knowledge are Observations with codes of {STATE}; see docs/serve.md",
            }
            for hook, (version, text) in _HOOKS.items()
        ]
    }


def hook_of(service: str) -> str | None:
    """The hook that a service answers; None where there is no such service."""
    hook = service.removeprefix("riskmodel-")
    return hook if service != hook and hook in _HOOKS else None


def questions(call: Any, hook: str, findings: Mapping[str, Evidence]) -> list[tuple[str, dict[str, str], list[str]]]:
    """What a call asks: by finding the states that are known, and what of it could not be read."""
    if not isinstance(call, dict):
        raise InputError("the body is not an object", where="body", remedy="Send the JSON that CDS Hooks describes")
    for name, kind in (("hook", str), ("hookInstance", str), ("context", dict)):
        if not isinstance(call.get(name), kind):
            remedy = f"Give it as {'an object' if kind is dict else 'a text'}"
            raise InputError(f"{name} is missing or of another kind", where=name, field=name, remedy=remedy)
    if call["hook"] != hook:
        raise InputError(f"this service answers {hook}", where="hook", remedy="Call the service of your hook")
    prefetch = call["prefetch"] if isinstance(call.get("prefetch"), dict) else {}
    conditions = call["context"].get("conditions") if hook == "problem-list-item-create" else prefetch.get("conditions")
    seen = dict.fromkeys(name for one in _resources(conditions, "Condition") for name in _findings(one, findings))
    observations = list(_resources(prefetch.get("observations"), "Observation"))
    return [(name, *_states(observations, findings[name])) for name in seen]


def card(answer: Answer, link: str, unread: Sequence[str] = ()) -> dict[str, Any]:
    """An answer as a card, with a link to its page and what was sent and not understood; it informs, whatever it says."""
    screen = brief(answer)
    detail = render.to_markdown(answer, ())
    if unread:
        detail += f"\nNot read, and taken as not known: {'; '.join(unread)}.\n"
    links = [{"label": "The whole answer, with its evidence", "url": link, "type": "absolute"}]
    return _card(screen.card, detail, link) | {"links": links}


def refused(title: str, error: InputError, link: str) -> dict[str, Any]:
    """A card where what is known contradicts itself: no figure is given of it."""
    summary = f"{title}: the results on file contradict each other; no figure"[: CARD - 1]
    return _card(summary, f"{capital(error.what)}. {error.remedy}.", link)


def _card(summary: str, detail: str, link: str) -> dict[str, Any]:
    return {
        "uuid": str(uuid.uuid4()),
        "summary": summary,
        # Clients show HTML that stands in Markdown, and fewer than 1 of 100 is written with its sign.
        "detail": detail.replace("<", "&lt;"),
        "indicator": "info",
        "source": {"label": f"riskmodel {__version__}: published case series", "url": link.split("?")[0]},
    }


def _resources(value: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Resources of a whole Bundle, or one by itself; of a page of several nothing, since the rest may say otherwise."""
    whole = not any(one.get("relation") == "next" for one in _objects(value, "link"))
    if isinstance(value, dict) and value.get("resourceType") == "Bundle" and whole:
        held = [entry.get("resource") for entry in _objects(value, "entry")]
    else:
        held = [value]
    yield from (one for one in held if isinstance(one, dict) and one.get("resourceType") == kind)


def _codes(concept: Any, system: str | None = None) -> Iterator[str]:
    """Codes of a concept, of one system or of any."""
    for one in _objects(concept, "coding"):
        if system in (None, one.get("system")) and isinstance(one.get("code"), str):
            yield one["code"]


def _objects(value: Any, name: str) -> list[dict[str, Any]]:
    """Objects in a list of something sent; none where it is something else."""
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _findings(condition: Mapping[str, Any], findings: Mapping[str, Evidence]) -> Iterator[str]:
    """Findings that a condition is: by our code, or by a title in its words. One that is over or a mistake is none."""
    status = {code for name in ("clinicalStatus", "verificationStatus") for code in _codes(condition.get(name))}
    if status & {"entered-in-error", "refuted", "inactive", "resolved", "remission"}:
        return
    code = condition.get("code")
    texts = [code.get("text")] if isinstance(code, dict) else []
    texts += [one.get("display") for one in _objects(code, "coding")]
    words = " | ".join(lower(one).casefold() for one in texts if isinstance(one, str))
    for name, evidence in findings.items():
        title = evidence.finding.title.casefold().removeprefix("fetal ")
        if name in _codes(code, FINDING) or title in words:
            yield name


def _states(observations: Sequence[Mapping[str, Any]], evidence: Evidence) -> tuple[dict[str, str], list[str]]:
    """What observations say of a finding's variables and tests, the latest of each; what cannot be read is not known."""
    states = evidence.workup.results(evidence.finding)
    found: dict[str, list[tuple[str, str, str]]] = {}
    unread = []
    for one in observations:
        for name in _codes(one.get("code"), STATE):
            if name not in states:
                continue
            state = _state(one, states[name])
            if state is None:
                unread.append(name)
                continue
            found.setdefault(name, []).append((*_when(one), state))
    said: dict[str, str] = {}
    for name, values in found.items():
        latest = max(first for first, _, _ in values)
        told = {state for _, last, state in values if last >= latest}  # all but those that are certainly older
        if len(told) == 1:
            said[name] = told.pop()
        else:
            unread.append(f"{name}, of which two results differ")
    return said, list(dict.fromkeys(unread))


def _when(observation: Mapping[str, Any]) -> tuple[str, str]:
    """First and last time, as texts that sort, at which a result may be from: a day or a year has many, no time has all."""
    period = observation.get("effectivePeriod")
    times = [observation.get("effectiveDateTime"), observation.get("effectiveInstant")]
    times += [period.get("end"), period.get("start")] if isinstance(period, dict) else []
    text = next((one for one in (*times, observation.get("issued")) if isinstance(one, str)), "")
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        return text, text + "~"
    if at.tzinfo is not None:
        text = at.astimezone(UTC).isoformat(timespec="microseconds")
    return text, text if "T" in text else text + "~"


def _state(observation: Mapping[str, Any], states: Sequence[str]) -> str | None:
    status = observation.get("status")
    if status in _WAITING:
        return "pending"
    if "asked-declined" in _codes(observation.get("dataAbsentReason")):
        return "declined"
    if status not in _FINAL:
        return None
    value = observation.get("valueCodeableConcept")
    text = value.get("text") if isinstance(value, dict) else None
    given = [*_codes(value, STATE), observation.get("valueString"), text]
    codes = (one.rpartition(".")[2].strip().lower() for one in given if isinstance(one, str))
    return next((code for code in codes if code in states), None)
