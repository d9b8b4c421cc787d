"""One Python peer on one data set, in a process of its own: what it says, its time and its memory as JSON.

    python benchmarks/peers/fits.py PEER DATA.json [--seconds 20]

A peer is a function that takes the counts and gives what is to be timed: what it does before that is its preparation, such
as compiling where "compiled" is in its name. Samplers run 4 chains of 1,000 draws after their usual warm-up; the average's
interval is read off the draws, the new setting's off one Beta draw for each, as their users do.
"""

import argparse
import contextlib
import importlib
import importlib.metadata
import json
import logging
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np

#: The prior that the reference is of: mu ~ Beta(0.5, 0.5), tau ~ LogNormal(median 0.8, sigma 0.6).
PRIOR = "first-default"
ENDS = [0.025, 0.975]
DRAWS, CHAINS = 1000, 4
#: Seconds of a run, which has as many fits as fill them: a few milliseconds alone are the machine's mood.
LEAST = 0.2


def answer(mean, average=None, new=None):
    return {"mean": mean, "average": average, "new": new}


# ---------------------------------------------------------------- riskmodel


def ours_mean(y, n):
    import riskmodel as rm

    return lambda: answer(rm.pool(y, n, heterogeneity=PRIOR).average.mean)


def ours(y, n, **options):
    import riskmodel as rm

    def fit():
        found = rm.pool(y, n, **({"heterogeneity": PRIOR} | options))
        return answer(found.average.mean, found.average.interval(0.95), found.new_setting.interval(0.95))

    return fit


def ours_default(y, n):
    return ours(y, n, heterogeneity="default")


def ours_logit_normal(y, n):
    return ours(y, n, model="logit-normal")


# ---------------------------------------------------------------- samplers of the package's own density


def priors():
    from riskmodel.priors.named import as_heterogeneity_prior, as_mu_prior

    return as_mu_prior("jeffreys"), as_heterogeneity_prior(PRIOR)


def read_off(x, w):
    """What is said from draws of logit(mu) and of log(g / (mu (1 - mu)))."""
    mu, whole = 1 / (1 + np.exp(-np.ravel(x))), np.exp(-np.ravel(w))
    new = np.random.default_rng(1).beta(whole / (1 - mu), whole / mu)
    return answer(mu.mean(), np.quantile(mu, ENDS), np.quantile(new, ENDS))


def package_model(y, n):
    """The model that `pool(..., method="nuts")` samples."""
    import pymc as pm

    from riskmodel.mcmc.branch import log_density
    from riskmodel.mcmc.density import repeats

    with pm.Model() as model:
        x, w = pm.Flat("x"), pm.Flat("w")
        hit, missed, whole = (pm.Data(k, repeats(c)[None]) for k, c in (("hit", y), ("missed", n - y), ("whole", n)))
        pm.Potential("log_density", log_density(x, w, hit, missed, whole, *priors()))
    return model


def pymc_compiled(y, n):
    import pymc as pm

    from riskmodel.mcmc.options import Options, start

    model, options = package_model(y, n), Options(draws=DRAWS, tune=1000, chains=CHAINS, target_accept=0.8)
    with model:
        step = options.stepper()
    fresh = step.sampling_state

    def fit():
        step.sampling_state = fresh
        with model:
            trace = pm.sample(
                draws=DRAWS,
                tune=1000,
                chains=CHAINS,
                cores=1,
                random_seed=1,
                step=step,
                initvals={"x": start(y, n), "w": np.float64(priors()[1].centre()[0])},
                nuts_sampler="pymc",
                progressbar=False,
                compute_convergence_checks=False,
            )
        return read_off(trace["posterior"]["x"].values, trace["posterior"]["w"].values)

    return fit


def pymc(y, n):
    return lambda: pymc_compiled(y, n)()


def nutpie_compiled(y, n):
    import nutpie

    compiled = nutpie.compile_pymc_model(package_model(y, n))

    def fit():
        trace = nutpie.sample(compiled, draws=DRAWS, chains=CHAINS, seed=1, progress_bar=False)
        return read_off(trace["posterior"]["x"].values, trace["posterior"]["w"].values)

    return fit


def nutpie(y, n):
    return lambda: nutpie_compiled(y, n)()


