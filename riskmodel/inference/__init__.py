"""Counts and priors to an exact `Posterior`.

Imports: `mcmc`, `posterior`, `priors`, `distributions` and below.
Belongs here: quadrature and closed forms of one risk.
"""
