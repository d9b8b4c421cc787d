"""What every picture shares: colours, axes, the table's columns, and the file it is written to."""

from __future__ import annotations

import functools
import io
import textwrap
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel._support.files import as_path, write_whole
from riskmodel.errors import InputError, UnavailableError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Okabe and Ito's colours, told apart in every common form of colour blindness; shapes differ as well.
OBSERVED, SHRUNKEN, AVERAGE, NEW = "#999999", "#0072B2", "#009E73", "#D55E00"
#: More of theirs, for up to seven values of K.
BY_K = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", ":")


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
        figure.savefig(drawn, format=as_path(path).suffix[1:] or "png", dpi=150)
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
        with mpl.rc_context({"text.parse_math": False}):
            axes = function(*given, **stated)
        for one in axes if isinstance(axes, list) else [axes] if axes is not None else []:
            for text in one.findobj(Text):
                text.set_parse_math(False)
        return axes

    return drawn  # type: ignore[return-value]


def finish(ax: Axes, title: str, across: str, up: str = "", *, hidden: Sequence[str] = ("top", "right")) -> Axes:
    """Words at the edges of a picture, and no more lines there than it needs."""
    for side in hidden:
        ax.spines[side].set_visible(False)
    ax.set_xlabel(across)
    ax.set_ylabel(up or ax.get_ylabel())
    ax.set_title(title, loc="left", fontsize=11)
    return ax


def wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 34))


def percent(ax: Axes, label: str, title: str, up: str = "") -> Axes:
    """A risk across, from 0 to 100 %."""
    from matplotlib.ticker import PercentFormatter

    ax.set_xlim(-0.01, 1.01)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="x", color="0.92", zorder=0)
    ax.tick_params(axis="y", length=0)
    return finish(ax, title, label, up, hidden=("top", "right", "left"))


def label_rows(ax: Axes, labels: Sequence[str], *, size: float | None = None, margin: float = 0.7) -> None:
    """One row for each label, the first on top."""
    ax.set_yticks(range(len(labels) - 1, -1, -1), labels, fontsize=size)
    ax.set_ylim(-margin, len(labels) - 1 + margin)


def legend_beside(ax: Axes) -> None:
    """What the marks mean, to the right of the picture."""
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)


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
