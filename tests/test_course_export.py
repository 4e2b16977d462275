"""Pages: formulas as MathML, alt text on figures, nothing loaded from elsewhere."""

import json
import re
from importlib.resources import files

import nbformat
import pytest
from bs4 import BeautifulSoup, Comment
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pygments.styles import get_style_by_name

from lookinside.course.build.export import CODE_COLOURS, TEMPLATES, write_deck, write_page
from lookinside.course.build.formulas import to_mathml
from lookinside.errors import LookInsideError

PNG = "iVBORw0KGgo="


def page_of(tmp_path, *cells):
    notebook = new_notebook(cells=list(cells), metadata={"language_info": {"name": "python"}})
    write_page(notebook, tmp_path / "page.html")
    return BeautifulSoup((tmp_path / "page.html").read_text(encoding="utf-8"), "html.parser")


def code(source="x", outputs=(), **metadata):
    cell = new_code_cell(source, outputs=list(outputs), execution_count=7)
    cell.metadata = nbformat.from_dict(metadata)
    return cell


def picture(kind="image/png"):
    return new_output("display_data", data={kind: PNG, "text/plain": "<Figure size 1>"})


@pytest.mark.parametrize(
    "latex",
    [
        r"\hat{y}_i = \operatorname*{arg\,max}_c z_{i,c}",
        r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
        r"\begin{aligned} a &= b \\ c &= d \end{aligned} \tag{4}",
        r"\begin{align} a &= b \\ c &= d \end{align}",
        r"\mathcal{L} = \sum_{c=1}^{C} \left\| \mathbf{W} \ast x \right\|_2^2 \tag{Eq. 3}",
    ],
)
def test_formulas_become_mathml_with_no_latex_left(latex):
    drawn = BeautifulSoup(to_mathml(latex, block=True), "html.parser")
    assert drawn.math["display"] == "block" and drawn.math["alttext"] == latex
    assert "\\" not in drawn.get_text() and "&" not in drawn.get_text()
    assert ("(1)" in drawn.get_text()) is False


def test_the_papers_number_is_kept():
    assert "(3)" in BeautifulSoup(to_mathml(r"a = b \tag{3}", block=True), "html.parser").get_text()


def test_limits_stand_below_in_a_block_and_beside_in_a_line():
    assert "munderover" in to_mathml(r"\sum_{i=1}^n x_i", block=True)
    assert 'display="block"' not in to_mathml("x", block=False)


def test_a_formula_stays_with_its_brackets_and_the_mark_behind_it(tmp_path):
    page = page_of(tmp_path, new_markdown_cell("real ($x > 0$), then $y$, or $z$ alone\n\n$$a$$\n."))
    unbroken = [one.get_text() for one in page.select(".unbroken")]
    assert unbroken == ["(x>0),", "y,"] and len(page.select("math")) == 4
    assert "nowrap" in re.search(r"\.unbroken {([^}]*)}", page.style.find_next("style").string)[1]


def test_a_link_to_another_chapter_leads_to_its_page_and_others_stay_as_they_are(tmp_path):
    text = "[words](00_start_here.ipynb#The-Glossary), [all](01_other.ipynb), [data](data.ipynb), [out](https://a.org/00_b.ipynb)"
    page = page_of(tmp_path, new_markdown_cell(f"## The Glossary\n\n{text}, [here](#The-Glossary)"))
    wanted = ["00_start_here.html#the-glossary", "01_other.html", "data.ipynb", "https://a.org/00_b.ipynb"]
    wanted.append("#the-glossary")
    assert [link["href"] for link in page.select("main .text a")] == wanted
    assert page.select_one("h2")["id"] == "the-glossary"


def test_a_formula_that_cannot_be_drawn_is_quoted_in_one_line():
    with pytest.raises(LookInsideError, match=r"\\foo\{x\}") as error:
        to_mathml(r"\foo{x}", block=False)
    assert "\n" not in str(error.value)


def test_text_has_formulas_tables_and_code_that_is_left_alone(tmp_path):
    text = "# T\n\nCosts \\$5, $x < y$, `$a$`.\n\n| a | b |\n|---|---|\n| $z$ | 2 |\n\n```python\ncost = '$b$'\n```"
    page = page_of(tmp_path, new_markdown_cell(text))
    assert len(page.find_all("math")) == 2 and page.table.find("math") is not None
    assert "$5" in page.p.get_text() and page.p.code.get_text() == "$a$"
    assert "$b$" in page.pre.get_text()
    assert page.title.get_text() == "T"


