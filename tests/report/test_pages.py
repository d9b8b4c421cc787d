"""Words, rules and pages: how numbers are said, and what a page holds."""

import re
from types import SimpleNamespace

import pytest
from command_line import BEST, SEED

import riskmodel as rm
from riskmodel.consultation.certainty import certainty
from riskmodel.evidence.workup import Condition
from riskmodel.report import render as report
from riskmodel.report.wording import denominator, frequency, frequency_range, listed, read


@pytest.mark.parametrize(
    ("p", "of", "said"),
    [
        (0.5, 100, "50"),
        (0.0, 100, "0"),
        (1.0, 100, "100"),
        (0.001, 100, "fewer than 1"),
        (0.999, 100, "nearly 100"),
        (0.0042, 1000, "4"),
    ],
)
def test_frequencies(p, of, said):
    assert frequency(p, of) == said


def test_rare_risks_get_a_larger_denominator():
    assert [denominator(p) for p in (0.5, 0.02, 0.009, 0.995, 0.0)] == [100, 100, 1000, 1000, 100]
    assert frequency_range((0.001, 0.012), 1000) == "1 to 12"
    assert listed(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("interval", "sources", "fetuses", "weakness", "word", "why"),
    [
        ((0.1, 0.2), "ab", 900, "two series decide it", "very low", "two series decide it"),
        ((0.1, 0.6), "abcde", 400, "", "low", "5 small series; 400 fetuses; the 95 % range is 50 of 100 wide"),
        ((0.1, 0.2), "abcde", 500, "", "moderate", "5 series; 500 fetuses; the 95 % range is 10 of 100 wide"),
        ((0.001, 0.005), "abcd", 991, "", "low", "4 series; 991 fetuses; the 95 % range is 4 of 1,000 wide"),
        (None, "", 0, "", "none", "no series answers this"),
    ],
)
def test_certainty_is_a_word_with_a_reason(interval, sources, fetuses, weakness, word, why):
    counts = tuple(SimpleNamespace(source=source) for source in sources)
    said = {"coarse": (), "telling": counts, "series": len(sources), "fetuses": fetuses, "weakness": weakness}
    assert certainty(SimpleNamespace(**said, interval=lambda: interval, definition_only=False)) == (word, why)


def test_certainty_is_of_the_counts_that_the_answer_used(model):
    bowel = rm.fit(rm.load_evidence("fetal-echogenic-bowel"))
    # The tree has no way to cystic fibrosis where an anomaly is associated; three series that report just this answer.
    risk = bowel.risk("cystic_fibrosis")
    assert not risk.indirect.estimable
    assert (risk.only_direct, risk.thin) == (True, False)
    low, high = rm.pool([20, 2, 0], [682, 244, 65]).new_setting.interval()
    assert certainty(risk) == ("low", f"3 series; 991 fetuses; the 95 % range is {100 * (high - low):.0f} of 100 wide")
    # The branch that no series reports alone is told by coarse counts, so that no branch is unknown.
    karyotype = bowel.risk("abnormal_karyotype")
    assert not karyotype.unknown
    assert certainty(karyotype)[1].startswith(
        "8 series, 4 of them count these fetuses only together with others; 2,111 fetuses"
    )
    assert bowel.risk("infection").weakness == "one series decides it"
    # Of most groups only Aboujaoude 2006 tells deaths, 5 of 65 in all of them together.
    assert bowel.risk("fetal_death").weakness == "one series decides one of its branches"
    assert "infection positive" in model.risk("good_outcome", anatomy="isolated").weakness
    assert model.risk("good_outcome", anatomy="isolated", karyotype="abnormal").weakness == ""
    routine = rm.fit(model.evidence, setting="routine").risk("abnormal_karyotype")
    assert routine.weakness.endswith("series decide one of its branches") or routine.weakness.startswith("one series")
    texts = [
        one["text"] for one in rm.consult(finding="fetal-echogenic-bowel").cautions if one["key"].startswith("thin")
    ]
    assert not any(text.startswith("Abnormal karyotype") for text in texts)
    assert "Congenital infection: one series decides it; take the range, not the figure." in texts
    assert "Fetal death: one series decides one of its branches; take the range, not the figure." in texts


