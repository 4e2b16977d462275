"""Does a generator copy? The nearest training image of each synthetic one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lookinside.arrays import as_array
from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.training.evaluation.synthesis.pictures import checked_pictures


class Nearest(NamedTuple):
    """The nearest training image of each image.

    Attributes:
        indices: int64 (N,), which it is.
        distances: float64 (N,), how near: the root of the mean squared difference over pixels and channels, from 0 (a
            copy) to 1.
        ratios: float64 (N,), this distance over that of the second nearest: about 1 where an image resembles none more
            than others, 0 for a copy; nan for a single training image, or where the second is a copy too.
    """

    indices: np.ndarray
    distances: np.ndarray
    ratios: np.ndarray


def nearest_images(
    images: np.ndarray, train: np.ndarray, *, field: np.ndarray | None = None, batch: int = 64
) -> Nearest:
    """Find the nearest training image of each image, pixel by pixel.

    A distance alone says nothing: compare it with that of real images which the generator has not seen. Copies are
    nearer than these, most of the others should not be. An image without detail is near to everything: `ratios` do not
    reward that. What is copied and then shifted, mirrored or recoloured is not found.

    Args:
        images: float (N, H, W, C) in [0, 1].
        train: float (M, H, W, C) in [0, 1], the images that the generator was trained on.
        field: bool (H, W), the pixels that count, such as those that all photographs show; None takes all.
        batch: images of each kind that are held in float64 at once.

    Raises:
        LookInsideError: for images of another range or size, a field that is no mask of theirs, or a batch below 1.
    """
    images, train = checked_pictures(images, "images"), checked_pictures(train, "train")
    if images.shape[1:] != train.shape[1:]:
        raise LookInsideError(f"images are {images.shape[1:]}, train {train.shape[1:]}: give both in one size.")
    field = np.ones(images.shape[1:3], bool) if field is None else as_array(field, "field")
    if field.dtype != bool or field.shape != images.shape[1:3] or not field.any():
        raise LookInsideError(f"field is {field.dtype} {field.shape}: give bool {images.shape[1:3]} with some pixels.")
    if not is_whole(batch):
        raise LookInsideError(f"batch is {batch!r:.60}: give a whole number from 1.")
    indices, two = np.zeros(len(images), np.int64), np.full((len(images), 2), np.nan)
    for start in range(0, len(images), batch):
        own = _rows(images[start : start + batch], field)
        squared = [_squared(own, _rows(train[i : i + batch], field)) for i in range(0, len(train), batch)]
        order = np.argsort(np.concatenate(squared, axis=1), axis=1, kind="stable")[:, :2]
        for rank, chosen in enumerate(order.T):
            # Once more by subtraction: what is left of two long sums is no exact 0 for a copy.
            off = (one - _rows(train[[k]], field)[0] for one, k in zip(own, chosen, strict=True))
            two[start : start + batch, rank] = [np.sqrt((one**2).mean()) for one in off]
        indices[start : start + batch] = order[:, 0]
    near, second = two.T
    ratios = np.divide(near, second, out=np.full(len(near), np.nan), where=second > 0)
    return Nearest(indices, near, ratios)


def _rows(images, field):
    """The pixels that count, float64 (n, pixels times channels)."""
    return images[:, field].reshape(len(images), -1).astype(np.float64)


def _squared(one, other):
    """Squared distances of rows, (n, m), by one product of matrices."""
    return (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
