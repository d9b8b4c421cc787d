"""The counselor's page: a form that works by itself, the one sentence, rows with pictures, and nothing inline."""

import re
from html.parser import HTMLParser

import pytest

import riskmodel as rm
from riskmodel.report.brief import brief
from riskmodel.serve.app import Service
from riskmodel.serve.desk import Desk
from riskmodel.serve.pages.answer import ALWAYS, answer_page
from riskmodel.serve.pages.drawn import icons

CASES = [
    {"finding": finding, "audience": audience} | known
    for finding in rm.findings()
    for audience in ("clinician", "patient", "researcher")
    for known in ({}, {"anatomy": "isolated"}, {"anatomy": "isolated", "karyotype": "normal", "serology": "pending"},
                  {"anatomy": "associated", "karyotype": "declined"}, {"infection": "positive"})
]  # fmt: skip


class Seen(HTMLParser):
    """What of a page tests look at: tags with their attributes, and open tags left over."""

    VOID = ("meta", "link", "input", "br", "hr", "img", "path", "rect")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("asked", CASES, ids=lambda one: "-".join(one.values()))
def test_a_page_says_the_one_sentence_and_has_nothing_inline(client, asked):
    reply = client.get("/", params=asked)
    assert reply.status_code == 200
    seen = Seen(reply.text)
    assert not seen.open
    assert not any({"style", "onclick", "onload"} & set(attrs) for _, attrs in seen.tags)
    assert not any(tag == "style" or (tag == "script" and "src" not in attrs) for tag, attrs in seen.tags)
    for tag, attrs in seen.tags:  # nothing is loaded from elsewhere
        loaded = attrs.get("src") or (attrs.get("href") if tag in ("link", "use") else None)
        assert loaded is None or loaded.startswith("/static/")
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for _, attrs in seen.tags:  # every place that is pointed at is there
        place = attrs.get("href", "")
        assert not (place.startswith("#") and place[1:] not in ids), place
    answer = rm.consult(**asked).to_dict()
    text = re.sub(r"<[^>]+>", "", reply.text).replace("&#39;", "'").replace("&#34;", '"').replace("&lt;", "<")
    assert brief(answer).sentence in text
    assert not re.search(r"\bNone\b|\bnan\b|estimable|[a-z]_[a-z]", text.replace("test_errors", "")), asked


def test_the_form_says_what_is_known_and_begins_with_what_is_not(client):
    seen = Seen(client.get("/?anatomy=isolated&serology=pending&weeks=20").text)
    radios = {}
    for tag, attrs in seen.tags:
        if tag == "input" and attrs.get("type") == "radio":
            radios.setdefault(attrs["name"], []).append((attrs["value"], "checked" in attrs))
    assert radios["anatomy"] == [
        ("", False), ("isolated", True), ("associated", False), ("pending", False), ("declined", False),
    ]  # fmt: skip
    assert ("pending", True) in radios["serology"]
    assert radios["karyotype"][0] == ("", True)
    assert all(sum(checked for _, checked in options) == 1 for options in radios.values())
    assert {"name": "weeks", "value": "20"}.items() <= next(a for _, a in seen.tags if a.get("name") == "weeks").items()


def test_a_form_sent_without_script_has_empty_values_and_is_the_same_question(client):
    bare = client.get("/?anatomy=isolated")
    sent = client.get("/?finding=fetal-hepatic-calcification&anatomy=isolated&karyotype=&infection=&fluid=&serology=&weeks="
                      "&size=&location=&foci=&setting=any&reading=primary&audience=clinician")  # fmt: skip
    assert sent.content == bare.content


