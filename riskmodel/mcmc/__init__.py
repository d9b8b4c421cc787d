"""The same models by PyMC, from arrays of counts and prior objects: the second opinion.

Imports: `posterior`, `priors`, `distributions` and below; PyMC only when something is sampled.
Belongs here: everything that names PyMC, and nothing that knows a finding.
"""
