"""Tables of a calibration record to axes: PIT values and coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from riskmodel.plots import _style as style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


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
    style.need(table, ("left", "right", "density", "density_lower", "density_upper"))
    ax = style.axes_for(ax, (5, 3.6))
    middle = (table["left"] + table["right"]) / 2
    ax.bar(middle, table["density"], width=table["right"] - table["left"], color="#9CC3DD", edgecolor="white", lw=0.8)
    ax.vlines(middle, table["density_lower"], table["density_upper"], color=style.SHRUNKEN, lw=1.4)
    ax.axhline(1, color="black", lw=1.2, ls="--")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, None)
    return style.finish(ax, title, "PIT, all K together; lines: 95 % by resampling data sets", "density")


def pit_ecdf(table: pd.DataFrame, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw the distribution of PIT values less the uniform one, with simultaneous bands.

    Parameters
    ----------
    table : pandas.DataFrame
        From `CalibrationRecord.ecdf_table`, by K, `SBCRecord.ecdf_table`, by quantity, or `riskmodel.calibration.pit_table`,
        such as of a pool's exact leave-one-out PIT values, `riskmodel.between.loo_pit`.
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
    style.need(table, (by, "z", "difference", "lower", "upper"))
    ax = style.axes_for(ax, (5, 3.6))
    band = table.groupby("z", sort=True).agg({"lower": "min", "upper": "max"})
    ax.fill_between(band.index, band["lower"], band["upper"], color="0.9", lw=0, label="95 % band")
    for i, (name, rows) in enumerate(table.groupby(by, sort=False)):
        label = f"K = {name}" if by == "k" else style.words(name)
        colour, line = style.BY_K[i % len(style.BY_K)], style.LINES[i % 4]
        ax.plot(rows["z"], rows["difference"], color=colour, ls=line, lw=1.5, label=label)
    ax.axhline(0, color="black", lw=1.2, ls="--")
    ax.set_xlim(0, 1)
    style.legend_below(ax, 4)
    return style.finish(ax, title, "PIT; band: independent values, all points at once", "ECDF less uniform")


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
    style.need(table, ("k", "level", "coverage", "lower", "upper"))
    ax = style.axes_for(ax, (5, 3.6))
    from matplotlib.ticker import PercentFormatter  # which `axes_for` has found, or has told

    names = list(dict.fromkeys(table["k"]))
    colours, shifts = (style.NEW, style.AVERAGE, style.SHRUNKEN), (-0.08, 0.0, 0.08)  # intervals that fail overlap
    for (level, rows), colour, marker, shift in zip(table.groupby("level"), colours, "sDo", shifts, strict=False):
        share = float(str(level))
        places = [names.index(k) + shift for k in rows["k"]]
        ax.axhline(share, color=colour, lw=1, ls="--", zorder=1)
        ax.vlines(places, rows["lower"], rows["upper"], color=colour, lw=2, zorder=2)
        ax.plot(places, rows["coverage"], marker, color=colour, ms=7, zorder=3)
        ax.annotate(f"{100 * share:g} %", (1.01, share), xycoords=("axes fraction", "data"), va="center", color=colour)
    ax.set_xticks(range(len(names)), names)
    ax.set_xlim(-0.5, len(names) - 0.5)
    ax.set_ylim(max(0.0, min(0.3, float(table[["coverage", "lower"]].min().min()) - 0.03)), 1.01)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    return style.finish(ax, title, "K, series pooled", "intervals that hold")


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
    first = style.axes_for(None, (15, 4.4))
    figure = first.get_figure()
    assert figure is not None
    first.remove()
    axes = [figure.add_subplot(1, 3, i + 1) for i in range(3)]
    pit_histogram(histogram, ax=axes[0], title=title)
    pit_ecdf(ecdf, ax=axes[1])
    coverage(held, ax=axes[2])
    return axes
