"""The network that Khan & Yong 2016 propose, and what their Table I and text say of it."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from lookinside.layers import LocalResponseNormalization
from lookinside.models.building import CAFFE, Builder, image_input

# Each row: (where the paper says it, what it says, the name of our layer).
KHAN_YONG_TABLE: tuple[tuple[str, str, str], ...] = (
    ("Table I, Layer 1", "96 filters, 11x11, stride 4", "conv1"),
    ("Section III", "local response normalization", "norm1"),
    ("Section III", "pooling, kernel 3, stride 2", "pool1"),
    ("Table I, Layer 2", "256 filters, 5x5, stride 2", "conv2"),
    ("Table I, Layer 3", "384 filters, 3x3, stride 2", "conv3"),
    ("Table I, Layer 4", "256 filters, 3x3, stride 2", "conv4"),
    ("Table I, fully connected layer", "4096 units", "fc5"),
    ("Section III", "4096-dimensional vector for each image", "fc6"),
    ("not in the paper", "5 classes", "logits"),
)


def khan_cnn(
    input_shape: Sequence[int],
    classes: int,
    *,
    fc_units: int = 4096,
    width: float = 1.0,
    initializer: str | keras.Initializer = CAFFE,
    pixel_range: tuple[float, float] = (-128.0, 127.0),
    weight_decay: float = 0.0,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """The proposed network: four convolutions, one pool, two hidden layers (Khan & Yong 2016, Table I and Fig. 2).

    Layers: conv1, norm1, pool1, conv2, conv3, conv4, fc5, fc6, logits. The paper leaves open, and we decide: 'same'
    padding in the convolutions and none in the pool, maxima in the pool, a ReLU behind fc6 as behind fc5 (without one
    fc6 and logits would be one linear layer), and a layer of logits behind fc6, whose 4096 units are no five classes.
    At 227 x 227 x 1 and 5 classes it has 35,979,589 weights.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 9. The strides leave 227 -> 57 -> 28 -> 14 -> 7 -> 4, but
            64 -> 16 -> 7 -> 4 -> 2 -> 1: there fc5 reads one pixel.
        classes: number of classes, at least 2.
        fc_units: of fc5 and fc6 at width 1.
        width: multiplies the number of maps and of hidden units; 1 is the paper's network.
        initializer: of all kernels, as Keras takes it, "he_normal" say; biases start from zero. The paper does not say;
            "caffe" is the start of `alexnet`, layer by layer.
        pixel_range: what 0 and 1 become before conv1, see `alexnet`.
        weight_decay: L2 penalty on kernels, not on biases, counted as Caffe and SGD count it: weight_decay * w is added
            to the gradient of each weight w. (Keras' own L2 adds twice its factor.) The paper's is 0.0005.
        batch_norm: put batch normalisation between each convolution and its ReLU.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image under 9 pixels, fewer than two classes, or an
            option outside its range.
    """
    build = Builder(0.01, width, initializer, weight_decay, batch_norm, bn_momentum)
    hidden = {"bias": 0.1, "start": 0.005}
    inputs = image_input(input_shape, classes, smallest=9, why="a stride of 4 and a 3 x 3 pool")
    x = build.pixels(inputs, pixel_range)
    x = build.conv(x, "conv1", 96, 11, strides=4)
    x = LocalResponseNormalization(name="norm1")(x)
    x = layers.MaxPooling2D(3, 2, name="pool1")(x)
    x = build.conv(x, "conv2", 256, 5, strides=2, bias=0.1)
    x = build.conv(x, "conv3", 384, 3, strides=2)
    x = build.conv(x, "conv4", 256, 3, strides=2, bias=0.1)
    x = layers.Flatten(name="flatten")(x)
    x = build.fully_connected(x, "fc5", fc_units, **hidden)
    x = build.fully_connected(x, "fc6", fc_units, **hidden)
    return keras.Model(inputs, build.logits(x, classes), name="khan_cnn")
