"""A finished answer in the form that is asked for: JSON for programs, one screen for its audience, and the rest on demand.

A new format is a file here and a line below; it sees the answer's dictionary and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskmodel.errors import UnknownNameError

#: Sections after the first screen, in order, and what of an answer each needs that has to be asked for by name.
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "evidence": ("settings", "neighbours"),
    "workup": ("changes",),
    "robustness": ("robustness",),
    "sources": (),
}


def sections(names: Iterable[str]) -> tuple[str, ...]:
    """The sections of a page that some names ask for: a section's own, of what it needs, or ``"all"``."""
    wanted = set()
    for name in names:
        found = {one for one, needs in SECTIONS.items() if name in (one, "all", *needs)}
        if not found:
            every = [*SECTIONS, *(one for needs in SECTIONS.values() for one in needs), "all"]
            raise UnknownNameError("detail", name, list(dict.fromkeys(every)), where="detail")
        wanted |= found
    return tuple(one for one in SECTIONS if one in wanted)


def details(names: Iterable[str], *, whole: bool = True) -> tuple[str, ...]:
    """What an answer is to be asked for by name: all that the sections need, or else just what was named of it."""
    names = tuple(names)
    needs = [one for section in sections(names) for one in SECTIONS[section]]
    if whole or "all" in names:
        return tuple(needs)
    return tuple(one for one in needs if one in names or any(one in SECTIONS.get(name, ()) for name in names))


def to_json(answer: Mapping[str, Any]) -> str:
    """An answer as JSON text."""
    return json.dumps(answer, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_text(answer: Mapping[str, Any], shown: Sequence[str] = ()) -> str:
    """The first screen of a consultation, for a terminal, and how to see the sections that are not shown."""
    from riskmodel.report import brief, screen

    left = [name for name in SECTIONS if name not in shown]
    return screen.to_text(brief.brief(answer)) + (screen.more(left) if left else "")


def to_markdown(answer: Mapping[str, Any], shown: Sequence[str] = tuple(SECTIONS)) -> str:
    """A consultation as Markdown, worded for its audience: the first screen, and the sections that are wanted."""
    from riskmodel.report import brief, screen
    from riskmodel.report.wording import escaped

    answer = escaped(answer)
    return "\n\n".join(filter(None, [screen.to_markdown(brief.brief(answer)), body(answer, shown)])) + "\n"


def body(answer: Mapping[str, Any], shown: Sequence[str]) -> str:
    """Sections of a page without its first screen."""
    from riskmodel.report import clinician, patient, researcher  # JSON needs no page
    from riskmodel.report.wording import escaped, named

    answer = escaped(answer)
    pages = {"clinician": clinician.sections, "patient": patient.sections, "researcher": researcher.sections}
    # What was not asked for by name is left out of the page.
    asked = {"settings": answer["settings"] or (), "neighbours": answer["neighbours"] or {"given": (), "missing": ()}}
    parts = pages[answer["audience"]]({**answer, **asked}, shown) if shown else {}
    # Names of columns are words on a page; a citation stays as it is.
    texts = (parts[name] if name == "sources" else named(parts[name]) for name in shown)
    return "\n\n".join(filter(None, texts))
