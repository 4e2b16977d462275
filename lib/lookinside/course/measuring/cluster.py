"""The trials of chapters worked off by a Dask cluster: each by a command of its own on one of the workers."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from lookinside.course.build.pairs import source_hash
from lookinside.course.measuring.sharing import threads_each
from lookinside.course.measuring.trial import Trial, list_trials, rows_by_key
from lookinside.course.places import chapter_sources
from lookinside.course.results import Results
from lookinside.course.sweeps import TRIAL_FAILED, in_words, key_text
from lookinside.errors import LookInsideError

RETRIES = 2  # of a trial that fails; one whose worker is lost is given to another worker besides


def sweep_on_cluster(where: str, sources: list[Path], environment: dict[str, str]) -> int:
    """Measure what is not recorded of the chapters' trials; returns 0, or 1 where a trial failed.

    Each worker needs a clone of the same version. What it measures is recorded in its own clone and here, once where
    both lie on one file system. A worker that is lost takes its trial with it, and another one measures that anew.

    Args:
        where: "tcp://host:8786", a scheduler's JSON file, or "local:2" for so many processes of this machine.
        sources: the chapters' sources.
        environment: profile, data set and seeds, as variables.

    Raises:
        LookInsideError: without the `cluster` extra, or where no scheduler answers.
    """
    if find_spec("distributed") is None:
        raise LookInsideError(
            'A Dask cluster needs the extra `cluster`: say `pip install -e ".[cluster]"` in the clone.'
        )
    with _client(where) as (client, more):
        return max(_sweep(client, source, environment, environment | more) for source in sources)


@contextlib.contextmanager
def _client(where: str) -> Iterator[tuple[Any, dict[str, str]]]:
    """The client of a cluster, and variables for its processes."""
    from distributed import Client, LocalCluster

    found = re.fullmatch(r"local:([1-9][0-9]{0,2})", where)
    if found:
        count = int(found[1])
        # No limit on memory: Dask counts the worker's, and it is the trials, its children, that take it.
        options = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": None}
        with LocalCluster(n_workers=count, **options) as cluster, Client(cluster) as client:
            yield client, threads_each(count)
        return
    try:
        client = Client(scheduler_file=where) if where.endswith(".json") else Client(where, timeout=10)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LookInsideError(f"No Dask scheduler answers at {where!r:.60} ({said:.100}).") from None
    with client:
        yield client, {}


def _sweep(client: Any, source: Path, environment: dict[str, str], theirs: dict[str, str]) -> int:
    from distributed import as_completed

    trials = list_trials(source, environment)
    missing, failed = [one for one in trials if not one.recorded], 0
    version = source_hash(source)
    futures = {
        client.submit(measure_there, source.stem, version, one, theirs, retries=RETRIES, pure=False): one
        for one in missing
    }
    results = Results(source.stem)
    options = {"desc": source.stem, "unit": "trial", "dynamic_ncols": True}
    with tqdm(total=len(trials), initial=len(trials) - len(missing), **options) as bar:
        for future in as_completed(futures):
            try:
                results.take([future.result()])
                bar.update()
            except Exception as error:  # what a trial, a worker or Dask has come to
                failed += 1
                said = " ".join(str(error).split()) or type(error).__name__
                bar.write(f"{TRIAL_FAILED} ({in_words(futures[future].key)}): {said:.300}", file=sys.stderr)
    return int(failed > 0)


def measure_there(chapter: str, version: str, trial: Trial, environment: dict[str, str]) -> dict:
    """On a worker: measure one trial by its command, and return its row.

    The command holds on to a pipe from here: where this process is killed, it stops too.

    Raises:
        LookInsideError: where the worker's clone has another version of the chapter, or the command fails.
    """
    (source,) = chapter_sources(chapter)
    if source_hash(source) != version:
        raise LookInsideError(f"A worker has another version of {chapter}: give all machines the same.")
    module = "lookinside.course.measuring.measure"
    arguments = ["--chapters", chapter, "--datasets", environment["COURSE_DATASET"]]
    arguments += ["--seeds", environment["COURSE_SEEDS"], "--trial", str(trial.number)]
    command = [sys.executable, "-c", _UNTIL_ALONE.format(module=module), *arguments]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env={**os.environ, **environment, "COURSE_QUIET": "1"}, **options)
    said = process.stderr.read()
    status = process.wait()
    process.stdin.close()
    if status != 0:
        raise LookInsideError(said.strip().splitlines()[-1] if said.strip() else f"exit status {status}")
    return rows_by_key(source)[key_text(trial.key)]


# A process is not told when its parent dies, but a pipe from there ends.
_UNTIL_ALONE = """
import os, runpy, threading
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
runpy.run_module("{module}", run_name="__main__", alter_sys=True)
"""
