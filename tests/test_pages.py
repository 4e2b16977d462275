"""The pages in a headless browser: axe-core finds nothing, and a phone is wide enough."""

import pytest
from headless import accessibility_faults, on_a_phone
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lookinside.course.build.export import write_page
from lookinside.course.build.pairs import read_stored
from lookinside.course.build.start_page import write_start_page
from lookinside.course.places import chapter_sources

pytestmark = pytest.mark.chapters

PHONE = 390  # pixels
ABOUT = {"dataset": "phantoms", "profile": "quick", "seconds": 61.2, "peak_bytes": 1.2e9, "warnings": 1}


def phone_faults(path, folder):
    """What is wrong with a page on a phone; its text and colours are those of a desk."""
    width, found = on_a_phone(path, folder, PHONE)
    return [*found, *([f"{width} px wide"] if width > PHONE else [])]


@pytest.mark.parametrize("source", chapter_sources(), ids=lambda path: path.stem)
def test_a_chapters_page(source, tmp_path):
    page = tmp_path / f"{source.stem}.html"
    write_page(read_stored(source), page, {**ABOUT, "chapter": source.stem, "sentence": "nine of ten", "error": None})
    write_start_page(tmp_path, chapter_sources())
    assert phone_faults(page, tmp_path) == []


def test_the_start_page(tmp_path):
    sources = chapter_sources()
    run = {**ABOUT, "chapter": sources[0].stem, "sentence": "a share of " + "2.3 " * 20, "error": None}
    write_page(new_notebook(cells=[new_markdown_cell("# T")]), tmp_path / f"{sources[0].stem}.html", run)
    stopped = {**run, "error": "In [2]: ValueError: " + "x" * 150}
    write_page(new_notebook(cells=[new_markdown_cell("# T")]), tmp_path / f"{sources[0].stem}-unfinished.html", stopped)
    assert phone_faults(write_start_page(tmp_path, sources), tmp_path) == []


def test_what_is_wide_scrolls_in_its_own_box_and_a_fault_is_noticed(tmp_path):
    def page_of(html, text=""):
        shown = [new_output("execute_result", data={"text/html": html, "text/plain": "x" * 300})]
        cells = [new_markdown_cell(f"# T\n\n{text}"), new_code_cell("name = " + "a + " * 60 + "b", outputs=shown)]
        write_page(new_notebook(cells=cells, metadata={"language_info": {"name": "python"}}), tmp_path / "page.html")
        return tmp_path / "page.html"

    row = "<th scope='col'>a heading of some length</th>" * 9
    wide = (
        "| a heading of some length " * 9
        + "|\n"
        + "|---" * 9
        + "|\n"
        + "| 1 " * 9
        + "|\n\n$$"
        + "x_{long} + " * 40
        + "y$$"
    )
    good = page_of(f"<table><thead><tr>{row}</tr></thead></table>", wide)
    assert phone_faults(good, tmp_path) == accessibility_faults(good, tmp_path) == []
    bad = page_of("<p style='color: #999'>faint</p>", "<div style='width: 456px'>wide</div>")
    found = "; ".join(phone_faults(bad, tmp_path))
    assert "color-contrast" in found and "px wide" in found
