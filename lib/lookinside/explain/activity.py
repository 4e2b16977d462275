"""Which feature maps say nothing: dead on every image, or zero on some."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.bars import bar
from lookinside.explain.calls.images import checked_images
from lookinside.explain.network.activations import activation_name, is_activation, unwrapped
from lookinside.explain.network.graph import Graph


@dataclass(frozen=True)
class DeadMaps:
    """How many feature maps say nothing, layer by layer.

    Attributes:
        layers: (L,) names of the layers whose ReLU makes the maps, in order.
        maps: int (L,), how many maps each has.
        dead: int (L,), how many of them are zero everywhere on EVERY image.
        zero: float (L,) in [0, 1], the share of pairs (image, map) in which the map is zero everywhere.
    """

    layers: tuple[str, ...]
    maps: np.ndarray
    dead: np.ndarray
    zero: np.ndarray

    @property
    def share_dead(self) -> float:
        """Dead maps of all layers, as a share of all maps."""
        return float(self.dead.sum() / self.maps.sum())

    @property
    def share_zero(self) -> float:
        """Pairs (image, map) in which the map is zero, as a share of all pairs, over all layers."""
        return float((self.zero * self.maps).sum() / self.maps.sum())

    def rows(self) -> dict[str, dict[str, float]]:
        """A row a layer, as `figures.table` shows them: maps, dead (share) and zero (share)."""
        columns = zip(self.layers, self.maps.tolist(), self.dead.tolist(), self.zero.tolist(), strict=True)
        return {name: {"maps": maps, "dead": dead / maps, "zero": zero} for name, maps, dead, zero in columns}


def dead_maps(model: keras.Model, images: ArrayLike, *, chunk: int = 32, progress: bool | Callable = True) -> DeadMaps:
    """Count the feature maps that say nothing. A map is one channel behind a ReLU.

    A dead map is zero on every image that was given, so it depends on them: give many, of all classes. A map that is
    zero on one image may be a specialist for others.

    Args:
        model: a functional or Sequential Keras model with a ReLU behind at least one convolution.
        images: (N, H, W, C), as the model takes them.
        chunk: images at a time; memory grows with it, the answer does not.
        progress: True for a bar on the error stream, False for silence, or a callable as explainers take it.

    Returns:
        `DeadMaps`.

    Raises:
        LookInsideError: for a model whose layers cannot be read, one without a ReLU on maps, or images that do not fit.

    Source: the question is Khan & Yong's (2016, section IV), who look at pictures of the maps.
    """
    if not isinstance(chunk, int | np.integer) or isinstance(chunk, bool) or chunk < 1:
        raise LookInsideError(f"chunk is {chunk!r}: give 1 or more.")
    graph = Graph(model)
    found = {step.name: step.outputs[0] for step in graph.steps if _makes_maps(step)}
    if not found:
        raise LookInsideError(f"Model {model.name} has no ReLU on feature maps: nothing in it can be zero everywhere.")
    images = checked_images(images, model.input_shape)
    wanted = list(found.values())

    @tf.function(autograph=False, input_signature=[tf.TensorSpec((None, *images.shape[1:]), tf.float32)])
    def alive(batch):
        values = graph.compute({0: batch}, wanted)
        return [tf.reduce_any(tf.not_equal(values[number], 0), axis=(1, 2)) for number in wanted]

    seen = [[] for _ in wanted]
    with bar(progress, len(images), "dead maps", unit="image") as shown:
        for start in range(0, len(images), chunk):
            batch = np.asarray(images[start : start + chunk], np.float32)
            for own, one in zip(seen, alive(batch), strict=True):
                own.append(one.numpy())
            shown.update(len(batch))
    seen = [np.concatenate(own) for own in seen]
    return DeadMaps(
        layers=tuple(found),
        maps=np.array([own.shape[1] for own in seen]),
        dead=np.array([int((~own.any(axis=0)).sum()) for own in seen]),
        zero=np.array([float((~own).mean()) for own in seen]),
    )


def _makes_maps(step) -> bool:
    """Whether a step's last act is a ReLU on maps of several pixels."""
    if len(step.shape) != 3:
        return False
    if is_activation(step.layer):
        return activation_name(step.layer) in ("relu", "relu6")
    return activation_name(getattr(unwrapped(step.layer), "activation", None)) in ("relu", "relu6")
