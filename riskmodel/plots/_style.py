"""What every picture shares: colours, axes, the table's columns, and the file it is written to."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel._support.files import as_path, write_whole
from riskmodel.errors import InputError, UnavailableError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.transforms import Transform

#: The page's colours (`riskmodel/serve/static/desk.css`): what is not hoped for is coloured, the rest is ink.
INK, SOFT, LINE, REST = "#1c2a2e", "#55625f", "#ddd7ca", "#cbc3b2"
POLARITY = {"good": "#2f5d66", "bad": "#b2431c", "neutral": "#62686f"}
#: Okabe and Ito's colours, told apart in every common form of colour blindness; shapes differ as well.
OBSERVED, SHRUNKEN, AVERAGE, NEW = "#767676", "#0072B2", "#00795A", "#C04E00"
#: More of theirs, for up to seven values of K.
BY_K = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")
#: Rows up to which labels are of full size, and the height of one in inches: of few, and of many.
FEW, TALL, SHORT = 20, 0.36, 0.21


def save(axes: Axes | Sequence[Axes], path: str | Path) -> None:
    """Write the figure that axes belong to.

    Parameters
    ----------
    axes : matplotlib.axes.Axes or sequence of these
        Drawn.
    path : str or Path
        Where; its suffix says in which format.

    Raises
    ------
    InputError
        If it cannot be written, or Matplotlib does not know the format.
    """
    if isinstance(axes, Sequence) and not axes:
        raise InputError("no axes", where="plots", remedy="Give what a picture returned")
    one = axes[0] if isinstance(axes, Sequence) else axes
    figure = one.get_figure(root=True)
    assert figure is not None
    drawn = io.BytesIO()
    try:
        figure.savefig(drawn, format=as_path(path).suffix[1:] or "png", dpi=150, bbox_inches="tight", pad_inches=0.08)
    except (KeyError, ValueError) as error:
        remedy = "Give a file such as picture.png or picture.svg"
        raise InputError(str(error), where=str(path), field="path", remedy=remedy) from None
    write_whole(path, drawn.getvalue())


def plainly[F: Callable[..., Any]](function: F) -> F:
    """A picture in which a label with two dollar signs is that text, and no mathematics."""

    @functools.wraps(function)
    def drawn(*given: Any, **stated: Any) -> Any:
        try:
            import matplotlib as mpl
            from matplotlib.text import Text
        except ImportError:
            return function(*given, **stated)  # which says so
        # This setting alone: a context of all of them would put back that a notebook's pictures show themselves, which the
        # first picture turns on.
        before = mpl.rcParams["text.parse_math"]
        mpl.rcParams["text.parse_math"] = False
        try:
            axes = function(*given, **stated)
        finally:
            mpl.rcParams["text.parse_math"] = before
        for one in axes if isinstance(axes, list) else [axes] if axes is not None else []:
            for text in one.findobj(Text):
                text.set_parse_math(False)
        return axes

    return drawn  # type: ignore[return-value]


def plain(text: object, width: int = 0) -> str:
    """A text as it is, broken into lines of so many letters."""
    return "\n".join(textwrap.wrap(str(text), width) if width else str(text).splitlines())


def words(name: object) -> str:
    """A name as words: outcomes and estimands are told apart by their names in a table."""
    return plain(str(name).replace("_", " "))


def finish(ax: Axes, title: str, across: str, up: str = "", *, hidden: Sequence[str] = ("top", "right")) -> Axes:
    """Words at the edges of a picture, and no more lines there than it needs."""
    for side in hidden:
        ax.spines[side].set_visible(False)
    ax.set_xlabel(across)
    ax.set_ylabel(up or ax.get_ylabel())
    return titled(ax, title)


def titled(ax: Axes, title: str, *, room: float = 6) -> Axes:
    """A title from the left, in as many lines as the axes are wide for, with some points of room below it."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    inches = ax.get_position().width * float(figure.get_figwidth())
    ax.set_title(plain(title, max(24, round(11.5 * inches))), loc="left", fontsize=11, color=INK, pad=room)
    return ax


def fitted(values: Iterable[float], *, whole: float = 0.55) -> tuple[float, float]:
    """Ends of an axis of risks that has some values: 0 to 1 where they fill much of it, else as far as they reach.

    An end within reach of 0 or of 1 is there: a risk's distance from it is what is read.
    """
    known = [float(one) for one in values if one == one]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if high - low > whole:
        return 0.0, 1.0
    short = max(0.5 * min(high, 1 - low) - (high - low), 0.0)
    low, high = low - short / 2, high + short / 2
    room = 0.06 * (high - low)
    left, right = max(0.0, low - room), min(1.0, high + room)
    return (0.0 if low < 0.6 * high else left), (1.0 if high > 0.85 and 1 - high < 0.6 * (1 - low) else right)


