"""The controls of a question: sets of radio buttons for what may be known, and what is stated beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from riskmodel.consultation.question import AUDIENCES
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.finding import Variable
from riskmodel.evidence.workup import NO_RESULT, LabTest
from riskmodel.report.wording import capital, named


def _group(one: Variable | LabTest, chosen: Mapping[str, str], plain: bool) -> dict[str, Any]:
    """A set of radio buttons: not known first, then the states, then that there is no result."""
    words = one.plain_state_titles if plain else {state: named(state) for state in one.states}
    hints = {state: "" if plain else one.state_titles[state] for state in one.states}
    options = [("", "not known", ""), *((state, words[state], hints[state]) for state in one.states)]
    options += [(word, word, "") for word in NO_RESULT]
    picked = chosen.get(one.name, "")
    return {
        "name": one.name,
        "title": capital(one.plain_title if plain else one.title),
        "options": [{"value": v, "text": text, "hint": hint, "checked": v == picked} for v, text, hint in options],
        "stated": bool(picked),
    }


def form(evidence: Evidence, chosen: Mapping[str, str], findings: Mapping[str, str], finding: str) -> dict[str, Any]:
    """The controls of a question, as they are set."""
    parsed, plain = evidence.finding, chosen.get("audience") == "patient"
    groups = []
    for variable in parsed.states:
        tests = [_group(one, chosen, plain) for one in evidence.workup.tests if one.of == variable.name]
        groups.append(_group(variable, chosen, plain) | {"tests": tests, "open": any(one["stated"] for one in tests)})
    examples = {"weeks": "20+3", "size": "5.5x4.4x3.4"}  # by unit, or by kind
    descriptors = [
        {
            "name": one.name,
            "title": capital(one.plain_title if plain else one.title),
            "unit": one.unit,
            "value": chosen.get(one.name, ""),
            "example": examples.get(one.unit) or examples.get(one.kind) or ", ".join(one.words[:2]),
        }
        for one in parsed.descriptors
    ]

    def choice(name: str, values: Iterable[tuple[str, str]], usual: str) -> list[dict[str, Any]]:
        return [{"value": v, "text": text, "checked": chosen.get(name, usual) == v} for v, text in values]

    return {
        "finding": finding,
        "groups": groups,
        "descriptors": descriptors,
        "described": any(one["value"] for one in descriptors),
        "settings": choice("setting", [("any", "any"), *((one.name, one.name) for one in parsed.settings)], "any"),
        "readings": choice("reading", [(one.name, capital(one.title)) for one in parsed.readings], "primary"),
        "audiences": choice("audience", [(one, one) for one in AUDIENCES], AUDIENCES[0]),
        "missed": chosen.get("test_errors") == "published",
        "findings": [
            {"name": name, "title": title, "current": name == finding, "query": _carried(chosen, name)}
            for name, title in findings.items()
        ],
    }


def _carried(chosen: Mapping[str, str], finding: str) -> str:
    """The address of another finding; who is told goes along, what is known of this one does not."""
    who = f"&audience={chosen['audience']}" if chosen.get("audience") in AUDIENCES[1:] else ""
    return f"/?finding={finding}{who}"
