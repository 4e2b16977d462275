"""Open an HTML file in a headless browser and read the page that its scripts have made."""

import json
import os
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import pytest
from bs4 import BeautifulSoup

from lookinside.course.build.browser import NONE, find_browser, run_browser

# Everything that is not inside the file is blocked, and every attempt is counted.
GUARD = """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; font-src data:;
style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<script>window.blocked = []; document.addEventListener('securitypolicyviolation', function (event) {
  window.blocked.push(event.blockedURI); document.documentElement.dataset.blocked = JSON.stringify(window.blocked);
});</script>"""


def browser() -> str:
    """The browser's program; without one the test is skipped with a line."""
    return find_browser() or missing(NONE)


def missing(line: str) -> NoReturn:
    """What a test needs is not there: it is skipped with a line, and where CI=true it fails."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(line)
    pytest.skip(line)


# What axe-core and a ruler find in a page goes to the outermost document, which is the one that is read.
RULER = """<script>%s</script><script>window.addEventListener('load', async function () {
  const told = window.parent.document.documentElement.dataset;
  while (%s) await new Promise((resolve) => setTimeout(resolve, 50));
  told.wide = document.documentElement.scrollWidth;
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
  const found = await axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']});
  told.axe = JSON.stringify(found.violations.flatMap((rule) => rule.nodes.map((node) =>
    rule.id + ' at ' + node.target.join(' ') + ': ' + node.failureSummary.split('\\n').slice(1).join(' ').trim())));
});</script>"""


def opened(path: Path, folder: Path, query: str = "") -> BeautifulSoup:
    """The page after its scripts have run, with all requests blocked and counted (`data-blocked` of <html>)."""
    return _dumped(_guarded(path), folder / f"guarded_{path.name}", query)


def accessibility_faults(path: Path, folder: Path, *, query: str = "", until: str = "") -> list[str]:
    """What axe-core finds in a page of 1280 x 720 pixels, a line each; "until" is the JavaScript to wait for."""
    page = _dumped(_guarded(path) + _ruler(until), folder / f"axe_{path.name}", query)
    return _told(page, "data-axe")


def on_a_phone(path: Path, folder: Path, width: int = 390) -> tuple[int, list[str]]:
    """The width in pixels that a page takes on a phone's screen, and what axe-core finds there."""
    # A browser's window is never narrower than 500 pixels, a frame inside it may be.
    inner = escape(_guarded(path) + _ruler(""), quote=True)
    frame = (
        f'<!DOCTYPE html><html><iframe srcdoc="{inner}" style="width:{width}px;height:844px;border:0"></iframe></html>'
    )
    page = _dumped(frame, folder / f"phone_{path.name}")
    return int(_told(page, "data-wide")), _told(page, "data-axe")


def _told(page: BeautifulSoup, name: str):
    assert page.html.get(name), f"the page did not come to {name}"
    return json.loads(page.html[name])


def _ruler(until: str) -> str:
    try:
        axe = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    except ModuleNotFoundError:
        missing("no axe-core: run `make ready`, which installs axe-core-python")
    return RULER % (axe, f"!({until})" if until else "false")


def _guarded(path: Path) -> str:
    return path.read_text(encoding="utf-8").replace("<head>", f"<head>{GUARD}", 1)


def _dumped(text: str, file: Path, query: str = "") -> BeautifulSoup:
    """The document that a browser makes of an HTML text."""
    file.write_text(text, encoding="utf-8")
    done = run_browser(browser(), file.parent / "browser", "--dump-dom", file.as_uri() + query)
    page = BeautifulSoup(done.stdout, "html.parser")
    assert page.html is not None, f"the browser showed nothing: {done.stderr[-500:]}"
    return page
