"""Pictures draw the table's numbers and nothing else."""

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib.colors import to_hex

import riskmodel as rm

mpl.use("agg")


def test_a_forest_plot_draws_the_table(model):
    table = model.posterior(model.edges[0]).table()
    ax = rm.plots.forest(table, title="x")
    rows = table[table["estimand"] != "heterogeneity"]
    around = rows[rows["estimand"] != "average"]
    drawn = [line for line in ax.lines if line.get_marker() in ("o", "D")]
    assert [float(line.get_xdata()[0]) for line in drawn] == around["mean"].tolist()
    spans = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "None" and len(line.get_xdata()) == 2]
    for lower, upper in zip(around["lower"], around["upper"], strict=True):
        assert (lower, upper) in spans
    observed = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "s"]
    assert observed == rows["observed"].dropna().tolist()
    (diamond,) = (patch for patch in ax.patches if patch.get_label() == "average")
    average = rows[rows["estimand"] == "average"].iloc[0]
    assert diamond.get_xy()[:4, 0].tolist() == [average["lower"], average["mean"], average["upper"], average["mean"]]
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[0] == "Simchen 2002"
    assert "40/61" in [text.get_text() for text in ax.texts]
    assert labels[-1] == "new setting"
    assert ax.get_title(loc="left") == "x"
    assert "equal-tailed" in ax.get_xlabel()


def test_the_tree_draws_every_branch_twice_by_its_titles(model):
    table = model.branches()
    ax = rm.plots.tree(table)
    texts = [text.get_text() for text in ax.texts]
    heads = texts[: 4 * len(table) : 2]
    assert len(heads) == 2 * len(table)
    assert "another anomaly seen: 47 %" in heads
    assert "abnormal karyotype: 3 %" in heads
    assert texts[1 : 4 * len(table) : 2].count("unknown") == 6
    assert "Detailed ultrasound survey" in texts
    assert not any("anatomy" in text for text in texts)
    assert any(text.startswith("0.02 % to 13 %; 1/46") for text in texts)
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert len(dashed) == 6


def test_pictures_can_be_drawn_on_given_axes_and_saved(model, tmp_path):
    from matplotlib.figure import Figure

    figure = Figure()
    ax = figure.subplots()
    assert rm.plots.forest(rm.pool([20], [21]).table(), ax=ax) is ax
    figure.savefig(tmp_path / "forest.png")
    assert (tmp_path / "forest.png").stat().st_size > 5000


def test_a_table_without_its_columns_is_refused(model):
    for draw in (rm.plots.forest, rm.plots.tree):
        with pytest.raises(rm.InputError, match=r"lacks|DataFrame"):
            draw(model.evidence.table()[["source"]])
        with pytest.raises(rm.InputError, match=r"lacks|DataFrame"):
            draw("no table")


@pytest.fixture(scope="module")
def isolated():
    return rm.consult(anatomy="isolated")


@pytest.mark.parametrize(("outcome", "hue"), [("good_outcome", "#2f5d66"), ("abnormal_karyotype", "#b2431c")])
def test_icons_fill_the_low_end_and_hatch_to_the_high_end(isolated, outcome, hue):
    table = isolated.risk_table()
    row = table[table["outcome"] == outcome].iloc[0]
    ax = rm.plots.icons(table, outcome=outcome)
    filled = [patch for patch in ax.patches if to_hex(patch.get_facecolor()) == hue]
    hatched = [patch for patch in ax.patches if patch.get_hatch() is not None]
    assert len(ax.patches) == 100
    assert len(filled) == round(100 * row["lower"])
    assert len(filled) + len(hatched) == round(100 * row["upper"])
    assert {to_hex(patch.get_edgecolor()) for patch in hatched} <= {hue}
    assert f"mean, {100 * row['probability']:.0f} of 100" in ax.texts[0].get_text().replace("\n", " ")


def test_icons_of_what_is_rare_are_a_thousand(isolated):
    table = isolated.risk_table().query("outcome == 'infection'").iloc[:1]
    rare = table.assign(headline=0.002, lower=0.0011, upper=0.0095)
    ax = rm.plots.icons(rare, outcome="infection")
    assert len(ax.patches) == 1000
    assert sum(patch.get_hatch() is not None for patch in ax.patches) == 10 - 1
    assert "2 of 1,000" in ax.texts[0].get_text().replace("\n", " ")
    assert ax.get_title(loc="left") == "Congenital infection, of 1,000"


def test_information_is_that_of_the_table(isolated):
    table = isolated.workup_table()
    ax = rm.plots.information_gain(table, outcome="good_outcome")
    rows = table[table["outcome"] == "good_outcome"].sort_values("bits_at_most", ascending=False, kind="stable")
    widths = [patch.get_width() for patch in ax.patches]
    assert widths[::2] == pytest.approx(rows["bits_at_most"].tolist())
    assert widths[1::2] == pytest.approx(rows["bits"].tolist())
    assert ax.get_yticklabels()[0].get_text().startswith("Amniocentesis for karyotype")
    with pytest.raises(rm.InputError, match="no step tells of"):
        rm.plots.information_gain(table, outcome="termination")


