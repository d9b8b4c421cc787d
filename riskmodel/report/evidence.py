"""A finding's evidence as a reader wants to see it: counts with their sources, the audit, the disagreements."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from riskmodel.evidence.evidence import Evidence


def describe(evidence: Evidence) -> dict[str, Any]:
    """Evidence as JSON knows it."""
    finding = evidence.finding
    counts = [
        count.to_dict() | {"row": count.row, "population": count.population, "role": count.role}
        for count in evidence.counts
    ]
    return {
        "finding": finding.key,
        "title": finding.title,
        "reading": evidence.reading,
        "readings": {one.name: one.description for one in finding.readings},
        "evidence_version": evidence.version,
        "rows": len(evidence.all_counts),
        "counts": counts,
        "sources": {
            key: asdict(source) | {"overlaps": list(source.overlaps)} for key, source in evidence.sources.items()
        },
        "edges": [
            {
                "branch": edge.name,
                "status": edge.status,
                "definition": edge.definition,
                "fed_by": [f"{row.source} {row.events}/{row.total}" for row in evidence.for_edge(edge)],
            }
            for edge in finding.edges
        ],
        "audit": [one.to_dict() | {"sources": list(one.sources)} for one in evidence.audit()],
        "disagreements": [asdict(one) | {"sources": list(one.sources)} for one in evidence.disagreements],
    }


def describe_markdown(evidence: Evidence) -> str:
    """Evidence as Markdown."""
    body = describe(evidence)
    lines = [
        f"# {body['title']}: evidence {body['evidence_version']}, reading {body['reading']}",
        "",
        body["readings"][body["reading"]],
    ]
    lines += ["", "## Branches of the tree", "", "| Branch | Fed by |", "| --- | --- |"]
    for edge in body["edges"]:
        fed = "; ".join(edge["fed_by"]) or f"{edge['status']}: {edge['definition']}"
        lines.append(f"| {edge['branch'].replace('|', 'given')} | {fed} |")
    lines += [
        "",
        "## Counts",
        "",
        "| Source | What | Among | Count | Basis | Use | Note |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in body["counts"]:
        what = one["variable"] if one["category"] == "yes" else f"{one['variable']} {one['category']}"
        among = one["given"].replace("=", " ") or one["population"]
        lines.append(
            f"| {one['source']} | {what} | {among} | {one['events']} of {one['total']} | {one['basis']} | "
            f"{one['role']} | {one['note']} |"
        )
    lines += ["", "## Audit", ""] + [f"- **{one['severity']}**: {one['what']}" for one in body["audit"]]
    lines += ["", "## Where the article and the abstracts disagree", ""]
    lines += [
        f"- **{one['key']}** the article: {one['article']} The abstract: {one['primary']} {one['effect']}"
        for one in body["disagreements"]
    ]
    lines += ["", "## Sources", ""] + [
        f"- **{key}**: {one['citation']} {one['note']}" for key, one in body["sources"].items()
    ]
    return "\n".join(lines) + "\n"
