"""Pictures of series and of what they say together: numbers of the table, on an axis that shows them."""

from itertools import pairwise

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb

import riskmodel as rm
from riskmodel.plots import _style

mpl.use("agg")
LONG = "Registry of the regions $1 <b>2009</b> $2, second report of all centres that took part since 1990"


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def pooled(series, rare):
    rng = np.random.default_rng(series)
    totals = rng.integers(300, 3000, series) if rare else rng.integers(8, 70, series)
    events = rng.binomial(totals, rng.beta(2, 900 if rare else 8, series))
    return rm.pool(events, totals, labels=[LONG, *(f"Series {i}" for i in range(2, series + 1))])


@pytest.mark.parametrize(("series", "rare"), [(1, True), (4, False), (12, True), (12, False), (100, True)])
def test_every_picture_of_a_pool_is_drawn_of_one_and_of_a_hundred_series(series, rare):
    post = pooled(series, rare)
    weights = rm.between.shrinkage(post)["weight"]
    assert sum(weights) == pytest.approx(1)
    forest = rm.plots.forest(post.table(), weights=weights, title=LONG)
    shrinkage = rm.plots.shrinkage(post.table(), title=LONG)
    for ax in (forest, shrinkage, rm.plots.drapery(post, title=LONG), rm.plots.funnel(post, title=LONG)):
        figure = ax.get_figure()
        figure.canvas.draw()
        assert ax.get_title(loc="left").replace("\n", " ").replace(r"\$", "$") == LONG
        if ax in (forest, shrinkage):
            boxes = [one.get_window_extent() for one in ax.get_yticklabels()]
            heights = sorted((box.y0, box.y1) for box in boxes)
            assert all(low[1] <= high[0] + 1 for low, high in pairwise(heights))
    # The axis is as wide as what is drawn: what is rare fills it.
    reach = float(post.table().query("estimand != 'heterogeneity'")[["lower", "upper"]].max().max())
    shown = forest.get_xlim()[1]
    assert shown < 1.5 * max(reach, float(np.max(post.events / post.totals))) or reach > 0.5


def test_a_forest_has_columns_of_counts_estimates_and_weights():
    table = rm.pool([3, 0], [1200, 700]).table()
    ax = rm.plots.forest(table, weights=[3, 1])
    texts = [one.get_text() for one in ax.texts]
    first, average = table.iloc[0], table[table["estimand"] == "average"].iloc[0]
    for row in (first, average):
        assert f"{100 * row['mean']:.2f} [{100 * row['lower']:.2f}, {100 * row['upper']:.2f}]" in texts
    assert {"3/1200", "0/700", "75.0 %", "25.0 %", "weight", "events/total", "risk % [95 %]"} <= set(texts)
    assert "weight" not in [one.get_text() for one in rm.plots.forest(table).texts]
    again = rm.plots.forest(table.assign(weight=[0.6, 0.4, *[None] * (len(table) - 2)]))
    assert "60.0 %" in [one.get_text() for one in again.texts]
    with pytest.raises(rm.InputError, match="3 weights for 2 series"):
        rm.plots.forest(table, weights=[1, 2, 3])


def test_shrinkage_goes_from_what_was_observed_towards_the_average():
    table = rm.pool([9, 1, 5], [20, 20, 40]).table()
    ax = rm.plots.shrinkage(table)
    series = table[table["estimand"] == "series"].set_index("label")
    labels = [one.get_text().split("  ")[0] for one in ax.get_yticklabels()]
    shifts = (series["observed"].astype(float) - series["mean"]).abs()
    assert labels == shifts.sort_values(ascending=False).index.tolist()
    observed, own = ax.lines[1], ax.lines[2]
    assert observed.get_xdata() == pytest.approx(series.loc[labels, "observed"].astype(float))
    assert own.get_xdata() == pytest.approx(series.loc[labels, "mean"])


def test_a_drapery_s_lines_cut_intervals_off():
    post = rm.pool([3, 9], [20, 40])
    ax = rm.plots.drapery(post)
    lines = {line.get_label(): line.get_data() for line in ax.lines}
    for name, one in (("average", post.average), ("new setting", post.new_setting)):
        x, tails = lines[name]
        inside = x[tails >= 0.05]
        assert inside[[0, -1]] == pytest.approx(one.interval(0.95), abs=4e-3)
    x, tails = lines["each series, by itself"]
    # Clopper and Pearson's interval of 3 of 20, as R's binom.test prints it.
    assert x[tails >= 0.05][[0, -1]] == pytest.approx([0.03207094, 0.37892683], abs=3e-3)


def test_a_funnel_says_what_it_cannot_say():
    post = rm.pool([3, 9], [20, 40])
    ax = rm.plots.funnel(post)
    assert any("does not show that series are missing" in one.get_text().replace("\n", " ") for one in ax.texts)
    points = next(line for line in ax.lines if line.get_label() == "a series")
    assert points.get_xdata() == pytest.approx([0.15, 0.225])
    assert points.get_ydata().tolist() == [20, 40]


