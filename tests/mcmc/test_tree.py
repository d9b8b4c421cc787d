"""The whole tree by PyMC, against quadrature, and against the joint posterior of the tree."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import riskmodel as rm
from riskmodel.coarsened.questions import diagram
from riskmodel.distributions.diagram import Branch
from riskmodel.distributions.special import g_of, tau_of
from riskmodel.mcmc.diagnostics import mcse
from riskmodel.mcmc.problem import Divided
from riskmodel.mcmc.tree import fit_tree
from riskmodel.priors import as_heterogeneity_prior, as_mu_prior
from riskmodel.tree.answer import joint as tree_joint

PRIORS = {"mu_prior": as_mu_prior("jeffreys"), "heterogeneity_prior": as_heterogeneity_prior("default")}
QUICK = {"tune": 500, "chains": 2, "seed": 3}
#: The outcome of an infected fetus, which no series reports.
UNKNOWN = 5
ISOLATED = (("anatomy", "isolated"),)
NORMAL = (*ISOLATED, ("karyotype", "normal"))
NEGATIVE = (*NORMAL, ("infection", "negative"))


def tree(*coarse):
    """Fine cells of two series, and good outcomes of isolated fetuses in three others."""
    evidence = rm.load_evidence("fetal-hepatic-calcification")

    def row(number, source, variable, category, given, events, total):
        return replace(
            evidence.counts[0], source=source, variable=variable, category=category, given=given, events=events,
            total=total, row=number, role="fit", reading="primary", population="with_finding",
        )  # fmt: skip

    rows = (
        row(2, "Simchen 2002", "karyotype", "abnormal", ISOLATED, 1, 21),
        row(3, "Ocal 2014", "karyotype", "abnormal", ISOLATED, 0, 14),
        row(4, "Simchen 2002", "infection", "positive", NORMAL, 1, 20),
        row(5, "Ocal 2014", "infection", "positive", NORMAL, 0, 17),
        row(6, "Simchen 2002", "outcome", "good", NEGATIVE, 19, 19),
        *(
            row(7 + i, source, "outcome", "good", ISOLATED, y, n)
            for i, (source, (y, n)) in enumerate(
                zip(("Bronshtein 1995", "Koopman 1998", "Achiron 1996"), coarse, strict=True)
            )
        ),
    )
    return rm.fit(
        replace(evidence, counts=rows, all_counts=rows),
        prior="jeffreys",
        heterogeneity="first-default",
    )


@pytest.fixture(scope="module")
def apart():
    counts = {3: ([1, 0], [21, 14]), 7: ([40, 21, 3, 1], [61, 28, 14, 5])}
    return counts, fit_tree(counts, draws=1500, **QUICK, **PRIORS)


@pytest.mark.slow
def test_branches_without_coarse_counts_are_those_of_quadrature(apart):
    counts, drawn = apart
    for i, edge in enumerate(drawn.branches):
        exact = rm.pool(*counts[edge])
        for values, distribution in (
            (drawn.mu, exact.average), (drawn.rho, exact.heterogeneity), (drawn.theta_new, exact.new_setting)
        ):  # fmt: skip
            assert abs(values[..., i].mean() - distribution.mean) < 4 * mcse(values[..., i])
        risk = drawn.evaluate(Branch(edge, 1.0, 0.0))
        assert abs(risk.mean - exact.new_setting.mean) < 4 * risk.mcse
        # Observed up to 0.008; an end of the interval from 3,000 draws is good to about 0.01.
        assert risk.interval == pytest.approx(exact.new_setting.interval(0.95), abs=0.03)


@pytest.mark.slow
def test_a_ratio_is_of_expectations_and_its_settings_are_weighted(apart):
    counts, drawn = apart
    both, first = Branch(7, Branch(3, 1.0, 0.0), 0.0), Branch(7, 1.0, 0.5)
    risk = drawn.evaluate(both, first)
    mu = {edge: drawn.mu[..., i] for i, edge in enumerate(drawn.branches)}
    assert risk.mean == pytest.approx((mu[7] * mu[3]).mean() / (0.5 + 0.5 * mu[7]).mean(), rel=1e-12)
    assert 0 < risk.interval[0] < risk.mean < risk.interval[1] < 1
    # A factor common to both cancels, for the branches are independent without coarse counts.
    cancelled = drawn.evaluate(both, Branch(7, 1.0, 0.0))
    assert abs(cancelled.mean - rm.pool(*counts[3]).average.mean) < 4 * cancelled.mcse
    assert drawn.evaluate(1.0, 1.0) == (1.0, (1.0, 1.0), 0.0)
    assert drawn.evaluate(Branch(1, 1.0, 0.0), fixed={1: 0.25}).mean == pytest.approx(0.25)
    with pytest.raises(rm.InputError, match="not sampled"):
        drawn.evaluate(Branch(1, 1.0, 0.0))
    with pytest.raises(rm.ContradictionError):
        drawn.evaluate(0.0, 0.0)
    with pytest.raises(rm.InputError, match="ci_prob"):
        drawn.evaluate(Branch(3, 1.0, 0.0), ci_prob=95)


#: The mean by an earlier, centred model of this one tree, 8,000 draws (3 to 10 of them divergent) with a standard error
#: of 0.0007, 0.0008 and 0.0013; what the joint posterior gives is asserted too.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("coarse", "unknown", "found", "draws"),
    [
        (((10, 11), (5, 5), (4, 4)), 0.0, 0.9015, 800),
        (((10, 11), (5, 5), (4, 4)), 1.0, 0.929, 800),
        pytest.param(
            ((40, 100), (40, 100), (40, 100)), 0.0, 0.537, 2200,
            marks=pytest.mark.skipif(not os.environ.get("RISKMODEL_SOAK"), reason="twenty seconds: make soak"),
        ),
    ],
)  # fmt: skip
def test_the_sampler_agrees_with_the_joint_posterior(coarse, unknown, found, draws):
    model = tree(*coarse)
    sampled = model.sample(fixed={UNKNOWN: unknown}, draws=draws, **QUICK)
    risk = sampled.risk("good_outcome", anatomy="isolated")
    top = diagram(model.evidence.finding, dict(ISOLATED) | {"outcome": "good"})
    bottom = diagram(model.evidence.finding, dict(ISOLATED))
    joint, others = tree_joint(model, {UNKNOWN: unknown}), {UNKNOWN: unknown, 0: 0.5}
    error = joint.error(top, bottom, others)
    assert abs(risk.mean - joint.mean(top, bottom, others)) < 4 * (risk.mcse + error)
    assert abs(risk.mean - found) < 4 * (risk.mcse + 0.001)
    assert risk.mcse < 0.004
    assert sampled.diagnostics["rhat"] < 1.01
    assert sampled.diagnostics["ess_bulk"] > 400
    assert sampled.diagnostics["divergences"] == 0

    table = sampled.checks()
    assert table["source"].tolist()[5:] == ["Bronshtein 1995", "Koopman 1998", "Achiron 1996"]
    assert table["kind"].tolist() == ["fine"] * 5 + ["coarse"] * 3
    assert not table["flagged"].any()
    groups = sampled.to_datatree()
    assert {"posterior", "posterior_predictive", "observed_data", "sample_stats"} <= set(groups.children)
    assert groups["posterior"]["theta"].sizes == {"chain": 2, "draw": draws, "own": 9}
    assert groups["posterior_predictive"]["events"].sizes["count"] == 8
    assert any("infection positive" in name for name in groups["posterior"].coords["branch"].values)
    assert {"prior", "log_prior", "log_likelihood", "prior_predictive"} <= set(groups.children)
    with pytest.raises(rm.UnavailableError, match="not estimable"):
        sampled.risk("good_outcome", anatomy="associated")
    with pytest.raises(rm.UnavailableError, match="counted by itself"):
        sampled.risk("termination")
    with pytest.raises(rm.UnknownNameError):
        sampled.risk("good_outcome", anatomy="isolate")


@pytest.mark.slow
def test_a_coarse_count_of_one_branch_is_as_good_as_its_own_and_a_contradiction_is_flagged():
    events, totals = [19, 28, 38, 18, 47, 29] * 2, [20, 30, 40, 20, 50, 30] * 2
    drawn = fit_tree(
        {0: (events, totals)}, [(Branch(0, 1.0, 0.0), 40, 100, {}), (Branch(0, 1.0, 0.0), 9, 10, {})],
        draws=800, **QUICK, **PRIORS,
    )  # fmt: skip
    exact = rm.pool([*events, 40, 9], [*totals, 100, 10])
    risk = drawn.evaluate(Branch(0, 1.0, 0.0))
    assert abs(risk.mean - exact.new_setting.mean) < 4 * risk.mcse
    assert drawn.own == ((0, 0), (1, 0))
    for i in (0, 1):
        assert abs(drawn.theta[..., i].mean() - exact.series[12 + i].mean) < 4 * mcse(drawn.theta[..., i])
    table = drawn.checks()
    assert table["flagged"].tolist() == [False] * 12 + [True, False]
    assert table["testable"].all()
    # The same by the predictive distribution of the exact posterior: 0.007.
    pmf = exact.predict(100)
    assert table["mid_p"][12] == pytest.approx(pmf[:40].sum() + 0.5 * pmf[40], abs=0.01)


@pytest.mark.slow
def test_branches_without_counts_have_their_own_priors_and_coarse_counts_of_hundreds_tell_them():
    stored = json.loads((Path(__file__).parents[2] / "validation" / "joint_importance.json").read_text())
    (case,) = (
        one["answers"]
        for one in stored["cases"]
        if (one["finding"], one["prior"], one["coarse"]) == ("fetal-echogenic-bowel", "dirichlet-tree", "karyotype")
    )
    isolated, associated = Branch(0, 0.0, 1.0), Branch(0, 1.0, 0.0)
    abnormal = Branch(0, Branch(2, 1.0, 0.0), Branch(1, 1.0, 0.0))
    drawn = fit_tree(
        {0: ([272], [882]), 1: ([5, 3, 0], [139, 16, 74]), 2: ([], []), 5: ([], [])},
        [(abnormal, 24, 682, {}), (abnormal, 3, 106, {}), (abnormal, 4, 147, {}), (abnormal, 45, 882, {0: (272, 882)})],
        mu_prior={
            0: PRIORS["mu_prior"], 1: as_mu_prior((0.25, 0.75)), 2: PRIORS["mu_prior"], 5: as_mu_prior((0.125, 0.125))
        },
        heterogeneity_prior=PRIORS["heterogeneity_prior"], draws=1000, **QUICK,
    )  # fmt: skip
    for asked, (top, bottom) in {
        "abnormal_karyotype": (abnormal, 1.0),
        "abnormal_karyotype | isolated": (Branch(0, 0.0, Branch(1, 1.0, 0.0)), isolated),
        "abnormal_karyotype | associated": (Branch(0, Branch(2, 1.0, 0.0), 0.0), associated),
    }.items():
        risk, other = drawn.evaluate(top, bottom), case[asked]
        assert abs(risk.mean - other["mean"]) < 4 * np.hypot(risk.mcse, other["standard_error"]), asked
    # Nothing tells the last: P(mu < 0.01) of Beta(1/8, 1/8).
    low = drawn.mu[..., 3] < 0.01
    assert abs(low.mean() - 0.28764) < 4 * mcse(low.astype(float))
    assert drawn.prior.startswith("0: mu ~ Beta(0.5, 0.5); 1: mu ~ Beta(0.25, 0.75); ")


@pytest.mark.slow
def test_pooled_heterogeneity_tells_a_branch_with_one_series_how_much_settings_differ():
    alike = ([10, 21, 30, 9, 20, 31, 40, 19], [20, 40, 60, 20, 40, 60, 80, 40])
    counts = {0: alike, 1: alike, 2: ([19], [20])}
    drawn = fit_tree(counts, pooled_heterogeneity=True, draws=800, **QUICK, **PRIORS)
    alone = rm.pool(*counts[2])
    # Two branches whose series agree make the third's series agree more: less spread, and a narrower new setting.
    assert drawn.rho[..., 2].mean() < 0.8 * alone.heterogeneity.mean
    lower, upper = drawn.evaluate(Branch(2, 1.0, 0.0)).interval
    assert upper - lower < np.diff(alone.new_setting.interval(0.95))[0]
    assert drawn.hyper["tau_median"].mean() < 0.8
    assert drawn.diagnostics["rhat"] < 1.01
    assert "partially pooled" in drawn.heterogeneity_prior
    assert {"tau_median", "tau_sd"} <= set(drawn.to_datatree()["posterior"].data_vars)


# ---------------------------------------------------------------- densities and divisions, without sampling


@pytest.mark.parametrize(("a", "b"), [(0.02, 3.0), (0.7, 0.4), (5.0, 2.0), (40.0, 3e4)])
def test_the_density_of_deviations_is_that_of_the_beta(a, b):
    from scipy.stats import beta, norm

    z = np.array([-3.0, -1.0, -0.01, 0.0, 0.5, 2.5])
    spread = np.sqrt((1 + 0.5 / a) / a + (1 + 0.5 / b) / b)
    density, log_theta, log_rest = _own(a, b, z)
    expected = beta(a, b).logpdf(np.exp(log_theta)) + log_theta + log_rest + np.log(spread)
    inside = log_rest > -20  # SciPy is given theta alone
    assert density[inside] == pytest.approx(expected[inside], abs=1e-7)
    # Where settings are alike it is a standard normal; log-gamma functions of 1e12 would leave errors of 1e-3.
    far = 1e12
    assert _own(a * far, b * far, z)[0] == pytest.approx(norm.logpdf(z), abs=1e-4)


def _own(a, b, z):
    import pytensor
    import pytensor.tensor as pt

    from riskmodel.mcmc.density import own_risks, shapes_of

    x, w, deviation = pt.dvectors("x", "w", "z")
    none = np.zeros(z.size)
    parts = own_risks(shapes_of(x, w, on_tau=False), np.zeros(z.size, int), none, none, deviation)
    made = pytensor.function([x, w, deviation], parts, mode="FAST_COMPILE")
    return made(np.log([a / b]), -np.log([a + b]), z)


def test_the_near_spread_is_near_and_its_slope_is_its_own():
    import pytensor
    import pytensor.tensor as pt

    from riskmodel.mcmc.spreads import w_near

    x, log_tau = pt.dvectors("x", "log_tau")
    w, log_slope = w_near(x, log_tau)
    slope = pytensor.grad(w.sum(), log_tau)
    made = pytensor.function([x, log_tau], [w, log_slope, slope], mode="FAST_COMPILE")
    at, aim = (one.ravel() for one in np.meshgrid(np.linspace(-12, 12, 9), np.log([1e-4, 0.01, 0.3, 0.8, 3, 30])))
    found, logs, slopes = made(at, aim)
    mu, rest = 1 / (1 + np.exp(-at)), 1 / (1 + np.exp(at))
    # Observed 3.5e-4 and 2e-9.
    assert np.log(tau_of(mu, rest, np.exp(found) * mu * rest)[0]) == pytest.approx(aim, abs=5e-4)
    assert np.exp(-logs) == pytest.approx(slopes, rel=1e-7)


def test_the_spread_in_common_is_exact_and_so_are_its_slopes():
    import pytensor
    import pytensor.tensor as pt

    from riskmodel.mcmc.spreads import w_of

    x, log_tau = pt.dvectors("x", "log_tau")
    w = w_of(x, log_tau)
    made = pytensor.function([x, log_tau], [w, *pytensor.grad(w.sum(), [x, log_tau])], mode="FAST_COMPILE")
    at, aim = (one.ravel() for one in np.meshgrid(np.linspace(-12, 12, 9), np.log([1e-3, 0.01, 0.3, 0.8, 1.5, 3, 10])))
    found, along_x, along_tau = made(at, aim)

    def exact(at, aim):
        mu, rest = 1 / (1 + np.exp(-at)), 1 / (1 + np.exp(at))
        return np.log(g_of(np.exp(aim), mu, rest)) - np.log(mu) - np.log(rest)

    # Observed 2.1e-8, 2e-5 and 1e-4.
    assert found == pytest.approx(exact(at, aim), abs=1e-7)
    assert along_x == pytest.approx((exact(at + 1e-4, aim) - exact(at - 1e-4, aim)) / 2e-4, abs=1e-4)
    assert along_tau == pytest.approx((exact(at, aim + 1e-4) - exact(at, aim - 1e-4)) / 2e-4, rel=1e-3)


def test_cells_of_the_same_fetuses_divide_a_coarse_count():
    node = Branch(0, 0.0, Branch(1, 1.0, Branch(2, 1.0, 0.0)))
    assert Divided.of(node, 11, {}).sizes == (11,)
    # None of the 11 was of the first branch and 2 were of the second: 9 are left, and 8 events of 10 certain.
    divided = Divided.of(node, 11, {0: (0, 11), 1: (2, 11)})
    assert (divided.certain, divided.sizes, divided.nodes) == (2, (9,), (Branch(2, 1.0, 0.0),))
    assert divided.ways(10).tolist() == [[8]]
    assert len(divided.ways(1)) == 0
    both = Divided.of(Branch(0, Branch(1, 1.0, 0.0), Branch(2, 1.0, 0.0)), 5, {0: (2, 5)})
    assert both.ways(4).tolist() == [[1, 3], [2, 2]]


def test_what_cannot_be_sampled_is_refused():
    one, good = {0: ([1], [20])}, Branch(0, 1.0, 0.0)
    three = one | {1: ([], []), 2: ([], []), 3: ([], [])}
    parts = Branch(0, Branch(1, Branch(2, 1.0, 0.0), Branch(3, 1.0, 0.0)), Branch(3, 1.0, 0.0))
    for arguments, error, words in (
        (({},), rm.InputError, "no branches"),
        (({0: ([3], [2])},), rm.InputError, "exceed"),
        (({0: ([1], [20_001])},), rm.UnavailableError, "20,000"),
        ((one, [(Branch(4, 1.0, 0.0), 1, 2, {})]), rm.InputError, r"coarse count 1.*\[4\]"),
        ((one, [(good, 3, 2, {})]), rm.InputError, "exceed"),
        ((one, [(good, 3, 20_001, {})]), rm.UnavailableError, "20,001"),
        ((three, [(parts, 400, 4000, {0: (2000, 4000), 1: (1000, 2000)})]), rm.UnavailableError, "50,000 ways"),
        ((one, [(good, 3, 4, {0: (5, 4)})]), rm.InputError, "exceed"),
        ((one, [(good, 3, 4, {0: (2, 4)})]), rm.ContradictionError, "3 of 4 cannot be"),
        ((one, [(0.0, 3, 4, {})]), rm.ContradictionError, "3 of 4 cannot be"),
    ):
        with pytest.raises(error, match=words):
            fit_tree(*arguments, **PRIORS)
    with pytest.raises(rm.UnavailableError, match="heterogeneity 0"):
        fit_tree(one, mu_prior=PRIORS["mu_prior"], heterogeneity_prior=None)
    with pytest.raises(rm.InputError, match="mu_prior"):
        fit_tree(one, mu_prior={1: PRIORS["mu_prior"]}, heterogeneity_prior=PRIORS["heterogeneity_prior"])
    on_rho = as_heterogeneity_prior("uniform-rho")
    with pytest.raises(rm.UnavailableError, match="on rho"):
        fit_tree(one, mu_prior=PRIORS["mu_prior"], heterogeneity_prior=on_rho, pooled_heterogeneity=True)
    for name, value in (("draws", 10), ("chains", 1), ("seed", -1), ("target_accept", 1.0)):
        with pytest.raises(rm.InputError, match=name):
            fit_tree(one, **PRIORS, **{name: value})
    model = tree((10, 11), (5, 5), (4, 4))
    for fixed in ({0: 1.0}, {UNKNOWN: 0.5}, {99: 0.0}):
        with pytest.raises(rm.InputError, match="fixed"):
            model.sample(fixed=fixed)
    with pytest.raises(rm.UnavailableError, match="heterogeneity 0"):
        model.variant(heterogeneity=0).sample()


@pytest.mark.slow
def test_draws_that_did_not_converge_are_refused_with_the_reasons(apart):
    with pytest.raises(rm.ConvergenceError, match=r"effective sample size of mu\[3\]"):
        fit_tree(apart[0], draws=100, tune=100, chains=2, **PRIORS)
