"""A patient's page reads at a grade that most adults reach."""

import re

import pytest

import riskmodel as rm
from riskmodel.report import render as report

#: Flesch-Kincaid grade: United States health agencies ask for six to eight. Kincaid JP, et al. Derivation of new readability
#: formulas for Navy enlisted personnel. Research Branch Report 8-75 (1975).
HIGHEST_GRADE = 7.5


def syllables(word):
    """Groups of vowels, without a silent e at the end: within a tenth of counts by hand on running text."""
    word = word.lower()
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith(("le", "ee")) and groups > 1
    return max(1, groups - silent)


def grade(text):
    sentences = [one for one in re.split(r"[.!?:;]+\s|\n+", text) if re.search(r"[A-Za-z]", one)]
    words = re.findall(r"[A-Za-z']+", text)
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def prose(page):
    """The page without the references and without headings."""
    body = page.split("## The studies behind these numbers")[0] + page.split("---")[-1]
    lines = (line for line in body.splitlines() if not line.startswith("#"))
    return "\n".join(re.sub(r"[*_]|^[-\d.]+ ", "", line) for line in lines)


def test_the_measure_by_hand():
    assert [syllables(word) for word in ("baby", "scan", "one", "liver", "little", "chromosome", "infection")] == [
        2, 1, 1, 2, 2, 3, 3,
    ]  # fmt: skip
    assert grade("The cat sat on the mat.") == pytest.approx(0.39 * 6 + 11.8 - 15.59)
    hard = "Prenatal identification of hepatic calcification necessitates comprehensive evaluation of the karyotype."
    assert grade(hard) > 15


@pytest.mark.parametrize(
    "known",
    [
        {"weeks": 20, "size": "5.5x4.4x3.4", "location": "umbilical-vein", "foci": 1},
        {"anatomy": "isolated"},
        {"anatomy": "associated"},
        {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"},
        {"finding": "fetal-mild-ventriculomegaly"},
        {"finding": "fetal-mild-ventriculomegaly", "anatomy": "isolated", "width": "10-12"},
        {"finding": "fetal-mild-ventriculomegaly", "anatomy": "associated"},
    ],
    ids=lambda known: ",".join(map(str, known.values())),
)
def test_a_patient_s_page_is_easy_to_read(known):
    page = report.to_markdown(rm.consult(detail="all", audience="patient", **known).to_dict())
    text = prose(page)
    assert len(text.split()) > 200
    assert grade(text) < HIGHEST_GRADE
    long = [one for one in re.split(r"[.!?]\s", text) if len(one.split()) > 32]
    assert not long
    assert not re.search(r"\b(must|should|have to)\b", text)
    clinician = report.to_markdown(rm.consult(detail="all", **known).to_dict())
    # The measure tells the two apart: 7.5 to 8 here, and 4 for the patient.
    assert grade(prose(clinician)) > grade(text) + 3
