"""Between the series of one fit: what each says, what goes without it, and what goes as they come.

Imports: `inference` and below.
Belongs here: a fit of `pool` beside itself without some series, or with its prior or likelihood raised to a power.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)
