"""Tables of what changes a risk to axes: tests, priors and readings, new counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskmodel.plots._style import (
    AVERAGE,
    NEW,
    OBSERVED,
    SHRUNKEN,
    axes_for,
    by_row,
    interval,
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
    rows = table[table["outcome"] == outcome]
    if rows.empty:
        raise no_risk(outcome, "no step changes")
    ax = axes_for(ax, (8, 1.5 + 0.9 * len(rows)))
    labels: list[str] = []
    before, normal, abnormal = (0.0, OBSERVED, "o"), (0.25, SHRUNKEN, "^"), (-0.25, NEW, "v")
    for y, row in by_row(rows):
        for name, (shift, colour, marker) in {"before": before, "if_normal": normal, "if_abnormal": abnormal}.items():
            style = "-" if row[name] == row[name] else "--"
            label = "_" if labels else name.replace("_", " ")
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
        One row for each variant, the answer as a line; an interval, where it was worked out, dotted.

    Raises
    ------
    InputError
        If the table lacks a column or the outcome.
    """
    need(table, ("outcome", "kind", "variant", "probability", "lower", "upper"))
    rows = table[(table["outcome"] == outcome) & table["probability"].notna()]
    if rows.empty or rows["kind"].iloc[0] != "answer":
        raise no_risk(outcome)
    answer = float(rows["probability"].iloc[0])
    rows = rows.iloc[1:]
    ax = axes_for(ax, (7, 1.4 + 0.32 * len(rows)))
    ax.axvline(answer, color="0.6", lw=1.2)
    marks = {
        "prior": (SHRUNKEN, "o"),
        "reading": (AVERAGE, "D"),
        "unknown": ("#CC79A7", "^"),
        "tested": ("#E69F00", "v"),
        "left out": (NEW, "s"),
        "dependence": ("#56B4E9", "P"),
    }
    seen: set[str] = set()
    names = []
    for y, row in by_row(rows):
        kind = str(row["kind"])
        colour, marker = marks[kind]
        if row["lower"] == row["lower"]:
            ax.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=1, ls=":")
        ax.plot([answer, row["probability"]], [y, y], color=colour, lw=1.2)
        ax.plot(row["probability"], y, marker, color=colour, ms=7, label="_" if kind in seen else kind)
        seen.add(kind)
        names.append(f"{'without ' if kind == 'left out' else ''}{row['variant']}")
    label_rows(ax, names, size=9)
    percent(ax, f"{outcome.replace('_', ' ')}: mean; grey line: as answered, {answer:.0%}", title)
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
    ax = axes_for(ax, (8.5, 1.4 + 0.5 * len(table)))
    labels: list[str] = []
    for y, row in by_row(table):
        for when, shift, colour, marker in (("before", 0.16, OBSERVED, "o"), ("after", -0.16, SHRUNKEN, "D")):
            if row[when] != row[when]:
                ax.text(0.01, y + shift, f"{when}: not estimable", fontsize=7.5, va="center", color="0.4")
                continue
            interval(ax, [row[f"{when}_lower"], row[f"{when}_upper"]], y + shift, colour)
            known = when in {line.get_label() for line in ax.lines}
            ax.plot(row[when], y + shift, marker, color=colour, ms=6, zorder=3, label="_" if known else when)
        labels.append(wrapped(str(row["title"])))
    label_rows(ax, labels, size=8)
    branches = int((table["kind"] == "branch").sum())
    if 0 < branches < len(table):
        ax.axhline(len(table) - branches - 0.5, color="0.8", lw=0.8)
    percent(ax, "risk, with 95 % equal-tailed interval for a new setting", title)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / (1 + len(table))), ncols=2, frameon=False, fontsize=9)
    return ax
