"""Generator and discriminator of Patho-GAN (Wang et al. 2019): from vessels and noise to a photograph, and back."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

import keras
from keras import layers

from lookinside.errors import LookInsideError
from lookinside.models.building import fresh_initializer, scaled
from lookinside.models.endings import answer_range, looks_at

MULTIPLES = (1, 2, 4, 8, 8, 8)  # of `base`: how many maps each halving makes
_SLOPE = 0.2  # of the leaky ReLU below zero
_ROUNDING = 1e-3  # of half floats between 0 and 1
_START = 0.02  # standard deviation of all kernels, as in the authors' code


def patho_generator(
    image_shape: Sequence[int],
    *,
    noise: int = 400,
    base: int = 64,
    depth: int = 6,
    normalization: str | None = "instance",
    initializer: str | keras.Initializer | None = None,
) -> keras.Model:
    """A U-Net from a mask of vessels and a noise code to a photograph, the generator of Wang et al. 2019.

    `depth` convolutions of 4 x 4 with a stride of 2 lead down, as many transposed ones lead up, and each level up also
    gets the maps of the same size from the way down. The noise joins at the bottom, made into `base` maps by one dense
    layer. The paper says "U-Net"; sizes, noise and start of the weights are those of its authors' code: at
    512 x 512 x 3 it has 23,872,323 weights. Their batch normalisation takes the statistics of the batch at hand
    when it draws, too; at the paper's batch of one that is instance normalisation, so this is what we use.

    Input shape: [vessels (N, H, W, 1), 0 or 1; noise (N, Z), any range]. Output shape: (N, H, W, C), float32 in [0, 1].

    Args:
        image_shape: (H, W, C) of the photograph; H and W are multiples of 2 ** depth.
        noise: Z, numbers of the noise code.
        base: maps of the first convolution; the next ones have 2, 4, 8, 8, 8 times as many.
        depth: halvings, 1 to 6.
        normalization: "instance", or None for none. The smallest maps need more than one pixel for it.
        initializer: of all kernels, as Keras takes it; None is the authors', a normal distribution of 0.02 cut off at
            0.04. For a narrow network that is too little to begin with: "he_normal" learns much sooner.

    Raises:
        LookInsideError: for a shape, a count or an option out of its range.
    """
    height, width, channels = _checked(image_shape, depth, base, normalization)
    if not _whole(noise):
        raise LookInsideError(f"noise is {noise!r:.60}: give how many numbers a noise code has, 400 say.")
    block = _Blocks(normalization, initializer)
    maps = [scaled(base, multiple) for multiple in MULTIPLES[:depth]]
    vessels = keras.Input((height, width, 1), name="vessels")
    code = keras.Input((noise,), name="noise")

    x, skips = vessels, []
    for level, count in enumerate(maps, 1):
        x = block.down(x, f"down{level}", count, first=level == 1)
        skips.append(x)
    low = (height >> depth, width >> depth, base)
    z = layers.Dense(low[0] * low[1] * base, kernel_initializer=block.start(), name="project")(code)
    z = layers.LeakyReLU(_SLOPE, name="project_relu")(z)
    x = layers.Concatenate(name="bottom")([layers.Reshape(low, name="noise_maps")(z), x])
    for level, skip in zip(range(depth - 1, 0, -1), reversed(skips[:-1]), strict=True):
        count = scaled(base, (1, *MULTIPLES)[level - 1])
        x = block.up(x, f"up{level}", count)
        x = layers.Concatenate(name=f"skip{level}")([x, skip])
    x = layers.Conv2DTranspose(channels, 4, 2, "same", kernel_initializer=block.start(), name="up0")(x)
    image = layers.Activation("sigmoid", dtype="float32", name="image")(x)
    return keras.Model([vessels, code], image, name="patho_generator")


def patho_discriminator(
    image_shape: Sequence[int], *, base: int = 32, depth: int = 6, normalization: str | None = "instance"
) -> keras.Model:
    """A convolutional network that is to tell real photographs from drawn ones, given the vessels.

    The paper's D sees the photograph alone; that of the authors' code, and ours, sees the mask of vessels beside it, so
    that a photograph has to fit to its vessels. `depth` convolutions of 4 x 4 with a stride of 2, and one dense layer.
    At 512 x 512 x 3 it has 7,017,377 weights.

    Input shape: [vessels (N, H, W, 1), photograph (N, H, W, C)]. Output shape: (N, 1), the logit of "real", float32.

    Args: as for `patho_generator`.

    Raises:
        LookInsideError: for a shape, a count or an option out of its range.
    """
    height, width, channels = _checked(image_shape, depth, base, normalization)
    block = _Blocks(normalization, None)
    vessels = keras.Input((height, width, 1), name="vessels")
    photograph = keras.Input((height, width, channels), name="photograph")
    x = layers.Concatenate(name="both")([vessels, photograph])
    for level, multiple in enumerate((1, 2, 4, 8, 16, 16)[:depth], 1):
        x = block.down(x, f"down{level}", scaled(base, multiple), first=level == 1)
    x = layers.Flatten(name="flatten")(x)
    logit = layers.Dense(1, dtype="float32", kernel_initializer=block.start(), name="logit")(x)
    return keras.Model([vessels, photograph], logit, name="patho_discriminator")


def check_pair(generator: keras.Model, discriminator: keras.Model) -> None:
    """Raise LookInsideError for two networks that do not fit together, or to the game.

    Networks of one's own are welcome where the generator takes vessels and noise and ends in [0, 1], and the
    discriminator takes vessels and photograph and ends in logits.
    """
    for name, model in (("generator", generator), ("discriminator", discriminator)):
        ends = [getattr(model, side, None) or [] for side in ("inputs", "outputs")]
        if not isinstance(model, keras.Model) or [len(one) for one in ends] != [2, 1]:
            raise LookInsideError(f"{name} is no Keras model of two inputs and one output: see patho_{name}.")
    made, vessels = tuple(generator.output.shape[1:]), tuple(generator.inputs[0].shape[1:])
    if len(generator.inputs[1].shape) != 2 or None in (*made, *vessels):
        raise LookInsideError("generator takes no noise (N, Z), or is of no fixed size: see patho_generator.")
    taken = [tuple(one.shape[1:]) for one in discriminator.inputs]
    if taken != [vessels, made]:
        raise LookInsideError(
            f"The generator takes {vessels} and makes {made}, the discriminator takes {taken[0]} and {taken[1]}."
        )
    if vessels != (*made[:2], 1):
        raise LookInsideError(f"The generator takes {vessels} and makes {made}: masks of vessels are (H, W, 1).")
    _check_ends(generator, discriminator)


def _check_ends(generator, discriminator):
    ends = answer_range(generator)
    if ends and (ends[0] < -_ROUNDING or ends[1] > 1 + _ROUNDING):
        raise LookInsideError("generator makes values outside of [0, 1]: let it end in a sigmoid, as patho_generator.")
    ends = answer_range(discriminator)
    if ends and (ends[0] >= -1 or ends[1] <= 1):
        raise LookInsideError(
            f"discriminator ends in values from {ends[0]:.3g} to {ends[1]:.3g}, which are no logits: leave out its "
            "last activation, as patho_discriminator."
        )
    if not looks_at(discriminator, 1):
        raise LookInsideError("discriminator does not look at its second input, the photograph: lead it to the logit.")


class _Blocks:
    """Makes the layers of one network, all in the same way."""

    def __init__(self, normalization, initializer):
        self._normalization, self._initializer = normalization, initializer
        self.start()

    def start(self):
        """An initializer of a layer's own."""
        if self._initializer is None:
            return keras.initializers.TruncatedNormal(stddev=_START)
        return fresh_initializer(self._initializer, other="None for the authors'")

    def down(self, x, name, count, *, first=False):
        return self._block(x, name, count, layers.Conv2D, layers.LeakyReLU(_SLOPE, name=f"{name}_relu"), first)

    def up(self, x, name, count):
        return self._block(x, name, count, layers.Conv2DTranspose, layers.ReLU(name=f"{name}_relu"), False)

    def _block(self, x, name, count, kind, relu, first):
        norm = None if first else self._normalization
        # A normalisation would take a bias away again.
        x = kind(count, 4, 2, "same", kernel_initializer=self.start(), use_bias=norm is None, name=name)(x)
        if norm is not None:
            x = layers.GroupNormalization(groups=-1, epsilon=1e-3, name=f"{name}_norm")(x)
        return relu(x)


