"""What every chapter keeps to: `python -m lookinside.course.build.rules` lists what does not.

Each rule is a function of a Chapter that yields one line a fault; `faults(source)` runs them all.
"""

from __future__ import annotations

import ast
import contextlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lookinside.course.build.export import alt_texts, figures_of
from lookinside.course.build.outline import CUT, headings_of, slides_of
from lookinside.course.build.pairs import STORED, kept_metadata, outputs_hash, read_source, read_stored, source_hash
from lookinside.course.places import chapter_sources, repository
from lookinside.course.recording import recorded_result
from lookinside.course.warned import WANTED, warnings_of_cell
from lookinside.errors import LookInsideError

MOST_BYTES = 1_000_000
MOST_LINES = 30
SHORTEST_ALT = 20
MOST_LINES_ON_A_SLIDE = 12
MOST_SLIDES_OF_A_CUT = 35
SLIDE_TYPES = {"slide", "subslide", "fragment", "-", "skip", "notes"}
TAGS = {"guess", "solution", "sweep", "hide-input", "nbval-check-output", WANTED, CUT}


@dataclass(frozen=True)
class Chapter:
    """A source, its cells, and the notebook stored beside it."""

    path: Path
    source: Any
    stored: Any

    def code(self) -> Iterator[tuple[int, Any]]:
        """(number from 1, cell) of the source's code cells."""
        return ((number, cell) for number, cell in enumerate(self.source.cells, 1) if cell.cell_type == "code")


def faults(path: Path) -> list[str]:
    """All that is wrong with a chapter, one line each; an empty list for a chapter that keeps the rules."""
    try:
        chapter = Chapter(path, read_source(path), read_stored(path))
    except LookInsideError as error:
        return [str(error)]
    found = list(is_as_made(chapter))
    # What is stored is judged only where it is what `make notebooks` has stored: else the one line above is the mend.
    rules = SOURCE_RULES if found else SOURCE_RULES + STORED_RULES
    found += [fault for rule in rules for fault in rule(chapter)]
    return [f"{path.stem}: {fault}" for fault in found]


def is_as_made(chapter: Chapter) -> Iterator[str]:
    """The stored notebook is what `make notebooks` made of this source, in quick, on phantoms, and not saved since."""
    name, noted = chapter.path.stem, chapter.stored.metadata.get("lookinside", {})
    mend = f"run `make notebooks CHAPTER={name[:2]}`"
    if not noted:
        yield f"{name}.ipynb was not written by `make notebooks`; {mend}"
    elif noted.get("source_sha256") != source_hash(chapter.path):
        how = "it was edited, or the notebook was changed in JupyterLab, which saves both files"
        yield f"{name}.py has changed since `make notebooks`: {how}; {mend}"
    elif changed := _changed_cells(chapter):
        yield f"{name}.ipynb was changed by hand ({changed}); put the change into {name}.py, then {mend}"
    elif noted.get("outputs_sha256") != outputs_hash(chapter.stored):
        yield f"{name}.ipynb was saved by hand after `make notebooks`: its outputs differ; {mend}"
    elif not _ran_in_order(chapter.stored):
        yield f"{name}.ipynb was saved by hand after `make notebooks`: cells were run again, out of order; {mend}"
    for key, wanted in STORED.items() if noted else ():
        if noted.get(key) != wanted:
            yield f"{name}.ipynb was stored with {key} {noted.get(key)!r} instead of {wanted!r}; {mend}"


def _changed_cells(chapter: Chapter) -> str:
    """What differs between the two files of the pair, in words."""
    ours, theirs = chapter.source.cells, chapter.stored.cells
    if len(ours) != len(theirs):
        return f"it has {len(theirs)} cells, the .py has {len(ours)}"
    differ = [
        str(number)
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True), 1)
        if (one.cell_type, one.source, one.metadata) != (other.cell_type, other.source, kept_metadata(other))
    ]
    return f"cell{'s' * (len(differ) > 1)} {', '.join(differ)}" if differ else ""


