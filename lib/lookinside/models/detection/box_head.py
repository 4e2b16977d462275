"""The head of Faster R-CNN: what a grid of features of a region says of its class and its box."""

from __future__ import annotations

import keras
from keras import layers, ops

from lookinside.models.detection.losses import SHIFT


class BoxHead(layers.Layer):
    """Fully connected layers from the features of regions to logits and box codes.

    Args:
        kinds: number of classes.
        units: of its two hidden layers.
        codes: numbers of a box: 4, shift and stretch; or 2, the stretch alone, where something else finds the centre.
        seed: of the start weights of logits and codes; those of the hidden layers are Keras' own.

    Input shape: (B, R, ...), features of each region.

    Output shape: logits (B, R, kinds) and box codes (B, R, codes), float32.

    Source: Girshick 2015; codes of all classes alike.
    """

    def __init__(self, kinds: int, units: int = 1024, *, codes: int = 4, seed: int = 0, name: str = "head"):
        super().__init__(name=name)
        start = keras.initializers.RandomNormal(stddev=0.01, seed=seed)
        self.hidden = [layers.Dense(units, activation="relu", name=f"hidden_{number}") for number in (1, 2)]
        self.score = layers.Dense(kinds, kernel_initializer=start, dtype="float32", name="score")
        self.code = layers.Dense(codes, kernel_initializer=start, dtype="float32", name="code")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        flat = 1
        for side in input_shape[2:]:
            flat *= side
        shape = (None, None, flat)
        for layer in self.hidden:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.score.build(shape)
        self.code.build(shape)

    def call(self, features: keras.KerasTensor) -> tuple[keras.KerasTensor, keras.KerasTensor]:
        flat = 1
        for side in features.shape[2:]:
            flat *= side
        features = ops.reshape(features, (-1, features.shape[1], flat))
        for layer in self.hidden:
            features = layer(features)
        codes = self.code(features)
        return self.score(features), codes * (SHIFT if codes.shape[-1] == 4 else SHIFT[2:])
