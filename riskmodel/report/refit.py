"""What new counts change, as a page and as an entry of a changelog."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskmodel.report.wording import bullets, denominator, frequency, table

Answer = Mapping[str, Any]

#: A change of the probability below which an answer is said to stay.
STAYS = 0.005


def to_markdown(body: Answer) -> str:
    """What new counts change, as a page."""
    parts = [
        f"# What {len(body['surprises'])} new counts change: {body['finding']}",
        f"From {body['before']} to {body['after']}; reading {body['reading']}, "
        + ("all settings." if body["setting"] == "any" else f"setting {body['setting']}."),
        bullets(f"**{key}**: {citation}" for key, citation in body["sources"].items()),
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


def _moves(body: Answer) -> str:
    rows = []
    for one in body["moves"]:
        moved = one["moved"]
        before, after = (one[when]["probability"] is not None for when in ("before", "after"))
        if moved is not None:
            change = "stays" if abs(moved) < STAYS else f"{100 * moved:+.1f} points"
        else:
            change = "now estimable" if after else "no longer estimable" if before else "still not estimable"
        rows.append([one["title"], _said(one["before"]), _said(one["after"]), change])
    return table(["Risk", "Before", "After", "Change"], rows)


def _influence(body: Answer) -> str:
    sources = list(body["sources"])
    rows = []
    for one in body["moves"]:
        changes = [one["influence"][key] for key in sources]
        if any(abs(change or 0.0) >= STAYS for change in changes):
            rows.append([one["title"], *("" if change is None else f"{100 * change:+.1f}" for change in changes)])
    if not rows:
        return "None of them moves an answer by half a point."
    return table(["Risk", *sources], rows) + "\n\nPoints of 100, with all series less without this one."


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
    moved = [one for one in body["moves"] if one["moved"] is None or abs(one["moved"]) >= STAYS]
    changed = [one for one in moved if one["before"]["probability"] is not one["after"]["probability"]]
    lines += [f"- {one['title']}: {_said(one['before'])}, now {_said(one['after'])}" for one in changed]
    if not changed:
        lines.append("- No answer moved by half a point.")
    return "\n".join(lines) + "\n"
