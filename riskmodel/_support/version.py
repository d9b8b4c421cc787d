"""The package's version, in one place."""

from __future__ import annotations

__version__ = "0.1.0"


def package_versions() -> dict[str, str]:
    """Versions of Python and of the packages behind the numbers."""
    import platform

    import numpy as np
    import scipy

    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "riskmodel": __version__,
    }
