"""`make notebooks`: write and execute chapters/*.ipynb from their sources, always quick and on phantoms.

python -m lookinside.course.build.notebooks [CHAPTER]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from lookinside.course.build.execution import execute
from lookinside.course.build.pairs import STORED, fresh_notebook, store
from lookinside.course.places import chapter_sources
from lookinside.course.build.rules import MOST_BYTES, faults
from lookinside.errors import LookInsideError

ENVIRONMENT = {
    "COURSE_PROFILE": STORED["profile"],
    "COURSE_DATASET": STORED["dataset"],
    "COURSE_QUIET": "1",
    "COURSE_SEED": "0",
}


def make_notebook(source: Path) -> str:
    """Execute a source and store the pair; returns one line to print. Raises LookInsideError; then nothing is written."""
    notebook = fresh_notebook(source)
    count = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tqdm(total=count, desc=source.stem, unit=" cells", leave=False, disable=not sys.stderr.isatty()) as bar:
        execution = execute(notebook, source.parent, environment=ENVIRONMENT, on_cell=bar.update)
    if execution.interrupted:
        raise KeyboardInterrupt
    if execution.error:
        raise LookInsideError(f"{source.name} failed at {execution.error}")
    size = store(notebook, source).stat().st_size
    if size >= MOST_BYTES:
        raise LookInsideError(
            f"{source.stem}.ipynb has {size / 1e6:.2f} MB: show fewer or smaller figures, 1 MB is the most."
        )
    memory = f"{execution.peak_bytes / 1e9:.1f} GB"
    lines = [f"{source.stem}: {execution.seconds:.0f} s, {memory}, {size / 1e3:.0f} kB", *faults(source)]
    return "\n  ".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every chapter was stored, 1 where one failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make notebooks", description="Execute the chapters and store them.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    failed = 0
    try:
        for source in chapter_sources(options.chapter):
            try:
                print(make_notebook(source), flush=True)
            except LookInsideError as error:
                print(error, file=sys.stderr)
                failed = 1
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the notebook at work keeps its old outputs.", file=sys.stderr)
        return 130
    return failed


if __name__ == "__main__":
    sys.exit(main())
