"""A finding's evidence as a reader wants to see it: counts with their sources, the audit, the disagreements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from riskmodel.report.wording import bullets, table


def to_markdown(body: Mapping[str, Any]) -> str:
    """Evidence as Markdown."""
    branches = [
        (edge["branch"].replace("|", "given"), "; ".join(edge["fed_by"]) or f"{edge['status']}: {edge['definition']}")
        for edge in body["edges"]
    ]
    counts = [
        (
            one["source"],
            one["variable"] if one["category"] == "yes" else f"{one['variable']} {one['category']}",
            one["given"].replace("=", " ") or one["population"],
            f"{one['events']} of {one['total']}"
            + "".join(f"; at most {number} tested for {name}" for name, number in one["tested"].items()),
            one["basis"],
            one["role"],
            one["note"],
        )
        for one in body["counts"]
    ]
    parts = [
        f"# {body['title']}: evidence {body['evidence_version']}, reading {body['reading']}",
        body["readings"][body["reading"]],
        "## Branches of the tree",
        table(("Branch", "Fed by"), branches),
        "## Counts",
        table(("Source", "What", "Among", "Count", "Basis", "Use", "Note"), counts),
        "## Audit",
        bullets(f"**{one['severity']}**: {one['what']}" for one in body["audit"]),
        "## Where the article and the abstracts disagree",
        bullets(
            f"**{one['key']}** the article: {one['article']} The abstract: {one['primary']} {one['effect']}"
            for one in body["disagreements"]
        ),
        "## Sources",
        bullets(f"**{key}**: {one['citation']} {one['note']}" for key, one in body["sources"].items()),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"
