"""An answer's dictionary as a page: what templates are given. Words come from `riskmodel.report`, pictures from `drawn`."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from markupsafe import Markup

from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.incoming import needed
from riskmodel.report import render
from riskmodel.report.brief import Brief, Row, brief, short_title
from riskmodel.report.wording import (
    capital,
    counted,
    denominator,
    figure,
    frequency_range,
    listed,
    meaning,
    named,
    read,
    said,
    sentence,
    told,
    why,
)
from riskmodel.serve.asked import USUAL, Asked
from riskmodel.serve.pages.controls import form
from riskmodel.serve.pages.drawn import forest, icons, span
from riskmodel.serve.pages.templates import anchor, as_html, rendered

Answer = Mapping[str, Any]
#: What a page asks for by name of every answer: what results change, and what to weigh a risk against. Robustness is asked
#: for when it is opened.
ALWAYS = ("changes", "neighbours")
#: Counts that are told beside a figure; all of them stand under it.
_SHOWN = 3


#: Parts of an answer in which what was described of a patient is echoed.
_SAID = ("described", "stated", "cautions", "differential", "prognosis")


@dataclass(frozen=True)
class Frame:
    """What of a page stays as it is whatever is described of a patient: made of an answer without, and kept."""

    answered: bytes  # hash of all else that the answer says
    outcomes: Markup
    behind: Markup
    prose: Mapping[str, Markup]  # by Markdown


def frame(answer: Answer, evidence: Evidence) -> Frame:
    """The frame of an answer in which nothing was described."""
    context = {"answer": _framed(answer, evidence), "screen": brief(answer)}
    outcomes, behind = (Markup(rendered(name, **context).decode()) for name in ("outcomes.html", "behind.html"))
    return Frame(_hashed(answer), outcomes, behind, {one: as_html(one) for one in _sections(answer)})


def _hashed(answer: Answer) -> bytes:
    rest = {name: one for name, one in answer.items() if name not in _SAID}
    return hashlib.blake2b(msgspec.json.encode(rest)).digest()


def _sections(answer: Answer) -> list[str]:
    """What a page says in Markdown, by section."""
    shown = ("evidence", "workup") if answer["audience"] == "patient" else ("workup",)
    return [one for name in shown for one in _split(render.body(answer, (name,)))]


def _split(text: str) -> list[str]:
    """Markdown by sections and by items of lists."""
    return re.split(r"\n\n(?=#)|\n(?=- )", text)


def answer_page(
    one: Asked,
    answer: Answer,
    evidence: Evidence,
    findings: Mapping[str, str],
    fault: str = "",
    kept: Frame | None = None,
) -> bytes:
    """The page of an answer; with the frame of one in which less was described, as much of it as is the same."""
    chosen = dict(one.given) | {name: getattr(one, name) for name in USUAL}
    return desk_page(evidence, chosen, findings, one.finding, answer=view(one, answer, evidence, kept), fault=fault)


def desk_page(
    evidence: Evidence, chosen: Mapping[str, str], findings: Mapping[str, str], finding: str, *,
    answer: Answer | None = None, error: Answer | None = None, fault: str = "",
) -> bytes:  # fmt: skip
    """The form as it is filled in, with the answer, or with what is wrong beside its field."""
    controls, title = form(evidence, chosen, findings, finding), evidence.finding.title
    return rendered("desk.html", form=controls, answer=answer, error=error, title=title, fault=fault)


def analyst_page(evidence: Evidence, findings: Mapping[str, str], found: Answer | None = None) -> bytes:
    """The page for new counts, with what `riskmodel.serve.analyst` found in a table."""
    one = evidence.finding
    context = {"finding": one.key, "title": one.title, "findings": findings, "needed": needed(one), "found": found}
    return rendered("analyst.html", **context)


def view(one: Asked, answer: Answer, evidence: Evidence, kept: Frame | None) -> dict[str, Any]:
    """All that the template of an answer shows."""
    screen, plain = brief(answer), answer["audience"] == "patient"
    prose = kept.prose if kept else {}
    if kept is None or kept.answered != _hashed(answer):
        kept = frame(answer, evidence)

    def shown(name: str) -> Markup:
        parts = (prose.get(part) or as_html(part) for part in _split(render.body(answer, (name,))))
        return Markup("".join(parts).replace("</ul>\n<ul>\n", ""))

    cited = _cited(answer)
    return {
        "screen": screen,
        "plain": plain,
        "known": capital(screen.known),
        "outcomes": kept.outcomes,
        "behind": kept.behind,
        "body": {name: shown(name) for name in ("evidence", "workup") if plain or name == "workup"},
        "robustness": shown("robustness") if "robustness" in one.detail else None,
        "robustness_at": f"/?{one.address(detail=','.join((*one.detail, 'robustness')))}#robustness",
        "sources": [
            {"key": key, "citation": citation, "anchor": anchor(key), "link": _link(evidence, key)}
            for key, citation in answer["sources"].items()
            if key in cited
        ],
        "foot": f"{sentence(answer['review']['plain_statement' if plain else 'statement'])} {answer['disclaimer']}",
        "version": answer["evidence_version"],
        "links": {"json": f"/api/v1/consultation?{one.address()}", "fhir": f"/fhir/RiskAssessment?{one.address()}"},
    }


def _framed(answer: Answer, evidence: Evidence) -> dict[str, Any]:
    """What the templates of a frame show."""
    screen, plain = brief(answer), answer["audience"] == "patient"
    risks = {risk["outcome"]: risk for risk in answer["risks"]}
    main = [_row(screen.rows[0], risks, plain, screen.outcome.title, evidence)] if screen.outcome else []
    return {
        "plain": plain,
        "rows": [*main, *(_row(row, risks, plain, row.label, evidence) for row in screen.others)],
        "steps": _steps(answer, evidence, screen, plain),
        "other_steps": [
            {"title": capital(short_title(step, plain)), "state": _state(step, plain)}
            for step in answer["workup"]
            if step["state"] not in ("due", "planned", "awaited")
        ],
        "why_wide": [] if plain else _why_wide(answer),
        "counts": [] if plain else _counts(answer),
        "routes": [] if plain else _routes(answer),
        "forests": [] if plain else [(capital(r["title"]), forest(r)) for r in answer["risks"] if r["counts"]],
        "definitions": [] if plain else [
            f"{capital(r['title'])}: {meaning(r)}"
            for r in answer["risks"]
        ],
        "neighbours": _neighbours(answer, plain),
        "missed": [] if answer["test_errors"] is None else [_missed(m) for m in answer["test_errors"]],
    }  # fmt: skip


def _row(row: Row, risks: Mapping[str, Answer], plain: bool, title: str, evidence: Evidence) -> dict[str, Any]:
    """An outcome, now: icons, both frames, the range, direct counts and sources."""
    risk = risks[row.outcome]
    words = f"{frequency_range((row.low, row.high), row.of)} of {row.of:,}"
    rest = f"{frequency_range((1 - row.high, 1 - row.low), row.of)} of {row.of:,}"
    frames = ""
    if row.kind in ("figure", "range"):
        both = f"{capital(words)}: {risk['title']}; the other {rest}: {risk['complement_title']}."
        frames = f"For the other {rest} this is not so." if plain else both
    asked = evidence.outcome(row.outcome)
    # Those of the outcome itself; the others are of what leads to it, and stand under the answer.
    counts = [one for one in risk["counts"] if (one["variable"], one["category"]) == (asked.variable, asked.state)]
    direct = risk["crude"]
    return {
        "polarity": row.polarity,
        "title": title,
        "number": capital(row.number).replace("-", "–") or ("Not known" if row.kind == "none" else "No figure"),
        "of": f"of {row.of:,}" + ", the median" * (row.statistic == "median") if row.number else "",
        "bounds": f"anything from {words}" if row.kind == "none" and (row.low, row.high) != (0, 1) else "",
        "centre": "" if row.centre_low is None or row.centre_high is None
        else f"{frequency_range((row.centre_low, row.centre_high), row.of)} of {row.of:,}",
        "why": sentence(row.why),
        "frames": frames,
        "icons": icons(vars(row), title),
        "span": span(vars(row)),
        "rests_on": row.rests_on,
        "definition": "" if plain else sentence(risk["definition"]),
        "crude": "" if direct is None or plain else counted(direct),
        "counts": [] if plain else [
            {"text": f"{one['events']} of {one['total']}", "source": one["source"], "anchor": anchor(one["source"])}
            for one in counts[:_SHOWN]
        ],
        "more": 0 if plain else len(risk["counts"]) - len(counts[:_SHOWN]),
    }  # fmt: skip


def _steps(answer: Answer, evidence: Evidence, screen: Brief, plain: bool) -> list[dict[str, Any]]:
    """The next steps in order, each with what either result would make of the first outcome."""
    by_key = {step["step"]: step for step in answer["workup"]}
    resolves = {step.key: step.resolves for step in evidence.workup.steps}
    found: list[dict[str, Any]] = []
    told_under: dict[str, int] = {}  # by variable, the step under which its results are told
    for one in screen.next:
        step, variable = by_key[one.step], resolves[one.step] or ""
        results = []
        change, above = next(iter(step["changes"] or ()), None), told_under.get(variable, 0)
        here = change["results"] if change and variable and not above else ()
        if here:
            told_under[variable] = len(screen.ends) + len(found) + 1
        for result in here:
            then = next((t.text for t in screen.then if t.given.get(variable) == result["state"]), "")
            words = answer["variables"][variable]
            expected, (what, reason) = result["expected"], _after(result, plain)
            results.append({
                "label": words["states"][result["state"]] if plain else f"{named(variable)} {named(result['state'])}",
                "expected": "" if expected is None or not 0 < expected < 1 else said(expected),
                "what": what, "why": reason, "then": sentence(then),
            })  # fmt: skip
        found.append({
            "title": capital(one.title), "state": _state(step, plain), "why": sentence(one.why) if not plain else "",
            "results": results, "above": above,
            "outcome": _outcome_title(answer, change["outcome"], plain) if change else "",
            "sources": [] if plain else [(key, anchor(key)) for key in step["sources"]],
        })  # fmt: skip
    return found


def _outcome_title(answer: Answer, outcome: str, plain: bool) -> str:
    found = next(risk for risk in answer["risks"] if risk["outcome"] == outcome)
    return capital(str(found["plain_title" if plain else "title"]))


def _after(result: Answer, plain: bool) -> tuple[str, str]:
    """The figure after a result, and why there is none."""
    kind, ends = read(result)
    if kind == "definition":  # never a fate
        rule = "The studies rule it out by how they count, whatever the health of the child."
        return ("there is no number for this here", rule) if plain else (figure(result).replace(", by", " by"), "")
    if kind == "none":
        within = "" if ends == (0.0, 1.0) else f", anything from {frequency_range(ends, 100)} of 100"
        return f"not known{within}", "" if plain else sentence(why(result["reason"]))
    return figure(result) if plain else told(result), ""


_PLAIN_STATES = {
    "due": "can be done now",
    "planned": "after the birth",
    "awaited": "result not there yet",
    "declined": "not wanted now",
    "done": "result known",
    "blocked": "later",
    "not indicated": "not needed now",
}


def _state(step: Answer, plain: bool) -> str:
    if plain:
        return _PLAIN_STATES[step["state"]]
    planned = step["time"] if step["time"] == "after birth" else "planned"
    return str({"planned": planned, "done": "result known"}.get(step["state"], step["state"]))


def _why_wide(answer: Answer) -> list[str]:
    lines = []
    for risk in answer["risks"][:1]:
        if risk["spread_between"] is not None:
            share = f"About {round(100 * risk['spread_between'])} % of the range's variance is spread between centres"
            lines.append(f"{share}; the rest is not knowing their average.")
        if risk["average"] is not None and not risk["by_definition"]:
            of, ends = denominator(risk["probability"]), risk["average"]["interval"]
            lines.append(f"The average of all centres lies in {frequency_range(ends, of)} of {of:,}.")
        lines += [f"{capital(named(one['branch']))}: {sentence(one['why'])}" for one in risk["unknown"]]
    return lines


def _counts(answer: Answer) -> list[dict[str, Any]]:
    """Counts behind the risks, each once."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for risk in answer["risks"]:
        for one in risk["counts"]:
            key = one["source"], one["variable"], one["category"], one["given"], one["events"], one["total"]
            row = found.setdefault(key, {
                "source": one["source"], "anchor": anchor(one["source"]), "basis": one["basis"], "note": one["note"],
                "what": named(one["variable"]) + ("" if one["category"] == "yes" else f" {named(one['category'])}"),
                "given": named(one["given"]) or "all", "count": f"{one['events']} of {one['total']}", "behind": [],
            })  # fmt: skip
            row["behind"].append(risk["title"])
    return list(found.values())


