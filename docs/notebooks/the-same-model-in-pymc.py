# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The same model in PyMC
#
# `pool` integrates two hyperparameters by quadrature. Here is its model written down in PyMC, so
# that it can be checked, changed and built upon. Few draws, so that it is quick: agreement is
# within Monte Carlo error.

# %%
import arviz as az
import numpy as np
import pymc as pm

import riskmodel as rm

evidence = rm.load_evidence("fetal-hepatic-calcification")
rows = evidence.for_edge(evidence.finding.edges[0])
events, totals = (
    np.array([row.events for row in rows]),
    np.array([row.total for row in rows]),
)
labels = [row.source for row in rows]

# %% [markdown]
# With a uniform prior on the average risk and Beta(1, 9) on the intra-class correlation:
#
# $$\begin{gathered} \theta_i \sim \mathrm{Beta}(\mu\phi, (1 - \mu)\phi), \\
# y_i \sim \mathrm{Binomial}(n_i, \theta_i), \qquad \rho = 1 / (1 + \phi) \end{gathered}$$
#
# The shapes are given as NumPy's doubles: PyMC makes small integers of Python's.

# %%
one, nine = np.float64(1), np.float64(9)
with pm.Model(coords={"series": labels}) as model:
    mu = pm.Beta("mu", one, one)
    rho = pm.Beta("rho", one, nine)
    phi = 1 / rho - 1
    pm.BetaBinomial(
        "events",
        n=totals,
        alpha=mu * phi,
        beta=(1 - mu) * phi,
        observed=events,
        dims="series",
    )
    sampled = pm.sample(1000, tune=500, chains=2, cores=1, random_seed=1, progressbar=False)

# %%
exact = rm.pool(events, totals, labels=labels, prior="uniform", heterogeneity=(1, 9))
summary = az.summary(sampled, ci_prob=0.95, ci_kind="eti", round_to="none")
summary["exact mean"] = [exact.average.mean, exact.heterogeneity.mean]
summary[["mean", "exact mean", "sd", "mcse_mean", "ess_bulk", "r_hat"]].astype(float).round(
    4
)

# %%
away = (summary["mean"] - summary["exact mean"]).abs() / summary["mcse_mean"]
assert (away.astype(float) < 4).all()
away.astype(float).round(1).rename("standard errors away")

# %% [markdown]
# ## What `method="nuts"` does
#
# The same sampler with the package's own priors on tau, a density that is compiled once for any
# counts, and a refusal where a diagnostic fails.

# %%
default = rm.pool(events, totals, labels=labels)
second = rm.pool(
    events, totals, labels=labels, method="nuts", seed=1, draws=500, tune=500, chains=2
)
difference = abs(second.average.mean - default.average.mean)
assert difference < 4 * second.diagnostics["mcse_mean_mu"]
f"{difference:.4f} apart, Monte Carlo error {second.diagnostics['mcse_mean_mu']:.4f}"

# %% [markdown]
# ## ArviZ takes either
#
# An exact fit draws jointly: hyperparameters from the nodes of the quadrature, then the series'
# risks given these.

# %%
tree = default.to_datatree()
sorted(tree.children)

# %%
az.summary(tree, var_names=["mu", "rho", "theta"], ci_prob=0.95, ci_kind="eti")

# %% [markdown]
# How much the average hangs on its prior, and on the counts, by power-scaling:

# %%
az.psense_summary(tree, var_names=["mu"])
