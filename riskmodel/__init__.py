"""riskmodel: calibrated risks of prenatal findings from small published case series.

Counts with their sources become beta-binomial posteriors, branches of a probability tree, and a consultation: risks
with credible intervals, the work-up, and what each test would change. Nothing heavy is imported until it is asked for.
"""

import typing as _typing

from riskmodel import plots
from riskmodel._support.lazily import lazily as _lazily
from riskmodel._support.version import __version__
from riskmodel.consultation.consult import Consultation, consult
from riskmodel.distributions.mixture import BetaMixture
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
from riskmodel.evidence.evidence import Evidence
from riskmodel.evidence.load import load_evidence
from riskmodel.evidence.manifest import findings
from riskmodel.inference.pool import before_counts, pool
from riskmodel.posterior import Posterior
from riskmodel.tree.estimate import RiskEstimate
from riskmodel.tree.model import ProbabilityTree, fit

if _typing.TYPE_CHECKING:
    from riskmodel._support.json_schema import schema
    from riskmodel.calibration.corpus import Corpus, load_corpus
    from riskmodel.calibration.cross_validation import calibrate
    from riskmodel.calibration.predictors import PoolPredictor
    from riskmodel.calibration.record import CalibrationRecord
    from riskmodel.inference.pool_many import pool_many
    from riskmodel.sensitivity.ascertainment import AdjustedSettings, adjusted_settings
    from riskmodel.sensitivity.tipping_point import tipping_point
    from riskmodel.sensitivity.value_of_information import next_series
    from riskmodel.tree.audit import audit_model, audit_table
    from riskmodel.updating.fit_record import FitRecord
    from riskmodel.updating.many import fit_all
    from riskmodel.updating.new_counts import Refit, Update, refit, update

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
    "Refit",
    "RiskEstimate",
    "RiskModelError",
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
    "refit",
    "schema",
    "tipping_point",
    "update",
]

#: Names that a query has no use for, and the modules that have them or that they are.
_LATER = {
    "AdjustedSettings": "riskmodel.sensitivity.ascertainment",
    "adjusted_settings": "riskmodel.sensitivity.ascertainment",
    "CalibrationRecord": "riskmodel.calibration.record",
    "Corpus": "riskmodel.calibration.corpus",
    "FitRecord": "riskmodel.updating.fit_record",
    "PoolPredictor": "riskmodel.calibration.predictors",
    "Refit": "riskmodel.updating.new_counts",
    "Update": "riskmodel.updating.new_counts",
    "audit_model": "riskmodel.tree.audit",
    "audit_table": "riskmodel.tree.audit",
    "calibrate": "riskmodel.calibration.cross_validation",
    "fit_all": "riskmodel.updating.many",
    "load_corpus": "riskmodel.calibration.corpus",
    "next_series": "riskmodel.sensitivity.value_of_information",
    "tipping_point": "riskmodel.sensitivity.tipping_point",
    "pool_many": "riskmodel.inference.pool_many",
    "schema": "riskmodel._support.json_schema",
    "refit": "riskmodel.updating.new_counts",
    "update": "riskmodel.updating.new_counts",
    "calibration": "riskmodel.calibration",
    "updating": "riskmodel.updating",
}

__getattr__, _ = _lazily(__name__, _LATER)