def _routes(answer: Answer) -> list[dict[str, str]]:
    rows = []
    for risk in answer["risks"]:
        for name in ("direct", "indirect", "combined"):
            route = risk[name]
            if route is not None:
                text = told(route) if route["probability"] is not None else "no figure"
                row = {"outcome": capital(risk["title"]), "route": name, "text": text}
                reason = sentence(why(route["reason"]))
                rows.append(row | {"reason": reason, "sources": listed(route["sources"]) or "none"})
    return rows


def _neighbours(answer: Answer, plain: bool) -> list[str]:
    given = (answer["neighbours"] or {"given": ()})["given"]
    if plain:
        return [one["plain_text"] for one in given]
    return [
        f"{capital(said(one['probability']))}: {sentence(one['text'])} ({'; '.join(one['sources'])})" for one in given
    ]


def _missed(one: Answer) -> str:
    found = sentence(one["reason"])
    if one["probability"] is not None:
        found = f"{said(one['probability'])} would still have what it looks for. {sentence(one['text'])}"
    return f"{capital(one['title'])} {named(one['result'])}: {found}"


def _cited(answer: Answer) -> set[str]:
    found: set[str] = set()
    for group in (answer["risks"], answer["workup"], answer["differential"], answer["prognosis"], answer["cautions"]):
        for one in group:
            found |= set(one["sources"]) | {count["source"] for count in one.get("counts") or ()}
    return found


def _link(evidence: Evidence, key: str) -> str:
    """Where a source can be read: nothing is asked of it until the link is followed."""
    source = evidence.sources.get(key)
    if source is None or not (source.doi or source.pmid):
        return ""
    return f"https://doi.org/{source.doi}" if source.doi else f"https://pubmed.ncbi.nlm.nih.gov/{source.pmid}/"