@pytest.mark.parametrize(
    ("query", "field"),
    [("weeks=99", "weeks"), ("infection=negative&fluid=positive", "infection"), ("anatomy=x", "anatomy")],
)
def test_a_fault_is_told_beside_its_field_and_the_form_stays(client, query, field):
    reply = client.get(f"/?karyotype=normal&{query}")
    assert reply.status_code == 422
    assert 'class="fault"' in reply.text
    assert "wrong" in reply.text
    seen = Seen(reply.text)
    assert any(a.get("name") == "karyotype" and a.get("value") == "normal" and "checked" in a for _, a in seen.tags)
    assert 'id="answer"' in reply.text
    assert "Outcomes" not in reply.text


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "javascript:1"]
)
def test_nothing_that_was_sent_comes_back_unescaped(client, text):
    for name in ("anatomy", "finding", "location", "weeks", text):
        reply = client.get("/", params={name: text})
        assert "<script>alert" not in reply.text
        assert "<img" not in reply.text
        assert "49" not in reply.text or text != "{{7*7}}" or "{{7*7}}" in reply.text
    missing = client.get(f"/{text.replace('/', '')}")
    assert missing.status_code == 404
    assert "<script>alert" not in missing.text


def test_a_fault_where_no_finding_is_named_is_told_on_the_form_of_the_usual_one(client):
    reply = client.get("/", params={"anatomy": "nonsense"})
    assert reply.status_code == 422
    assert '<input type="hidden" name="finding" value="fetal-hepatic-calcification">' in reply.text


def test_robustness_is_worked_out_when_it_is_opened(client):
    closed, opened = client.get("/?anatomy=isolated"), client.get("/?anatomy=isolated&detail=robustness")
    assert "without Simchen 2002" not in closed.text
    assert "/?finding=fetal-hepatic-calcification&amp;anatomy=isolated&amp;detail=robustness#robustness" in closed.text
    assert "without Simchen 2002" in opened.text


def test_icons_are_filled_to_the_low_end_hatched_to_the_high_one_and_their_line_is_at_the_figure():
    row = {"kind": "figure", "low": 0.12, "figure": 0.12, "high": 0.12, "centre_low": 0.03, "centre_high": 0.25, "of": 100,
           "polarity": "bad"}  # fmt: skip
    drawn = str(icons(row, "Outcome"))
    kinds = dict(re.findall(r'<path class="(\w+)" d="([^"]+)"', drawn))
    assert {kind: kinds[kind].count("M") for kind in ("full", "part", "rest")} == {"full": 3, "part": 22, "rest": 75}
    assert kinds["line"] == "M-1 19H19V9H99"  # after the second icon of the second row
    assert "of 100 icons 3 are filled, 22 more are hatched; the line is at 12" in drawn
    rare = str(icons(row | {"of": 1_000, "low": 0.004, "figure": 0.004, "high": 0.004}, "Outcome"))
    assert "of 1,000 icons" in rare


def test_a_finding_s_name_is_no_path(client):
    for name in ("/etc", "..", "riskmodel/data/fetal-echogenic-bowel", "."):
        assert client.get("/", params={"finding": name}).status_code == 422


@pytest.mark.parametrize("audience", ["clinician", "patient", "researcher"])
@pytest.mark.parametrize(
    ("finding", "described"),
    [
        ("fetal-hepatic-calcification", "weeks=20%2B3&size=5.5x4.4&foci=1"),
        ("fetal-mild-ventriculomegaly", "weeks=20"),
    ],
)
def test_a_page_of_what_is_described_is_the_same_from_a_frame_and_made_anew_and_the_frame_has_none_of_it(
    finding, described, audience
):
    service = Service(Desk([finding]), background=False)
    one = service.desk.read(f"anatomy=isolated&audience={audience}&{described}".encode(), form=True)
    held = service.desk.held[finding]
    anew = answer_page(one, service.desk.answer(one, *ALWAYS), held.evidence, service._titles())
    assert service._page(one) == anew
    [(plain, frame)] = held.frames.items()
    assert dict(plain.given) == {"anatomy": "isolated"}
    assert service._page(one) == anew
    assert held.frames == {plain: frame}
    assert not any("5.5" in part or "20+3" in part for part in (frame.outcomes, frame.behind, *frame.prose.values()))
    # Another answer's frame is not taken, whatever it says.
    other = service.desk.read(f"anatomy=associated&audience={audience}&{described}".encode(), form=True)
    fresh = answer_page(other, service.desk.answer(other, *ALWAYS), held.evidence, service._titles())
    assert fresh == answer_page(
        other, service.desk.answer(other, *ALWAYS), held.evidence, service._titles(), kept=frame
    )
