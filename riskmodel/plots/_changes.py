"""Tables of what changes a risk to axes: tests, priors and readings, new counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskmodel.plots._style import (
    AVERAGE,
    NEW,
    OBSERVED,
    SHRUNKEN,
    axes_for,
    label_rows,
    legend_beside,
    need,
    no_risk,
    percent,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def changes(table: pd.DataFrame, *, outcome: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw what each test would change: the risk now, and after either result.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Consultation.workup_table`.
    outcome : str
        Whose risk is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One band for each step; where a result leaves the risk not estimable its bounds are dashed.

    Raises
    ------
    InputError
        If the table lacks a column or the outcome.
    """
    need(table, ("title", "outcome", "p_abnormal", "before", "if_normal", "if_normal_lower", "if_abnormal"))
    rows = table[table["outcome"] == outcome].reset_index(drop=True)
    if rows.empty:
        raise no_risk(outcome, "no step changes")
    ax = axes_for(ax, (8, 1.5 + 0.9 * len(rows)))
    labels = []
    for i, row in rows.iterrows():
        y = len(rows) - 1 - int(str(i))
        for name, shift, colour, marker in (
            ("before", 0.0, OBSERVED, "o"),
            ("if_normal", 0.25, SHRUNKEN, "^"),
            ("if_abnormal", -0.25, NEW, "v"),
        ):
            style = "-" if row[name] == row[name] else "--"
            label = name.replace("_", " ") if i == 0 else "_"
            ax.plot([row[f"{name}_lower"], row[f"{name}_upper"]], [y + shift] * 2, color=colour, ls=style, lw=2)
            ax.plot(row[name], y + shift, marker, color=colour, ms=8, label=label)
        expected = "" if row["p_abnormal"] != row["p_abnormal"] else f"\nabnormal in {row['p_abnormal']:.0%}"
        labels.append(f"{wrapped(str(row['title']))}{expected}")
    label_rows(ax, labels, size=9, margin=0.6)
    percent(ax, f"{outcome.replace('_', ' ')}, with 95 % interval; dashed: bounds where it is not estimable", title)
    legend_beside(ax)
    return ax


def moves(table: pd.DataFrame, *, outcome: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw how far an answer moves under other priors and readings and with each series left out.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Consultation.robustness_table`.
    outcome : str
        Whose risk is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One row for each variant, the answer as a line.

    Raises
    ------
    InputError
        If the table lacks a column or the outcome.
    """
    need(table, ("outcome", "kind", "variant", "probability"))
    rows = table[(table["outcome"] == outcome) & table["probability"].notna()].reset_index(drop=True)
    if rows.empty or rows["kind"].iloc[0] != "answer":
        raise no_risk(outcome)
    answer = float(rows["probability"].iloc[0])
    rows = rows.iloc[1:].reset_index(drop=True)
    ax = axes_for(ax, (7, 1.4 + 0.32 * len(rows)))
    ax.axvline(answer, color="0.6", lw=1.2)
    marks = {
        "prior": (SHRUNKEN, "o"),
        "reading": (AVERAGE, "D"),
        "unknown": ("#CC79A7", "^"),
        "tested": ("#E69F00", "v"),
        "left out": (NEW, "s"),
    }
    seen: set[str] = set()
    for i, row in rows.iterrows():
        kind, y = str(row["kind"]), len(rows) - 1 - int(str(i))
        colour, marker = marks[kind]
        ax.plot([answer, row["probability"]], [y, y], color=colour, lw=1.2)
        ax.plot(row["probability"], y, marker, color=colour, ms=7, label="_" if kind in seen else kind)
        seen.add(kind)
    names = [
        f"without {row['variant']}" if row["kind"] == "left out" else str(row["variant"]) for _, row in rows.iterrows()
    ]
    label_rows(ax, names, size=9)
    percent(ax, f"{outcome.replace('_', ' ')}: best single figure; grey line: as answered, {answer:.0%}", title)
    legend_beside(ax)
    return ax


def before_after(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """A forest plot before and after new counts.

    Parameters
    ----------
    table : pandas.DataFrame
        From `riskmodel.updating.Refit.move_table`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Risk from 0 to 100 % across, two rows for each branch and outcome: before above, after below.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    names = ("before", "before_lower", "before_upper", "after", "after_lower", "after_upper")
    need(table, ("kind", "title", *names))
    rows = table.reset_index(drop=True)
    ax = axes_for(ax, (8.5, 1.4 + 0.5 * len(rows)))
    labels = []
    for i, row in rows.iterrows():
        y = len(rows) - 1 - int(str(i))
        for when, shift, colour, marker in (("before", 0.16, OBSERVED, "o"), ("after", -0.16, SHRUNKEN, "D")):
            if row[when] != row[when]:
                ax.text(0.01, y + shift, f"{when}: not estimable", fontsize=7.5, va="center", color="0.4")
                continue
            ends = [row[f"{when}_lower"], row[f"{when}_upper"]]
            ax.plot(ends, [y + shift] * 2, color=colour, lw=2, solid_capstyle="butt", zorder=2)
            known = when in {line.get_label() for line in ax.lines}
            ax.plot(row[when], y + shift, marker, color=colour, ms=6, zorder=3, label="_" if known else when)
        labels.append(wrapped(str(row["title"])))
    label_rows(ax, labels, size=8)
    branches = int((rows["kind"] == "branch").sum())
    if 0 < branches < len(rows):
        ax.axhline(len(rows) - branches - 0.5, color="0.8", lw=0.8)
    percent(ax, "risk, with 95 % equal-tailed interval for a new setting", title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / (1 + len(rows))), ncols=2, frameon=False, fontsize=9)
    return ax
