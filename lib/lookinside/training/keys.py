"""A short name for a configuration, the same in every process: the folder of its run."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from lookinside.errors import LookInsideError


def run_key(*parts: Any) -> str:
    """Return sixteen hexadecimal digits that name a configuration.

    Equal parts give equal keys, in another process too. Names that Keras numbers by itself (dropout_3) do not count:
    the same network built twice has the same key. Of a function only the name counts, of a network its layers and not
    its weights.

    Args:
        parts: numbers, texts, arrays, Keras objects, functions, data classes, and lists, tuples and mappings of these.

    Raises:
        LookInsideError: for a value of another kind.
    """
    text = json.dumps([_described(part) for part in parts], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _described(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _described(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_described(one) for one in value]
    if hasattr(value, "get_config"):
        return _keras_object(value)
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return _array(np.asarray(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _described(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if callable(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', type(value).__qualname__)}"
    raise LookInsideError(
        f"A run's key cannot hold a {type(value).__name__}: give numbers, texts, arrays or lists of them."
    )


def _array(array: np.ndarray) -> list:
    digest = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=8)
    return [str(array.dtype), list(array.shape), digest.hexdigest()]


def _keras_object(value: Any) -> list:
    try:
        config = value.get_config()
    except NotImplementedError:  # a subclass without a configuration of its own: its weights' shapes must do
        config = {}
    names: dict[str, str] = {}
    _collect_names(config, names)
    shapes = [list(weight.shape) for weight in getattr(value, "weights", ())]
    return [type(value).__qualname__, _plain_config(config, names), shapes]


def _collect_names(config: Any, names: dict[str, str]) -> None:
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        if key == "name" and isinstance(value, str):
            names.setdefault(value, f"#{len(names)}")
        elif isinstance(value, dict | list | tuple):
            _collect_names(value, names)


def _plain_config(config: Any, names: dict[str, str]) -> Any:
    if isinstance(config, dict):
        # Keras notes an address in memory as shared_object_id: another one in every process.
        return {str(key): _plain_config(one, names) for key, one in config.items() if key != "shared_object_id"}
    if isinstance(config, list | tuple):
        return [_plain_config(one, names) for one in config]
    if isinstance(config, str):
        return names.get(config, config)
    try:
        return _described(config)
    except LookInsideError:
        return type(config).__qualname__
