"""The index of the search page: every section of every page, with its words."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

LEFT_OUT = re.compile(r'<(style|script|math|nav)\b.*?</\1>|<img[^>]*>|<span class="kind">[^<]*</span>', re.DOTALL)
HEADING = re.compile(r'<h([1-4])(?: id="([^"]*)")?[^>]*>(.*?)</h\1>', re.DOTALL)


def sections_of(page: str, link: str) -> list[dict[str, str]]:
    """Title, words and link of each section of a page's main part.

    Args:
        page: the HTML text.
        link: where it lies below the site's folder.
    """
    body = LEFT_OUT.sub(" ", page.partition("<main>")[2].rpartition("</main>")[0])
    where = _plain(re.search(r"<title>(.*?)</title>", page, re.DOTALL)[1]).partition(" · ")[0]
    pieces = HEADING.split(body)[1:]
    found = []
    for place in range(0, len(pieces), 4):
        _, anchor, title, text = pieces[place : place + 4]
        url = f"{link}#{anchor}" if anchor else link
        found.append({"url": url, "title": _plain(title), "where": where, "text": _plain(text)})
    return found


def _plain(text: str) -> str:
    """HTML as one line of text."""
    text = re.sub(r"</(p|li|td|th|div|pre|tr)>|<br>", " ", text)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def index_of(site: Path, links: list[str]) -> str:
    """All sections of these pages as JSON that may stand inside a page."""
    found = [one for link in links for one in sections_of((site / link).read_text(encoding="utf-8"), link)]
    return json.dumps(found, ensure_ascii=False).replace("</", "<\\/")
