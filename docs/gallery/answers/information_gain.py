"""
What each test would tell
=========================

Expected information of each step about an outcome, in bits: a yes or no at even odds is one bit. Hatched
is what branches that no series reports could add.
"""

import riskmodel as rm

answer = rm.consult(finding="fetal-mild-ventriculomegaly", anatomy="isolated", detail="all")
rm.plots.information_gain(
    answer.workup_table(),
    outcome="normal_development",
    title="Normal development, isolated ventriculomegaly",
)
