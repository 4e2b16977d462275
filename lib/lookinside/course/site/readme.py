"""What the start page takes from README.md, so that the first sentences about the course are written once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from nbconvert.filters.markdown_mistune import MarkdownWithMath

from lookinside.course.build.export import Renderer
from lookinside.errors import LookInsideError

PICTURE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)\s+\*(.+?)\*\s*\n\n", re.DOTALL)


class Readme:
    """README.md's introduction, its table of chapters and its picture.

    Raises LookInsideError where it has no picture with a caption below.
    """

    def __init__(self, path: Path):
        self._text = path.read_text(encoding="utf-8")
        found = PICTURE.search(self._text)
        if found is None:
            raise LookInsideError(f"{path.name} has no picture with a caption in italics, which the start page shows.")
        self.picture_alt, self.picture = " ".join(found[1].split()), found[2]
        self.caption = _html(f"*{found[3]}*")

    @property
    def introduction(self) -> str:
        """Its first paragraph, as HTML."""
        return _html(self._text.split("\n\n")[1])

    def about(self, source: Path) -> str:
        """What the table of chapters says of one: paper, minutes, memory. Empty where it is not in the table."""
        row = re.search(rf"^\| *\[[^\]]*\]\(chapters/{source.stem}\.ipynb\) *\|(.*)\|$", self._text, re.MULTILINE)
        cells = [cell.strip() for cell in row[1].split("|")] if row else []
        if len(cells) < 3:
            return ""
        return f"{cells[0][:1].upper()}{cells[0][1:]}. {cells[1]} minutes on two cores, {cells[2]} of memory."


def _html(markdown: str) -> str:
    return MarkdownWithMath(renderer=Renderer(Counter())).render(markdown)
