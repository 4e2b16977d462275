"""The glaucoma classifier of Wang et al. 2019, as the figure of its authors' code has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import keras
from keras import layers

from lookinside.errors import LookInsideError
from lookinside.models.building import Builder, image_input

MAPS = (64, 128, 192, 192, 256)
_HEADS, _PADDINGS = ("dense", "pooling"), ("valid", "same")


def wang_convnet(
    input_shape: Sequence[int],
    classes: int,
    *,
    head: Literal["dense", "pooling"] = "dense",
    padding: Literal["valid", "same"] = "valid",
    fc_units: int = 256,
    width: float = 1.0,
    initializer: str | keras.Initializer = "he_normal",
    weight_decay: float = 0.0,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """Five convolutions of 5 x 5 with a stride of 2 and one hidden layer, the network that Wang et al. 2019 look into.

    Layers: conv1 to conv5, each with its ReLU, then fc6 and logits ("dense", the authors' head), or pool5, the mean of
    each map, and logits ("pooling"), because a class activation map needs the logits to be a weighted sum of the maps.
    The paper itself says nothing of the layers: sizes are those of the figure in the authors' code. Neither gives the
    start of the weights: He-normal is ours. At 227 x 227 x 3 and 2 classes it has 4,024,578 weights, 2,975,746 with the
    pooling head.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits.

    Args:
        input_shape: (H, W, C) of one image. Without padding the strides leave 227 -> 112 -> 54 -> 25 -> 11 -> 4, and
            125 -> 1: H and W have to be 125 at least. With "same" padding 96 -> 48 -> 24 -> 12 -> 6 -> 3, 32 at least.
        classes: number of classes, at least 2.
        head: "dense" or "pooling".
        padding: "valid" is none, as in the figure; "same" is for smaller images.
        fc_units: of fc6 at width 1.
        width: multiplies the number of maps and of hidden units; 1 is the authors' network.
        initializer: of all kernels, as Keras takes it; biases start from zero.
        weight_decay: L2 penalty on kernels, see `alexnet`.
        batch_norm: put batch normalisation between each convolution and its ReLU.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image that is too small, fewer than two classes, or an
            option outside its range.
    """
    for name, value, choices in (("head", head, _HEADS), ("padding", padding, _PADDINGS)):
        if value not in choices:
            raise LookInsideError(f"{name} is {value!r}: choose from {', '.join(choices)}.")
    build = Builder("he_normal", width, initializer, weight_decay, batch_norm, bn_momentum)
    if padding == "valid":
        why = "five 5 x 5 convolutions without padding (padding='same' takes 32)"
        inputs = image_input(input_shape, classes, smallest=125, why=why)
    else:
        inputs = image_input(input_shape, classes, smallest=32, why="five strides of 2")
    x = inputs
    for number, maps in enumerate(MAPS, 1):
        x = build.conv(x, f"conv{number}", maps, 5, strides=2, padding=padding)
    if head == "pooling":
        x = layers.GlobalAveragePooling2D(name="pool5")(x)
    else:
        x = layers.Flatten(name="flatten")(x)
        x = build.fully_connected(x, "fc6", fc_units)
    return keras.Model(inputs, build.logits(x, classes), name=f"wang_convnet_{head}")
