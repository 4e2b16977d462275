"""The one progress bar of the course."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(work: Iterable | int, desc: str = "", *, unit: str = "it", total: int | None = None) -> tqdm:
    """A progress bar for anything that may take longer than five seconds.

    Args:
        work: what to loop over, or the number of steps; with a number, call `.update()` after each step (use `with`).
        desc: what is going on, in two or three words.
        unit: what one step is called.
        total: the number of steps, where `work` is an iterable that does not know its length.

    Returns:
        A tqdm bar on the error stream. It is silent when `COURSE_QUIET` is 1, as when a notebook is stored.
    """
    options: dict[str, Any] = {
        "desc": desc,
        "unit": unit,
        "total": total,
        "disable": os.environ.get("COURSE_QUIET", "") == "1",
        "leave": False,
        "dynamic_ncols": True,
        "mininterval": 0.5,
    }
    if isinstance(work, int):
        return tqdm(**{**options, "total": work})
    return tqdm(work, **options)
