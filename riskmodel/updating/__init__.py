"""New counts to what moved; records of fits; many findings.

Imports: `tree` and below.
Belongs here: everything that compares a fit with an earlier one.
"""

from typing import TYPE_CHECKING

from riskmodel._support.lazily import lazily

if TYPE_CHECKING:
    from riskmodel.updating.fit_record import FitRecord
    from riskmodel.updating.many import fit_all
    from riskmodel.updating.new_counts import Refit, refit

__all__ = ["FitRecord", "Refit", "fit_all", "refit"]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "FitRecord": "riskmodel.updating.fit_record",
        "Refit": "riskmodel.updating.new_counts",
        "fit_all": "riskmodel.updating.many",
        "refit": "riskmodel.updating.new_counts",
    },
)
