"""GoogLeNet (Szegedy et al. 2015): nine inception modules, and two auxiliary classifiers that only training needs."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

from lookinside.errors import LookInsideError
from lookinside.layers import LocalResponseNormalization
from lookinside.models.building import CAFFE, Builder, image_input

# Szegedy et al. 2015, Table 1, the maps of each module: 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool projection.
MODULES = {
    "inception_3a": (64, 96, 128, 16, 32, 32),
    "inception_3b": (128, 128, 192, 32, 96, 64),
    "inception_4a": (192, 96, 208, 16, 48, 64),
    "inception_4b": (160, 112, 224, 24, 64, 64),
    "inception_4c": (128, 128, 256, 24, 64, 64),
    "inception_4d": (112, 144, 288, 32, 64, 64),
    "inception_4e": (256, 160, 320, 32, 128, 128),
    "inception_5a": (256, 160, 320, 32, 128, 128),
    "inception_5b": (384, 192, 384, 48, 128, 128),
}
POOLS = {"inception_3b": "pool3", "inception_4e": "pool4"}  # what follows a module
AUXILIARY = {"inception_4a": "auxiliary1", "inception_4d": "auxiliary2"}
BIAS = 0.2  # where the biases of Caffe's copy start


def googlenet(
    input_shape: Sequence[int],
    classes: int,
    *,
    auxiliary: bool = True,
    dropout: bool = True,
    width: float = 1.0,
    initializer: str | keras.Initializer = CAFFE,
    pixel_range: tuple[float, float] = (-128.0, 127.0),
    weight_decay: float = 0.0,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """GoogLeNet: 22 layers deep, with two auxiliary classifiers while it is trained (Szegedy et al. 2015, Table 1).

    Layers: conv1, pool1, norm1, conv2_reduce, conv2, norm2, pool2, the modules inception_3a to inception_5b with pool3
    and pool4 between them, pool5 (the average over all of a map), drop5, logits. A module's convolutions are
    inception_3a_1x1, inception_3a_3x3_reduce and so on, inception_3a their concatenation.

    The auxiliary classifiers read inception_4a and inception_4d. With them the model has three outputs, "logits",
    "auxiliary1" and "auxiliary2" (Caffe's loss1 and loss2): `fit_classifier` trains it so, and `inference_model` gives
    the network that is left for images to be classified. As Caffe's copy of it at 224 x 224 x 3 and 1000 classes it has
    6,998,552 weights without them and 13,378,280 with them.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits; three of them with `auxiliary`.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 32. All strides and pools have 'same' padding and halve
            the image five times: 224 -> 112 -> 56 -> 28 -> 14 -> 7, 64 -> 32 -> 16 -> 8 -> 4 -> 2. The auxiliary
            classifiers average over 5 x 5 pixels with stride 3, over the whole map where it is smaller: at 224 they
            read 4 x 4 pixels, at 64 one.
        classes: number of classes, at least 2.
        auxiliary: add the two auxiliary classifiers.
        dropout: drop 40 % before the logits while training, and 70 % in the auxiliary classifiers.
        width: multiplies the number of maps and of hidden units; 1 is the published network.
        initializer: of all kernels, as Keras takes it, "he_normal" say; biases start from zero. "caffe" is the "xavier"
            of Caffe's copy, uniform with a variance of 1 / inputs, which Keras calls "lecun_uniform"; its biases start
            from 0.2, those of the classifiers from 0.
        pixel_range: what 0 and 1 become before conv1, see `alexnet`. From (0, 1) it learns slowly or not at all without
            batch normalisation.
        weight_decay: L2 penalty on kernels, not on biases, counted as Caffe and SGD count it: weight_decay * w is added
            to the gradient of each weight w. (Keras' own L2 adds twice its factor.)
        batch_norm: put batch normalisation between each convolution and its ReLU.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image under 32 pixels, fewer than two classes, or an
            option outside its range.
    """
    build = Builder("lecun_uniform", width, initializer, weight_decay, batch_norm, bn_momentum)
    inputs = image_input(input_shape, classes, smallest=32, why="five halvings")
    x = build.pixels(inputs, pixel_range)
    x = build.conv(x, "conv1", 64, 7, strides=2, bias=BIAS)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = LocalResponseNormalization(name="norm1")(x)
    x = build.conv(x, "conv2_reduce", 64, 1, bias=BIAS)
    x = build.conv(x, "conv2", 192, 3, bias=BIAS)
    x = LocalResponseNormalization(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)
    outputs = []
    for module, maps in MODULES.items():
        x = _inception(build, x, module, maps)
        if auxiliary and module in AUXILIARY:
            outputs.append(_auxiliary(build, x, AUXILIARY[module], classes, dropout))
        if module in POOLS:
            x = layers.MaxPooling2D(3, 2, padding="same", name=POOLS[module])(x)
    x = layers.GlobalAveragePooling2D(name="pool5")(x)
    if dropout:
        x = layers.Dropout(0.4, name="drop5")(x)
    outputs.insert(0, build.logits(x, classes))
    return keras.Model(inputs, outputs if auxiliary else outputs[0], name="googlenet")


def inference_model(model: keras.Model, output: int = 0) -> keras.Model:
    """The network of one of a model's outputs alone; the first is what is left of `googlenet` when it has been trained.

    Its layers are the model's own, so what one learns the other knows; what this output does not need is not computed.
    A model of one output is returned as it is.

    Args:
        model: a functional Keras model.
        output: number of the output; 1 and 2 are the auxiliary classifiers of `googlenet`.

    Raises:
        LookInsideError: for an output that the model does not have.
    """
    if output not in range(len(model.outputs)):
        raise LookInsideError(f"output is {output!r}: model {model.name} has {len(model.outputs)}, counted from 0.")
    if len(model.outputs) == 1:
        return model
    return keras.Model(model.input, model.outputs[output], name=model.name)


def _inception(build, x, name, maps):
    """Four ways side by side: 1 x 1, 3 x 3 and 5 x 5 convolutions, and a pool (Szegedy et al. 2015, Fig. 2b)."""
    one, three_reduce, three, five_reduce, five, projection = maps
    ways = [
        build.conv(x, f"{name}_1x1", one, 1, bias=BIAS),
        build.conv(build.conv(x, f"{name}_3x3_reduce", three_reduce, 1, bias=BIAS), f"{name}_3x3", three, 3, bias=BIAS),
        build.conv(build.conv(x, f"{name}_5x5_reduce", five_reduce, 1, bias=BIAS), f"{name}_5x5", five, 5, bias=BIAS),
    ]
    pooled = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    ways.append(build.conv(pooled, f"{name}_pool_proj", projection, 1, bias=BIAS))
    return layers.Concatenate(name=name)(ways)


def _auxiliary(build, x, name, classes, dropout):
    """A classifier on the way (Szegedy et al. 2015, section 5)."""
    window = tuple(min(5, side) for side in x.shape[1:3])
    x = layers.AveragePooling2D(window, 3, name=f"{name}_pool")(x)
    x = build.conv(x, f"{name}_conv", 128, 1, bias=BIAS)
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = build.fully_connected(x, f"{name}_fc", 1024, dropout=0.7 if dropout else 0.0, bias=BIAS)
    return build.logits(x, classes, name)
