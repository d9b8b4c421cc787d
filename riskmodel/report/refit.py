"""What new counts change, as a page and as an entry of a changelog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from riskmodel.report.wording import bullets, capital, denominator, escaped, frequency, moves, table

Answer = Mapping[str, Any]


def to_markdown(body: Answer) -> str:
    """What new counts change, as a page."""
    body = escaped(body)
    parts = [
        f"# What {len(body['surprises'])} new counts change: {body['finding']}",
        f"From {body['before']} to {body['after']}; reading {body['reading']}, "
        + ("all settings." if body["setting"] == "any" else f"setting {body['setting']}."),
        bullets(f"**{key}**: {citation}" for key, citation in body["sources"].items()),
        bullets(body.get("said", ()), "## How the table was read"),
        "## Were they to be expected?\n\n" + _surprises(body),
        "## What moves\n\n" + _moves(body),
        "## Which series moves it\n\n" + _influence(body),
        bullets((one["what"] for one in body["audit"]), "## What the audit finds now"),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _surprises(body: Answer) -> str:
    rows = []
    for one in body["surprises"]:
        formats = (("expected", ".1f"), ("tail", ".2f"), ("log_score", ".2f"))
        numbers = ["" if one[name] is None else format(one[name], form) for name, form in formats]
        between = ": " if one["tail"] is None else "; "
        words = between.join(filter(None, (one["words"], one["reason"])))
        rows.append([one["source"], one["count"], f"{one['events']} of {one['total']}", *numbers, words])
    head = ["Source", "Count", "Counted", "Expected", "Tail probability", "Log score", "In words"]
    note = (
        "The tail probability is that of a count at least as far out in a new centre, on either side, under the counts "
        "there were before; half of this very count is included. The log score is the logarithm of the probability of "
        "exactly this count."
    )
    return table(head, rows) + "\n\n" + note


#: Kinds of standing questions, as they are headed: a risk may be a branch and, with all that leads to it, an outcome.
_KINDS = {"branch": "### Branches of the tree", "outcome": "### Outcomes, through the branches"}


def _apart(head: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A table for each kind of question that has rows, under its heading."""
    by_kind = {kind: [cells for of, cells in rows if of == kind] for kind in _KINDS}
    return "\n\n".join(f"{_KINDS[kind]}\n\n{table(head, found)}" for kind, found in by_kind.items() if found)


def _moves(body: Answer) -> str:
    rows = []
    for one in body["moves"]:
        moved = one["moved"]
        before, after = (one[when]["probability"] is not None for when in ("before", "after"))
        if moved is not None:
            change = _points(one, moved) if _moved(one, moved) else "stays"
        else:
            change = "now estimable" if after else "no longer estimable" if before else "still not estimable"
        rows.append((one["kind"], [one["title"], _said(one["before"]), _said(one["after"]), change]))
    note = "Means. What changes by less than a fiftieth of the interval's width stays."
    return _apart(["Risk", "Before", "After", "Change"], rows) + f"\n\n{note}"


def _influence(body: Answer) -> str:
    sources = list(body["sources"])
    rows = []
    for one in body["moves"]:
        changes = [one["influence"][key] for key in sources]
        if any(_moved(one, change) for change in changes if change is not None):
            cells = [one["title"], *("" if change is None else _points(one, change) for change in changes)]
            rows.append((one["kind"], cells))
    if not rows:
        return "None of them moves an answer by a fiftieth of its interval's width."
    return _apart(["Risk", *sources], rows) + "\n\nWith all series less without this one."


def _moved(one: Answer, change: float) -> bool:
    """Whether a change shows beside what nobody knows: a risk of 3 of 1,000 moves by less than one of 40 of 100."""
    known = [one[when] for when in ("before", "after") if one[when]["probability"] is not None]
    return moves(change, *((answer["lower"], answer["upper"]) for answer in known))


def _points(one: Answer, change: float) -> str:
    """A change on the denominator of the rarer of what it lies between."""
    figures = (one[when]["probability"] for when in ("before", "after"))
    of = max(denominator(p) for p in figures if p is not None)
    return f"{of * change:+.1f} points" if of == 100 else f"{of * change:+.1f} of {of:,}"


def _said(answer: Answer) -> str:
    p = answer["probability"]
    if p is None:
        return "not estimable"
    of = denominator(p)
    low, high = frequency(answer["lower"], of), frequency(answer["upper"], of)
    return f"{frequency(p, of)} of {of:,} ({low} to {high}); {answer['series']} series"


def changelog_entry(body: Answer, day: str) -> str:
    """An entry of a finding's changelog."""
    lines = [f"## {day}, evidence {body['after']}", "", f"Before: {body['before']}.", ""]
    for key, citation in body["sources"].items():
        mine = [one for one in body["surprises"] if one["source"] == key]
        lines.append(f"- Added {key}: {citation}")
        lines += [f"    - {one['count']}: {one['events']} of {one['total']} ({one['words']})" for one in mine]
    moved = [one for one in body["moves"] if one["moved"] is None or _moved(one, one["moved"])]
    changed = [one for one in moved if one["before"]["probability"] is not one["after"]["probability"]]
    lines += [
        f"- {capital(one['kind'])}: {one['title']}: {_said(one['before'])}, now {_said(one['after'])}"
        for one in changed
    ]
    if not changed:
        lines.append("- No answer moved by a fiftieth of its interval's width.")
    return "\n".join(lines) + "\n"
