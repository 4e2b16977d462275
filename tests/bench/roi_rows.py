"""RoIAlign against onnxruntime's, and what its gradients cost beside its own forward pass."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from measure import Duel

from lookinside.extras import need
from lookinside.layers import RoIAlign

HEIGHT, WIDTH, CHANNELS, REGIONS, SIZE, STRIDE = 48, 36, 256, 300, 7, 16
NAME = f"RoIAlign, {REGIONS} regions of {SIZE} x {SIZE} on maps of {HEIGHT} x {WIDTH} x {CHANNELS}"


def maps_and_boxes():
    """Maps of one image, and boxes from 32 to 400 pixels a side, cut off at its borders."""
    rng = np.random.default_rng(0)
    image = np.array([WIDTH, HEIGHT]) * STRIDE
    centres, sides = rng.uniform(0, image, (REGIONS, 2)), np.exp(rng.uniform(np.log(32), np.log(400), (REGIONS, 2)))
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=-1).clip(0, np.tile(image, 2))
    return rng.normal(size=(1, HEIGHT, WIDTH, CHANNELS)).astype("float32"), boxes[None].astype("float32")


def forward():
    """The layer as `predict` calls it: traced."""
    layer = RoIAlign(SIZE, scale=1 / STRIDE)
    call = tf.function(lambda maps, boxes: layer([maps, boxes]))
    maps, boxes = (tf.constant(one) for one in maps_and_boxes())
    return lambda: call(maps, boxes).numpy()


def against_onnxruntime():
    """Both with as many threads."""
    need("onnx", "onnxruntime")
    sys.path.insert(0, str(Path(__file__).parents[1]))  # the reference is that of the tests
    from oracles.roi_align_onnx import roi_align_session

    threads = tf.config.threading.get_intra_op_parallelism_threads() or int(
        os.environ.get("TF_NUM_INTRAOP_THREADS", os.cpu_count() or 1)
    )
    theirs = roi_align_session((SIZE, SIZE), 2, 1 / STRIDE, threads)
    maps, boxes = maps_and_boxes()
    first, images = np.ascontiguousarray(np.moveaxis(maps, -1, 1)), np.zeros(REGIONS, np.int64)
    return forward(), lambda: theirs(first, boxes[0], images)


def against_itself(times: int, boxes_too: bool):
    """One forward and backward pass, and so many forward passes."""
    layer = RoIAlign(SIZE, scale=1 / STRIDE)

    @tf.function
    def gradients(maps, boxes, upstream):
        wanted = [maps, boxes] if boxes_too else [maps]
        with tf.GradientTape() as tape:
            tape.watch(wanted)
            cells = layer([maps, boxes])
        return tape.gradient(cells, wanted, upstream)

    maps, boxes = (tf.constant(one) for one in maps_and_boxes())
    upstream = tf.random.stateless_normal((1, REGIONS, SIZE, SIZE, CHANNELS), seed=(0, 1))
    alone = forward()

    def several():
        for _ in range(times):
            alone()

    return lambda: [one.numpy() for one in gradients(maps, boxes, upstream)], several


def row(times: int, boxes_too: bool):
    """At most so many times its own forward pass."""
    to = "maps and boxes" if boxes_too else "maps"
    return Duel(
        f"{NAME}, forward and gradients to {to}",
        f"{times} of its forward passes",
        1,
        lambda: against_itself(times, boxes_too),
    )


ROWS = [Duel(NAME, "onnxruntime's RoiAlign", 2, against_onnxruntime), row(6, False), row(12, True)]
