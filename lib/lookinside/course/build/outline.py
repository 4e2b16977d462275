"""How a chapter is ordered: its headings and title, which cells stand on which slide, and the 45-minute cut."""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from typing import Any

from lookinside.errors import LookInsideError

CUT = "cut"  # the tag of a cell whose slide belongs to the short lecture
UNSEEN = ("notes", "skip")


def headings_of(cells: list[Any]) -> list[tuple[int, str]]:
    """(level, text) of all headings in a list of cells (nbformat nodes), in order."""
    found = []
    for cell in cells:
        if cell.cell_type == "markdown":
            source = re.sub(r"^```.*?^```", "", cell.source, flags=re.MULTILINE | re.DOTALL)
            found += [(len(marks), text) for marks, text in re.findall(r"^(#{1,6})\s+(.+?)\s*$", source, re.MULTILINE)]
    return found


def title_of(notebook: Any) -> str:
    """The first first-level heading, as plain text."""
    titles = [text for level, text in headings_of(notebook.cells) if level == 1]
    return plain(titles[0]) if titles else "Looking Inside"


def plain(markdown: str) -> str:
    """A heading without its marks; a formula in it keeps its letters, `$L_{patho}$` as L_patho."""
    parts = markdown.split("$")  # words and formulas in turn
    return "".join(re.sub(r"[{}\\]" if place % 2 else "[*_`]", "", part) for place, part in enumerate(parts))


@dataclass(frozen=True)
class Slide:
    """One slide of a notebook.

    Attributes:
        cells: (number from 1, cell); those that the audience does not see are among them.
        section: the number of the section, a stack of slides, that it belongs to.
        heading: the first heading on it, as plain text; empty where it has none.
        above: the last heading before it, under which a slide without a heading of its own goes on.
    """

    cells: list[tuple[int, Any]]
    section: int
    heading: str
    above: str

    @property
    def shown(self) -> list[tuple[int, Any]]:
        """What the audience sees."""
        return [(number, cell) for number, cell in self.cells if slide_mark(cell) not in UNSEEN]

    @property
    def notes(self) -> list[tuple[int, Any]]:
        """What the instructor sees beside it."""
        return [(number, cell) for number, cell in self.cells if slide_mark(cell) == "notes"]

    @property
    def in_cut(self) -> bool:
        """True where the slide belongs to the short lecture."""
        return CUT in self.shown[0][1].metadata.get("tags", [])


def slide_mark(cell: Any) -> str:
    """A cell's slide mark; a cell without one stands on the slide before it."""
    return cell.metadata.get("slideshow", {}).get("slide_type") or "-"


def slides_of(notebook: Any) -> list[Slide]:
    """All slides in order; each shows at least one cell. The first shown cell always starts one."""
    groups: list[list[tuple[int, Any]]] = [[]]
    started = False
    for number, cell in enumerate(notebook.cells, 1):
        if slide_mark(cell) in ("slide", "subslide") and started:
            groups.append([])
        groups[-1].append((number, cell))
        started = started or slide_mark(cell) not in UNSEEN
    slides, above, section = [], "", 0
    for group in groups if started else ():
        shown = [cell for _, cell in group if slide_mark(cell) not in UNSEEN]
        section += slide_mark(shown[0]) == "slide"
        own = [plain(text) for _, text in headings_of(shown)]
        slides.append(Slide(group, section, own[0] if own else "", above))
        above = own[-1] if own else above
    return slides


def has_cut(notebook: Any) -> bool:
    """True where a slide carries the tag `cut`."""
    return any(slide.in_cut for slide in slides_of(notebook))


def cut_of(slides: list[Slide]) -> list[tuple[int, Slide]]:
    """(number from 1, slide) of the short lecture's slides.

    The notes of a slide that is left out go to the slide that it goes on from, where that one is kept.
    """
    kept: list[tuple[int, Slide]] = []
    for number, slide in enumerate(slides, 1):
        if slide.in_cut:
            kept.append((number, replace(slide, cells=[*slide.cells])))
        elif kept and not slide.heading and slide.above == (kept[-1][1].heading or kept[-1][1].above):
            kept[-1][1].cells.extend(slide.notes)
    return kept


def slide_show(notebook: Any, *, short: bool = False) -> Any:
    """A copy of a notebook for the deck: a slide without a heading knows the one that it goes on under.

    Args:
        notebook: an nbformat node.
        short: only the slides whose first cell carries the tag `cut`, for 45 minutes.

    Raises LookInsideError where there is no such slide.
    """
    show = copy.deepcopy(notebook)
    slides = slides_of(show)
    for slide in slides:
        if not slide.heading and slide.above:
            slide.shown[0][1].metadata["goes_on_under"] = slide.above
    if short:
        slides = [slide for _, slide in cut_of(slides)]
        if not slides:
            raise LookInsideError("no cell carries the tag cut, so there is no 45-minute deck")
        begun: set[int] = set()
        for slide in slides:
            if slide.section not in begun:  # the slide that began the section may have been left out
                slide.shown[0][1].metadata["slideshow"] = {"slide_type": "slide"}
            begun.add(slide.section)
        show.cells = [cell for slide in slides for _, cell in slide.cells]
    return show
