"""How numbers and words are put on a page: natural frequencies in both frames, ranges, sentences, tables.

Frequencies are "n of 100", or of the power of ten, up to a million, of which a rarer figure is at least one, with one
denominator for a figure and its range; never "1 in X", the format that readers get wrong most often (Grimes and Snively,
Obstetrics and Gynecology 1999).
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Literal

from msgspec import json

#: Fetuses of a series, on average, below which series are called small.
SMALL = 100
#: Share of its 95 % interval's width by which a figure has to move to be said to move: less is lost in what nobody knows.
MOVES = 1 / 50
#: What begins a tag, or ends what a link or its definition is called: text of an answer makes neither.
_MARKED = re.compile(r"<(?=[A-Za-z/!?])|\](?=[(:\[])")


def escaped(body: Any) -> Any:
    """What a page is made of, with every text in it as plain text to Markdown and HTML; twice is as once."""
    # Outside its texts JSON has neither mark, and one search of it takes a tenth of the time of a walk through the values.
    told = json.encode(body).decode()
    marked = _MARKED.search(told)
    return json.decode(_MARKED.sub(lambda found: {"<": "&lt;", "]": "&#93;"}[found[0]], told)) if marked else body


def moves(change: float, *intervals: Sequence[float]) -> bool:
    """Whether a figure moves, by the narrower of the 95 % intervals that it has before and after."""
    return abs(change) > max(MOVES * min(high - low for low, high in intervals), 1e-9)


def denominator(*probabilities: float) -> int:
    """The denominator that a figure and its range share."""
    rarer = min(probabilities[0], 1 - probabilities[0])
    return next((of for of in (100, 1000, 10_000, 100_000) if rarer * of >= 1), 1_000_000) if rarer > 0 else 100


def frequency(probability: float, of: int) -> str:
    """A probability as a whole number of `of`; the ends are said as near, not as certain."""
    if probability in (0.0, 1.0):
        return f"{int(probability) * of:,}"
    number = round(probability * of)
    if number == 0:
        return "fewer than 1"
    if number == of:
        return f"nearly {of:,}"
    return f"{number:,}"


def frequency_range(interval: Sequence[float], of: int) -> str:
    """A range of probabilities as whole numbers of `of`."""
    low, high = (frequency(end, of) for end in interval)
    return low if low == high else f"{low} to {high}"


def compact(interval: Sequence[float], of: int) -> str:
    """A range of probabilities where room is short: 92-94, <1-14, 72 to >99."""
    ends = (frequency(end, of) for end in interval)
    low, high = (end.replace("fewer than ", "<").replace(f"nearly {of:,}", f">{of - 1:,}") for end in ends)
    return low if low == high else f"{low}{' to ' if high.startswith('>') else '-'}{high}"


def named(text: str) -> str:
    """A text with names and states as words: fetal death, not fetal_death; anatomy isolated, not anatomy=isolated."""
    text = re.sub(r"(?<=\w)=([\w|-]+); (?=\w+=\w)", r" \1, ", text)  # names are still single words, as a clause is not
    text = re.sub(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])", " ", text)
    return re.sub(r"(?<=\w)=(?=\w)", " ", text)


def listed(words: Sequence[str]) -> str:
    """Words joined as in a sentence."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def said(probability: float, interval: Sequence[float] | None = None) -> str:
    """A probability as a frequency, with its range on the same denominator."""
    of = denominator(probability)
    text = f"{frequency(probability, of)} of {of:,}"
    return text if interval is None else f"{text} ({frequency_range(interval, of)})"


def headline(risk: Mapping[str, Any]) -> float:
    """The figure of a risk that is told first: the answer says which."""
    return float(risk["headline"]["figure"])


def read(risk: Mapping[str, Any]) -> tuple[Literal["figure", "range", "none", "definition"], tuple[float, float]]:
    """How the numbers of a risk are to be read, and their ends.

    A figure that unknown branches move is a range: its lower end, with them at 0, is no better than another. Where nothing
    is known of an unknown branch there is no figure, and the ends are bounds.
    """
    p, bounds = risk["probability"], risk.get("bounds")
    if p is None:
        return "none", tuple(bounds or (0.0, 1.0))
    if risk.get("by_definition", p in (0.0, 1.0) and list(risk["interval"]) == [p, p]):
        return "definition", (p, p)
    if bounds and compact(bounds, denominator(bounds[0])) != compact((bounds[0],) * 2, denominator(bounds[0])):
        return "range", tuple(bounds)
    return "figure", (headline(risk),) * 2


