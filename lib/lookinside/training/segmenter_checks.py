"""Is it a network that finds a mask, and does an augmentation keep what it learns from? Asked before the training."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import (
    SQUASHING,
    UNDONE_BY_NOTHING,
    activation_name,
    endings,
    is_hidden,
    is_only_activation,
)
from lookinside.explain.network.graph import Graph

_SQUASHING = (*SQUASHING, *UNDONE_BY_NOTHING, "log_sigmoid")
# What moves pixels and leaves their values, so that probabilities before it are probabilities behind it.
_MOVING = (layers.Identity, layers.Dropout, layers.Reshape, layers.Permute, layers.UpSampling2D, layers.Resizing)
_MOVING_OPS = ("Cropping2D", "ZeroPadding2D", "GetItem", "Reshape", "Squeeze", "ExpandDims", "Transpose", "Cast")


def check_segmenter(model: keras.Model) -> None:
    """Raise LookInsideError for what does not answer an image with one logit for each pixel."""
    shapes = [tuple(one.shape) for one in getattr(model, "outputs", None) or ()]
    if len(shapes) != 1 or shapes[0][1:] != (*model.input_shape[1:3], 1):
        name, shown = getattr(model, "name", type(model).__name__), ", ".join(map(str, shapes)) or "no known shape"
        raise LookInsideError(
            f"Model {name} answers with {shown}: give a functional model that answers (N, H, W, C) with one logit for "
            "each pixel, (N, H, W, 1), models.unet say."
        )
    squasher = _squasher(model)
    if squasher is not None:
        raise LookInsideError(
            f"Model {model.name} answers with the probabilities of {squasher}, but logits are needed: end it before "
            f"{squasher}, or give that layer no activation."
        )


def _squasher(model):
    """Name of the step at a model's end that makes probabilities of logits; None where none is seen."""
    try:
        graph = Graph(model)
    except LookInsideError:  # a call of its own: only its last step is known
        last = model.outputs[0]._keras_history.operation
        return last.name if _squashes(last) else None
    step = graph.writer(graph.outputs[0])
    while step is not None and not _squashes(step.layer):
        moves = isinstance(step.layer, _MOVING) or type(step.layer).__name__ in _MOVING_OPS
        if not moves and not _is_linear(step.layer):
            return None
        step = graph.writer(step.inputs[0])
    return None if step is None else step.name


def _is_linear(layer):
    return isinstance(layer, keras.layers.Activation) and activation_name(layer) == "linear"


def _squashes(layer):
    """Whether a layer or operation ends in probabilities, by its activation's name or, where there is none, a trial."""
    (last, *_) = endings(layer)
    unread = is_hidden(last) and not last.weights
    ending = last if unread or is_only_activation(last) else getattr(last, "activation", None)
    name = None if unread else activation_name(ending)
    return name in _SQUASHING or (name is None and _stays_in_0_to_1(ending))


def _stays_in_0_to_1(function):
    """Whether what a function makes of logits far below and above 0 are numbers from 0 to 1."""
    try:
        made = ops.convert_to_numpy(function(np.linspace(-60, 60, 7, dtype="float32").reshape(1, 1, 7, 1)))
    except Exception:  # a layer of one's own may want another shape, and raise what it likes
        return False
    return bool(made.size and (made >= 0).all() and (made <= 1).all())


def name_of(augment):
    return getattr(augment, "name", None) or getattr(augment, "__name__", type(augment).__name__)


def check_augment(augment, shape):
    if augment is not None and not callable(augment):
        raise LookInsideError(f"augment is {augment!r:.60}: give a layer of Keras, RandomFlip() say, or None.")
    if not isinstance(augment, keras.layers.Layer):
        return
    wanted = (*shape[:2], shape[2] + 1)
    mend = f"build it for {wanted}, for the mask goes through it as one more channel."
    built = getattr(augment, "input_shape", None) if isinstance(augment, keras.Model) else None
    if built is not None and tuple(built[1:]) != wanted:
        raise LookInsideError(f"augment takes images of {tuple(built[1:])}: {mend}")
    try:
        moved = tuple(augment.compute_output_shape((None, *wanted)))[1:]
    except (ValueError, TypeError):
        raise LookInsideError(f"augment {augment.name} does not take images of {wanted}: {mend}") from None
    if moved != wanted:
        raise LookInsideError(f"augment makes {moved} of images of {wanted}: give one that keeps their size.")
