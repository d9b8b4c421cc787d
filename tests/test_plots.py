"""Pictures draw the table's numbers and nothing else."""

import matplotlib as mpl
import pytest

import riskmodel as rm

mpl.use("agg")


def test_a_forest_plot_draws_the_table(model):
    table = model.posterior(model.edges[0]).table()
    ax = rm.plots.forest(table, title="x")
    drawn = [line for line in ax.lines if line.get_marker() in ("o", "D", "s")]
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
    assert "karyotype abnormal  4%" in heads
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
        with pytest.raises(rm.InputError, match="lacks"):
            draw(model.evidence.table()[["source"]])
        with pytest.raises(rm.InputError, match="lacks"):
            draw("no table")
