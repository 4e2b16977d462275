"""Training of a PathoGAN on photographs with masks of their vessels: resumable, with a sheet of samples on the way."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from numbers import Integral, Real
from pathlib import Path

import matplotlib.image
import numpy as np
import tensorflow as tf

from lookinside.data.labelled import LabelledImages, checked_set
from lookinside.errors import LookInsideError
from lookinside.training.history import History
from lookinside.training.resumable import fit_resumable
from lookinside.training.synthesis.patho_gan import PathoGAN

_ON_A_SHEET = 8


def fit_patho_gan(
    gan: PathoGAN,
    train: LabelledImages,
    *,
    steps: int,
    batch_size: int = 4,
    vessels: str = "vessels",
    flip: bool = True,
    rotation: float = 0.0,
    every: int = 100,
    sheets: str | Path | None = None,
    run_folder: str | Path | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> History:
    """Train generator and discriminator; they end as they are after the last step.

    Each step draws `batch_size` images at random, by a rule that follows from seed and step alone: a run that was
    killed goes on to the same losses. Of the networks the layers tell one run from another, not the weights that they
    start from: give each of two starts its own `run_folder`, or the second gets the weights of the first.

    Args:
        gan: compiled, or it is compiled here as `PathoGAN.compile` does by itself.
        train: photographs of one class, as a rule, with a mask of their vessels.
        steps: batches in all.
        batch_size: images a step; the paper's is 1.
        vessels: name of the mask that the generator draws from.
        flip: turn half of the images upside down, and half of them left to right.
        rotation: largest angle in degrees, to both sides, by which an image and its vessels are turned; 180 is any
            angle, as in the paper. Corners are filled with black.
        every: after so many steps the state is kept and the history gets a row.
        sheets: a folder for `samples_000100.png` and so on, eight photographs above what is drawn from their vessels,
            with the same noise each time; None draws none. A run that has ended already draws none either. Runs with
            other settings write over these files: give each its own folder.
        run_folder: where to keep what a resume needs, see `fit_resumable`; None keeps nothing.
        seed: of the batches, the flips and the noise; the one that the PathoGAN was made with does not count here.
        progress: as for `fit_classifier`.

    Returns:
        The history: a row for every `every` steps, with their means of "generator_loss" (adversarial, nats, of the
        last of the generator's moves), "discriminator_loss" (nats, of both kinds together), "patho_loss" (L_patho
        without its weight; 0 without a classifier), and "score_of_real", "score_of_drawn": what the discriminator
        thinks, 0 to 1, where 1 is "real".

    Raises:
        LookInsideError: for images that do not fit, or a loss that becomes nan (the last good state is kept).
    """
    _check(gan, train, vessels, rotation, {"steps": steps, "batch_size": batch_size, "every": every}, sheets)
    if not gan.compiled:
        gan.compile()
    gather = _gatherer(train, vessels)

    def batch(step):
        keys = tf.random.split(tf.stack([tf.cast(seed, tf.int64), step]), 4)
        chosen = tf.random.stateless_uniform((batch_size,), keys[0], maxval=len(train), dtype=tf.int32)
        both = gather(chosen)
        if flip:
            for axis, key in ((1, keys[1]), (2, keys[2])):
                coin = tf.random.stateless_uniform((batch_size, 1, 1, 1), key) < 0.5
                both = tf.where(coin, tf.reverse(both, [axis]), both)
        if rotation:
            both = _turned(both, np.radians(rotation) * tf.random.stateless_uniform((batch_size,), keys[3], -1.0, 1.0))
        # Between two pixels a turned mask is neither 0 nor 1.
        return tf.cast(both[..., :1] > 0.5, tf.float32), both[..., 1:]

    def batches(first_epoch, epochs):
        stream = tf.data.Dataset.range(first_epoch * every, epochs * every)
        return stream.map(batch, num_parallel_calls=2, deterministic=True).prefetch(2)

    shown = train.subset(np.arange(min(_ON_A_SHEET, len(train))))
    known = [train.images, train.masks[vessels], flip, float(rotation), batch_size]
    known += [gan.generator, gan.discriminator, gan.told()]  # `fit_resumable` adds the optimizers
    return fit_resumable(
        gan,
        batches,
        steps_per_epoch=every,
        steps=steps,
        monitor=None,
        each_epoch=None if sheets is None else lambda step: write_sheet(gan, shown, vessels, Path(sheets), step),
        key=known,
        run_folder=run_folder,
        seed=seed,
        progress=progress,
    )


def write_sheet(gan: PathoGAN, shown: LabelledImages, vessels: str, folder: Path, step: int) -> None:
    """Write `samples_STEP.png`: the photographs, below them what is drawn from their vessels."""
    drawn = gan.draw(shown.masks[vessels])
    rows = [np.concatenate(list(row), axis=1) for row in (shown.pixels, drawn)]
    sheet = np.clip(np.concatenate(rows), 0, 1)
    folder.mkdir(parents=True, exist_ok=True)
    sheet = np.broadcast_to(sheet, (*sheet.shape[:2], 3))  # grey is written as colour
    matplotlib.image.imsave(folder / f"samples_{step:06d}.png", sheet)


def _gatherer(train, vessels):
    """Indices (B,) -> float32 (B, H, W, 1 + C), mask and photograph. What it reads from lies on the CPU."""
    with tf.device("CPU"):
        images, masks = tf.constant(train.images), tf.constant(train.masks[vessels][..., None])

    def gather(chosen):
        photographs = tf.cast(tf.gather(images, chosen), tf.float32) / 255.0
        return tf.concat([tf.cast(tf.gather(masks, chosen), tf.float32), photographs], axis=-1)

    return gather


def _turned(images, angles):
    """Images (N, H, W, C) turned about their middle, each by its angle in radians, black outside."""
    height, width = images.shape[1:3]
    cosine, sine = tf.cos(angles), tf.sin(angles)
    y, x = (height - 1) / 2, (width - 1) / 2
    zero = tf.zeros_like(angles)
    rows = [cosine, -sine, x - cosine * x + sine * y, sine, cosine, y - sine * x - cosine * y, zero, zero]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack(rows, axis=1),
        output_shape=tf.constant([height, width]),
        fill_value=tf.constant(0.0),
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
    )


def _check(gan, train, vessels, rotation, counts, sheets):
    if not isinstance(gan, PathoGAN):
        raise LookInsideError(f"gan is a {type(gan).__name__}: give a PathoGAN.")
    checked_set(train)
    train.masks[vessels]  # a missing name is refused with the names there are
    if not len(train):
        raise LookInsideError("train has no image: give some.")
    for value, what in ((True, "empty"), (False, "full")):
        if not (train.masks[vessels] == value).any():
            raise LookInsideError(f"The mask {vessels!r:.60} is {what} on every image: there is nothing to draw after.")
    made = tuple(gan.generator.output.shape[1:])
    if train.shape != made:
        raise LookInsideError(f"train has images of {train.shape}, the generator makes {made}: build it for these.")
    for name, value in counts.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
            raise LookInsideError(f"{name} is {value!r:.60}: give a whole number, 1 or more.")
    if not isinstance(rotation, Real) or isinstance(rotation, bool) or not 0 <= rotation <= 180:
        raise LookInsideError(f"rotation is {rotation!r:.60}: give 0 to 180 degrees.")
    _check_folder(sheets)


def _check_folder(sheets):
    """Before the training, not after its first `every` steps."""
    if sheets is None:
        return
    if not isinstance(sheets, str | Path):
        raise LookInsideError(f"sheets is {sheets!r:.60}: give the path of a folder.")
    try:
        Path(sheets).mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=sheets).close()  # a folder that is there may be for reading only
    except (OSError, ValueError) as error:  # a ValueError is about a zero byte
        said = getattr(error, "strerror", None) or error
        raise LookInsideError(
            f"sheets: no folder {str(sheets)!r:.60} can be made and written to ({said}): give another."
        ) from None
