"""One covariate of the series on logit(mu): a posterior for each of its levels, and the odds ratio between them.

Imports: `inference` itself, but for the door `pool`, and below.
Belongs here: what the levels are, the integrand with a slope, and the result.
"""
