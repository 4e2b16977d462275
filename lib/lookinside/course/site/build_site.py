"""`make site`: one static folder, build/site, that opens with no network: start page, chapters, decks, student's
notebooks, results, library, search. Made from the stored notebooks and the record; nothing is executed.

python -m lookinside.course.site.build_site [FOLDER]
"""

from __future__ import annotations

import argparse
import base64
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lookinside import __version__
from lookinside.course.build import export, student
from lookinside.course.build.outline import has_cut, title_of
from lookinside.course.build.pairs import read_current
from lookinside.course.build.start_page import WAY
from lookinside.course.places import chapter_sources, repository, repository_address
from lookinside.course.recording import recorded_result
from lookinside.course.site.layout import Stop, header, text_of, way, write_page
from lookinside.course.site.readme import Readme
from lookinside.course.site.results_page import as_csv, results_of
from lookinside.course.site.search_index import index_of
from lookinside.errors import LookInsideError
from lookinside.extras import need

START, RESULTS = Stop("index.html", "Looking Inside"), Stop("results.html", "What the papers claim, and what held")
UNSET = 'pyproject.toml names no address: set Repository = "https://..." under [project.urls]'
BINDER_GIGABYTES = 2  # mybinder.org promises one and gives two
GITHUB = re.compile(r"https://github\.com/([^/]+)/([^/]+)")
LIBRARY, SEARCH = Stop("api/index.html", "The library"), Stop("search.html", "Search")


@dataclass(frozen=True)
class Chapter:
    """A chapter as the site shows it; `offers` are (name, link) pairs."""

    source: Path
    notebook: Any
    about: str
    offers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return self.source.stem

    @property
    def title(self) -> str:
        """Its heading."""
        return title_of(self.notebook)

    @property
    def link(self) -> str:
        """Its page."""
        return f"{self.stem}.html"

    @property
    def sentence(self) -> str:
        """What its stored run found, in a line."""
        found = recorded_result(self.notebook)
        return found["sentence"] if found else ""


def build(site: Path) -> Path:
    """Write the whole site into a folder, which is emptied first; returns its start page.

    Raises:
        LookInsideError: where a notebook is not stored or older than its source, or a page asks for what is not there.
    """
    need("pdoc")
    from lookinside.course.site.api_pages import packages

    shutil.rmtree(site, ignore_errors=True)
    site.mkdir(parents=True)
    address, readme = repository_address(), Readme(repository() / "README.md")
    chapters = [_chapter(source, site, address, readme) for source in chapter_sources()]
    api = packages()
    api_stops = [Stop(f"api/{one.name}.html", one.full) for one in api]
    stops = [START, *(Stop(one.link, one.title) for one in chapters), RESULTS, LIBRARY, *api_stops]
    for chapter in chapters:
        _write_chapter(chapter, site, stops)
    _write_results(chapters, site, stops)
    write_page(site, LIBRARY, "site/api_index.html.j2", stops, packages=api)
    for stop, one in zip(api_stops, api, strict=True):
        contents = [(member.anchor, member.name) for member in one.members]
        write_page(site, stop, "site/api.html.j2", stops, package=one, contents=contents)
    start = _write_start(chapters, site, stops, address, readme)
    index = index_of(site, [stop.link for stop in stops[1:]])
    write_page(site, SEARCH, "site/search.html.j2", stops, index=index, search=text_of("site/search.js"))
    return start


def _chapter(source: Path, site: Path, address: str | None, readme: Readme) -> Chapter:
    """A chapter's downloads are written first, so that its page offers what is there."""
    notebook = read_current(source)
    offers = [("slides", f"slides/{source.stem}.html")]
    export.write_deck(notebook, site / offers[0][1])
    if has_cut(notebook):
        offers.append(("slides for 45 minutes", f"slides/{source.stem}-45min.html"))
        export.write_deck(notebook, site / offers[-1][1], short=True)
    student.build(source, site / "student")
    offers.append(("student's notebook", f"student/{source.stem}.ipynb"))
    on_binder = binder_link(address, f"chapters/{source.stem}.ipynb")
    return Chapter(source, notebook, readme.about(source), offers + ([("on Binder", on_binder)] if on_binder else []))


def binder_link(address: str | None, notebook: str) -> str | None:
    """Where mybinder.org opens a notebook of a GitHub repository; None for another address.

    Args:
        address: see `repository_address`.
        notebook: its path in the repository.
    """
    found = GITHUB.fullmatch(address or "")
    return found and f"https://mybinder.org/v2/gh/{found[1]}/{found[2]}/HEAD?urlpath=lab/tree/{notebook}"


def _write_chapter(chapter: Chapter, site: Path, stops: list[Stop]) -> None:
    path = site / chapter.link
    export.write_page(chapter.notebook, path, header=header(chapter.link, chapter.offers))
    text, near = path.read_text(encoding="utf-8"), way(stops, chapter.link)
    text = WAY.sub(lambda found: f"{found[1]}{near}{found[2]}", text)
    path.write_text(text, encoding="utf-8")


def _write_results(chapters: list[Chapter], site: Path, stops: list[Stop]) -> None:
    told = [results_of(one.source, one.notebook) for one in chapters[1:]]  # chapter 0 rebuilds no paper
    (site / "results.csv").write_text(as_csv(told), encoding="utf-8")
    (site / "results").mkdir()
    files = sorted(chapters[0].source.parent.glob("results/*.json"))
    for file in files:
        shutil.copyfile(file, site / "results" / file.name)
    contents = [(one.anchor, one.title) for one in told]
    names = [file.name for file in files]
    values = {"chapters": told, "contents": contents, "files": names, "version": __version__}
    write_page(site, RESULTS, "site/results.html.j2", stops, **values)


def _write_start(chapters: list[Chapter], site: Path, stops: list[Stop], address: str | None, readme: Readme) -> Path:
    memory = {one.stem: readme.gigabytes(one.source) for one in chapters}
    small = [str(int(stem[:2])) for stem, needed in memory.items() if needed is not None and needed < BINDER_GIGABYTES]
    values = {
        "chapters": chapters,
        "small": " and ".join([", ".join(small[:-1]), small[-1]] if len(small) > 1 else small),
        "introduction": readme.introduction,
        "picture": _inside(repository() / readme.picture),
        "picture_alt": readme.picture_alt,
        "caption": readme.caption,
        "address": address,
        "unset": UNSET,
        "version": __version__,
    }
    return write_page(site, START, "site/start.html.j2", stops, **values)


def _inside(picture: Path) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one line that says what is missing."""
    parser = argparse.ArgumentParser(prog="make site", description="Write the site.")
    parser.add_argument("folder", nargs="?", type=Path, help="where; build/site without it")
    options = parser.parse_args(arguments)
    try:
        start = build(options.folder or repository() / "build" / "site")
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    pages = len(list(start.parent.rglob("*.html")))
    size = sum(path.stat().st_size for path in start.parent.rglob("*") if path.is_file())
    print(f"{pages} pages, {size / 1e6:.0f} MB: {start}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
