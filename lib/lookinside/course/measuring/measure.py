"""`make results`: execute chapters for the record, in the desk or paper profile.

    python -m lookinside.course.measuring.measure [--chapters 01,02] [--datasets phantoms] [--seeds 0,1,2] [--jobs 1]
    ... --chapters 01 --list                    the trials of a chapter, numbered; of every chapter without a number
    ... --chapters 01 --trial 3                 measures one of them
    ... --chapters 01 --scheduler local:2       a Dask cluster works them off (or tcp://host:8786, or a scheduler.json)
    ... --merge FOLDER FILE                     takes over what other machines have recorded

A chapter states its trials by `Results.sweep`. First so many processes as there are jobs run what these sweeps need,
and share the trials between them; then one process executes the chapter whole. Rows that are recorded are not measured
again, so a run that was cut off goes on where it stopped. `--trial` and `--scheduler` record rows alone: pages and
figures come with the next run without them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lookinside.course.measuring.merging import merge
from lookinside.course.measuring.trial import list_trials, measure_trial
from lookinside.course.places import chapter_sources, repository
from lookinside.course.sweeps import in_words
from lookinside.errors import LookInsideError

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Returns 0 where every run went to its end, 1 where one failed, 130 after Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        if options.merge:
            return merge(options.merge)
        return _measure(options)
    except LookInsideError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make results", description="Measure the recorded tables.")
    parser.add_argument("--chapters", default="", help="numbers with spaces or commas between; all without it")
    parser.add_argument("--datasets", default="phantoms", help="names with spaces or commas between")
    parser.add_argument("--seeds", default="0,1,2", help="numbers with spaces or commas between")
    parser.add_argument("--jobs", default="1", help="processes that measure at the same time, sharing the cores")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--list", action="store_true", help="show the trials, numbered, and which are recorded")
    way.add_argument("--trial", metavar="N", help="measure the trial with this number of --list, and no other")
    way.add_argument("--scheduler", metavar="WHERE", help="a Dask scheduler: its address or file, or local:2")
    way.add_argument("--merge", nargs="+", metavar="PATH", help="take over the records of other machines")
    return parser


def _measure(options: argparse.Namespace) -> int:
    profile = os.environ.get("COURSE_PROFILE", "").strip() or "desk"
    if profile == "quick":
        raise LookInsideError("Results are recorded in the desk or paper profile, not in quick: unset COURSE_PROFILE.")
    if not options.jobs.isdigit() or int(options.jobs) < 1:
        raise LookInsideError(f"JOBS={options.jobs} is not a number of processes: use 1, 2, 3, ...")
    sources = [path for name in _listed(options.chapters) or [""] for path in chapter_sources(name)]
    datasets, status = _listed(options.datasets), 0
    if options.trial is not None and (len(sources) != 1 or len(datasets) != 1):
        raise LookInsideError("A trial is one of one chapter and one data set: give CHAPTER=01 TRIAL=3.")
    for dataset in datasets:
        environment = {"COURSE_PROFILE": profile, "COURSE_DATASET": dataset, "COURSE_SEEDS": options.seeds}
        environment["COURSE_SEED"] = ""  # what is shown has the first of the seeds
        if options.trial is None:
            print(f"data set {dataset}, seeds {options.seeds}", flush=True)
        now = _measure_set(sources, environment, options)
        if now == INTERRUPTED:
            return now
        status = max(status, now)
    return status


def _measure_set(sources: list[Path], environment: dict[str, str], options: argparse.Namespace) -> int:
    """What the options ask for on one data set."""
    if options.list:
        for source in sources:
            trials = list_trials(source, environment)
            print(f"{source.stem}: {sum(one.recorded for one in trials)} of {len(trials)} trials recorded")
            print(*trials, sep="\n", flush=True)
        return 0
    if options.trial is not None:
        if not options.trial.isdigit():
            raise LookInsideError(f"TRIAL={options.trial!r:.60} is no number of a trial: LIST=1 shows them.")
        key = measure_trial(sources[0], int(options.trial), environment)
        print(f"{sources[0].stem}, trial {options.trial} is recorded: {in_words(key)}")
        return 0
    if options.scheduler:
        from lookinside.course.measuring.cluster import sweep_on_cluster

        return sweep_on_cluster(options.scheduler, sources, environment)
    return measure_chapters(sources, repository() / "build" / "results", environment, int(options.jobs))


def measure_chapters(sources: list[Path], pages: Path, environment: dict[str, str], jobs: int) -> int:
    """Work off the sweeps of chapters, then execute them whole. Returns the exit status.

    Args:
        sources: the chapters' py:percent sources.
        pages: folder for the pages of the whole runs.
        environment: variables for the kernels: profile, data set, seeds.
        jobs: processes that share the trials; each gets its part of the cores.
    """
    from lookinside.course.build.run import run_chapters  # what makes pages takes seconds to import
    from lookinside.course.measuring.sharing import sweep_chapter

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


def _listed(text: str) -> list[str]:
    return text.replace(",", " ").split()


if __name__ == "__main__":
    sys.exit(main())
