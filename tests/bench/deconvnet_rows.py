"""The deconvnet against the obvious way: one eager gradient call for each of the 25 maps."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from measure import Duel

from lookinside.explain import Deconvnet
from lookinside.models import deeper_cnn

TOP = 25


def one_image(side: int):
    """Both ways for one image and the top maps of the deeper network's last layer."""

    def prepare():
        keras.utils.set_random_seed(0)
        model = deeper_cnn((side, side, 1), 24)
        image = np.random.default_rng(0).random((1, side, side, 1), "float32")
        explain = Deconvnet(model, top_n=TOP)
        maps = keras.Model(model.input, model.get_layer(explain.layer).output)
        strongest = explain.maps(image).indices[0]

        def gradients():
            x = tf.convert_to_tensor(image)
            total = np.zeros((side, side), "float32")
            for index in strongest:
                with tf.GradientTape() as tape:
                    tape.watch(x)
                    activation = tf.reduce_sum(maps(x)[..., index])
                total += np.abs(tape.gradient(activation, x)[0, ..., 0])
            return total

        return lambda: explain(image), gradients

    return prepare


ROWS = [
    Duel(f"Deconvnet, top {TOP}, one image of 64 px", f"{TOP} eager gradient calls", 6, one_image(64)),
    Duel(f"Deconvnet, top {TOP}, one image of 224 px", f"{TOP} eager gradient calls", 3, one_image(224), rounds=3),
]
