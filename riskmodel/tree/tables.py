"""A tree's branches as a table, and the kinds among the cases of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from riskmodel.distributions.mixture import BetaMixture
from riskmodel.evidence.finding import Count, Edge
from riskmodel.tree.estimate import Route

if TYPE_CHECKING:
    import pandas as pd


def branch_table(
    edges: Sequence[Edge], counts: Sequence[Sequence[Count]], routes: Sequence[Route | None], *, ci_prob: float
) -> pd.DataFrame:
    """Branches with their fits."""
    import pandas as pd

    rows = []
    for edge, fed, route in zip(edges, counts, routes, strict=True):
        row: dict[str, Any] = {
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
    table = pd.DataFrame(rows).assign(ci_prob=ci_prob, ci_kind="eti").reindex(columns=order)
    return table.astype(dict.fromkeys(order[9:15], "float64"))


def kind_shares(kinds: Sequence[str], rows: Sequence[Count], *, ci_prob: float) -> tuple[dict[str, Any], ...]:
    """How cases divide into kinds: a Dirichlet with 1/2 for each kind, whose margins are Betas.

    Gelman A, et al. Bayesian Data Analysis, 3rd ed. (2013), section 3.4.
    """
    total = sum(count.events for count in rows)
    found = []
    for kind in kinds if total else ():
        events = sum(count.events for count in rows if count.category == kind)
        share = BetaMixture.beta(events + 0.5, total - events + 0.5 * (len(kinds) - 1))
        found.append(
            {
                "kind": kind,
                "events": events,
                "total": total,
                "probability": share.mean,
                "interval": list(share.interval(ci_prob)),
                "sources": sorted({count.source for count in rows}),
            }
        )
    return tuple(found)
