"""
Funnel plot
===========

Each series' share against its size, and what chance alone, and settings that differ, would let it be.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[1])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
rm.plots.funnel(post, title="Abnormal karyotype, isolated ventriculomegaly")
