"""AlexNet (Krizhevsky et al. 2012), in one group."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from lookinside.layers import LocalResponseNormalization
from lookinside.models.building import CAFFE, Builder, image_input


def alexnet(
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
    """AlexNet: five convolutions, two normalisations, three pools, two hidden layers (Krizhevsky et al. 2012, Fig. 2).

    Layers: conv1, norm1, pool1, conv2, norm2, pool2, conv3, conv4, conv5, pool5, fc6, fc7, logits. In one group: the
    paper splits conv2, conv4 and conv5 over two GPUs, here each reads all maps. At 227 x 227 x 3 and 1000 classes it
    has 62,378,344 weights. All convolutions have 'same' padding, conv1 too, where the paper's has none: its maps have
    57 pixels at 227 rather than 55, fc6 reads 6 x 6 as in the paper, and images of 64 pixels are large enough.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 57. conv1 leaves a quarter of them and each pool half of
            that: 227 -> 57 -> 28 -> 13 -> 6, but 64 -> 16 -> 7 -> 3 -> 1: there fc6 reads one pixel.
        classes: number of classes, at least 2.
        dropout: drop half of fc6 and of fc7 while training.
        fc_units: of fc6 and fc7 at width 1.
        width: multiplies the number of maps and of hidden units; 1 is the published network.
        initializer: of all kernels, as Keras takes it, "he_normal" say; biases start from zero. "caffe" is the start of
            Caffe's copy: a Gaussian of standard deviation 0.01, 0.005 in fc6 and fc7; biases of 0.1 in conv2, conv4,
            conv5, fc6 and fc7, for with the paper's biases of 1 its authors, too, saw no learning. At another width the
            deviation is divided by sqrt(width): so many inputs fewer are made up for.
        pixel_range: what 0 and 1 become before conv1: Caffe's copy reads pixels from 0 to 255 less the training images'
            mean, (-mean, 255 - mean). The default takes the middle of the range for it. A start as small as 0.01 is
            made for such pixels, and learns nothing from (0, 1), which suits "he_normal".
        weight_decay: L2 penalty on kernels, not on biases, counted as Caffe and SGD count it: weight_decay * w is added
            to the gradient of each weight w. (Keras' own L2 adds twice its factor.)
        batch_norm: put batch normalisation between each convolution and its ReLU.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image under 57 pixels, fewer than two classes, or an
            option outside its range.
    """
    build = Builder(0.01, width, initializer, weight_decay, batch_norm, bn_momentum)
    hidden = {"dropout": 0.5 if dropout else 0.0, "bias": 0.1, "start": 0.005}
    inputs = image_input(input_shape, classes, smallest=57, why="a stride of 4 and three 3 x 3 pools")
    x = build.pixels(inputs, pixel_range)
    x = build.conv(x, "conv1", 96, 11, strides=4)
    x = LocalResponseNormalization(name="norm1")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    x = build.conv(x, "conv2", 256, 5, bias=0.1)
    x = LocalResponseNormalization(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)
    x = build.conv(x, "conv3", 384, 3)
    x = build.conv(x, "conv4", 384, 3, bias=0.1)
    x = build.conv(x, "conv5", 256, 3, bias=0.1)
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)
    x = layers.Flatten(name="flatten")(x)
    x = build.fully_connected(x, "fc6", fc_units, **hidden)
    x = build.fully_connected(x, "fc7", fc_units, **hidden)
    return keras.Model(inputs, build.logits(x, classes), name="alexnet")
