"""Grad-CAM of a detector: which places of the image the score of one region depends on."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.explain.calls.blank import told
from lookinside.explain.maps.enlarging import enlarged
from lookinside.explain.network.tracing import traced
from lookinside.models.detection import Detector
from lookinside.models.detection.batching import in_parts
from lookinside.models.detection.checked_inputs import checked_pixels, checked_regions

_FIRST = "coarse"
_LISTS = ("proposals",)  # what `Detector.maps` gives beside single maps


def detection_grad_cam(
    model: Detector,
    images: ArrayLike,
    regions: ArrayLike,
    *,
    step: str | None = None,
    layer: str | None = None,
) -> np.ndarray:
    """Grad-CAM of the score that a step of a detector gives to one region of each image.

        heat = detection_grad_cam(model, images, model.best_proposals(images).regions)

    The gradient of the region's largest logit by a feature map, averaged over the map's cells, weights its channels;
    their sum without its negative part is the heat, which is enlarged to the image. A weighted sum of the WHOLE map is
    what Grad-CAM is: a detector reads the region alone, and there may be heat on places that it has not read.

    Args:
        model: any detector.
        images: float32 (N, H, W, C) in [0, 1], any number of them: they are worked off 16 at a time.
        regions: (N, 4), xyxy in pixels, such as `Detector.best_proposals` gives.
        step: name of the step whose score it is; the last one unless told. A later step looks at what the earlier ones
            have made of the region.
        layer: name of the map in `model.maps(...)`. None takes for each image the first map on which its score depends,
            "coarse" before all others: an `FPN` reads small regions from "fine" alone.

    Returns:
        float32 (N, H, W), 0 or more, as it comes: not scaled. A `BlankMapWarning` tells of empty maps.

    Raises:
        LookInsideError: for images and regions that are none, an unknown step or map, or a map on which the score does
            not depend.

    Source: Selvaraju et al. 2017, Eqs. 1 and 2.
    """
    if not isinstance(model, Detector):
        raise LookInsideError(f"The model is a {type(model).__name__}: give a detector; for a classifier use GradCAM.")
    images = checked_pixels(images, model.image_shape)
    regions = np.asarray(regions, np.float32) if np.ndim(regions) == 2 else np.zeros(0)
    if regions.shape != (len(images), 4):
        raise LookInsideError(
            f"Give one region for each of the {len(images)} images, (N, 4): x_min, y_min, x_max, y_max."
        )
    regions = checked_regions(regions[:, None], len(images), model.image_shape)
    parts = list(in_parts(len(images)))

    def heat(some, boxes):
        return _heat(model, some, boxes, step, layer)

    heat = traced(heat) if len(parts) > 1 else heat  # a graph pays from the second part on
    found = [heat(tf.constant(images[part]), tf.constant(regions[part])).numpy() for part in parts]
    return told(np.concatenate(found), "detection_grad_cam")


def _heat(model: Detector, images: tf.Tensor, regions: tf.Tensor, step: str | None, layer: str | None) -> tf.Tensor:
    """(N, H, W, C) and (N, 1, 4) -> (N, H, W)."""
    maps: dict[str, Any] = dict(model.maps(images, training=False))
    names = sorted((name for name in maps if name not in _LISTS), key=lambda name: name != _FIRST)
    if layer is not None and layer not in names:
        raise LookInsideError(f"the detector has no map {layer!r}: choose from {', '.join(names) or 'none'}")
    maps |= {name: tf.cast(maps[name], tf.float32) for name in names}
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        for name in names:
            tape.watch(maps[name])
        stages = {stage.name: stage for stage in model.stages(maps, regions, training=False)}
        if step is not None and step not in stages:
            raise LookInsideError(f"there is no step {step!r}: choose from {', '.join(stages)}")
        step = step or list(stages)[-1]
        score = tf.reduce_sum(tf.reduce_max(stages[step].logits, axis=2))
    slopes = dict(zip(names, tape.gradient(score, [maps[name] for name in names]), strict=True))
    read = [name for name in names if slopes[name] is not None]
    if (layer is not None and layer not in read) or not read:
        mend = f"choose layer= from {', '.join(read)}" if read else "it has no map to look at"
        raise LookInsideError(f"The score of step {step!r} does not depend on the map {layer or names}: {mend}")
    size, read = images.shape[1:3], [layer] if layer is not None else read
    heat = _enlarged_sum(maps[read[-1]], slopes[read[-1]], size)
    for name in reversed(read[:-1]):
        depends = tf.reduce_any(slopes[name] != 0, axis=(1, 2, 3))
        heat = tf.where(depends[:, None, None], _enlarged_sum(maps[name], slopes[name], size), heat)
    return heat


def _enlarged_sum(maps, slopes, size):
    """Eqs. 1 and 2: maps and gradients (N, h, w, K) -> heat (N, H, W)."""
    weights = tf.reduce_mean(slopes, axis=(1, 2))
    return enlarged(tf.nn.relu(tf.einsum("nhwk,nk->nhw", maps, weights)), size)
