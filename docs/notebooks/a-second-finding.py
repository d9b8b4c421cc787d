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
# # A second finding
#
# Nothing in the code knows livers: a finding is a folder of open files. Here one is begun from the
# template, gets counts from a data frame, is checked, and answers. **The counts below are
# invented.** [Bring your own finding](../bring-your-own-finding.md) has the whole of it.

# %%
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

import riskmodel as rm

work = Path(tempfile.mkdtemp())
riskmodel = [sys.executable, "-m", "riskmodel"]
subprocess.run(
    [*riskmodel, "evidence", "template", "mine", "--empty"], cwd=work, check=True
)
sorted(path.name for path in (work / "mine").iterdir())

# %% [markdown]
# The tree is in `finding.toml`: what can be known, in order, and what is asked. This one asks of a
# survey, then of the outcome.

# %%
print("\n".join((work / "mine" / "finding.toml").read_text().splitlines()[18:42]))

# %% [markdown]
# ## Counts, from wherever they are
#
# Events of totals, of which state, among whom; and where each comes from.

# %%
columns = ["source", "variable", "category", "given", "events", "total"]
rows = [
    ("A 2001", "anatomy", "associated", "", 9, 31),
    ("A 2001", "outcome", "good", "anatomy=isolated", 20, 22),
    ("B 2008", "anatomy", "associated", "", 5, 26),
    ("B 2008", "outcome", "good", "anatomy=isolated", 21, 21),
    ("C 2015", "outcome", "good", "anatomy=isolated", 11, 14),
]
counts = pd.DataFrame(rows, columns=columns).assign(
    ascertainment="referral",
    terminations="excluded",
    basis="abstract",
    population="with_finding",
)
counts["citation"] = counts["source"] + ", invented for this notebook."
found = rm.refit(work / "mine", counts)
found.save(work / "mine-2")
print(
    subprocess.run(
        [*riskmodel, "evidence", "check", "mine-2"],
        cwd=work,
        capture_output=True,
        text=True,
    ).stdout
)

# %% [markdown]
# ## A mistake is told where it is
#
# Twenty-five of twenty-two cannot be. Every fault of a table is told in one pass, with row, column
# and the way out.

# %%
spoilt = counts.assign(
    events=[9, 25, 5, 21, 11], category=["asociated", "good", "associated", "good", "good"]
)
try:
    rm.refit(work / "mine", spoilt)
except rm.EvidenceError as error:
    print(error)

# %% [markdown]
# ## Ask

# %%
model = rm.fit(rm.load_evidence(work / "mine-2"))
axes = rm.plots.tree(model.branches(), title="Invented: risk in a new setting")

# %%
model.risk("good_outcome", anatomy="isolated")

# %%
model.risk("good_outcome")

# %% [markdown]
# No series follows the associated cases, so that without the survey there is a range and no figure.
# The consultation says so:

# %%
asked = [*riskmodel, "consult", "--finding", "mine-2", "--anatomy", "isolated"]
print(subprocess.run(asked, cwd=work, capture_output=True, text=True, check=True).stdout)

# %%
shutil.rmtree(work)

# %% [markdown]
# The shipped findings were made in the same way. The second of them, with a band of widths:

# %%
rm.fit("fetal-mild-ventriculomegaly").risk(
    "normal_development", anatomy="isolated", width="10-12"
)
