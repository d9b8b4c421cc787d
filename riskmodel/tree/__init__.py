"""Evidence to fitted branches to the risk of any outcome.

Imports: `coarsened`, `inference`, `mcmc`, `evidence` and below.
Belongs here: one verb a file: fit, answer, predict, sample, audit.
"""
