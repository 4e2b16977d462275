"""`make results`: execute chapters in the desk profile, for the recorded tables in chapters/results.

    python -m lookinside.course.results [CHAPTER]

The chapters write their tables themselves, row by row, and go on where an earlier run was cut off.
"""

from __future__ import annotations

import argparse
import os
import sys

from lookinside.course.places import chapter_sources, repository
from lookinside.course.run import run
from lookinside.errors import CourseError


def main(arguments: list[str] | None = None) -> int:
    """Returns run()'s exit status."""
    parser = argparse.ArgumentParser(prog="make results", description="Measure the recorded tables.")
    parser.add_argument("chapter", nargs="?", help="a number (01) or the start of a chapter's name; all without it")
    options = parser.parse_args(arguments)
    try:
        name = os.environ.get("COURSE_PROFILE", "").strip() or "desk"
        if name == "quick":
            raise CourseError("Results are recorded in the desk or paper profile, not in quick: unset COURSE_PROFILE.")
        sources = chapter_sources(options.chapter)
        return run(sources, repository() / "build" / "results", {"COURSE_PROFILE": name})
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
