"""The table of a tree's branches to axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from riskmodel.plots._style import axes_for, need

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


_BRANCH = ("variable", "category", "given", "after", "status", "definition")
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
        Without scales: position means only order.

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
    ax = axes_for(ax, (12, 1.2 + 0.7 * leaves))
    for path, splits in rows.items():
        if path not in places:
            continue
        x0, y0 = places[path]
        variable = str(splits[0]["variable"])
        for state in states[variable]:
            x1, y1 = places[_child(path, variable, state)]
            # The last of several states is what the last branch leaves.
            row = next((one for one in splits if one["category"] == state), splits[-1])
            colour, line = ("0.35", "-") if row["status"] in ("counts", "elicited", "structural") else ("0.6", "--")
            ax.plot([x0, x0 + 0.18, x1], [y0, y1, y1], color=colour, ls=line, lw=1.3)
            head, foot = _branch_label(row, state, state == row["category"])
            ax.text(x0 + 0.2, y1 + 0.07, head, fontsize=9, va="bottom")
            ax.text(x0 + 0.2, y1 - 0.07, foot, fontsize=7.5, va="top", color="0.4")
    ax.set_xlim(-0.05, max(x for x, _ in places.values()) + 0.1)
    ax.set_ylim(-leaves + 0.4, 0.8)
    ax.set_axis_off()
    ax.set_title(title, loc="left", fontsize=11)
    return ax


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
