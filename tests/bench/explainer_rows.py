"""The explainers against tf-keras-vis in the same process; what it has not, against plain loops."""

from __future__ import annotations

import warnings
from importlib.metadata import version

import keras
import numpy as np
import tensorflow as tf
from measure import Duel
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.saliency import Saliency as TheirSaliency
from tf_keras_vis.utils.model_modifiers import GuidedBackpropagation

from lookinside.explain import GradCAM, GuidedBackprop, Occlusion, PathologyAware, Saliency, SmoothGrad
from lookinside.explain.maps.selection import feature_sets, l1_norms_and_moments
from lookinside.models import deeper_cnn

warnings.filterwarnings("ignore", message="The structure of `inputs`")  # tf-keras-vis hands its model a list

PEER = f"tf-keras-vis {version('tf-keras-vis')}"
LAYER = "relu4_3"
RELUS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu4_1", "relu4_2", "relu4_3")


def setting(side: int, count: int):
    """The deeper network, images and the classes that it predicts."""
    keras.utils.set_random_seed(0)
    model = deeper_cnn((side, side, 1), 24)
    images = np.random.default_rng(0).random((count, side, side, 1), "float32")
    classes = Saliency(model).predict(images)
    return model, images, classes, lambda logits: tf.gather(logits, classes, axis=1, batch_dims=1)


def saliency(side, count):
    """One gradient."""
    model, images, classes, score = setting(side, count)
    ours, theirs = Saliency(model), TheirSaliency(model)
    return lambda: ours(images, classes), lambda: theirs(score, images)


def guided(side, count):
    """One guided gradient; theirs changes its model's activations, so it gets one of its own."""
    model, images, classes, score = setting(side, count)
    ours, theirs = GuidedBackprop(model), TheirSaliency(model, model_modifier=GuidedBackpropagation(), clone=True)
    return lambda: ours(images, classes), lambda: theirs(score, images)


def smooth(side, count):
    """Twenty noisy gradients."""
    model, images, classes, score = setting(side, count)
    ours, theirs = SmoothGrad(model, samples=20), TheirSaliency(model)
    return lambda: ours(images, classes), lambda: theirs(score, images, smooth_samples=20, smooth_noise=0.15)


def gradcam(side, count):
    """One class activation map."""
    model, images, classes, score = setting(side, count)
    ours, theirs = GradCAM(model), Gradcam(model)
    return lambda: ours(images, classes), lambda: theirs(score, images, penultimate_layer=LAYER)


def gradcam_and_forward(side, count):
    """Grad-CAM against the model alone, both as one traced function."""
    model, images, classes, _ = setting(side, count)
    ours, forward = GradCAM(model), tf.function(lambda x: model(x, training=False))
    return lambda: ours(images, classes), lambda: forward(tf.constant(images)).numpy()


def occlusion(side, count):
    """49 patches, against one `predict` for each occluded copy."""
    model, images, classes, _ = setting(side, count)
    patch = side // 4
    ours = Occlusion(model, patch, patch // 2)
    starts = range(0, side - patch + 1, patch // 2)

    def loop():
        clean = model.predict(images, verbose=0)[np.arange(count), classes]
        drops = []
        for top in starts:
            for left in starts:
                hidden = images.copy()
                hidden[:, top : top + patch, left : left + patch] = 0
                drops.append(clean - model.predict(hidden, verbose=0)[np.arange(count), classes])
        return drops

    return lambda: ours(images, classes), loop


def pathology_and_saliency(side, count):
    """Both maps of all layers, against one gradient of the image."""
    model, images, classes, _ = setting(side, count)
    ours, one_pass = PathologyAware(model), Saliency(model)
    return lambda: ours(images, classes), lambda: one_pass(images, classes)


def pathology(side, count):
    """Both maps of all layers, against a pass for each layer and a sum over maps, each enlarged by itself."""
    model, images, classes, score = setting(side, count)
    ours = PathologyAware(model)
    readers = [keras.Model(model.input, [model.get_layer(name).output, model.output]) for name in RELUS]

    def one_by_one():
        sums = [tf.zeros((count, side, side)), tf.zeros((count, side, side))]
        for reader in readers:
            pixels = tf.constant(images)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pixels)
                maps, logits = reader(pixels, training=False)
                wanted = score(logits)
            weights = tf.reduce_mean(tape.gradient(wanted, maps), axis=(1, 2))
            norms, moments = l1_norms_and_moments(maps)
            sets = feature_sets(norms, moments)
            for k in range(maps.shape[-1]):
                larger = tf.image.resize(maps[..., k : k + 1], (side, side))[..., 0]
                for which, chosen in enumerate((sets.low, sets.high)):
                    sums[which] += tf.where(chosen[:, k], weights[:, k], 0.0)[:, None, None] * larger
        return [one.numpy() for one in sums]

    return lambda: ours(images, classes), one_by_one


def row(name, make, side, count, floor, other=PEER, rounds=9):
    """A row of the table."""
    images = f"{count} image{'s' * (count > 1)} of {side} px"
    return Duel(f"{name}, {images}", other, floor, lambda: make(side, count), rounds)


ROWS = [
    *(
        row("Saliency", saliency, side, count, floor)
        for side, count, floor in ((64, 1, 2.5), (64, 16, 1.4), (224, 1, 1.4), (224, 16, 1.4))
    ),
    *(
        row("GuidedBackprop", guided, side, count, floor)
        for side, count, floor in ((64, 1, 2.5), (64, 16, 1.4), (224, 1, 1.4), (224, 16, 1.4))
    ),
    *(
        row("SmoothGrad of 20", smooth, side, count, floor, rounds=3)
        for side, count, floor in ((64, 1, 5), (64, 16, 1.8), (224, 1, 1.7))
    ),
    *(
        row("GradCAM", gradcam, side, count, floor)
        for side, count, floor in ((64, 1, 5), (64, 16, 3.5), (224, 1, 2.8), (224, 16, 2.8))
    ),
    row("GradCAM", gradcam_and_forward, 64, 16, 0.8, "one forward pass"),
    row("PathologyAware", pathology_and_saliency, 224, 16, 1 / 1.6, "Saliency's forward and backward pass", 5),
    row("PathologyAware", pathology, 64, 16, 8, "a pass for each layer and a loop over maps", 3),
    *(
        row("Occlusion, 49 patches", occlusion, side, 1, floor, "a loop of predict calls", 3)
        for side, floor in ((64, 10), (224, 2))
    ),
]
