"""From files to fields: TOML, CSV and workbooks, with every fault in one pass.

Imports: what `evidence` may import.
Belongs here: one reader for each file of a finding's folder.
"""
