"""`make slides`: one deck a chapter in build/slides, made from the stored notebooks; each file opens with no network.

python -m lookinside.course.build.slides [CHAPTER]
"""

from __future__ import annotations

import argparse
import sys

from lookinside.course.build.export import write_deck
from lookinside.course.build.pairs import read_stored, source_hash
from lookinside.course.places import chapter_sources, repository
from lookinside.errors import LookInsideError


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, or 1 after one line for each chapter that is not ready."""
    parser = argparse.ArgumentParser(prog="make slides", description="Write the slides.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    folder, failed, written = repository() / "build" / "slides", 0, 0
    try:
        for source in chapter_sources(options.chapter):
            try:
                notebook = read_stored(source)
                if notebook.metadata.get("lookinside", {}).get("source_sha256") != source_hash(source):
                    raise LookInsideError(f"{source.stem}.ipynb is older than its source: run `make notebooks` first.")
                write_deck(notebook, folder / f"{source.stem}.html")
                written += 1
            except LookInsideError as error:
                print(error, file=sys.stderr)
                failed = 1
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{written} decks in build/slides")
    return failed


if __name__ == "__main__":
    sys.exit(main())
