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
# # Why pooled counts mislead
#
# Adding up the counts of several series and quoting the interval of the sum answers a question that
# nobody asks: what is the risk if every centre has exactly the same one? Here is what goes wrong,
# and how often.

# %%
import pandas as pd

import riskmodel as rm

evidence = rm.load_evidence("fetal-hepatic-calcification")
rows = evidence.for_edge(evidence.finding.edges[0])
labels, events, totals = (
    [row.source for row in rows],
    [row.events for row in rows],
    [row.total for row in rows],
)
pd.DataFrame(
    {
        "events": events,
        "total": totals,
        "share": [y / n for y, n in zip(events, totals, strict=True)],
    },
    labels,
)

# %% [markdown]
# Five series of fetal hepatic calcification ask one question: does the detailed scan show something
# else as well? Their answers do not lie around one share. Under one common risk the sum would be
# all there is to know:

# %%
alike = rm.pool(events, totals, labels=labels, heterogeneity=0)
differ = rm.pool(events, totals, labels=labels)
pd.DataFrame(
    {
        "added up": alike.new_setting.interval(0.95),
        "average of centres": differ.average.interval(0.95),
        "one more centre": differ.new_setting.interval(0.95),
    },
    ["lower", "upper"],
).T.round(3)

# %% [markdown]
# **Added up** is far too sure of itself, and it is weighted by size alone: a large series of a
# referral centre speaks for all. **One more centre** is what a reader in another clinic faces. Its
# width is spread between centres, and no number of fetuses in the same five centres would take it
# away.
#
# ## Which model do the counts prefer?
#
# The marginal likelihoods say how probable exactly these counts were under each.

# %%
f"the counts are exp({differ.log_evidence - alike.log_evidence:.1f}) times as probable where centres may differ"

# %% [markdown]
# ## How often the interval is wrong
#
# The package ships published meta-analyses of proportions. Leave one series out, predict it from
# all the others of its arm, and count how often the 95 % interval holds what was observed.
# (`most=2`: two series of each arm are left out, so that this takes seconds;
# [calibration](../calibration.md) has the whole.) `naive` adds the counts up.

# %%
record = rm.calibrate(predictors=["default", "naive"], ks=("all",), most=2, resamples=200)
table = record.table().query("stratum == 'all' and k == 'all'").set_index("predictor")
table[
    ["cases", "data_sets", "coverage_50", "coverage_80", "coverage_95", "log_score"]
].astype(float).round(2)

# %%
axes = rm.plots.coverage(
    record.coverage_table(),
    title="How often the intervals of the default hold the series left out",
)

# %% [markdown]
# ## None of 46 is not zero
#
# The sum has another fault where no event was seen: its point estimate is 0 %, and a reader takes
# that for safety.

# %%
none = rm.pool([0, 0, 0], [21, 11, 14])
{
    "added up": 0 / 46,
    "mean, one more centre": round(none.new_setting.mean, 4),
    "95 %": [round(end, 4) for end in none.new_setting.interval(0.95)],
}
