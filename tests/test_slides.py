"""The slides in a headless browser: no request, no overflow, alt text for every figure, formulas drawn."""

import json
import re

import nbformat
import pytest
from headless import accessibility_faults, browser, opened
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from lookinside import figures
from lookinside.course.build.browser import print_deck
from lookinside.course.build.export import for_a_room, write_deck
from lookinside.course.build.outline import slide_show
from lookinside.course.build.pairs import read_stored
from lookinside.course.places import chapter_sources
from lookinside.errors import LookInsideError

pytestmark = pytest.mark.chapters

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
PRINT, READY = "?view=print", "document.documentElement.dataset.ready"  # print: no slide is hidden
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
    assert accessibility_faults(deck, tmp_path, query=PRINT, until=READY) == []
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


def drawing(width, height, text=None):
    """A code cell with a picture of a size in pixels, and the size of the text in it."""
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'><rect width='9' height='9'/></svg>"
    )
    about = {"image/svg+xml": {"smallest_text": text}} if text else {}
    shown = new_output("display_data", data={"image/svg+xml": svg}, metadata=about)
    about = {"alt": "A drawing of nothing.", "tags": ["hide-input"]}
    return nbformat.from_dict({**new_code_cell("draw()", outputs=[shown]), "metadata": about})


def faults_of(notebook, folder):
    write_deck(notebook, folder / "deck.html")
    return deck_faults(folder / "deck.html", folder)


