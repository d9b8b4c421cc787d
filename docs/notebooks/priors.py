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
# # Priors: stated, from other series, and robust
#
# What RBesT's users do with `mixbeta`, `gMAP`, `automixfit`, `robustify`, `ess`, `postmix`,
# `preddist` and `decision1S`, on its own example: eight historical control arms in ankylosing
# spondylitis, and one new trial.

# %%
import json
from pathlib import Path

import pandas as pd

import riskmodel as rm

published = json.loads(Path("../../validation/published.json").read_text())

# %% [markdown]
# ## As people state them
#
# "Like three events in twenty", or two quantiles, which a Beta meets exactly.

# %%
like_three_in_twenty = rm.priors.stated(mean=0.15, n=20)
between = rm.priors.stated(quantiles={0.05: 0.02, 0.95: 0.4})
both = rm.priors.stated(mixture=[(0.7, like_three_in_twenty), (0.3, between)])
like_three_in_twenty, between, both

# %%
axes = rm.plots.densities(
    {"3 in 20": like_three_in_twenty, "2 % to 40 %": between, "both": both}
)

# %% [markdown]
# A prior is an argument of `pool`, where it is about the average risk, and has `update` for the
# conjugate answer of one series.

# %%
counts = {"A 2001": (3, 20), "B 2004": (4, 30)}
events, totals = zip(*counts.values(), strict=True)
pd.DataFrame(
    {
        name: rm.pool(events, totals, prior=prior).average.interval(0.95)
        for name, prior in {
            "jeffreys": "jeffreys",
            "3 in 20": like_three_in_twenty,
            "2 % to 40 %": between,
        }.items()
    },
    ["lower", "upper"],
).T.round(3)

# %% [markdown]
# ## From other series: the meta-analytic-predictive prior
#
# The counts are those of the data set `AS` of RBesT (Baeten et al., Lancet 2013;382:1705), the
# model its default: mu on the logit with a normal of standard deviation 2, tau half-normal(1). It
# is fitted by quadrature, so nothing depends on a seed.

# %%
arms = published["ankylosing_spondylitis_likelihood"]
history = rm.pool(
    arms["events"],
    arms["totals"],
    model="logit-normal",
    prior="rbest",
    heterogeneity="rbest",
)
mixture = rm.priors.map_prior(history)
mixture

# %%
f"distance from the predictive itself: {mixture.misfit:.4f} of a probability at most, {mixture.divergence:.5f} nats"

# %%
robust = rm.priors.robustify(mixture, weight=0.2)
axes = rm.plots.densities(
    {"predictive": history.new_setting, "mixture": mixture, "robust": robust},
    title="Risk in a new control arm",
)

# %% [markdown]
# ## What it is worth
#
# The effective sample size in patients: expected local information ratio (ELIR), and that of a Beta
# of the same mean and standard deviation. Of the mixture that RBesT's article prints, its own
# figures are 38 (ELIR), 24 (moment), and 27 made robust.

# %%
printed = published["rbest_summary"]
theirs = rm.BetaMixture(*(printed[key] for key in ("w", "a", "b")))
worth = pd.DataFrame(
    {
        name: [rm.priors.ess(one), rm.priors.ess(one, method="moment")]
        for name, one in {
            "RBesT's printed mixture": theirs,
            "the same, robust": rm.priors.robustify(theirs, weight=0.2),
            "the mixture above": mixture,
        }.items()
    },
    ["ELIR", "moment"],
).T
worth.round(1)

# %%
assert [round(one) for one in worth["ELIR"][:2]] == [38, 27]
assert round(worth["moment"].iloc[0]) == 24

# %% [markdown]
# ## New counts, conflict, prediction, decision
#
# One of six in the new control arm; fourteen of twenty-four treated. RBesT's article prints 0.9917
# for the probability that the treated do better.

# %%
control = rm.priors.robustify(theirs, weight=0.2).update(1, 6)
treated = rm.BetaMixture.beta(0.5, 1).update(14, 24)
rule = rm.priors.Decision.parse("P(difference > 0) > 0.95")
better = rm.priors.difference(treated, control)
print(rule, rule.met(better), f"{rule.probability(better):.4f}")
assert round(rule.probability(better), 4) == 0.9917

# %%
prior = rm.priors.robustify(theirs, weight=0.2)
print("1 of 6 by this prior:  ", rm.priors.conflict(prior, 1, 6))
print("18 of 20 by this prior:", rm.priors.conflict(prior, 18, 20))

# %%
pd.Series(prior.predict(10), name="events among the next ten").round(3)
