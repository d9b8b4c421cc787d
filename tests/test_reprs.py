"""What values say of themselves in a terminal and in a notebook: short, and escaped."""

import pytest
from drawn_by_hand import by_hand
from new_series import NOBODY

import riskmodel as rm
from riskmodel.sensitivity import count_ledger


def public_values():
    model, answer = rm.fit("fetal-hepatic-calcification"), rm.consult(anatomy="isolated")
    risk = model.risk("good_outcome", anatomy="isolated")
    post = rm.pool([20, 10], [21, 11])
    refitted = rm.refit("fetal-hepatic-calcification", NOBODY)
    return (
        *(answer, answer.query, answer.document, answer.workup[0], rm.consult()),
        *(model, model.fitted, model.evidence, model.evidence.finding, model.evidence.workup, model.edges[0]),
        *(risk, risk.combined, risk.joint, risk.new_setting, risk.average, model.branch(model.edges[0])),
        *(post, post.settings, post.new_setting, post.average, post.error, rm.pool([3], [20], heterogeneity=0)),
        *(refitted, refitted.new, count_ledger(model), rm.sensitivity.multiverse(post), rm.load_corpus("development")),
        *(by_hand(), by_hand().design, rm.pool([3, 9, 1], [20, 15, 40], by=[0, 0, 1])),
        *(rm.priors.stated(mean=0.1, n=20), rm.priors.map_prior(post), rm.priors.as_mu_prior("rbest")),
    )


def test_a_repr_is_a_few_lines():
    for value in public_values():
        text = repr(value)
        assert len(text) <= 700, f"{type(value).__name__}: {len(text)} characters"
        assert text.count("\n") <= 6, type(value).__name__
        assert type(value).__name__ in text


def test_a_consultation_says_its_figures():
    lines = repr(rm.consult(anatomy="isolated", karyotype="normal")).splitlines()
    assert lines[0].startswith(
        "Consultation(fetal-hepatic-calcification | anatomy=isolated, karyotype=normal; primary, any"
    )
    assert any(line.startswith("  good outcome: 0.94") for line in lines)


@pytest.mark.parametrize("name", ["pool", "regression", "tree", "consultation", "multiverse"])
def test_tables_for_notebooks_are_escaped_and_hold_the_numbers(name):
    post = rm.pool([20, 10], [21, 11], labels=["<script>A</script>", "B & C"])
    made = {
        "pool": lambda: (post, f"{post.average.mean:.3g}"),
        "regression": lambda: (by_hand(), f"{by_hand().odds_ratios()['median'][0]:.3g}"),
        "tree": lambda: (rm.fit("fetal-hepatic-calcification"), "67/115"),
        "consultation": lambda: (rm.consult(anatomy="isolated"), "0.917"),
        "multiverse": lambda: (rm.sensitivity.multiverse(post), "left out"),
    }
    value, number = made[name]()
    html = value._repr_html_()
    assert html.startswith("<table><caption>")
    assert number in html
    assert "<script>" not in html
    assert html.count("<tr>") == html.count("</tr>") > 1
    if name == "pool":
        assert "&lt;script&gt;A&lt;/script&gt;" in html
        assert "B &amp; C" in html
