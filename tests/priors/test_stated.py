"""Priors as people state them and from other series, held to RBesT's printed numbers (validation/published.json has its counts)."""

import json

import numpy as np
import pytest
from command_line import run
from scipy.integrate import quad
from scipy.stats import beta

import riskmodel as rm
from riskmodel import priors

#: RBesT 1.9-0, articles/introduction.html: a mixture printed there, and what it prints of it; `exact` by integration.
MIX = rm.BetaMixture(
    [0.4612914, 0.1917812, 0.1893896, 0.1575378],
    [33.9513487, 19.4400089, 12.269231, 2.2521243],
    [103.0146367, 41.5205219, 55.9202833, 5.4812202],
)
#: Placebo arms of ankylosing spondylitis (RBesT's AS; Baeten D, et al. Lancet 2013;382:1705-13).
EVENTS, TOTALS = [23, 12, 19, 9, 39, 6, 9, 10], [107, 44, 51, 39, 139, 20, 78, 35]


@pytest.fixture(scope="module")
def spondylitis():
    return rm.pool(EVENTS, TOTALS, prior="rbest", heterogeneity="rbest", model="logit-normal")


# ---------------------------------------------------------------- stated


def test_a_mean_and_its_worth():
    prior = priors.stated(mean=0.15, n=20)
    assert (prior.a[0], prior.b[0]) == pytest.approx((3, 17))
    assert priors.ess(prior) == pytest.approx(20, abs=1e-7)
    assert prior.update(2, 10).mean == pytest.approx(5 / 30)
    assert rm.pool([3], [20], prior=prior, heterogeneity=0).average.mean == pytest.approx(6 / 40)


@pytest.mark.parametrize(
    "quantiles",
    [{0.05: 0.02, 0.95: 0.4}, {0.001: 1e-6, 0.999: 0.5}, {0.4: 0.3, 0.6: 0.31}, {0.025: 0.9, 0.975: 0.999},
     {0.95: 0.01, 0.05: 1e-4}],
)  # fmt: skip
def test_two_quantiles_are_met(quantiles):
    prior = priors.stated(quantiles=quantiles)
    for level, risk in quantiles.items():
        assert beta(prior.a[0], prior.b[0]).cdf(risk) == pytest.approx(level, abs=1e-9)
    assert prior.misfit == 0


def test_three_quantiles_are_met_as_nearly_as_a_beta_can_and_the_misfit_is_told():
    exact = beta(4, 11)
    found = priors.stated(quantiles={level: float(exact.ppf(level)) for level in (0.1, 0.5, 0.9)})
    assert (found.a[0], found.b[0]) == pytest.approx((4, 11), rel=1e-5)
    stated = {0.05: 0.02, 0.5: 0.1, 0.95: 0.4}
    found = priors.stated(quantiles=stated)
    off = [beta(found.a[0], found.b[0]).cdf(risk) - level for level, risk in stated.items()]
    assert found.misfit == pytest.approx(max(map(abs, off)), abs=1e-12)
    assert found.misfit > 0.01
    for change in (0.97, 1.03):  # no neighbour is nearer
        for a, b in ((found.a[0] * change, found.b[0]), (found.a[0], found.b[0] * change)):
            assert sum((beta(a, b).cdf(risk) - level) ** 2 for level, risk in stated.items()) > sum(
                one**2 for one in off
            )


def test_opinions_are_mixed():
    mixed = priors.stated(mixture=[(1, rm.BetaMixture.beta(4, 10)), (1, priors.stated(mean=0.5, n=2))])
    # RBesT, reference/mixcombine and postmix: 18 of 20.
    assert mixed.update(18, 20).weights == pytest.approx([0.002672948, 0.997327052], abs=1e-9)
    assert "0.5 (mean 0.5, worth 2)" in repr(mixed)


@pytest.mark.parametrize(("given", "told"), [
    ({}, "nothing"),
    ({"mean": 0.2}, "mean"),
    ({"mean": 0.2, "n": 20, "quantiles": {0.5: 0.1}}, "mean and quantiles"),
    ({"mean": 1, "n": 20}, "a mean of 1"),
    ({"mean": float("nan"), "n": 20}, "mean: 'nan' is not"),
    ({"mean": 0.1, "n": -1}, "worth -1"),
    ({"quantiles": {0.5: 0.1}}, "one alone"),
    ({"quantiles": {0.1: 0.5, 0.9: 0.2}}, "a larger probability below a smaller risk"),
    ({"quantiles": {0.1: 0.0, 0.9: 0.2}}, "not risks by probability"),
    ({"quantiles": {0.49999: 0.0001, 0.5: 0.9999}}, "no Beta was found"),
    ({"mixture": []}, "no prior"),
    ({"mixture": [(0, rm.BetaMixture.beta(1, 1))]}, "weight 0"),
])  # fmt: skip
def test_what_states_no_prior_is_refused(given, told):
    with pytest.raises(rm.InputError, match=told):
        priors.stated(**given)


