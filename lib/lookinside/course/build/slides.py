"""`make slides`: one deck a chapter in build/slides, made from the stored notebooks; each file opens with no network.

    python -m lookinside.course.build.slides [CHAPTER] [--cut 45] [--pdf]

With --cut 45 a deck holds the slides that are tagged `cut`, for 45 minutes; with --pdf each deck is printed as well.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lookinside.course.build.browser import print_deck
from lookinside.course.build.export import write_deck
from lookinside.course.build.outline import has_cut
from lookinside.course.build.pairs import read_current
from lookinside.course.build.start_page import renew_start_page
from lookinside.course.places import chapter_sources, repository
from lookinside.errors import LookInsideError


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one line for each chapter that is not ready."""
    parser = argparse.ArgumentParser(prog="make slides", description="Write the slides.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    parser.add_argument("--cut", choices=["45"], help="the minutes of a shorter lecture")
    parser.add_argument("--pdf", action="store_true", help="print each deck as well, a slide a page")
    options = parser.parse_args(arguments)
    failed, written = 0, []
    try:
        folder = repository() / "build" / "slides"
        for source in chapter_sources(options.chapter):
            try:
                notebook = read_current(source)
                if options.cut and not has_cut(notebook):
                    print(f"{source.stem}: no cell is tagged cut, so it has no deck of {options.cut} minutes")
                    continue
                written.append(folder / f"{source.stem}{f'-{options.cut}min' if options.cut else ''}.html")
                write_deck(notebook, written[-1], short=bool(options.cut))
                if options.pdf:
                    print_deck(written[-1], written[-1].with_suffix(".pdf"))
            except LookInsideError as error:
                print(error, file=sys.stderr)
                failed = 1
        renew_start_page()
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(written)} deck{'s' * (len(written) != 1)} in build/slides")
    return failed


if __name__ == "__main__":
    sys.exit(main())
