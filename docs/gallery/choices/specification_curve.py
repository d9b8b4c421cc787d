"""
Specification curve
===================

One risk under every combination of priors, models, and series left out: every estimate in order, and
below it the choices behind each.
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
found.plot(title="Abnormal karyotype, isolated ventriculomegaly: 384 specifications")
