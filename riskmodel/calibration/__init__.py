"""Do predictions hold? Leave series out of published meta-analyses, and predict them.

Imports: `inference`, `evidence`, `distributions` and below.
Belongs here: corpora, predictors, scores, and the record of a calibration.
"""

from typing import TYPE_CHECKING

from riskmodel._support.lazily import lazily

if TYPE_CHECKING:
    from riskmodel.calibration.corpus import Corpus, load_corpus
    from riskmodel.calibration.cross_validation import calibrate
    from riskmodel.calibration.predictors import PoolPredictor
    from riskmodel.calibration.record import CalibrationRecord

__all__ = ["CalibrationRecord", "Corpus", "PoolPredictor", "calibrate", "load_corpus"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "CalibrationRecord": "riskmodel.calibration.record",
        "Corpus": "riskmodel.calibration.corpus",
        "PoolPredictor": "riskmodel.calibration.predictors",
        "calibrate": "riskmodel.calibration.cross_validation",
        "load_corpus": "riskmodel.calibration.corpus",
    },
)
