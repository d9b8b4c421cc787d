"""Beta mixtures, and what every distribution on [0, 1] can say of itself.

Imports: `_support` and `errors`; NumPy and SciPy only.
Belongs here: mathematics of one risk or of a function of several; no counts, no finding.
"""
