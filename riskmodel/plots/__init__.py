"""Tables to Matplotlib axes: nothing is computed here, and no other file knows Matplotlib.

Each picture takes the table that a verb of the library gives and returns the axes it drew on. The numbers drawn are the
table's, so that a reader without Matplotlib has them all.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from riskmodel.errors import InputError, UnavailableError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

#: Okabe and Ito's colours, told apart in every common form of colour blindness; shapes differ as well.
_OBSERVED, _SHRUNKEN, _AVERAGE, _NEW = "#999999", "#0072B2", "#009E73", "#D55E00"
#: More of theirs, for up to seven values of K.
_BY_K = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
_LINES = ("-", "--", "-.", ":")


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
    _need(table, ("estimand", "label", "events", "total", "observed", "mean", "lower", "upper", "ci_prob"))
    rows = table[table["estimand"] != "heterogeneity"].reset_index(drop=True)
    ax = _axes(ax, (7.5, 1.4 + 0.42 * len(rows)))
    labels = []
    for i, row in rows.iterrows():
        y = len(rows) - 1 - int(str(i))
        kind = str(row["estimand"])
        colour, marker = {"series": (_SHRUNKEN, "o"), "average": (_AVERAGE, "D"), "new_setting": (_NEW, "s")}[kind]
        ax.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=2, solid_capstyle="butt", zorder=2)
        first = kind != "series" or i == 0
        name = {"series": "shrunken", "average": "average", "new_setting": "new setting"}[kind] if first else "_"
        ax.plot(row["mean"], y, marker, color=colour, ms=7, label=name, zorder=3)
        if kind == "series":
            ax.plot(
                row["observed"], y, "|", color=_OBSERVED, ms=15, mew=2.5, zorder=1, label="observed" if first else "_"
            )
            labels.append(f"{row['label']}  {row['events']}/{row['total']}")
        else:
            labels.append(kind.replace("_", " "))
    ax.set_yticks(range(len(rows) - 1, -1, -1), labels)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    series = int((rows["estimand"] == "series").sum())
    ax.axhline(len(rows) - series - 0.5, color="0.8", lw=0.8)
    _percent(ax)
    ax.set_xlabel(f"risk, with {round(100 * float(rows['ci_prob'].iloc[0]))} % equal-tailed interval")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.28 if len(rows) < 6 else -0.16), ncols=4, frameon=False, fontsize=9
    )
    return ax


def tree(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """The probability tree: each branch with its risk, interval and counts; unknown branches dashed.

    Parameters
    ----------
    table : pandas.DataFrame
        From `ProbabilityTree.branches`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Without scales: position means only order.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    _need(
        table,
        (
            "variable",
            "category",
            "given",
            "after",
            "status",
            "series",
            "events",
            "total",
            "mean",
            "lower",
            "upper",
            "definition",
        ),
    )
    rows: dict[str, list[dict[Any, Any]]] = {}
    for row in table.to_dict("records"):
        rows.setdefault(row["given"], []).append(row)
    states = _states(table)
    places: dict[str, tuple[float, float]] = {}
    leaves = 0

    def place(path: str) -> float:
        nonlocal leaves
        depth = 0 if not path else path.count(";") + 1
        if path not in rows:
            y, leaves = float(leaves), leaves + 1
        else:
            variable = str(rows[path][0]["variable"])
            ys = [place(_child(path, variable, state)) for state in states[variable]]
            y = sum(ys) / len(ys)
        places[path] = (float(depth), -y)
        return y

    place("")
    ax = _axes(ax, (12, 1.2 + 0.7 * leaves))
    for path, splits in rows.items():
        if path not in places:
            continue
        x0, y0 = places[path]
        variable = str(splits[0]["variable"])
        for state in states[variable]:
            x1, y1 = places[_child(path, variable, state)]
            # The last of several states is what the last branch leaves.
            row = next((one for one in splits if one["category"] == state), splits[-1])
            known = row["status"] in ("counts", "elicited", "structural")
            ax.plot(
                [x0, x0 + 0.18, x1], [y0, y1, y1], color="0.35" if known else "0.6", ls="-" if known else "--", lw=1.3
            )
            head, foot = _branch_label(row, state, state == row["category"])
            ax.text(x0 + 0.2, y1 + 0.07, head, fontsize=9, va="bottom")
            ax.text(x0 + 0.2, y1 - 0.07, foot, fontsize=7.5, va="top", color="0.4")
    ax.set_xlim(-0.05, max(x for x, _ in places.values()) + 0.1)
    ax.set_ylim(-leaves + 0.4, 0.8)
    ax.set_axis_off()
    ax.set_title(title, loc="left", fontsize=11)
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
    _need(table, ("outcome", "title", "complement", "probability", "lower", "upper", "ci_prob"))
    rows = table[table["outcome"] == outcome]
    if rows.empty or rows["probability"].isna().iloc[0]:
        raise InputError(f"no estimable risk of {outcome!r} in the table", where="plots", remedy="Draw another outcome")
    row = rows.iloc[0]
    ax = _axes(ax, (5.2, 5.6))
    low, figure, high = (round(100 * float(row[name])) for name in ("lower", "probability", "upper"))
    for i in range(100):
        x, y = i % 10, -(i // 10)
        face, edge, hatch = (
            (_NEW, _NEW, None) if i < low else ("white", _NEW, "////") if i < high else ("0.9", "0.75", None)
        )
        ax.add_patch(_square(x, y, face, edge, hatch))
    # The best single figure is a line between two icons, not a colour of its own.
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
    ax.text(
        -0.5,
        -10.8,
        f"black line: best single figure {figure}; the rest, grey: {row['complement']}",
        fontsize=8.5,
        va="top",
    )
    return ax


def _square(x: float, y: float, face: str, edge: str, hatch: str | None) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.4, y - 0.4), 0.8, 0.8, facecolor=face, edgecolor=edge, hatch=hatch, lw=0.8)


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
    _need(table, ("title", "outcome", "p_abnormal", "before", "if_normal", "if_normal_lower", "if_abnormal"))
    rows = table[table["outcome"] == outcome].reset_index(drop=True)
    if rows.empty:
        raise InputError(f"no step changes {outcome!r} in the table", where="plots", remedy="Draw another outcome")
    ax = _axes(ax, (8, 1.5 + 0.9 * len(rows)))
    labels = []
    for i, row in rows.iterrows():
        y = len(rows) - 1 - int(str(i))
        for name, shift, colour, marker in (
            ("before", 0.0, _OBSERVED, "o"),
            ("if_normal", 0.25, _SHRUNKEN, "^"),
            ("if_abnormal", -0.25, _NEW, "v"),
        ):
            style = "-" if row[name] == row[name] else "--"
            label = name.replace("_", " ") if i == 0 else "_"
            ax.plot([row[f"{name}_lower"], row[f"{name}_upper"]], [y + shift] * 2, color=colour, ls=style, lw=2)
            ax.plot(row[name], y + shift, marker, color=colour, ms=8, label=label)
        expected = "" if row["p_abnormal"] != row["p_abnormal"] else f"\nabnormal in {row['p_abnormal']:.0%}"
        labels.append(f"{_wrapped(str(row['title']))}{expected}")
    ax.set_yticks(range(len(rows) - 1, -1, -1), labels, fontsize=9)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    _percent(ax)
    ax.set_xlabel(f"{outcome.replace('_', ' ')}, with 95 % interval; dashed: bounds where it is not estimable")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
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
    _need(table, ("outcome", "kind", "variant", "probability"))
    rows = table[(table["outcome"] == outcome) & table["probability"].notna()].reset_index(drop=True)
    if rows.empty or rows["kind"].iloc[0] != "answer":
        raise InputError(f"no estimable risk of {outcome!r} in the table", where="plots", remedy="Draw another outcome")
    answer = float(rows["probability"].iloc[0])
    rows = rows.iloc[1:].reset_index(drop=True)
    ax = _axes(ax, (7, 1.4 + 0.32 * len(rows)))
    ax.axvline(answer, color="0.6", lw=1.2)
    marks = {
        "prior": (_SHRUNKEN, "o"),
        "reading": (_AVERAGE, "D"),
        "unknown": ("#CC79A7", "^"),
        "tested": ("#E69F00", "v"),
        "left out": (_NEW, "s"),
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
    ax.set_yticks(range(len(rows) - 1, -1, -1), names, fontsize=9)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    _percent(ax)
    ax.set_xlabel(f"{outcome.replace('_', ' ')}: best single figure; grey line: as answered, {answer:.0%}")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
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
        One row for each route: the best single figure, the interval of a new setting, and that of the average, thick. A
        route without an answer says so.

    Raises
    ------
    InputError
        If the table lacks a column, or no route to the outcome has an answer.
    """
    _need(
        table,
        ("outcome", "route", "probability", "lower", "upper", "average_lower", "average_upper", "series", "ci_prob"),
    )
    rows = table[(table["outcome"] == outcome) & (table["route"] != "answer")]
    rows = rows.drop_duplicates("route").set_index("route").reindex(["direct", "indirect", "combined"])
    if not rows["probability"].notna().any():
        raise InputError(f"no estimable risk of {outcome!r} in the table", where="plots", remedy="Draw another outcome")
    ax = _axes(ax, (7, 2.4))
    marks = {"direct": (_SHRUNKEN, "o"), "indirect": (_AVERAGE, "D"), "combined": (_NEW, "s")}
    names = []
    for y, (name, row) in zip((2, 1, 0), rows.iterrows(), strict=True):
        colour, marker = marks[str(name)]
        if row["probability"] != row["probability"]:
            ax.text(0.5, y, "not estimable", ha="center", va="center", fontsize=9, color="0.4")
            names.append(str(name))
            continue
        ax.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=1.4)
        ax.plot(
            [row["average_lower"], row["average_upper"]], [y, y], color=colour, lw=4, alpha=0.5, solid_capstyle="butt"
        )
        ax.plot(row["probability"], y, marker, color=colour, ms=8)
        names.append(f"{name}, {row['series']:.0f} series")
    ax.set_yticks([2, 1, 0], names, fontsize=9)
    ax.set_ylim(-0.6, 2.6)
    _percent(ax)
    level = f"{rows['ci_prob'].dropna().iloc[0]:.0%}"
    ax.set_xlabel(f"{outcome.replace('_', ' ')}: thin, {level} of one more centre; thick, of the average")
    ax.set_title(title, loc="left", fontsize=11)
    return ax


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

    if not distributions:
        raise InputError("no distribution to draw", where="plots", remedy="Give at least one by name")
    ax = _axes(ax, (7, 3.4))
    # Closer near 0 and 1, where a risk may pile up.
    x = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 402)[1:-1])
    highest = 0.0
    for (name, one), colour, line in zip(
        distributions.items(), itertools.cycle(_BY_K), itertools.cycle(_LINES), strict=False
    ):
        y = np.asarray(one.pdf(x), float)
        ax.plot(x, y, color=colour, ls=line, lw=1.6, label=name)
        inner = (x > 0.02) & (x < 0.98)
        highest = max(highest, float(y[inner].max()))
    ax.set_ylim(0, 1.15 * highest)
    _percent(ax)
    ax.set_ylabel("density")
    ax.set_xlabel("risk")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(frameon=False, fontsize=9)
    return ax


def pit_histogram(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw how PIT values spread: level where predictions are right, a hump where intervals are too wide.

    Parameters
    ----------
    table : pandas.DataFrame
        From `CalibrationRecord.histogram_table`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One bar for each bin, with its 95 % interval by resampling data sets.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    _need(table, ("left", "right", "density", "density_lower", "density_upper"))
    ax = _axes(ax, (5, 3.6))
    middle = (table["left"] + table["right"]) / 2
    ax.bar(middle, table["density"], width=table["right"] - table["left"], color="#9CC3DD", edgecolor="white", lw=0.8)
    ax.vlines(middle, table["density_lower"], table["density_upper"], color=_SHRUNKEN, lw=1.4)
    ax.axhline(1, color="black", lw=1.2, ls="--")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, None)
    ax.set_xlabel("PIT, all K together; lines: 95 % by resampling data sets")
    ax.set_ylabel("density")
    _quiet(ax, title)
    return ax


def pit_ecdf(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the distribution of PIT values less the uniform one, with simultaneous bands.

    Parameters
    ----------
    table : pandas.DataFrame
        From `CalibrationRecord.ecdf_table`, by K, or that of a simulation (`validation/`), by quantity.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One line for each K or quantity; the band is the widest of theirs.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    by = "quantity" if "quantity" in table else "k"
    _need(table, (by, "z", "difference", "lower", "upper"))
    ax = _axes(ax, (5, 3.6))
    band = table.groupby("z", sort=True).agg({"lower": "min", "upper": "max"})
    ax.fill_between(band.index, band["lower"], band["upper"], color="0.9", lw=0, label="95 % band")
    for i, (name, rows) in enumerate(table.groupby(by, sort=False)):
        label = f"K = {name}" if by == "k" else str(name).replace("_", " ")
        ax.plot(rows["z"], rows["difference"], color=_BY_K[i % len(_BY_K)], ls=_LINES[i % 4], lw=1.5, label=label)
    ax.axhline(0, color="black", lw=1.2, ls="--")
    ax.set_xlim(0, 1)
    whose = "independent series" if by == "k" else "all quantities"
    ax.set_xlabel(f"PIT; band: {whose}, all points at once")
    ax.set_ylabel("ECDF less uniform")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False, fontsize=9)
    _quiet(ax, title)
    return ax


def coverage(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw how often central intervals hold the left-out series, by the number of series pooled.

    Parameters
    ----------
    table : pandas.DataFrame
        From `CalibrationRecord.coverage_table`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One row of points for each nominal level, with 95 % intervals; dashed lines at what is promised.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    from matplotlib.ticker import PercentFormatter

    _need(table, ("k", "level", "coverage", "lower", "upper"))
    ax = _axes(ax, (5, 3.6))
    names = list(dict.fromkeys(table["k"]))
    marks = zip(table.groupby("level"), (_NEW, _AVERAGE, _SHRUNKEN), "sDo", (-0.08, 0.0, 0.08), strict=False)
    for (level, rows), colour, marker, shift in marks:  # shifted, since intervals that fail overlap
        share = float(str(level))
        places = [names.index(k) + shift for k in rows["k"]]
        ax.axhline(share, color=colour, lw=1, ls="--", zorder=1)
        ax.vlines(places, rows["lower"], rows["upper"], color=colour, lw=2, zorder=2)
        ax.plot(places, rows["coverage"], marker, color=colour, ms=7, zorder=3)
        ax.annotate(f"{share:.0%}", (1.01, share), xycoords=("axes fraction", "data"), va="center", color=colour)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_ylim(max(0.0, min(0.3, float(table[["coverage", "lower"]].min().min()) - 0.03)), 1.01)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    ax.set_xlabel("K, series pooled")
    ax.set_ylabel("intervals that hold")
    _quiet(ax, title)
    return ax


def calibration(histogram: pd.DataFrame, ecdf: pd.DataFrame, held: pd.DataFrame, *, title: str = "") -> list[Axes]:
    """Draw a calibration: PIT histogram, ECDF with bands, and coverage by K, side by side.

    Parameters
    ----------
    histogram, ecdf, held : pandas.DataFrame
        From `CalibrationRecord.histogram_table`, `ecdf_table` and `coverage_table`.
    title : str
        Above the first.

    Returns
    -------
    list of matplotlib.axes.Axes
        Of one figure.
    """
    first = _axes(None, (15, 4.4))
    figure = first.get_figure()
    assert figure is not None
    first.remove()
    axes = [figure.add_subplot(1, 3, i + 1) for i in range(3)]
    pit_histogram(histogram, ax=axes[0], title=title)
    pit_ecdf(ecdf, ax=axes[1])
    coverage(held, ax=axes[2])
    return axes


def before_after(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """A forest plot before and after new counts.

    Parameters
    ----------
    table : pandas.DataFrame
        From `riskmodel.updating.refit.Update.move_table`.
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
    _need(table, ("kind", "title", *names))
    rows = table.reset_index(drop=True)
    ax = _axes(ax, (8.5, 1.4 + 0.5 * len(rows)))
    labels = []
    for i, row in rows.iterrows():
        y = len(rows) - 1 - int(str(i))
        for when, shift, colour, marker in (("before", 0.16, _OBSERVED, "o"), ("after", -0.16, _SHRUNKEN, "D")):
            if row[when] != row[when]:
                ax.text(0.01, y + shift, f"{when}: not estimable", fontsize=7.5, va="center", color="0.4")
                continue
            ends = [row[f"{when}_lower"], row[f"{when}_upper"]]
            ax.plot(ends, [y + shift] * 2, color=colour, lw=2, solid_capstyle="butt", zorder=2)
            known = when in {line.get_label() for line in ax.lines}
            ax.plot(row[when], y + shift, marker, color=colour, ms=6, zorder=3, label="_" if known else when)
        labels.append(_wrapped(str(row["title"])))
    ax.set_yticks(range(len(rows) - 1, -1, -1), labels, fontsize=8)
    ax.set_ylim(-0.7, len(rows) - 0.3)
    branches = int((rows["kind"] == "branch").sum())
    if 0 < branches < len(rows):
        ax.axhline(len(rows) - branches - 0.5, color="0.8", lw=0.8)
    _percent(ax)
    ax.set_xlabel("risk, with 95 % equal-tailed interval for a new setting")
    ax.set_title(title, loc="left", fontsize=11)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.9 / (1 + len(rows))), ncols=2, frameon=False, fontsize=9)
    return ax


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
    one = axes[0] if isinstance(axes, Sequence) else axes
    figure = one.get_figure(root=True)
    assert figure is not None
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise InputError(f"{error}", where=str(path), remedy="Give a file such as picture.png or picture.svg") from None


