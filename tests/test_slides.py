"""The slides in a headless browser: no request, no overflow, alt text for every figure, formulas drawn."""

import json
import re

import nbformat
import pytest
from headless import opened
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lookinside.course.build.export import write_deck
from lookinside.course.build.pairs import read_stored
from lookinside.course.places import chapter_sources

pytestmark = pytest.mark.chapters

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
STOCK_SENTENCE = "No description has been provided"


def deck_faults(path, folder) -> list[str]:
    """All that is wrong with a deck, as the browser sees it."""
    page = opened(path, folder)
    seen = page.html.attrs
    if seen.get("data-ready") != "yes":
        return ["the deck did not start"]
    found = json.loads(seen["data-faults"])
    if seen.get("data-blocked") or seen["data-requests"] != "0":
        found.append(f"requests leave the page: {seen.get('data-blocked')}, {seen['data-requests']}")
    for element in page.select("[src], link[href], [poster], [srcset]"):
        address = element.get("src") or element.get("href") or element.get("poster") or element.get("srcset")
        if not address.startswith("data:"):
            found.append(f"<{element.name}> loads {address[:60]}")
    texts = [image.get("alt", "") for image in page.select(".slides img")]
    found += [f"figure {number} has no alt text" for number, text in enumerate(texts, 1) if not text.strip()]
    if len(set(texts)) != len(texts):
        found.append("two figures share an alt text")
    if STOCK_SENTENCE in str(page):
        found.append(f"an alt text says: {STOCK_SENTENCE}")
    formulas = len(page.select(".slides math")) - len(page.select(".notes math"))
    if int(seen["data-drawn"]) != formulas:
        found.append(f"{seen['data-drawn']} of {formulas} formulas are drawn")
    for element in page.select(".slides code, .slides pre, .slides math, script, style"):
        element.decompose()
    if re.search(r"\$\$|\$[^$\s][^$\n]*\$|\\begin\{|\\frac", page.select_one(".slides").get_text()):
        found.append("a formula is shown as text")
    return found


@pytest.mark.parametrize("source", chapter_sources(), ids=lambda path: path.stem)
def test_a_chapters_deck(source, tmp_path):
    deck = tmp_path / f"{source.stem}.html"
    write_deck(read_stored(source), deck)
    assert deck_faults(deck, tmp_path) == []
    assert 'class="notes"' in deck.read_text(encoding="utf-8"), "no notes for the instructor"


def slide(*cells):
    """A notebook whose cells stand on one slide."""
    for cell in cells[1:]:
        cell.metadata.setdefault("slideshow", {"slide_type": "-"})
    cells[0].metadata["slideshow"] = {"slide_type": "slide"}
    return new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}})


def figure(alt=None, html=None):
    """A code cell with one figure, or with HTML of its own."""
    data = {"text/html": html} if html else {"image/png": PIXEL, "text/plain": "<Figure>"}
    cell = new_code_cell("show()", outputs=[new_output("display_data", data=data)], execution_count=1)
    return nbformat.from_dict({**cell, "metadata": {"alt": alt} if alt else {}})


def faults_of(notebook, folder):
    write_deck(notebook, folder / "deck.html")
    return deck_faults(folder / "deck.html", folder)


def test_a_good_slide_has_no_faults(tmp_path):
    text = new_markdown_cell("# Title\n\nA price of \\$5, $x^2$ and\n\n$$\\frac{a}{b} \\tag{3}$$\n\n`$not a formula$`")
    assert faults_of(slide(text, figure(alt="One grey pixel, enlarged.")), tmp_path) == []


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([new_markdown_cell("## Long\n\n" + "A line of its own.\n\n" * 20)], "px high"),
        ([new_markdown_cell("## Wide\n\n$$" + "+".join(["x_{long}"] * 40) + "$$")], "too wide"),
        ([new_markdown_cell("## No alt"), figure()], STOCK_SENTENCE),
        ([new_markdown_cell("## Twice"), figure(alt="The same."), figure(alt="The same.")], "share an alt text"),
        ([new_markdown_cell("## Out"), figure(html="<img alt='x' src='https://example.org/x.png'>")], "leave the page"),
        ([new_markdown_cell("## Script"), figure(html="<script src='https://example.org/x.js'></script>")], "<script>"),
        ([new_markdown_cell("## Raw"), figure(html="<p>$x^2$ in a table</p>")], "shown as text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_faulty_slide_is_noticed(cells, says, tmp_path):
    assert says in "; ".join(faults_of(slide(*cells), tmp_path))


def test_a_tall_figure_shrinks_to_fit(tmp_path):
    html = "<img alt='A tall drawing of nothing.' src='data:image/svg+xml;utf8,{}'>".format(
        "<svg xmlns=%22http://www.w3.org/2000/svg%22 width=%22400%22 height=%22{}%22></svg>"
    )
    text = new_markdown_cell("## A tall figure\n\nwith a line of text.")
    assert faults_of(slide(text, figure(html=html.format(800))), tmp_path) == []
    squeezed = "; ".join(faults_of(slide(text, figure(html=html.format(2500))), tmp_path))
    assert "below half its size" in squeezed
