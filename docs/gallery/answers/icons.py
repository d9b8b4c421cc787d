"""
Icon array
==========

A risk as 100 icons, with those that only part of the range holds drawn apart.
"""

import riskmodel as rm

answer = rm.consult(anatomy="isolated", karyotype="normal", infection="negative")
rm.plots.icons(
    answer.risk_table(), outcome="good_outcome", title="Good outcome, one more centre"
)
