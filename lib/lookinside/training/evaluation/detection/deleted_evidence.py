"""Does a box follow its evidence? Some places of the image are blurred, and the box is looked for again."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError
from lookinside.explain import Interval, bootstrap_interval, detection_grad_cam, paired_difference
from lookinside.explain.detection.given_evidence import evidence_of
from lookinside.explain.detection.read_places import cell_centres, inside, read_centres
from lookinside.models.detection import Detector, Localization, StructureLocalizer
from lookinside.models.detection.batching import in_parts
from lookinside.models.detection.primitive_module import CELLS, windows
from lookinside.models.detection.stages import Stage
from lookinside.training.evaluation.detection.window_cells import NONE, highest_cells, primitives_chosen

_RIVALS = {"by vote": "random", "by alpha": "random", "by Grad-CAM": "random places"}


class EvidenceDeletion(NamedTuple):
    """How far a box's centre moves when some places are blurred.

    The ways of choosing places are "by vote", "by alpha" and "random", those of primitives, which a detector without
    primitives does not have, and "by Grad-CAM" and "random places".

    Attributes:
        moved: way -> float64 (N,), pixels.
        mean: way -> its mean with a 95 % interval over images.
        over_random: way -> its paired difference from chance with its interval: "by vote" and "by alpha" from random
            primitives ("random"), "by Grad-CAM" from "random places".
        blurred: way -> mean share of the window's pixels that were blurred. Primitives found at the same place blur it
            once: a way that moves the box more by blurring more has not found better evidence.
    """

    moved: dict[str, np.ndarray]
    mean: dict[str, Interval]
    over_random: dict[str, Interval]
    blurred: dict[str, float]

    def difference(self, way: str, other: str) -> Interval:
        """How much farther the box moves by one way than by another: paired, with its 95 % interval over images.

        Raises:
            LookInsideError: for an unknown way.
        """
        for name in (way, other):
            if name not in self.moved:
                raise LookInsideError(f"there is no way {name!r} here: choose from {', '.join(self.moved)}")
        return paired_difference(self.moved[way], self.moved[other])


def evidence_deletion(
    model: Detector,
    images: BoxedImages,
    count: int = 8,
    *,
    step: str | None = None,
    side: int = 16,
    seed: int = 0,
    evidence: Localization | None = None,
) -> EvidenceDeletion:
    """Blur the places that a step of a detector is said to go by, and measure how far that step's answer moves.

    It is the step's answer for the proposal that the image's best box came from; what the step looks at stays where it
    was, so that only the step itself is asked. Around `count` places `side` x `side` pixels are replaced by the blurred
    image. All places are cells of a grid of 15 x 15 over the window twice as large as what the step looks at, and
    what is blurred lies around the middle of the pixels that such a cell reads:

    - the cells that primitives are found in, those with the largest votes for the cell that won, the largest alpha of
      the paper, or random ones;
    - the cells in the image that are hottest by `detection_grad_cam` (ties, as on an empty map, by chance), or random
      ones.

    Args:
        model: a trained detector. One without primitives has the last two ways only.
        images: test images, any number of them; those without a box are asked, too.
        count: primitives, or cells, whose places are blurred.
        step: name of the step; None is the first, "coarse" of a `StructureLocalizer` and "head" of a black box.
        side: pixels.
        seed: of all that is random.
        evidence: what `model.evidence` has returned for these images, where it is there already; None asks for it.

    Raises:
        LookInsideError: for a step that the model does not have, more primitives than it has, evidence of other images,
            or a side below 1.

    Source: insertion and deletion, Petsiuk et al. 2018; here places of primitives are deleted, not single pixels.
    """
    if side < 1:
        raise LookInsideError(f"side is {side}: give the blurred squares' side in pixels, 1 or more")
    check_boxed(images=images)
    pixels = images.pixels
    told = None
    if isinstance(model, StructureLocalizer):
        step = _checked_step(step, list(model.modules), "localizer")
        if not 1 <= count <= model.primitives:
            raise LookInsideError(f"count is {count}: the localizer has {model.primitives} primitives")
        steps = evidence_of(model, pixels, evidence).steps
        told, proposals = steps[step], next(iter(steps.values())).regions
        looked_at, window = told.regions, told.windows
    elif evidence is not None:
        raise LookInsideError(f"The model is a {type(model).__name__}, which has no primitives: give no evidence.")
    else:
        proposals = looked_at = model.best_proposals(pixels).regions
        step = _checked_step(step, list(model.refine(pixels[:1], proposals[:1, None])), "detector")
        window = keras.ops.convert_to_numpy(windows(keras.ops.convert_to_tensor(looked_at)))
    if not 1 <= count <= CELLS**2:
        raise LookInsideError(f"count is {count}: give 1 to {CELLS**2} places")
    centres = cell_centres(window)
    # The pixels that a cell really reads lie around another place than the one it is cropped from: half a stride away.
    read = read_centres(model, step, window)[0] if step in model.trunk_maps else centres
    heat = detection_grad_cam(model, pixels, proposals, step=step)
    chosen = primitives_chosen(told, count, seed) if told else {}
    chosen |= _cells(heat, centres, read, count, seed)
    moved: dict[str, list] = {way: [] for way in chosen}
    shares: dict[str, list] = {way: [] for way in chosen}
    for part in in_parts(len(pixels)):
        own, blurred = pixels[part], gaussian_filter(pixels[part], (0, side / 2, side / 2, 0), mode="nearest")
        before = _centres(model, step, own, looked_at[part])
        for way, cells in chosen.items():
            mask = _squares(read[part], cells[part], own.shape[1:3], side)
            after = _centres(model, step, np.where(mask[..., None], blurred, own), looked_at[part])
            moved[way] += np.hypot(*(after - before).T).tolist()
            shares[way] += [_share(*one) for one in zip(mask, window[part], strict=True)]
    found = {way: np.array(one) for way, one in moved.items()}
    return EvidenceDeletion(
        found,
        {way: bootstrap_interval(one) for way, one in found.items()},
        {way: paired_difference(found[way], found[other]) for way, other in _RIVALS.items() if way in found},
        {way: float(np.mean(one)) for way, one in shares.items()},
    )


def _checked_step(step, names, kind):
    if step is not None and step not in names:
        raise LookInsideError(f"the {kind} has no step {step!r}: choose from {', '.join(names)}")
    return step or names[0]


def _cells(heat, centres, read, count, seed):
    """The hottest cells by heat (N, H, W), and random ones, the same for every detector with the same windows."""
    rng, possible = np.random.default_rng([seed, 1]), inside(read, heat.shape[1:])
    # A pixel's centre is half a pixel from its corner.
    values = [
        map_coordinates(one, own.T[::-1] - 0.5, order=1, mode="nearest") for one, own in zip(heat, centres, strict=True)
    ]
    ties, chance = rng.random(possible.shape), rng.random(possible.shape)
    return {
        "by Grad-CAM": highest_cells(np.stack(values), possible, count, ties),
        "random places": highest_cells(chance, possible, count, ties),
    }


def _centres(model, step, pixels, regions):
    """Where a step's answers for what it looks at, regions (N, 4), have their centres: (N, 2)."""
    if isinstance(model, StructureLocalizer):
        maps = model.maps(keras.ops.convert_to_tensor(pixels), training=False)
        regions = keras.ops.convert_to_tensor(regions[:, None])
        boxes = Stage(step, regions, model.modules[step]([maps[step], regions])[1], None).boxes()
    else:
        boxes = model.refine(pixels, regions[:, None])[step]
    boxes = np.asarray(keras.ops.convert_to_numpy(boxes), np.float64)[:, 0]
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def _squares(centres, cells, size, side):
    """Bool (N, H, W): squares around the centres (N, 225, 2) of the chosen cells (N, count)."""
    mask = np.zeros((len(cells), *size), bool)
    for i, own in enumerate(cells):
        for x, y in centres[i, own[own != NONE]]:
            low_y, low_x = (max(0, round(float(v - side / 2))) for v in (y, x))
            mask[i, low_y : max(0, round(float(y + side / 2))), low_x : max(0, round(float(x + side / 2)))] = True
    return mask


def _share(mask, window):
    """Share of the pixels (H, W) in a window (4,) that are marked; 0 for a window beside the image."""
    left, top, right, bottom = (max(0, round(float(v))) for v in window)
    own = mask[top:bottom, left:right]
    return own.mean() if own.size else 0.0
