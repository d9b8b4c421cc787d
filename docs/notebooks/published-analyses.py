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
# # Published analyses, reproduced
#
# Four analyses that the field knows, with the published numbers beside what this package gives. The
# numbers and their sources are in `validation/published.json` and `validation/logit_normal.json`.
# Where what was printed is a summary of random draws, the difference is told in its Monte Carlo
# standard errors.

# %%
import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import logit
from scipy.stats import betabinom

import riskmodel as rm

validation = Path("../../validation")
published = json.loads((validation / "published.json").read_text())
counts = json.loads((validation / "cases.json").read_text())
levels = {"q2.5": 0.025, "q50": 0.5, "q97.5": 0.975}

# %% [markdown]
# ## Tumours in rats: Bayesian Data Analysis, 3rd edition, section 5.3
#
# Seventy experiments and a current one. The book's prior is proportional to $(\alpha +
# \beta)^{-5/2}$, which is $\rho^{-1/2} (1 - \rho)^{-3/2}$ on the intra-class correlation with mu
# uniform: improper, so `pool` does not offer it. But a fit under a uniform rho is an exact mixture
# of Betas, one for each node of the quadrature, and another prior is only another weight of each.

# %%
rats = counts["rats"]
fit = rm.pool(rats["events"], rats["totals"], prior="uniform", heterogeneity="uniform-rho")
estimands = {
    "new_setting": (fit.new_setting, 0),
    "first (0 of 20)": (fit.series[0], 20),
    "last (4 of 14)": (fit.series[70], 14),
}
rows = {}
for name, (mixture, seen) in estimands.items():
    rho = 1 / (1 + mixture.a + mixture.b - seen)
    weights = mixture.weights * rho**-0.5 * (1 - rho) ** -1.5
    book = rm.BetaMixture(weights / weights.sum(), mixture.a, mixture.b)
    here = {"mean": book.mean, "sd": book.sd} | {
        key: float(book.ppf(level)) for key, level in levels.items()
    }
    rows |= {
        (name, key): (published["bda3_rats"][name][key], value)
        for key, value in here.items()
    }
table = pd.DataFrame(rows, ["integrated elsewhere", "here"]).T
assert (
    table["here"] - table["integrated elsewhere"]
).abs().max() < 1.1e-5  # one unit of the last digit
table.round(5)

# %% [markdown]
# The book gives the posterior means of the two shapes:

# %%
mixture = fit.new_setting
rho = 1 / (1 + mixture.a + mixture.b)
weights = mixture.weights * rho**-0.5 * (1 - rho) ** -1.5
weights = weights / weights.sum()
shapes = pd.DataFrame(
    {
        "book": [published["bda3_rats"]["book"][f"E_{name}"] for name in ("alpha", "beta")],
        "10,000 draws of bang": [
            published["bda3_rats"]["bang"][f"E_{name}"] for name in ("alpha", "beta")
        ],
        "here": [weights @ mixture.a, weights @ mixture.b],
    },
    ["mean of alpha", "mean of beta"],
)
assert (shapes["here"] - shapes["book"]).abs().max() < 0.05  # half a unit of the last digit
shapes.round(4)

# %% [markdown]
# The mode that the book reads off a contour plot, (2.4, 14.0), is not compared: the maximum is at
# (2.23, 13.28).
#
# ## Ankylosing spondylitis: RBesT's introduction
#
# Eight control arms, `gMAP` with RBesT's defaults, 4,000 draws.

# %%
spondylitis = json.loads((validation / "logit_normal.json").read_text())[
    "ankylosing_spondylitis"
]
case = spondylitis["half_normal_1"]
fit = rm.pool(
    spondylitis["events"],
    spondylitis["totals"],
    model="logit-normal",
    prior="rbest",
    heterogeneity="rbest",
)
rows = {}
for name, one in {
    "tau": fit.heterogeneity,
    "expit_mu": fit.average,
    "theta_new": fit.new_setting,
}.items():
    here = {"mean": one.mean, "sd": one.sd} | {
        key: float(one.ppf(level)) for key, level in levels.items()
    }
    rows |= {
        (name, key): (case["rbest_printed"][name][key], case["exact"][name][key], here[key])
        for key in here
    }
table = pd.DataFrame(rows, ["RBesT printed", "integrated elsewhere", "here"]).T
assert (
    table["here"] - table["integrated elsewhere"]
).abs().max() < 3e-4  # what that integration allows for
table.round(4)

# %% [markdown]
# RBesT's figures are of draws: at best, a mean of 4,000 has a standard error of its standard
# deviation over 63.

# %%
means, sds = table.xs("mean", level=1), table.xs("sd", level=1)
away = (means["RBesT printed"] - means["here"]) / (sds["here"] / np.sqrt(4_000))
assert away.abs().max() < 3
away.round(1).rename("standard errors that RBesT's print is away")

# %% [markdown]
# What its article does next needs no draws, and agrees to the digits printed.

