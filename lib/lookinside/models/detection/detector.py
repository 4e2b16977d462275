"""What all detectors have in common: proposals, a second stage that looks at each of them, and boxes in the end."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras import ops

from lookinside.errors import LookInsideError
from lookinside.layers import clip_boxes, non_max_suppression
from lookinside.models.detection.batching import in_parts
from lookinside.models.detection.box_model import BoxModel
from lookinside.models.detection.checked_inputs import (
    check_own_arguments,
    check_times,
    checked_names,
    checked_pixels,
    checked_regions,
    checked_shape,
    checked_sizes,
)
from lookinside.models.detection.region_proposals import RegionProposals
from lookinside.models.detection.stages import ON_BOX, Stage
from lookinside.models.detection.targets import PADDING, draw, match

_POSITIVE_SHARE = 0.25


class BestProposals(NamedTuple):
    """The proposal that the best-scored box of each image came from, and that box.

    Attributes:
        regions: float32 (N, 4), the proposals, xyxy in pixels.
        boxes: float32 (N, 4), the answers; they may reach over the image's rim.
        scores: float32 (N,), the answers' scores, in [0, 1].
    """

    regions: np.ndarray
    boxes: np.ndarray
    scores: np.ndarray


class Detector(BoxModel, abc.ABC):
    """A two-stage detector; what it makes of a proposal is its kind's own.

    It trains by Keras' own `fit` on dictionaries: "images" float32 (B, H, W, C) in [0, 1], "boxes" float32 (B, M, 4) as
    x_min, y_min, x_max, y_max in pixels, and "labels" (B, M), -1 where a box only fills up the batch. Every loss is a
    metric; on validation batches "iou" is the mean IoU of the best-scored box with the true box that it overlaps most.

    `predict(images)` gives a dictionary: "boxes" (N, D, 4), "scores" (N, D) in [0, 1] and "labels" (N, D), best first.
    Where fewer than D boxes are found the rest have score 0 and label -1.

    Args:
        image_shape: (H, W, C).
        class_names: of what it looks for.
        anchor_sizes: (width, height) of the anchors in pixels: `fit_anchor_sizes` finds them from training boxes.
        width: share of the published number of maps.
        train_regions: proposals an image that the second stage learns from, at most a quarter of them on a box.
        test_regions: proposals an image that it looks at when it predicts.
        detections: D, boxes an image in the end.
        threshold: of two boxes of a class with a larger IoU than this, the one with the lower score goes.
        dtype: precision, as for any Keras layer ("mixed_float16", ...); that of Keras' settings unless told.
        seed: of the regions drawn. The start weights are Keras' own: call `keras.utils.set_random_seed` before.

    Raises:
        LookInsideError: for a shape that is not (H, W, C), class names that are none or come twice, no anchor size,
            numbers out of their range, or an unknown argument; and from its methods for images and boxes that are none.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        class_names: Sequence[str],
        anchor_sizes: Sequence[Sequence[float]],
        *,
        width: float = 1.0,
        train_regions: int = 64,
        test_regions: int = 100,
        detections: int = 10,
        threshold: float = 0.5,
        seed: int = 0,
        name: str | None = None,
        dtype: Any = None,
        **more: Any,
    ):
        super().__init__(name=name, dtype=dtype)
        check_own_arguments(type(self).__name__, self.make_parts, more)
        counts = {"train_regions": train_regions, "test_regions": test_regions, "detections": detections}
        counts |= {what: more[what] for what in ("units", "primitives") if what in more}
        for what, number in counts.items():
            if not isinstance(number, int | np.integer) or number < 1:
                raise LookInsideError(f"{what} is {number!r}: give a whole number, 1 or more.")
        if not isinstance(threshold, int | float | np.number) or not 0 <= threshold <= 1:
            raise LookInsideError(f"threshold is {threshold!r}: give an intersection over union from 0 to 1.")
        if not isinstance(seed, int | np.integer) or seed < 0:
            raise LookInsideError(f"seed is {seed!r}: give a whole number, 0 or more.")
        self.image_shape = checked_shape(image_shape)
        self.class_names = checked_names(class_names)
        self.anchor_sizes = checked_sizes(anchor_sizes)
        self.width, self.train_regions, self.test_regions = width, train_regions, test_regions
        self.detections, self.threshold, self.first_seed = detections, threshold, seed
        self.supports_jit = False  # non-maximum suppression does not compile under XLA
        self.draws = keras.random.SeedGenerator(seed + 1)
        with self.own_policy():
            self.proposals = self.make_parts(**more)
        empty = np.zeros((1, 1, 4), np.float32)
        batch = {"images": np.zeros((1, *self.image_shape), np.float32), "boxes": empty}
        # Called once with boxes, so that every weight is there from now on.
        self(batch | {"labels": np.full((1, 1), PADDING, np.int32)}, training=False)

    trunk_maps: ClassVar[Mapping[str, str]] = {}  # step -> the output of its trunk that it reads

    # What a kind of detector says ------------------------------------------------------------------------------

    @abc.abstractmethod
    def make_parts(self, **more: Any) -> RegionProposals:
        """Make the parts of the network; returns its proposals."""

    @abc.abstractmethod
    def maps(self, images: keras.KerasTensor, training: bool | None = None) -> Mapping[str, keras.KerasTensor]:
        """The feature maps of images (B, H, W, C); "proposals" are those that the proposals are made from, a list."""

    @abc.abstractmethod
    def stages(
        self, maps: Mapping[str, keras.KerasTensor], regions: keras.KerasTensor, training: bool | None = None
    ) -> list[Stage]:
        """What its steps make of regions (B, R, 4); the last one's answer counts in the end."""

    # What all of them do ---------------------------------------------------------------------------------------

    def call(self, inputs: Any, training: bool | None = None) -> dict[str, keras.KerasTensor]:
        """Detections of images; of a dictionary with "boxes" and "labels" the losses, which `fit` makes small."""
        given = inputs if isinstance(inputs, Mapping) else {"images": inputs}
        maps = self.maps(given["images"], training)
        scores, codes = self.proposals(maps["proposals"])
        if "boxes" not in given:
            return self._detected(maps, scores, codes)
        boxes = ops.cast(given["boxes"], "float32")
        labels = ops.cast(given["labels"], "int32")
        score, box = self.proposals.losses_of(scores, codes, boxes, labels, training)
        losses = {"rpn_score": score, "rpn_box": box}
        regions, counts = self._regions_to_learn(scores, codes, boxes, labels, training)
        for stage in self.stages(maps, regions, training):
            score, box = stage.losses_of(boxes, labels, counts)
            losses |= {f"{stage.name}_score": score, f"{stage.name}_box": box}
        for name, loss in losses.items():
            self.mean(name).update_state(loss)
        if not training:
            iou = match(self._detected(maps, scores, codes)["boxes"][:, :1], boxes, labels).iou[:, 0]
            self.mean("iou").update_state(iou, sample_weight=ops.any(labels != PADDING, axis=1))
        return losses

    def refine(self, images: Any, regions: Any, times: int = 1, step: str | None = None) -> dict[str, np.ndarray]:
        """What the second stage makes of given boxes, each for itself, without proposals and scores.

        Args:
            images: float32 (N, H, W, C) in [0, 1].
            regions: (N, R, 4), xyxy in pixels, such as true boxes shifted by a known amount.
            times: how often; its own answer is what it looks at next.
            step: name of the step whose answer that is; the last one unless told. With "coarse" the coarse head of a
                `StructureLocalizer` runs again on its own answer.

        Returns:
            {name of the step: (N, R, 4)}, in the order of the steps, from the last time.

        Raises:
            LookInsideError: for images and boxes that are none, an unknown step, or times that are no whole number
                from 1 on.
        """
        check_times(times)
        images = checked_pixels(images, self.image_shape)
        regions = ops.convert_to_tensor(checked_regions(regions, len(images), self.image_shape))
        maps = self.maps(ops.convert_to_tensor(images), training=False)
        for _ in range(times):
            found = {stage.name: stage.boxes() for stage in self.stages(maps, regions, training=False)}
            if step is not None and step not in found:
                raise LookInsideError(f"there is no step {step!r}: choose from {', '.join(found)}")
            regions = found[step or list(found)[-1]]
        return {name: ops.convert_to_numpy(boxes) for name, boxes in found.items()}

    def proposed(self, images: Any) -> dict[str, np.ndarray]:
        """The proposals alone, as `predict` gives detections: what the second stage has to improve on.

        Args:
            images: float32 (N, H, W, C) in [0, 1].

        Returns:
            "boxes" (N, D, 4) in pixels, "scores" (N, D) and "labels" (N, D), 0, or -1 where there are fewer.
        """
        maps = self.maps(ops.convert_to_tensor(checked_pixels(images, self.image_shape)), training=False)
        found = self.proposals.propose(*self.proposals(maps["proposals"]), self.detections)
        labels = ops.where(found.valid, 0, PADDING)
        named = {"boxes": found.boxes, "scores": found.scores, "labels": labels}
        return {name: ops.convert_to_numpy(one) for name, one in named.items()}

    def best_proposals(self, images: Any) -> BestProposals:
        """The proposal that led to the best-scored box of each image: where to ask why the detector said so.

        Args:
            images: float32 (N, H, W, C) in [0, 1], any number of them: they are worked off a few at a time.

        Returns:
            A `BestProposals`.

        Raises:
            LookInsideError: for images that are none.
        """
        images = checked_pixels(images, self.image_shape)
        found = []
        for part in in_parts(len(images)):
            maps = self.maps(ops.convert_to_tensor(images[part]), training=False)
            found.append([ops.convert_to_numpy(one) for one in self._best_proposals(maps)])
        return BestProposals(*map(np.concatenate, zip(*found, strict=True)))

    def _best_proposals(self, maps):
        proposed = self.proposals.propose(*self.proposals(maps["proposals"]), self.test_regions)
        last = self.stages(maps, proposed.boxes, training=False)[-1]
        scores = ops.where(proposed.valid, ops.max(ops.sigmoid(last.logits), axis=2), 0.0)
        best = ops.argmax(scores, axis=1)[:, None, None]
        regions, boxes = (ops.take_along_axis(one, best, axis=1)[:, 0] for one in (proposed.boxes, last.boxes()))
        return BestProposals(regions, boxes, ops.max(scores, axis=1))

    def _regions_to_learn(self, scores, codes, boxes, labels, training):
        """Regions (B, R, 4) drawn from the proposals and the true boxes, and whether each counts."""
        proposed = self.proposals.propose(scores, codes, max(self.train_regions, self.test_regions))
        regions = ops.concatenate([proposed.boxes, boxes], axis=1)
        valid = ops.concatenate([proposed.valid, labels != PADDING], axis=1)
        found = match(regions, boxes, labels)
        positive = valid & (found.iou >= ON_BOX)
        seed = self.draws if training else None
        places, counts = draw(positive, valid & ~positive, self.train_regions, _POSITIVE_SHARE, seed)
        return ops.stop_gradient(ops.take_along_axis(regions, ops.expand_dims(places, 2), axis=1)), counts

    def _detected(self, maps, scores, codes):
        proposed = self.proposals.propose(scores, codes, self.test_regions)
        last = self.stages(maps, proposed.boxes, training=False)[-1]
        return self._best(last.boxes(), ops.sigmoid(last.logits), proposed.valid)

    def _best(self, boxes, scores, valid):
        """The best-scored boxes, of (B, R, 4) with scores (B, R, C), without those that overlap a better one."""
        boxes = clip_boxes(boxes, *self.image_shape[:2])
        count, kinds = boxes.shape[1], len(self.class_names)
        scores = ops.where(ops.expand_dims(valid, 2), scores, 0.0)
        each = ops.reshape(ops.repeat(ops.expand_dims(boxes, 2), kinds, axis=2), (-1, count * kinds, 4))
        classes = ops.broadcast_to(np.tile(np.arange(kinds), count)[None], (ops.shape(boxes)[0], count * kinds))
        flat = ops.reshape(scores, (-1, count * kinds))
        kept = non_max_suppression(each, flat, self.detections, self.threshold, least_score=0.0, classes=classes)
        labels = ops.take_along_axis(ops.cast(classes, "int32"), kept.indices, axis=1)
        return {"boxes": kept.boxes, "scores": kept.scores, "labels": ops.where(kept.valid, labels, PADDING)}

    def get_config(self) -> dict[str, Any]:
        names = ("image_shape", "class_names", "anchor_sizes", "width", "train_regions", "test_regions")
        own = {name: getattr(self, name) for name in (*names, "detections", "threshold")}
        return super().get_config() | own | {"seed": self.first_seed}
