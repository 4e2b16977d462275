"""What goes into a model of one or several inputs: the one that is explained, and the others, which are held still."""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.explain.calls.images import checked_images
from lookinside.explain.network.graph import check_is_model
from lookinside.explain.network.inputs import inputs_of

_LEAST_AXES = 4  # (N, H, W, C): an input with fewer is no image


class Inputs:
    """The inputs of a model, checked when they come.

    Args:
        model: a Keras model.
        chosen: which input is explained, by name or place; None is the only one of images or volumes.
        any_will_do: whether None is the first one of images, or simply the first, where nothing is held still.

    Attributes:
        all: names, shapes and order of all inputs.
        place: of the input that is explained.
        shape: its shape, (None, ...).

    Raises:
        LookInsideError: for a model that is not built, an input that does not exist, or where none or several of them
            are images.
    """

    def __init__(self, model: keras.Model, chosen: str | int | None = None, *, any_will_do: bool = False):
        check_is_model(model)
        self._model, self.all = model.name, inputs_of(model)
        self._names, self._shapes, *_ = self.all
        self.place = self._chosen(chosen, any_will_do)
        self.shape = self._shapes[self.place]

    def _chosen(self, chosen, any_will_do):
        if chosen is None:
            images = [place for place, shape in enumerate(self._shapes) if len(shape) >= _LEAST_AXES]
            if len(images) == 1 or any_will_do:
                return images[0] if images else 0
            if len(self._shapes) == 1:
                said = f"takes {self._shapes[0]}: images (N, H, W, C) are needed"
            elif not images:
                said = f"has no input of images (N, H, W, C): say input= one of {', '.join(self._names)}"
            else:
                said = f"has {len(images)} inputs of images: say input= one of {', '.join(self._names)}"
            raise LookInsideError(f"Model {self._model} {said}.")
        if isinstance(chosen, int) and not isinstance(chosen, bool) and 0 <= chosen < len(self._names):
            return chosen
        if self._names.count(chosen) == 1:
            return self._names.index(chosen)
        raise LookInsideError(
            f"Model {self._model} has no input {chosen!r:.60}: its inputs are {', '.join(self._names)}."
        )

    def checked(self, given) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the array that is explained, and the others.

        Args:
            given: an array; of a model of several inputs a list of them, or a dict by name.

        Raises:
            LookInsideError: for another number of inputs, what does not fit to its input, or values that are nan.
        """
        if len(self._shapes) == 1:
            named = isinstance(given, Mapping) and set(given) == set(self._names)
            return checked_images(given[self._names[0]] if named else given, self.shape), ()
        rows = self._in_order(given)
        images = checked_images(rows[self.place], self.shape)
        others = [place for place in range(len(rows)) if place != self.place]
        return images, tuple(self._other(rows[place], place, len(images)) for place in others)

    def _in_order(self, given):
        if isinstance(given, Mapping):
            if set(given) == set(self._names):
                return [given[name] for name in self._names]
            odd = [f"there is no {name!r:.40}" for name in given if name not in self._names]
            odd += [f"{name!r} is missing" for name in self._names if name not in given]
            raise LookInsideError(f"Model {self._model} takes {', '.join(self._names)}: {'; '.join(odd):.200}.")
        elif self.all.ordered and isinstance(given, list | tuple) and len(given) == len(self._names):
            return list(given)
        names = ", ".join(self._names)
        mend = f"a list of {names}, or a dict" if self.all.ordered else f"a dict of {names}"
        raise LookInsideError(f"Model {self._model} has {len(self._names)} inputs: give {mend}.")

    def _other(self, values, place, count):
        name, shape = self._names[place], self._shapes[place]
        said = f"(N, {', '.join('any' if side is None else str(side) for side in shape[1:])})"
        try:
            values = np.asarray(values)
        except ValueError:
            raise LookInsideError(f"Input {name} has rows of different lengths: give {said}.") from None
        fits = values.ndim == len(shape) and all(
            side in (None, got) for side, got in zip(shape[1:], values.shape[1:], strict=True)
        )
        if not fits or len(values) != count:
            raise LookInsideError(f"Input {name} is {values.shape}: give {said} for {count} images.")
        if not (np.issubdtype(values.dtype, np.number) or values.dtype == bool) or np.iscomplexobj(values):
            raise LookInsideError(f"Input {name} is of type {values.dtype}: give numbers.")
        if self.all.dtypes:
            with np.errstate(over="ignore"):
                values = values.astype(self.all.dtypes[place])  # as the model does: a sum of bytes overflows
        wrong = np.flatnonzero(~np.isfinite(values).reshape(count, -1).all(axis=1))
        if wrong.size:
            raise LookInsideError(f"Input {name} holds nan or infinite values for image {wrong[0]}: mend it.")
        return values
