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
        paper, minutes, memory, *_ = self._row(source) or ("", "", "")
        return f"{paper[:1].upper()}{paper[1:]}. {minutes} minutes on two cores, {memory} of memory." if paper else ""

    def gigabytes(self, source: Path) -> float | None:
        """The memory that a chapter needs; None where the table does not say it."""
        found = re.match(r"([\d.]+) GB", (self._row(source) or ("", "", ""))[2])
        return float(found[1]) if found else None

    def _row(self, source: Path) -> list[str] | None:
        found = re.search(rf"^\| *\[[^\]]*\]\(chapters/{source.stem}\.ipynb\) *\|(.*)\|$", self._text, re.MULTILINE)
        cells = [cell.strip() for cell in found[1].split("|")] if found else []
        return cells if len(cells) >= 3 else None


def _html(markdown: str) -> str:
    return MarkdownWithMath(renderer=Renderer(Counter())).render(markdown)
