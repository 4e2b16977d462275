"""The bar of work that takes a while: pictures that are read, sets that are drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tqdm import tqdm

from lookinside.errors import LookInsideError

_LOOKS = {"unit": "image", "delay": 5, "mininterval": 0.5, "leave": False}


def reading(work: Iterable, progress: Any) -> Iterable:
    """The work of reading behind a bar, that of the caller or, after five seconds, of tqdm.

    Args:
        work: what is gone through.
        progress: True or None for a bar, False for none, or a function that wraps the work, as tqdm does.

    Raises:
        LookInsideError: for another `progress`.
    """
    if progress is None or progress is True:
        return tqdm(work, desc="reading", **_LOOKS)
    return work if progress is False else _function(progress)(work)


def drawing(progress: Any) -> Callable[..., Iterable] | None:
    """What wraps the work of drawing, called as (work, description), or None for silence.

    Args:
        progress: True for a bar after five seconds, False or None for none, or a function of these two arguments.

    Raises:
        LookInsideError: for another `progress`.
    """
    if progress is True:
        return lambda work, description: tqdm(work, desc=description, **_LOOKS)
    return None if progress is None or progress is False else _function(progress)


def _function(progress):
    if not callable(progress):
        raise LookInsideError(f"progress is {progress!r:.60}: give True, False, or a function that wraps the work")
    return progress
