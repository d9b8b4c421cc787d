"""``riskmodel evidence``: a finding's counts shown, checked, audited, exported."""

from __future__ import annotations

import shlex

import click

from riskmodel.cli._group import Group
from riskmodel.cli._terminal import Bar, page, say, show_json


@click.group(cls=Group, name="evidence")
def evidence() -> None:
    """Look at a finding's counts, or check a folder of your own."""


@evidence.command(name="show")
@click.argument("finding", default="fetal-hepatic-calcification")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _show(finding: str, reading: str, as_json: bool) -> None:
    """Every count with its source, the audit, and the disagreements."""
    from riskmodel.evidence.export import describe
    from riskmodel.evidence.load import load_evidence
    from riskmodel.report.evidence import to_markdown

    body = describe(load_evidence(finding, reading=reading))
    if as_json:
        show_json(body)
    else:
        page(to_markdown(body))


@evidence.command(name="check")
@click.argument("folder", metavar="DIR")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _check(folder: str, as_json: bool) -> None:
    """Find every fault of a finding's folder in one pass."""
    from riskmodel.evidence.export import describe
    from riskmodel.evidence.load import load_evidence
    from riskmodel.tree.audit import unread

    evidence = load_evidence(folder)
    left_out = unread(evidence)
    body = describe(evidence)
    body["audit"] = [*(one.to_dict() for one in left_out), *body["audit"]]
    if as_json:
        show_json({name: body[name] for name in ("finding", "evidence_version", "rows", "audit")})
        return
    counted = f"{body['rows']} counts of {len(evidence.sources)} sources"
    say(f"{evidence.finding.key}: no faults. {counted}, {evidence.version}")
    for one in (*left_out, *evidence.audit()):
        say(f"  {one}")


@evidence.command(name="audit")
@click.argument("finding", default="fetal-hepatic-calcification")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _audit(finding: str, setting: str, reading: str, as_json: bool) -> None:
    """What a careful reader would ask of the counts and their fit, worst first, each with what to do."""
    from riskmodel.evidence.load import load_evidence
    from riskmodel.report.wording import table
    from riskmodel.tree.audit import audit_model
    from riskmodel.tree.model import fit

    evidence = load_evidence(finding, reading=reading)
    found = audit_model(fit(evidence, setting=setting))
    if as_json:
        about = {"finding": evidence.finding.key, "evidence_version": evidence.version}
        show_json(about | {"audit": [one.to_dict() for one in found]})
        return
    rows = [[one.severity, one.code, one.what, one.remedy] for one in found]
    page(f"# Audit of {evidence.finding.title}\n\n{table(['Severity', 'Kind', 'What', 'What to do'], rows)}\n")


@evidence.command(name="ledger")
@click.argument("finding", default="fetal-hepatic-calcification")
@click.option("--source", metavar="KEY", help="Counts of one source only, by its key.")
@click.option("--setting", default="any", show_default=True, help="Whose series speak.")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
@click.option(
    "--moves/--no-moves", default=None, help="Leave each count out in turn; by default unless it takes minutes."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def _ledger(finding: str, source: str | None, setting: str, reading: str, moves: bool | None, as_json: bool) -> None:
    """Each count's way from the printed number to the answers: arithmetic, who was counted, what it feeds and moves."""
    from dataclasses import asdict

    from riskmodel.evidence.load import load_evidence
    from riskmodel.report.evidence import ledger_to_markdown
    from riskmodel.sensitivity.ledger import count_ledger
    from riskmodel.tree.model import fit

    evidence = load_evidence(finding, reading=reading)
    with Bar("counts left out") as progress:
        found = count_ledger(fit(evidence, setting=setting), source=source, moves=moves, progress=progress)
    sources = {key: asdict(one) for key, one in evidence.sources.items() if source in (None, key)}
    if as_json:
        show_json(found.to_dict() | {"sources": sources})
    else:
        page(ledger_to_markdown(found.to_dict(), sources))


@evidence.command(name="page")
@click.argument("finding")
@click.argument("folder", metavar="DIR")
@click.option("--reading", default="primary", show_default=True, help="How disputed rows are read.")
def _page(finding: str, folder: str, reading: str) -> None:
    """Write a finding's page, with every count's ledger, to DIR/FINDING.md, and its moves beside it as JSON."""
    from riskmodel.evidence.load import load_evidence
    from riskmodel.sensitivity.finding_page import write_pages
    from riskmodel.sensitivity.ledger import count_ledger

    with Bar("counts left out") as progress:
        found = count_ledger(load_evidence(finding, reading=reading), moves=True, progress=progress)
    written = write_pages(found, folder)
    say(f"Written: {' and '.join(map(str, written))}")


@evidence.command(name="template")
@click.argument("folder", metavar="DIR")
@click.option("--isolated-only", is_flag=True, help="A tree of isolated cases, without a survey of the anatomy.")
@click.option("--empty", is_flag=True, help="No counts, sources or work-up: for counts that a workbook brings.")
def _template(folder: str, *, isolated_only: bool, empty: bool) -> None:
    """Write a small valid finding with comments, to begin from: a new folder."""
    from riskmodel.evidence.template import write_template

    write_template(folder, isolated_only=isolated_only, empty=empty)
    say(f"Written: {folder}. Edit its files, then: riskmodel evidence check {shlex.quote(folder)}")


@evidence.command(name="export")
@click.argument("finding")
@click.argument("folder", metavar="DIR")
def _export(finding: str, folder: str) -> None:
    """Write a finding as a tabular data package (datapackage.json), for R and spreadsheets: a new folder."""
    from riskmodel.evidence.export import write_package
    from riskmodel.evidence.load import load_evidence
    from riskmodel.report.wording import listed

    written = write_package(load_evidence(finding), folder)
    say(f"Written: {folder} with {listed(written)}")
