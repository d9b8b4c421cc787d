"""
Specification curve
===================

One risk under every combination of priors, models, and series left out: every estimate in order, and
below it the choices behind each. ``found.plot()`` is the same picture.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[1])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
found = rm.sensitivity.multiverse(post)
rm.plots.specification_curve(
    found.table(), title="Abnormal karyotype, isolated ventriculomegaly: 384 specifications"
)
