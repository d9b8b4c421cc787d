"""Questions over HTTP to the interface to pages, JSON, CDS Hooks cards and FHIR resources.

Imports: every room below it, and FastAPI, Jinja2 and uvicorn, which are known here and nowhere else; the command line is
above and starts it. Belongs here: what a request means, what is kept in memory, how bytes are guarded and how pages look. No
number is worked out here, nothing about a patient is kept or logged, and no request waits for a sampler.
"""