def test_before_and_after_has_each_question_once(model):
    row = {"kind": "branch", "title": "a", "before": 0.2, "before_lower": 0.1, "before_upper": 0.3}
    moved = row | {"after": 0.25, "after_lower": 0.1, "after_upper": 0.4}
    still = row | {"title": "c", "after": 0.2, "after_lower": 0.1, "after_upper": 0.3}
    rows = [
        moved,
        still,
        moved | {"kind": "outcome", "title": "b"},
        moved | {"kind": "outcome", "title": "d", "after": 0.3},
    ]
    ax = rm.plots.before_after(pd.DataFrame(rows))
    assert [one.get_text() for one in ax.get_yticklabels()] == ["a", "d"]
    assert "1 more did not move" in ax.get_xlabel()


def test_changes_draw_the_risk_after_either_result(isolated):
    table = isolated.workup_table()
    ax = rm.plots.changes(table, outcome="good_outcome", title="x")
    rows = table[table["outcome"] == "good_outcome"]
    for marker, name in (("o", "before"), ("^", "if_normal"), ("v", "if_abnormal")):
        drawn = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == marker]
        assert drawn == pytest.approx(rows[name].tolist(), nan_ok=True)
    assert any(line.get_linestyle() == "--" for line in ax.lines)


def test_moves_draw_every_variant_that_has_an_answer(isolated):
    table = isolated.robustness_table()
    rows = table[(table["outcome"] == "good_outcome") & table["probability"].notna()]
    ax = rm.plots.moves(table, outcome="good_outcome")
    drawn = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in ("o", "D", "^", "v", "s", "P")]
    assert drawn == rows["probability"].tolist()[1:]
    dotted = [list(map(float, line.get_xdata())) for line in ax.lines if line.get_linestyle() == ":"]
    assert dotted == rows.loc[rows["kind"] == "dependence", ["lower", "upper"]].to_numpy().tolist()
    assert "without Simchen 2002" in [text.get_text() for text in ax.get_yticklabels()]


def test_routes_draw_direct_indirect_and_combined(isolated):
    table = isolated.risk_table()
    rows = table[(table["outcome"] == "good_outcome") & (table["route"] != "answer")].set_index("route")
    ax = rm.plots.routes(table, outcome="good_outcome")
    drawn = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in ("o", "D", "s")]
    assert drawn == rows.loc[["direct", "indirect", "combined"], "probability"].tolist()
    assert [text.get_text() for text in ax.get_yticklabels()] == [
        "direct, 2 series",
        "indirect, 3 series",
        "combined, 6 series",
    ]
    one_branch = rm.plots.routes(table, outcome="abnormal_karyotype")
    assert "not estimable" in [text.get_text() for text in one_branch.texts]


def test_a_prior_against_its_posterior():
    post = rm.pool([20], [21])
    ax = rm.plots.densities({"prior": rm.before_counts().new_setting, "posterior": post.new_setting})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["prior", "posterior"]
    x, y = ax.lines[1].get_data()
    assert y == pytest.approx(post.new_setting.pdf(x))
    with pytest.raises(rm.InputError, match="no distribution"):
        rm.plots.densities({})


def test_what_is_not_estimable_is_not_drawn():
    nothing = rm.consult()
    with pytest.raises(rm.InputError, match="no estimable risk"):
        rm.plots.icons(nothing.risk_table(), outcome="good_outcome")
    with pytest.raises(rm.InputError, match="no estimable risk"):
        rm.plots.moves(nothing.robustness_table(), outcome="good_outcome")
    with pytest.raises(rm.InputError, match="no estimable risk"):
        rm.plots.routes(nothing.risk_table(), outcome="good_outcome")
    with pytest.raises(rm.InputError, match="no step changes"):
        rm.plots.changes(nothing.workup_table(), outcome="termination")


def test_tables_of_a_consultation_hold_its_numbers(isolated):
    answer = isolated.to_dict()
    risks = isolated.risk_table()
    good = risks[(risks["outcome"] == "good_outcome") & (risks["given"] == "anatomy isolated")].set_index("route")
    assert good.loc["answer", "probability"] == answer["risks"][0]["probability"]
    assert good.loc["direct", "series"] == 2
    assert len(isolated.workup_table()["step"].unique()) == len(answer["workup"])
    tested = isolated.tested_table().set_index("outcome").loc["good_outcome"]
    assert tested["tested"].tolist() == list(range(1, 22))
    assert (tested["lowest"] <= tested["highest"]).all()
    assert tested["highest"].iloc[-1] == pytest.approx(answer["risks"][0]["probability"], rel=1e-9)
    assert set(isolated.robustness_table()["kind"]) == {
        "answer", "prior", "reading", "unknown", "tested", "left out", "dependence",
    }  # fmt: skip
