"""The findings' pages, and the way from a number of a consultation to a citation."""

import functools
import json
import os
import re
import shlex
from pathlib import Path

import pytest
from command_line import BEST, run

import riskmodel as rm
from riskmodel.errors import EvidenceError
from riskmodel.evidence.export import describe
from riskmodel.evidence.manifest import SHIPPED
from riskmodel.report import render
from riskmodel.report.evidence import anchor, cited, to_markdown, to_page
from riskmodel.report.wording import named
from riskmodel.sensitivity import count_ledger
from riskmodel.sensitivity.finding_page import finding_page, stored_text

PAGES = Path(__file__).parents[2] / "docs" / "findings"
FINDINGS = sorted(path.name for path in SHIPPED.iterdir() if path.name.startswith("fetal-"))


def page(finding):
    return (PAGES / f"{finding}.md").read_text(encoding="utf-8")


@functools.cache
def consulted(finding):
    # How far each figure moves takes seven seconds of an echogenic bowel.
    few = finding == "fetal-echogenic-bowel" and not os.environ.get("RISKMODEL_SOAK")
    detail = ("settings", "neighbours", "changes") if few else "all"
    answer = rm.consult(finding=finding, detail=detail, anatomy="isolated").to_dict()
    return answer, render.to_markdown(answer)


@pytest.mark.slow
@pytest.mark.parametrize("finding", FINDINGS)
def test_the_pages_are_what_the_program_says(finding):
    text = (SHIPPED / finding / "moves.json").read_text(encoding="utf-8")
    kept = json.loads(text)
    assert text == stored_text(kept)
    ledger = count_ledger(finding, moves=False).with_stored(kept)
    assert page(finding) == to_page(finding_page(ledger)), "run make pages"


@pytest.mark.parametrize("finding", FINDINGS)
def test_every_link_of_a_page_leads_somewhere_and_every_row_has_its_place(finding):
    text = page(finding)
    places = re.findall(r'<a id="([^"]+)"></a>', text)
    assert len(places) == len(set(places))
    assert {*places} == {f"row-{row.row}" for row in rm.load_evidence(finding).all_counts}
    headings = [anchor(line.lstrip("#").strip()) for line in text.splitlines() if line.startswith("#")]
    for link in re.findall(r"\]\(#([^)]+)\)", text):
        assert link in places or headings.count(link) == 1, link


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_page_says_first_how_far_it_was_reviewed_and_what_each_outcome_is(finding):
    text, declared = page(finding), rm.load_evidence(finding).finding
    assert text.splitlines()[2].startswith(f"> **Review: {declared.review.status}.**")
    for one in declared.outcomes:
        (line,) = [line for line in text.splitlines() if f"(`{one.name}`):" in line and line.startswith("- **")][:1]
        for said in (one.definition.rstrip("."), one.until, one.denominator):
            assert said in line
    for edge in declared.edges:
        assert f"\n| {named(edge.said)} |" in text


@pytest.mark.parametrize("finding", FINDINGS)
def test_two_steps_lead_from_a_number_of_a_consultation_to_a_citation(finding):
    answer, text = consulted(finding)
    # The first step: the keys that stand behind a risk, in the page's list of sources.
    listed = text.split("## Sources\n")[1]
    behind = {source for risk in answer["risks"] for source in risk["sources"]}
    behind |= {source for one in answer["neighbours"]["given"] for source in one["sources"]}
    evidence = rm.load_evidence(finding)
    for key in behind:
        assert f"- **{key}**: {evidence.sources[key].citation}" in listed
    # The second: the ledger of a key, by the command that is printed there, or the page of the documents.
    command = shlex.split(re.search(r"`riskmodel ([^`]+)`", listed).group(1))
    if finding != "fetal-echogenic-bowel":
        code, out, _ = run(*command, "--no-moves", "--json")
        assert code == 0
        assert json.loads(out)["sources"][command[-1]]["citation"] == evidence.sources[command[-1]].citation
    whole = page(finding)
    for risk in answer["risks"]:
        for count in risk["counts"]:
            section = whole.split(f"\n### {count['source']}\n")[1].split("\n### ")[0]
            assert f"**{count['events']:,} of {count['total']:,}**" in section
            assert evidence.sources[count["source"]].citation.rstrip(".") in section


@pytest.mark.parametrize("audience", ["clinician", "researcher"])
@pytest.mark.parametrize("known", [{}, {"anatomy": "associated"}, BEST, BEST | {"infection": "positive"}])
def test_where_a_page_says_the_article_its_reference_is_among_the_sources(audience, known):
    text = render.to_markdown(rm.consult(detail="all", audience=audience, **known).to_dict())
    assert re.search(r"\bthe article\b", text, re.IGNORECASE)
    assert text.count("called the article here: Hepatic parenchymal calcification in a 20-week fetus.") == 1
    assert page("fetal-hepatic-calcification").count("What is called the article here is [Article 2026]") == 1


@pytest.mark.parametrize("finding", FINDINGS)
def test_a_finding_that_began_from_no_article_speaks_of_none(finding):
    if finding == "fetal-hepatic-calcification":
        pytest.skip("it began from one")
    for one in (consulted(finding)[1], page(finding)):
        assert not re.search(r"\bthe article\b", one, re.IGNORECASE)


def test_an_article_that_is_no_source_is_a_fault(folder):
    path = folder / "finding.toml"
    path.write_text(path.read_text().replace('article_source = "Article 2026"', 'article_source = "Article 2062"'))
    with pytest.raises(EvidenceError, match="Article 2062"):
        rm.load_evidence(folder)


def test_a_page_of_a_folder_of_one_s_own(tmp_path):
    assert run("evidence", "template", str(tmp_path / "mine"))[0] == 0
    code, out, _ = run("evidence", "page", str(tmp_path / "mine"), str(tmp_path / "pages"))
    assert (code, out.startswith("Written: ")) == (0, True)
    text = (tmp_path / "pages" / "mine.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "Without it: " in text


def test_evidence_show_has_all_that_a_finding_s_page_has_of_a_source(evidence):
    body = describe(evidence)
    shown = to_markdown(body).split("## Sources\n")[1]
    for key, source in body["sources"].items():
        assert f"**{key}**: {cited(source)}" in shown
        assert source["doi"] in shown
