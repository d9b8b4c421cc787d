"""Series and what they say together to axes: forest, shrinkage, drapery and funnel plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from riskmodel.errors import InputError
from riskmodel.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from riskmodel.posterior import Posterior

_ESTIMANDS = ("estimand", "label", "events", "total", "observed", "mean", "lower", "upper", "ci_prob")


def forest(
    table: pd.DataFrame, *, weights: Sequence[float] | None = None, ax: Axes | None = None, title: str = ""
) -> Axes:
    """Draw a forest plot: each series as observed and shrunken, the average, and the risk in a new setting.

    Parameters
    ----------
    table : pandas.DataFrame
        From `Posterior.table`; a column weight, where it has one, is drawn as `weights` are.
    weights : sequence of float, optional
        Of each series, in the order of the table, such as the weights of `riskmodel.between.shrinkage`: a column,
        and the area of the squares.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        One row for each estimand, with columns of counts, mean and interval, and weight; the axis of risks reaches as far as
        the intervals do. A square is what a series observed, a line and dot its own risk given all others; the average is a
        diamond as wide as its interval.

    Raises
    ------
    InputError
        If the table lacks a column, or there are not as many weights as series.
    """
    style.need(table, _ESTIMANDS)
    rows = table[table["estimand"] != "heterogeneity"]
    series = rows["estimand"] == "series"
    shares, weighed = _shares(rows[series], weights), weights is not None or "weight" in table
    ax = style.axes_for(ax, style.size_of(len(rows), 10, more=1.5))
    largest = max(shares, default=1.0) or 1.0
    ends = [*rows["lower"], *rows["upper"], *rows.loc[series, "observed"]]
    for (y, row), weight in zip(style.by_row(rows), [*shares, 0.0, 0.0], strict=False):
        kind, lower, upper = str(row["estimand"]), float(row["lower"]), float(row["upper"])
        thin = 1.2 if len(rows) > style.FEW else 1.8
        if kind == "series":
            name = "observed, by weight" if weighed else "observed"
            size = (9.5 if len(rows) <= style.FEW else 6) * max(0.3, (weight / largest) ** 0.5)
            ax.plot(row["observed"], y, "s", color=style.OBSERVED, ms=size, alpha=0.55, mew=0, zorder=1, label=name)
            style.interval(ax, [lower, upper], y, style.SHRUNKEN, lw=thin)
            name = "its own risk, shrunken"
            ax.plot(row["mean"], y, "o", color=style.SHRUNKEN, ms=2 + 2 * thin, label=name, zorder=3)
        elif kind == "average":
            ax.axvline(row["mean"], color=style.AVERAGE, lw=0.9, ls=(0, (4, 3)), zorder=0)
            corners = [lower, float(row["mean"]), upper, float(row["mean"])]
            ax.fill(corners, [y, y + 0.3, y, y - 0.3], color=style.AVERAGE, lw=0, zorder=3, label="average")
        else:
            style.interval(ax, [lower, upper], y, style.NEW, lw=5, alpha=0.35)
            ax.plot(row["mean"], y, "D", color=style.NEW, ms=6, label="new setting", zorder=3)
    told = zip(rows["estimand"], rows["label"], strict=True)
    style.label_rows(ax, [str(label) if kind == "series" else style.words(kind) for kind, label in told])
    bottom = int((~series).sum()) - 0.5
    ax.axhline(bottom, color=style.SOFT, lw=0.8)
    level = f"{100 * float(rows['ci_prob'].iloc[0]):g} %"
    style.percent(ax, f"risk, with {level} equal-tailed interval", "", ends=style.fitted(ends))
    style.titled(ax, title, room=18)
    _columns(ax, rows, shares if weighed else None, level)
    style.legend_below(ax)
    return ax


def _shares(series: pd.DataFrame, weights: Sequence[float] | None) -> list[float]:
    given = weights if weights is not None else series["weight"] if "weight" in series else np.ones(len(series))
    found = [float(one) for one in given]
    if len(found) != len(series):
        what = f"{len(found)} weights for {len(series)} series"
        raise InputError(what, where="weights", remedy="Give one for each series, in the table's order")
    return found


def _columns(ax: Axes, rows: pd.DataFrame, shares: Sequence[float] | None, level: str) -> None:
    """Counts, mean with interval, and weight beside each row."""
    places = style.digits([float(one) for one in rows["mean"]])
    counts = [f"{row['events']}/{row['total']}" if row["estimand"] == "series" else "" for _, row in style.by_row(rows)]
    told = [
        f"{100 * row['mean']:.{places}f} [{100 * row['lower']:.{places}f}, {100 * row['upper']:.{places}f}]"
        for _, row in style.by_row(rows)
    ]
    wide = max(map(len, counts)) > 9
    columns = [("events/total", 88 if wide else 70, counts), (f"risk % [{level}]", 82 + 16 * places, told)]
    if shares is not None:
        whole = sum(shares) or 1.0
        parts = [f"{100 * one / whole:.1f} %" for one in shares]
        columns.append(("weight", 50, [*parts, *[""] * (len(rows) - len(parts))]))
    style.columns_beside(ax, columns, len(rows) - 0.3)


def shrinkage(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw how far each series' own risk moves from what it observed towards the average.

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
        An arrow for each series that moves visibly, the largest shift on top; the average is a line.

    Raises
    ------
    InputError
        If the table lacks a column.

    References
    ----------
    Efron B, Morris C. Data analysis using Stein's estimator and its generalizations. J Am Stat Assoc 1975;70:311-9.
    """
    style.need(table, _ESTIMANDS)
    rows = table[table["estimand"] == "series"].astype({"observed": "float64", "mean": "float64"})
    shifts = (rows["observed"] - rows["mean"]).abs().to_numpy()
    rows = rows.iloc[np.argsort(-shifts, kind="stable")]
    average = table.loc[table["estimand"] == "average"].iloc[0]
    ax = style.axes_for(ax, style.size_of(len(rows), 7.5, more=1.6))
    thin = len(rows) > style.FEW
    name = "average, with its interval"
    ax.axvspan(average["lower"], average["upper"], color=style.AVERAGE, alpha=0.12, lw=0, label=name)
    ax.axvline(average["mean"], color=style.AVERAGE, lw=1.4)
    low, high = style.fitted([*rows["observed"], *rows["mean"], average["lower"], average["upper"]])
    for y, row in style.by_row(rows):
        arrow = {"arrowstyle": "-|>", "color": style.SOFT, "lw": 0.8 if thin else 1.2, "shrinkA": 0, "shrinkB": 2}
        visible = 0.02 * (high - low)  # less is hidden by both marks, and the arrow's head turns round
        if abs(row["observed"] - row["mean"]) > visible:
            ax.annotate("", (row["mean"], y), (row["observed"], y), arrowprops=arrow)
    heights = range(len(rows) - 1, -1, -1)
    ax.plot(rows["observed"], heights, "s", color=style.OBSERVED, ms=4 if thin else 6.5, label="observed")
    ax.plot(rows["mean"], heights, "o", color=style.SHRUNKEN, ms=4 if thin else 6.5, label="its own risk, shrunken")
    style.label_rows(ax, [f"{row['label']}  {row['events']}/{row['total']}" for _, row in style.by_row(rows)])
    style.percent(ax, "risk", title, ends=(low, high))
    style.legend_below(ax, 3)
    return ax