def _ran_in_order(stored: Any) -> bool:
    cells = [cell for cell in stored.cells if cell.cell_type == "code" and cell.source.strip()]
    return [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


def is_small(chapter: Chapter) -> Iterator[str]:
    """Under 1 MB, so that it shows where repositories are read."""
    size = chapter.path.with_suffix(".ipynb").stat().st_size
    if size >= MOST_BYTES:
        yield f"the notebook has {size} bytes; show fewer or smaller figures"


def was_executed(chapter: Chapter) -> Iterator[str]:
    """Every code cell ran without an error and with nothing on the error stream."""
    for number, cell in enumerate(chapter.stored.cells, 1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                yield f"cell {number} has stored an error ({output.ename})"
            if output.output_type == "stream" and output.name == "stderr":
                yield f"cell {number} has stored its error stream"
            text = str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", ""))
            if str(repository()) in text or str(Path.home()) + "/" in text:
                yield f"cell {number} has stored a path of this computer; print a path relative to the repository"
    if recorded_result(chapter.stored) is None:
        yield "no main result; call record_result() in one of the last cells"


def warnings_are_wanted(chapter: Chapter) -> Iterator[str]:
    """A stored notebook shows a warning only where its cell is about it."""
    for number, cell in enumerate(chapter.stored.cells, 1):
        found = warnings_of_cell(cell)
        if found and WANTED not in cell.metadata.get("tags", []):
            yield f"cell {number} has stored a warning ({found[0]}); mend its cause, or tag the cell warns if it teaches it"


def cells_are_short(chapter: Chapter) -> Iterator[str]:
    """No code cell over 30 lines."""
    for number, cell in chapter.code():
        lines = len(cell.source.splitlines())
        if lines > MOST_LINES:
            yield f"cell {number} has {lines} lines of code; move some into the library, {MOST_LINES} is the most"


def cells_are_marked(chapter: Chapter) -> Iterator[str]:
    """Every cell has a slide mark and only known tags."""
    for number, cell in enumerate(chapter.source.cells, 1):
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        if kind not in SLIDE_TYPES:
            marks = ", ".join(sorted(SLIDE_TYPES))
            yield f'cell {number} has slide mark {kind!r}; write slideshow={{"slide_type": "..."}} with one of {marks}'
        if kind == "notes" and cell.cell_type != "markdown":
            yield f"cell {number} is code in a speaker's note; notes are markdown"
        for tag in set(cell.metadata.get("tags", [])) - TAGS:
            yield f"cell {number} has the unknown tag {tag!r}; known are {sorted(TAGS)}"


def slides_show_little_code(chapter: Chapter) -> Iterator[str]:
    """Code on a slide is the lesson, and an audience reads twelve lines of it."""
    for slide in slides_of(chapter.source):
        for number, cell in slide.shown:
            lines = len(cell.source.splitlines())
            hidden = cell.cell_type != "code" or "hide-input" in cell.metadata.get("tags", [])
            if lines > MOST_LINES_ON_A_SLIDE and not hidden:
                most = f"{MOST_LINES_ON_A_SLIDE} is the most"
                yield f"cell {number} shows {lines} lines of code on a slide, {most}; tag it hide-input or mark it skip"


def figures_stand_under_a_heading(chapter: Chapter) -> Iterator[str]:
    """A figure is on the slide of a heading, which says what it shows."""
    for slide in slides_of(chapter.stored):
        for number, cell in slide.shown:
            if figures_of(cell) and not slide.heading:
                yield f'cell {number} has a figure on a slide without a heading; mark it "-" to put it on the slide before'


def cut_is_short(chapter: Chapter) -> Iterator[str]:
    """The tag `cut` stands where a slide begins, and 45 minutes are enough for the slides that carry it."""
    slides = slides_of(chapter.source)
    begins = {slide.shown[0][0] for slide in slides}
    for number, cell in enumerate(chapter.source.cells, 1):
        if CUT in cell.metadata.get("tags", []) and number not in begins:
            yield f"cell {number} is tagged {CUT} and begins no slide; tag the cell that begins it"
    count = sum(slide.in_cut for slide in slides)
    if count > MOST_SLIDES_OF_A_CUT:
        yield f"{count} slides are tagged {CUT}; {MOST_SLIDES_OF_A_CUT} is the most for 45 minutes"


def figures_have_alt(chapter: Chapter) -> Iterator[str]:
    """As many alt texts as figures, each a sentence of its own."""
    seen: dict[str, int] = {}
    for number, cell in enumerate(chapter.stored.cells, 1):
        texts, figures = alt_texts(cell), figures_of(cell)
        if len(texts) != len(figures):
            counts = f"{len(figures)} figures and {len(texts)} alt texts"
            yield f'cell {number} has {counts}; write alt="..." or alt=["...", "..."]'
        for text in texts:
            if len(text) < SHORTEST_ALT or "No description has been provided" in text:
                yield f"cell {number} has the alt text {text!r}; say what one sees"
            if text in seen:
                yield f"cell {number} repeats the alt text of cell {seen[text]}"
            seen[text] = number
        if cell.cell_type == "markdown" and (cell.get("attachments") or re.search(r"!\[|<img", cell.source)):
            yield f"cell {number} has a picture in its text; make it in a code cell"


def guesses_are_tagged(chapter: Chapter) -> Iterator[str]:
    """`my_guess = ...` stands in a cell tagged `guess`, where the student's copy empties it."""
    for number, cell in chapter.code():
        try:
            tree = ast.parse(_without_magics(cell.source))
        except SyntaxError as error:
            yield f"cell {number} is no Python: {error.msg}"
            continue
        targets = [target for node in ast.walk(tree) if isinstance(node, ast.Assign) for target in node.targets]
        guesses = any(map(_is_guess, targets))
        if guesses != ("guess" in cell.metadata.get("tags", [])):
            yield f"cell {number} must both set my_guess and carry the tag guess, or neither"


def guesses_are_only_checked(chapter: Chapter) -> Iterator[str]:
    """A guess goes into check() and nowhere else: the student's copy has `...` there."""
    for number, cell in chapter.code():
        with contextlib.suppress(SyntaxError):  # guesses_are_tagged says so
            tree = ast.parse(_without_magics(cell.source))
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node.func) == "check"]
            allowed = {argument for call in calls for argument in call.args}
            for node in ast.walk(tree):
                if _is_guess(node) and isinstance(node.ctx, ast.Load) and node not in allowed:
                    yield f"cell {number} uses {node.id} outside of check(), where a student has no guess yet"


