"""
Forest plot
===========

Each series as observed and shrunken, the average across settings, and the risk in one more centre.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-hepatic-calcification")
rows = evidence.for_edge(evidence.finding.edges[0])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
rm.plots.forest(post.table(), title="Another anomaly on the detailed scan")
