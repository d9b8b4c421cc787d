"""
Direct, indirect, combined
==========================

An answer by route: series that report exactly the question, finer counts through the tree, and all of them together.
"""

import riskmodel as rm

answer = rm.consult(anatomy="isolated")
rm.plots.routes(
    answer.risk_table(),
    outcome="good_outcome",
    title="Good outcome of an isolated calcification",
)
