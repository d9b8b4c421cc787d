"""Simulation-based calibration: right models pass, wrong ones fail, and the stored records are of this code."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from scipy.stats import kstest

import riskmodel as rm
from riskmodel._support.executors import workers
from riskmodel._support.json_schema import schema_of
from riskmodel.distributions.settings import Settings
from riskmodel.distributions.special import g_of, tau_of
from riskmodel.inference.marginals import AverageMarginal
from riskmodel.priors import (
    MU_PRIORS,
    BetaOnRho,
    BoundedLogNormalOnTau,
    ExponentialOnTau,
    HalfNormalOnTau,
    LogNormalOnTau,
)
from sbc_calibrate import REPLICATIONS, code_of, simulation_based_calibration
from sbc_generator import MODELS, Generator, log_likelihood
from sbc_record import SBCDocument, SBCRecord
from sbc_replicate import QUANTITIES, _joint_draws

RECORDS = Path(__file__).parents[2] / "validation" / "sbc"
STORED = {
    "beta-binomial": ("beta-binomial", "exact"),
    "contaminated-beta-binomial": ("contaminated-beta-binomial", "exact"),
    "logit-normal": ("logit-normal", "exact"),
    "logit-t": ("logit-t", "exact"),
    "nuts": ("beta-binomial", "nuts"),
}


# ---------------------------------------------------------------- the stored records


@pytest.mark.parametrize("name", STORED)
def test_the_stored_record_is_of_this_code(name):
    SBCRecord.load(RECORDS / f"{name}.json").check_code(code_of(STORED[name][1]), where=name)  # else run `make sbc`


@pytest.mark.parametrize("name", STORED)
def test_the_stored_record_passes(name):
    model, method = STORED[name]
    record = SBCRecord.load(RECORDS / f"{name}.json")
    assert (record.settings["model"], record.settings["method"]) == (model, method)
    assert record.settings["replications"] == REPLICATIONS[name]
    generator = Generator.of(model, "jeffreys", "default")
    assert record.settings["prior"] == str(generator.mu_prior)
    assert record.settings["heterogeneity_prior"] == str(generator.heterogeneity_prior)
    assert tuple(record.values) == QUANTITIES
    assert len(record.refused) <= 0.01 * REPLICATIONS[name]
    for row in record.rows:
        assert row["inside"], row
        assert row["replications"] >= 0.99 * REPLICATIONS[name]
    assert record.passed
    schema = jsonschema.Draft202012Validator(schema_of(SBCDocument))
    schema.validate(json.loads((RECORDS / f"{name}.json").read_text()))


@pytest.mark.parametrize("name", STORED)
def test_a_stored_value_is_what_this_code_gives(name):
    """The first of the stored replications again."""
    model, method = STORED[name]
    stored = SBCRecord.load(RECORDS / f"{name}.json")
    number = 1 if method == "nuts" else 10
    again = simulation_based_calibration(model, method=method, replications=number)
    first = next(iter(stored.chunks.values()))
    for quantity in QUANTITIES:
        # Ranks among draws move by one in 200 where another machine rounds otherwise; the sampler's by more.
        assert again.values[quantity] == pytest.approx(first[quantity][:number], abs=0.15 if method == "nuts" else 6e-3)


# ---------------------------------------------------------------- wrong models fail


def off_by_one(events, totals):
    return rm.pool(np.minimum(np.concatenate([events[:1] + 1, events[1:]]), totals), totals)


def prior_twice_as_wide(events, totals):
    return rm.pool(events, totals, heterogeneity=("log-normal", 1.8, 0.5))


def prior_half_as_wide(events, totals):
    return rm.pool(events, totals, heterogeneity=("log-normal", 0.45, 0.5))


def other_model(events, totals):
    return rm.pool(events, totals, prior=(2.0, 2.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "quantity", "replications"),
    [
        # The fewer there are the wider is what passes: these three are outside it by a factor of 1.8 to 5.
        (off_by_one, "average", 400),
        (prior_twice_as_wide, "heterogeneity", 400),
        (prior_half_as_wide, "heterogeneity", 400),
        (other_model, "average", 400),
    ],
)
def test_a_wrong_model_fails(wrong, quantity, replications):
    record = simulation_based_calibration(fit=wrong, replications=replications)
    assert not record.passed
    assert not next(row for row in record.rows if row["quantity"] == quantity)["inside"]
    assert wrong.__name__ in record.settings["fit"]


@pytest.mark.slow
def test_a_posterior_that_ignores_the_counts_is_seen_by_the_log_likelihood_alone():
    """The prior is calibrated in every parameter; only a quantity that looks at the counts tells (Modrak et al. 2023)."""
    record = simulation_based_calibration(fit=ignorant, replications=1000)
    inside = {row["quantity"]: row["inside"] for row in record.rows}
    assert inside["average"]
    assert inside["heterogeneity"]
    assert not inside["log_likelihood"]


@dataclass(frozen=True, eq=False)
class AsNew(Settings):
    """Every series as if it were in a new setting."""

    new: Any

    @property
    def new_setting(self):
        return self.new

    def own(self, i):
        return self.new

    def joint(self, size, rng):
        raise NotImplementedError

    def given(self, logit, tau, series, rng):
        raise NotImplementedError

    def log_integrated(self, logit, tau):
        raise NotImplementedError


before_counts = cache(rm.before_counts)


def ignorant(events, totals):
    """The prior, whatever the counts are."""
    prior = before_counts()
    return replace(prior, settings=AsNew(events, totals, prior.new_setting))


# ---------------------------------------------------------------- records


def test_the_record_is_the_same_wherever_it_is_made(processes, tmp_path):
    one = simulation_based_calibration(replications=210, seed=4)
    with ThreadPoolExecutor(2) as threads:
        two = simulation_based_calibration(replications=210, seed=4, executor=threads)
    three = simulation_based_calibration(replications=210, seed=4, executor=processes)
    assert one.chunks == two.chunks == three.chunks
    assert list(one.chunks) == list(three.chunks) == ["0-99", "100-199", "200-209"]
    assert one.code == three.code
    file = tmp_path / "record.json"
    one.save(file)
    again = SBCRecord.load(file)
    assert (again.chunks, again.settings, again.rows) == (one.chunks, one.settings, one.rows)
    assert again.to_json() == one.to_json()
    table = one.table()
    assert table["quantity"].tolist() == list(QUANTITIES)
    assert "210 replications, passed" in repr(one)
    curves = one.ecdf_table()
    assert set(curves["quantity"]) == set(QUANTITIES)
    with pytest.raises(rm.UnknownNameError):
        one.ecdf("mu")


def test_an_edited_record_is_refused(tmp_path):
    record = simulation_based_calibration(replications=40)
    file = tmp_path / "record.json"
    record.save(file)
    body = json.loads(file.read_text())
    body["chunks"]["0-39"]["average"][0] = 0.5
    file.write_text(json.dumps(body))
    with pytest.raises(rm.StaleRecordError, match="edited after it was made"):
        SBCRecord.load(file)


def dies(events, totals):
    import os

    os._exit(3)


def test_a_worker_that_dies_is_reported():
    with workers(2) as processes, pytest.raises(rm.UnavailableError, match=r"(0-99|100-149): its worker died"):
        simulation_based_calibration(fit=dies, replications=150, executor=processes)


def test_what_cannot_be_judged_is_refused(tmp_path):
    for arguments, error, words in (
        ({"model": "poisson"}, rm.UnknownNameError, "beta-binomial"),
        ({"method": "gibbs"}, rm.UnknownNameError, "exact"),
        ({"model": "logit-normal", "method": "nuts"}, rm.InputError, "beta-binomial model only"),
        ({"model": "logit-normal", "heterogeneity": "uniform-rho"}, rm.InputError, "on tau"),
        ({"heterogeneity": 0}, rm.InputError, "leaves nothing to differ"),
        ({"replications": 0}, rm.InputError, "replications"),
        ({"seed": -1}, rm.InputError, "seed"),
        ({"sizes": [0]}, rm.InputError, "total of 0"),
        ({"sizes": []}, rm.InputError, "no series"),
        ({"most_series": 0}, rm.InputError, "most_series"),
        ({"fit": 3}, rm.InputError, "not a function"),
        ({"fit": lambda events, totals: 3, "replications": 1}, rm.InputError, "not a Posterior"),
        ({"fit": lambda e, n: rm.pool(e, n, heterogeneity=0), "replications": 1}, rm.InputError, "no joint draws"),
    ):
        with pytest.raises(error, match=words):
            simulation_based_calibration(**arguments)
    for text, words in (("{", "not JSON"), ("[]", "not a riskmodel"), ('{"format": "other"}', "not a riskmodel")):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(rm.InputError, match=words):
            SBCRecord.load(tmp_path / "bad.json")
    with pytest.raises(rm.InputError, match="cannot be read"):
        SBCRecord.load(tmp_path / "none.json")


# ---------------------------------------------------------------- what counts are drawn from


def test_priors_draw_what_their_densities_say():
    rng = np.random.default_rng(5)
    for name, cdf in (("jeffreys", (0.5, 0.5)), ("uniform", (1, 1))):
        x = MU_PRIORS[name][0].sample(4000, rng)
        assert kstest(1 / (1 + np.exp(-x)), "beta", args=cdf).pvalue > 1e-3
    assert kstest(MU_PRIORS["rbest"][0].sample(4000, rng) / 2, "norm").pvalue > 1e-3
    assert kstest(BetaOnRho(1, 9).sample(4000, rng), "beta", args=(1, 9)).pvalue > 1e-3
    assert kstest(HalfNormalOnTau(0.5).sample(4000, rng), "halfnorm", args=(0, 0.5)).pvalue > 1e-3
    assert kstest(LogNormalOnTau(0.9, 0.5).sample(4000, rng), "lognorm", args=(0.5, 0, 0.9)).pvalue > 1e-3
    assert kstest(ExponentialOnTau(0.6).sample(4000, rng), "expon", args=(0, 0.6)).pvalue > 1e-3
    bounded, tau = BoundedLogNormalOnTau(1.5, 0.8), np.linspace(1e-6, 5, 5001)
    cdf = np.cumsum(np.exp(bounded.formula(tau))) * (tau[1] - tau[0])
    assert kstest(bounded.sample(4000, rng), lambda at: np.interp(at, tau, cdf)).pvalue > 1e-3


def test_the_spread_is_turned_into_g_and_back():
    tau, mu = np.meshgrid([1e-6, 0.01, 0.9, 5.0, 40.0], [1e-12, 1e-3, 0.2, 0.5, 1 - 1e-9])
    g = g_of(tau, mu, 1 - mu)
    assert tau_of(mu, 1 - mu, g)[0] == pytest.approx(tau, rel=1e-11)


@pytest.mark.parametrize("model", MODELS)
def test_the_log_likelihood_averages_to_the_evidence(model):
    """Over draws from the prior its mean exponential is the evidence that the fit reports."""
    generator = Generator.of(model, "uniform", "default")
    rng = np.random.default_rng(3)
    x, tau = generator.mu_prior.sample(40_000, rng), generator.heterogeneity_prior.sample(40_000, rng)
    mu = 1 / (1 + np.exp(-x))
    rest = 1 / (1 + np.exp(x))
    g = g_of(tau, mu, rest)
    events, totals = np.array([2, 0]), np.array([5, 4])
    spread = tau if model.startswith("logit-") else g / (1 + g)
    found = np.exp(log_likelihood(model, events, totals, mu, rest, spread)).mean() * 10  # 5 choose 2
    post = rm.pool(events, totals, prior="uniform", model=model)
    assert found == pytest.approx(np.exp(post.log_evidence), rel=0.02)


@pytest.mark.parametrize("counts", [([1, 0], [21, 14]), ([19], [19]), ([20, 38, 5], [21, 40, 9])])
@pytest.mark.parametrize("model", MODELS)
def test_joint_draws_have_the_margins(counts, model):
    post = rm.pool(*counts, model=model)
    assert isinstance(post.average, AverageMarginal)
    rng = np.random.default_rng(1)
    draws = [_joint_draws(post, rng) for _ in range(15)]
    mu, rest, spread = (np.concatenate([one[i] for one in draws]) for i in range(3))
    assert mu + rest == pytest.approx(np.ones(mu.size))
    assert kstest(post.average.cdf(mu), "uniform").pvalue > 1e-3
    assert kstest(post.heterogeneity.cdf(spread), "uniform").pvalue > 1e-3
