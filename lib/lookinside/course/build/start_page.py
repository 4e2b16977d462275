"""The start page of a folder of pages, index.html, and the way from each chapter's page to its neighbours.

Both are made from what lies in the folder: each page says in its head how its run went.
"""

from __future__ import annotations

import html
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from lookinside.course.build.export import TEMPLATES
from lookinside.course.build.outline import title_of
from lookinside.course.build.pairs import read_source
from lookinside.course.places import chapter_sources, repository
from lookinside.errors import LookInsideError

RUN = re.compile(r'<meta name="run" content="([^"]*)">')
WAY = re.compile(r"(<!-- way -->).*?(<!-- /way -->)", re.DOTALL)
UNFINISHED = "-unfinished"


@dataclass(frozen=True)
class Chapter:
    """A chapter as the start page shows it: its runs (dicts as `run.py` notes them, with "link") and other files."""

    stem: str
    title: str
    runs: list[dict[str, Any]] = field(default_factory=list)
    others: list[tuple[str, str]] = field(default_factory=list)

    @property
    def link(self) -> str | None:
        """The page to read: a whole run on phantoms first, else another whole one, else one that stopped."""
        by_worth = sorted(self.runs, key=lambda run: (bool(run["error"]), run["dataset"] != "phantoms"))
        return by_worth[0]["link"] if by_worth else None


def write_start_page(pages: Path, sources: list[Path]) -> Path:
    """Write pages/index.html, a line a chapter, and renew the way to the neighbours on every page.

    Args:
        pages: the folder of pages, build/html; decks and student's copies are looked for beside it.
        sources: all chapters in order, those that have no page yet too.
    """
    chapters = [_chapter(source, pages) for source in sources]
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    style = "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("shared/base.css", "start/start.css"))
    path = pages / "index.html"
    pages.mkdir(parents=True, exist_ok=True)
    _write(path, templates.get_template("start/index.html.j2").render(chapters=chapters, style=style))
    way = templates.get_template("start/way.html.j2")
    for place, chapter in enumerate(chapters):
        before = chapters[place - 1] if place else None
        after = chapters[place + 1] if place + 1 < len(chapters) else None
        text = way.render(before=before, after=after)
        for run in chapter.runs:
            page = pages / run["link"]
            old = page.read_text(encoding="utf-8")
            new = WAY.sub(lambda found: f"{found[1]}{text}{found[2]}", old)  # noqa: B023
            if new != old:
                _write(page, new)
    return path


def renew_start_page() -> None:
    """Let the start page in build/html, where there is one, know of new decks and student's copies."""
    pages = repository() / "build" / "html"
    if (pages / "index.html").is_file():
        write_start_page(pages, chapter_sources())


def _chapter(source: Path, pages: Path) -> Chapter:
    try:
        title = title_of(read_source(source))
    except LookInsideError:
        title = source.stem
    runs = [run for page in sorted(pages.glob(f"{source.stem}*.html")) if (run := _run(page, source.stem))]
    build = pages.parent
    files = [
        ("slides", build / "slides" / f"{source.stem}.html"),
        ("slides for 45 minutes", build / "slides" / f"{source.stem}-45min.html"),
        ("handout", build / "slides" / f"{source.stem}.pdf"),
        ("handout for 45 minutes", build / "slides" / f"{source.stem}-45min.pdf"),
        ("student's notebook", build / "student" / f"{source.stem}.ipynb"),
    ]
    others = [(name, Path(os.path.relpath(file, pages)).as_posix()) for name, file in files if file.is_file()]
    return Chapter(source.stem, title, runs, others)


def _run(page: Path, stem: str) -> dict[str, Any] | None:
    """What a page's head says of its run; None for a page of another chapter."""
    found = RUN.search(page.read_text(encoding="utf-8"))
    run = json.loads(html.unescape(found[1])) if found else {}
    return {**run, "link": page.name} if run.get("chapter") == stem else None


def _write(path: Path, text: str) -> None:
    half = path.with_suffix(".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
