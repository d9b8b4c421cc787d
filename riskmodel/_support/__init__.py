"""What every room may use: checks, labels, files, executors, fingerprints, records, schemas, the version.

Imports: nothing of the package but `errors`.
Belongs here: no word of medicine or statistics.
"""
