"""Tables of what changes a risk to axes: tests, priors and readings, new counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from riskmodel.plots import _style as style

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
    style.need(table, ("title", "outcome", "p_abnormal", "before", "if_normal", "if_normal_lower", "if_abnormal"))
    rows = table[table["outcome"] == outcome]
    if rows.empty:
        raise style.no_risk(outcome, "no step changes")
    ax = style.axes_for(ax, style.size_of(len(rows), 8.5, more=1.5, each=0.85))
    labels: list[str] = []
    normal, abnormal = (0.25, style.SHRUNKEN, "^"), (-0.25, style.NEW, "v")
    risks = {"before": (0.0, style.OBSERVED, "o"), "if_normal": normal, "if_abnormal": abnormal}
    for y, row in style.by_row(rows):
        for name, (shift, colour, marker) in risks.items():
            line = "-" if row[name] == row[name] else "--"
            ax.plot([row[f"{name}_lower"], row[f"{name}_upper"]], [y + shift] * 2, color=colour, ls=line, lw=2)
            ax.plot(row[name], y + shift, marker, color=colour, ms=8, label=name.replace("_", " "))
        labels.append(_step(row))
    style.label_rows(ax, labels, margin=0.6, lines=3)
    names = [f"{name}{end}" for name in risks for end in ("_lower", "_upper")]
    bounds = "; dashed: bounds where it is not estimable" if rows[[*risks]].isna().any(axis=None) else ""
    across = f"{style.words(outcome)}, with 95 % interval{bounds}"
    style.percent(ax, across, title, ends=style.fitted(rows[names].to_numpy(float).ravel()))
    style.legend_below(ax)
    return ax


def information_gain(table: pd.DataFrame, *, outcome: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw what each test is worth: how much its result is expected to tell of an outcome.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Consultation.workup_table`.
    outcome : str
        Of which it tells.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        A bar for each step, the largest on top: mutual information of result and outcome in bits, and hatched as far as
        branches that no series reports could raise it. A yes or no at even odds is one bit.

    Raises
    ------
    InputError
        If the table lacks a column or the outcome.

    References
    ----------
    Shannon CE. A mathematical theory of communication. Bell Syst Tech J 1948;27:379-423.
    """
    style.need(table, ("title", "outcome", "p_abnormal", "bits", "bits_at_most"))
    rows = table[(table["outcome"] == outcome) & (table["bits"].notna() | table["bits_at_most"].notna())]
    if rows.empty:
        raise style.no_risk(outcome, "no step tells of")
    rows = rows.sort_values("bits_at_most", ascending=False, kind="stable")
    ax = style.axes_for(ax, style.size_of(len(rows), 7.5, more=1.3, each=0.5))
    labels = []
    for y, row in style.by_row(rows):
        least = 0.0 if row["bits"] != row["bits"] else max(float(row["bits"]), 0.0)
        most = max(float(row["bits_at_most"]), least)
        ax.barh(y, most, height=0.55, color="white", edgecolor=style.SHRUNKEN, hatch="///", lw=0.8)
        ax.barh(y, least, height=0.55, color=style.SHRUNKEN, edgecolor=style.SHRUNKEN, lw=0.8)
        told = f"{least:.2g}" + (f" to {most:.2g}" if f"{most:.2g}" != f"{least:.2g}" else "")
        ax.annotate(told, (most, y), (4, 0), textcoords="offset points", va="center", fontsize=9, color=style.INK)
        labels.append(_step(row))
    style.label_rows(ax, labels, lines=3)
    ax.set_xlim(0, 1.15 * max(float(rows["bits_at_most"].max()), 1e-3))
    ax.tick_params(axis="y", length=0)
    across = f"expected information about {style.words(outcome)}, bits; hatched: at most"
    return style.finish(ax, title, across, hidden=("top", "right", "left"))


def _step(row: pd.Series[Any]) -> str:
    """A step's title, and how often its result is abnormal where that is known."""
    p = row["p_abnormal"]
    return str(row["title"]) + ("" if p != p else f"\nabnormal in {style.share(p)}")


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
    style.need(table, ("outcome", "kind", "variant", "probability", "lower", "upper"))
    rows = table[(table["outcome"] == outcome) & table["probability"].notna()]
    if rows.empty or rows["kind"].iloc[0] != "answer":
        raise style.no_risk(outcome)
    answer = float(rows["probability"].iloc[0])
    rows = rows.iloc[1:]
    ax = style.axes_for(ax, style.size_of(len(rows), 8, more=1.7))
    ax.axvline(answer, color=style.OBSERVED, lw=1.2)
    marks = {
        "prior": (style.SHRUNKEN, "o"),
        "reading": (style.AVERAGE, "D"),
        "unknown": ("#CC79A7", "^"),
        "tested": ("#E69F00", "v"),
        "left out": (style.NEW, "s"),
        "dependence": ("#56B4E9", "P"),
    }
    names = []
    for y, row in style.by_row(rows):
        kind = str(row["kind"])
        colour, marker = marks[kind]
        if row["lower"] == row["lower"]:
            ax.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=1, ls=":")
        ax.plot([answer, row["probability"]], [y, y], color=colour, lw=1.2)
        ax.plot(row["probability"], y, marker, color=colour, ms=7, label=kind)
        names.append(f"{'without ' if kind == 'left out' else ''}{row['variant']}")
    style.label_rows(ax, names)
    dotted = "; dotted: interval" if rows["lower"].notna().any() else ""
    across = f"{style.words(outcome)}: mean; grey line: as answered, {style.share(answer)}{dotted}"
    told = rows[["probability", "lower", "upper"]].to_numpy(float).ravel()
    style.percent(ax, across, title, ends=style.fitted([answer, *told]))
    style.legend_below(ax, 6)
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
        One row for each branch and outcome: before above, after below. A question that is one branch has one row, and one
        that nothing moved none; a note says how many.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    names = ["before", "before_lower", "before_upper", "after", "after_lower", "after_upper"]
    style.need(table, ("kind", "title", *names))
    several = ~table.duplicated(names) | table[["before", "after"]].isna().all(axis=1)
    same = (table[names[:3]].to_numpy(float) == table[names[3:]].to_numpy(float)).all(axis=1)
    rows = table[several & ~same]
    still = int((several & same).sum())
    rows = rows if len(rows) else table[several]
    ax = style.axes_for(ax, style.size_of(len(rows), 8.5, more=1.6, each=0.48))
    marks = ("before", 0.16, style.OBSERVED, "o"), ("after", -0.16, style.SHRUNKEN, "D")
    for y, row in style.by_row(rows):
        for when, shift, colour, marker in marks:
            if row[when] != row[when]:
                style.not_estimable(ax, y + shift, f"{when}: ")
                continue
            style.interval(ax, [row[f"{when}_lower"], row[f"{when}_upper"]], y + shift, colour)
            ax.plot(row[when], y + shift, marker, color=colour, ms=6, zorder=3, label=when)
    style.label_rows(ax, [str(row["title"]) for _, row in style.by_row(rows)])
    branches = int((rows["kind"] == "branch").sum())
    if 0 < branches < len(rows):
        ax.axhline(len(rows) - branches - 0.5, color=style.LINE, lw=0.8)
    note = "" if not still or len(rows) + still != int(several.sum()) else f"; {still} more did not move"
    across = f"risk, with 95 % equal-tailed interval for a new setting{note}"
    style.percent(ax, across, title, ends=style.fitted(rows[names].to_numpy(float).ravel()))
    style.legend_below(ax, 2)
    return ax
