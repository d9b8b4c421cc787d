"""riskmodel: calibrated risks of prenatal findings from small published case series.

Counts with their sources become beta-binomial posteriors, branches of a probability tree, and a consultation: risks
with credible intervals, the work-up, and what each test would change. Nothing heavy is imported until it is asked for.
"""

from riskmodel import plots
from riskmodel.calibration import calibrate
from riskmodel.consult import Consultation, consult
from riskmodel.corpus import Corpus, load_corpus
from riskmodel.errors import (
    AccuracyError,
    ContradictionError,
    ConvergenceError,
    EvidenceError,
    InputError,
    RiskModelError,
    UnavailableError,
    UnknownNameError,
)
from riskmodel.estimate import RiskEstimate
from riskmodel.evidence import Evidence, findings, load_evidence
from riskmodel.mixture import BetaMixture
from riskmodel.pool import before_counts, pool
from riskmodel.posterior import Posterior
from riskmodel.predictors import PoolPredictor
from riskmodel.record import CalibrationRecord
from riskmodel.tree import ProbabilityTree, fit
from riskmodel.version import __version__

__all__ = [
    "AccuracyError",
    "BetaMixture",
    "CalibrationRecord",
    "Consultation",
    "ContradictionError",
    "ConvergenceError",
    "Corpus",
    "Evidence",
    "EvidenceError",
    "InputError",
    "PoolPredictor",
    "Posterior",
    "ProbabilityTree",
    "RiskEstimate",
    "RiskModelError",
    "UnavailableError",
    "UnknownNameError",
    "__version__",
    "before_counts",
    "calibrate",
    "consult",
    "findings",
    "fit",
    "load_corpus",
    "load_evidence",
    "plots",
    "pool",
]
