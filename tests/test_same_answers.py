"""While the house is rebuilt: the JSON of every question of both findings is what it was at 9b45bc3, to the last digit;
keys that have another name since (wider is coarse) count as the same.

Every ninth question is asked here, all 729 with RISKMODEL_ALL=1. `python tests/test_same_answers.py` writes the digests.
"""

import hashlib
import itertools
import json
import os
from pathlib import Path

import pytest

import riskmodel as rm

STORED = Path(__file__).with_suffix(".json")


def questions():
    for name in rm.findings():
        finding = rm.load_evidence(name).finding
        settings = ["any", *(one.name for one in finding.settings)]
        names = [one.name for one in finding.states]
        for reading, setting, *states in itertools.product(
            [one.name for one in finding.readings], settings, *((None, *one.states) for one in finding.states)
        ):
            known = {key: state for key, state in zip(names, states, strict=True) if state}
            yield name, reading, setting, known


def digest(finding, reading, setting, known):
    try:
        answer = rm.consult(finding=finding, reading=reading, setting=setting, detail="all", **known).to_dict()
    except rm.RiskModelError as error:
        answer = error.to_dict()
    answer = {name: value for name, value in answer.items() if name not in ("schema", "detail")}
    text = json.dumps(answer, ensure_ascii=False, sort_keys=True).replace('"wider', '"coarse')
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def label(question):
    finding, reading, setting, known = question
    return " ".join([finding, reading, setting, *(f"{name}={state}" for name, state in known.items())])


ASKED = list(questions())[:: 1 if os.environ.get("RISKMODEL_ALL") else 9]


@pytest.mark.parametrize("question", ASKED, ids=label)
def test_the_answer_is_what_it_was(question):
    assert digest(*question) == json.loads(STORED.read_text())[label(question)]


if __name__ == "__main__":
    STORED.write_text(json.dumps({label(one): digest(*one) for one in questions()}, indent=0) + "\n")