def drapery(posterior: Posterior, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw every interval at once: two-sided tail probabilities of each series, the average and a new setting.

    Parameters
    ----------
    posterior : Posterior
        Of a pool.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        For each series its exact binomial test's probability at every risk (Clopper and Pearson's tails), for average and
        new setting twice the smaller tail of the posterior. A line cut at a height has the interval of one minus that.

    References
    ----------
    Rücker G, Schwarzer G. Beyond the forest plot: the drapery plot. Res Synth Methods 2021;12:13-9.
    """
    from scipy.special import bdtr, bdtrc, expit, logit

    table = posterior.table()
    rows = table[table["estimand"] != "heterogeneity"]
    ax = style.axes_for(ax, (7.5, 4.8))
    reach = posterior.new_setting.ppf(np.array([0.002, 0.998]))
    ends = [*reach, *rows.loc[rows["estimand"] == "series", "observed"].astype(float)]
    low, high = max(float(min(ends)), 1e-9), min(float(max(ends)), 1.0)
    grid = np.concatenate([expit(np.linspace(-14, 14, 240)), np.linspace(low, high, 300)])
    x = np.unique(np.clip(grid, float(expit(-14)), float(expit(logit(1 - 1e-6)))))
    levels = expit(np.linspace(-9, 9, 500))
    faint = max(0.12, min(0.8, 4 / max(len(rows), 1)))
    for place, (y, n) in enumerate(zip(posterior.events, posterior.totals, strict=True)):
        above = np.ones_like(x) if y == 0 else bdtrc(float(y - 1), int(n), x)
        tails = np.minimum(2 * np.minimum(bdtr(float(y), int(n), x), above), 1.0)
        ax.plot(x, tails, color=style.OBSERVED, lw=1, alpha=faint, label="_" if place else "each series, by itself")
    average = "average", posterior.average, style.AVERAGE, "-"
    for name, one, colour, line in (average, ("new setting", posterior.new_setting, style.NEW, (0, (5, 2)))):
        ax.plot(one.quick_ppf(levels), 2 * np.minimum(levels, 1 - levels), color=colour, lw=2.4, ls=line, label=name)
    for level in (0.05, 0.5):
        ax.axhline(level, color="0.8", lw=0.8, zorder=0)
        said = f"{100 * (1 - level):g} % interval"
        ax.annotate(
            said, (1.0, level), (4, 0), xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8,
            color=style.SOFT, va="center",
        )  # fmt: skip
    ax.set_ylim(0, 1.03)
    style.percent(ax, "risk", title, "two-sided tail probability", ends=style.fitted(ends))
    ax.spines["left"].set_visible(True)
    style.legend_below(ax, 3)
    return ax


def funnel(posterior: Posterior, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw each series' share against its size, with what chance and settings that differ would let it be.

    Parameters
    ----------
    posterior : Posterior
        Of a pool.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure otherwise.
    title : str
        Above the picture.

    Returns
    -------
    matplotlib.axes.Axes
        Share observed across, size upwards on a logarithmic axis. Of proportions a funnel can not show that series are
        missing, and a note on the picture says so: size goes with the kind of clinic, near 0 or 100 % one side has no room,
        and a standard error in place of the size would depend on the share itself.

    References
    ----------
    Hunter JP, et al. In meta-analyses of proportion studies, funnel plots were found to be an inaccurate method of assessing
    publication bias. J Clin Epidemiol 2014;67:897-903. Spiegelhalter DJ. Funnel plots for comparing institutional
    performance. Stat Med 2005;24:1185-202 (limits).
    """
    from scipy.stats import binom

    ax = style.axes_for(ax, (7.5, 5.2))
    observed, totals = posterior.events / posterior.totals, posterior.totals
    lowest, highest = max(1, int(totals.min() / 1.6)), int(totals.max() * 1.6) + 1
    sizes = np.unique(np.geomspace(lowest, highest, 16).round().astype(int))
    mean = float(posterior.average.mean)
    wide = np.array([_limits(posterior.predict(int(n))) for n in sizes])
    narrow = np.array([_limits(binom.pmf(np.arange(n + 1), n, mean)) for n in sizes])
    ax.fill_betweenx(sizes, *wide.T, color=style.NEW, alpha=0.14, lw=0, label="95 % where settings differ as estimated")
    alike = "95 % where all have the average risk"
    ax.fill_betweenx(sizes, *narrow.T, color=style.AVERAGE, alpha=0.25, lw=0, label=alike)
    ax.axvline(mean, color=style.AVERAGE, lw=1.4)
    ax.plot(observed, totals, "o", color=style.INK, ms=6, mec="white", mew=0.6, zorder=3, label="a series")
    ax.set_yscale("log")
    ax.set_ylim(lowest, highest)
    from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter

    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.yaxis.set_major_formatter(ScalarFormatter())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ends = style.fitted([*observed, *narrow.ravel(), *wide[len(wide) // 3]])
    style.percent(ax, "share observed", title, "fetuses in the series", ends=ends)
    ax.spines["left"].set_visible(True)
    style.legend_below(ax, 2)
    note = (
        "A gap does not show that series are missing: small series come from other clinics than large ones, and near 0 or "
        "100 % one side has no room."
    )
    style.note_below(ax, note, points=80)
    return ax


def _limits(probabilities: Any) -> Any:
    """Shares between which a series lies with 95 %, between whole numbers of events so that limits have no steps."""
    n = len(probabilities) - 1
    below = np.concatenate([[0.0], np.cumsum(probabilities)])
    return np.clip(np.interp([0.025, 0.975], below, np.arange(n + 2) - 0.5), 0.0, n) / n
