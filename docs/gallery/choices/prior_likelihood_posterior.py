"""
Prior, likelihood and posterior
===============================

What was held of the average risk before the counts, what the counts alone say, and what follows.
"""

import riskmodel as rm

evidence = rm.load_evidence("fetal-mild-ventriculomegaly")
rows = evidence.for_edge(evidence.finding.edges[1])
post = rm.pool(
    [row.events for row in rows],
    [row.total for row in rows],
    labels=[row.source for row in rows],
)
rm.plots.prior_likelihood_posterior(
    rm.before_counts().average, post.average, title="Average risk of an abnormal karyotype"
)
