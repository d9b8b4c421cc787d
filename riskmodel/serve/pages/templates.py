"""The templates and files of the pages, and Markdown of ours as HTML."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markdown_it import MarkdownIt
from markupsafe import Markup

from riskmodel._support.version import __version__
from riskmodel.report.wording import capital, named, sentence

STATIC = Path(__file__).parent.parent / "static"


@cache
def static() -> dict[str, tuple[bytes, str]]:
    """Files of the pages, read once: by name their bytes and media type."""
    kinds = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
    return {path.name: (path.read_bytes(), kinds[path.suffix]) for path in sorted(STATIC.iterdir())}


@cache
def _address(name: str) -> str:
    return f"/static/{name}?v={hashlib.sha256(static()[name][0]).hexdigest()[:12]}"


def anchor(source: str) -> str:
    """The place of a source on a page."""
    return "source-" + re.sub(r"[^a-z0-9]+", "-", source.lower()).strip("-")


_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def as_html(text: str, *, lower: bool = True) -> Markup:
    """Markdown of ours as HTML, its headings lower by one where they stand under another; HTML that stands in it is text."""
    shown = _markdown.render(re.sub(r"(?m)^(#{1,4}) ", r"\1# ", text) if lower else text)
    # A table may be wider than a telephone: it is scrolled by itself, by the keyboard too.
    return Markup(re.sub(r"<table>(.*?)</table>", r'<div class="scroll" tabindex="0" role="group" aria-label="Table">'
                         r"<table>\1</table></div>", shown, flags=re.DOTALL))  # fmt: skip


@cache
def environment() -> Environment:
    """The templates, compiled once."""
    env = Environment(
        loader=PackageLoader("riskmodel.serve"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals |= {"address_of": _address, "version": __version__}
    env.filters |= {"capital": capital, "named": named, "sentence": sentence}
    return env


def rendered(template: str, **context: Any) -> bytes:
    """A template with what it is given, as bytes."""
    return environment().get_template(template).render(context).encode()
