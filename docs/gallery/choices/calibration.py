"""
Calibration
===========

Series left out of published meta-analyses, and predicted: PIT histogram, its distribution with
bands, and coverage. Two series of each arm here, so that it is quick; the whole corpus is
``riskmodel calibrate``.
"""

import riskmodel as rm

record = rm.calibrate(predictors=["default"], ks=(1, 3, "all"), most=2, resamples=200)
rm.plots.calibration(
    record.histogram_table(),
    record.ecdf_table(),
    record.coverage_table(),
    title="Default of pool, left-out series",
)
