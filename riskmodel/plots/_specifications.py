"""The table of a multiverse to axes: a specification curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from riskmodel.errors import InputError
from riskmodel.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Levels of one choice that have rows of their own; of more, all but the first are one row.
MOST_LEVELS = 14
_ROW = 0.17  # inches


def specification_curve(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a specification curve: every estimate in order of size, and below it the choices behind each.

    Parameters
    ----------
    table : pandas.DataFrame
        From `riskmodel.sensitivity.Multiverse.table`: columns before estimate are choices.
    ax : matplotlib.axes.Axes, optional
        Where to draw the estimates, the choices below it; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Of the estimates, with intervals; the answer as fitted is marked. Its only child axes has the choices.

    Raises
    ------
    InputError
        If the table lacks a column or has no estimate.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD. Specification curve analysis. Nat Hum Behav 2020;4:1208-14.
    """
    style.need(table, ("estimate", "lower", "upper", "ci_prob", "as_fitted"))
    names = table.columns[: list(table.columns).index("estimate")]
    choices = [name for name in names if table[name].nunique() > 1]
    rows = table[table["estimate"].notna()].sort_values("estimate", kind="stable").reset_index(drop=True)
    if rows.empty:
        raise InputError("no estimate in the table", where="plots", remedy="Draw another question")
    levels = [(choice, name, held) for choice in choices for name, held in _levels(table, rows, choice)]
    curve, gap = 2.6, 0.45
    matrix = _ROW * (len(levels) + 0.6 * (len(choices) - 1) + 0.8)
    own, (width, height) = ax is None, (9.5, curve + gap + matrix + 0.6)
    ax = style.axes_for(ax, (width, height))
    figure = ax.get_figure(root=True)
    if own and figure is not None:  # whose layout would not leave room for an axes below
        figure.set_layout_engine("none")
        ax.set_position((2.0 / width, 1 - (curve + 0.5) / height, (width - 3.1) / width, curve / height))
    x = np.arange(len(rows))
    ax.vlines(x, rows["lower"], rows["upper"], color=style.SHRUNKEN, alpha=max(0.03, min(0.6, 60 / len(rows))), lw=1)
    ax.plot(x, rows["estimate"], "o", color=style.INK, ms=max(1.5, min(4, 400 / len(rows))))
    as_fitted = rows.index[rows["as_fitted"]]
    ax.plot(as_fitted, rows.loc[as_fitted, "estimate"], "D", color=style.NEW, ms=8, label="as fitted", zorder=4)
    answer = float(rows.loc[as_fitted, "estimate"].iloc[0]) if len(as_fitted) else 0
    ax.axhline(answer, color=style.NEW, lw=0.8, ls="--")
    low, high = style.fitted(rows[["lower", "upper"]].to_numpy(float).ravel())
    ax.set_ylim(low - 0.02 * (high - low), high + 0.02 * (high - low))
    style.in_percent(ax.yaxis)
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    ax.set_xlim(-0.01 * len(rows) - 1, 1.01 * len(rows))
    ax.set_xticks([])
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_ylabel(f"risk, {100 * float(rows['ci_prob'].iloc[0]):g} % interval")
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9, borderaxespad=0.2)
    style.titled(ax, title or f"{len(rows):,} specifications")
    share = matrix / curve
    below = ax.inset_axes((0, -gap / curve * 0.25 - share, 1, share), sharex=ax)
    colours = (style.BY_K[0], "#B07400", *style.BY_K[2:])  # the orange of lines is too light for ticks
    y, ticks, said = 0.0, [], []
    for place, (choice, name, held) in enumerate(levels):
        if not place or levels[place - 1][0] != choice:
            y -= 0.6 if place else 0.0
            below.annotate(
                style.words(choice), (1.0, y), (6, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
                fontsize=9, va="center", color=style.SOFT, weight="bold",
            )  # fmt: skip
        colour = colours[choices.index(choice) % len(colours)]
        below.plot(x[held], np.full(int(held.sum()), y), "|", color=colour, ms=7, mew=max(0.5, min(2, 300 / len(rows))))
        ticks.append(y)
        said.append(style.plain(name if len(name) <= 46 else name[:45] + "…"))
        y -= 1.0
    below.set_yticks(ticks, said, fontsize=8, color=style.INK)
    below.set_ylim(y + 0.3, 0.7)
    below.tick_params(axis="y", length=0)
    below.set_xticks([])
    below.spines[:].set_visible(False)
    return ax


def _levels(table: pd.DataFrame, rows: pd.DataFrame, choice: str) -> list[tuple[str, np.ndarray]]:
    """Levels of a choice, and which of the specifications have each."""
    names = list(dict.fromkeys(table[choice]))
    found = [
        (f"{name:g}" if isinstance(name, float) else str(name), (rows[choice] == name).to_numpy()) for name in names
    ]
    if len(found) <= MOST_LEVELS:
        return found
    return [found[0], (f"each of {len(found) - 1} others", ~found[0][1])]
