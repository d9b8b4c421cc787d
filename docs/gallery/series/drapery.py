"""
Drapery plot
============

Every interval at once, so that no reader has to take 95 %. A horizontal cut through a curve is its
interval: at 0.05 that of 95 %, at 0.5 that of 50 %.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[1])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
rm.plots.drapery(post, title="Abnormal karyotype, isolated ventriculomegaly")
