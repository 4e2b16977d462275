"""What the chapters' text keeps to: each word is explained once, and the instructor is told where a room goes wrong."""

import re

import pytest

from lookinside.course.build.outline import slide_mark
from lookinside.course.build.pairs import read_source
from lookinside.course.places import chapter_sources

GLOSSARY = "\n## Glossary\n"
LINK = "[glossary](00_start_here.ipynb#Glossary)"
ENTRY = re.compile(r"\*\*([^*]+)\*\* \((\d)\)")  # **word** (chapter)
WRONG = "**Where the room goes wrong.**"


def markdown(source):
    return "\n" + "\n\n".join(cell.source for cell in read_source(source).cells if cell.cell_type == "markdown")


TEXTS = {int(source.name[:2]): markdown(source) for source in chapter_sources()}
TEXTS[0], _, glossary = TEXTS[0].partition(GLOSSARY)
ENTRIES = [(word.lower(), int(chapter)) for word, chapter in ENTRY.findall(glossary)]


def explained_in(word):
    """The chapters that have it in bold: there it is explained."""
    bold = re.compile(rf"\*\*{re.escape(word)}s?\*\*".replace(r"\ ", r"\s+"), re.IGNORECASE)
    return {chapter for chapter, text in TEXTS.items() if bold.search(text)}


def test_each_word_of_the_glossary_is_explained_in_the_chapter_that_it_names_and_in_no_other():
    words = [word for word, _ in ENTRIES]
    assert len(set(words)) == len(words) > 50
    assert {word: explained_in(word) for word in words} == {word: {chapter} for word, chapter in ENTRIES}


def test_every_chapter_links_to_the_glossary():
    assert [chapter for chapter, text in TEXTS.items() if chapter and LINK not in text] == []


@pytest.mark.parametrize("source", chapter_sources(), ids=lambda path: path.stem)
def test_the_instructor_is_told_where_the_room_goes_wrong(source):
    cells = [cell for cell in read_source(source).cells if WRONG in cell.source]
    assert len(cells) >= (2 if source.name.startswith("00") else 3)
    assert {slide_mark(cell) for cell in cells} == {"notes"}
    assert all(cell.source.startswith(WRONG) for cell in cells)