def test_each_figure_has_the_alt_text_of_its_cell_in_order(tmp_path):
    two = code(
        outputs=[picture(), new_output("stream", text="between"), picture("image/jpeg")], alt=["First & <1>", "Two"]
    )
    page = page_of(tmp_path, two, code(outputs=[picture()], alt='A "quoted" word'))
    assert [image["alt"] for image in page.find_all("img")] == ["First & <1>", "Two", 'A "quoted" word']
    assert "image/jpeg" in page.find_all("img")[1]["src"]


def test_a_page_loads_nothing(tmp_path):
    page = page_of(
        tmp_path, new_markdown_cell("# T\n\n[a link](https://example.org)"), code(outputs=[picture()], alt="A")
    )
    assert all(element["src"].startswith("data:") for element in page.select("[src]"))
    assert not page.select("script[src], link, iframe")
    assert not re.findall(r"url\(|@import", " ".join(style.get_text() for style in page.find_all("style")))


def test_a_deck_carries_the_notices_of_what_shows_it(tmp_path):
    """reveal.js' licence in full, as its package has it, and whose work is inside reveal.js; a page says its own."""
    slide = new_markdown_cell("# T", metadata={"slideshow": {"slide_type": "slide"}})
    write_deck(new_notebook(cells=[slide]), tmp_path / "deck.html")
    deck = (tmp_path / "deck.html").read_text(encoding="utf-8")
    notice = BeautifulSoup(deck, "html.parser").find(string=lambda text: isinstance(text, Comment))
    reveal = files("sphinx_revealjs") / "_static" / "revealjs"
    licence = (reveal / "LICENSE").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in licence and licence.strip() in notice
    assert {"fitty", "marked"} <= set(re.findall(r"[a-z]+", notice)) and "CC BY 4.0" in notice
    held = json.loads((reveal / "dist" / "reveal.js.map").read_text(encoding="utf-8"))
    assert [one for one in held["sources"] if "node_modules" in one] == ["../node_modules/fitty/dist/fitty.module.js"]
    assert page_of(tmp_path, slide).select_one("a[rel=license]")["href"].endswith("/by/4.0/")


def test_the_error_stream_is_not_shown_and_an_error_is(tmp_path):
    failure = new_output("error", ename="ValueError", evalue="no", traceback=["\x1b[31mValueError\x1b[0m: no <b>"])
    page = page_of(tmp_path, code(outputs=[new_output("stream", name="stderr", text="noise"), failure]))
    assert "noise" not in page.get_text() and "ValueError: no <b>" in page.get_text()


def test_solutions_are_folded_and_the_instructors_notes_left_out(tmp_path):
    note = new_markdown_cell("Say this.", metadata={"slideshow": {"slide_type": "notes"}})
    page = page_of(tmp_path, new_markdown_cell("# T"), code("answer = 42", tags=["solution"]), note)
    assert [summary.get_text() for summary in page.find_all("summary")] == ["Solution"]
    assert "Say this" not in page.get_text() and "answer" in page.find("details").get_text()


def test_code_that_draws_or_serves_the_record_is_folded(tmp_path):
    cells = [code(), code(tags=["hide-input"]), code(tags=["sweep"]), code(tags=["hide-input", "sweep"])]
    page = page_of(tmp_path, new_markdown_cell("# T"), *cells)
    folded = [summary.get_text() for summary in page.find_all("summary")]
    assert folded == ["Code [7]", "Code that serves the record [7]", "Code [7]"]


def test_headings_of_the_same_words_have_anchors_of_their_own(tmp_path):
    page = page_of(tmp_path, new_markdown_cell("# T\n\n## Predict\n\n### Predict"), new_markdown_cell("## Predict"))
    assert [heading["id"] for heading in page.select("h2, h3")] == ["predict", "predict-2", "predict-3"]
    assert [link["href"] for link in page.select(".sections a")] == ["#predict", "#predict-3"]


def test_every_colour_of_code_is_readable_on_its_tint():
    """WCAG 2's contrast ratio, 4.5 at least, on the background that base.css gives to code."""
    tint = re.search(r"--tint: #(\w{6})", (TEMPLATES / "shared" / "base.css").read_text())[1]
    colours = {style["color"] for _, style in get_style_by_name(CODE_COLOURS) if style["color"]}
    assert len(colours) > 5

    def luminance(colour):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4)]
        linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in colours:
        assert (luminance(tint) + 0.05) / (luminance(colour) + 0.05) >= 4.5, colour