def answers_start_a_slide(chapter: Chapter) -> Iterator[str]:
    """check() shows the answer: on a slide after that of the question, or on none."""
    asked = False  # whether the slide so far holds a guess
    for number, cell in enumerate(chapter.source.cells, 1):
        kind = cell.metadata.get("slideshow", {}).get("slide_type")
        asked = (asked and kind not in ("slide", "subslide")) or "guess" in cell.metadata.get("tags", [])
        answers = cell.cell_type == "code" and re.search(r"^check\(", cell.source, flags=re.MULTILINE)
        if answers and asked and kind != "skip":
            yield f"cell {number} shows the answer beside its question; mark it subslide"


def _without_magics(code: str) -> str:
    return re.sub(r"^\s*[%!].*$", "", code, flags=re.MULTILINE)


def _is_guess(node: ast.AST) -> bool:
    return _name(node).startswith("my_guess")


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def has_one_title(chapter: Chapter) -> Iterator[str]:
    """The first cell has the only first-level heading."""
    titles = [text for level, text in headings_of(chapter.source.cells) if level == 1]
    if len(titles) != 1 or not chapter.source.cells[0].source.lstrip().startswith("# "):
        yield f"{len(titles)} first-level headings; the first cell has the only one"


SOURCE_RULES = (
    cells_are_short,
    cells_are_marked,
    slides_show_little_code,
    cut_is_short,
    guesses_are_tagged,
    guesses_are_only_checked,
    answers_start_a_slide,
    has_one_title,
)
STORED_RULES = (
    is_small,
    was_executed,
    warnings_are_wanted,
    figures_stand_under_a_heading,
    figures_have_alt,
)

def main() -> int:
    """Print all faults of all chapters; returns 1 where there are any."""
    found = [fault for source in chapter_sources() for fault in faults(source)]
    print("\n".join(found) if found else "All chapters keep the rules.")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