# ---------------------------------------------------------------- from other series


def test_effective_sizes_are_rbest_s():
    assert priors.ess(MIX) == pytest.approx(37.6136, abs=1e-4)
    assert priors.ess(MIX, "moment") == pytest.approx(24.3495, abs=1e-4)
    robust = priors.robustify(MIX, weight=0.2, mean=0.5)
    assert robust.weights == pytest.approx([0.3690331, 0.1534249, 0.1515117, 0.1260303, 0.2], abs=1e-7)
    assert (robust.a[-1], robust.b[-1]) == (1, 1)
    assert priors.ess(robust) == pytest.approx(26.502, abs=1e-3)


def test_elir_is_its_definition_by_differences():
    mix, step = priors.robustify(rm.BetaMixture.beta(2, 5), 0.3), 1e-4

    def local(x):
        log = [float(np.log(mix.pdf(x + one * step))) for one in (-1, 0, 1)]
        return -(log[0] - 2 * log[1] + log[2]) / step**2 * x * (1 - x) * float(mix.pdf(x))

    assert priors.ess(mix) == pytest.approx(quad(local, 2 * step, 1 - 2 * step, limit=400)[0], abs=2e-3)


def test_a_shape_below_one_has_no_elir_and_a_method_has_a_name():
    with pytest.raises(rm.InputError, match="below 1") as told:
        priors.ess(rm.BetaMixture.beta(0.5, 0.5))
    assert "moment" in told.value.remedy
    with pytest.raises(rm.UnknownNameError, match="moment"):
        priors.ess(MIX, "moments")


def test_the_map_prior_is_the_predictive_in_few_components(spondylitis):
    found = priors.map_prior(spondylitis)
    target = spondylitis.new_setting
    assert len(found) == 3
    # 0.25828 and 0.08741 by integration of RBesT's model; RBesT prints 0.2553 and 0.0866 of 4,000 draws.
    assert found.mean == pytest.approx(0.25828, abs=2e-4)
    assert found.sd == pytest.approx(0.08741, abs=4e-4)
    at = np.linspace(0.01, 0.9, 200)
    assert np.max(np.abs(found.cdf(at) - target.cdf(at))) < 0.003
    assert found.misfit == pytest.approx(np.max(np.abs(found.cdf(at) - target.cdf(at))), abs=1e-3)
    assert 30 < priors.ess(found) < 45
    four = priors.map_prior(spondylitis, components=4)
    assert four.divergence <= found.divergence
    assert found.aic[2] == min(found.aic)
    assert rm.pool([1], [6], prior=found, heterogeneity=0).average.mean == pytest.approx(
        found.update(1, 6).mean, abs=1e-9
    )


def test_a_mixture_is_found_again():
    mixture = rm.BetaMixture([0.6, 0.4], [30, 3], [90, 12])
    found = priors.map_prior(mixture, components=2)
    assert found.divergence < 1e-3
    assert found.weights == pytest.approx(mixture.weights, abs=0.02)
    assert found.a == pytest.approx(mixture.a, rel=0.05)


def test_what_is_no_posterior_is_refused(spondylitis):
    with pytest.raises(rm.InputError, match="not a Posterior"):
        priors.map_prior([1, 2])
    for number in (0, 11, 2.5, True):
        with pytest.raises(rm.InputError, match="components"):
            priors.map_prior(spondylitis, number)
    for wrong in ({"weight": 0}, {"weight": 1}, {"mean": 0}, {"n": -1}):
        with pytest.raises(rm.InputError, match="weight"):
            priors.robustify(MIX, **wrong)


# ---------------------------------------------------------------- decided


