"""The sweeps of a chapter, worked off by several processes of one machine under one bar."""

from __future__ import annotations

import sys
from pathlib import Path

from tqdm import tqdm

from lookinside.course.build.execution import execute_together, most_at_once
from lookinside.course.measuring.needed_code import sweep_code
from lookinside.course.provenance import cores
from lookinside.course.sweeps import TRIAL_FAILED, WORKER, SweepCount
from lookinside.errors import LookInsideError

THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def sweep_chapter(source: Path, environment: dict[str, str], jobs: int) -> str | None:
    """Measure the trials of one chapter's sweeps, with one bar over all; returns the first error in a line, or None.

    Raises KeyboardInterrupt where it was interrupted.
    """
    jobs = most_at_once(jobs)
    try:
        notebooks = [sweep_code(source) for _ in range(jobs)]
    except LookInsideError as error:
        return str(error)
    if not notebooks[0].cells:
        return None
    environment = {**environment, WORKER: "1", "COURSE_QUIET": "1"} | threads_each(jobs)
    count = SweepCount()
    patience = 0.2 if sys.stderr.isatty() else 30
    with tqdm(desc=source.stem, unit="trial", mininterval=patience, dynamic_ncols=True) as bar:

        def show(text: str) -> None:
            count.read(text)
            for line in text.splitlines():
                if TRIAL_FAILED in line:
                    bar.write(line, file=sys.stderr)
            if bar.total is None and count.total:
                bar.initial = count.done  # what an earlier run has measured says nothing about the time that is left
            bar.total = count.total or None
            bar.update(count.done - bar.n)

        executions = execute_together(notebooks, source.parent, environment=environment, on_error_text=show)
    if any(execution.interrupted for execution in executions):
        raise KeyboardInterrupt
    return next((execution.error for execution in executions if execution.error), None)


def threads_each(jobs: int) -> dict[str, str]:
    """Variables that give each of several processes its part of the cores; none for a single one."""
    return dict.fromkeys(THREADS, str(max(1, cores() // jobs))) if jobs > 1 else {}
