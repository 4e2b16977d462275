"""What all models that answer with boxes have in common: dictionaries in and out, and each loss as a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from lookinside.errors import LookInsideError
from lookinside.models.detection.checked_inputs import checked_batch, checked_pixels


class BoxModel(keras.Model):
    """A model that is called on images, or on dictionaries with "images", "boxes" and "labels" to learn from.

    A kind of it sets `image_shape`, and in `call` updates the metric `mean(name)` of each loss, and "iou" on validation
    batches. However it is called, on arrays or streams, images of another size or whole numbers are refused in one line
    (`LookInsideError`). Whether values lie in [0, 1] is looked at in arrays only.
    """

    def __init__(self, *arguments: Any, **options: Any):
        # Its layers turn images into half precision themselves, which has no place for a box's coordinates.
        super().__init__(*arguments, autocast=False, **options)
        self.means: dict[str, keras.metrics.Metric] = {}

    @contextmanager
    def own_policy(self) -> Iterator[None]:
        """Layers made inside compute with this model's own precision, as they must when a saved one is read again."""
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.dtype_policy)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(before)

    def __call__(self, inputs: Any, *arguments: Any, **options: Any) -> Any:
        # Not in `call`: Keras wraps what is refused there in a report of many lines.
        return super().__call__(checked_batch(inputs, self.image_shape), *arguments, **options)

    def predict(self, x: Any, *arguments: Any, **options: Any) -> dict[str, np.ndarray]:
        """The boxes on images, with scores and labels; the arguments are those of Keras' `predict`.

        Args:
            x: float32 (N, H, W, C) in [0, 1], or a tf.data stream of such images or of `BoxedImages.to_tf`'s batches.

        Returns:
            "boxes" (N, D, 4) in pixels, "scores" (N, D) in [0, 1] and "labels" (N, D): see the class.

        Raises:
            LookInsideError: for images that are none.
        """
        return super().predict(self._checked(x), *arguments, **options)

    def predict_on_batch(self, x: Any) -> dict[str, np.ndarray]:
        """The same of one batch."""
        return super().predict_on_batch(self._checked(x))

    def _checked(self, x):
        """Images whose values can be looked at now; streams and dictionaries are looked at when they are called on."""
        now = isinstance(x, np.ndarray | list | tuple) or keras.ops.is_tensor(x) or hasattr(x, "pixels")
        return checked_pixels(x, self.image_shape) if now else x

    def predict_step(self, data: Any) -> dict[str, keras.KerasTensor]:
        given = data[0] if isinstance(data, tuple) else data
        if isinstance(given, Mapping):
            given = {name: one for name, one in given.items() if name == "images"}
        return self(given, training=False)

    def get_config(self) -> dict[str, Any]:
        # Single precision goes without saying, so that the runs of it keep their folders.
        if self.dtype_policy.name == "float32":
            return {"name": self.name}
        return {"name": self.name, "dtype": keras.dtype_policies.serialize(self.dtype_policy)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> BoxModel:
        return cls(**({"dtype": "float32"} | config))

    def get_compile_config(self) -> None:
        """Nothing: a saved model is one that predicts. Training goes on from a run folder."""

    def train_step(self, data: Any) -> dict[str, Any]:
        self._refuse_without_boxes(data)
        logs = super().train_step(data)
        logs.pop("iou", None)  # measured on validation batches only
        return logs

    def test_step(self, data: Any) -> dict[str, Any]:
        self._refuse_without_boxes(data)
        return super().test_step(data)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *arguments: Any, **options: Any) -> Any:
        """The sum of the losses that `call` has returned, each a mean over the images.

        Not by `add_loss`: it keeps them in one list, in which the devices of a `tf.distribute` strategy find each
        other's losses too.
        """
        losses = [keras.ops.mean(one) for one in y_pred.values()] + list(self.losses)
        return keras.ops.sum([self._aggregate_additional_loss(one) for one in losses])

    def _refuse_without_boxes(self, data):
        given = data[0] if isinstance(data, tuple) else data
        if not isinstance(given, Mapping) or "boxes" not in given:
            checked_batch(given, self.image_shape)
            raise LookInsideError("There are no boxes to learn from: give batches such as `BoxedImages.to_tf` makes.")

    def mean(self, name: str) -> keras.metrics.Metric:
        """The running mean of this name; it is made when it is first asked for."""
        if name not in self.means:
            self.means[name] = keras.metrics.Mean(name=name)
        return self.means[name]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*super().metrics, *self.means.values()]