def _quiet(ax: Axes, title: str) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.set_title(title, loc="left", fontsize=11)


def _wrapped(text: str) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, 34))


def _branch_label(row: Mapping[Any, Any], state: str, is_category: bool) -> tuple[str, str]:
    """What stands above and below a branch."""
    head = f"{row['variable']} {state}" + (f", if not {row['after'].replace(', ', ' or ')}" if row["after"] else "")
    mean = row["mean"]
    if row["status"] == "unknown":
        return head, "unknown"
    if mean != mean:
        return head, "no series"
    share = mean if is_category else 1 - mean
    if row["status"] != "counts":
        return f"{head}  {share:.0%}", "by definition" if row["status"] == "structural" else "judged"
    events = row["events"] if is_category else row["total"] - row["events"]
    low, high = (row["lower"], row["upper"]) if is_category else (1 - row["upper"], 1 - row["lower"])
    return f"{head}  {share:.0%}", f"{low:.0%} to {high:.0%}; {events}/{row['total']}, {row['series']} series"


def _child(path: str, variable: str, state: str) -> str:
    return f"{path}; {variable}={state}" if path else f"{variable}={state}"


def _states(table: pd.DataFrame) -> dict[str, list[str]]:
    """States of each variable: those on paths, and the category counted with its complement for the last one."""
    found: dict[str, list[str]] = {}
    for path in table["given"]:
        for part in filter(None, str(path).split("; ")):
            name, state = part.split("=")
            if state not in found.setdefault(name, []):
                found[name].append(state)
    for variable, category in zip(table["variable"], table["category"], strict=True):
        names = found.setdefault(str(variable), [])
        if category not in names:
            names.append(str(category))
        if len(names) == 1:
            names.append(f"not {category}")
    return found


def _percent(ax: Axes) -> None:
    from matplotlib.ticker import PercentFormatter

    ax.set_xlim(-0.01, 1.01)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0))
    ax.grid(axis="x", color="0.92", zorder=0)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise UnavailableError("Matplotlib is not installed", where="plots", remedy="pip install matplotlib") from None
    # pyplot's, so that a notebook shows it and plt.show() finds it.
    return plt.subplots(figsize=size, layout="constrained")[1]


def _need(table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [name for name in columns if name not in getattr(table, "columns", ())]
    if missing:
        raise InputError(
            f"the table lacks {', '.join(missing)}",
            where="plots",
            remedy="Give the table that this picture's description names",
        )
