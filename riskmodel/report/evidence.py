"""A finding's evidence as a reader wants to see it: its counts, the ledger of what becomes of each, and the whole page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from riskmodel.report.wording import (
    bullets,
    capital,
    denominator,
    escaped,
    frequency,
    frequency_range,
    named,
    numbered,
    said,
    sentence,
    table,
)

Body = Mapping[str, Any]

_BASES = {
    "abstract": "printed in the primary paper's abstract",
    "secondary": "read in another paper",
    "as-cited": "as the article has it, against or without the abstract",
}
#: What is said over every ledger: how its moves came about.
_MOVES = (
    "Each count was left out by itself and every standing answer asked again. An answer is the mean, which is the "
    "probability for the next fetus, with branches that a definition fills as it fills them; where there is none, its "
    "bounds. Named are answers that move by more than a fiftieth of their 95 % range, and bounds that move by half of "
    "one of 100 or more."
)


def to_markdown(body: Body) -> str:
    """Evidence as Markdown."""
    body = escaped(body)
    branches = [
        (edge["branch"].replace("|", "given"), "; ".join(edge["fed_by"]) or f"{edge['status']}: {edge['definition']}")
        for edge in body["edges"]
    ]
    counts = [
        (
            one["source"],
            one["variable"] if one["category"] == "yes" else f"{one['variable']} {one['category']}",
            one["given"].replace("=", " ") or one["population"],
            f"{one['events']} of {one['total']}"
            + "".join(f"; at most {number} tested for {name}" for name, number in one["tested"].items()),
            one["basis"],
            one["role"],
            one["note"],
        )
        for one in body["counts"]
    ]
    parts = [
        f"# {body['title']}: evidence {body['evidence_version']}, reading {body['reading']}",
        body["readings"][body["reading"]],
        "## Branches of the tree",
        table(("Branch", "Fed by"), branches),
        "## Counts",
        table(("Source", "What", "Among", "Count", "Basis", "Use", "Note"), counts),
        "## Audit",
        bullets(f"**{one['severity']}**: {one['what']}" for one in body["audit"]),
        _disagreements(body),
        "## Sources",
        bullets(f"**{key}**: {cited(one)}" for key, one in body["sources"].items()),
    ]
    return _joined(parts) + "\n"


def ledger_to_markdown(ledger: Body, sources: Mapping[str, Body]) -> str:
    """A ledger as Markdown: the standing answers, and for each source its citation and the chain of each count."""
    ledger, sources = escaped(ledger), escaped(sources)
    parts = [
        f"# Ledger of counts: {ledger['title']}, evidence {ledger['evidence_version']}, reading {ledger['reading']}",
        "## The answers now",
        _answers(ledger),
        "## Counts by source",
        how_moved(ledger),
        *_by_source(ledger, sources),
    ]
    return _joined(parts) + "\n"


#: Sections of a finding's page in order, each with its heading; one without has it within.
_SECTIONS = {
    "asked": "What is asked",
    "answers": "The answers now",
    "tree": "The tree, and what feeds each branch",
    "counts": "Sources and their counts",
    "audit": "Audit",
    "disagreements": "",
    "neighbours": "",
    "workup": "The work-up, and where it ends",
}


def to_page(body: Body) -> str:
    """A finding's page: all that stands behind its numbers, each count with an anchor that links lead to."""
    body = escaped(body)
    review, said = body["review"], sections(body)
    article = body["sources"].get(review["article_source"])
    call = f"`riskmodel evidence page {body['finding']} DIR`"
    parts = [
        f"# {body['title']}",
        f"> **Review: {review['status']}.** {review['statement']}",
        sentence(body["question"]),
        ""
        if article is None
        else f"What is called the article here is {_link(review['article_source'])}: {article['citation']}",
        f"Evidence {body['evidence_version']}, reading {body['reading']}: {body['readings'][body['reading']]}",
        f"This page is what {call} writes. A row is a line of the finding's `counts.csv`.",
        *(part for name, title in _SECTIONS.items() for part in (title and f"## {title}", said[name])),
        "---",
        body["disclaimer"],
    ]
    return _joined(parts) + "\n"


def sections(body: Body) -> dict[str, str]:
    """What a finding's page says, by section, as Markdown."""
    ledger = body["ledger"]
    tree = [
        bullets(f"**{one['title']}** (`{one['name']}`): {one['definition']}" for one in body["variables"]),
        table(
            ("Branch", "What stands behind it"),
            [(named(edge["said"]), _behind(edge, ledger)) for edge in body["edges"]],
        ),
        bullets(
            (
                f"{named(one['variable'])} does not depend on {named(one['of'])}{_where(one['given'])}: {one['reason']}"
                for one in body["independences"]
            ),
            "Assumed:",
        ),
        _several(ledger),
    ]
    ends = (f"**{one['title']}**, where {one['when']}: {one['text']} {_cited(one)}" for one in body["ends"])
    workup = [numbered(map(_step, body["steps"])), bullets(ends, "It ends:")]
    for title, several in body["statements"].items():
        lines = (" ".join(filter(None, (one["text"], one["comment"], _cited(one)))) for one in several)
        workup.append(bullets(lines, f"### {title}"))
    audit = [(one["severity"], one["code"], one["what"], one["remedy"]) for one in body["audit"]]
    return {
        "asked": bullets(map(_outcome, body["outcomes"])),
        "answers": _answers(ledger, whole=True),
        "tree": _joined(tree),
        "counts": _joined([how_moved(ledger), *_by_source(ledger, body["sources"], linked=True)]),
        "audit": table(("Severity", "Kind", "What", "What to do"), audit),
        "disagreements": _disagreements(body),
        "neighbours": bullets(map(_neighbour, body["neighbours"]), "## Neighbours\n\nAs published; not fitted here."),
        "workup": _joined(workup),
    }


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(filter(None, parts))