# %%
article, printed = published["rbest_article"], published["rbest_summary"]
prior = rm.BetaMixture(*(printed[key] for key in ("w", "a", "b")))
robust = rm.priors.robustify(prior, weight=0.2)
better = rm.priors.difference(
    rm.BetaMixture.beta(0.5, 1).update(14, 24), robust.update(1, 6)
)
conflict = published["rbest_postmix"]
collapsed = rm.BetaMixture([0.5, 0.5], [4, 1], [10, 1]).update(18, 20)
predictive = published["rbest_preddist"]
table = pd.DataFrame(
    {
        "ESS, ELIR": (article["ess_elir"], rm.priors.ess(prior)),
        "ESS, moment": (article["ess_moment"], rm.priors.ess(prior, method="moment")),
        "ESS, ELIR, robust": (article["ess_elir_robust"], rm.priors.ess(robust)),
        "P(treated do better)": (
            article["probability_better"],
            rm.priors.Decision.parse("P(difference > 0) > 0.95").probability(better),
        ),
        "weight left after 18 of 20": (conflict["w"][0], collapsed.weights[0]),
        "P(2 of the next 10)": (
            predictive["pmf_0_to_10"][2],
            rm.BetaMixture([0.8, 0.2], [15, 1], [50, 1]).predict(10)[2],
        ),
    },
    ["RBesT printed", "here"],
).T
half_a_unit = [0.5, 0.5, 0.5, 5e-8, 5e-10, 5e-8]
assert (
    (table["here"] - table["RBesT printed"]).abs() <= np.array(half_a_unit) * 1.01
).all()
table.map("{:.9g}".format)

# %% [markdown]
# ## Deaths in heart surgery on infants: the BUGS example "Surgical"
#
# Twelve hospitals. With each hospital by itself and a uniform prior the posterior is a Beta. The
# output of WinBUGS that is at hand (10,000 draws; Madigan, course notes, 2006) has the first ten.

# %%
surgical = published["surgical"]
rows = {}
for hospital, events, total, exact, winbugs in zip(
    "ABCDEFGHIJ",
    surgical["events"],
    surgical["totals"],
    surgical["mean_sd"],
    surgical["winbugs"]["mean_sd"],
    strict=False,
):
    alone = rm.pool(events, total, prior="uniform", heterogeneity=0).average
    rows[hospital] = (
        f"{events}/{total}",
        winbugs[0],
        exact[0],
        alone.mean,
        (winbugs[0] - alone.mean) / (alone.sd / 100),
    )
table = pd.DataFrame(
    rows, ["deaths", "WinBUGS printed", "exact", "here", "standard errors away"]
).T
assert (table["exact"] - table["here"]).abs().max() < 5e-7
assert table["standard errors away"].abs().max() < 3
table

# %% [markdown]
# Taken together, the hospitals borrow from each other:

# %%
together = rm.pool(surgical["events"], surgical["totals"], labels=list("ABCDEFGHIJKL"))
axes = rm.plots.forest(
    together.table(), title="Deaths in heart surgery on infants, twelve hospitals"
)

# %% [markdown]
# ## Smoking cessation without contact: NICE DSU Technical Support Document 5
#
# The baseline of a decision model, from the arms without contact of nineteen trials. The document's
# advice: for the baseline take the **predictive** distribution, since the average alone leaves out
# how much baselines differ. First the likelihood, at the maximum that the R package VGAM finds:

# %%
smoking = published["smoking_no_contact"]
phi = 1 / smoking["rho"] - 1
at_maximum = (
    betabinom(smoking["totals"], smoking["mu"] * phi, (1 - smoking["mu"]) * phi)
    .logpmf(smoking["events"])
    .sum()
)
setting = rm.BetaMixture.beta(smoking["mu"] * phi, (1 - smoking["mu"]) * phi)
here = sum(
    np.log(setting.predict(n)[y])
    for y, n in zip(smoking["events"], smoking["totals"], strict=True)
)
assert abs(here - smoking["log_likelihood"]) < 1e-8
pd.Series(
    {"VGAM": smoking["log_likelihood"], "SciPy": at_maximum, "here": here},
    name="log-likelihood",
)

# %% [markdown]
# Then its model: the logit of the average normal with standard deviation 100, and a flat prior on
# tau, for which a half-normal of scale 10 stands (over the values that the counts allow, it falls
# by less than 1 %).

# %%
fit = rm.pool(
    smoking["events"],
    smoking["totals"],
    model="logit-normal",
    prior="tsd5",
    heterogeneity=("half-normal", 10),
)
pd.DataFrame(
    {
        "average": (fit.average.mean, *fit.average.interval(0.95)),
        "predictive": (fit.new_setting.mean, *fit.new_setting.interval(0.95)),
        "average, logit": (logit(fit.average.median), *logit(fit.average.interval(0.95))),
        "tau": (fit.heterogeneity.mean, *fit.heterogeneity.interval(0.95)),
    },
    ["mean (median of the logit)", "lower", "upper"],
).T.round(3)

# %% [markdown]
# The document's own table is not in this repository and was not at hand, so it is not printed
# beside: a reader who has it can compare the last two rows.
