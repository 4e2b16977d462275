"""`make kit`: all that an instructor needs, in build/kit, a folder that works without a network.

    python -m lookinside.course.kit.kit [CHAPTER]

A lecture plan, answers, decks, handouts (where there is a browser to print them) and the student's copy of each
chapter, a syllabus, and index.html, which links all of them. Made from the stored notebooks; nothing is executed.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from lookinside.course.build.browser import NONE, find_browser, print_deck
from lookinside.course.build.export import write_deck
from lookinside.course.build.outline import title_of
from lookinside.course.build.pairs import fresh_notebook, read_current
from lookinside.course.build.student import build as build_student
from lookinside.course.build.words import with_words
from lookinside.course.kit.facts import facts_of
from lookinside.course.kit.lectures import MINUTES, lecture_of
from lookinside.course.kit.model_answers import model_copy
from lookinside.course.kit.pages import write_kit_page
from lookinside.course.kit.questions import exercises_of, predictions_of
from lookinside.course.places import chapter_sources, repository
from lookinside.errors import LookInsideError

CUT = f"-{MINUTES}min"
# What the kit holds of a chapter: where, and what it is.
PIECES = {
    "plans/{}.html": "lecture plan",
    f"slides/{{}}{CUT}.html": f"slides for {MINUTES} minutes",
    "slides/{}.html": "all slides",
    f"handouts/{{}}{CUT}.pdf": f"handout for {MINUTES} minutes",
    "handouts/{}.pdf": "handout of all slides",
    "handouts/{}-notes.pdf": "slides with your notes",
    "students/{}.ipynb": "student's notebook",
    "answers/{}.html": "answers and marking",
    "answers/{}.ipynb": "notebook with all answers",
}


@dataclass(frozen=True)
class Piece:
    """A file of the kit.

    Attributes:
        path: from the kit's folder.
        title: what it is.
        chapter: the name of the chapter's source; empty for what belongs to all.
    """

    path: str
    title: str
    chapter: str


def pieces_of(folder: Path, sources: list[Path] | None = None) -> list[Piece]:
    """What a kit's folder holds, in the order to read it."""
    found = [Piece("index.html", "the instructor's kit", ""), Piece("syllabus.html", "syllabus", "")]
    for source in sources or chapter_sources():
        found += [Piece(path.format(source.stem), title, source.stem) for path, title in PIECES.items()]
    return [one for one in found if (folder / one.path).is_file()]


def make_kit(folder: Path, wanted: list[Path], sources: list[Path] | None = None) -> list[Piece]:
    """Write the kit of some chapters, and the pages that belong to all of them. Returns what the folder then holds.

    Args:
        folder: build/kit.
        wanted: the sources of the chapters to write.
        sources: all chapters in order.

    Raises:
        LookInsideError: where a notebook is missing or older than its source, or the browser fails.
    """
    sources = sources or chapter_sources()
    with tqdm(total=len(wanted), desc="kit", unit="chapter", disable=not sys.stderr.isatty()) as bar:
        for source in wanted:
            bar.set_postfix_str(source.stem)
            write_chapter(source, folder)
            bar.update()
    chapters = [_about(source) for source in sources]
    write_kit_page("syllabus", folder / "syllabus.html", "Looking Inside: syllabus", chapters=chapters)
    held = pieces_of(folder, sources)
    by_chapter = [(one, [piece for piece in held if piece.chapter == one["stem"]]) for one in chapters]
    title = "Looking Inside: the instructor's kit"
    write_kit_page("index", folder / "index.html", title, chapters=by_chapter, printed=bool(find_browser()))
    return pieces_of(folder, sources)


def _about(source: Path) -> dict[str, Any]:
    """What syllabus and start page say of a chapter."""
    notebook = read_current(source)
    counts = {"predictions": len(predictions_of(notebook)), "exercises": len(exercises_of(notebook))}
    return {"stem": source.stem, "facts": facts_of(source.stem, notebook), "lecture": lecture_of(notebook), **counts}


def write_chapter(source: Path, folder: Path) -> None:
    """Write all pieces of one chapter. Raises LookInsideError."""
    notebook = read_current(source)
    stem, title = source.stem, title_of(notebook)
    lecture = lecture_of(notebook)
    predictions, exercises = predictions_of(notebook), exercises_of(notebook)
    shared = {"stem": stem, "chapter": title, "lecture": lecture, "exercises": exercises, "predictions": predictions}
    write_kit_page("plan", folder / f"plans/{stem}.html", f"Lecture plan. {title}", **shared)
    write_kit_page("answers", folder / f"answers/{stem}.html", f"Answers. {title}", **shared)
    model = model_copy(fresh_notebook(source), {one.name: one.filled for one in predictions})
    model = nbformat.writes(with_words(model, source))
    (folder / f"answers/{stem}.ipynb").write_text(f"{model}\n", encoding="utf-8")
    build_student(source, folder / "students")
    deck = folder / f"slides/{stem}.html"
    lecture_deck = deck.with_name(f"{stem}{CUT}.html") if lecture.short else deck
    write_deck(notebook, deck)
    if lecture.short:
        write_deck(notebook, lecture_deck, short=True)
    if find_browser():
        (folder / "handouts").mkdir(exist_ok=True)
        for one in sorted({deck, lecture_deck}):
            print_deck(one, folder / f"handouts/{one.stem}.pdf", "handout")
        print_deck(lecture_deck, folder / f"handouts/{stem}-notes.pdf", "notes")


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one line that says what is wrong."""
    parser = argparse.ArgumentParser(prog="make kit", description="Write the instructor's kit.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    folder = repository() / "build" / "kit"
    try:
        held = make_kit(folder, chapter_sources(options.chapter))
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    if not find_browser():
        print(f"No handouts to print, there is {NONE}; then say it again.", file=sys.stderr)
    print(f"{len(held)} files in build/kit; begin at build/kit/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
