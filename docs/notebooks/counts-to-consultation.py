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
# # From counts to a consultation
#
# Fetal hepatic calcification, the whole way: published counts with their sources, one branch
# pooled, the probability tree, and what a counselor is told. Every cell takes seconds at most.

# %%

import riskmodel as rm

evidence = rm.load_evidence("fetal-hepatic-calcification")
columns = ["source", "variable", "category", "given", "events", "total", "basis", "role"]
evidence.table()[columns].head(12)

# %% [markdown]
# ## One branch
#
# How often does the detailed scan show something else as well? Five series say between 1 of 5 and
# 21 of 28. The naive answer adds them up, and its interval is far too narrow for one more clinic.

# %%
edge = evidence.finding.edges[0]
rows = evidence.for_edge(edge)
events, totals = [row.events for row in rows], [row.total for row in rows]
naive = rm.pool(events, totals, heterogeneity=0)
post = rm.pool(events, totals, labels=[row.source for row in rows])
print("added up   ", [round(end, 3) for end in naive.new_setting.interval(0.95)])
print("new setting", [round(end, 3) for end in post.new_setting.interval(0.95)])

# %%
post.table().drop(columns=["ci_prob", "ci_kind"]).round(3)

# %%
ax = rm.plots.forest(post.table(), title="Another anomaly on the detailed scan")

# %% [markdown]
# How much the interval owes to the prior on the spread between settings must be seen, not hidden.

# %%
priors = ["default", "half-normal-1", "half-normal-0.5", "uniform-rho", 0]
{
    str(prior): [
        round(end, 3)
        for end in rm.pool(events, totals, heterogeneity=prior).new_setting.interval(0.95)
    ]
    for prior in priors
}

# %% [markdown]
# ## A second opinion
#
# The same model by PyMC. Agreement is within Monte Carlo error; the sampler's output goes to ArviZ
# as it is.

# %%
sampled = rm.pool(events, totals, method="nuts", seed=1)
difference = sampled.average.mean - post.average.mean
assert abs(difference) < 4 * sampled.diagnostics["mcse_mean_mu"]
f"{difference:+.4f}, Monte Carlo error {sampled.diagnostics['mcse_mean_mu']:.4f}"

# %%
sorted(sampled.to_datatree().children)

# %% [markdown]
# ## The tree
#
# Each branch has its own series. Dashed branches are reported by no series; answers that need them
# say so.

# %%
model = rm.fit(evidence)
ax = rm.plots.tree(
    model.branches(), title="Fetal hepatic calcification: risk in a new setting"
)

# %%
for known in (
    {},
    {"anatomy": "isolated"},
    {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"},
):
    print(model.risk("good_outcome", **known))

# %%
risk = model.risk("good_outcome", anatomy="isolated")
print("direct  ", risk.direct.sources, round(risk.direct.mean, 3))
print("indirect", risk.indirect.sources, round(risk.indirect.mean, 3))
print("combined", risk.combined.sources, round(risk.combined.mean, 3))

# %% [markdown]
# ## The consultation
#
# The seed article's question: one 5.5 x 4.4 x 3.4 mm focus beside the umbilical vein at 20 weeks,
# nothing else known. Size, place and number are echoed and named as not moving the number.

# %%
consultation = rm.consult(
    weeks=20, size="5.5x4.4x3.4", location="umbilical-vein", foci=1, detail="all"
)
for step in consultation.workup:
    print(f"{step.state:<8} {step.step.title}")

# %%
answer = consultation.to_dict()
survey = answer["workup"][0]
change = next(one for one in survey["changes"] if one["outcome"] == "abnormal_karyotype")
print(
    f"abnormal karyotype: {change['before']['probability']:.3f} now, {change['if_normal']['probability']:.3f} if isolated, "
    f"{change['if_abnormal']['probability']:.3f} if associated; {change['bits']:.3f} bits expected"
)

# %% [markdown]
# And where the article and the abstracts disagree, the answer is given under each reading of them.

# %%
known = {"anatomy": "isolated", "karyotype": "normal", "infection": "negative"}
for reading in ("primary", "strict", "as-cited"):
    risk = rm.consult(reading=reading, **known).risks[0]
    print(
        f"{reading:<9} {risk.mean:.3f}",
        [f"{count.source} {count.events}/{count.total}" for count in risk.counts],
    )
