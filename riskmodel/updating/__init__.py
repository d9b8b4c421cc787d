"""New counts to what moved; records of fits; many findings.

Imports: `tree` and below.
Belongs here: everything that compares a fit with an earlier one.
"""
