"""Notebooks become HTML files that need nothing else: a page (build/html) and a deck of slides (build/slides)."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Collection, Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter, SlidesExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat.v4 import new_output
from pygments.formatters import HtmlFormatter

from lookinside.course.build.formulas import to_mathml
from lookinside.course.build.outline import UNSEEN, headings_of, slide_mark, slide_show, title_of
from lookinside.course.predict import answers_in, empty_guesses, without_answers
from lookinside.course.recording import MIME as RESULT
from lookinside.course.warned import MIME as WARNING
from lookinside.extras import need

TEMPLATES = Path(__file__).parent / "templates"
CODE_COLOURS = "xcode"  # the Pygments style whose every colour is readable on the tint behind code
IMAGES = ("image/png", "image/jpeg", "image/svg+xml")
# A figure has both a picture and a text form; the first of these is shown.
SHOWN_FIRST = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]


# A notebook calls its heading's anchor by its words, Two-Words; a page by lower-case ones (`anchor_of`).
# A formula in a line, with the brackets and marks that touch it: browsers break lines between them.
TOUCHED = re.compile(r'([(\[]?)(<math.*?</math>)([.,;:!?)\]]*)', re.DOTALL)
CHAPTER_LINK = re.compile(r"^(\d\d_\w+)\.ipynb(?:#(.+))?$")


def anchor_of(text: str) -> str:
    """A heading's words as the anchor that a page gives it; a number alone would be a slide's place to reveal.js."""
    anchor = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return f"section-{anchor}" if anchor.isdigit() else anchor


class Renderer(IPythonRenderer):
    """Markdown with formulas drawn as MathML and plain heading anchors, each used once.

    Args:
        used: how often each anchor was used so far in the document; the renderer adds to it.
        anchors: of the headings to come, where they are known; else they are made of the headings' words.
        alone: the anchors of a file that is handed out alone: a link to another one, or to another chapter, is plain
            text there. None for a page, beside which the other chapters' pages lie.
    """

    def __init__(
        self, used: Counter[str], anchors: Collection[str] = (), alone: Collection[str] | None = None
    ) -> None:
        super().__init__(escape=False)
        self._used, self._anchors, self._alone = used, list(anchors), alone

    def __call__(self, tokens: Any, state: Any) -> str:
        """The HTML of a document, in which a formula stays with its brackets and with the mark behind it."""
        html = super().__call__(tokens, state)
        return TOUCHED.sub(
            lambda found: f'<span class="unbroken">{found[0]}</span>' if found[1] or found[3] else found[0], html
        )

    def block_math(self, body: str) -> str:
        """`$$...$$` on lines of its own."""
        return f'<div class="formula">{to_mathml(body, block=True)}</div>'

    def latex_environment(self, name: str, body: str) -> str:
        r"""A bare `\begin{align}...\end{align}`."""
        return self.block_math(rf"\begin{{{name}}}{body}\end{{{name}}}")

    def inline_math(self, body: str) -> str:
        """`$...$` in a line."""
        return to_mathml(body, block=False)

    def table(self, text: str) -> str:
        """A table in a box that scrolls where the page is narrower."""
        return f'<div class="wide"><table>\n{text}</table></div>\n'

    def link(self, text: str, url: str, title: str | None = None) -> str:
        """A link; one to a heading, or to another chapter's notebook, leads to what was made of it."""
        chapter = CHAPTER_LINK.match(url)
        if chapter:
            reached, url = self._alone is None, f"{chapter[1]}.html{_to_heading(chapter[2])}"
        elif url.startswith("#"):
            url = _to_heading(url[1:])
            reached = self._alone is None or url[1:] in self._alone
        else:
            reached = True
        return super().link(text, url, title) if reached else text

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        """A heading with an anchor made of its words; a number tells those of the same words apart."""
        if self._anchors:
            return f'<h{level} id="{self._anchors.pop(0)}">{text}</h{level}>\n'
        anchor = anchor_of(re.sub(r"<[^>]*>", "", text)) or "section"
        self._used[anchor] += 1
        anchor += f"-{self._used[anchor]}" if self._used[anchor] > 1 else ""
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'


