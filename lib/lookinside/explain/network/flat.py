"""A model's float32 copy without nesting, ending in logits: what a library that opens no nested model can explain."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from lookinside.errors import LookInsideError
from lookinside.explain.network.activations import is_only_activation
from lookinside.explain.network.graph import Graph, Step
from lookinside.explain.network.head import Head
from lookinside.explain.network.precision import copy_weights, float_config
from lookinside.explain.network.stand_ins import stand_in
from lookinside.explain.network.tracing import traced

MAPS = "explained_maps"


class FlatModel:
    """A copy of a classifier that any explainer understands: functional, float32, two or more logits at its end.

    One logit z becomes the two -z/2 and z/2: the softmax of the pair is the sigmoid of z.

    Args:
        graph: of the model.
        head: where its logits are.
        value: number of the value that is given the layer name `MAPS`; None names none.
    """

    def __init__(self, graph: Graph, head: Head, value: int | None = None):
        self._head, self._twins = head, {}
        image = keras.Input(graph.steps[0].node.input_tensors[0].shape[1:], name="explained_image")
        known = {0: image}
        if value is not None:
            known = graph.compute(known, [value], self._call)
            known[value] = keras.layers.Identity(name=MAPS)(known[value])
            kept = graph.behind(value) - {value}
            known = {number: tensor for number, tensor in known.items() if number not in kept}
        logits = graph.compute(known, [head.value], self._call)[head.value]
        if head.columns == 1:
            logits = keras.layers.Concatenate(name="two_logits")(
                [keras.layers.Rescaling(scale, name=name)(logits) for scale, name in ((-0.5, "not_it"), (0.5, "it"))]
            )
        self.model = keras.Model([image], logits, name="flat")  # tf-keras-vis calls it with a list of inputs
        self._forward = traced(self.model.call)
        self.model.predict = self._predict  # Keras' own has a bar, and a warning for each model after the fifth

    def update(self):
        """Read the weights of the model that was copied."""
        for layer, twin in self._twins.values():
            copy_weights(layer, twin)

    def _predict(self, inputs, batch_size):
        """A list of one batch of images -> their logits, float32 (N, classes)."""
        images = tf.constant(inputs[0], tf.float32)
        starts = range(0, len(images), batch_size)
        return np.concatenate([self._forward([images[start : start + batch_size]]) for start in starts])

    def _call(self, step: Step, *arguments, **options):
        if step is self._head.squasher and is_only_activation(step.layer):
            return arguments[0]
        if not isinstance(step.layer, keras.Layer):
            return stand_in(step.layer)(*arguments, **options)  # a call with symbols is noted in the operation
        key = id(step.layer), step is self._head.squasher  # a head that is used twice ends in logits once
        if key not in self._twins:
            self._twins[key] = step.layer, self._twin(step)
        return self._twins[key][1](*arguments, **options)

    def _twin(self, step: Step):
        try:
            if "call" in vars(step.layer):
                raise TypeError("its call was set on the layer, no configuration knows of it")
            config = float_config(step.layer.get_config(), "float32") | {"name": f"copy_{len(self._twins)}"}
            if step is self._head.squasher:
                config["activation"] = "linear"
            return type(step.layer).from_config(config)
        except (TypeError, ValueError, NotImplementedError) as error:
            raise LookInsideError(
                f"Layer {step.name} ({type(step.layer).__name__}) cannot be copied from its configuration: use GradCAM."
            ) from error
