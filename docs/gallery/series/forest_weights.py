"""
Forest plot with weights
========================

A square is as large as its series' weight in the average. Where settings differ, a large series
weighs little more than a small one.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[1])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
weights = rm.between.shrinkage(post)["weight"]
rm.plots.forest(
    post.table(), weights=weights, title="Abnormal karyotype, isolated ventriculomegaly"
)
