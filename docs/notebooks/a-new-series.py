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
# # A new series
#
# A paper arrives. How surprising are its counts, what do they move, and how far? Koopman 1998 and
# Achiron 1996 are held out of the shipped finding and brought back as if they were new.

# %%
import shutil
import tempfile
from pathlib import Path

import pandas as pd

import riskmodel as rm

evidence = rm.load_evidence("fetal-hepatic-calcification")
work = Path(tempfile.mkdtemp())
held = work / "held-out"
shutil.copytree(evidence.path, held)

table = pd.read_csv(held / "counts.csv", dtype=str, keep_default_na=False)
new = table[table["source"].isin(["Koopman 1998", "Achiron 1996"])]
table.drop(new.index).to_csv(held / "counts.csv", index=False)
new[["source", "variable", "category", "given", "events", "total"]]

# %% [markdown]
# ## Fit again
#
# A data frame with the columns of `counts.csv`; a CSV file or a workbook would do as well.

# %%
found = rm.refit(held, new)
found

# %% [markdown]
# Before anything moves: what did the old counts expect of such a series? The tail probability is
# small where the new count lies far out.

# %%
found.surprise_table().dropna(subset=["expected"]).round(3)

# %% [markdown]
# ## What moves

# %%
moves = found.move_table().dropna(subset=["moved"])
columns = [
    "title",
    "before",
    "before_lower",
    "before_upper",
    "after",
    "after_lower",
    "after_upper",
    "moved",
]
moves[columns].set_index("title").round(3)

# %%
axes = rm.plots.before_after(moves, title="Before and after the two series")

# %% [markdown]
# Which of the two moves it: each answer with both series, less that without this one.

# %%
influence = found.influence_table().query("kind == 'outcome'").dropna(subset=["change"])
influence.pivot_table(index="title", columns="source", values="change", sort=False).round(3)

# %% [markdown]
# ## Keep it
#
# A new folder, whole or not at all, with a changelog and a record of the fit. The old one stays as
# it was.

# %%
found.save(work / "with-them")
print((work / "with-them" / "CHANGELOG.md").read_text())

# %%
rm.fit(rm.load_evidence(work / "with-them")).risk("good_outcome", anatomy="isolated")

# %%
shutil.rmtree(work)
