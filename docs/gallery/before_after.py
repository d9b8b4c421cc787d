"""
Before and after a new series
=============================

What new counts move. The series is invented: 30 isolated fetuses with normal chromosomes, and 12 of 42 with another anomaly.
"""

import riskmodel as rm

counts = {"ascertainment": "referral", "terminations": "excluded", "basis": "abstract", "population": "with_finding"}
counts |= {"source": "Invented 2030", "citation": "Invented for this picture."}
found = rm.refit(
    "fetal-hepatic-calcification",
    [
        {"variable": "anatomy", "category": "associated", "given": "", "events": 12, "total": 42, **counts},
        {"variable": "karyotype", "category": "abnormal", "given": "anatomy=isolated", "events": 0, "total": 30, **counts},
    ],
)
rm.plots.before_after(found.move_table(), title="Before and after an invented series")
