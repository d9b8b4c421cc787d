"""
Probability tree
================

Every branch with its risk in a new setting and the counts behind it. Dashed branches are reported by no series.
"""

import riskmodel as rm

model = rm.fit("fetal-hepatic-calcification")
rm.plots.tree(model.branches(), title="Fetal hepatic calcification: risk in a new setting")
