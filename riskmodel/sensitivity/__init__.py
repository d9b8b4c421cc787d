"""How far an answer moves: other priors, readings, series, kinds of clinic.

Imports: `tree` and below.
Belongs here: variants of a fit, compared.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
