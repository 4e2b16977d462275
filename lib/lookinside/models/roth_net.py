"""The network that Roth et al. 2015 train on body regions: the one-GPU ImageNet network of cuda-convnet2."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from lookinside.layers import LocalResponseNormalization
from lookinside.models.building import CAFFE, Builder, image_input


def roth_convnet(
    input_shape: Sequence[int],
    classes: int,
    *,
    dropout: bool = True,
    fc_units: int = 4096,
    width: float = 1.0,
    initializer: str | keras.Initializer = CAFFE,
    pixel_range: tuple[float, float] = (-128.0, 127.0),
    weight_decay: float = 0.0,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """Five convolutions and two hidden layers (Roth et al. 2015, Fig. 3; Krizhevsky 2014).

    Layers: conv1, norm1, pool1, relu1, conv2, norm2, pool2, relu2, conv3, conv4, conv5, pool5, fc6, fc7, logits. In the
    first two blocks the ReLU comes behind the pool, as in the authors' code; a ReLU and a maximum may change places,
    but here the normalisation sees values below zero, too. The text calls the pools non-overlapping; those of the
    code are 3 x 3 with a stride of 2. At 256 x 256 x 1 and 5 classes it has 70,640,325 weights, nine tenths of them in
    fc6 and fc7.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 57. conv1 leaves a quarter of them and each pool half of
            that: 256 -> 64 -> 31 -> 15 -> 7, but 64 -> 16 -> 7 -> 3 -> 1: there fc6 reads one pixel.
        classes: number of classes, at least 2.
        dropout: drop half of fc6 and of fc7 while training.
        fc_units: of fc6 and fc7 at width 1.
        width: multiplies the number of maps and of hidden units; 1 is the published network.
        initializer: of all kernels, see `alexnet`.
        pixel_range: what 0 and 1 become before conv1. The authors subtract the training set's mean image from pixels of
            0 to 255; the default takes the middle of the range for it.
        weight_decay: L2 penalty on kernels, see `alexnet`.
        batch_norm: put batch normalisation behind each convolution.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image under 57 pixels, fewer than two classes, or an
            option outside its range.
    """
    build = Builder(0.01, width, initializer, weight_decay, batch_norm, bn_momentum)
    hidden = {"dropout": 0.5 if dropout else 0.0, "bias": 0.1, "start": 0.005}
    inputs = image_input(input_shape, classes, smallest=57, why="a stride of 4 and three 3 x 3 pools")
    x = build.pixels(inputs, pixel_range)
    for number, (maps, size, strides) in enumerate(((64, 11, 4), (192, 5, 1)), 1):
        x = build.conv(x, f"conv{number}", maps, size, strides, bias=0.1 * (number - 1), relu=False)
        x = LocalResponseNormalization(name=f"norm{number}")(x)
        x = layers.MaxPooling2D(3, 2, name=f"pool{number}")(x)
        x = build.relu(x, f"conv{number}")
    x = build.conv(x, "conv3", 384, 3)
    x = build.conv(x, "conv4", 256, 3, bias=0.1)
    x = build.conv(x, "conv5", 256, 3, bias=0.1)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    x = layers.Flatten(name="flatten")(x)
    x = build.fully_connected(x, "fc6", fc_units, **hidden)
    x = build.fully_connected(x, "fc7", fc_units, **hidden)
    return keras.Model(inputs, build.logits(x, classes), name="roth_convnet")
