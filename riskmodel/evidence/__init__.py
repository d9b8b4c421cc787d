"""A finding's folder to checked counts under one reading.

Imports: `_support`, `errors`.
Belongs here: what a finding is, how it is read, audited, exported; no fit.
"""