def anchor(heading: str) -> str:
    """Where a link to a heading leads: as GitHub and most renderers of Markdown name it."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading.lower()))


def _link(source: str) -> str:
    return f"[{source}](#{anchor(source)})"


def _cited(one: Body) -> str:
    return f"({'; '.join(map(_link, one['sources']))})" if one["sources"] else ""


def _where(given: str) -> str:
    return f" where {named(given)}" if given else ""


def _disagreements(body: Body) -> str:
    return bullets(
        (
            f"**{one['key']}** ({'; '.join(one['sources'])}) the article: {one['article']} The abstract: {one['primary']} "
            f"{one['effect']}"
            for one in body["disagreements"]
        ),
        "## Where the article and the abstracts disagree",
    )


def _outcome(one: Body) -> str:
    headline = "" if one["headline"] else " Told where it is asked for, or as a count."
    return (
        f"**{capital(one['title'])}** (`{one['name']}`): {sentence(one['definition'])} Until: {one['until']}. "
        f"Among: {one['denominator']}.{headline}"
    )


def _answers(ledger: Body, *, whole: bool = False) -> str:
    """The standing answers; on a page each with all of its reason, and what its counts say of terminated pregnancies."""
    rows = []
    for one in ledger["questions"]:
        p = one["probability"]
        if p is None:
            bounds = one["bounds"]
            figure = f"no figure, {frequency_range(bounds, 100)} of 100" if bounds else "no figure"
            spread = one["reason"] if whole else one["reason"].split(". ")[0]
        else:
            figure, of = said(p), denominator(p)
            spread = f"{frequency_range(one['interval'], of)} of {of:,}"
        row = (capital(one["title"]), figure, spread, str(one["series"]), sentence(one["terminations"]))
        rows.append(row if whole else row[:-1])
    head = ("Answer", "Mean", "95 % range, or why there is none", "Series", "Terminations")
    return table(head if whole else head[:-1], rows)


def _behind(edge: Body, ledger: Body) -> str:
    """What feeds a branch: rows of its own, and rows of wider groups."""
    fed = []
    if edge["status"] != "counts":
        value = "" if edge["probability"] is None else f", {edge['probability']:g}"
        fed.append(f"{edge['status']}{value}: {edge['definition']}")
    for kind, lead in (("branch", ""), ("coarse", "of a wider group: ")):
        rows = [
            " ".join([_row(one), *[named(one["count"])] * (kind == "coarse"), f"{use['events']} of {use['total']}"])
            for one in ledger["counts"]
            for use in one["feeds"]
            if use["kind"] == kind and edge["said"] in use["what"]
        ]
        if rows:
            fed.append(lead + "; ".join(rows))
    return ". ".join(one.rstrip(".") for one in fed) or "no series"


def _row(one: Body) -> str:
    return f"[{one['source']}, row {one['row']}](#row-{one['row']})"


def _several(ledger: Body) -> str:
    """Counts that enter at more than one place, so that nobody takes them for two."""
    lines = [
        f"{_row(one)}, {one['count']} {one['events']} of {one['total']}: {one['places']} places, "
        f"{'; '.join(what for use in one['feeds'] for what in use['what'])}"
        for one in ledger["counts"]
        if one["places"] > 1
    ]
    return bullets(map(named, lines), "### One count, several places")


def how_moved(ledger: Body) -> str:
    """How the moves of a ledger came about, or why there are none."""
    if ledger["not_worked_out"]:
        return f"How far the answers move without a count: {ledger['not_worked_out']}."
    return _MOVES


def _by_source(ledger: Body, sources: Mapping[str, Body], *, linked: bool = False) -> Iterable[str]:
    shown = {one["source"] for one in ledger["counts"]}
    for key, source in sources.items():
        rows = [one for one in ledger["counts"] if one["source"] == key]
        if key in shown or linked:
            yield f"### {key}"
            yield cited(source)
            yield "\n".join(_entry(one, ledger, linked=linked) for one in rows)


def cited(source: Body) -> str:
    """A citation with its identifiers and design."""
    doi = source["doi"].replace("<", "&lt;")  # some have what would read as a tag
    known = ", ".join(filter(None, (doi and f"doi:{doi}", source["pmid"] and f"PMID {source['pmid']}")))
    seen = f"seen: {named(source['ascertainment'])}" if source["ascertainment"] else ""
    design = "; ".join(filter(None, (source["design"], seen, source["weeks"] and f"weeks {source['weeks']}")))
    shared = f"May share fetuses with {', '.join(source['overlaps'])}." if source["overlaps"] else ""
    parts = (sentence(source["citation"]), known and f"{known}.", sentence(design), source["note"], shared)
    return " ".join(filter(None, parts))


def _entry(one: Body, ledger: Body, *, linked: bool) -> str:
    """The chain of one count."""
    place = f'<a id="row-{one["row"]}"></a>' if linked else ""
    lines = [f"- {place}**Row {one['row']}**: {named(one['count'])}, **{one['events']:,} of {one['total']:,}**"]
    return "\n".join([*lines, *(f"    - {name}: {text}" for name, text in chain(one, ledger))])


def chain(one: Body, ledger: Body) -> list[tuple[str, str]]:
    """What is said of a count of a ledger, by label: how it came about, of whom, what it feeds, what moves."""
    parts = [
        ("Number", _number(one)),
        ("Who", _who(one)),
        ("Use", _use(one, ledger)),
        ("Without it", _left_out(one)),
        ("Shown beside", "; ".join("{} ({})".format(*where.split(": ")) for where in one["named_in"])),
    ]
    return [part for part in parts if part[1]]


def _number(one: Body) -> str:
    """Where the number was read, or by what arithmetic it came about."""
    if one["printed"] is None:
        how = sentence(one["arithmetic"]) or "The arithmetic is not written down."
        return f"derived, worked out from the abstract. {how}"
    return " ".join(filter(None, (f"{_BASES[one['basis']]}.", sentence(one["note"]))))


def _who(one: Body) -> str:
    """Definition, population, how they came to be seen, terminations, and who was tested."""
    parts = [
        one["population_title"],
        f"definition: {one['definition']}" if one["definition"] else "",
        f"seen: {named(one['ascertainment'])}",
        f"terminated pregnancies {one['terminations']}",
        *(f"at most {number} tested for {name}" for name, number in one["tested"].items()),
    ]
    return " ".join(filter(None, (sentence("; ".join(filter(None, parts))), one["partly_tested"])))


def _use(one: Body, ledger: Body) -> str:
    """What the count feeds, or why nothing."""
    other = f"reading {one['reading']}, " if one["reading"] != ledger["reading"] else ""
    if one["feeds_nothing"]:
        return f"{other}{one['role']}; feeds nothing: {one['feeds_nothing']}."
    parts = []
    for use in one["feeds"]:
        number = (use["events"], use["total"])
        entered = f" as {number[0]} of {number[1]}" if number != (one["events"], one["total"]) else ""
        parts.append(f"{'; '.join(map(named, use['what']))}{entered}{f' ({named(use["how"])})' if use['how'] else ''}")
    several = f" One count, {one['places']} places." if one["places"] > 1 else ""
    return f"{other}{one['role']}; feeds {'; and '.join(parts)}.{several}"


def _left_out(one: Body) -> str:
    if one["left_out"] is None:
        return "not worked out."
    if not one["left_out"]:
        return "" if one["feeds_nothing"] else "no standing answer rests on it."
    moved = [f"{move['title']} {_change(move)}" for move in one["left_out"] if move["moves"]]
    if not moved:
        return "no standing answer moves by more than a fiftieth of its range."
    return f"{'; '.join(moved)}."


def _change(move: Body) -> str:
    """An answer before and after, on a denominator that tells them apart."""
    before, after = move["before"], move["after"]
    if before is None and after is None and move["bounds_before"] and move["bounds_after"]:
        ends = [frequency_range(move[f"bounds_{when}"], 100) for when in ("before", "after")]
        return f"(no figure) {ends[0]} becomes {ends[1]} of 100"
    if before is None or after is None:
        return f"{_bounded(before, move['bounds_before'])} becomes {_bounded(after, move['bounds_after'])}"
    of = max(denominator(before), denominator(after))
    while frequency(before, of) == frequency(after, of) and of < 1_000_000:
        of *= 10
    return f"{frequency(before, of)} becomes {frequency(after, of)} of {of:,}"


def _bounded(probability: float | None, bounds: Sequence[float] | None) -> str:
    if probability is not None:
        return said(probability)
    return f"{frequency_range(bounds, 100)} of 100 without a figure" if bounds else "no figure"


def _neighbour(one: Body) -> str:
    lead = f"**{named(one['outcome'] or one['step'])}, {one['kind']}**: {said(one['probability'], one['interval'])}."
    return " ".join(filter(None, (lead, one["text"], one["differs"], _cited(one))))


def _step(one: Body) -> str:
    lines = [f"**{capital(one['title'])}** ({one['time']}): {sentence(one['detail'])} {_cited(one)}"]
    lines += [f"    - {rule['state']} where {rule['when']}: {rule['why']}" for rule in one["rules"]]
    return "\n".join(lines)
