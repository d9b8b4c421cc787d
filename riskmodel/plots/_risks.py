"""Tables of risks to axes: icons, routes, densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel.errors import InputError
from riskmodel.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from riskmodel.distributions.base import Distribution


def icons(table: pd.DataFrame, *, outcome: str, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw a risk as an icon array: filled to the lower end of its range, hatched to the upper one, the rest empty.

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
        100 icons, or 1,000 where fewer than 1 of 100, or more than 99, are expected; read from the top left. Those of a bad
        outcome are coloured, of a good one ink, as on the page. A black line runs behind the icons that the figure counts.

    Raises
    ------
    InputError
        If the table lacks a column or the outcome, or its risk is not estimable.

    References
    ----------
    Galesic M, Garcia-Retamero R, Gigerenzer G. Using icon arrays to communicate medical risks. Health Psychol
    2009;28:210-6.
    """
    names = ("outcome", "title", "complement", "polarity", "headline", "statistic", "lower", "upper", "ci_prob")
    style.need(table, names)
    rows = table[table["outcome"] == outcome]
    if rows.empty or rows["headline"].isna().iloc[0]:
        raise style.no_risk(outcome)
    row = rows.iloc[0]
    ax = style.axes_for(ax, (6.2, 6.6))
    from matplotlib.patches import Rectangle  # which `axes_for` has found, or has told

    figure = float(row["headline"])
    of = 100 if min(figure, 1 - figure) >= 0.01 else 1000
    across, down = (10, 10) if of == 100 else (40, 25)
    low, count, high = (round(of * float(row[name])) for name in ("lower", "headline", "upper"))
    hue = style.POLARITY[str(row["polarity"])]
    full, part, rest = (hue, hue, None), ("white", hue, "//" * (3 if of == 100 else 5)), ("white", style.REST, None)
    for i in range(of):
        face, edge, hatch = full if i < low else part if i < high else rest
        at = (i % across + 0.1, -(i // across) - 0.9)
        ax.add_patch(Rectangle(at, 0.8, 0.8, facecolor=face, edgecolor=edge, hatch=hatch, lw=0.8))
    # The figure is a line between two icons, not a colour of its own.
    line, column = divmod(count, across)
    steps = [(0, -line - 1), (column, -line - 1), (column, -line), (across, -line)]
    ax.plot(*zip(*(steps if column else [(0, -line), (across, -line)]), strict=True), color="black", lw=2.4)
    ax.set_xlim(-0.2, across + 0.2)
    ax.set_ylim(-down - 0.2, 0.4)
    ax.set_aspect("equal")
    ax.set_axis_off()
    style.titled(ax, title or f"{str(row['title']).capitalize()}, of {of:,}")
    span = f"{100 * float(row['ci_prob']):g} % range"
    said = (
        f"Filled: {low:,}, the low end of the {span}. Hatched: up to {high:,}, its high end. Empty: {row['complement']}. "
        f"Black line: {row['statistic']}, {count:,} of {of:,}."
    )
    style.note_below(ax, said, points=6, width=72)
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
    style.need(table, names)
    rows = table[(table["outcome"] == outcome) & (table["route"] != "answer")]
    rows = rows.drop_duplicates("route").set_index("route").reindex(["direct", "indirect", "combined"])
    if not rows["headline"].notna().any():
        raise style.no_risk(outcome)
    ax = style.axes_for(ax, (7, 2.4))
    marks = {"direct": (style.SHRUNKEN, "o"), "indirect": (style.AVERAGE, "D"), "combined": (style.NEW, "s")}
    labels: list[str] = []
    for y, (name, row) in zip((2, 1, 0), rows.iterrows(), strict=True):
        colour, marker = marks[str(name)]
        if row["headline"] != row["headline"]:
            style.not_estimable(ax, y)
            labels.append(str(name))
            continue
        ax.plot([row["lower"], row["upper"]], [y, y], color=colour, lw=1.4)
        style.interval(ax, [row["average_lower"], row["average_upper"]], y, colour, lw=8, alpha=0.3)
        ax.plot(row["headline"], y, marker, color=colour, ms=8)
        labels.append(f"{name}, {row['series']:.0f} series")
    style.label_rows(ax, labels, margin=0.6)
    level = f"{100 * rows['ci_prob'].dropna().iloc[0]:g} %"
    across = f"{style.words(outcome)}; thin: {level} of one more centre, thick: of the average"
    return style.percent(ax, across, title, ends=style.fitted(rows[["lower", "upper"]].to_numpy(float).ravel()))


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
        One line for each, over the narrowest axis that holds 99 % of one of them; where a density rises without bound at
        0 or 1 it is cut at the top.

    Raises
    ------
    InputError
        If there is nothing to draw.
    """
    if not distributions or not all(hasattr(one, "pdf") for one in distributions.values()):
        raise InputError("no distribution to draw", where="plots", remedy="Give at least one by name")
    inner: list[list[float]] = [one.ppf(np.array([0.005, 0.995])).tolist() for one in distributions.values()]
    narrowest: list[float] = min(inner, key=lambda span: span[1] - span[0])
    ends = style.fitted(narrowest)
    x = _grid(ends)
    return _curves(ax, x, ends, {name: np.asarray(one.pdf(x), float) for name, one in distributions.items()}, title)


def prior_likelihood_posterior(
    prior: Distribution, posterior: Distribution, *, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw what was held before, what the counts alone say, and what follows, of one risk.

    Parameters
    ----------
    prior, posterior : Distribution
        Of the same risk before and after: ``rm.before_counts().average`` and ``rm.pool(...).average`` under one prior.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Three lines. The likelihood is posterior over prior, scaled to the same area: of an average it is the marginal one,
        the heterogeneity integrated out under its prior.
    """
    ends = style.fitted(np.asarray(posterior.ppf(np.array([0.002, 0.998])), float))
    x = _grid(ends)
    before, after = np.asarray(prior.pdf(x), float), np.asarray(posterior.pdf(x), float)
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = np.where(before > 0, after / before, 0.0)
    likelihood = likelihood * np.trapezoid(after, x) / np.trapezoid(likelihood, x)
    curves = {"prior": before, "likelihood, scaled": likelihood, "posterior": after}
    return _curves(ax, x, ends, curves, title, filled="posterior")


def _grid(ends: tuple[float, float]) -> Any:
    """Risks between two ends, closer there, where a risk may pile up."""
    low, high = ends
    return low + (high - low) * (0.5 - 0.5 * np.cos(np.linspace(0, np.pi, 602)[1:-1]))


def _curves(
    ax: Axes | None, x: Any, ends: tuple[float, float], curves: Mapping[str, Any], title: str, filled: str = ""
) -> Axes:
    ax = style.axes_for(ax, (7, 3.8))
    highest = 0.0
    for i, (name, y) in enumerate(curves.items()):
        colour = style.BY_K[i % len(style.BY_K)]
        ax.plot(x, y, color=colour, ls=style.LINES[i % len(style.LINES)], lw=1.8, label=style.plain(name))
        if name == filled:
            ax.fill_between(x, y, color=colour, alpha=0.12, lw=0)
        highest = max(highest, float(y[12:-12].max()))
    ax.set_ylim(0, 1.12 * highest)
    style.percent(ax, "risk", title, "density", ends=ends)
    style.legend_below(ax)
    return ax
