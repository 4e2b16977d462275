"""The U-Net of Ronneberger et al. 2015, which gives each pixel of an image its score, also at another size."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import keras
from keras import layers

from lookinside.errors import LookInsideError
from lookinside.models.building import Builder, image_input


def unet(
    input_shape: Sequence[int],
    *,
    outputs: int = 1,
    base: int = 64,
    depth: int = 4,
    initializer: str | keras.Initializer = "he_normal",
    weight_decay: float = 0.0,
    batch_norm: bool = False,
    bn_momentum: float = 0.9,
) -> keras.Model:
    """A path down, which sees more and more around each pixel, and a path up, which takes the fine detail from it.

    Layers: at each level conv1_1 and conv1_2, 3 x 3 with their ReLUs, then pool1, 2 x 2. The level below has twice as
    many maps. On the way up up4, an up-convolution of 2 x 2 with a stride of 2, halves the maps; skip4 puts those of
    relu4_2 beside them; conv4_3 and conv4_4 follow, and logits, 1 x 1, at the end. At one channel, one output, 64 maps
    and four halvings it has 31,030,593 weights.

    Two things are not the paper's. It convolves without padding, so that 572 px in are 388 px out and skipped maps are
    cropped; here padding is "same", and each pixel of the image has an answer. It has dropout at the end of the path
    down, of a rate that it does not give; here is none. The paper's network has two outputs and a softmax; with one
    output the logit is that of a sigmoid.

    Input shape: (N, H, W, C), values in [0, 1]. Output shape: (N, H, W, outputs), logits, float32.

    Args:
        input_shape: (H, W, C) of one image; 2 ** depth divides H and W.
        outputs: scores a pixel, 1 or more; 1 for one kind of mask.
        base: maps of the first level, 1 or more; 64 in the paper.
        depth: how often the image is halved, 1 or more; 4 in the paper.
        initializer: of all kernels, as Keras takes it; He's is the paper's. Biases start from zero.
        weight_decay: L2 penalty on kernels, see `alexnet`.
        batch_norm: put batch normalisation between each 3 x 3 convolution and its ReLU; the paper has none.
        bn_momentum: share of the old moving statistics kept at each step, see `deeper_cnn`.

    Raises:
        LookInsideError: for a shape that is not (H, W, C) or not divisible by 2 ** depth, or an option outside its
            range.

    Source: Ronneberger et al. 2015, Fig. 1 and section 2.
    """
    for name, value in (("outputs", outputs), ("base", base), ("depth", depth)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise LookInsideError(f"{name} is {value!r:.60}: give a whole number, 1 or more.")
    build = Builder("he_normal", 1.0, initializer, weight_decay, batch_norm, bn_momentum)
    x = inputs = image_input(input_shape, None, smallest=2**depth, why=f"{depth} halvings")
    _check_divisible(inputs.shape[1:], depth)
    skips = []
    for level in range(1, depth + 1):
        x = _two_convs(build, x, level, base, first=1)
        skips.append(x)
        x = layers.MaxPooling2D(2, name=f"pool{level}")(x)
    x = _two_convs(build, x, depth + 1, base, first=1)
    for level in range(depth, 0, -1):
        x = build.up_conv(x, f"up{level}", base * 2 ** (level - 1))
        x = layers.Concatenate(name=f"skip{level}")([skips[level - 1], x])
        x = _two_convs(build, x, level, base, first=3)
    return keras.Model(inputs, build.pixel_logits(x, outputs), name="unet")


def at_size(model: keras.Model, height: int, width: int) -> keras.Model:
    """A copy of a convolutional network, with its weights, for images of another size: convolutions do not mind.

    What a network has learned of vessels of three pixels holds for vessels of three pixels, at any size of the image.

    Args:
        model: a functional Keras model from one image (N, H, W, C), without a layer that is bound to H and W; `unet`
            say. It is not changed.
        height, width: of the images that the copy takes, in pixels.

    Raises:
        LookInsideError: for another kind of model, one that is bound to its size (a Dense layer behind a Flatten say),
            or a size that it cannot be built for.
    """
    taken = getattr(model, "input_shape", None)
    if not isinstance(model, keras.Model) or not isinstance(taken, tuple) or len(taken) != 4:
        raise LookInsideError(f"model is {model!r:.60}: give a functional Keras model from images (N, H, W, C).")
    for name, value in (("height", height), ("width", width)):
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise LookInsideError(f"{name} is {value!r:.60}: give a whole number, 1 or more.")
    try:
        other = keras.models.clone_model(model, input_tensors=keras.Input((int(height), int(width), taken[-1])))
        other.set_weights(model.get_weights())
    except (ValueError, TypeError) as error:
        said = str(error).strip().splitlines()[0]
        raise LookInsideError(
            f"Model {model.name} cannot take {height}x{width} px ({said:.100}): give a network of convolutions alone, "
            "or a size that it halves without a rest."
        ) from None
    return other


def _two_convs(build, x, level, base, first):
    for number in (first, first + 1):
        x = build.conv(x, f"conv{level}_{number}", base * 2 ** (level - 1), 3)
    return x


def _check_divisible(shape, depth):
    step = 2**depth
    if any(side % step for side in shape[:2]):
        (high, wide), (height, width) = (tuple(-(-side // step) * step for side in shape[:2]), shape[:2])
        raise LookInsideError(
            f"{height}x{width} px cannot be halved {depth} times: give images whose height and width {step} divides, "
            f"{high}x{wide} say, or a smaller depth."
        )
