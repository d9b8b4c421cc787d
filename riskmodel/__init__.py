"""riskmodel: calibrated risks of prenatal findings from small published case series.

Counts with their sources become beta-binomial posteriors, branches of a probability tree, and a consultation: risks
with credible intervals, the work-up, and what each test would change. Nothing heavy is imported until it is asked for.
"""

import lazy_loader as _lazy

#: The door. Names that outside programs use besides stay importable: ``__init__.pyi`` has them all.
__all__ = [
    "BetaMixture",
    "Consultation",
    "Evidence",
    "Posterior",
    "ProbabilityTree",
    "RiskEstimate",
    "RiskModelError",
    "__version__",
    "between",
    "calibration",
    "consult",
    "errors",
    "findings",
    "fit",
    "load_evidence",
    "plots",
    "pool",
    "priors",
    "refit",
    "sensitivity",
    "updating",
]

__getattr__, _, _ = _lazy.attach_stub(__name__, __file__)


def __dir__() -> list[str]:
    return __all__
