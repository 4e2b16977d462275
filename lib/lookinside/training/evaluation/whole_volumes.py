"""A classifier of slices on a whole CT: which region each slice is of, from the feet to the head."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Protocol

import keras
import numpy as np
from scipy.ndimage import median_filter
from scipy.special import softmax

from lookinside.data import read_volume
from lookinside.data.windowing import HIGH, LOW, window
from lookinside.errors import LookInsideError

_CORONAL_WINDOW = (-200.0, 300.0)


class CT(Protocol):
    """What is classified: `lookinside.data.Volume`, `lookinside.phantoms.CTVolume`, or anything like them.

    Attributes:
        hu: int16 (Z, Y, X); indices grow to the head, to the back and to the patient's left.
        spacing: (x, y, z) mm.
    """

    hu: np.ndarray
    spacing: tuple[float, float, float]

    def level(self, z: int) -> float: ...


@dataclass(frozen=True)
class BodyProfile:
    """Each class's probability along the body.

    Attributes:
        heights: float64 (Z,), mm, from the feet up.
        probabilities: float32 (Z, K), their sum is 1.
        class_names: tuple of K names.
        coronal: uint8 (Z, X), the volume seen from the front, at the body's middle; row 0 is the lowest slice.
        pixel: (width, height) of a pixel of `coronal`, mm.
    """

    heights: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    coronal: np.ndarray
    pixel: tuple[float, float]

    @property
    def regions(self) -> np.ndarray:
        """int64 (Z,), the most probable class of each slice."""
        return self.probabilities.argmax(axis=1)

    def boundaries(self) -> list[tuple[float, str, str]]:
        """Where the most probable class changes: (height in mm, name below, name above), from the feet up."""
        regions = self.regions
        at = np.flatnonzero(np.diff(regions))
        middle = 0.5 * (self.heights[at] + self.heights[at + 1])
        names = self.class_names
        return [(float(h), names[regions[i]], names[regions[i + 1]]) for h, i in zip(middle, at, strict=True)]

    def smoothed(self, way: str = "median", *, mm: float = 25.0, order: Sequence[str] | None = None) -> BodyProfile:
        """The profile smoothed along the body.

        "median" takes the median of each class's probability over `mm` and divides by their sum. "order" looks for the
        one course of regions from the feet up, each at most once and none before one that lies below it, whose
        probabilities have the greatest product (Viterbi 1967); its probabilities are 0 and 1.

        Args:
            way: "median" or "order".
            mm: height of the median's window.
            order: all class names from the feet up; None takes `class_names` as they stand.

        Raises:
            LookInsideError: for another way, a window that is not above 0, or an order that is not that of the classes.
        """
        if way == "median":
            if not mm > 0:
                raise LookInsideError(f"mm is {mm!r}: give the height of the median's window, 25 say.")
            slices = max(1, round(mm / self.pixel[1])) | 1  # odd, so that it has a middle
            smooth = median_filter(self.probabilities, size=(slices, 1), mode="nearest")
            total = smooth.sum(axis=1, keepdims=True)
            even = np.full_like(smooth, 1 / len(self.class_names))
            return dataclasses.replace(self, probabilities=np.where(total > 0, smooth / np.maximum(total, 1e-9), even))
        if way != "order":
            raise LookInsideError(f"way is {way!r}: choose 'median' or 'order'.")
        names = self.class_names if order is None else tuple(order)
        if sorted(names) != sorted(self.class_names):
            raise LookInsideError(f"order is {names}: name {', '.join(self.class_names)} once each, feet first.")
        columns = [self.class_names.index(name) for name in names]
        path = best_course(np.log(np.maximum(self.probabilities[:, columns], 1e-6)))
        return dataclasses.replace(self, probabilities=np.eye(len(names), dtype=np.float32)[np.array(columns)[path]])


def best_course(scores: np.ndarray) -> np.ndarray:
    """The course through the states whose scores have the greatest sum, never going back to a lower state.

    Args:
        scores: float (Z, K), the score of each state at each step.

    Returns:
        int64 (Z,), the state at each step, never falling. States may be left out.

    Source: Viterbi 1967.
    """
    steps, states = scores.shape
    best, came = scores[0].astype(np.float64), np.zeros((steps, states), np.int64)
    for z in range(1, steps):
        # The best predecessor is any state up to this one.
        leader = np.maximum.accumulate(best)
        came[z] = np.maximum.accumulate(np.where(best == leader, np.arange(states), 0))
        best = leader + scores[z]
    path = np.zeros(steps, np.int64)
    path[-1] = best.argmax()
    for z in range(steps - 1, 0, -1):
        path[z - 1] = came[z, path[z]]
    return path


def classify_volume(
    model: keras.Model,
    volume: CT | str | PathLike,
    class_names: Sequence[str],
    *,
    low: float = LOW,
    high: float = HIGH,
    batch_size: int = 32,
    progress: Callable[..., Iterable] | None = None,
) -> BodyProfile:
    """The probability of each class in every axial slice of a CT, in bounded memory.

    A slice is averaged down to the model's size in CT numbers, windowed, and predicted. Its field stays as the scanner
    had it: a slice that is not square is widened with air.

    Args:
        model: a Keras model from (N, S, S, 1) in [0, 1] to logits (N, K).
        volume: a CT in HU, or the path of one (`read_volume`).
        class_names: K names.
        low, high: the window in HU.
        batch_size: slices at a time.
        progress: called as progress(iterable, description), or None.

    Raises:
        LookInsideError: for a file that cannot be read, a model that does not take square grey images or does not tell
            K classes apart, or a volume without slices.

    Source: Roth et al. 2015, section 3.2 and Fig. 7.
    """
    if isinstance(volume, (str, PathLike)):
        volume = read_volume(volume)
    names, shape = tuple(class_names), model.input_shape
    if len(shape) != 4 or shape[1] != shape[2] or shape[1] is None or shape[3] != 1:
        raise LookInsideError(f"Model {model.name} takes {shape}: slices are (N, S, S, 1), square and grey.")
    if len(model.outputs) > 1 or model.output_shape[-1] != len(names):
        raise LookInsideError(f"Model {model.name} does not answer with the logits of {len(names)} classes.")
    if volume.hu.ndim != 3 or not volume.hu.size:
        raise LookInsideError(f"The volume is {volume.hu.shape}: give CT numbers (Z, Y, X).")
    size, depth = shape[1], len(volume.hu)
    down, across = _square(volume, size)
    predict = _compiled(model)
    starts = range(0, depth, batch_size)
    logits = []
    for start in progress(starts, "slices") if progress else starts:
        chunk = volume.hu[start : start + batch_size].astype(np.float32)
        # Air is 0 while the slices are averaged, so what lies outside of the field is air, too.
        small = down @ (chunk + 1024.0) @ across.T - 1024.0
        images = np.zeros((batch_size, size, size, 1), np.float32)  # whole batches: one graph
        images[: len(chunk), ..., 0] = window(small, low, high) / np.float32(255)
        logits.append(np.asarray(predict(images))[: len(chunk)])
    probabilities = softmax(np.concatenate(logits).astype(np.float32), axis=1)
    heights = np.array([volume.level(z) for z in range(depth)])
    pixel = (float(volume.spacing[0]), float(volume.spacing[2]))
    return BodyProfile(heights, probabilities, names, _coronal(volume.hu), pixel)


def _compiled(model):
    import tensorflow as tf

    return tf.function(lambda images: model(images, training=False), reduce_retracing=True)


def _square(volume, size):
    """Two matrices (size, Y) and (size, X) that average a slice to size x size pixels over a square field."""
    height, width = volume.hu.shape[1:]
    extent = max(height * volume.spacing[1], width * volume.spacing[0])
    return _averaging(height, volume.spacing[1], size, extent), _averaging(width, volume.spacing[0], size, extent)


def _averaging(count, step, size, extent):
    """What each of `size` pixels over `extent` mm takes of `count` pixels of `step` mm that lie in its middle."""
    edges = np.linspace(-0.5 * extent, 0.5 * extent, size + 1)
    own = step * (np.arange(count + 1) - 0.5 * count)
    overlap = np.minimum(edges[1:, None], own[None, 1:]) - np.maximum(edges[:-1, None], own[None, :-1])
    share = np.maximum(overlap, 0.0) * size / extent
    if extent / size < step:  # finer than the volume: the nearest pixel would be blocky, so in between
        at = (0.5 * (edges[1:] + edges[:-1])) / step + 0.5 * (count - 1)
        share = np.maximum(0.0, 1.0 - np.abs(at[:, None] - np.arange(count)))
    return share.astype(np.float32)


def _coronal(hu):
    """The plane from side to side through the middle of what is denser than air, uint8 (Z, X)."""
    some = hu[:: max(1, len(hu) // 64), ::4, ::4] > -300
    rows = some.sum(axis=(0, 2))
    middle = int(np.round(4 * (rows * np.arange(len(rows))).sum() / rows.sum())) if rows.any() else hu.shape[1] // 2
    return window(hu[:, min(middle, hu.shape[1] - 1)], *_CORONAL_WINDOW)
