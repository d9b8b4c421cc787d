"""New counts to what moved; records of fits; many findings.

Imports: `tree` and below.
Belongs here: everything that compares a fit with an earlier one.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
