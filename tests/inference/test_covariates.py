"""Several covariates by the sampler: against the quadrature of one, known coefficients, and what must hold by symmetry."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from arviz_asks import ask
from command_line import run
from drawn_by_hand import EFFECT, EVENTS, NAMES, REGIONS, TABLE, TOTALS, YEARS, by_hand
from scipy.special import expit
from scipy.stats import norm

import riskmodel as rm
from riskmodel.errors import InputError, UnavailableError, UnknownNameError
from riskmodel.inference.regression.covariates import Design, as_design
from riskmodel.priors import LogitNormalPrior

#: Enough for what is compared within Monte Carlo errors.
FEW = {"method": "nuts", "draws": 1000, "tune": 500, "chains": 2}


def apart(values, exact, prob=None):
    """How many Monte Carlo standard errors a mean, or a quantile, of draws is from an exact number."""
    from arviz_stats.base import array_stats

    found = values.mean() if prob is None else np.quantile(values, prob)
    kind = {"method": "mean"} if prob is None else {"method": "quantile", "prob": prob}
    return abs(found - exact) / float(array_stats.mcse(values, chain_axis=0, draw_axis=1, **kind))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "heterogeneity", "times"),
    [
        (["early"] * 6 + ["late"] * 6, "default", 1),
        (YEARS[:6] * 2, "default", 1),
        (["early"] * 6 + ["late"] * 6, "default", 2000),
        (["early"] * 6 + ["late"] * 6, (1, 9), 1),
    ],
)
def test_one_covariate_is_that_of_the_quadrature(by, heterogeneity, times):
    totals = [times * total for total in TOTALS]
    exact = rm.pool(EVENTS, totals, by=by, heterogeneity=heterogeneity)
    sampled = rm.pool(EVENTS, totals, by=by, heterogeneity=heterogeneity, seed=3, **FEW)
    logs = sampled.to_datatree()["posterior"]["log_odds_ratio"].values[..., 0]
    for prob in (0.025, 0.5, 0.975):
        assert apart(logs, float(np.log(exact.odds_ratio.ppf(prob))), prob) < 4, prob
    assert apart(sampled.spread, exact.heterogeneity.mean) < 4
    assert apart(sampled.spread, float(exact.heterogeneity.ppf(0.9)), 0.9) < 4
    for level in (exact.levels[0], exact.levels[-1]):
        at, of = sampled.at(by=level), exact.level(level)
        assert apart(at.draws["mu"], of.average.mean) < 4
        assert apart(at.draws["mu"], float(of.average.ppf(0.975)), 0.975) < 4
        assert apart(at.draws["theta_new"], of.new_setting.mean) < 4
        assert apart(at.draws["tau"], of.tau.mean) < 4
        assert at.labels == of.labels
        assert at.draws["theta"].mean((0, 1)) == pytest.approx([one.mean for one in of.series], abs=0.01)


@pytest.fixture(scope="module")
def simulated():
    rng = np.random.default_rng(20261126)
    years, regions = rng.integers(1985, 2021, 40), rng.choice(["north", "south", "west"], 40)
    of_region = pd.Series({"north": 0.0, "south": 0.9, "west": -0.7})
    z = (years - years.min()) / (years.max() - years.min()) - 0.5
    mu, totals = expit(-1.0 + 1.2 * z + of_region[regions].to_numpy()), rng.integers(20, 120, 40)
    events = rng.binomial(totals, rng.beta(mu * 15, (1 - mu) * 15))
    table = pd.DataFrame({"year": years, "region": pd.Categorical(regions, ["north", "south", "west"])})
    return table, events, totals, rm.pool(events, totals, by=table, seed=5, **FEW)


@pytest.mark.slow
def test_known_coefficients_are_recovered(simulated):
    table, _, _, found = simulated
    ratios = found.odds_ratios().set_index(["term", "level"])
    last = str(table["year"].max())
    for key, truth in {("year", last): 1.2, ("region", "south"): 0.9, ("region", "west"): -0.7}.items():
        assert ratios.loc[key, "lower"] < np.exp(truth) < ratios.loc[key, "upper"], key
        # Half as wide as the prior at most: 0.47 of it for the years, observed.
        assert np.log(ratios.loc[key, "upper"] / ratios.loc[key, "lower"]) < 0.5 * 2 * 1.96, key
    north = found.at(year=int(table["year"].min()), region="north").average
    assert north.interval()[0] < expit(-1.6) < north.interval()[1]
    assert found.at(year=2000.5, region="west").average.mean < found.at(year=2000.5, region="south").average.mean


@pytest.mark.slow
def test_the_order_of_series_and_of_covariates_changes_no_draw(simulated):
    table, events, totals, one = simulated
    order = np.random.default_rng(2).permutation(40)
    turned = table.iloc[order][["region", "year"]].reset_index(drop=True)
    other = rm.pool(events[order], totals[order], by=turned, seed=5, **FEW)
    told = ["term", "level"]
    pd.testing.assert_frame_equal(
        one.odds_ratios().sort_values(told, ignore_index=True), other.odds_ratios().sort_values(told, ignore_index=True)
    )
    assert one.at(year=2000, region="west").average.mean == other.at(region="west", year=2000).average.mean


@pytest.mark.slow
def test_which_level_without_an_order_is_first_is_no_matter(simulated):
    table, events, totals, found = simulated
    turned = table.assign(region=table["region"].cat.reorder_categories(["west", "north", "south"]))
    other = rm.pool(events, totals, by=turned, seed=6, **FEW)
    for region in ("north", "south", "west"):
        one, again = (each.at(year=2000, region=region).draws["mu"] for each in (found, other))
        assert apart(one, again.mean()) < 5.5  # both have an error
    ratios = other.odds_ratios().set_index(["term", "level"])["median"]
    usual = found.odds_ratios().set_index(["term", "level"])["median"]
    assert 1 / ratios["region", "north"] == pytest.approx(usual["region", "west"], rel=0.03)


@pytest.mark.slow
def test_arviz_knows_it(simulated):
    table, _, _, found = simulated
    tree = found.to_datatree(integrated=True)
    loo, _ = ask(tree, found.to_datatree(), ["middle", "tau"])
    plain = rm.between.loo(rm.pool(simulated[1], simulated[2]))
    assert loo.elpd > plain.elpd + 3  # the covariates foretell
    assert tree["posterior"]["log_odds_ratio"].coords["effect"].values[1] == "region: south against north"
    mu = found.at(**table.iloc[3].to_dict()).draws["mu"]
    assert tree["posterior"]["mu"].values[..., 3] == pytest.approx(mu, abs=1e-12)
    # Under the prior a log odds ratio is a standard normal.
    before = tree["prior"]["log_odds_ratio"].values
    tails = np.quantile(before, [0.1, 0.9], axis=(0, 1)).T
    assert tails == pytest.approx(np.tile(norm.ppf([0.1, 0.9]), (3, 1)), abs=0.06)


@pytest.mark.slow
def test_draws_that_did_not_converge_are_refused():
    with pytest.raises(rm.ConvergenceError, match="effect of by"):
        rm.pool(EVENTS, TOTALS, by=YEARS[:6] * 2, method="nuts", draws=100, tune=100, chains=2)


# ---------------------------------------------------------------- without sampling


def test_levels_without_an_order_have_one_prior_whichever_is_first():
    coded = (
        as_design({"by": REGIONS}, NAMES, LogitNormalPrior(0.3, 0.8)).covariates[0].coded(LogitNormalPrior(0.3, 0.8))
    )
    against = coded[1:] - coded[0]
    assert against[:, 0] == pytest.approx([0.3, 0.3])
    assert against[:, 1:] @ against[:, 1:].T == pytest.approx(0.64 * np.array([[1, 0.5], [0.5, 1]]))
    assert coded.sum(axis=0) == pytest.approx([0, 0, 0], abs=1e-15)
    # Of two levels it is the line.
    two = as_design({"by": ["a", "b"] * 6}, NAMES, LogitNormalPrior(0.3, 0.8))
    assert two.covariates[0].coded(two.effect) == pytest.approx(np.array([[-0.15, -0.4], [0.15, 0.4]]))
    assert two.names == ["effect of by"]


def test_every_kind_of_table_is_the_same_design():
    polars = pytest.importorskip("polars")
    usual = as_design(pd.DataFrame(TABLE), NAMES, EFFECT)
    rows = [dict(zip(TABLE, one, strict=True)) for one in zip(YEARS, REGIONS, strict=True)]
    fields = np.array([*zip(YEARS, REGIONS, strict=True)], [("year", int), ("region", "U5")])
    labelled = pd.DataFrame(TABLE, index=NAMES).iloc[::-1]
    for table in (TABLE, rows, fields, polars.DataFrame(TABLE), labelled):
        assert as_design(table, NAMES, EFFECT) == usual
    ordered = pd.Categorical(REGIONS, ["west", "north", "south"], ordered=True)
    enum = polars.Series("region", REGIONS, polars.Enum(["west", "north", "south"]))
    for one in (ordered, enum, polars.DataFrame({"region": enum})):
        (covariate,) = as_design(one, NAMES, EFFECT).covariates
        assert covariate.levels.names == ("west", "north", "south")
        assert covariate.levels.places == (-0.5, 0.0, 0.5)
    assert as_design(pd.Series(YEARS, name="year"), NAMES, EFFECT).covariates[0].name == "year"
    assert as_design(dict(zip(NAMES, YEARS, strict=True)), NAMES, EFFECT).covariates[0].name == "by"
    assert isinstance(pickle.loads(pickle.dumps(usual)), Design)


def test_a_combination_is_asked_by_name():
    found = by_hand()
    assert found.levels["region"] == ("north", "south", "west")
    post = found.at(year=1990, region="north")
    assert post.labels == ("series 1",)
    # Of the first of three levels the orthonormal contrasts are 1/sqrt(2) and 1/sqrt(6), and the scores are near 0.5.
    middle = -1 - 0.5 * 0.5 + 0.5 * (1 / 2 + 1 / np.sqrt(12))
    assert post.average.median == pytest.approx(expit(middle), abs=0.01)
    unseen = found.at(region="north", year=2000.0)
    assert unseen.events.size == 0
    assert unseen.average.mean > post.average.mean
    assert unseen is found.at(region="north", year=2000)
    assert 0 < unseen.new_setting.interval()[0] < unseen.average.interval()[0]
    assert unseen.table()["estimand"].tolist() == ["average", "new_setting", "heterogeneity", "heterogeneity"]
    for levels, error, said in (
        ({"year": 1989, "region": "north"}, InputError, "not from 1990 to 2010"),
        ({"year": 2000}, InputError, "no level of region"),
        ({"year": 2000, "region": "norht"}, UnknownNameError, "Did you mean 'north'"),
        ({"year": 2000, "region": "north", "size": 3}, UnknownNameError, "covariate"),
        ({"year": "soon", "region": "north"}, UnknownNameError, "level of year"),
    ):
        with pytest.raises(error, match=said):
            found.at(**levels)


def test_it_is_a_finished_value_that_says_little():
    found = by_hand(TABLE | {"<b>": ["low", "high"] * 6})
    again = pickle.loads(pickle.dumps(found))
    assert again == found
    assert hash(again) == hash(found)
    assert again != by_hand(TABLE | {"<b>": ["low", "high"] * 6}, shift=0.1)
    assert again != replace(found, seed=1)
    assert (
        repr(found)
        .splitlines()[0]
        .startswith("SampledRegression of 12 series on year, region, <b> (beta-binomial, nuts; ")
    )
    assert "region, west against north: odds ratio" in repr(found)
    assert repr(found).count("\n") <= 6
    assert len(repr(found)) <= 700
    html = found._repr_html_()
    assert html.startswith("<table><caption>Odds ratios of 12 series")
    assert "<b>" not in html
    ratios = found.odds_ratios(ci_prob=0.8)
    assert ratios["term"].tolist() == ["year", "region", "region", "<b>"]
    assert ratios["level"].tolist() == ["2010", "south", "west", "high"]
    assert ratios["median"][0] == pytest.approx(np.exp(0.5), rel=0.02)
    assert ratios["lower"][0] == pytest.approx(np.exp(0.5 + 0.1 * norm.ppf(0.1)), rel=0.02)
    table = found.table()
    assert table["year"].tolist() == YEARS
    assert table["events"].tolist() == EVENTS
    assert (table["average_lower"] < table["average"]).all()
    with pytest.raises(UnavailableError, match="probability of the counts"):
        found.log_evidence  # noqa: B018


def test_more_coefficients_than_series_are_said():
    table = {"year": YEARS[:4], "region": ["a", "b", "c", "a"], "size": [1, 5, 2, 9]}
    assert "5 coefficients, so that the priors decide" in repr(by_hand(table, NAMES[:4]))
    assert "coefficients" not in repr(by_hand())


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"era": ["all"] * 12}, "era: every series is 'all'"),
        ({"era": [one - 1900 for one in YEARS]}, "year and era"),
        ({"coast": [one == "west" for one in REGIONS]}, "region and coast"),
        (
            {"a": [0, 0, 0, 1, 1, 1] * 2, "sum": [y + 3 * (i % 6 > 2) for i, y in enumerate(YEARS)]},
            "year and a and sum",
        ),
        ({"total": TOTALS}, "a covariate called total"),
        ({"site": ["a", "b"]}, "site: 2 labels for 12 series"),
        ({"site": ["a"] * 11 + [None]}, r"site: series 12 \(series 12\) has none"),
    ],
)
def test_covariates_that_cannot_be_told_apart_are_refused_by_name(extra, said):
    with pytest.raises(InputError, match=said) as refused:
        rm.pool(EVENTS, TOTALS, by=TABLE | extra, method="nuts")
    assert refused.value.remedy
    assert refused.value.field == "by"


def test_the_command_line_takes_labels():
    events, totals, years, regions = (one[-4:] for one in (EVENTS, TOTALS, YEARS, REGIONS))
    counts = [f"{y}/{n}" for y, n in zip(events, totals, strict=True)]
    code, out, _ = run("pool", *counts, "--by", ",".join(map(str, years)), "--json")
    body = rm.pool(events, totals, by=years).to_dict()
    assert (code, json.loads(out)) == (0, json.loads(json.dumps(body)))
    assert body["odds_ratios"][0]["level"] == "2010"
    assert [row["events"] for row in body["levels"]] == events
    code, out, _ = run("pool", *counts, "--by", "kind=" + ",".join(["[/b]", "\x1b[31m"] * 2))
    assert code == 0
    assert "[/b]" in out
    assert "\x1b[31m" not in out
    assert "Odds ratio, by: " in out
    several = ["--by", "era=" + ",".join(map(str, years)), "--by"]
    for options, told in (
        ([*several, "region=" + ",".join(regions)], "nuts"),
        ([*several, ",".join(regions)], "no name"),
        ([*several, "era=" + ",".join(regions)], "named twice"),
        ([*several, " era=" + ",".join(regions)], "named twice"),
        (["--by", "=" + ",".join(regions)], "no name"),
        (["--by", "1,2"], "2 labels for 4 series"),
    ):
        code, _, said = run("pool", *counts, *options)
        assert code == 2
        assert told in said


def test_what_the_sampler_does_not_have_and_the_quadrature_does_not_is_told_with_the_way_out():
    for options, remedy in (
        ({"method": "nuts", "model": "logit-normal"}, "one covariate"),
        ({"method": "nuts", "heterogeneity": 0}, "narrow prior"),
        ({}, "nuts"),
    ):
        with pytest.raises(rm.RiskModelError) as refused:
            rm.pool(EVENTS, TOTALS, by=TABLE, **options)
        assert remedy in refused.value.remedy
    with pytest.raises(InputError, match="without an order") as refused:
        rm.pool(EVENTS, TOTALS, by=REGIONS)
    assert "nuts" in refused.value.remedy
    with pytest.raises(InputError, match="At most 100"):
        as_design([f"place {i}" for i in range(200)], tuple(map(str, range(200))), EFFECT)
    with pytest.raises(InputError, match="two columns"):
        as_design(pd.DataFrame(np.eye(12)[:, :2], columns=["a", "a"]), NAMES, EFFECT)
