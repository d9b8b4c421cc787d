"""A question to a complete consultation.

Imports: `sensitivity`, `tree` and below.
Belongs here: what is asked, what is answered, the work-up, and the document of it.
"""
