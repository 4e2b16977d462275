"""A headless browser, where the computer has one: it prints handouts, and the tests look at pages and decks with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from lookinside.errors import LookInsideError

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
NONE = "no headless browser: install chromium, or name one in COURSE_BROWSER"


def find_browser() -> str | None:
    """The browser's program: $COURSE_BROWSER, or the first Chromium or Chrome there is; None without one."""
    found = os.environ.get("COURSE_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    return found or next((path for path in ELSEWHERE if Path(path).is_file()), None)


def run_browser(browser: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it once, with its state in a folder of its own."""
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    command = [browser, *QUIET, *root, f"--user-data-dir={folder}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=180)


def print_deck(deck: Path, pdf: Path, view: str = "print") -> None:
    """Print a deck. Raises LookInsideError without a browser, or where it wrote nothing.

    Args:
        deck: the HTML file.
        pdf: the file to write.
        view: "print" is a slide a page, "handout" two slides on a page of A4 with lines to write on, "notes" the slides
            beside the instructor's notes.
    """
    browser = find_browser()
    if browser is None:
        raise LookInsideError(f"{pdf.name} was not written, there is {NONE}.")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        half = Path(folder) / "half.pdf"
        printing = ("--no-pdf-header-footer", f"--print-to-pdf={half}", f"{deck.resolve().as_uri()}?view={view}")
        try:
            said = run_browser(browser, Path(folder) / "browser", *printing).stderr
        except (OSError, subprocess.SubprocessError) as error:
            said = str(error)
        if not half.is_file():
            last = (said.strip().splitlines() or ["it said nothing"])[-1]
            raise LookInsideError(f"{pdf.name} was not written, the browser failed: {last}")
        shutil.copyfile(half, pdf)
