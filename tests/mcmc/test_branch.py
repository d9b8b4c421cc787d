"""The second opinion: PyMC's sampler against quadrature, within Monte Carlo error."""

import json
from pathlib import Path

import numpy as np
import pytest
from arviz_asks import ask

import riskmodel as rm
from riskmodel.mcmc import diagnostics as convergence

CASES = json.loads((Path(__file__).parents[2] / "validation" / "cases.json").read_text())


@pytest.fixture(scope="module", params=["isolated", "karyotype", "rats", "karyotype, contaminated"])
def both(request):
    name, _, kind = request.param.partition(", ")
    counts, model = (CASES[name]["events"], CASES[name]["totals"]), f"{kind}-beta-binomial".removeprefix("-")
    return rm.pool(*counts, model=model), rm.pool(*counts, model=model, method="nuts", draws=1000, tune=500, seed=11)


@pytest.mark.slow
def test_the_sampler_agrees_within_four_standard_errors(both):
    from arviz_stats.base import array_stats

    exact, sampled = both
    for name, distribution in (("mu", exact.average), ("theta_new", exact.new_setting), ("rho", exact.heterogeneity)):
        drawn = sampled.draws[name]
        error = float(array_stats.mcse(drawn, chain_axis=0, draw_axis=1, method="mean"))
        assert abs(drawn.mean() - distribution.mean) < 4 * error, name
        error = float(array_stats.mcse(drawn, chain_axis=0, draw_axis=1, method="quantile", prob=0.9))
        assert abs(np.quantile(drawn, 0.9) - float(distribution.ppf(0.9))) < 4 * error, name
    for i, distribution in enumerate(exact.series):
        drawn = sampled.draws["theta"][..., i]
        error = float(array_stats.mcse(drawn, chain_axis=0, draw_axis=1, method="mean"))
        assert abs(drawn.mean() - distribution.mean) < 4 * error, i
    # The conditional Betas carry less Monte Carlo error than draws from them.
    assert sampled.new_setting.mean == pytest.approx(
        exact.new_setting.mean, abs=4 * sampled.diagnostics["mcse_mean_mu"]
    )


@pytest.mark.slow
def test_the_sampler_reports_itself_to_arviz(both):
    _, sampled = both
    tree = sampled.to_datatree()
    assert {"posterior", "prior", "log_likelihood", "log_prior", "sample_stats", "observed_data"} <= set(tree.children)
    assert set(tree["posterior"].data_vars) == {"mu", "rho", "tau", "theta_new", "theta"}
    assert tree["posterior"].sizes["chain"] == 4
    assert not tree["sample_stats"]["diverging"].values.any()
    assert sampled.diagnostics["rhat_mu"] < 1.01
    assert sampled.error.kind == "monte carlo"


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:Estimated shape parameter of Pareto"
)  # of each series' own risk: what exact loo is for
def test_what_arviz_asks_of_the_sampler_s_fit_is_near_the_exact(both):
    import arviz as az

    exact, sampled = both
    tree = sampled.to_datatree(integrated=True)
    ask(sampled.to_datatree(), exact.to_datatree(draws=4000), ["mu", "tau", "rho"])
    loo, found = az.loo(tree, var_name="events"), rm.between.loo(sampled)
    assert loo.elpd == pytest.approx(found.elpd, abs=0.1 + 0.01 * found.elpd_i.size)
    assert found.elpd == pytest.approx(rm.between.loo(exact).elpd, abs=1e-9)
    sensitivity = rm.between.power_scaling(sampled, draws=sampled.draws["mu"].size)
    weighed = az.psense(sampled.to_datatree(), var_names=["mu", "tau", "rho"])
    for name in ("mu", "tau", "rho"):
        assert float(weighed[name]) == pytest.approx(sensitivity.loc[name, "prior"], rel=0.15, abs=0.01)


def test_an_exact_posterior_goes_to_arviz_too():
    post = rm.pool([19, 10], [19, 11])
    tree = post.to_datatree(draws=2000, seed=3)
    assert tree["posterior"]["mu"].shape == (4, 500)
    assert tree["posterior"]["theta"].shape == (4, 500, 2)
    assert float(tree["posterior"]["theta_new"].mean()) == pytest.approx(post.new_setting.mean, abs=0.01)
    assert tree["observed_data"]["events"].values.tolist() == [19, 10]


@pytest.mark.slow
def test_a_fit_that_did_not_converge_is_refused_with_the_reasons():
    with pytest.raises(rm.ConvergenceError, match="effective sample size"):
        rm.pool([19, 10], [19, 11], method="nuts", draws=100, tune=100, chains=2)


def test_each_failed_criterion_is_named():
    good = {f"rhat_{n}": 1.0 for n in ("mu", "rho")} | {
        f"ess_{k}_{n}": 1e3 for k in ("bulk", "tail") for n in ("mu", "rho")
    }
    good |= {"divergences": 0.0, "bfmi": 1.0}
    convergence.refuse(good, ("mu", "rho"), way_out="wait")
    for change, word in (
        ({"rhat_mu": 1.2}, "R-hat of mu 1.200"), ({"ess_tail_rho": 12.0}, "tail effective sample size of rho 12"),
        ({"divergences": 3.0}, "3 divergent"), ({"bfmi": 0.1}, "E-BFMI 0.10"), ({"rhat_rho": float("nan")}, "R-hat of rho nan"),
    ):  # fmt: skip
        with pytest.raises(rm.ConvergenceError, match=word):
            convergence.refuse(good | change, ("mu", "rho"), way_out="wait")


def test_the_sampler_says_what_it_cannot_take():
    with pytest.raises(rm.UnavailableError, match="20,000"):
        rm.pool([14], [24600], method="nuts")
    with pytest.raises(rm.UnavailableError):
        rm.pool([14], [24], heterogeneity=0, method="nuts")
