"""A sweep of a small archive and its report; Chromium, where there is one.

What imports kernels is imported late: pytest loads this file before tests/conftest.py has told
numba where its cache is.
"""

import shutil
from datetime import date
from types import SimpleNamespace

import pytest

from made.rows import scene_tables

HOSTILE = "</script><img src=x onerror=hacked=1>\u2028=cmd|' /C calc'!A0<!--\"'`${hacked=1}"
CHROMIUM = ("/usr/bin/chromium", "chromium-browser", "chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def own(swept, tmp_path):
    """A copy of it that a test may change."""
    return shutil.copytree(swept, tmp_path / "own")


@pytest.fixture(scope="session")
def page(swept, tmp_path_factory):
    """Its report, outside the folder."""
    from westsea.report import write

    return write(str(swept), tmp_path_factory.mktemp("page") / "report.html").path


@pytest.fixture
def hostile(tmp_path):
    """A sweep whose every text wants to be markup, script or a formula."""
    from westsea.records import Parameters, SceneKey
    from westsea.store import Store

    store = Store.open(tmp_path / "hostile", Parameters("1", {}, None, "coast", "even"))
    key = SceneKey("sentinel-1-rtc", HOSTILE, date(2024, 5, 1), "1")
    store.commit(key, scene_tables(3, HOSTILE, integer=1, text=lambda row: f"{HOSTILE}{row}"))
    store.refuse(SceneKey("c", f"{HOSTILE}r", date(2024, 5, 1), "2"), HOSTILE)
    store.fail(SceneKey("c", f"{HOSTILE}f", date(2024, 5, 2), "3"), HOSTILE)
    store.write_run("r", {"planned": 3, "done": 1, "refused": 1, "failed": 1, "note": HOSTILE})
    return tmp_path / "hostile"


@pytest.fixture(scope="session")
def chromium():
    """A running Chromium, driven by Playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium):
    """Opens a file with the network off; what it asked for and complained of is kept."""
    contexts = []

    def opened(path, **options):
        context = chromium.new_context(offline=True, accept_downloads=True, **options)
        contexts.append(context)
        tab = context.new_page()
        seen = SimpleNamespace(tab=tab, requests=[], complaints=[])
        tab.on("request", lambda request: seen.requests.append(request.url))
        tab.on("console", lambda message: seen.complaints.append(message.text))
        tab.on("pageerror", lambda error: seen.complaints.append(str(error)))
        tab.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            tab.wait_for_selector("body[data-ready]")
        return seen

    yield opened
    for context in contexts:
        context.close()
