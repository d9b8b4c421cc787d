"""``riskmodel serve``: the page and its interfaces on this machine."""

from __future__ import annotations

from typing import Any

import click

from riskmodel.errors import UnavailableError


@click.command(name="serve")
@click.option("--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="This machine alone, unless another is given.")
@click.option(
    "--allow-host", "hosts", multiple=True, metavar="NAME", help="A name it may be asked by, besides this machine's."
)
@click.option(
    "--allow-origin", "origins", multiple=True, metavar="URL", help="A site whose scripts may ask for cards; none."
)
@click.option("--trust", metavar="FILE", help="Answer hooks of these issuers alone: JSON, by issuer its key set.")
@click.option("--finding", "findings", multiple=True, metavar="NAME|DIR", help="What is served; every shipped finding.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
def serve(findings: tuple[str, ...], trust: str | None, **options: Any) -> None:
    """Serve the page, JSON, CDS Hooks and FHIR on this machine.

    Nothing that is asked is stored or logged.
    """
    try:
        from riskmodel.serve.run import serve
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("riskmodel"):
            raise
        remedy = "Install it: pip install 'riskmodel-prenatal[web]'"
        raise UnavailableError(f"the page needs the package {error.name}", where="serve", remedy=remedy) from error
    from riskmodel.serve.exchange.tokens import Trusted

    trusted = None if trust is None else Trusted.read(trust)
    serve(findings, trusted=trusted, **options)
