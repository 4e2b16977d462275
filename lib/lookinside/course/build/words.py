"""The closing section of a chapter that is read alone: the words that it uses, from the glossary of chapter 0."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from nbformat.v4 import new_markdown_cell

from lookinside.course.build.pairs import read_source

ID = "words-of-this-chapter"
HEADING = "Words"
ABOUT = """From the glossary that closes chapter 0: the words that this chapter uses. In brackets stands the chapter that
explains the word."""
LINK = re.compile(r"\((00_\w+)\.ipynb#Glossary\)")  # as the chapters write it
WORD = re.compile(r"\*\*([^*]+)\*\* \((\d)\)")  # **word** (chapter)
_ENTRY = re.compile(r"^- (.+(?:\n .+)*)", re.MULTILINE)
_SENTENCE = re.compile(r"(?:(?<=\.)|(?<=\.\))) (?=[A-Z*(])")


def with_words(notebook: Any, source: Path) -> Any:
    """A copy of a chapter whose link to the glossary leads to a section at its own end; without such a link, a copy.

    Chapter 0 is not beside a notebook that is handed out alone, nor beside the page of `make run CHAPTER=04`.

    Args:
        notebook: the chapter as an nbformat node, or a student's copy of it.
        source: the chapter's source, beside which that of chapter 0 lies.

    Raises:
        LookInsideError: where chapter 0 cannot be read.
    """
    notebook = copy.deepcopy(notebook)
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    found = [link for cell in texts for link in LINK.findall(cell.source)]
    if not found:
        return notebook
    glossary = _glossary(source.with_name(f"{found[0]}.py"))
    used = "\n".join(cell.source for cell in texts)
    entries = sorted(_entries(glossary, int(source.name[:2]), used), key=str.casefold)
    for cell in texts:
        cell.source = LINK.sub(f"(#{HEADING})", cell.source)
    text = "\n".join([f"## {HEADING}\n\n{ABOUT}\n", *(f"- {entry}" for entry in entries)])
    notebook.cells.append(new_markdown_cell(text, id=ID, metadata={"slideshow": {"slide_type": "skip"}}))
    return notebook


def _glossary(source: Path) -> str:
    text = "\n\n".join(cell.source for cell in read_source(source).cells if cell.cell_type == "markdown")
    return text.partition("## Glossary\n")[2]


def _entries(glossary: str, chapter: int, used: str) -> Iterator[str]:
    """The entries with a word that is used and explained by a chapter, without the later words that end them."""
    for entry in _ENTRY.findall(glossary):
        sentences = _SENTENCE.split(" ".join(entry.split()))
        known = [[word for word, number in WORD.findall(one) if int(number) <= chapter] for one in sentences]
        if any(_is_in(used, word) for words in known for word in words):
            end = 1 + max(place for place, words in enumerate(known) if words)
            yield " ".join([*sentences[:end], *takewhile(lambda one: not WORD.search(one), sentences[end:])])


def _is_in(text: str, word: str) -> bool:
    return bool(re.search(rf"\b{re.escape(word)}s?\b".replace(r"\ ", r"\s+"), text, re.IGNORECASE))
