"""What lies beside a chapter's record, figures and small networks, and how its files are written: each in one step."""

from __future__ import annotations

import json
import os
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lookinside.course.profiles import profile
from lookinside.errors import LookInsideError

MOST_BYTES = 1_000_000  # of the weights of one network
KEPT = (".jpg", ".npz")  # what lies beside a record


class KeptFiles:
    """Figures and weights beside a record.

    Attributes:
        chapter: name of the chapter, with which their names begin.
        path: of the record.
    """

    chapter: str
    path: Path

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

    def keep_weights(self, name: str, model: Any) -> bool:
        """Keep a small network's weights beside the table as `<chapter>_<name>.npz`, in half precision.

        For a network that a notebook shows, but cannot train in its minutes. Returns whether they were kept: only of
        networks that have learned from the phantoms, in desk or paper, with the first seed.

        Raises:
            LookInsideError: for weights of more than a megabyte: they would stay in the repository for good.
        """
        if profile.name == "quick" or not profile.on_phantoms or profile.seed:
            return False
        path = self._weights(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".part")
        with half.open("wb") as file:
            arrays = {f"{place:03d}": one.astype("float16") for place, one in enumerate(model.get_weights())}
            np.savez_compressed(file, **arrays)
        if half.stat().st_size > MOST_BYTES:
            half.unlink()
            raise LookInsideError(f"{path.name} would have more than a megabyte: take a narrower network.")
        patiently(lambda: os.replace(half, path))
        return True

    def weights(self, name: str, model: Any) -> Any:
        """Give a model the weights that `keep_weights` has kept, and return it.

        Raises:
            LookInsideError: where there are none, or they are of another network.
        """
        path = self._weights(name)
        if not path.is_file():
            raise LookInsideError(f"{path.name} is not in chapters/results: restore it with git.")
        try:
            with np.load(path) as file:
                arrays = [file[key].astype("float32") for key in sorted(file.files)]
        except (OSError, ValueError, zipfile.BadZipFile, EOFError):
            raise LookInsideError(f"{path.name} cannot be read: restore it with git.") from None
        if [one.shape for one in arrays] != [tuple(one.shape) for one in model.weights]:
            raise LookInsideError(f"{path.name} holds the weights of another network: record it anew or restore it.")
        model.set_weights(arrays)
        return model

    def _weights(self, name):
        return self.path.with_name(f"{self.chapter}_{re.sub(r'[^0-9A-Za-z]+', '_', name)}.npz")


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file in one step, so that a killed run leaves the old file whole."""
    write_in_one_step(path, (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode())


def write_in_one_step(path: Path, content: bytes) -> None:
    """Write a file so that whoever is killed, or reads meanwhile, finds the old one or the new one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.part")
    half.write_bytes(content)
    patiently(lambda: os.replace(half, path))


def patiently(act: Callable[[], Any]) -> Any:
    """On Windows a file that another process is reading cannot be replaced, for a moment."""
    for _ in range(100):
        try:
            return act()
        except PermissionError:
            if os.name != "nt":
                raise
            time.sleep(0.05)
    return act()