def _checked(image_shape, depth, base, normalization):
    shape = tuple(image_shape) if isinstance(image_shape, Sequence) else image_shape
    if not isinstance(shape, tuple) or len(shape) != 3 or not all(map(_whole, shape)):
        raise LookInsideError(f"image_shape must be three whole numbers (height, width, channels), got {shape!r:.60}.")
    if not _whole(depth) or depth > len(MULTIPLES):
        raise LookInsideError(f"depth is {depth!r:.60}: give a whole number from 1 to {len(MULTIPLES)}.")
    if not _whole(base):
        raise LookInsideError(f"base is {base!r:.60}: give a whole number, 64 is the authors'.")
    if normalization not in (None, "instance"):
        raise LookInsideError(f'normalization is {normalization!r:.60}: give "instance" or None.')
    if shape[0] % 2**depth or shape[1] % 2**depth:
        raise LookInsideError(
            f"image_shape {shape} does not halve {depth} times: give multiples of {2**depth}, or a smaller depth."
        )
    if normalization and depth > 1 and shape[:2] == (2**depth, 2**depth):
        # A pixel minus its own mean is 0 whatever it was.
        raise LookInsideError(
            f"At {shape} a depth of {depth} leaves maps of one pixel, which an instance normalisation empties: "
            "give a smaller depth, larger images or normalization=None."
        )
    return shape


def _whole(value):
    return isinstance(value, Integral) and not isinstance(value, bool) and value > 0
