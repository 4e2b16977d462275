"""`make grade FOLDER=...`: execute students' notebooks one by one and write a table, as CSV and HTML.

    python -m lookinside.course.grading.grade FOLDER [--minutes 10] [--gigabytes 4] [--out build/grades]

Each notebook is executed as a copy, in a folder of its own that is deleted, within the limits: a broken one costs its
own line only. It runs as you, on your computer: give it no notebook that you would not open. What was graded already is
not executed again, until notebook or chapter change; what a limit stopped is tried again under a larger one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from lookinside.course.build.execution import Limits
from lookinside.course.build.pairs import fresh_notebook, source_hash
from lookinside.course.grading.marks import Marks, marks_of
from lookinside.course.grading.table import in_words, write_csv, write_html
from lookinside.course.places import chapter_sources, repository
from lookinside.errors import LookInsideError


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where a table was written, 1 after one line that says what is wrong, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make grade", description="A table of students' notebooks.")
    parser.add_argument("folder", nargs="?", default="", help="with the notebooks, in folders of their own or not")
    parser.add_argument("--minutes", type=float, default=10, help="for one notebook")
    parser.add_argument("--gigabytes", type=float, default=4, help="of memory for one notebook")
    parser.add_argument("--out", default="", help="folder of the table; build/grades without it")
    options = parser.parse_args(arguments)
    try:
        folder = Path(options.folder)
        if not options.folder or not folder.is_dir():
            raise LookInsideError(f"FOLDER={options.folder}: give the folder that holds the students' notebooks.")
        if not options.minutes > 0 or not options.gigabytes > 0:
            raise LookInsideError("MINUTES and GIGABYTES are limits for one notebook: give numbers above 0.")
        out = Path(options.out) if options.out else repository() / "build" / "grades"
        limits = Limits(options.minutes * 60, int(options.gigabytes * 1e9))
        marks = grade_folder(folder, out, limits)
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: what was graded is kept; say it again to go on.", file=sys.stderr)
        return 130
    print(in_words(marks))
    print(f"\nTable: {out / 'grades.html'}, {out / 'grades.csv'}")
    return 0


def grade_folder(folder: Path, out: Path, limits: Limits, chapters: list[Path] | None = None) -> list[Marks]:
    """Grade every notebook of a folder and write grades.csv and grades.html. Returns the lines in the files' order.

    Args:
        folder: with the notebooks, at any depth.
        out: folder of the table, and of what is kept of each notebook.
        limits: of one notebook.
        chapters: the sources that they may be copies of; all chapters without them.

    Raises:
        LookInsideError: for a folder without a notebook, or an `out` that cannot be written.
    """
    paths = sorted(
        path
        for path in folder.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts and out.resolve() not in path.resolve().parents
    )
    if not paths:
        raise LookInsideError(f"{folder} holds no notebook: give the folder with the students' .ipynb files.")
    sources = {source.stem: source for source in chapters or chapter_sources()}
    notebooks = {stem: fresh_notebook(source) for stem, source in sources.items()}
    state = json.dumps(sorted((stem, source_hash(one)) for stem, one in sources.items()))
    try:
        (out / "done").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LookInsideError(f"{out} cannot be written ({error.strerror}): give another --out.") from None
    marks = []
    with tqdm(total=len(paths), desc="grading", unit="notebook", disable=not sys.stderr.isatty()) as bar:
        for path in paths:
            name = path.relative_to(folder).as_posix()
            bar.set_postfix_str(name[-40:])
            marks.append(_kept(path, name, notebooks, limits, out / "done", state))
            write_csv(marks, out / "grades.csv")
            write_html(marks, out / "grades.html")
            bar.update()
    return marks


def _kept(path, name, chapters, limits, done, state):
    """The marks of a notebook: those of an earlier run, where nothing has changed and no limit grew that stopped it."""
    try:
        key = hashlib.sha256(path.read_bytes() + state.encode()).hexdigest()[:24]
    except OSError:
        return marks_of(path, name, chapters, limits)  # which says that it cannot be read
    file = done / f"{key}.json"
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        before, earlier = Limits(**kept["limits"]), kept["marks"]
        marks = Marks(**{**earlier, "file": name, "failed": tuple(earlier["failed"])})
        if not marks.over or getattr(limits, marks.over) <= getattr(before, marks.over):
            return marks
    except (OSError, ValueError, TypeError, KeyError):
        pass  # not graded yet, or the file is broken
    found = marks_of(path, name, chapters, limits)
    half = file.with_suffix(".part")
    half.write_text(json.dumps({"limits": asdict(limits), "marks": asdict(found)}), encoding="utf-8")
    half.replace(file)
    return found


if __name__ == "__main__":
    sys.exit(main())
