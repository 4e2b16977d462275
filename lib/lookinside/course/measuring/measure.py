"""`make results`: execute chapters for the record, in the desk or paper profile.

    python -m lookinside.course.measuring.measure [--chapters 01,02] [--datasets phantoms] [--seeds 0,1,2] [--jobs 1]

A chapter states its trials in cells tagged `sweep` (`Results.sweep`). First so many processes as there are jobs execute
it up to the last of these cells, and share the trials between them; then one process executes it whole. Rows that are
recorded are not measured again, so a run that was cut off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lookinside.course.build.execution import execute_together
from lookinside.course.build.pairs import read_source
from lookinside.course.build.run import INTERRUPTED, run_chapters
from lookinside.course.places import chapter_sources, repository
from lookinside.course.provenance import cores
from lookinside.course.sweeps import TRIAL_FAILED, WORKER, SweepCount
from lookinside.errors import LookInsideError

THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every run went to its end, 1 where one failed, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="make results", description="Measure the recorded tables.")
    parser.add_argument("--chapters", default="", help="numbers with spaces or commas between; all without it")
    parser.add_argument("--datasets", default="phantoms", help="names with spaces or commas between")
    parser.add_argument("--seeds", default="0,1,2", help="numbers with spaces or commas between")
    parser.add_argument("--jobs", default="1", help="processes that measure at the same time, sharing the cores")
    options = parser.parse_args(arguments)
    try:
        profile = os.environ.get("COURSE_PROFILE", "").strip() or "desk"
        if profile == "quick":
            raise LookInsideError("Results are recorded in the desk or paper profile, not in quick: unset COURSE_PROFILE.")
        if not options.jobs.isdigit() or int(options.jobs) < 1:
            raise LookInsideError(f"JOBS={options.jobs} is not a number of processes: use 1, 2, 3, ...")
        sources = [path for name in _listed(options.chapters) or [""] for path in chapter_sources(name)]
        status = 0
        for dataset in _listed(options.datasets):
            print(f"data set {dataset}, seeds {options.seeds}", flush=True)
            environment = {"COURSE_PROFILE": profile, "COURSE_DATASET": dataset, "COURSE_SEEDS": options.seeds}
            environment["COURSE_SEED"] = ""  # what is shown has the first of the seeds
            now = measure_chapters(sources, repository() / "build" / "results", environment, int(options.jobs))
            if now == INTERRUPTED:
                return now
            status = max(status, now)
        return status
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1


def measure_chapters(sources: list[Path], pages: Path, environment: dict[str, str], jobs: int) -> int:
    """Work off the sweeps of chapters, then execute them whole. Returns the exit status.

    Args:
        sources: the chapters' py:percent sources.
        pages: folder for the pages of the whole runs.
        environment: variables for the kernels: profile, data set, seeds.
        jobs: processes that share the trials; each gets its part of the cores.
    """
    swept, status = [], 0
    for source in sources:
        try:
            fault = sweep_chapter(source, environment, jobs)
        except KeyboardInterrupt:
            return INTERRUPTED
        if fault:
            print(f"{source.stem}: {fault}", flush=True)
            status = 1
        else:
            swept.append(source)
    return max(status, run_chapters(swept, pages, environment)) if swept else status


def sweep_chapter(source: Path, environment: dict[str, str], jobs: int) -> str | None:
    """Measure the trials of one chapter's sweeps, with one bar over all; returns the first error in a line, or None.

    Raises KeyboardInterrupt where it was interrupted.
    """
    most = most_jobs()
    if jobs > most:
        print(f"JOBS={jobs} is more than cores and memory have room for: {most} at a time.", flush=True)
        jobs = most
    try:
        notebooks = [_up_to_the_last_sweep(source) for _ in range(jobs)]
    except LookInsideError as error:
        return str(error)
    if not notebooks[0].cells:
        return None
    environment = {**environment, WORKER: "1", "COURSE_QUIET": "1"}
    if jobs > 1:
        environment |= dict.fromkeys(THREADS, str(max(1, cores() // jobs)))
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


def most_jobs() -> int:
    """How many chapters can run at once: one a core, and 3 GB of free memory for each; one at least."""
    import psutil

    return max(1, min(cores(), psutil.virtual_memory().available // (3 * 1024**3)))


def _up_to_the_last_sweep(source: Path) -> Any:
    """A chapter's notebook up to its last cell tagged `sweep`; without such a cell it is empty."""
    notebook = read_source(source)
    swept = [number for number, cell in enumerate(notebook.cells, 1) if "sweep" in cell.metadata.get("tags", [])]
    notebook.cells = notebook.cells[: max(swept, default=0)]
    return notebook


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


if __name__ == "__main__":
    sys.exit(main())