def test_decisions_are_rbest_s():
    treated = rm.BetaMixture.beta(0.5, 1)
    robust = priors.robustify(MIX, 0.2)
    rule = priors.Decision.parse("P(difference > 0) > 0.95")
    gained = priors.difference(treated.update(14, 24), robust.update(1, 6))
    assert rule.probability(gained) == pytest.approx(0.99171974, abs=1e-7)
    assert rule.met(priors.difference(treated.update(15, 24), MIX.update(3, 6)))
    assert not rule.met(priors.difference(treated.update(14, 24), MIX.update(4, 6)))
    assert str(rule) == "P(difference > 0) > 0.95"
    low, high = gained.interval(0.9)
    assert gained.cdf([low, high]) == pytest.approx([0.05, 0.95], abs=1e-8)
    assert gained.mean == pytest.approx(gained.first.mean - gained.second.mean)


def test_a_difference_is_the_double_integral():
    one, other = rm.BetaMixture([0.5, 0.5], [0.6, 4], [3, 2]), rm.BetaMixture.beta(2, 0.7)
    for x in (-0.6, -0.1, 0.2):
        inner = quad(
            lambda b, x=x: float(one.cdf(np.clip(b + x, 0, 1))) * float(other.pdf(b)), 0, 1, points=[max(-x, 0)]
        )[0]
        assert float(priors.difference(one, other).cdf(x)) == pytest.approx(inner, abs=5e-6)


def test_rules_on_a_risk():
    rule = priors.Decision.parse(" P( risk<0.05 )>0.9 ")
    assert str(rule) == "P(risk < 0.05) > 0.9"
    jeffreys = rm.BetaMixture.beta(0.5, 0.5)
    met = rule.met_by(jeffreys, 100)
    assert met == tuple(range(len(met)))
    assert beta(len(met) - 0.5, 100.5 - (len(met) - 1)).cdf(0.05) > 0.9
    assert beta(len(met) + 0.5, 100.5 - len(met)).cdf(0.05) <= 0.9
    with pytest.raises(rm.InputError, match="the rule is on a risk"):
        rule.met(priors.difference(jeffreys, jeffreys))
    for text in ("risk < 0.05", "P(risk < 2) > 0.9", "P(risk < 0.05) > 1", "P(odds < 1) > 0.9", None):
        with pytest.raises(rm.InputError):
            priors.Decision.parse(text)


def test_counts_that_contradict_a_prior():
    prior = priors.stated(mean=0.15, n=20)
    assert priors.conflict(prior, 3, 20).probability > 0.6
    found = priors.conflict(prior, 12, 20)
    pmf = prior.predict(20)
    assert found.probability == pytest.approx(pmf[pmf <= pmf[12]].sum(), abs=1e-12)
    with pytest.raises(rm.InputError):
        priors.conflict(prior, 21, 20)


# ---------------------------------------------------------------- wide priors of the field


def test_wide_normals_are_taken_where_the_counts_tell_and_refused_where_they_do_not():
    wide, wider = (rm.pool([3, 4], [20, 30], prior=("normal", 0, sd)).average.mean for sd in (30, 100))
    assert wide == pytest.approx(wider, abs=2e-4)
    assert rm.pool([3, 4], [20, 30], prior="tsd5").average.mean == wider
    with pytest.raises(rm.AccuracyError, match="mass at the extremes"):
        rm.pool([0, 0], [20, 30], prior="tsd5")


# ---------------------------------------------------------------- the command


def test_the_command_says_what_python_says():
    code, out, _ = run(
        "prior", "--mean", "0.15", "--n", "20", "--counts", "12/20", "--rule", "P(risk < 0.5) > 0.9", "--json"
    )
    assert code == 0
    body = json.loads(out)
    assert body["components"] == [{"weight": 1.0, "a": 3.0, "b": 17.0}]
    assert body["ess_elir"] == pytest.approx(20)
    assert body["counts"]["probability"] < 0.005
    assert body["posterior"]["mean"] == pytest.approx(15 / 40)
    assert body["decision"]["met"] is True
    code, out, _ = run("prior", "23/107", "12/44", "19/51", "--robustify", "0.2", "--counts", "1/6")
    assert code == 0
    assert "worth" in out
    assert "+ 0.2 vague" in out
    for wrong in (["prior"], ["prior", "--mean", "0.2"], ["prior", "3/20", "--mean", "0.1", "--n", "5"],
                  ["prior", "--quantiles", "0.5:0.1"], ["prior", "--quantiles", "0.05=0.02,0.05=0.3,0.95=0.4"],
                  *(["prior", "--mean", "0.1", "--n", "5", f"--{name}", usual] for name, usual in (
                      ("components", "2"), ("prior", "rbest"), ("heterogeneity", "0"), ("model", "logit-t")))):  # fmt: skip
        code, _, err = run(*wrong)
        assert code == 2
        assert err.startswith("riskmodel: ")
