"""
Shrinkage
=========

How far each series' own risk moves from what it observed towards the average: furthest where a series is
small or far from it.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[1])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
rm.plots.shrinkage(post.table(), title="Abnormal karyotype, isolated ventriculomegaly")
