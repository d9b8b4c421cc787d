"""
Prior and posterior
===================

What was held of the risk in a new setting before the counts, and after them.
"""

import riskmodel as rm

post = rm.pool([20, 10, 5], [21, 11, 5])
rm.plots.densities(
    {
        "before the counts": rm.before_counts().new_setting,
        "after 35 of 37 in three series": post.new_setting,
    },
    title="Risk in a new setting",
)
