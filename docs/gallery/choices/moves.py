"""
How far an answer moves
=======================

Under other priors and readings, with each series left out, and with the risks of one centre tied.
"""

import riskmodel as rm

answer = rm.consult(anatomy="isolated", detail="robustness")
rm.plots.moves(
    answer.robustness_table(),
    outcome="good_outcome",
    title="Good outcome of an isolated calcification",
)
