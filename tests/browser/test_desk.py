"""The counselor's task and the analyst's in Debian's Chromium, with and without script, on paper, and by axe-core.

`make browser` installs what this needs and runs it; `make test` passes it over.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from new_series import NOBODY, as_csv

sync_api = pytest.importorskip("playwright.sync_api", reason="make browser installs Playwright and runs this")
CHROMIUM = shutil.which("chromium")
AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
if CHROMIUM is None or not AXE.is_file():
    pytest.skip("Chromium or axe-core is not installed: make browser installs them", allow_module_level=True)

HEPATIC = "fetal-hepatic-calcification"
WIDTHS = (1280, 360)
PAGES = ("/", f"/?finding={HEPATIC}&anatomy=isolated&karyotype=normal&serology=pending&weeks=20",
         "/?finding=fetal-echogenic-bowel&anatomy=isolated&audience=patient", "/?anatomy=isolated&detail=robustness",
         "/?finding=fetal-mild-ventriculomegaly&test_errors=published&serology=negative", "/?weeks=99", "/finding",
         "/analyst", "/api", "/nothing")  # fmt: skip


@pytest.fixture(scope="module")
def address():
    """A server of our own on a free port of this machine."""
    command = [sys.executable, "-m", "riskmodel", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        yield re.search(r"(http://\S+)/ ", server.stderr.readline())[1]
        server.terminate()
        assert server.wait(30) == 0


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        # Chromium's own sandbox needs a user of its own; what is shown here is our own pages alone.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser, address):
    """A page of a new context; whatever it asks of another place, or complains about, is a failure."""
    contexts, complaints = [], []

    def opened(**options):
        context = browser.new_context(base_url=address, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "status of 422" not in said.text
                and "status of 404" not in said.text else None)  # fmt: skip
        page.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(address) else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def choose(page, name, value):
    """As a person would: the pill is pressed, in whatever fold it stands."""
    pill = page.locator(f'label.pill:has(input[name="{name}"][value="{value}"])')
    if not pill.is_visible():
        page.locator("summary", has_text="By test").first.click()
    pill.click()


def sentence(page):
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])
def test_the_counselor_s_task(open_page, script):
    page = open_page(java_script_enabled=script, viewport={"width": 1280, "height": 900})
    page.goto("/")
    first = sentence(page)

    def say(name, value):
        choose(page, name, value)
        if script:
            page.wait_for_function("(state) => location.search.includes(state)", arg=f"{name}={value}")
            page.wait_for_function("() => !document.querySelector('[aria-busy]')")
        else:
            page.get_by_role("button", name="Answer").click()
        assert f"{name}={value}" in page.url

    say("anatomy", "isolated")
    isolated = sentence(page)
    assert "92 to 94 of 100" in isolated
    assert isolated != first
    say("karyotype", "normal")
    say("serology", "pending")
    assert "94 to 96 of 100" in sentence(page)
    assert page.locator("main h3", has_text="Await maternal").count() == 1
    assert "96 of 100 (82 to nearly 100)" in page.locator(".result").first.inner_text()
    choose(page, "serology", "negative")
    if script:
        page.wait_for_function("() => document.querySelector('h1').textContent.includes('39 babies')")
        assert page.locator("#said").inner_text() == sentence(page)
    else:
        page.get_by_role("button", name="Answer").click()
    assert "96 of 100" in sentence(page)
    assert "39 babies, 4 series" in sentence(page)

    page.locator("#sources summary").click()
    assert page.locator("#sources li").first.is_visible()
    page.go_back()
    page.wait_for_function("() => document.querySelector('h1').textContent.includes('94 to 96')") if script else None
    assert "94 to 96 of 100" in sentence(page)
    assert page.locator('input[name="serology"][value="pending"]').is_checked()
    page.go_forward()
    page.wait_for_function("() => document.querySelector('h1').textContent.includes('39 babies')") if script else None
    assert "39 babies" in sentence(page)


def test_a_source_is_opened_where_it_is_named_and_robustness_where_it_is_asked_for(open_page):
    page = open_page()
    page.goto(f"/?finding={HEPATIC}&anatomy=isolated")
    page.locator("a.source", has_text="Simchen 2002").first.click()
    assert page.locator("#source-simchen-2002").is_visible()
    assert "without Simchen 2002" not in page.content()
    page.locator("#robustness summary").click()
    page.get_by_text("without Simchen 2002").first.wait_for()


def test_the_knowns_are_folded_on_a_telephone_once_they_are_stated(open_page):
    page = open_page(viewport={"width": 360, "height": 740})
    page.goto("/")
    assert page.locator("label.pill").first.is_visible()
    page.goto("/?anatomy=isolated&karyotype=normal")
    assert not page.locator("label.pill").first.is_visible()
    assert "Anatomy isolated, karyotype normal" in page.locator("#knowns > summary").inner_text()
    page.locator("#knowns > summary").click()
    assert page.locator("label.pill").first.is_visible()


def test_the_keyboard_reaches_every_control_and_changes_the_answer(open_page):
    page = open_page(viewport={"width": 1280, "height": 900})
    page.goto("/")
    page.locator('input[name="anatomy"][value=""]').focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.search.includes('anatomy=isolated')")
    assert page.evaluate("document.activeElement.value") == "isolated"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "karyotype"


@pytest.mark.parametrize(
    "path",
    [
        *PAGES[:5],
        "/?finding=fetal-echogenic-bowel&detail=robustness",
        "/?detail=robustness&audience=researcher",
        "/?finding=fetal-mild-ventriculomegaly&detail=robustness",
        "/?finding=fetal-mild-ventriculomegaly&detail=robustness&test_errors=published&audience=patient",
        "/?infection=pending&detail=robustness&test_errors=published&weeks=20",
        "/?audience=researcher&anatomy=associated",
    ],
)
def test_an_answer_prints_on_two_pages_at_most(open_page, tmp_path, path):
    if shutil.which("pdfinfo") is None:
        pytest.skip("poppler-utils is not installed")
    page = open_page()
    page.goto(path, timeout=120_000)
    page.pdf(path=tmp_path / "answer.pdf", prefer_css_page_size=True)
    done = subprocess.run(["pdfinfo", tmp_path / "answer.pdf"], capture_output=True, text=True, check=True)
    assert int(re.search(r"Pages:\s+(\d+)", done.stdout)[1]) <= 2


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_axe_finds_nothing_and_no_page_is_wider_than_its_window(open_page, width, scheme):
    page = open_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in PAGES:
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => (one.open ||= !one.dataset.from))")
        page.evaluate(AXE.read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = page.evaluate("(tags) => axe.run(document, {runOnly: tags})", tags)
        told = [(one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"]]
        assert told == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


@pytest.mark.parametrize("script", [True, False], ids=["with-script", "without"])
def test_the_analyst_s_task(open_page, tmp_path, script):
    page = open_page(java_script_enabled=script)
    bad = as_csv([dict(NOBODY[0], events=40), NOBODY[1]], tmp_path / "bad.csv")
    good = as_csv(NOBODY, tmp_path / "good.csv")
    page.goto(f"/analyst?finding={HEPATIC}")
    page.set_input_files("#file", bad)
    page.get_by_role("button", name="Look at it").click()
    assert "40 events of 30" in page.locator("td.wrong-cell").first.inner_text()
    page.set_input_files("#file", good)
    page.get_by_role("button", name="Look at it").click()
    page.locator("svg.moves").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the new folder").click()
    assert download.value.suggested_filename == f"{HEPATIC}.zip"
