"""A tree's branches as a table, and the kinds among the cases of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from riskmodel._support.kept import Shelf
from riskmodel.evidence.finding import Count, Edge, Finding
from riskmodel.evidence.known import Known
from riskmodel.posterior import Posterior
from riskmodel.priors import HeterogeneityPrior
from riskmodel.report.wording import html_table, three_digits
from riskmodel.tree.estimate import Route
from riskmodel.tree.kinds import pool_kinds

if TYPE_CHECKING:
    import pandas as pd

#: Shares of the same cases under the same prior are asked for by every consultation of a finding.
_SHARES = Shelf(32)


def branch_table(
    finding: Finding, counts: Sequence[Sequence[Count]], routes: Sequence[Route | None], *, ci_prob: float
) -> pd.DataFrame:
    """Branches with their fits."""
    import pandas as pd

    rows = []
    for edge, fed, route in zip(finding.edges, counts, routes, strict=True):
        variable = finding.variable(edge.variable)
        assert variable is not None
        titles = variable.state_titles
        left = [state for state in variable.states if state not in (*edge.after, edge.category)]
        row: dict[str, Any] = {
            "variable_title": variable.title,
            "title": titles[edge.category],
            "otherwise": " or ".join(titles[state] for state in left),
            "variable": edge.variable,
            "category": edge.category,
            "given": str(edge.given),
            "after": ", ".join(edge.after),
            "status": edge.status,
            "series": len(fed),
            "events": sum(count.events for count in fed),
            "total": sum(count.total for count in fed),
            "coarse": 0,
            "mean": edge.probability if edge.status in ("structural", "elicited") else None,
            "definition": edge.definition,
        }
        if route is not None and route.new_setting is not None and route.average is not None:
            row |= {"coarse": len(route.coarse), "mean": route.mean, "average": float(route.average.mean)}
            row |= dict(zip(("lower", "upper"), route.new_setting.interval(ci_prob), strict=True))
            row |= dict(zip(("average_lower", "average_upper"), route.average.interval(ci_prob), strict=True))
        rows.append(row)
    order = [
        "variable",
        "category",
        "given",
        "after",
        "status",
        "series",
        "events",
        "total",
        "coarse",
        "mean",
        "lower",
        "upper",
    ]
    order += ["average", "average_lower", "average_upper", "ci_prob", "ci_kind", "definition"]
    order += ["variable_title", "title", "otherwise"]
    table = pd.DataFrame(rows).assign(ci_prob=ci_prob, ci_kind="eti").reindex(columns=order)
    return table.astype(dict.fromkeys(order[9:15], "float64"))


def kind_shares(
    kinds: Sequence[str], rows: Sequence[Count], heterogeneity: HeterogeneityPrior | None, *, ci_prob: float
) -> tuple[dict[str, Any], ...]:
    """How cases divide into kinds: the share of each in a new setting, and on average across settings."""
    by_source: dict[str, dict[str, int]] = {}
    for row in _coarsest(rows):
        cases = by_source.setdefault(row.source, dict.fromkeys(kinds, 0))
        cases[row.category] += row.events
    told = {source: cases for source, cases in by_source.items() if any(cases.values())}
    if not told:
        return ()
    table = [list(cases.values()) for cases in told.values()]
    found = []
    for kind, share in zip(kinds, _shares(table, tuple(told), heterogeneity), strict=True):
        average = {"probability": float(share.average.mean), "interval": list(share.average.interval(ci_prob))}
        found.append(
            {
                "kind": kind,
                "events": int(share.events.sum()),
                "total": int(share.totals.sum()),
                "probability": average["probability"],
                "interval": list(share.new_setting.interval(ci_prob)),
                "average": average,
                "series": len(told),
                "sources": list(told),
                "notes": [f"{row.source}: {row.note}" for row in rows if row.category == kind and row.note],
            }
        )
    return tuple(found)


def _coarsest(rows: Sequence[Count]) -> list[Count]:
    """Of each source the rows of its widest groups: finer ones count the same cases."""
    groups: dict[str, set[Known]] = {}
    for row in rows:
        groups.setdefault(row.source, set()).add(row.given)
    return [row for row in rows if not any(set(wide) < set(row.given) for wide in groups[row.source])]


def _shares(
    table: list[list[int]], sources: tuple[str, ...], heterogeneity: HeterogeneityPrior | None
) -> tuple[Posterior, ...]:
    key = (tuple(map(tuple, table)), sources, heterogeneity)
    stated = 0 if heterogeneity is None else heterogeneity
    shares: tuple[Posterior, ...] = _SHARES.get_or_make(
        key, lambda: pool_kinds(table, heterogeneity=stated, labels=sources)
    )
    return shares


def branch_html(caption: str, edges: Sequence[Edge], table: pd.DataFrame) -> str:
    """What `branch_table` gives, as a notebook shows it."""
    rows = (
        (
            edge.said,
            f"{row['events']}/{row['total']}" if row["series"] else "",
            row["series"],
            *map(three_digits, (row["mean"], row["lower"], row["upper"])),
            row["status"],
        )
        for edge, row in zip(edges, table.to_dict("records"), strict=True)
    )
    return html_table(caption, ("branch", "events/total", "series", "mean", "2.5 %", "97.5 %", "status"), rows)
