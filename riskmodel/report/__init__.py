"""Finished answers to text: Markdown for each audience, and the pages of records.

Imports: `_support` and `errors`; it sees plain dictionaries, never a model.
Belongs here: wording and layout.
"""
