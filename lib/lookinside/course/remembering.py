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
        LookInsideError: when it is called, for an argument that can change later, such as a list, an array or a dict;
            for a name that the dict in which it is looked up does not have.
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
            try:
                kept[key] = function(*bound.args, **bound.kwargs)
            except KeyError as error:
                if not any(error.args[:1] == (value,) for value in key[0] if isinstance(value, str)):
                    raise
                raise LookInsideError(_no_such_name(function, error)) from None
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


def _no_such_name(function: Callable, error: KeyError) -> str:
    """Where a name was looked up in vain, and the names that are there, in one line."""
    traced = error.__traceback__
    while traced.tb_next is not None:
        traced = traced.tb_next
    frame, missing = traced.tb_frame, error.args[0]
    there = {name: frame.f_globals.get(name) for name in frame.f_code.co_names} | frame.f_locals
    names = {name: value for name, value in there.items() if _are_names(value) and missing not in value}
    known = "; ".join(f"{name} has {', '.join(value)}" for name, value in names.items())
    return f"{function.__name__} knows no {missing!r:.60}: {known or 'look at how the cells above call it':.300}."


def _are_names(value: Any) -> bool:
    """Whether it is a dict in which something is looked up by name."""
    return isinstance(value, dict) and bool(value) and all(isinstance(name, str) for name in value)
