"""Open an HTML file in a headless browser and read the page that its scripts have made."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ELSEWHERE = ("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",)
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,720",
    "--virtual-time-budget=20000",
)
# Everything that is not inside the file is blocked, and every attempt is counted.
GUARD = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; font-src data:;
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<script>window.blocked = []; document.addEventListener('securitypolicyviolation', function (event) {
  window.blocked.push(event.blockedURI); document.documentElement.dataset.blocked = JSON.stringify(window.blocked);
});</script>"""


def find_browser() -> str:
    """The browser's program. Without one the test is skipped with a line; where CI=true it fails."""
    wanted = os.environ.get("COURSE_BROWSER")
    found = wanted or next(filter(None, map(shutil.which, NAMES)), None)
    found = found or next((path for path in ELSEWHERE if Path(path).is_file()), None)
    if found is None:
        line = "no headless browser: install chromium, or name one in COURSE_BROWSER"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(line)
        pytest.skip(line)
    return found


def opened(path: Path, folder: Path) -> BeautifulSoup:
    """The page after its scripts have run, with all requests blocked and counted (`data-blocked` of <html>)."""
    browser = find_browser()
    guarded = folder / f"guarded_{path.name}"
    guarded.write_text(path.read_text(encoding="utf-8").replace("<head>", f"<head>{GUARD}", 1), encoding="utf-8")
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    command = [browser, *QUIET, *root, f"--user-data-dir={folder / 'browser'}", "--dump-dom", guarded.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    page = BeautifulSoup(done.stdout, "html.parser")
    assert page.html is not None, f"the browser showed nothing: {done.stderr[-500:]}"
    return page
