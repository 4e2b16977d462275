"""The networks of Kumar & Menkovski 2016 (Tables 2 to 4): a shallow and a deeper classifier of radiographs."""

from collections.abc import Sequence

import keras
from keras import layers

from lookinside.models.building import image_input, scaled

# The tables as printed; each row: (what it is, its size, the name of our layer with the weights).
PAPER_TABLES: dict[int, tuple[tuple[str, str, str], ...]] = {
    2: (
        ("Conv Layer", "3x3, 32x", "conv1_1"),
        ("Conv Layer", "3x3, 64x", "conv1_2"),
        ("MaxPool Layer + Dropout", "2x2, 2x2 stride", "pool1"),
        ("FC Layer + Dropout", "128, 0.25p", "fc1"),
        ("Softmax", "24", "logits"),
    ),
    3: (
        ("Conv Layer", "3x3, 32x", "conv1_1"),
        ("Conv Layer", "3x3, 16x", "conv1_2"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool1"),
        ("Conv Layer", "3x3, 64x", "conv2_1"),
        ("Conv Layer", "3x3, 32x", "conv2_2"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool2"),
        ("Conv Layer", "3x3, 128x", "conv3_1"),
        ("Conv Layer", "3x3, 128x", "conv3_2"),
        ("Conv Layer", "3x3, 64x", "conv3_3"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool3"),
        ("Conv Layer", "3x3, 256x", "conv4_1"),
        ("Conv Layer", "3x3, 256x", "conv4_2"),
        ("Conv Layer", "3x3, 128x", "conv4_3"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool4"),
        ("FC Layer", "128x", "fc1"),
        ("FC Layer", "128x", "fc2"),
        ("Softmax", "24", "logits"),
    ),
    4: (
        ("Conv Layer + BN", "3x3, 32x", "conv1_1"),
        ("Conv Layer + BN", "3x3, 16x", "conv1_2"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool1"),
        ("Conv Layer + BN", "3x3, 64x", "conv2_1"),
        ("Conv Layer + BN", "3x3, 32x", "conv2_2"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool2"),
        ("Conv Layer + BN", "3x3, 128x", "conv3_1"),
        ("Conv Layer + BN", "3x3, 128x", "conv3_2"),
        ("Conv Layer + BN", "3x3, 64x", "conv3_3"),
        ("MaxPool Layer", "2x2, 2x2 stride", "pool3"),
        ("Conv Layer + BN", "3x3, 256x", "conv4_1"),
        ("Conv Layer + BN", "3x3, 256x", "conv4_2"),
        ("Conv Layer + BN", "3x3, 128x", "conv4_3"),
        ("MaxPool Layer+Dropout", "2x2, 2x2 stride, 0.5p", "pool4"),
        ("FC Layer + Dropout", "128x, 0.5p", "fc1"),
        ("FC Layer + Dropout", "128x, 0.5p", "fc2"),
        ("Softmax", "24", "logits"),
    ),
}

SHALLOW_BLOCKS = ((32, 64),)
DEEPER_BLOCKS = ((32, 16), (64, 32), (128, 128, 64), (256, 256, 128))


def shallow_cnn(input_shape: Sequence[int], classes: int, *, width: float = 1.0) -> keras.Model:
    """The shallow network: two convolutions, one pool, one hidden layer (Kumar & Menkovski 2016, Table 2).

    'same' padding, ReLU after each convolution and fc1, He-normal start, drop 25 % after the pool and after fc1.
    Its fully connected layer reads a map of half the image's size, so at 224 px it has about 22 times MORE weights
    than `deeper_cnn`: what is small here is the depth and the receptive field (6 px).

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits: the paper's softmax is in the loss.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 2.
        classes: number of classes, at least 2.
        width: multiplies the number of maps and of hidden units; 1 is the paper's network.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image smaller than the pool, or fewer than two classes.
    """
    inputs = image_input(input_shape, classes, smallest=2, why="1 pool(s)")
    x = _blocks(inputs, SHALLOW_BLOCKS, width)
    x = layers.Dropout(0.25, name="drop_pool1")(x)
    x = layers.Flatten(name="flatten")(x)
    x = _hidden(x, 1, width, dropout=0.25)
    return keras.Model(inputs, _logits(x, classes), name="shallow_cnn")


def deeper_cnn(
    input_shape: Sequence[int],
    classes: int,
    *,
    batch_norm: bool = False,
    dropout: bool = False,
    bn_momentum: float = 0.9,
    width: float = 1.0,
) -> keras.Model:
    """The deeper network: ten convolutions in four blocks, two hidden layers (Kumar & Menkovski 2016, Tables 3 and 4).

    As it stands it is Table 3; with `batch_norm` and `dropout` it is Table 4 (BN between each convolution and its ReLU,
    drop 50 % after the last pool, fc1 and fc2). 'same' padding, He-normal start: from Keras' default start the
    network without BN hardly trains on small sets.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, classes), logits: the paper's softmax is in the loss.

    Args:
        input_shape: (H, W, C) of one image, H and W at least 16 (four pools halve it).
        classes: number of classes, at least 2.
        batch_norm: put batch normalisation after every convolution.
        dropout: drop half of pool4, fc1 and fc2 while training.
        bn_momentum: share of the old moving statistics kept at each step. The paper does not say; Keras' 0.99 needs
            hundreds of steps to catch up, 0.9 is right below about 1,000 steps.
        width: multiplies the number of maps and of hidden units; 1 is the paper's network.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), an image under 16 pixels, or fewer than two classes.
    """
    inputs = image_input(input_shape, classes, smallest=16, why="4 pool(s)")
    x = _blocks(inputs, DEEPER_BLOCKS, width, bn_momentum if batch_norm else None)
    rate = 0.5 if dropout else 0.0
    if rate:
        x = layers.Dropout(rate, name="drop_pool4")(x)
    x = layers.Flatten(name="flatten")(x)
    x = _hidden(x, 1, width, rate)
    x = _hidden(x, 2, width, rate)
    parts = ["deeper_cnn", *(["bn"] if batch_norm else []), *(["dropout"] if dropout else [])]
    return keras.Model(inputs, _logits(x, classes), name="_".join(parts))


def _blocks(x, blocks, width, bn_momentum=None):
    """Blocks of conv -> (BN) -> ReLU, each closed by a 2x2 max pool; `bn_momentum` None means no BN."""
    for number, maps in enumerate(blocks, start=1):
        for place, filters in enumerate(maps, start=1):
            name = f"{number}_{place}"
            x = layers.Conv2D(
                scaled(filters, width), 3, padding="same", kernel_initializer="he_normal", name=f"conv{name}"
            )(x)
            if bn_momentum is not None:
                x = layers.BatchNormalization(momentum=bn_momentum, name=f"bn{name}")(x)
            x = layers.ReLU(name=f"relu{name}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{number}")(x)
    return x


def _hidden(x, number, width, dropout):
    x = layers.Dense(scaled(128, width), kernel_initializer="he_normal", name=f"fc{number}")(x)
    x = layers.ReLU(name=f"relu_fc{number}")(x)
    return layers.Dropout(dropout, name=f"drop_fc{number}")(x) if dropout else x


def _logits(x, classes):
    # float32 also in a mixed precision model: a softmax over half precision logits loses its small probabilities.
    return layers.Dense(classes, dtype="float32", name="logits")(x)
