"""The interpretable detector of Liu, Wan & He 2019: primitives that vote, coarse to fine, and a context branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import keras
import numpy as np
from keras import layers, ops

from lookinside.errors import LookInsideError
from lookinside.layers import DeformableRoIPooling, encode_boxes, primitives_from_features
from lookinside.models.detection.anchored import anchored_proposals
from lookinside.models.detection.batching import in_parts
from lookinside.models.detection.box_head import BoxHead
from lookinside.models.detection.checked_inputs import check_context_stretch, checked_pixels, checked_regions
from lookinside.models.detection.detector import Detector
from lookinside.models.detection.primitive_module import Evidence, PrimitiveModule
from lookinside.models.detection.region_proposals import RegionProposals
from lookinside.models.detection.stages import Stage
from lookinside.models.res_net import resnet18_stages

STRIDES = {"coarse": 16, "fine": 8}
TWICE = (2.0, 2.0)


class Localization(NamedTuple):
    """All that led to the best-scored box of each image.

    Attributes:
        steps: name of a step, "coarse" or "fine" -> its `Evidence`.
        context: (N, O, 4), the context boxes as they were moved, xyxy in pixels; None without the branch.
        mixture: mu, the local branch's share of the answer; 1 without the context branch.
        boxes: (N, 4), the answer, xyxy in pixels; it may reach over the image's rim, where `predict` cuts it off.
        scores: (N,), its score, in [0, 1].
    """

    steps: dict[str, Evidence]
    context: np.ndarray | None
    mixture: float
    boxes: np.ndarray
    scores: np.ndarray


class Mixture(layers.Layer):
    """mu of Eq. 1: one number from 0 to 1, learned; 0.5 at the start."""

    def build(self, input_shape: Any = None) -> None:
        self.logit = self.add_weight((), "zeros", name="logit")

    def call(self, local: keras.KerasTensor, around: keras.KerasTensor) -> keras.KerasTensor:
        return self.share * local + (1 - self.share) * around

    @property
    def share(self) -> keras.KerasTensor:
        """mu, a scalar."""
        return ops.sigmoid(ops.convert_to_tensor(self.logit))


@keras.saving.register_keras_serializable("lookinside")
class StructureLocalizer(Detector):
    """A detector whose answer can be followed back: which primitives it saw where, and what each voted for.

    `steps=1, context=0` is the paper's LS (one voting step), `steps=2, context=0` its LCF (coarse to fine), and
    `steps=2, context=4` the whole. `Detector` tells of the arguments that all detectors take, of inputs and outputs.

    Args:
        primitives: K of each step.
        steps: 1 votes on the map of stride 16, 2 votes again on that of stride 8, around the first answer.
        context: O, context boxes beside each proposal: 0 (no context branch), 2, 4 or 6.
        context_stretch: how many times as wide and as high as the proposal they are, see `DeformableRoIPooling`.
        units: of the fully connected layers.

    Source: Liu, Wan & He 2019, section 2.
    """

    trunk_maps: ClassVar = {"coarse": "conv4_x", "fine": "conv3_x"}

    def make_parts(
        self,
        primitives: int = 128,
        steps: int = 2,
        context: int = 0,
        units: int = 256,
        context_stretch: Sequence[float] = TWICE,
    ) -> RegionProposals:
        if context not in (0, 2, 4, 6) or not isinstance(context, int | np.integer):
            raise LookInsideError(f"context is {context!r}: give 0 (no context branch), 2, 4 or 6 boxes.")
        if steps not in (1, 2):
            raise LookInsideError(f"steps is {steps}: give 1 (coarse) or 2 (coarse to fine).")
        check_context_stretch(context_stretch)
        self.primitives, self.steps, self.context, self.units = primitives, steps, context, units
        self.context_stretch = tuple(context_stretch)
        self.trunk = resnet18_stages(self.image_shape, width=self.width, name="local_trunk")
        kinds, names = len(self.class_names), list(STRIDES)[:steps]
        self.modules = {
            name: PrimitiveModule(STRIDES[name], primitives, kinds, units=units, seed=self.first_seed, name=name)
            for name in names
        }
        if context:
            self.context_trunk = resnet18_stages(self.image_shape, width=self.width, name="context_trunk")
            self.around = DeformableRoIPooling(
                7,
                context,
                units,
                scale=1 / STRIDES["coarse"],
                return_boxes=True,
                stretch=context_stretch,
                dtype="float32",
            )
            self.context_head = BoxHead(kinds, units, seed=self.first_seed, name="context_head")
            self.mixture = Mixture(name="mixture", dtype="float32")
        return anchored_proposals(self, [STRIDES["coarse"]], [self.anchor_sizes])

    def maps(self, images: keras.KerasTensor, training: bool | None = None) -> Mapping[str, Any]:
        maps = self.trunk(images, training=training)
        found = {name: maps[own] for name, own in self.trunk_maps.items()} | {"proposals": [maps["conv4_x"]]}
        if self.context:
            found["context"] = self.context_trunk(images, training=training)["conv4_x"]
        return found

    def stages(self, maps: Mapping[str, Any], regions: keras.KerasTensor, training: bool | None = None) -> list[Stage]:
        found, looked_at = [], regions
        for name, module in self.modules.items():
            logits, codes = module([maps[name], looked_at])
            found.append(Stage(name, looked_at, codes, logits))
            looked_at = ops.stop_gradient(found[-1].boxes())
        if self.context:
            features, _ = self.around([maps["context"], regions])
            logits, codes = self.context_head(features)
            found.append(Stage("context", regions, codes, logits))
            found.append(self._mixed(*found[-2:]))
        return found

    def _mixed(self, local: Stage, around: Stage) -> Stage:
        """Eq. 1: box and score of both branches, in the shares mu and 1 - mu."""
        regions = around.regions
        boxes = self.mixture(local.boxes(), around.boxes())
        score = ops.clip(self.mixture(ops.sigmoid(local.logits), ops.sigmoid(around.logits)), 1e-6, 1 - 1e-6)
        return Stage("mixture", regions, encode_boxes(boxes, regions), ops.log(score) - ops.log(1 - score))

    def start_primitives(self, images: Any, boxes: Any, seed: int = 0) -> None:
        """Start each step's primitives from what the network makes of true boxes, by spherical k-means.

        Args:
            images: float32 (N, H, W, C) in [0, 1], training images; some dozens do.
            boxes: (N, 4), the true box of each, xyxy in pixels.
            seed: of k-means.

        Raises:
            LookInsideError: for images that are none, or boxes that are none or not one for each image.
            ValueError: for more primitives than there are different features in the windows of the boxes.
        """
        images = checked_pixels(images, self.image_shape)
        each = [np.reshape(box, (1, -1)) for box in boxes]
        regions = ops.convert_to_tensor(checked_regions(each, len(images), self.image_shape))
        maps = self.maps(ops.convert_to_tensor(images), training=False)
        for name, module in self.modules.items():
            features = ops.convert_to_numpy(module.features_at(maps[name], regions))
            module.detect.start_from(primitives_from_features(features, self.primitives, seed))

    def take_local_branch(self, other: StructureLocalizer) -> None:
        """Take trunk, proposals and steps from a trained localizer without the context branch: the paper's first phase.

        Raises:
            LookInsideError: where the other is no localizer, or has other steps or shapes; nothing is taken then.
        """
        if not isinstance(other, StructureLocalizer):
            raise LookInsideError(f"The other model is a {type(other).__name__}: give a trained StructureLocalizer.")
        if other.steps != self.steps:
            raise LookInsideError(
                f"The other localizer has steps={other.steps}, this one {self.steps}: make both alike."
            )
        pairs = list(zip(self._local_parts(), other._local_parts(), strict=True))
        for mine, theirs in pairs:
            if [one.shape for one in mine.weights] != [one.shape for one in theirs.weights]:
                raise LookInsideError(
                    f"{mine.name} has other shapes in the two localizers: make both with the same arguments."
                )
        for mine, theirs in pairs:
            mine.set_weights(theirs.get_weights())

    def with_fixed_context(self) -> StructureLocalizer:
        """A copy whose context boxes stay where they were put, around each proposal; this localizer stays as it is.

        What the branch has learnt it has learnt from boxes that move. Where the copy does as well, moving them did not
        matter.

        Raises:
            LookInsideError: for a localizer without a context branch.
        """
        if not self.context:
            raise LookInsideError("The localizer has no context branch: make it with context=2, 4 or 6.")
        copy = type(self).from_config(self.get_config())
        copy.set_weights(self.get_weights())
        for weights in copy.around.offsets.weights:
            weights.assign(ops.zeros_like(weights))
        return copy

    def _local_parts(self):
        return [self.trunk, self.proposals, *self.modules.values()]

    def evidence(self, images: Any) -> Localization:
        """What led to the best-scored box of each image, from its proposal on.

        Args:
            images: float32 (N, H, W, C) in [0, 1], any number of them.

        Returns:
            A `Localization`.

        Raises:
            LookInsideError: for images that are none: of another size, whole numbers, values that are not in [0, 1].
        """
        images = checked_pixels(images, self.image_shape)
        found = [self._evidence(images[part]) for part in in_parts(len(images))]
        steps = {
            name: Evidence(*map(np.concatenate, zip(*(one.steps[name] for one in found), strict=True)))
            for name in self.modules
        }
        context = np.concatenate([one.context for one in found]) if self.context else None
        boxes, scores = (np.concatenate([getattr(one, name) for one in found]) for name in ("boxes", "scores"))
        return Localization(steps, context, found[0].mixture, boxes, scores)

    def _evidence(self, images):
        """The same of as many images as go at once."""
        maps = self.maps(ops.convert_to_tensor(images), training=False)
        best = self._best_proposals(maps)
        steps, looked_at = {}, best.regions
        for name, module in self.modules.items():
            steps[name] = module.evidence(maps[name], looked_at)
            looked_at = ops.convert_to_tensor(steps[name].boxes)
        context = None
        if self.context:
            context = ops.convert_to_numpy(self.around([maps["context"], best.regions[:, None]])[1])[:, 0]
        mixture = float(self.mixture.share) if self.context else 1.0
        boxes, scores = ops.convert_to_numpy(best.boxes), ops.convert_to_numpy(best.scores)
        return Localization(steps, context, mixture, boxes, scores)

    def get_config(self) -> dict[str, Any]:
        names = ("primitives", "steps", "context", "units")
        own = {name: getattr(self, name) for name in names}
        if self.context_stretch != TWICE:  # goes without saying, so that the runs of it keep their folders
            own["context_stretch"] = self.context_stretch
        return super().get_config() | own
