"""
What each test would change
===========================

The risk now, and after either result of each step of the work-up.
"""

import riskmodel as rm

answer = rm.consult(detail="all")
rm.plots.changes(
    answer.workup_table(), outcome="abnormal_karyotype", title="Abnormal karyotype"
)
