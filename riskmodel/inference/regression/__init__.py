"""Covariates of the series on logit(mu), one by quadrature or several by the sampler: posteriors of levels, and odds ratios.

Imports: `inference` itself, but for the door `pool`, and below.
Belongs here: what the levels are, the integrand with a slope, the design of several, and the results.
"""
