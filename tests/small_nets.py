"""One small classifier in many spellings, and the explainers, for their tests.

Layers of the same name get the same weights, however the model is put together: all spellings have the same maps.
"""

from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl

from lookinside.explain import (
    CAM,
    ClassDeconvnet,
    GradCAM,
    GradCAMPlusPlus,
    GuidedBackprop,
    LayerCAM,
    Occlusion,
    PathologyAware,
    Saliency,
    SmoothGrad,
)

SHAPE = (12, 10, 1)
SALT = 398  # such that no map below is empty and the predicted classes differ
IMAGES = np.random.default_rng(0).normal(0.2, 1, (3, *SHAPE)).astype("float32") * np.array(
    [0.5, 1, 2], "float32"
).reshape(3, 1, 1, 1)
CLASSES = np.array([2, 0, 1])

GRADIENTS = {  # those that can keep the signs
    "Saliency": Saliency,
    "GuidedBackprop": GuidedBackprop,
    "ClassDeconvnet": ClassDeconvnet,
    "SmoothGrad": lambda model, **options: SmoothGrad(model, **{"samples": 5, "copies": 6, **options}),
}
EXPLAINERS = {
    **GRADIENTS,
    "GradCAM": GradCAM,
    "GradCAMPlusPlus": GradCAMPlusPlus,
    "LayerCAM": LayerCAM,
    "CAM": CAM,
    "Occlusion": lambda model, **options: Occlusion(model, (5, 4), (4, 3), 0.3, **{"copies": 7, **options}),
    "PathologyAware": lambda model, **options: PathologyAware(model, **options).only("high"),
}

# How a ReLU and a head can be spelled: the argument of the layer before it, and what is called on that layer's output.
RELUS = {
    "argument": ("relu", None),
    "layer": (None, lambda x: kl.ReLU()(x)),
    "Activation": (None, lambda x: kl.Activation("relu")(x)),
    "operation": (None, keras.ops.relu),
}
HEADS = {
    "logits": (None, None),
    "softmax argument": ("softmax", None),
    "softmax layer": (None, lambda x: kl.Softmax()(x)),
    "softmax Activation": (None, lambda x: kl.Activation("softmax", dtype="float32")(x)),
    "softmax operation": (None, keras.ops.softmax),
    "softmax function": (None, keras.activations.softmax),
    "log_softmax argument": ("log_softmax", None),
    "log_softmax operation": (None, keras.ops.log_softmax),
    "softmax, then passed on": ("softmax", lambda x: kl.Activation("linear", dtype="float32")(kl.Dropout(0.5)(x))),
    "sigmoid argument": ("sigmoid", None),
    "sigmoid Activation": (None, lambda x: kl.Activation("sigmoid")(x)),
    "sigmoid operation": (None, keras.ops.sigmoid),
}


@contextmanager
def policy(name):
    """Layers and operations made in here have this dtype policy."""
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


def spelled(layer, after):
    """A layer and what follows it, as a function."""
    return (lambda x: after(layer(x))) if after else layer


def body(x, relu="argument"):
    """Two convolutions, a normalisation, a pool that overlaps: (N, H, W, C) -> (N, 4, 3, 6)."""
    argument, after = RELUS[relu]
    x = spelled(kl.Conv2D(5, 3, padding="same", activation=argument, name="conv1"), after)(x)
    x = kl.MaxPooling2D(3, 2, padding="same", name="pool")(kl.BatchNormalization(name="bn")(x))
    return spelled(kl.Conv2D(6, (3, 2), padding="valid", activation=argument, name="conv2"), after)(x)


def top(x, head="logits", columns=3, name="fc"):
    """Global average pooling and one dense layer."""
    argument, after = HEADS[head]
    return spelled(kl.Dense(columns, activation=argument, name=name), after)(kl.GlobalAveragePooling2D()(x))


def net(relu="argument", head="logits", columns=3, shape=SHAPE):
    """The plain spelling: functional, nothing nested."""
    inputs = keras.Input(shape)
    return filled(keras.Model(inputs, top(body(inputs, relu), head, columns)))


def filled(model):
    """The model, with weights that depend on nothing but its layers' names and the weights' shapes."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.Model):
            continue
        rng = np.random.default_rng([SALT, *layer.name.encode()])
        for weight in layer.weights:
            if weight.name == "kernel":
                weight.assign(rng.normal(0, np.sqrt(2 / np.prod(weight.shape[:-1])), weight.shape))
            elif weight.name in ("bias", "beta", "moving_mean"):
                weight.assign(rng.normal(0, 0.3, weight.shape))
            elif weight.name in ("gamma", "moving_variance"):
                weight.assign(rng.uniform(0.5, 1.5, weight.shape))
    return model


def gradient(logits_model, images, classes):
    """The plain gradient of the classes' logits, by an eager tape: float32 (N, H, W, C)."""
    images = tf.convert_to_tensor(images, "float32")
    with tf.GradientTape() as tape:
        tape.watch(images)
        score = tf.gather(logits_model(images), classes, axis=1, batch_dims=1)
    return tape.gradient(score, images).numpy()


def assert_same(found, expected, tolerance=1e-6):
    """Each image's map is as expected, to a share of that map's own largest value."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    axes = tuple(range(1, expected.ndim))
    peaks = np.abs(expected).max(axis=axes, keepdims=True)
    assert (peaks > 0).all()
    assert (np.abs(found - expected) <= tolerance * peaks).all()


def far_apart(one, other):
    """Whether each image's maps differ by a tenth of the largest value and more."""
    axes = tuple(range(1, one.ndim))
    return bool((np.abs(one - other).max(axis=axes) > 0.1 * np.abs(other).max(axis=axes)).all())
