"""How far an answer moves: other priors, readings, series, kinds of clinic.

Imports: `tree` and below.
Belongs here: variants of a fit, compared.
"""
