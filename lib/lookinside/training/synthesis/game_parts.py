"""What a `PathoGAN` is made of, as it is given: checked and made ready before the game begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_number, is_whole
from lookinside.training.synthesis.patho_distance import check_which


def ready_optimizer(given: Any, network: keras.Model) -> keras.optimizers.Optimizer:
    """The optimizer of a network, built; one that scales the loss where the network computes in float16."""
    if not network.trainable_variables:
        raise LookInsideError(f"{network.name} is frozen, there is nothing to train: set its trainable = True.")
    try:
        found = keras.optimizers.Adam(2e-4, beta_1=0.5) if given is None else keras.optimizers.get(given)
    except (ValueError, TypeError, KeyError, AttributeError):  # the last two are about a configuration
        raise LookInsideError(f"The optimizer is {given!r:.60}: give one of Keras', SGD(0.0002) say.") from None
    half = any(layer.compute_dtype == "float16" for layer in network.layers)
    if half and not isinstance(found, keras.optimizers.LossScaleOptimizer):
        found = keras.optimizers.LossScaleOptimizer(found)
    if found.built:
        raise LookInsideError(f"The optimizer {found.name} has been used already: give a new one.")
    found.build(network.trainable_variables)
    return found


def checked_mask(vessels: Any, wanted: tuple) -> np.ndarray:
    """Vessels as float32 (N, H, W, 1), or LookInsideError."""
    try:
        vessels = np.asarray(vessels, "float32")
    except (TypeError, ValueError):
        raise LookInsideError(f"vessels are no array of masks: give (N, {wanted[0]}, {wanted[1]}).") from None
    vessels = vessels[..., None] if vessels.ndim == 3 else vessels
    if vessels.ndim != 4 or vessels.shape[1:] != tuple(wanted):
        raise LookInsideError(f"vessels are {vessels.shape}: give (N, {wanted[0]}, {wanted[1]}), one mask an image.")
    if not np.isin(vessels, (0, 1)).all():
        raise LookInsideError("vessels hold other values than 0 and 1: give masks, probabilities > 0.5 say.")
    return vessels


def check_options(which: Any, generator_steps: Any, class_index: Any, numbers: Mapping, maps: Any, seed: Any) -> None:
    """Raise LookInsideError for an option that is out of its range; `numbers` are those of 0 or more."""
    check_which(which)
    check_whole({"generator_steps": generator_steps}, 1)
    check_whole({"class_index": class_index}, 0)
    check_numbers(numbers)
    if seed is not None and not (is_whole(seed, -(2**63)) and seed < 2**63):
        raise LookInsideError(f"seed is {seed!r:.60}: give a whole number of at most 63 bits.")
    if maps is not None and not isinstance(maps, Mapping):
        raise LookInsideError(f'maps are {maps!r:.60}: give arguments of PathologyAware, {{"cmi": "gyration"}} say.')


def check_whole(values: Mapping[str, Any], least: int) -> None:
    """Raise LookInsideError with its name for a value that is no whole number from `least` on."""
    for name, value in values.items():
        if not is_whole(value, least):
            raise LookInsideError(f"{name} is {value!r:.60}: give a whole number from {least} on.")


def check_numbers(values: Mapping[str, Any]) -> None:
    """Raise LookInsideError with its name for a value that is no number of 0 or more."""
    for name, value in values.items():
        if not is_number(value):
            raise LookInsideError(f"{name} is {value!r:.60}: give a number, 0 or more.")
