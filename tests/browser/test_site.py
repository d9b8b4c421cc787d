"""The site in Debian's Chromium: at a desk and on a telephone no page scrolls sideways or asks anything of another place.

`make browser` installs what this needs and runs it; `make test` passes it over.
"""

import shutil

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="make browser installs Playwright and runs this")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("Chromium is not installed: make browser installs it", allow_module_level=True)


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
def test_no_page_scrolls_sideways_or_asks_elsewhere(site, width):
    complaints = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda asked: complaints.append(asked.url) if asked.url.startswith("http") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        for one in sorted(site.rglob("*.html")):
            if "_static" not in one.parts:  # templates of the theme
                page.goto(one.as_uri())
                page.wait_for_function(
                    "!window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)"
                )
                whole, seen = page.evaluate(
                    "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
                )
                if whole > seen:
                    complaints.append(f"{one.relative_to(site)}: {whole} wide on {seen}")
        browser.close()
    assert not complaints
