"""The frame that all pages of the site share: the band on top, the way to the neighbours, style and script inside."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from lookinside.course.build.export import TEMPLATES

_TEMPLATES = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
STYLES = ("shared/base.css", "page/page.css", "site/site.css")


@dataclass(frozen=True)
class Stop:
    """A page on the way through the site: where it lies below the site's folder, and its title."""

    link: str
    title: str


def part(name: str, **values: Any) -> str:
    """The text of a template below templates/, filled in."""
    return _TEMPLATES.get_template(name).render(**values)


def text_of(name: str) -> str:
    """A style or script below templates/, as it is."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def root_from(link: str) -> str:
    """From a page to the site's folder: "" or "../"."""
    return "../" * link.count("/")


def header(link: str, offers: list[tuple[str, str]] | None = None) -> str:
    """The band on top of a page; `offers` are (name, link) pairs below it."""
    return part("site/header.html.j2", root=root_from(link), offers=offers)


def way(stops: list[Stop], link: str) -> str:
    """The links from a page to its neighbours among all stops."""
    place = [stop.link for stop in stops].index(link)
    root = root_from(link)
    near = [stops[at] if 0 <= at < len(stops) else None for at in (place - 1, place + 1)]
    before, after = (one and Stop(root + one.link, one.title) for one in near)
    return part("start/way.html.j2", before=before, after=after, root=root)


def write_page(site: Path, stop: Stop, template: str, stops: list[Stop], **values: Any) -> Path:
    """Write one page in the shared frame.

    Args:
        site: the site's folder.
        stop: the page; where it is not among `stops` it has no neighbours.
        template: its name below templates/.
        values: what the template shows; `contents`, (anchor, text) pairs, becomes the list of sections.
    """
    values = {
        "title": stop.title,
        "header": header(stop.link),
        "way": way(stops, stop.link) if stop in stops else "",
        "style": "".join(map(text_of, STYLES)),
        "script": text_of("page/page.js"),
        **values,
    }
    path = site / stop.link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(part(template, **values), encoding="utf-8")
    return path
