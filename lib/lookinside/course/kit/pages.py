"""The kit's pages: lecture plan and answers of each chapter, the syllabus, the start page."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbconvert.filters.markdown_mistune import MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from lookinside.course.build.export import CODE_COLOURS, TEMPLATES, Renderer


def write_kit_page(template: str, path: Path, title: str, **values: Any) -> None:
    """Write one page that needs nothing else.

    Args:
        template: its name in templates/kit.
        path: the HTML file, in the kit's folder or in one below it.
        title: of the page.
        values: what the template shows.
    """
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    templates.filters |= {"markdown": markdown, "line": line, "python": python, "minutes": in_minutes}
    style = HtmlFormatter(style=CODE_COLOURS).get_style_defs(".highlight")
    style += "".join((TEMPLATES / name).read_text(encoding="utf-8") for name in ("shared/base.css", "kit/kit.css"))
    script = (TEMPLATES / "page/page.js").read_text(encoding="utf-8")
    text = templates.get_template(f"kit/{template}.html.j2").render(title=title, style=style, script=script, **values)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def markdown(text: str) -> Markup:
    """Markdown as HTML, formulas as MathML; a link into a chapter, which the kit has no page of, is plain text."""
    return Markup(MarkdownWithMath(renderer=Renderer(Counter(), alone=())).render(text))


def line(text: str) -> Markup:
    """Markdown of one paragraph as HTML without a paragraph around it."""
    return Markup(str(markdown(" ".join(text.split()))).strip().removeprefix("<p>").removesuffix("</p>"))


def python(code: str) -> Markup:
    """Code with colours."""
    return Markup(f'<div class="code">{highlight(code, PythonLexer(), HtmlFormatter())}</div>') if code else Markup("")


def in_minutes(time: float) -> str:
    """Half minutes as a clock shows them: 2.5 as 2:30."""
    return escape(f"{int(time)}:{30 if time % 1 else 0:02d}")