def figure(risk: Mapping[str, Any]) -> str:
    """The number of a risk: a figure, a range, or that there is none, with the bounds or else the reason."""
    kind, ends = read(risk)
    if kind == "definition":
        return f"{'all' if ends[0] == 1 else 'none'}, by definition"
    if kind == "none":
        if ends == (0.0, 1.0):
            return f"not known: {why(risk.get('reason') or '')}"
        return f"not known, within {frequency_range(ends, 100)} of 100"
    of = denominator(*ends)
    return f"{frequency_range(ends, of)} of {of:,}"


def told(risk: Mapping[str, Any]) -> str:
    """A risk by its figure and range; that it is the median is said, since a figure is the mean otherwise."""
    kind, ends = read(risk)
    if kind in ("none", "definition"):
        return figure(risk)
    interval = risk.get("bounds_interval") or risk["interval"]
    text = f"{figure(risk)} ({frequency_range(interval, denominator(*ends))})"
    return f"{text}, the median" if kind == "figure" and risk["headline"]["statistic"] == "median" else text


def why(reason: str) -> str:
    """A reason for there being no figure, as a clause: what is said of the first branch that is unknown."""
    text = reason.replace(", and no stated independence,", "")
    text = re.sub(r"^by definition: |^Unknown: [^.]*\. ", "", text)
    return lower(re.split(r":\s|\.(?:\s|$)", named(text))[0]) or "no series tells this"


def counted(crude: Mapping[str, Any] | None) -> str:
    """The crude count, or that no series counts exactly what is asked."""
    return "none" if crude is None else f"{crude['events']:,} of {crude['total']:,} in {crude['series']} series"


def span(interval: Sequence[float], figure: float | None = None) -> str:
    """A range on the denominator of its figure."""
    return frequency_range(interval, denominator(figure) if figure is not None else 100)


def capital(text: str) -> str:
    """A text with its first letter a capital, the others as they are."""
    return text[:1].upper() + text[1:]


def lower(text: str) -> str:
    """A text with its first letter small, unless it is an abbreviation or a name of one letter."""
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


def sentence(text: str) -> str:
    """A text as a sentence: a capital first, a full stop last."""
    text = capital(text.strip())
    return text if not text or text.endswith((".", "!", "?")) else text + "."


def followed(until: str) -> str:
    """Until when babies were followed: a time, or from one to another."""
    return f"followed {until}" if until.startswith("from ") else f"until {until}"


def meaning(risk: Mapping[str, Any]) -> str:
    """What an outcome means, until when babies were followed, and among whom it is counted."""
    return f"{sentence(risk['definition'])} {capital(followed(risk['until']))}. Among {risk['denominator']}."


def bullets(lines: Iterable[str], title: str = "") -> str:
    """A Markdown list, under a title if there is one; empty where nothing is listed."""
    text = "\n".join(f"- {line}" for line in lines)
    return f"{title}\n\n{text}" if title and text else text


def numbered(lines: Iterable[str]) -> str:
    """A Markdown list whose lines have numbers."""
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def given_states(states: Mapping[str, str], but: Container[str] = ()) -> str:
    """Known states in a sentence, but those of some variables."""
    return listed([named(f"{name} {state}") for name, state in states.items() if name not in but])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table for a notebook, every text escaped; a missing value is an empty cell."""
    line = "<tr>" + "".join(f"<th>{escape(one)}</th>" for one in head) + "</tr>"
    body = (
        "<tr>" + "".join(f"<td>{'' if one is None or one != one else escape(str(one))}</td>" for one in row) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(caption)}</caption><thead>{line}</thead><tbody>{''.join(body)}</tbody></table>"


def three_digits(value: float | None) -> str:
    """A probability in three digits for a table; nothing where there is none."""
    return "" if value is None or value != value else f"{value:.3g}"


def gestation(weeks: float) -> str:
    """Weeks as clinics write them, 20+3; where they were given as a fraction, both: 20.3 is 20 weeks and 2 days."""
    days = round(weeks * 7)
    if weeks.is_integer():
        return f"{weeks:g}"
    written = f"{days // 7}+{days % 7}"
    return written if abs(weeks * 7 - days) < 1e-6 else f"{weeks:g} (about {written})"
