"""Pictures of a page as SVG: icons of 100, a range on its line, a forest of series. No style is inline: classes only.

Numbers come from the rows of `riskmodel.report.brief` and from an answer's dictionary; whoever cannot see a picture is told
the same in its title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from riskmodel.report.wording import denominator, frequency, frequency_range, headline, named

#: Icons drawn at most; of a rarer risk the words have the denominator.
MOST = 1_000
_STEP, _ICON = 10, 8
_STYLES = {100: (10, 2.0), 1_000: (40, 1.0)}


def icons(row: Mapping[str, Any], title: str) -> Markup:
    """An array of 100 icons, or 1,000 where the risk is rare.

    Filled to the lower end of the range, hatched to its upper end; a line runs behind the icons that the figure counts.
    """
    of = 100 if row["of"] <= 100 else MOST
    across, radius = _STYLES[of]
    low = row["low"] if row["centre_low"] is None else row["centre_low"]
    high = row["high"] if row["centre_high"] is None else row["centre_high"]
    full, upto = round(low * of), round(high * of)
    down = of // across
    paths = (("full", 0, full), ("part", full, upto), ("rest", upto, of))
    drawn = [
        Markup('<path class="{}" d="{}"/>').format(kind, _cells(start, stop, across, radius))
        for kind, start, stop in paths
        if start < stop
    ]
    ends = [row["figure"]] if row["kind"] == "figure" else [row["low"], row["high"]] if row["kind"] == "range" else []
    drawn += [
        Markup('<path class="line" d="{}"/>').format(_line(round(end * of), across)) for end in dict.fromkeys(ends)
    ]
    return Markup(
        '<svg class="icons {} of-{}" viewBox="-1.5 -1.5 {} {}" role="img" aria-label="{}">{}</svg>'
    ).format(
        row["polarity"], of, across * _STEP + 1, down * _STEP + 1, _icons_said(row, title, of, full, upto),
        Markup("").join(drawn),
    )  # fmt: skip


def _icons_said(row: Mapping[str, Any], title: str, of: int, full: int, upto: int) -> str:
    figure = "" if row["figure"] is None else f"; the line is at {frequency(row['figure'], of)}"
    return f"{title}: of {of:,} icons {full:,} are filled, {upto - full:,} more are hatched{figure}."


def _cells(start: int, stop: int, across: int, radius: float) -> str:
    side = _ICON - 2 * radius
    corner = f"a{radius:g} {radius:g} 0 0 1 "
    shape = (
        f"h{side:g}{corner}{radius:g} {radius:g}v{side:g}{corner}-{radius:g} {radius:g}"
        f"h-{side:g}{corner}-{radius:g} -{radius:g}v-{side:g}{corner}{radius:g} -{radius:g}z"
    )
    return "".join(f"M{(i % across) * _STEP + radius:g} {(i // across) * _STEP}{shape}" for i in range(start, stop))


def _line(number: int, across: int) -> str:
    """Between the icon that is the last of the number and the next."""
    row, column = divmod(number, across)
    x, y = column * _STEP - 1, row * _STEP - 1
    right = across * _STEP - 1
    if column == 0:
        return f"M-1 {y}H{right}"
    return f"M-1 {y + _STEP}H{x}V{y}" + (f"H{right}" if column < across else "")


def span(row: Mapping[str, Any]) -> Markup:
    """The range of one more centre on a line from none to all, with a mark at the figure."""
    low = row["low"] if row["centre_low"] is None else row["centre_low"]
    high = row["high"] if row["centre_high"] is None else row["centre_high"]
    marks = [row["figure"]] if row["kind"] == "figure" else []
    width = max(600 * (high - low), 3)
    parts = [
        Markup('<path class="axis" d="M0 10H600M0 6V14M150 8V12M300 6V14M450 8V12M600 6V14"/>'),
        Markup('<rect class="centre" x="{:.1f}" y="5" width="{:.1f}" height="10" rx="5"/>').format(
            min(600 * low, 600 - width), width
        ),
    ]
    if row["kind"] in ("range", "none"):
        inner = max(600 * (row["high"] - row["low"]), 3)
        parts.append(
            Markup('<rect class="ends" x="{:.1f}" y="7" width="{:.1f}" height="6" rx="1"/>').format(
                min(600 * row["low"], 600 - inner), inner
            )
        )
    parts += [Markup('<rect class="mark" x="{:.1f}" y="1" width="4" height="18" rx="1"/>').format(
        min(max(600 * mark - 2, 0), 596)) for mark in marks]  # fmt: skip
    return Markup('<svg class="span {}" viewBox="-2 0 604 20" aria-hidden="true">{}</svg>').format(
        row["polarity"], Markup("").join(parts)
    )


def forest(risk: Mapping[str, Any], others: Sequence[tuple[str, Mapping[str, Any]]] = ()) -> Markup:
    """The counts behind a risk, each with its share, and under them the answer with its range.

    Parameters
    ----------
    risk : mapping
        Of an answer's dictionary.
    others : sequence of (str, mapping)
        Further summaries below, by what they are called: before and after new counts.
    """
    lines: list[Markup] = []
    rows = [one for one in risk["counts"] if one["total"]]
    summaries = list(others)
    if risk["probability"] is not None:
        summaries.append(("one more centre", {"figure": headline(risk), "interval": risk["interval"]}))
    most = max((one["total"] for one in rows), default=1)
    y = 14
    for one in rows:
        size = 4 + 8 * (one["total"] / most) ** 0.5
        x = 230 + 300 * one["events"] / one["total"]
        among = "" if one["category"] == "yes" else f" {named(one['category'])}"
        what = f"{one['source']}, {named(one['variable'])}{among}"
        lines.append(
            Markup(
                '<text class="who" x="0" y="{}">{}</text><text class="count" x="600" y="{}">{} of {}</text>'
                '<path class="axis" d="M230 {}H530"/>'
                '<rect class="series" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
            ).format(y + 4, what, y + 4, one["events"], one["total"], y, x - size / 2, y - size / 2, size, size, what)
        )
        y += 20
    for name, one in summaries:
        low, high = one["interval"]
        left, right, at = 230 + 300 * low, 230 + 300 * high, 230 + 300 * one["figure"]
        of = denominator(one["figure"])
        lines.append(
            Markup(
                '<text class="who all" x="0" y="{}">{}</text><text class="count all" x="600" y="{}">{}</text>'
                '<path class="axis" d="M230 {}H530"/><path class="whole" d="M{:.1f} {}H{:.1f}"/>'
                '<path class="diamond" d="M{:.1f} {}l6 6l-6 6l-6 -6z"/>'
            ).format(
                y + 4,
                name,
                y + 4,
                f"{frequency(one['figure'], of)} of {of:,}",
                y,
                left,
                y,
                max(right, left + 1),
                at,
                y - 6,
            )
        )
        y += 22
    axis = Markup(
        '<text class="tick" x="230" y="{0}">0</text><text class="tick" x="380" y="{0}">50</text>'
        '<text class="tick" x="530" y="{0}">100 %</text>'
    ).format(y + 6)
    told = "; ".join(f"{one['source']} {one['events']} of {one['total']}" for one in rows)
    told += "".join(f"; {name} {frequency_range(one['interval'], 100)} of 100" for name, one in summaries)
    return Markup('<svg class="forest" viewBox="0 0 610 {}" role="img" aria-label="{}">{}{}</svg>').format(
        y + 12, escape(f"Forest plot: {told}"), Markup("").join(lines), axis
    )


def before_after(moves: Sequence[Mapping[str, Any]]) -> Markup:
    """Outcomes before and after new counts: an open diamond and a thin line, then a filled one.

    Parameters
    ----------
    moves : sequence of mapping
        Of `Refit.moves`, those that have a figure after.
    """
    lines: list[Markup] = []
    y = 14
    for one in moves:
        title = named(one["title"])
        lines.append(
            Markup('<text class="who all" x="0" y="{}">{}</text>').format(y + 4, title[:1].upper() + title[1:])
        )
        y += 18
        for when in ("before", "after"):
            told = one[when]
            if told["probability"] is None:
                continue
            left, right, at = (230 + 300 * told[name] for name in ("lower", "upper", "probability"))
            of = denominator(told["probability"])
            lines.append(
                Markup(
                    '<text class="who" x="12" y="{}">{}</text><text class="count" x="600" y="{}">{} of {:,}</text>'
                    '<path class="axis" d="M230 {}H530"/><path class="whole {}" d="M{:.1f} {}H{:.1f}"/>'
                    '<path class="diamond {}" d="M{:.1f} {}l5 5l-5 5l-5 -5z"/>'
                ).format(y + 4, when, y + 4, frequency(told["probability"], of), of, y, when, left, y,
                         max(right, left + 1), when, at, y - 5)
            )  # fmt: skip
            y += 16
        y += 6
    axis = Markup(
        '<text class="tick" x="230" y="{0}">0</text><text class="tick" x="380" y="{0}">50</text>'
        '<text class="tick" x="530" y="{0}">100 %</text>'
    ).format(y + 4)
    return Markup('<svg class="forest moves" viewBox="0 0 610 {}" role="img" aria-label="{}">{}{}</svg>').format(
        y + 10,
        "Outcomes before and after the new counts; the table below has the numbers",
        Markup("").join(lines),
        axis,
    )