class _Offline:
    """What both exporters share: our templates, formulas, code colours."""

    def default_filters(self) -> Any:
        """nbconvert's filters, with formulas drawn in markdown and in LaTeX outputs."""
        yield from super().default_filters()
        yield "latex2mathml", lambda source: to_mathml(source.strip().strip("$"), block=True)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Markdown to HTML with MathML inside."""
        known = context["cell"].metadata.get("anchors", ()) if "cell" in context else ()
        return MarkdownWithMath(renderer=Renderer(self._used, known, self._alone)).render(source)

    def from_notebook_node(self, notebook: Any, resources: Any = None, **options: Any) -> tuple[str, Any]:
        """The whole HTML text of a notebook."""
        resources = self._init_resources(resources)
        self._used: Counter[str] = Counter()
        self._alone = resources.get("alone")
        resources["title"] = title_of(notebook)
        resources["contents"] = contents_of(notebook)
        resources["code_colours"] = HtmlFormatter(style=CODE_COLOURS).get_style_defs(".highlight")
        return super().from_notebook_node(with_alt(notebook), resources, **options)


def _options(template: str) -> dict[str, Any]:
    return {"template_name": template, "extra_template_basedirs": [str(TEMPLATES)]}


class PageExporter(_Offline, HTMLExporter):
    """One page of HTML to read."""

    def __init__(self) -> None:
        super().__init__(**_options("page"), extra_template_paths=[str(TEMPLATES / "site")])
        self.config.NbConvertBase.display_data_priority = SHOWN_FIRST


class DeckExporter(_Offline, SlidesExporter):
    """One HTML file of slides, with reveal.js inside."""

    def __init__(self) -> None:
        need("sphinx_revealjs")
        reveal = files("sphinx_revealjs") / "_static" / "revealjs"
        super().__init__(**_options("deck"), extra_template_paths=[str(reveal)])
        self.config.NbConvertBase.display_data_priority = SHOWN_FIRST


def with_alt(notebook: Any) -> Any:
    """A copy whose figures carry the alt text of their cell (`alt="..."`, or a list for several figures)."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        for output, alt in zip(figures_of(cell), alt_texts(cell), strict=False):
            output.metadata["alt"] = alt
            sizes = [about["smallest_text"] for about in output.metadata.values() if "smallest_text" in about]
            output.metadata["smallest_text"] = sizes[0] if sizes else None
        for output in cell.get("outputs", []):
            for kind in (RESULT, WARNING):
                output.get("data", {}).pop(kind, None)
    return notebook


def alt_texts(cell: Any) -> list[str]:
    """The alt texts that a cell's marker gives, in order."""
    alt = cell.metadata.get("alt", [])
    return [alt] if isinstance(alt, str) else list(alt)


def figures_of(cell: Any) -> list[Any]:
    """The outputs of a cell that are pictures."""
    return [output for output in cell.get("outputs", []) if any(kind in output.get("data", {}) for kind in IMAGES)]


def contents_of(notebook: Any) -> list[tuple[str, str]]:
    """(anchor, HTML) of the second-level headings, for the page's table of contents."""
    return [(anchor, html) for _, level, anchor, html in _headings(notebook) if level == 2]


def _headings(notebook: Any) -> Iterator[tuple[Any, int, str, str]]:
    """Cell, level, anchor and HTML of each heading, as the chapter's page has them."""
    inline = MarkdownWithMath(renderer=Renderer(Counter()))
    for cell in notebook.cells:
        for level, text in headings_of([cell]):
            html = inline.render(f"{'#' * level} {text}")
            yield cell, level, *re.search(r'<h\d id="([^"]*)">(.*)</h\d>', html, re.DOTALL).groups()


def _to_heading(words: str | None) -> str:
    """The end of a link to a heading: a page's anchor of the words that a notebook's link names it by."""
    return f"#{anchor_of(unquote(words))}" if words else ""


def write_page(notebook: Any, path: Path, run: dict[str, Any] | None = None, header: str = "") -> None:
    """Write a notebook as one offline page.

    Args:
        notebook: an executed nbformat node.
        path: the HTML file.
        run: how its run went, kept in the page's head for the start page; the page then has its place in the course.
        header: HTML that stands above it, on the site.
    """
    text = _html(PageExporter(), notebook, {"in_course": bool(run is not None or header), "header": header})
    if run is not None:
        text = text.replace("</head>", f'<meta name="run" content="{escape(json.dumps(run))}">\n</head>', 1)
    _write(text, path)


def write_deck(notebook: Any, path: Path, *, short: bool = False) -> None:
    """Write a notebook's slides as one offline deck, or those of its 45-minute cut (see `slide_show`).

    Its headings have the anchors of the chapter's page. A link to a heading that is on no slide, or to another chapter,
    is plain text: a deck is handed out alone, and printed.
    """
    whole = for_a_room(notebook)
    for cell, _, anchor, _ in _headings(whole):
        cell.metadata["anchors"] = [*cell.metadata.get("anchors", ()), anchor]
    show = slide_show(whole, short=short)
    shown = {one for cell in show.cells if slide_mark(cell) not in UNSEEN for one in cell.metadata.get("anchors", ())}
    _write(_html(DeckExporter(), show, {"alone": shown}), path)


def for_a_room(notebook: Any) -> Any:
    """A copy that asks without the author's guesses, and answers without saying how these fared."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if "guess" in cell.metadata.get("tags", []):
            cell.source = empty_guesses(cell.source)
        elif cell.cell_type == "code" and "check(" in cell.source:
            cell.outputs = [new for output in cell.outputs for new in _told(output)]
    return notebook


def _told(output):
    answers = answers_in(output.text) if output.output_type == "stream" else []
    if not answers:
        return [output]
    lines = [f'<p class="told">Answer: <strong>{escape(answer)}</strong>. {escape(reason)}</p>' for answer, reason in answers]
    rest = without_answers(output.text)
    told = new_output("display_data", data={"text/html": "\n".join(lines)})
    return [told, new_output("stream", name=output.name, text=rest)] if rest else [told]


def _html(exporter: Any, notebook: Any, resources: dict[str, Any]) -> str:
    return exporter.from_notebook_node(notebook, resources)[0]


def _write(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
