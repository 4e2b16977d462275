"""The inputs of a Keras model, by name and in order, also of one that does not show its layers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import keras

from lookinside.errors import LookInsideError

_SOME_SIDE = 64  # pixels, where a model takes any


class ModelInputs(NamedTuple):
    """A model's inputs.

    Attributes:
        names: of the inputs, in the model's order.
        shapes: (None, ...) of each; sides that the model leaves open are None.
        built: a shape of each that the model takes, open sides filled: with those of its first call where it is known.
        pack: tensors in that order -> what the model is called with.
        dtypes: what a functional model casts each to, half floats to float32 here; none where the model casts itself.
        ordered: whether a list has an order that cannot be taken for another: Keras sorts the names of a dict.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int | None, ...], ...]
    built: tuple[tuple[int | None, ...], ...]
    pack: Callable[[Sequence[Any]], Any]
    dtypes: tuple[str, ...] = ()
    ordered: bool = True


def inputs_of(model: keras.Model) -> ModelInputs:
    """Return the inputs of a model.

    Raises:
        LookInsideError: for a model that is not built.
    """
    function = getattr(model, "_functional", None) or model
    if hasattr(function, "_nodes_by_depth"):
        struct = function._inputs_struct
        shapes = tuple(tuple(tensor.shape) for tensor in function.inputs)
        named = isinstance(struct, Mapping) and len(struct) == len(shapes)  # a dict may hold lists of inputs
        names = tuple(sorted(struct)) if named else tuple(tensor.name for tensor in function.inputs)
        filled = tuple((None, *(side or _SOME_SIDE for side in shape[1:])) for shape in shapes)
        dtypes = tuple("float32" if "float" in tensor.dtype else tensor.dtype for tensor in function.inputs)
        ordered = not isinstance(struct, Mapping) or list(struct) == sorted(struct)
        pack = functools.partial(keras.tree.pack_sequence_as, struct)
        return ModelInputs(names, shapes, filled, pack, dtypes, ordered)
    built = getattr(model, "_build_shapes_dict", None) or {}
    struct = built.get("input_shape")
    if isinstance(model, keras.Sequential):
        raise LookInsideError(f"Model {model.name} is not built: put a keras.Input first, or call it on one image.")
    if struct is None:
        raise LookInsideError(f"Model {model.name} ({type(model).__name__}) is not built: call it on one image first.")
    if _is_shape(struct):
        return ModelInputs(("image",), (_opened(struct),), (tuple(struct),), lambda tensors: tensors[0])
    names = tuple(struct) if isinstance(struct, Mapping) else tuple(str(place) for place in range(len(struct)))
    parts = list(struct.values()) if isinstance(struct, Mapping) else list(struct)

    def pack(tensors):
        return dict(zip(names, tensors, strict=True)) if isinstance(struct, Mapping) else list(tensors)

    return ModelInputs(names, tuple(map(_opened, parts)), tuple(map(tuple, parts)), pack)


def _is_shape(struct):
    return isinstance(struct, tuple | list) and all(side is None or isinstance(side, int) for side in struct)


def _opened(shape):
    """A shape of which a first call has fixed the batch and an image's sides: only the channels are the model's."""
    return (None,) * (len(shape) - 1) + (shape[-1],) if len(shape) > 2 else (None, *shape[1:])