def test_rules_print_as_they_were_written():
    text = "anatomy = isolated and karyotype is unknown and weeks >= 20"
    rule = Condition.parse(text)
    assert str(rule) == text
    assert rule.holds({"anatomy": "isolated", "weeks": 21.0})
    assert not rule.holds({"anatomy": "isolated", "weeks": 19.0})
    assert not rule.holds({"anatomy": "isolated", "karyotype": "normal", "weeks": 21.0})
    assert str(Condition.parse("always")) == "always"


@pytest.mark.parametrize(("known", "states"), [
    ({}, ["due", "blocked", "due", "blocked", "blocked", "blocked"]),
    ({"anatomy": "isolated"}, ["done", "due", "due", "due", "blocked", "blocked"]),
    ({"anatomy": "isolated", "karyotype": "normal"}, ["done", "done", "due", "due", "blocked", "blocked"]),
    (BEST, ["done", "done", "done", "not indicated", "due", "planned"]),
    (BEST | {"fluid": "negative"}, ["done", "done", "due", "done", "due", "planned"]),
    ({"anatomy": "associated"}, ["done", "due", "due", "due", "not indicated", "not indicated"]),
    ({"anatomy": "isolated", "karyotype": "abnormal"}, ["done", "done", "due", "due", "not indicated", "not indicated"]),
])  # fmt: skip
def test_the_algorithm_s_steps(known, states):
    assert [step.state for step in rm.consult(**known).workup] == states


def test_no_number_in_the_page_lacks_a_source():
    text = report.to_markdown(rm.consult(detail="all", anatomy="isolated").to_dict())
    for line in text.splitlines():
        if re.search(r"\d+ series, ", line):
            assert re.search(r"(19|20)\d\d", line), line


@pytest.mark.parametrize("audience", ["clinician", "patient", "researcher"])
@pytest.mark.parametrize(
    ("name", "known"),
    [("seed", SEED), ("isolated", {"anatomy": "isolated"}), ("associated", {"anatomy": "associated"})],
)
def test_the_examples_in_the_documents_are_what_the_program_says(name, known, audience):
    from pathlib import Path

    kept = (Path(__file__).parents[2] / "docs" / "examples" / f"{name}-{audience}.md").read_text(encoding="utf-8")
    assert kept == report.to_markdown(rm.consult(detail="all", audience=audience, **known).to_dict()), (
        "run make example"
    )


def test_the_screen_in_the_documents_is_what_the_terminal_shows():
    from pathlib import Path

    kept = (Path(__file__).parents[2] / "docs" / "examples" / "seed.txt").read_text(encoding="utf-8")
    assert kept == report.to_text(rm.consult(**SEED).to_dict()), "run make example"


@pytest.mark.parametrize(
    "known", [{}, {"anatomy": "isolated"}, {"anatomy": "associated"}, BEST, {"karyotype": "abnormal"}]
)
def test_the_patient_s_page_is_plain_and_has_the_same_numbers(known):
    answer = rm.consult(detail="all", audience="patient", **known).to_dict()
    text = report.to_markdown(answer)
    prose = text.split("## The studies")[0]
    for word in (
        "karyotype",
        "aneuploid",
        "posterior",
        "interval",
        "prior",
        "branch",
        "outcome=",
        "mu",
        "bits",
        "should",
        "must",
    ):
        assert not re.search(rf"\b{word}\b", prose, re.IGNORECASE), word
    for risk in answer["risks"]:
        if risk["probability"] is not None and not risk["by_definition"]:
            ends = read(risk)[1]
            of = denominator(*ends)
            assert f"About {frequency_range(ends, of)} of {of:,}" in prose
    assert "You decide" in prose
    sentences = [one for one in re.split(r"[.:?!]\s", re.sub(r"[*#\-]", "", prose)) if len(one.split()) > 1]
    longest = max(sentences, key=lambda one: len(one.split()))
    assert len(longest.split()) <= 26, longest


def test_a_definition_is_never_told_as_a_fate():
    answer = rm.consult(detail="all", anatomy="isolated", karyotype="abnormal")
    assert "by definition" in report.to_markdown(answer.to_dict())
    plain = report.to_markdown(answer.to_dict() | {"audience": "patient"})
    assert "There is no number for this here" in plain
    assert "0 of 100" not in plain


def test_the_screen_in_the_readme_is_what_the_program_says():
    from pathlib import Path

    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    answer = rm.consult(anatomy="isolated", karyotype="normal", serology="pending").to_dict()
    assert report.to_text(answer) in readme
    assert readme.count("\n") < 120
