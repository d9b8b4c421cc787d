"""Fits on shared nodes are the exact ones, and what is told of them is what they say."""

import numpy as np
import pytest

import riskmodel as rm

COUNTS = {
    "common": ([3, 9, 1, 4, 7, 2], [40, 60, 33, 21, 90, 18]),
    "rare": ([0, 1, 0, 2], [200, 340, 90, 1000]),
    "nearly all": ([20, 10, 5], [21, 11, 5]),
    "one series": ([1], [61]),
}


def exact(post, row):
    keep = [label != row.left_out for label in post.labels]
    return rm.pool(
        post.events[keep], post.totals[keep], prior=row.prior, model=row.model,
        heterogeneity=0 if row.heterogeneity == "alike" else row.heterogeneity,
    ).new_setting  # fmt: skip


@pytest.mark.parametrize("name", COUNTS)
def test_every_fit_of_a_pool_is_the_exact_one(name):
    post = rm.pool(*COUNTS[name])
    table = rm.sensitivity.multiverse(post, heterogeneities=["default", "half-normal-1", 0]).table()
    rng = np.random.default_rng(3)
    for at in [0, *rng.choice(len(table), 14, replace=False)]:
        row = table.iloc[at]
        found = exact(post, row)
        # Observed errors: 1e-4 of a standard deviation, 0.002 in probability (alike, two in 1,000).
        assert abs(row.estimate - found.mean) < 1e-3 * found.sd, row
        assert found.cdf([row.lower, row.upper]) == pytest.approx([0.025, 0.975], abs=0.004), row


def test_the_first_row_is_the_answer_as_fitted_whatever_its_priors():
    post = rm.pool([3, 4], [20, 30], prior=(2, 5), heterogeneity=("log-normal", 0.5, 0.4))
    found = rm.sensitivity.multiverse(post, models=["beta-binomial"])
    first = found.table().iloc[0]
    assert first.as_fitted
    assert (first.prior, first.left_out) == ("mu ~ Beta(2, 5)", "none")
    assert first.estimate == pytest.approx(post.new_setting.mean, abs=1e-4)
    assert len(found.rows) == 4 * 5 * 3  # a prior and a heterogeneity beside the usual, two series left out in turn
    assert not found.table()["as_fitted"].iloc[1:].any()


def test_a_model_stands_once_where_settings_are_alike_and_none_on_the_logit_has_rho():
    table = rm.sensitivity.multiverse(rm.pool([3, 4], [20, 30]), heterogeneities=[0, "uniform-rho"]).table()
    assert set(table.loc[table["heterogeneity"] == "alike", "model"]) == {"beta-binomial"}
    assert set(table.loc[table["heterogeneity"] == "uniform-rho", "model"]) == {
        "beta-binomial", "contaminated-beta-binomial",
    }  # fmt: skip


def test_what_moves_it_is_the_range_between_levels_with_all_else_equal():
    found = rm.sensitivity.multiverse(rm.pool([1, 30], [50, 60]), models=["beta-binomial"])
    table, moves = found.table(), found.moves().set_index("choice")
    wide = table.pivot(index=["heterogeneity", "left_out"], columns="prior", values="estimate")
    ranges = wide.max(axis=1) - wide.min(axis=1)
    assert moves.loc["prior", "mean_range"] == pytest.approx(ranges.mean())
    assert moves.loc["prior", "largest_range"] == pytest.approx(ranges.max())
    assert moves.index[0] == "left_out"
    assert "model" not in moves.index
    assert "Which series is left out moves it most" in found.sentence
    assert f"{table['estimate'].min():.3g} to {table['estimate'].max():.3g}" in found.sentence


@pytest.fixture(scope="module")
def tree():
    return rm.fit("fetal-hepatic-calcification")


@pytest.fixture(scope="module")
def isolated(tree):
    return rm.sensitivity.multiverse(tree, "good_outcome", anatomy="isolated")


def test_every_fit_of_a_tree_is_the_exact_one(tree, isolated):
    table = isolated.table()
    table = table[table["correlation"] == 0.0].reset_index(drop=True)
    assert set(table["reading"]) == {"primary", "strict", "as-cited"}
    rng = np.random.default_rng(5)
    for at in [0, *rng.choice(len(table), 8, replace=False)]:
        row = table.iloc[at]
        evidence = tree.evidence if row.reading == "primary" else tree.evidence.with_reading(row.reading)
        evidence = evidence if row.left_out == "none" else evidence.without(row.left_out)
        spread = 0 if row.heterogeneity == "alike" else row.heterogeneity
        found = tree.variant(evidence=evidence, prior=row.prior, heterogeneity=spread)
        found = found.risk("good_outcome", anatomy="isolated")
        # Observed errors: 0.0006, and 0.005 in probability.
        assert row.estimate == pytest.approx(found.mean, abs=2e-3), row
        assert found.new_setting.cdf([row.lower, row.upper]) == pytest.approx([0.025, 0.975], abs=0.01), row


def test_dependence_is_that_of_the_centre(tree, isolated):
    rows = isolated.table().iloc[1:4]
    other = rm.centre_dependence(tree, "good_outcome", anatomy="isolated")["variants"]
    assert rows["correlation"].tolist() == [one["correlation"] for one in other]
    # Observed errors: 0.0002 of the mean, 0.010 of an end.
    assert rows["estimate"].tolist() == pytest.approx([one["probability"] for one in other], abs=1e-3)
    ends = [one["interval"] for one in other]
    assert rows[["lower", "upper"]].to_numpy() == pytest.approx(np.array(ends), abs=0.02)


def test_an_outcome_that_is_counted_by_itself_is_pooled(tree):
    risk = tree.risk("termination", anatomy="associated")
    found = rm.sensitivity.multiverse(tree, "termination", anatomy="associated").table()
    assert set(found["correlation"]) == {0.0}
    assert found["estimate"].iloc[0] == pytest.approx(risk.mean, abs=1e-4)
    # One series reports it: without that nothing is left.
    assert found.loc[found["left_out"] != "none", "estimate"].isna().all()
    assert found.loc[found["left_out"] != "none", "reason"].str.startswith("no series").all()


def test_what_cannot_be_asked_is_refused(tree):
    post = rm.pool([3], [20])
    for call, match in (
        (lambda: rm.sensitivity.multiverse(post, "good_outcome"), "one question"),
        (lambda: rm.sensitivity.multiverse(tree), "asked about an outcome"),
        (lambda: rm.sensitivity.multiverse(tree, "good_outcome", models=["logit-t"]), "one model"),
        (lambda: rm.sensitivity.multiverse(tree, "good_outcome"), "Unknown"),
        (lambda: rm.sensitivity.multiverse(tree, "good_outcome", correlations=[2], anatomy="isolated"), "correlation"),
        (lambda: rm.sensitivity.multiverse(post, ci_prob=2), "ci_prob"),
        (lambda: rm.sensitivity.multiverse(rm.before_counts()), "without counts"),
    ):
        with pytest.raises(rm.InputError, match=match):
            call()
    with pytest.raises(rm.UnknownNameError):
        rm.sensitivity.multiverse(post, models=["poisson"])
