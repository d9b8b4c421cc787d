"""
Each series foretold by the others
==================================

Exact leave-one-out PIT values of one pool, as their distribution less a level one. A line within the
band is what seven right predictions look like; seven cannot show much.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[8])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
values = rm.between.loo_pit(post)
rm.plots.pit_ecdf(
    rm.calibration.pit_table(values), title="Normal development, seven series"
)
