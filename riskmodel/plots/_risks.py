"""Tables of risks to axes: forest plots, icons, routes, densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from riskmodel.errors import InputError
from riskmodel.plots._style import (
    AVERAGE,
    BY_K,
    LINES,
    NEW,
    OBSERVED,
    SHRUNKEN,
    axes_for,
    by_row,
    interval,
    label_rows,
    need,
    no_risk,
    percent,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


def forest(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a forest plot: each series as observed and shrunken, the average, and the risk in a new setting.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Posterior.table`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Risk from 0 to 100 % across, one row for each estimand.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    need(table, ("estimand", "label", "events", "total", "observed", "mean", "lower", "upper", "ci_prob"))
    rows = table[table["estimand"] != "heterogeneity"]
    ax = axes_for(ax, (7.5, 1.4 + 0.42 * len(rows)))
    labels: list[str] = []
    series, average, new = ("shrunken", SHRUNKEN, "o"), ("average", AVERAGE, "D"), ("new setting", NEW, "s")
    for y, row in by_row(rows):
        kind = str(row["estimand"])
        name, colour, marker = {"series": series, "average": average, "new_setting": new}[kind]
        interval(ax, [row["lower"], row["upper"]], y, colour)
        first = kind != "series" or not labels
        ax.plot(row["mean"], y, marker, color=colour, ms=7, label=name if first else "_", zorder=3)
        if kind == "series":
            name = "observed" if first else "_"
            ax.plot(row["observed"], y, "|", color=OBSERVED, ms=15, mew=2.5, zorder=1, label=name)
            labels.append(f"{row['label']}  {row['events']}/{row['total']}")
        else:
            labels.append(kind.replace("_", " "))
    label_rows(ax, labels)
    ax.axhline(int((rows["estimand"] != "series").sum()) - 0.5, color="0.8", lw=0.8)
    percent(ax, f"risk, with {round(100 * float(rows['ci_prob'].iloc[0]))} % equal-tailed interval", title)
    below = -0.28 if len(rows) < 6 else -0.16
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, below), ncols=4, frameon=False, fontsize=9)
    return ax


def icons(table: pd.DataFrame, *, outcome: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a risk as 100 icons: expected events filled, those that only part of the range holds hatched.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Consultation.risk_table`; its first row of the outcome is drawn.
    outcome : str
        Name of the outcome.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Ten rows of ten, read from the top left: what the whole range holds, then what only part of it does, then the rest.

    Raises
    ------
    InputError
        If the table lacks a column or the outcome, or its risk is not estimable.
    """
    need(table, ("outcome", "title", "complement", "headline", "statistic", "lower", "upper", "ci_prob"))
    rows = table[table["outcome"] == outcome]
    if rows.empty or rows["headline"].isna().iloc[0]:
        raise no_risk(outcome)
    row = rows.iloc[0]
    ax = axes_for(ax, (5.2, 5.6))
    from matplotlib.patches import Rectangle  # which `axes_for` has found, or has told

    low, figure, high = (round(100 * float(row[name])) for name in ("lower", "headline", "upper"))
    full, part, rest = (NEW, NEW, None), ("white", NEW, "////"), ("0.9", "0.75", None)
    for i in range(100):
        face, edge, hatch = full if i < low else part if i < high else rest
        at = (i % 10 - 0.4, -(i // 10) - 0.4)
        ax.add_patch(Rectangle(at, 0.8, 0.8, facecolor=face, edgecolor=edge, hatch=hatch, lw=0.8))
    # The headline is a line between two icons, not a colour of its own.
    edge_row, edge_column = divmod(figure, 10)
    ax.plot([edge_column - 0.5] * 2, [-edge_row + 0.5, -edge_row - 0.5], color="black", lw=2.5)
    if edge_column:
        ax.plot([-0.5, edge_column - 0.5], [-edge_row - 0.5] * 2, color="black", lw=2.5)
    if edge_column < 10:
        ax.plot([edge_column - 0.5, 9.5], [-edge_row + 0.5] * 2, color="black", lw=2.5)
    ax.set_xlim(-0.7, 9.7)
    ax.set_ylim(-11.4, 0.8)
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.set_title(title or f"{str(row['title']).capitalize()}, of 100", loc="left", fontsize=11)
    span = f"{round(100 * float(row['ci_prob']))} % range"
    words = f"filled: {low}, the low end of the {span}; hatched: up to {high}, its high end"
    ax.text(-0.5, -10.2, words, fontsize=8.5, va="top")
    words = f"black line: {row['statistic']} {figure}; the rest, grey: {row['complement']}"
    ax.text(-0.5, -10.8, words, fontsize=8.5, va="top")
    return ax


def routes(table: pd.DataFrame, *, outcome: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw an answer by route: series that report exactly the question, finer counts through the tree, and all together.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Consultation.risk_table`.
    outcome : str
        Whose risk is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One row for each route: its headline, the interval of a new setting, and that of the average, thick. A
        route without an answer says so.

    Raises
    ------
    InputError
        If the table lacks a column, or no route to the outcome has an answer.
    """
    names = ("outcome", "route", "headline", "lower", "upper", "average_lower", "average_upper", "series", "ci_prob")
    need(table, names)
    rows = table[(table["outcome"] == outcome) & (table["route"] != "answer")]
    rows = rows.drop_duplicates("route").set_index("route").reindex(["direct", "indirect", "combined"])
    if not rows["headline"].notna().any():
        raise no_risk(outcome)
    ax = axes_for(ax, (7, 2.4))
    marks = {"direct": (SHRUNKEN, "o"), "indirect": (AVERAGE, "D"), "combined": (NEW, "s")}
    labels: list[str] = []
    for y, (name, row) in zip((2, 1, 0), rows.iterrows(), strict=True):
        colour, marker = marks[str(name)]
        if row["headline"] != row["headline"]:
            ax.text(0.5, y, "not estimable", ha="center", va="center", fontsize=9, color="0.4")
            labels.append(str(name))
            continue
        ax.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=1.4)
        interval(ax, [row["average_lower"], row["average_upper"]], y, colour, lw=4, alpha=0.5)
        ax.plot(row["headline"], y, marker, color=colour, ms=8)
        labels.append(f"{name}, {row['series']:.0f} series")
    label_rows(ax, labels, size=9, margin=0.6)
    level = f"{rows['ci_prob'].dropna().iloc[0]:.0%}"
    across = f"{outcome.replace('_', ' ')}: thin, {level} of one more centre; thick, of the average"
    return percent(ax, across, title)


def densities(distributions: Mapping[str, Any], *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw densities over the risk, such as a prior against its posterior.

    Parameters
    ----------
    distributions : mapping of str to Distribution
        By the name to show: ``{"prior": rm.before_counts().new_setting, "posterior": post.new_setting}``.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One line for each; where a density rises without bound at 0 or 1 it is cut at the top.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    import numpy as np

    if not distributions or not all(hasattr(one, "pdf") for one in distributions.values()):
        raise InputError("no distribution to draw", where="plots", remedy="Give at least one by name")
    ax = axes_for(ax, (7, 3.4))
    # Closer near 0 and 1, where a risk may pile up.
    x = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 402)[1:-1])
    highest = 0.0
    for i, (name, one) in enumerate(distributions.items()):
        y = np.asarray(one.pdf(x), float)
        ax.plot(x, y, color=BY_K[i % len(BY_K)], ls=LINES[i % len(LINES)], lw=1.6, label=name)
        inner = (x > 0.02) & (x < 0.98)
        highest = max(highest, float(y[inner].max()))
    ax.set_ylim(0, 1.15 * highest)
    ax.legend(frameon=False, fontsize=9)
    return percent(ax, "risk", title, "density")
