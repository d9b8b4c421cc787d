"""Pictures of a page as SVG: icons of 100, a range on its line, a forest of series. No style is inline: classes only.

Numbers come from the rows of `riskmodel.report.brief` and from an answer's dictionary; whoever cannot see a picture is told
the same in its title.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from riskmodel.report.wording import capital, denominator, frequency, frequency_range, headline, named

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
    low, high = _reach(row)
    full, upto = round(low * of), round(high * of)
    down = of // across
    paths = (("full", 0, full), ("part", full, upto), ("rest", upto, of))
    drawn = [
        Markup('<path class="{}" d="{}"/>').format(kind, _cells(start, stop, across, radius))
        for kind, start, stop in paths
        if start < stop
    ]
    ends = {"figure": (row["figure"],), "range": (row["low"], row["high"])}.get(row["kind"], ())
    lines = (_line(round(end * of), across) for end in dict.fromkeys(ends))
    drawn += [Markup('<path class="line" d="{}"/>').format(line) for line in lines]
    figure = "" if row["figure"] is None else f"; the line is at {frequency(row['figure'], of)}"
    said = f"{title}: of {of:,} icons {full:,} are filled, {upto - full:,} more are hatched{figure}."
    return Markup('<svg class="icons {} of-{}" viewBox="-1.5 -1.5 {} {}" role="img" aria-label="{}">{}</svg>').format(
        row["polarity"], of, across * _STEP + 1, down * _STEP + 1, said, Markup("").join(drawn)
    )


def _reach(row: Mapping[str, Any]) -> tuple[float, float]:
    """The range of one more centre, or where there is none what is known of the risk."""
    ends = row["low"], row["high"]
    return ends if row["centre_low"] is None else (row["centre_low"], row["centre_high"])


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
    low, high = _reach(row)
    parts = [
        Markup('<path class="axis" d="M0 10H600M0 6V14M150 8V12M300 6V14M450 8V12M600 6V14"/>'),
        _bar("centre", low, high, y=5, height=10, corner=5),
    ]
    if row["kind"] in ("range", "none"):
        parts.append(_bar("ends", row["low"], row["high"], y=7, height=6, corner=1))
    if row["kind"] == "figure":
        at = min(max(600 * row["figure"] - 2, 0), 596)
        parts.append(Markup('<rect class="mark" x="{:.1f}" y="1" width="4" height="18" rx="1"/>').format(at))
    return Markup('<svg class="span {}" viewBox="-2 0 604 20" aria-hidden="true">{}</svg>').format(
        row["polarity"], Markup("").join(parts)
    )


def _bar(kind: str, low: float, high: float, *, y: int, height: int, corner: int) -> Markup:
    """A range on a line of 600, never too narrow to be seen."""
    width = max(600 * (high - low), 3)
    return Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="{}"/>').format(
        kind, min(600 * low, 600 - width), y, width, height, corner
    )


def forest(risk: Mapping[str, Any]) -> Markup:
    """The counts behind a risk of an answer, each with its share, and under them the answer with its range."""
    lines: list[Markup] = []
    rows = [one for one in risk["counts"] if one["total"]]
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
    told = "; ".join(f"{one['source']} {one['events']} of {one['total']}" for one in rows)
    if risk["probability"] is not None:
        lines.append(_summary(y, "one more centre", headline(risk), risk["interval"]))
        told += f"; one more centre {frequency_range(risk['interval'], 100)} of 100"
        y += 22
    return _with_axis("forest", y + 6, f"Forest plot: {told}", lines)


def before_after(moves: Sequence[Mapping[str, Any]]) -> Markup:
    """Outcomes before and after new counts, of `Refit.moves`: an open diamond and a thin line, then a filled one."""
    lines: list[Markup] = []
    y = 14
    for one in moves:
        title = capital(named(one["title"]))
        lines.append(Markup('<text class="who all" x="0" y="{}">{}</text>').format(y + 4, title))
        y += 18
        for when in ("before", "after"):
            told = one[when]
            if told["probability"] is not None:
                ends = told["lower"], told["upper"]
                lines.append(_summary(y, when, told["probability"], ends, moved=True))
                y += 16
        y += 6
    said = "Outcomes before and after the new counts; the table below has the numbers"
    return _with_axis("forest moves", y + 4, said, lines)


def _summary(y: int, name: str, figure: float, ends: Sequence[float], *, moved: bool = False) -> Markup:
    """A risk in a forest: a line as long as its range, a diamond at the figure; one that moved stands under its title."""
    text, mark, x, half = ("", f" {name}", 12, 5) if moved else (" all", "", 0, 6)
    left, right, at = (230 + 300 * value for value in (*ends, figure))
    of = denominator(figure)
    return Markup(
        '<text class="who{0}" x="{1}" y="{2}">{3}</text><text class="count{0}" x="600" y="{2}">{4} of {5:,}</text>'
        '<path class="axis" d="M230 {6}H530"/><path class="whole{7}" d="M{8:.1f} {6}H{9:.1f}"/>'
        '<path class="diamond{7}" d="M{10:.1f} {11}l{12} {12}l-{12} {12}l-{12} -{12}z"/>'
    ).format(
        text, x, y + 4, name, frequency(figure, of), of, y, mark, left, max(right, left + 1), at, y - half, half
    )  # fmt: skip


def _with_axis(kind: str, y: int, said: str, lines: Sequence[Markup]) -> Markup:
    """The lines of a forest over their axis, whose numbers stand at a height."""
    return Markup(
        '<svg class="{}" viewBox="0 0 610 {}" role="img" aria-label="{}">{}<text class="tick" x="230" y="{y}">0</text>'
        '<text class="tick" x="380" y="{y}">50</text><text class="tick" x="530" y="{y}">100 %</text></svg>'
    ).format(kind, y + 6, said, Markup("").join(lines), y=y)
