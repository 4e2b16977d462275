"""The first stages of ResNet-18 (He et al. 2016), whose feature maps a detector reads."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import keras
from keras import layers

from lookinside.errors import LookInsideError
from lookinside.models.building import Builder, image_input

# He et al. 2016, Table 1: the maps of conv2_x, conv3_x, conv4_x, conv5_x; each has two blocks.
STAGES = (64, 128, 256, 512)


def resnet18_stages(
    input_shape: Sequence[int],
    width: float = 1.0,
    stages: int = 3,
    *,
    initializer: str | keras.Initializer = "he_normal",
    weight_decay: float = 0.0,
    bn_momentum: float = 0.9,
    name: str = "resnet18",
) -> keras.Model:
    """The first stages of ResNet-18, with the feature maps at strides 8 and 16 (He et al. 2016, Table 1).

    Layers: conv1, bn1, relu1, pool1, then two blocks a stage. Block conv3_1 is made of conv3_1a, conv3_1b and, where
    maps or stride change, conv3_1_shortcut, each with its batch normalisation, bn3_1a and so on. conv3_1_add adds the
    two ways, relu3_1 ends the block. Convolutions have no biases. Three stages have 2,787,264 weights at width 1 for
    three channels, moving means and variances included, and 2,780,992 for one channel.

    As in the published network padding is the same on all sides, so cell (i, j) of a map of stride s reads an image
    around the pixel (s * i, s * j), not around the middle of s x s pixels.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: a dictionary, "conv3_x": (N, H / 8, W / 8, 128 * width),
    "conv4_x": (N, H / 16, W / 16, 256 * width) and so on, sides rounded up.

    Args:
        input_shape: (H, W, C) of one image; H and W at least 16 for three stages.
        width: multiplies the number of maps; 1 is the published network.
        stages: 2, 3 or 4: the last is conv3_x, conv4_x or conv5_x.
        initializer: of all kernels, as Keras takes it.
        weight_decay: L2 penalty on kernels, counted as SGD counts it: weight_decay * w is added to the gradient of each
            weight w. (Keras' own L2 adds twice its factor.)
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.
        name: of the model; two of them in one model need two names.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image that is too small, or an option outside its range.
    """
    if not isinstance(stages, Integral) or isinstance(stages, bool) or not 2 <= stages <= len(STAGES):
        raise LookInsideError(f"stages is {stages!r}: give 2, 3 or 4.")
    build = Builder("he_normal", width, initializer, weight_decay, batch_norm=True, bn_momentum=bn_momentum)
    inputs = image_input(input_shape, None, smallest=2 ** (stages + 1), why=f"{stages + 1} halvings")
    x = layers.ZeroPadding2D(3, name="conv1_pad")(inputs)
    x = build.conv(x, "conv1", STAGES[0], 7, 2, padding="valid", bias=None)
    x = layers.ZeroPadding2D(1, name="pool1_pad")(x)  # behind a ReLU zero is as good as nothing
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    outputs = {}
    for stage, maps in enumerate(STAGES[:stages]):
        for block in (1, 2):
            x = _block(build, x, f"conv{stage + 2}_{block}", maps, strides=2 if stage and block == 1 else 1)
        if stage:
            outputs[f"conv{stage + 2}_x"] = x
    return keras.Model(inputs, outputs, name=name)


def _block(build, x, name, maps, strides):
    """Two 3 x 3 convolutions beside a way that leaves its input as it is, or fits it by a 1 x 1 convolution."""
    shortcut = x
    if strides > 1:
        shortcut = build.conv(x, f"{name}_shortcut", maps, 1, strides, bias=None, relu=False)
        x = layers.ZeroPadding2D(1, name=f"{name}a_pad")(x)
    x = build.conv(x, f"{name}a", maps, 3, strides, padding="valid" if strides > 1 else "same", bias=None)
    x = build.conv(x, f"{name}b", maps, 3, bias=None, relu=False)
    return build.relu(layers.Add(name=f"{name}_add")([x, shortcut]), name)
