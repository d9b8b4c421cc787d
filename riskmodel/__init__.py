"""riskmodel: calibrated risks of prenatal findings from small published case series.

Counts with their sources become beta-binomial posteriors, branches of a probability tree, and a consultation: risks
with credible intervals, the work-up, and what each test would change. Nothing heavy is imported until it is asked for.
"""

import importlib as _importlib
import typing as _typing

from riskmodel import plots
from riskmodel.consult import Consultation, consult
from riskmodel.errors import (
    AccuracyError,
    ContradictionError,
    ConvergenceError,
    EvidenceError,
    InputError,
    RiskModelError,
    StaleRecordError,
    UnavailableError,
    UnknownNameError,
)
from riskmodel.estimate import RiskEstimate
from riskmodel.evidence import Evidence, findings, load_evidence
from riskmodel.mixture import BetaMixture
from riskmodel.pool import before_counts, pool
from riskmodel.posterior import Posterior
from riskmodel.tree import ProbabilityTree, fit
from riskmodel.version import __version__

if _typing.TYPE_CHECKING:
    from riskmodel.adjusted import AdjustedSettings, adjusted_settings
    from riskmodel.batch import pool_many
    from riskmodel.calibration import calibrate
    from riskmodel.corpus import Corpus, load_corpus
    from riskmodel.fit_record import FitRecord
    from riskmodel.json_schema import schema
    from riskmodel.many import fit_all
    from riskmodel.predictors import PoolPredictor
    from riskmodel.record import CalibrationRecord
    from riskmodel.refit import Update, update
    from riskmodel.sbc import simulation_based_calibration
    from riskmodel.sbc_record import SBCRecord
    from riskmodel.tipping import tipping_point
    from riskmodel.tree_audit import audit_model, audit_table
    from riskmodel.value import next_series

__all__ = [
    "AccuracyError",
    "AdjustedSettings",
    "BetaMixture",
    "CalibrationRecord",
    "Consultation",
    "ContradictionError",
    "ConvergenceError",
    "Corpus",
    "Evidence",
    "EvidenceError",
    "FitRecord",
    "InputError",
    "PoolPredictor",
    "Posterior",
    "ProbabilityTree",
    "RiskEstimate",
    "RiskModelError",
    "SBCRecord",
    "StaleRecordError",
    "UnavailableError",
    "UnknownNameError",
    "Update",
    "__version__",
    "adjusted_settings",
    "audit_model",
    "audit_table",
    "before_counts",
    "calibrate",
    "consult",
    "findings",
    "fit",
    "fit_all",
    "load_corpus",
    "load_evidence",
    "next_series",
    "plots",
    "pool",
    "pool_many",
    "schema",
    "simulation_based_calibration",
    "tipping_point",
    "update",
]

#: Names that a query has no use for, and the modules that have them: imported when first asked for.
_LATER = {
    "AdjustedSettings": "riskmodel.adjusted",
    "adjusted_settings": "riskmodel.adjusted",
    "CalibrationRecord": "riskmodel.record",
    "Corpus": "riskmodel.corpus",
    "FitRecord": "riskmodel.fit_record",
    "PoolPredictor": "riskmodel.predictors",
    "Update": "riskmodel.refit",
    "audit_model": "riskmodel.tree_audit",
    "audit_table": "riskmodel.tree_audit",
    "calibrate": "riskmodel.calibration",
    "SBCRecord": "riskmodel.sbc_record",
    "fit_all": "riskmodel.many",
    "load_corpus": "riskmodel.corpus",
    "next_series": "riskmodel.value",
    "tipping_point": "riskmodel.tipping",
    "pool_many": "riskmodel.batch",
    "schema": "riskmodel.json_schema",
    "simulation_based_calibration": "riskmodel.sbc",
    "update": "riskmodel.refit",
}


def __getattr__(name: str) -> _typing.Any:
    if name not in _LATER:
        raise AttributeError(f"module 'riskmodel' has no attribute {name!r}")
    found = getattr(_importlib.import_module(_LATER[name]), name)
    globals()[name] = found  # importing a module of the same name would have put the module here
    return found
