"""Where a measured number comes from: the command that measures it again, the machine in words, the versions."""

from __future__ import annotations

import functools
import os
import platform
from pathlib import Path
from typing import Any

from lookinside import __version__
from lookinside.course.profiles import profile
from lookinside.extras import need


def dataset_name() -> str:
    """Return the data set's name without the folder it lies in: no path of a machine enters a results file."""
    return Path(profile.dataset).name


def command(chapter: str, key: dict[str, Any]) -> str:
    """Return the command that measures a row again, whose key has a profile, a data set and, mostly, a seed."""
    seeds = f" SEEDS={key['seed']}" if "seed" in key else ""
    return f"COURSE_PROFILE={key['profile']} make results CHAPTER={chapter[:2]} DATASETS={key['dataset']}{seeds}"


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def hardware() -> str:
    """Return the machine in words: cores, architecture, memory, GPUs."""
    need("psutil")
    import psutil
    import tensorflow as tf

    names = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    memory = round(psutil.virtual_memory().total / 2**30)
    return f"{cores()} {platform.machine()} cores, {memory} GiB, {', '.join(names) or 'no GPU'}"


def versions() -> dict[str, str]:
    """Return the versions that the figures depend on."""
    from importlib.metadata import version

    found = {name: version(name) for name in ("keras", "numpy", "tf-keras-vis")} | {"lookinside": __version__}
    for name in ("tensorflow-cpu", "tensorflow"):
        try:
            return found | {"tensorflow": version(name)}
        except ImportError:
            continue
    return found
