"""Milliseconds an image of the generator at the authors' size, by any backend of Keras, on a GPU where there is one.

KERAS_BACKEND=jax python tests/bench/generator_speed.py        tensorflow and torch work, too
"""

from __future__ import annotations

import statistics
import time

import keras
import numpy as np

from lookinside.models.patho_gan import patho_generator


def main(repeats: int = 30) -> None:
    """Print a line for each size and batch: the median, and the spread over the repeats."""
    print(keras.backend.backend(), keras.__version__)
    for side in (128, 512):
        generator = patho_generator((side, side, 3), depth=6 if side == 512 else 5)
        for batch in (1, 8):
            vessels, noise = np.zeros((batch, side, side, 1), "float32"), np.zeros((batch, 400), "float32")
            inputs = [keras.ops.convert_to_tensor(one) for one in (vessels, noise)]
            draw = compiled(generator)
            keras.ops.convert_to_numpy(draw(inputs))
            spent = []
            for _ in range(repeats):
                began = time.perf_counter()
                keras.ops.convert_to_numpy(draw(inputs)[:1, :1, :1])  # waits for the device, copies next to nothing
                spent.append(1e3 * (time.perf_counter() - began) / batch)
            low, middle, high = min(spent), statistics.median(spent), max(spent)
            print(f"{side} px, batch {batch}: {middle:.2f} ms an image ({low:.2f} to {high:.2f})", flush=True)


def compiled(generator):
    """The generator as one compiled function, as far as the backend has one."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(lambda inputs: generator(inputs, training=False))
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda inputs: generator(inputs, training=False))
    return lambda inputs: generator(inputs, training=False)


if __name__ == "__main__":
    main()
