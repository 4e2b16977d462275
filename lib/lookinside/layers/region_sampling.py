"""Bilinear samples of feature maps inside regions, averaged per cell: by cropping, and by matrix products."""

from __future__ import annotations

import keras
from keras import ops

# The crops of so many regions stay in a processor's cache until their samples are averaged; those of 300 take twice as
# long, because they go out to memory and back.
REGIONS_AT_ONCE = 32

# Here all boxes (N, R, 4) are in pixels of the maps, and the centre of the first pixel is at (0.5, 0.5).


def pool_by_crops(maps: keras.KerasTensor, boxes: keras.KerasTensor, size: tuple[int, int], sampling: int):
    """Pool regions with TensorFlow's crop_and_resize: fast on a CPU, in float32, and nothing for XLA.

    The gradients are those of `pool_by_products`: crop_and_resize has its own, but on several threads they change
    from run to run, because two regions add to one pixel without waiting for each other.

    Args:
        maps: (N, H, W, C), float32.
        boxes: (N, R, 4), float32.
        size: rows and columns of cells.
        sampling: samples a cell along each axis.

    Returns:
        (N, R, rows, columns, C).
    """
    import tensorflow as tf

    @tf.custom_gradient
    def pooled(maps, boxes):
        def gradients(upstream):
            with tf.GradientTape() as tape:
                tape.watch((maps, boxes))
                products = pool_by_products(maps, boxes, size, sampling)
            return tape.gradient(products, (maps, boxes), upstream)

        return _crops(maps, boxes, size, sampling), gradients

    return pooled(maps, boxes)


def pool_by_products(maps: keras.KerasTensor, boxes: keras.KerasTensor, size: tuple[int, int], sampling: int):
    """Pool regions with two dense matrix products, along the rows and along the columns, on any backend.

    The weight of a pixel in a cell is a product of one number for its row and one for its column, also after the mean
    over the samples. So the gradients are matrix products too.

    Args, Returns: as for `pool_by_crops`, in any float type.
    """
    count, height, width, channels = ops.shape(maps)
    regions = ops.shape(boxes)[1]
    down = axis_weights(boxes[..., 1], boxes[..., 3], size[0], sampling, height)
    right = axis_weights(boxes[..., 0], boxes[..., 2], size[1], sampling, width)
    # All regions of an image at once along the rows, and then each row of cells along the columns: nothing is
    # transposed on the way, there or back.
    lines = ops.matmul(ops.reshape(down, (count, regions * size[0], height)), ops.reshape(maps, (count, height, -1)))
    return ops.matmul(right[:, :, None], ops.reshape(lines, (count, regions, size[0], width, channels)))


def axis_weights(low: keras.KerasTensor, high: keras.KerasTensor, cells: int, sampling: int, length: int):
    """How much each pixel along one axis counts in each cell of a region.

    A sample between the centres of two pixels takes from both, linearly. Beyond the last centre it takes from the pixel
    at the border, up to half a pixel outside of the map; farther out it is 0 but counts in the mean. Where a sample
    stands right on a centre, the derivative by its place is the mean of those on both sides: with that of one side, or
    with 0, regions that start on whole pixels would learn a wrong offset or none.

    Args:
        low, high: (N, R), where regions begin and end.
        cells: number of cells.
        sampling: samples a cell.
        length: pixels along the axis.

    Returns:
        (N, R, cells, length).
    """
    places = sample_places(low, high, cells, sampling)[..., None]
    outside = ops.logical_or(places < -1.0, places > ops.cast(length, places.dtype))
    pixels = ops.arange(length, dtype="int32")
    away = places - ops.cast(pixels, places.dtype)
    # As if the pixels at both ends stood there twice: they are -1 and `length` too.
    first, last = (ops.cast(ops.equal(pixels, end), places.dtype) for end in (0, length - 1))
    shares = _share(away) + first * _share(away + 1.0) + last * _share(away - 1.0)
    return ops.mean(ops.where(outside, ops.zeros_like(shares), shares), axis=-2)


def sample_places(low: keras.KerasTensor, high: keras.KerasTensor, cells: int, sampling: int) -> keras.KerasTensor:
    """Where samples stand along one axis, 0 the centre of the first pixel: (N, R, cells, sampling)."""
    steps = (ops.cast(ops.arange(cells * sampling), low.dtype) + 0.5) / (cells * sampling)
    steps = ops.reshape(steps, (cells, sampling))
    low, high = low[..., None, None], high[..., None, None]
    return low - 0.5 + (high - low) * steps


def _share(away):
    """max(0, 1 - |away|), with TensorFlow's derivative of |x|, 0 at 0, such that the kinks get the mean slope."""
    away = ops.clip(away, -2.0, 2.0)
    return (ops.abs(away + 1.0) + ops.abs(away - 1.0)) / 2 - ops.abs(away)


def _crops(maps, boxes, size, sampling):
    """The samples as pixels of a crop, and the mean over those of a cell, for some regions at a time."""
    import tensorflow as tf

    count, height, width, channels = tf.unstack(tf.shape(maps))
    regions = tf.shape(boxes)[1]
    # One more pixel all around holds what a sample finds between the border and where it becomes 0.
    padded = tf.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="SYMMETRIC")
    samples = tuple(cells * sampling for cells in size)
    top, bottom = _crop_ends(boxes[..., 1], boxes[..., 3], samples[0], height)
    left, right = _crop_ends(boxes[..., 0], boxes[..., 2], samples[1], width)
    ends = tf.reshape(tf.stack([top, left, bottom, right], axis=-1), (-1, 4))
    owners = tf.repeat(tf.range(count), regions)

    def cells_of(first):
        some = slice(first, first + REGIONS_AT_ONCE)
        crops = tf.image.crop_and_resize(padded, ends[some], owners[some], samples)
        return tf.nn.avg_pool2d(crops, sampling, sampling, "VALID") if sampling > 1 else crops

    def one_turn(turn, found):
        return turn + 1, found.write(turn, cells_of(turn * REGIONS_AT_ONCE))

    turns = tf.maximum(1, -(-tf.shape(ends)[0] // REGIONS_AT_ONCE))
    found = tf.TensorArray(maps.dtype, turns, element_shape=(None, *size, maps.shape[-1]), infer_shape=False)
    _, found = tf.while_loop(lambda turn, _: turn < turns, one_turn, (0, found), parallel_iterations=1)
    return tf.reshape(found.concat(), (count, regions, *size, channels))


def _crop_ends(low, high, samples, length):
    """Where the first and the last sample stand in the padded map, as a share of it, as crop_and_resize counts."""
    first = low + (high - low) * (0.5 / samples)
    last = low + (high - low) * ((samples - 0.5) / samples)
    steps = ops.cast(length + 1, low.dtype)
    return (first + 0.5) / steps, (last + 0.5) / steps
