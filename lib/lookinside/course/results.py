"""Measured rows of a chapter: one JSON file in chapters/results/, written whole after every row."""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path
from typing import Any

from lookinside.course.places import repository
from lookinside.course.profiles import profile
from lookinside.errors import LookInsideError


class Results:
    """The recorded results of one chapter.

    A row is known by its profile, data set, network and seed; measuring it again replaces it. Under the quick profile
    nothing is written: quick runs are for learning, the desk and paper profiles are for the record.

    Args:
        chapter: the chapter's file name without ending, "01_anatomy_landmarks".
        folder: where the file lies; chapters/results/ of this repository unless told.
    """

    def __init__(self, chapter: str, folder: Path | None = None):
        self.chapter = chapter
        self.path = (folder or repository() / "chapters" / "results") / f"{chapter}.json"

    def rows(self, **wanted: Any) -> list[dict]:
        """Return the recorded rows whose keys equal `wanted` (profile=, dataset=, net=, seed=), in recorded order.

        Raises LookInsideError where the file is not readable JSON.
        """
        if not self.path.is_file():
            return []
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))["rows"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise LookInsideError(f"{self.path.name} is not a results file ({error}): restore it with git.") from None
        return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]

    def summary(self, value: str, **wanted: Any) -> dict[tuple[str, str], tuple[float, float, float, int]]:
        """Return (data set, network) -> (mean over seeds, low, high, number of seeds) of one recorded value.

        A value is recorded with its own 95 % interval (a plain number stands for all three); over several seeds the
        interval runs from the lowest of the low ends to the highest of the high ends, which errs on the wide side.
        Rows without the value, or with none measured, are left out. A value inside a table of values is named by its
        path, "explanations/GradCAM/insertion".
        """
        found: dict[tuple[str, str], list] = {}
        for row in self.rows(**wanted):
            one = row["values"]
            for key in value.split("/"):
                one = one.get(key) if isinstance(one, dict) else None
            if one not in (None, [None] * 3):
                triple = one if isinstance(one, list) else [one] * 3
                found.setdefault((row["dataset"], row["net"]), []).append(triple)
        return {
            key: (sum(v[0] for v in each) / len(each), min(v[1] for v in each), max(v[2] for v in each), len(each))
            for key, each in found.items()
        }

    def record(self, net: str, *, seed: int, seconds: float, settings: dict, values: dict) -> bool:
        """Write one row (NumPy numbers and arrays become plain ones) and return True; False under the quick profile.

        Args:
            net: what was trained, "deeper + BN".
            seed: of the weights, the shuffling and the validation split.
            seconds: what the training took.
            settings: epochs, image side, numbers of images: what a reader needs to judge the figures.
            values: the figures.
        """
        if profile.name == "quick":
            return False
        key = {"profile": profile.name, "dataset": dataset_name(), "net": net, "seed": seed}
        row = key | {
            "command": command(self.chapter, seed),
            "date": datetime.date.today().isoformat(),
            "hardware": hardware(),
            "versions": versions(),
            "seconds": round(seconds, 1),
            "settings": plain(settings),
            "values": plain(values),
        }
        self._write(row, key)
        return True

    def add(self, net: str, *, seed: int, values: dict) -> bool:
        """Add values to the row that `record` has written and return True; False under the quick profile.

        Raises LookInsideError where this profile, data set, network and seed have no row yet.
        """
        if profile.name == "quick":
            return False
        key = {"profile": profile.name, "dataset": dataset_name(), "net": net, "seed": seed}
        found = self.rows(**key)
        if not found:
            raise LookInsideError(f"{self.path.name} has no row of {net}, seed {seed}: call record first.")
        self._write(found[0] | {"values": found[0]["values"] | plain(values)}, key)
        return True

    def keep_figure(self, name: str, figure: Any) -> bool:
        """Keep a figure beside the table as `<chapter>_<name>.jpg`; returns whether it was kept.

        Only drawn images are kept: nothing under the quick profile, or of a data set other than the phantoms.
        """
        if profile.name == "quick" or not profile.on_phantoms or profile.seed:
            return False
        self.path.parent.mkdir(parents=True, exist_ok=True)
        options = {"quality": 80, "optimize": True}
        figure.savefig(self.path.with_name(f"{self.chapter}_{name}.jpg"), dpi=110, pil_kwargs=options)
        return True

    def figure(self, name: str) -> Any:
        """The figure that `keep_figure` has kept, for a notebook. Raises LookInsideError where there is none."""
        from IPython.display import Image

        path = self.path.with_name(f"{self.chapter}_{name}.jpg")
        if not path.is_file():
            raise LookInsideError(f"{path.name} is not in chapters/results: restore it with git.")
        return Image(filename=str(path))

    def _write(self, row: dict, key: dict) -> None:
        others = [old for old in self.rows() if any(old.get(name) != value for name, value in key.items())]
        rows = sorted([*others, row], key=lambda r: (r["profile"], r["dataset"], r["seed"]))
        write_json(self.path, {"chapter": self.chapter, "rows": rows})


def dataset_name() -> str:
    """Return the data set's name without the folder it lies in: no path of a machine enters a results file."""
    return Path(profile.dataset).name


def command(chapter: str, seed: int) -> str:
    """Return the command that measures this profile, data set and seed again."""
    return f"COURSE_PROFILE={profile.name} make results CHAPTER={chapter[:2]} DATASETS={dataset_name()} SEEDS={seed}"


def hardware() -> str:
    """Return the machine in words: cores, architecture, memory, GPUs."""
    import psutil
    import tensorflow as tf

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    memory = round(psutil.virtual_memory().total / 2**30)
    return f"{cores} {platform.machine()} cores, {memory} GiB, {', '.join(names) or 'no GPU'}"


def versions() -> dict[str, str]:
    """Return the versions that the figures depend on."""
    from importlib.metadata import version

    found = {name: version(name) for name in ("keras", "numpy", "tf-keras-vis", "lookinside")}
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return found | {"tensorflow": version(name)}
        except ImportError:
            continue
    return found


def plain(value: Any) -> Any:
    """Return the same value in JSON's own types, floats to six figures; nan becomes None."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if value == value else None
    return value


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file in one step, so that a killed run leaves the old file whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".json.part")
    half.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(half, path)
