"""The site builds offline without a warning, loads nothing from elsewhere, and its tables of code are true."""

import doctest
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import riskmodel as rm

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
#: What a browser fetches by itself; a reader's click on <a href> is the reader's.
LOADED = {"src", "srcset", "data", "poster", "background", "action"}


class Loads(HTMLParser):
    """Addresses that a page makes a browser load."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.inside = ""

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        for name, value in attrs:
            linked = tag in ("link", "image", "use") and name in ("href", "xlink:href")
            if name in LOADED or linked:
                self.found.append(value or "")
            if name == "style":
                self.found += in_css(value or "")

    def handle_data(self, data):
        if self.inside == "style":
            self.found += in_css(data)


def in_css(text):
    return [one or other for one, other in re.findall(r"""url\(\s*['"]?([^'")]+)|@import\s+['"]([^'"]+)""", text)]


def elsewhere(address):
    return re.match(r"\s*(https?:)?//", address) is not None


@pytest.mark.parametrize(
    ("page", "loads"),
    [
        ('<script src="https://cdn.example.org/a.js"></script>', True),
        ('<link rel="stylesheet" href="//cdn.example.org/a.css">', True),
        ('<div style="background: url(http://example.org/a.png)"></div>', True),
        ("<style>@import 'https://example.org/a.css';</style>", True),
        ('<a href="https://doi.org/10.1002/ajmg.a.20168">a citation</a><img src="a.png">', False),
    ],
)
def test_what_is_loaded_from_elsewhere_is_seen(page, loads):
    reader = Loads()
    reader.feed(page)
    assert any(map(elsewhere, reader.found)) == loads


@pytest.mark.slow
def test_no_page_loads_anything_from_elsewhere_or_that_is_not_there(site):
    pages = [one for one in sorted(site.rglob("*.html")) if "_static" not in one.parts]  # templates of the theme
    assert len(pages) > 100
    for page in pages:
        reader = Loads()
        reader.feed(page.read_text(encoding="utf-8"))
        for address in reader.found:
            assert not elsewhere(address), f"{page.relative_to(site)}: {address}"
            path = re.split(r"[?#]", address)[0]
            assert path.startswith("data:") or (page.parent / path).exists(), f"{page.relative_to(site)}: {address}"
    for sheet in site.rglob("*.css"):
        outside = [one for one in in_css(sheet.read_text(encoding="utf-8")) if elsewhere(one)]
        assert not outside, f"{sheet.relative_to(site)}: {outside}"


@pytest.mark.slow
def test_every_name_of_the_door_has_a_page(site):
    for package in (rm, rm.between, rm.calibration, rm.plots, rm.priors, rm.sensitivity, rm.updating):
        for name in set(package.__all__) - {"__version__", "HETEROGENEITY_PRIORS", "MU_PRIORS"}:
            assert (site / "generated" / "reference" / f"{package.__name__}.{name}.html").exists(), name


def test_each_picture_is_in_the_gallery():
    scripts = "".join(one.read_text(encoding="utf-8") for one in (DOCS / "gallery").rglob("*.py"))
    # `calibration` draws two more, and `save` draws none.
    for name in set(rm.plots.__all__) - {"coverage", "pit_histogram", "save"}:
        assert f"rm.plots.{name}(" in scripts, name


@pytest.mark.slow
def test_each_line_for_those_who_come_from_elsewhere_runs_and_gives_what_it_says():
    text = (DOCS / "coming-from.md").read_text(encoding="utf-8")
    names = {}
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    page = doctest.DocTestParser().get_doctest(text, names, "coming-from.md", None, 0)
    assert runner.run(page, clear_globs=False).failed == 0
    names = page.globs
    lines = re.findall(r"^\| .+ \| `([^`]+)` \| `(.+)` \|$", text, re.MULTILINE)
    assert len(lines) > 55
    for code, gives in lines:
        assert repr(eval(code, names)) == gives, code
    import matplotlib.pyplot as plt

    plt.close("all")