def test_a_funnel_s_limits_hold_none_where_none_is_likely():
    post = rm.pool([1, 2], [12, 90])
    ax = rm.plots.funnel(post)
    band = next(one for one in ax.collections if "average" in str(one.get_label()))
    sides = {}
    for share, size in band.get_paths()[0].vertices:
        sides.setdefault(int(size), []).append(share)
    likely = [(1 - post.average.mean) ** size > 0.05 for size in sides]
    assert set(likely) == {True, False}
    assert [min(shares) == 0 for shares in sides.values()] == likely
    assert all(min(shares) < post.average.mean < max(shares) for shares in sides.values())


def test_the_likelihood_is_what_turns_the_prior_into_the_posterior():
    prior = rm.before_counts((2, 5), 0).average
    post = rm.pool([3], [20], prior=(2, 5), heterogeneity=0).average
    ax = rm.plots.prior_likelihood_posterior(prior, post)
    lines = {line.get_label(): line.get_data() for line in ax.lines}
    x, likelihood = lines["likelihood, scaled"]
    binomial = x**3 * (1 - x) ** 17
    assert likelihood / likelihood.max() == pytest.approx(binomial / binomial.max(), abs=1e-9)
    assert lines["posterior"][1] == pytest.approx(post.pdf(x))


def test_pit_values_of_a_pool_are_those_of_the_series_left_out():
    post = rm.pool([3, 9, 1], [20, 40, 11])
    values = rm.between.loo_pit(post, seed=4)
    uniform = np.random.default_rng(4).random(3)
    chances = rm.pool([3, 9], [20, 40]).predict(11)
    assert values[2] == pytest.approx(chances[0] + uniform[2] * chances[1])
    table = rm.calibration.pit_table(values)
    ax = rm.plots.pit_ecdf(table)
    drawn = next(line for line in ax.lines if str(line.get_label()).startswith("3 series"))
    assert drawn.get_ydata() == pytest.approx(table["difference"])
    assert (table["lower"] <= table["upper"]).all()
    with pytest.raises(rm.InputError, match="one series"):
        rm.between.loo_pit(rm.pool([3], [20]))
    with pytest.raises(rm.InputError, match="outside"):
        rm.calibration.pit_table([1.2])


def test_a_specification_curve_draws_every_estimate_and_every_choice():
    found = rm.sensitivity.multiverse(rm.pool([3, 9], [20, 40]))
    table = found.table().sort_values("estimate", kind="stable")
    ax = found.plot(title=LONG)
    assert ax.lines[0].get_ydata() == pytest.approx(table["estimate"])
    (below,) = ax.child_axes
    labels = [one.get_text() for one in below.get_yticklabels()]
    assert labels == [str(name) for choice in found.choices for name in dict.fromkeys(found.table()[choice])]
    marks = sum(len(line.get_xdata()) for line in below.lines)
    assert marks == len(table) * len(found.choices)
    many = rm.sensitivity.multiverse(pooled(20, rare=True), models=["beta-binomial"])
    ax = rm.plots.specification_curve(many.table(), ax=plt.figure().subplots())
    assert "each of 20 others" in [one.get_text() for one in ax.child_axes[0].get_yticklabels()]


def contrast(one, other="#ffffff"):
    def luminance(colour):
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_can_be_read_on_white():
    """WCAG 2.2: 4.5 to 1 for text (1.4.3), 3 to 1 for what a picture is understood by (1.4.11)."""
    assert all(contrast(one) >= 4.5 for one in (_style.INK, _style.SOFT))
    marks = (_style.OBSERVED, _style.SHRUNKEN, _style.AVERAGE, _style.NEW, *_style.POLARITY.values())
    assert all(contrast(one) >= 3 for one in marks)
    assert len({to_hex(one) for one in marks}) == len(marks)


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([0.02, 0.9], (0.0, 1.0)),
        ([0.001, 0.004], (0.0, 0.00418)),
        ([0.95, 0.999], (0.94706, 1.0)),
        ([0.6, 0.8], (0.588, 0.812)),
        ([float("nan"), 0.1], (0.072, 0.128)),
        ([0.2, 0.7], (0.0, 0.73)),
    ],
)
def test_an_axis_reaches_as_far_as_what_it_shows(values, ends):
    assert _style.fitted(values) == pytest.approx(ends, abs=1e-6)


def test_a_percentage_is_never_rounded_to_none_or_all():
    told = [_style.share(p) for p in (0.0, 1e-6, 0.0004, 0.002, 0.03, 0.47, 0.996, 0.99999, 1.0)]
    assert told == ["0 %", "<0.01 %", "0.04 %", "0.2 %", "3 %", "47 %", "99.6 %", ">99.99 %", "100 %"]
