"""
Before and after a new series
=============================

What new counts move. The series is invented: 30 isolated fetuses with normal chromosomes, and 12 of
42 with another anomaly.
"""

import pandas as pd

import riskmodel as rm

columns = ["variable", "category", "given", "events", "total"]
rows = [
    ("anatomy", "associated", "", 12, 42),
    ("karyotype", "abnormal", "anatomy=isolated", 0, 30),
]
new = pd.DataFrame(rows, columns=columns).assign(
    source="Invented 2030",
    citation="Invented for this picture.",
    ascertainment="referral",
    terminations="excluded",
    basis="abstract",
    population="with_finding",
)
found = rm.refit("fetal-hepatic-calcification", new)
rm.plots.before_after(found.move_table(), title="Before and after an invented series")