def test_a_good_slide_has_no_faults(tmp_path):
    text = new_markdown_cell("# Title\n\nA price of \\$5, $x^2$ and\n\n$$\\frac{a}{b} \\tag{3}$$\n\n`$not a formula$`")
    assert faults_of(slide(text, drawing(800, 300)), tmp_path) == []


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ([new_markdown_cell("## Long\n\n" + "A line of its own.\n\n" * 20)], "px high"),
        ([new_markdown_cell("## Wide\n\n$$" + "+".join(["x_{long}"] * 40) + "$$")], "too wide"),
        ([new_markdown_cell("## No alt"), figure()], STOCK_SENTENCE),
        ([new_markdown_cell("## Twice"), figure(alt="The same."), figure(alt="The same.")], "share an alt text"),
        ([new_markdown_cell("## Small"), drawing(300, 100)], "half empty below its figure"),
        ([new_markdown_cell("## Out"), figure(html="<img alt='x' src='https://example.org/x.png'>")], "leave the page"),
        ([new_markdown_cell("## Script"), figure(html="<script src='https://example.org/x.js'></script>")], "<script>"),
        ([new_markdown_cell("## Raw"), figure(html="<p>$x^2$ in a table</p>")], "shown as text"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_faulty_slide_is_noticed(cells, says, tmp_path):
    assert says in "; ".join(faults_of(slide(*cells), tmp_path))


def test_a_figure_fills_its_slide_and_shrinks_to_fit(tmp_path):
    sizes = ((400, 300), (1000, 300), (400, 800), (400, 2500))
    text = "## A figure\n\nwith a line of text."
    cells = [cell for size in sizes for cell in slide(new_markdown_cell(text), drawing(*size)).cells]
    write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    page = opened(tmp_path / "deck.html", tmp_path)
    for (width, height), shown in zip(sizes, page.select(".slides img"), strict=True):
        growth = int(re.search(r"height: (\d+)px", shown["style"])[1]) / height
        room = min(1136 / width, 500 / height, 1.5)  # of a slide below its heading and one line
        assert 0.95 * room < growth < 1.05 * room
    assert json.loads(page.html["data-faults"]) == ["4 (A figure) squeezes a figure below half its size"]


def test_a_short_question_is_shown_larger(tmp_path):
    cells = [
        cell
        for count in (1, 12)
        for cell in slide(new_markdown_cell("## Q\n\n" + "Which bone is it?\n\n" * count)).cells
    ]
    write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    short, long = opened(tmp_path / "deck.html", tmp_path).select("section.slide")
    assert "font-size: 36px" in short.get("style", "") and "font-size" not in long.get("style", "")


def test_text_without_a_heading_stands_in_the_middle_of_its_slide_and_grows_with_its_code_and_tables(tmp_path):
    table = figure(html=figures.table({"one": {"score": 0.5}})._repr_html_())
    line, long = "One line.", "Long. " * 180
    parts = [("## Q", line), (line,), (line, table), (long,), (line, drawing(900, 400))]
    cells = [[one if not isinstance(one, str) else new_markdown_cell(one) for one in part] for part in parts]
    write_deck(new_notebook(cells=[cell for some in cells for cell in slide(*some).cells]), tmp_path / "deck.html")
    text = (tmp_path / "deck.html").read_text(encoding="utf-8")
    told = "root.tables = getComputedStyle(document.querySelector('section.slide table')).fontSize; root.ready = 'yes';"
    (tmp_path / "deck.html").write_text(text.replace("root.ready = 'yes';", told), encoding="utf-8")
    page = opened(tmp_path / "deck.html", tmp_path, "?view=print")
    styles = [one.get("style", "") for one in page.select("section.slide")]
    begins = [int(found[1]) if (found := re.search(r"padding-top: (\d+)px", style)) else 36 for style in styles]
    assert begins[0] == begins[4] == 36 and begins[1] > begins[2] > 150 and 36 <= begins[3] < 100
    assert float(page.html["data-tables"].removesuffix("px")) > 28  # 22 where text has its usual size
    assert json.loads(page.html["data-faults"]) == []


def test_a_figure_that_is_wider_than_its_slide_shrinks(tmp_path):
    assert faults_of(slide(new_markdown_cell("## A recorded figure"), drawing(1265, 443, text=16)), tmp_path) == []


def test_text_in_figures_tables_and_elsewhere_is_readable_from_the_last_row(tmp_path):
    text = new_markdown_cell("## A figure")
    assert faults_of(slide(text, drawing(1100, 560, text=15.3)), tmp_path) == []
    assert "text of a figure at" in "; ".join(faults_of(slide(text, drawing(1100, 800, text=15.3)), tmp_path))
    tiny = figure(html="<p style='font-size: 9px'>hardly to be seen</p>")
    assert "has text of 9px: hardly" in "; ".join(faults_of(slide(text, tiny), tmp_path))

    def table(columns):
        row = {f"score {number}": (0.5, 0.4, 0.6) for number in range(columns)}
        return figure(html=figures.table({f"method {n}": row for n in range(10)}, note="over 20 images")._repr_html_())

    assert faults_of(slide(text, table(6)), tmp_path) == []
    assert "too wide" in "; ".join(faults_of(slide(text, table(9)), tmp_path))


def test_a_short_lecture_keeps_the_slides_that_are_marked_and_says_where_they_belong():
    def cell(text, mark, *tags):
        return new_markdown_cell(text, metadata={"slideshow": {"slide_type": mark}, "tags": list(tags)})

    cells = [
        *(
            cell("# T", "slide", "cut"),
            cell("## *One*", "slide"),
            cell("left out", "-"),
            cell("graph", "subslide", "cut"),
        ),
        *(cell("below it", "-"), cell("say so", "notes"), cell("more of it", "subslide"), cell("say more", "notes")),
        *(
            cell("## Own", "subslide"),
            cell("not said", "notes"),
            cell("## Two", "slide"),
            cell("hidden", "skip", "cut"),
        ),
        *(cell("### Three", "subslide", "cut"), cell("end", "subslide", "cut")),
    ]
    whole = new_notebook(cells=cells)
    short = slide_show(whole, short=True)
    texts = ["# T", "graph", "below it", "say so", "say more", "### Three", "end"]
    assert [one.source for one in short.cells] == texts
    marks = [one.metadata["slideshow"]["slide_type"] for one in short.cells]
    assert marks == ["slide", "slide", "-", "notes", "notes", "slide", "subslide"]
    assert {one.source: one.metadata["goes_on_under"] for one in short.cells if "goes_on_under" in one.metadata} == {
        "graph": "One",
        "end": "Three",
    }
    assert len(slide_show(whole).cells) == len(cells) and "goes_on_under" not in whole.cells[3].metadata
    with pytest.raises(LookInsideError, match="no cell carries the tag cut"):
        slide_show(new_notebook(cells=cells[1:3]), short=True)


# Each link is clicked; what the deck then shows is written to the page that is read.
CLICKED = """<script>window.addEventListener('load', async function () {
  const root = document.documentElement.dataset, wait = () => new Promise((done) => setTimeout(done, 50));
  while (root.ready !== 'yes') await wait();
  const landed = [];
  for (const link of document.querySelectorAll('.slides a')) {
    link.click();
    await wait();
    const shown = Reveal.getCurrentSlide();
    landed.push(link.textContent + ': ' + shown.textContent.replace(/\\s+/g, ' ').trim().slice(0, 14));
  }
  root.landed = JSON.stringify(landed);
});</script>"""


def test_a_link_in_a_deck_lands_on_the_slide_of_its_heading_or_is_plain_text(tmp_path):
    links = "[train](#5-training), [3](#3), [again](#predict-2), [notebook's](#Who%27s-last%3F), [other](01_b.ipynb#6)"
    begin = ["# T", f"{links}, [out](https://a.org) and [gone](#hidden)"]
    texts = [
        *begin,
        "## 3",
        "### Predict",
        "not here",
        "## 5. Training",
        "### Predict",
        "the second",
        "## Who's last?",
        "## Hidden",
    ]
    cells = [new_markdown_cell(text) for text in texts]
    for cell, mark, cut in zip(cells, "s.s.-s.-sx", "1100001110", strict=True):
        cell.metadata["slideshow"] = {"slide_type": {"s": "slide", ".": "subslide", "x": "skip"}.get(mark, mark)}
        cell.metadata["tags"] = ["cut"] * (cut == "1")
    lands = ["train: 5. Training", "3: 3", "again: Predict the se", "notebook's: Who's last?"]
    for short, wanted in ((False, lands), (True, lands[2:])):
        deck = tmp_path / "deck.html"
        write_deck(new_notebook(cells=cells), deck, short=short)
        text = deck.read_text(encoding="utf-8").replace('<a href="https://a.org">out</a>', "out")
        deck.write_text(text.replace("</head>", f"{CLICKED}</head>", 1), encoding="utf-8")
        page = opened(deck, tmp_path)
        assert json.loads(page.html["data-landed"]) == wanted
        assert "other, out and gone" in page.select_one(".slides").get_text()
    assert "train, 3, again" in page.select_one(".slides").get_text()


def test_a_room_sees_neither_the_authors_guess_nor_how_it_fared():
    printed = "Before.\nNot this time: you said 0.3, it is 0.0875. Less than 1 < 2. Boxes are flat.\n"
    printed += "Right: you said hand; foot is right too. It has toes.\n"
    said = [new_output("stream", text=printed), new_output("display_data", data={"text/html": "<table></table>"})]
    cells = [
        new_code_cell("my_guess_a = 0.3  # a third", metadata={"tags": ["guess"]}),
        new_code_cell("check(my_guess_a, share, reason)\ncheck(my_guess_b, part, why)", outputs=said),
        new_code_cell("print('check')", outputs=[new_output("stream", text="Right: you said nothing")]),
    ]
    whole = new_notebook(cells=cells)
    asked, told, other = for_a_room(whole).cells
    assert asked.source == "my_guess_a = ..." and whole.cells[0].source.endswith("# a third")
    answers, rest, table = told.outputs
    assert "<strong>0.0875</strong>. Less than 1 &lt; 2. Boxes are flat." in answers.data["text/html"]
    assert "<strong>foot</strong>. It has toes." in answers.data["text/html"]
    assert "you said" not in str(told.outputs) and rest.text == "Before." and table == said[1]
    assert other == cells[2]


def test_a_handout_has_a_page_for_each_slide(tmp_path, monkeypatch):
    browser()
    cells = [new_markdown_cell(f"## {n}", metadata={"slideshow": {"slide_type": "slide"}}) for n in range(3)]
    cells[2].metadata["slideshow"]["slide_type"] = "subslide"
    write_deck(new_notebook(cells=cells), tmp_path / "deck.html")
    print_deck(tmp_path / "deck.html", tmp_path / "deck.pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "deck.pdf").read_bytes())) == 3
    monkeypatch.setenv("COURSE_BROWSER", "false")
    with pytest.raises(LookInsideError, match=r"other\.pdf was not written, the browser failed"):
        print_deck(tmp_path / "deck.html", tmp_path / "other.pdf")
    monkeypatch.setattr("lookinside.course.build.browser.find_browser", lambda: None)
    with pytest.raises(LookInsideError, match="no headless browser: install chromium"):
        print_deck(tmp_path / "deck.html", tmp_path / "other.pdf")
