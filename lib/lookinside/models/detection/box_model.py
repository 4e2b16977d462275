"""What all models that answer with boxes have in common: dictionaries in and out, and each loss as a metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from lookinside.models.detection.checked_inputs import checked_pixels


class BoxModel(keras.Model):
    """A model that is called on images, or on dictionaries with "images", "boxes" and "labels" to learn from.

    A kind of it sets `image_shape`, and in `call` updates the metric `mean(name)` of each loss, and "iou" on validation
    batches.
    """

    def __init__(self, *arguments: Any, **options: Any):
        super().__init__(*arguments, **options)
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

    def predict(self, x: Any, *arguments: Any, **options: Any) -> dict[str, np.ndarray]:
        """The boxes on images, with scores and labels; the arguments are those of Keras' `predict`.

        Args:
            x: float32 (N, H, W, C) in [0, 1], or a tf.data stream of such images or of `BoxedImages.to_tf`'s batches.

        Returns:
            "boxes" (N, D, 4) in pixels, "scores" (N, D) in [0, 1] and "labels" (N, D): see the class.

        Raises:
            LookInsideError: for images that are none.
        """
        is_array = isinstance(x, np.ndarray | list | tuple) or keras.ops.is_tensor(x)
        return super().predict(checked_pixels(x, self.image_shape) if is_array else x, *arguments, **options)

    def predict_step(self, data: Any) -> dict[str, keras.KerasTensor]:
        given = data[0] if isinstance(data, tuple) else data
        return self(given["images"] if isinstance(given, Mapping) else given, training=False)

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
        logs = super().train_step(data)
        logs.pop("iou", None)  # measured on validation batches only
        return logs

    def mean(self, name: str) -> keras.metrics.Metric:
        """The running mean of this name; it is made when it is first asked for."""
        if name not in self.means:
            self.means[name] = keras.metrics.Mean(name=name)
        return self.means[name]

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        return [*super().metrics, *self.means.values()]
