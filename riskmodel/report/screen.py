"""The first screen on a terminal, in thirty lines of eighty columns, and in Markdown: the same lines in the same order."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from riskmodel.report.brief import Brief, Row
from riskmodel.report.wording import bullets, capital, followed, frequency_range, table

#: Columns that a terminal has at least, and where the columns of the table begin.
WIDTH = 80
_FIGURE, _CENTRE, _RESTS = 24, 42, 58
_LABEL = 12
#: Lines of the screen without that which names the details; where it would be longer each of these goes in turn: a line for
#: every step, empty lines, what is not counted where something was stated, until when babies were followed, the version.
LINES = 29
_LEFT_OUT = ("lines", "empty", "not counted", "until", "rests on")
#: Lines before the outcome at most, so that its number is within the first six.
ABOVE = 4
#: Spaces at which no line ends.
_TOGETHER = re.compile(
    r"(?<=\d) (?=%|of \d|babies|series|stud)|(?<=\bof) (?=\d)|(?<=<1|\d\d) (?=to\b)|(?<=to) (?=[>\d])"
)


def to_text(brief: Brief, width: int = WIDTH) -> str:
    """The screen for a terminal; a narrower one than `WIDTH` is not laid out for.

    Where it would be longer than `LINES`, what `--detail` says anyway is left out, the least important first.
    """
    text = _laid_out(brief, width, ())
    for short in range(1, len(_LEFT_OUT) + 1):
        if brief.audience == "patient" or text.count("\n") <= LINES:
            break
        text = _laid_out(brief, width, _LEFT_OUT[:short])
    return text


def _laid_out(brief: Brief, width: int, left_out: Sequence[str]) -> str:
    lines = [line for text in (brief.title.upper(), brief.warning) for line in _wrapped(text, width)]
    lines += _hanging("Known", [brief.known], width)
    if brief.outcome is None:
        lines += _wrapped(brief.sentence, width)
    elif brief.audience == "patient":
        lines += [*["HOW OFTEN"] * (len(lines) < ABOVE), *_plain_text(brief, width)]
    else:
        if len(lines) < ABOVE and "empty" not in left_out:
            lines.append("")
        lines += _table_text(brief, width)
    lines += [""] * ("empty" not in left_out)
    for label, texts in _rest(brief, left_out):
        lines += _hanging(label, texts, width)
    lines += _wrapped(brief.closing, width)
    return "\n".join(lines) + "\n"


def to_markdown(brief: Brief) -> str:
    """The screen in Markdown."""
    head = [f"# {brief.title}", f"**{brief.warning}**" if brief.warning else "", f"**Known:** {brief.known}."]
    if brief.audience == "patient":
        title = brief.outcome.title if brief.outcome else ""
        body = bullets([_plain(row, title) for row in (*brief.rows, *brief.others)], "**How often**") or brief.sentence
    else:
        rows = [_cells(row, f"**{brief.outcome.title}**, {row.label}") for row in brief.rows if brief.outcome]
        rows += [_cells(row, row.label) for row in brief.others]
        body = table(["Outcome", "Figure", "One more centre", "Counted"], rows) if rows else brief.sentence
    rest = (f"**{label}:** {' '.join(texts)}" for label, texts in _rest(brief))
    return "\n\n".join(filter(None, [*head, body, "  \n".join(rest), brief.closing]))


def _rest(brief: Brief, left_out: Sequence[str] = ()) -> list[tuple[str, Sequence[str]]]:
    """What follows the numbers: a label, and one text or a list of steps."""
    parts: list[tuple[str, Sequence[str]]] = []
    plain = brief.audience == "patient"
    if brief.outcome and brief.outcome.definition:
        one = brief.outcome
        more = "" if "until" in left_out else f"; {followed(one.until)}; of {one.denominator}"
        parts.append(("It means", [f"{one.definition}{more}."]))
    if brief.confidence:
        parts.append(("How sure" if plain else "Confidence", [f"{brief.confidence}: {brief.confidence_why}."]))
    if brief.not_counted and plain:
        these, they_do = ("these", "They do") if ";" in brief.not_counted else ("this", "It does")
        text = f"no study counts by {these}: {brief.not_counted}. {they_do} not change a number."
        parts.append(("Not counted", [text]))
    elif brief.not_counted:
        stated = f"{brief.stated}: part of no number. " if brief.stated else ""
        told = "" if stated and "not counted" in left_out else f"No series counts by {brief.not_counted}."
        parts.append(("Stated" if stated else "Not counted", [f"{stated}{told}".strip()]))
    steps = [*brief.ends, *(one.title for one in brief.next)] or [brief.no_step]
    if steps[0]:
        several = len(steps) > 1
        each = [f"({number}) {step}." if several else f"{step}." for number, step in enumerate(steps, 1)]
        parts.append(("Next", [" ".join(each)] if "lines" in left_out else each))
    if len({one.text for one in brief.then}) == 1:
        parts.append(("Then", [f"whatever it shows: {brief.then[0].text}."]))
    elif brief.then:
        parts.append(("Then", [f"if {one.label}: {one.text}." for one in brief.then]))
    if brief.rests_on and "rests on" not in left_out:
        parts.append(("Rests on", [f"{brief.rests_on}."]))
    return parts


def _wrapped(text: str, width: int, lead: str = "", indent: int = 0) -> list[str]:
    """A text in lines behind its lead, a number never torn from what it counts, nor a range in two."""
    kept = _TOGETHER.sub("\xa0", text)
    lines = textwrap.wrap(kept, width, initial_indent=lead, subsequent_indent=" " * indent, break_on_hyphens=False)
    return [line.replace("\xa0", " ") for line in lines]


def _hanging(label: str, texts: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        lines += _wrapped(text, width, ("" if lines else label).ljust(_LABEL), _LABEL)
    return lines


# ---------------------------------------------------------------- for professionals: a table


def _table_text(brief: Brief, width: int) -> list[str]:
    assert brief.outcome is not None
    head = brief.outcome.title.upper()
    lines = [f"{head:<{_CENTRE - 1}} {'one more centre':<{_RESTS - _CENTRE}}counted"]
    told: dict[str, str] = {}
    for label, row in [*((f"  {row.label}", row) for row in brief.rows), *((row.label, row) for row in brief.others)]:
        lines += _line(label, row, told, width)
    return lines


def _line(label: str, row: Row, told: dict[str, str], width: int) -> list[str]:
    """A row in columns; where there is no figure its bounds and the reason, which is told once."""
    lead, lines = f"{label:<{_FIGURE}}", []
    if len(label) >= _FIGURE:
        lines, lead = [label], " " * _FIGURE
    if not row.why:
        room = min(_RESTS, width - len(row.rests_on)) - _CENTRE  # thousands of babies begin a little to the left
        if len(row.text) >= _CENTRE - _FIGURE or len(row.centre) >= room:
            return [*lines, lead + row.text, f"{'':<{_FIGURE}}{row.centre}  {row.rests_on}"]
        lead += f"{row.text:<{_CENTRE - _FIGURE}}{row.centre:<{room}}"
        return [*lines, lead + row.rests_on]
    # The last reason told is the one above; an earlier one is named by its row.
    same = told.get(row.why)
    named = "as now" if same == "now" else f"as for {same}"
    reason = row.why if same is None else "as above" if same == [*told.values()][-1] else named
    told.setdefault(row.why, label.strip())
    centre = f" (one more centre {row.centre})" if row.centre else ""
    return [*lines, *_wrapped(f"{row.text}{centre}: {reason}", width, lead, _FIGURE + 2)]


def _cells(row: Row, label: str) -> list[str]:
    return [label, f"{row.text}: {row.why}" if row.why else row.text, row.centre, row.rests_on]


# ---------------------------------------------------------------- for a patient: sentences


def _plain_text(brief: Brief, width: int) -> list[str]:
    assert brief.outcome is not None
    lines: list[str] = []
    for row in (*brief.rows, *brief.others):
        lead = "    - " if row.after else "  - "
        lines += _wrapped(_plain(row, brief.outcome.title), width, lead, len(lead))
    return lines


def _plain(row: Row, first: str) -> str:
    """A row in sentences, for a patient; that of the first outcome begins with its title, no statement of this baby."""
    label = f"If {row.label}" if row.after else first if row.label == "now" else capital(row.label)
    if row.kind == "definition":
        return f"{label}: there is no number for this here. {capital(row.why)}."
    between = frequency_range((row.low, row.high), row.of)
    ends = ""
    if row.centre_low is not None and row.centre_high is not None:
        ends = f" In one more hospital it could be {frequency_range((row.centre_low, row.centre_high), row.of)}."
    if row.kind == "none":
        bounded = "" if (row.low, row.high) == (0.0, 1.0) else f" It could be anything from {between} of {row.of:,}."
        return f"{label}: nobody can give one number.{bounded}{ends} {capital(row.why)}."
    return f"{label}: about {between} of {row.of:,}.{ends} Counted: {row.rests_on}."


def more(names: Iterable[str]) -> str:
    """The last line of a terminal's screen: how to see the rest."""
    return f"More: --detail {', '.join(names)}, all\n"