def numpyro_compiled(y, n):
    import jax
    import jax.numpy as jnp
    import numpyro
    from numpyro.distributions import BetaBinomial, ImproperUniform, constraints
    from numpyro.infer import MCMC, NUTS

    from riskmodel.mcmc.density import _trigamma

    numpyro.enable_x64()
    mu_prior, heterogeneity = priors()

    def model(y, n):
        x, w = (numpyro.sample(name, ImproperUniform(constraints.real, (), ())) for name in "xw")
        log_mu, log_rest = -jax.nn.softplus(-x), -jax.nn.softplus(x)
        shapes = jnp.exp(jnp.stack([-w - log_rest, -w - log_mu]))
        value, slope = _trigamma(shapes)
        tau = jnp.sqrt(value.sum())
        prior = mu_prior.formula(x, log_mu, log_rest, jnp) + heterogeneity.formula(tau, jnp)
        numpyro.factor("prior", prior + jnp.log(slope.sum() / (2 * tau)))
        numpyro.sample("y", BetaBinomial(shapes[0], shapes[1], n), obs=y)

    mcmc = MCMC(
        NUTS(model),
        num_warmup=1000,
        num_samples=DRAWS,
        num_chains=CHAINS,
        chain_method="vectorized",
        progress_bar=False,
        jit_model_args=True,
    )

    def fit():
        mcmc.run(jax.random.PRNGKey(1), y, n)
        return read_off(*(np.asarray(mcmc.get_samples()[name]) for name in "xw"))

    fit()
    return fit


def numpyro(y, n):
    import jax

    def fit():
        jax.clear_caches()
        return numpyro_compiled(y, n)()

    return fit


# ---------------------------------------------------------------- other models


def logits(y, n):
    """Logits and their variances, half an event added to each side where a cell is empty."""
    add = 0.5 * ((y == 0) | (y == n)).any()
    return np.log((y + add) / (n - y + add)), 1 / (y + add) + 1 / (n - y + add)


def back(middle, ends):
    return answer(*(1 / (1 + np.exp(-np.asarray(one))) for one in (middle, ends)))


def statsmodels(y, n):
    from statsmodels.stats.meta_analysis import combine_effects

    def fit():
        found = combine_effects(*logits(y, n), method_re="chi2")
        return back(found.mean_effect_re, found.conf_int()[1])

    return fit


def pymare(y, n, estimator="DerSimonianLaird", **options):
    import pymare

    def fit():
        said = getattr(pymare.estimators, estimator)(**options)
        table = said.fit_dataset(pymare.Dataset(*logits(y, n))).summary().to_df()
        return back(table["estimate"][0], table[["ci_0.025", "ci_0.975"]].iloc[0])

    return fit


def pymare_reml(y, n):
    return pymare(y, n, "VarianceBasedLikelihoodEstimator", method="REML")


def proportions(y, n):
    import proportions

    def fit():
        found = proportions.hierarchical_bayes(
            proportions.BinomialData(x=y, n=n), m_prior_alpha=0.5, m_prior_beta=0.5, random_seed=1
        ).posterior
        return answer(found.mu, (found.ci_lower, found.ci_upper))

    return fit


#: Each peer, and what it imports before its clock runs; the first names the version.
PEERS = {
    ours_mean: ("riskmodel",),
    ours: ("riskmodel",),
    ours_default: ("riskmodel",),
    ours_logit_normal: ("riskmodel",),
    pymc: ("pymc", "riskmodel"),
    pymc_compiled: ("pymc", "riskmodel"),
    nutpie: ("nutpie", "pymc", "riskmodel"),
    nutpie_compiled: ("nutpie", "pymc", "riskmodel"),
    numpyro: ("numpyro", "riskmodel"),
    numpyro_compiled: ("numpyro", "riskmodel"),
    statsmodels: ("statsmodels", "statsmodels.stats.meta_analysis"),
    pymare: ("pymare",),
    pymare_reml: ("pymare",),
    proportions: ("proportions",),
}


def version(name):
    return importlib.import_module(name).__version__ if name == "riskmodel" else importlib.metadata.version(name)


def megabytes():
    """The most memory that this process has had."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def measured(peer, y, n, seconds):
    modules, start = PEERS[peer], time.perf_counter()
    try:
        for name in modules:
            importlib.import_module(name)
    except ImportError as error:
        return {"skipped": f"{error.name or modules[0]} is not installed"}
    imported = time.perf_counter() - start
    fit, times, began = peer(y, n), [], time.perf_counter()
    while len(times) < 5 and time.perf_counter() - began < seconds:
        start, fits = time.perf_counter(), 0
        while fits == 0 or time.perf_counter() - start < LEAST:
            found, fits = fit(), fits + 1
        times.append((time.perf_counter() - start) / fits)
    return {
        "version": version(modules[0]),
        "import": imported,
        "seconds": statistics.median(times),
        "runs": len(times),
        "memory": megabytes(),
        **{name: None if one is None else np.asarray(one, float).tolist() for name, one in found.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=[one.__name__ for one in PEERS])
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    data = json.loads(options.data.read_text(encoding="utf-8"))
    peer = next(one for one in PEERS if one.__name__ == options.peer)
    logging.disable()
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr):
        found = measured(peer, np.array(data["events"]), np.array(data["totals"]), options.seconds)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