def in_percent(axis: Axis) -> None:
    """Ticks of a risk."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.6g} %"))


def percent(ax: Axes, label: str, title: str, up: str = "", *, ends: tuple[float, float]) -> Axes:
    """A risk across, in %, from one end to another."""
    low, high = ends
    ax.set_xlim(low - 0.012 * (high - low), high + 0.012 * (high - low))
    in_percent(ax.xaxis)
    ax.grid(axis="x", color="0.92", zorder=0)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    return finish(ax, title, label, up, hidden=("top", "right", "left"))


def digits(values: Iterable[float]) -> int:
    """Decimals of percentages that share a column: so many that all but the rarest quarter show two digits."""
    reach = sorted(min(one, 1 - one) for one in values if one == one)
    usual = reach[len(reach) // 4] if reach else 1.0
    return next((n for n, least in enumerate((0.095, 0.0095, 0.00095)) if usual >= least), 3)


def share(p: float) -> str:
    """A percentage that is never rounded to none or to all."""
    rest = min(p, 1 - p)
    if rest in (0.0, 1.0) or rest >= 0.0095:
        return f"{p:.0%}".replace("%", " %")
    if rest < 5e-5:
        return "<0.01 %" if p < 0.5 else ">99.99 %"
    return f"{100 * p:.{1 if rest >= 9.5e-4 else 2}f} %"


def size_of(rows: int, width: float, *, more: float = 1.4, each: float | None = None) -> tuple[float, float]:
    """Inches of a picture with so many rows."""
    return width, more + rows * (each or (TALL if rows <= FEW else SHORT))


def label_rows(ax: Axes, labels: Sequence[str], *, margin: float = 0.7, lines: int = 2) -> None:
    """One row for each label, the first on top; a long one has a second line, and where rows are close none."""
    close, width = len(labels) > FEW, 40
    said = []
    for label in labels:
        parts = [part for line in label.splitlines() for part in textwrap.wrap(line, width)]
        if close:
            parts = [textwrap.shorten(" ".join(parts), 60, placeholder=" …")]
        elif len(parts) > lines:
            parts = [*parts[: lines - 1], parts[lines - 1][: width - 2] + " …"]
        said.append(plain("\n".join(parts)))
    ax.set_yticks(range(len(labels) - 1, -1, -1), said, fontsize=7.5 if close else 9, color=INK)
    ax.set_ylim(-margin, len(labels) - 1 + margin)


def columns_beside(ax: Axes, columns: Sequence[tuple[str, int, Sequence[str]]], top: float) -> None:
    """Columns of numbers right of a picture: head, width in points, and a text for each row, the first on top."""
    from matplotlib.transforms import blended_transform_factory, offset_copy

    figure = ax.get_figure(root=True)
    across = blended_transform_factory(ax.transAxes, ax.transData)
    at = 0
    for head, width, texts in columns:
        at += width
        place = offset_copy(across, figure, x=at, y=0, units="points")
        small = 7.5 if len(texts) > FEW else 9
        ax.text(1.0, top, head, transform=place, ha="right", va="bottom", fontsize=small, color=SOFT)
        for row, text in enumerate(texts):
            y = len(texts) - 1 - row
            ax.text(1.0, y, text, transform=place, ha="right", va="center", fontsize=small, color=INK)


def under(ax: Axes, points: float) -> Transform:
    """Fractions of axes, so many points lower: a legend there is as far away however tall the picture is."""
    from matplotlib.transforms import offset_copy

    return offset_copy(ax.transAxes, ax.get_figure(root=True), x=0, y=-points, units="points")


def legend_below(ax: Axes, columns: int = 4) -> None:
    """What the marks mean, below the axis and its label: each name once, by its first mark."""
    first: dict[str, Any] = {}
    for mark, name in zip(*ax.get_legend_handles_labels(), strict=True):
        first.setdefault(name, mark)
    place: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (0, 0), "bbox_transform": under(ax, 38)}
    ax.legend(first.values(), first.keys(), **place, ncols=columns, frameon=False, fontsize=9, borderaxespad=0.0)


def note_below(ax: Axes, text: str, *, points: float, width: int = 95) -> None:
    """A sentence below the axis and its label."""
    ax.text(0, 0, plain(text, width), transform=under(ax, points), fontsize=8.5, va="top", color=SOFT, linespacing=1.35)


def not_estimable(ax: Axes, y: float, who: str = "") -> None:
    """Words in place of a figure, where a row has none."""
    ax.text(0.01, y, f"{who}not estimable", transform=ax.get_yaxis_transform(), fontsize=8, va="center", color=SOFT)


def no_risk(outcome: str, what: str = "no estimable risk of") -> InputError:
    """The table has nothing to draw for an outcome."""
    return InputError(f"{what} {outcome!r} in the table", where="plots", remedy="Draw another outcome")


def axes_for(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise UnavailableError("Matplotlib is not installed", where="plots", remedy="pip install matplotlib") from None
    # pyplot's, so that a notebook shows it and plt.show() finds it.
    return plt.subplots(figsize=size, layout="constrained")[1]


def need(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in getattr(table, "columns", ())]
    if missing:
        remedy = "Give the table that this picture's description names"
        raise InputError(f"the table lacks {', '.join(missing)}", where="plots", remedy=remedy)


def by_row(table: pd.DataFrame) -> Iterator[tuple[int, pd.Series[Any]]]:
    """Rows of a table with their heights in a picture, the first on top."""
    for i, (_, row) in enumerate(table.iterrows()):
        yield len(table) - 1 - i, row


def interval(ax: Axes, ends: Sequence[float], y: float, colour: str, *, lw: float = 2, alpha: float = 1) -> None:
    """An interval of a risk as a line, with no cap that would make it longer."""
    ax.plot(ends, [y, y], color=colour, lw=lw, alpha=alpha, solid_capstyle="butt", zorder=2)
