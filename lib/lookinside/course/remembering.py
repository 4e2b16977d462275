"""What a notebook works out once and then keeps: sets of images, trained networks."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from lookinside.errors import LookInsideError


def remember(function: Callable) -> Callable:
    """Make a function keep what it has returned, for each set of arguments, however a call spells them.

    `functools.cache` takes f(1), f(a=1) and f(1, b=0) for three different calls although b is 0 unless told; a network
    would be trained three times. Here they are one call.

    Args:
        function: its arguments are numbers, texts, None, functions, or tuples of these.

    Returns:
        The function with a memory; it lasts as long as the notebook runs.

    Raises:
        LookInsideError: when it is called, for an argument that can change later, such as a list, an array or a dict.
    """
    signature = inspect.signature(function)
    kept: dict[Any, Any] = {}

    @functools.wraps(function)
    def remembered(*arguments: Any, **named: Any) -> Any:
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        key = (bound.args, tuple(sorted(bound.kwargs.items())))
        try:
            known = key in kept
        except TypeError:
            raise LookInsideError(_unfit(function, bound.arguments)) from None
        if not known:
            kept[key] = function(*bound.args, **bound.kwargs)
        return kept[key]

    return remembered


def _unfit(function: Callable, arguments: dict[str, Any]) -> str:
    """Which argument cannot be kept, in one line."""
    for name, value in arguments.items():
        try:
            hash(value)
        except TypeError:
            given = f"{name} of {function.__name__} is a {type(value).__name__}, or holds something that can change"
            return f"{given}: give a tuple, a text or a number, by which it can be known again."
    return f"{function.__name__} was called with something that can change: give tuples, texts or numbers."
