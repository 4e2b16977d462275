"""The thin-plate spline against SciPy's, image by image, and against Keras' elastic deformation."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from measure import Duel
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates

from lookinside.layers import ThinPlateSpline

SIDE, BATCH = 256, 32
NAME = f"ThinPlateSpline, an image of {SIDE} px in a batch of {BATCH}"


def batch(count: int):
    """So many grey images."""
    return np.random.default_rng(0).random((count, SIDE, SIDE, 1), "float32")


def layer_call(jit_compile: bool = False):
    """The layer as `Dataset.map` and `fit` call it: traced."""
    layer = ThinPlateSpline(seed=0)
    call = tf.function(lambda images: layer(images, training=True), jit_compile=jit_compile)
    images = tf.constant(batch(BATCH))
    return layer, lambda: call(images).numpy()


def scipy_call(layer: ThinPlateSpline, count: int):
    """The same deformations, each image's spline solved, read at every pixel, and the image resampled."""
    images = batch(count)[..., 0]
    layer.build((SIDE, SIDE, 1))
    points, displacements = layer.control_points, np.array(layer.random_displacements(count), float)
    pixels = np.indices((SIDE, SIDE)).reshape(2, -1).T.astype(float)

    def all_images():
        for image, values in zip(images, displacements, strict=True):
            spline = RBFInterpolator(points, values, kernel="thin_plate_spline", smoothing=layer.stiffness)
            map_coordinates(image, (pixels + spline(pixels)).T, order=1, mode="grid-constant").reshape(SIDE, SIDE)

    return all_images


def against_scipy(jit_compile: bool):
    """Both ways, four images a call for SciPy."""
    layer, ours = layer_call(jit_compile)
    return ours, scipy_call(layer, 4)


def against_elastic():
    """Both ways, two images a call for Keras' layer at its full strength, which moves pixels by less than one."""
    elastic, images = (
        keras.layers.RandomElasticTransform(factor=(1.0, 1.0), scale=(1.0, 1.0), seed=0),
        tf.constant(batch(2)),
    )
    return layer_call()[1], lambda: elastic(images, training=True).numpy()


SCIPY = "RBFInterpolator and map_coordinates"
ROWS = [
    Duel(NAME, SCIPY, 12, lambda: against_scipy(False), rounds=7, counts=(BATCH, 4)),
    Duel(f"{NAME}, compiled by XLA", SCIPY, 25, lambda: against_scipy(True), rounds=7, counts=(BATCH, 4)),
    Duel(NAME, "keras.layers.RandomElasticTransform", 100, against_elastic, rounds=3, counts=(BATCH, 2)),
]
