"""Primitive detection: how much each cell of a feature map looks like each primitive (Liu et al. 2019, Eq. 2)."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from lookinside.layers.arguments import check_counts
from lookinside.layers.primitives.unit_length import unit_vectors


@keras.saving.register_keras_serializable("lookinside")
class PrimitiveDetection(keras.layers.Layer):
    """How much each cell of a feature map looks like each of K primitives.

    With gamma_i the feature vector of cell i, and v_k the semantic template of primitive k, both of length 1:

        Rs_k[i] = max(v_k . gamma_i, 0)

    A response is the cosine of an angle, from 0 to 1. The paper normalises the features; we normalise v_k too, or a
    primitive could win by being long. A cell whose features are all zero responds to nothing. Where a crop reaches
    beyond the image, its cells are such cells.

    The primitives start in random directions. `start_from` sets better ones, see `primitives_from_features`.

    Args:
        primitives: K, 1 or more; the paper's number is 128.

    Input shape: (B, M, N, C), features, C known.

    Output shape: (B, M, N, K), from 0 to 1.

    Raises:
        ValueError: for a number of primitives below 1, or an input whose number of channels is not known.

    Source: Liu, Wan & He 2019, section 2.2 and Eq. 2.
    """

    def __init__(self, primitives: int = 128, **kwargs: Any):
        super().__init__(**kwargs)
        check_counts(1, primitives=primitives)
        self.primitives = int(primitives)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if len(input_shape) != 4 or channels is None:
            raise ValueError(f"The input has shape {tuple(input_shape)}: (B, M, N, C) with a known C is needed.")
        start = keras.initializers.RandomNormal(stddev=channels**-0.5)  # of about length 1
        self.vectors = self.add_weight((self.primitives, channels), start, name="vectors")

    @property
    def templates(self) -> keras.KerasTensor:
        """v, the semantic templates, (K, C), each of length 1; known when the layer is built."""
        return unit_vectors(ops.convert_to_tensor(self._built_vectors()))

    def start_from(self, vectors: Any) -> None:
        """Set the primitives, and build the layer where it is not built yet.

        Args:
            vectors: (K, C), of any length above 0.

        Raises:
            ValueError: for vectors of another shape, or one that is zero or not finite.
        """
        vectors = np.asarray(vectors, "float32")
        channels = self.vectors.shape[1] if self.built else "C"
        if vectors.ndim != 2 or len(vectors) != self.primitives or channels not in ("C", vectors.shape[1]):
            raise ValueError(f"vectors have shape {vectors.shape}: ({self.primitives}, {channels}) is needed.")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise ValueError("A vector is zero or not finite: a primitive needs a direction.")
        if not self.built:
            self.build((None, None, None, vectors.shape[1]))
        self.vectors.assign(vectors / lengths)

    def call(self, features: keras.KerasTensor) -> keras.KerasTensor:
        return ops.relu(ops.matmul(unit_vectors(features), ops.transpose(self.templates)))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.primitives)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "primitives": self.primitives}

    def _built_vectors(self):
        if not self.built:
            raise ValueError(f"{self.name} has no primitives yet: call it on features, or say start_from(vectors).")
        return self.vectors
