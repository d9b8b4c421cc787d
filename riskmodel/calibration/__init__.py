"""Do predictions hold? Leave series out of published meta-analyses, and predict them.

Imports: `inference`, `evidence`, `distributions` and below.
Belongs here: corpora, predictors, scores, and the record of a calibration.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
