"""Do predictions hold? Leave series out of published meta-analyses, and predict them.

Imports: `inference`, `evidence`, `distributions` and below.
Belongs here: corpora, predictors, scores, and the record of a calibration.
"""
