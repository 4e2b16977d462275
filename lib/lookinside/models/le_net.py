"""LeNet-5 (LeCun et al. 1998), built as it is now."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from lookinside.models.building import CAFFE, Builder, image_input


def lenet(
    input_shape: Sequence[int],
    classes: int,
    *,
    width: float = 1.0,
    initializer: str | keras.Initializer = CAFFE,
    pixel_range: tuple[float, float] = (0.0, 1.0),
    weight_decay: float = 0.0,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """LeNet-5: two convolutions without padding, two pools, two hidden layers (LeCun et al. 1998, Fig. 2).

    Its layers conv1, pool1, conv2, pool2, fc3, fc4, logits are the paper's C1, S2, C3, S4, C5, F6 and output, in the
    form in which they are built now: C3 reads all maps of S2, C5 is a fully connected layer, ReLU stands for tanh, max
    pooling for the trainable average, and logits for radial basis functions. At 32 x 32 x 1 and 10 classes it has
    61,706 weights; Caffe's LeNet, with 20 and 50 maps and 500 units, is another network. At 227 x 227 x 1 fc3 holds
    5.4 million weights, nearly all that there are. Do not make it narrow: it starts from six maps.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 16: of 16 pixels one is left behind pool2, of 64 there are
            13, of 227 there are 53.
        classes: number of classes, at least 2.
        width: multiplies the number of maps and of hidden units; 1 is the published network.
        initializer: of all kernels, as Keras takes it, "he_normal" say; biases start from zero. "caffe" is the "xavier"
            of Caffe's LeNet, uniform with a variance of 1 / inputs, which Keras calls "lecun_uniform".
        pixel_range: what 0 and 1 become before conv1. Caffe's LeNet reads values from 0 to 1.
        weight_decay: L2 penalty on kernels, not on biases, counted as Caffe and SGD count it: weight_decay * w is added
            to the gradient of each weight w. (Keras' own L2 adds twice its factor.)
        batch_norm: put batch normalisation between each convolution and its ReLU.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image under 16 pixels, fewer than two classes, or an
            option outside its range.
    """
    build = Builder("lecun_uniform", width, initializer, weight_decay, batch_norm, bn_momentum)
    inputs = image_input(input_shape, classes, smallest=16, why="two 5 x 5 convolutions without padding and two pools")
    x = build.pixels(inputs, pixel_range)
    x = build.conv(x, "conv1", 6, 5, padding="valid")
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = build.conv(x, "conv2", 16, 5, padding="valid")
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = build.fully_connected(x, "fc3", 120)
    x = build.fully_connected(x, "fc4", 84)
    return keras.Model(inputs, build.logits(x, classes), name="lenet")
