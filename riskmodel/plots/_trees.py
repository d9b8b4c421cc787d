"""The table of a tree's branches to axes."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from riskmodel.plots._style import INK, OBSERVED, SOFT, axes_for, need, plain, share, titled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


_BRANCH = ("variable", "category", "given", "after", "status", "definition", "variable_title", "title", "otherwise")
_RISK = ("series", "events", "total", "mean", "lower", "upper")


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
        Without scales: position means only order. Variables and states have their titles, the variables' above the columns
        and in brackets where several share one.

    Raises
    ------
    InputError
        If the table lacks a column.
    """
    need(table, (*_BRANCH, *_RISK))
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
    deepest = int(max(x for x, _ in places.values()))
    ax = axes_for(ax, (3.1 * deepest + 0.6, 1.3 + 0.62 * leaves))
    heads: dict[float, dict[str, None]] = {}  # in order, each once
    for path, splits in rows.items():
        if path not in places:
            continue
        x0, y0 = places[path]
        variable = str(splits[0]["variable"])
        heads.setdefault(x0, {})[str(splits[0]["variable_title"])] = None
        for state in states[variable]:
            x1, y1 = places[_child(path, variable, state)]
            # The last of several states is what the last branch leaves.
            row = next((one for one in splits if one["category"] == state), splits[-1])
            known = row["status"] in ("counts", "elicited", "structural")
            colour, line = (SOFT, "-") if known else (OBSERVED, (0, (4, 3)))
            ax.plot([x0, x0 + 0.08, x1], [y0, y1, y1], color=colour, ls=line, lw=1.3, solid_joinstyle="round")
            top, foot = _branch_label(row, state == row["category"])
            ax.text(x0 + 0.1, y1 + 0.06, plain(top), fontsize=9, va="bottom", color=INK)
            ax.text(x0 + 0.1, y1 - 0.08, plain(foot), fontsize=8, va="top", color=SOFT)
    for x, titles in heads.items():
        said = plain(" / ".join(one[:1].upper() + one[1:] for one in titles), 36)
        ax.text(x + 0.1, 0.75, said, fontsize=9, va="bottom", color=SOFT, weight="bold")
    ax.set_xlim(-0.02, deepest + 0.02)
    ax.set_ylim(-leaves + 0.4, 1.25)
    ax.set_axis_off()
    return titled(ax, title)


def _branch_label(row: Mapping[Any, Any], is_category: bool) -> tuple[str, str]:
    """What stands above and below a branch."""
    head = textwrap.shorten(str(row["title"] if is_category else row["otherwise"]), 34, placeholder=" …")
    mean = row["mean"]
    after = ", if not the above" if row["after"] and is_category else ""
    if row["status"] == "unknown":
        return head, f"unknown{after}"
    if mean != mean:
        return head, f"no series{after}"
    told = share(mean if is_category else 1 - mean)
    if row["status"] != "counts":
        return f"{head}: {told}", ("by definition" if row["status"] == "structural" else "judged") + after
    events = row["events"] if is_category else row["total"] - row["events"]
    low, high = (row["lower"], row["upper"]) if is_category else (1 - row["upper"], 1 - row["lower"])
    return f"{head}: {told}", f"{share(low)} to {share(high)}; {events}/{row['total']}, {row['series']} series{after}"


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
