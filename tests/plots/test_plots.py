"""Pictures draw the table's numbers and nothing else."""

import matplotlib as mpl
import pytest

import riskmodel as rm

mpl.use("agg")


def test_a_forest_plot_draws_the_table(model):
    table = model.posterior(model.edges[0]).table()
    ax = rm.plots.forest(table, title="x")
    drawn = [line for line in ax.lines if line.get_marker() in ("o", "D", "^", "v", "s")]
    rows = table[table["estimand"] != "heterogeneity"]
    assert [float(line.get_xdata()[0]) for line in drawn] == rows["mean"].tolist()
    spans = [tuple(line.get_xdata()) for line in ax.lines if line.get_marker() == "None" and len(line.get_xdata()) == 2]
    for lower, upper in zip(rows["lower"], rows["upper"], strict=True):
        assert (lower, upper) in spans
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert labels[0] == "Simchen 2002  40/61"
    assert labels[-1] == "new setting"
    assert ax.get_title(loc="left") == "x"
    assert "equal-tailed" in ax.get_xlabel()


def test_the_tree_draws_every_branch_twice(model):
    table = model.branches()
    ax = rm.plots.tree(table)
    texts = [text.get_text() for text in ax.texts]
    heads = texts[::2]
    assert len(heads) == 2 * len(table)
    assert "anatomy associated  47%" in heads
    assert "karyotype abnormal  3%" in heads
    assert texts[1::2].count("unknown") == 6
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


def test_icons_fill_the_low_end_and_hatch_to_the_high_end(isolated):
    table = isolated.risk_table()
    row = table[table["outcome"] == "good_outcome"].iloc[0]
    ax = rm.plots.icons(table, outcome="good_outcome")
    hatched = sum(patch.get_hatch() is not None for patch in ax.patches)
    grey = sum(patch.get_facecolor()[:3] == (0.9, 0.9, 0.9) for patch in ax.patches)
    assert len(ax.patches) == 100
    assert 100 - hatched - grey == round(100 * row["lower"])
    assert 100 - grey == round(100 * row["upper"])
    assert any(f"black line: mean {100 * row['probability']:.0f}" in text.get_text() for text in ax.texts)


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
    assert set(isolated.robustness_table()["kind"]) == {
        "answer", "prior", "reading", "unknown", "tested", "left out", "dependence",
    }  # fmt: skip
