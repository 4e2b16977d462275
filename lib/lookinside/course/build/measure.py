"""`make results`: execute chapters for the record, in the desk or paper profile.

    python -m lookinside.course.build.measure [--chapters 01,02] [--datasets phantoms,unifesp] [--seeds 0,1,2]

The chapters write chapters/results themselves, row by row, and go on where an earlier run was cut off.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from pathlib import Path

from lookinside.course.places import chapter_sources, repository
from lookinside.course.build.run import INTERRUPTED, run_chapters
from lookinside.errors import LookInsideError


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every run went to its end, 1 where one failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make results", description="Measure the recorded tables.")
    parser.add_argument("--chapters", default="", help="numbers with spaces or commas between; all without it")
    parser.add_argument("--datasets", default="phantoms", help="names with spaces or commas between")
    parser.add_argument("--seeds", default="0,1,2", help="numbers with spaces or commas between")
    options = parser.parse_args(arguments)
    try:
        profile = os.environ.get("COURSE_PROFILE", "").strip() or "desk"
        if profile == "quick":
            raise LookInsideError("Results are recorded in the desk or paper profile, not in quick: unset COURSE_PROFILE.")
        sources = [path for name in _listed(options.chapters) or [""] for path in chapter_sources(name)]
        status = 0
        for dataset, seed in itertools.product(_listed(options.datasets), _listed(options.seeds)):
            print(f"data set {dataset}, seed {seed}", flush=True)
            environment = {"COURSE_PROFILE": profile, "COURSE_DATASET": dataset, "COURSE_SEED": seed}
            now = run_chapters(sources, repository() / "build" / "results" / f"{Path(dataset).name}_{seed}", environment)
            if now == INTERRUPTED:
                return now
            status = max(status, now)
        return status
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


if __name__ == "__main__":
    sys.exit(main())
