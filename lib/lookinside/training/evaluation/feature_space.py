"""How far apart the classes lie in what a layer computes."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from sklearn.manifold import TSNE
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from lookinside.errors import LookInsideError
from lookinside.explain.calls.arguments import is_whole
from lookinside.explain.calls.images import checked_images
from lookinside.training.evaluation.share_intervals import proportion_interval


def features(model: keras.Model, layer: str, images: np.ndarray, *, batch_size: int = 64) -> np.ndarray:
    """What a layer computes of images: float32 (N, D), maps in one row.

    Args:
        model: a Keras model of one input.
        layer: the name of one of its layers.
        images: float (N, H, W, C), at least one, in the range that the model was trained on; it is not changed here.
        batch_size: images at a time.

    Raises:
        LookInsideError: for what is no such model, a layer that it does not have, or images of another size, without a
            number, or of whole numbers: 0 to 255 is not the range of a set's `pixels`.
    """
    images = _checked(model, images, batch_size)
    names = [one.name for one in model.layers]
    if layer not in names:
        raise LookInsideError(f"Model {model.name} has no layer {layer!r}: choose from {', '.join(names)}.")
    read = keras.Model(model.inputs, model.get_layer(layer).output)
    found = [np.asarray(read([images[i : i + batch_size]])) for i in range(0, len(images), batch_size)]
    return np.concatenate(found).reshape(len(images), -1)


def _checked(model, images, batch_size):
    """The images as an array that the model takes."""
    if not isinstance(model, keras.Model) or len(getattr(model, "inputs", None) or ()) != 1:
        raise LookInsideError(f"model is {model!r:.60}: give a Keras model of one input that shows its layers.")
    if not is_whole(batch_size):
        raise LookInsideError(f"batch_size is {batch_size!r:.60}: give a whole number from 1 on.")
    images = checked_images(images, tuple(model.inputs[0].shape))
    if not np.issubdtype(images.dtype, np.floating):
        raise LookInsideError(
            f"The images are {images.dtype}: give float in the model's range, a set's .pixels or images / 255 say."
        )
    return images


def flattened(space: np.ndarray, *, perplexity: float = 20.0, seed: int = 0) -> np.ndarray:
    """Points (N, D) laid into the plane by t-SNE, near ones near each other: float32 (N, 2).

    Source: van der Maaten & Hinton 2008, by scikit-learn, begun with the two principal components.
    """
    perplexity = min(perplexity, (len(space) - 1) / 3)
    return TSNE(perplexity=perplexity, random_state=seed, init="pca").fit_transform(np.asarray(space, np.float32))


@dataclass(frozen=True)
class Separation:
    """How far apart classes lie.

    Attributes:
        neighbours: share of points whose nearest other points mostly have their class, and its 95 % Wilson interval.
        silhouette: mean over the points, -1 to 1; 1 is far apart, 0 touching (Rousseeuw 1987).
    """

    neighbours: tuple[float, float, float]
    silhouette: float


def separation(space: np.ndarray, labels: np.ndarray, *, neighbours: int = 5) -> Separation:
    """How far apart the classes `labels` (N,) lie in `space` (N, D): a number that a picture of it is not.

    The neighbours of a point vote for its class; a tie goes to the class of the lower number.

    Raises:
        LookInsideError: for shapes that do not agree, one class alone, or as many neighbours as there are points.
    """
    space, labels = np.asarray(space, np.float64), np.asarray(labels)
    if space.ndim != 2 or labels.shape != (len(space),):
        raise LookInsideError(f"space is {space.shape}, labels are {labels.shape}: give (N, D) and (N,).")
    if not 1 <= neighbours < len(space) or len(np.unique(labels)) < 2:
        raise LookInsideError(f"{neighbours} neighbours of {len(space)} points: give more points, of two classes.")
    # Without points of its own to look up, scikit-learn leaves each point out of its own neighbours.
    near = NearestNeighbors(n_neighbors=neighbours).fit(space).kneighbors(return_distance=False)
    answers = np.array([np.bincount(labels[own]).argmax() for own in near])
    right = proportion_interval(int((answers == labels).sum()), len(labels))
    return Separation(right, float(silhouette_score(space, labels)))
