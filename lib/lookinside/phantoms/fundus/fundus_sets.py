"""Many fundus photographs, each of another eye, healthy ones and ones with glaucoma."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.fundus.fundus_photos import MASKS, checked_photo_size, checked_share, fundus_photo
from lookinside.phantoms.fundus.parts import checked_eye_removal
from lookinside.phantoms.radiography.radiographs import one_of, whole

EYE_CLASSES = ("healthy", "glaucoma")
_SIGNS = (("rim_loss",), ("nerve_defect",), ("rim_loss", "nerve_defect"))  # of one eye with glaucoma after the other

Carriers = str | Sequence[str] | Mapping[str, float] | None


@dataclass(frozen=True)
class FundusSet:
    """N photographs.

    Attributes:
        images: uint8 (N, H, W, 3).
        labels: int64 (N,), positions in `class_names`; what `without=` takes away changes no label.
        class_names: `EYE_CLASSES`.
        rim_loss, nerve_defect: float64 (N,), severities of the eyes, 0 where the eye has none; as they are before
            `without=` takes anything away.
        boxes: N dicts name -> (x_min, y_min, x_max, y_max) in pixels, see `FundusPhoto`.
        masks: name -> bool (N, H, W), see `FundusPhoto`.
        seeds: int64 (N,): image i is `fundus_photo(seeds[i], size=H, rim_loss=rim_loss[i], ...)`.
        eyes: tuple of N, "left" or "right".
        poles: tuple of N, "lower" or "upper".
        colour_cast, camera_mark: bool (N,), which photographs carry what is planted.
    """

    images: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    rim_loss: np.ndarray
    nerve_defect: np.ndarray
    boxes: tuple[dict[str, tuple[int, int, int, int]], ...]
    masks: dict[str, np.ndarray]
    seeds: np.ndarray
    eyes: tuple[str, ...]
    poles: tuple[str, ...]
    colour_cast: np.ndarray
    camera_mark: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def fundus_seed(seed: int, index: int) -> int:
    """The seed of image `index` of a set, whatever its count."""
    key = (whole(seed, "seed", 0), 56, index)
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def fundus_set(
    count: int = 50,
    *,
    size: int = 224,
    seed: int = 0,
    glaucoma: float = 0.5,
    severity: tuple[float, float] = (0.4, 1.0),
    without: str | Sequence[str] = (),
    colour_cast: Carriers = None,
    camera_mark: Carriers = None,
    masks: str | Sequence[str] = MASKS,
    progress: Callable[..., Iterable] | None = None,
) -> FundusSet:
    """Photograph many eyes. Those with glaucoma have rim loss, a nerve fibre defect and both in turn.

    Args:
        count: photographs.
        size: height and width in pixels, 96 to 512.
        seed: int of 0 or more; sets of different seeds share no eye.
        glaucoma: share of eyes with glaucoma, 0 to 1.
        severity: least and greatest, 0 to 1; each sign's own is drawn between them.
        without: see `fundus_photo`.
        colour_cast, camera_mark: who carries a planted shortcut at full strength: None, a class, several, or a dict
            class -> share of its photographs, 0 to 1.
        masks: names out of `MASKS` that are kept; each takes count x H x W bytes.
        progress: called as progress(iterable, description), or None.

    Returns:
        `FundusSet`.

    Raises:
        LookInsideError: a wrong count, size, seed, share, severity, part, class or mask.
    """
    count, size, seed = whole(count, "count", 1), checked_photo_size(size), whole(seed, "seed", 0)
    share, span = checked_share(glaucoma, "glaucoma"), _checked_span(severity)
    checked_eye_removal(without)
    carriers = {"colour_cast": checked_carriers(colour_cast, "colour_cast")}
    carriers["camera_mark"] = checked_carriers(camera_mark, "camera_mark")
    masks = (masks,) if isinstance(masks, str) else tuple(masks)
    kept = {one_of(name, MASKS, "mask"): np.zeros((count, size, size), bool) for name in masks}
    images = np.zeros((count, size, size, 3), np.uint8)
    seeds = np.array([fundus_seed(seed, i) for i in range(count)], np.int64)
    ill = np.floor(np.arange(count + 1) * share + 1e-9).astype(int)  # how many are ill before each
    labels = np.diff(ill).astype(np.int64)
    severities = {name: np.zeros(count) for name in ("rim_loss", "nerve_defect")}
    planted = {name: np.zeros(count, bool) for name in carriers}
    boxes, eyes, poles = [], [], []
    steps = range(count)
    for i in progress(steps, "fundus photographs") if progress else steps:
        rng = np.random.default_rng((int(seeds[i]), 57))
        drawn = dict(zip(severities, rng.uniform(*span, 2).tolist(), strict=True))
        for name in _SIGNS[ill[i] % 3] if labels[i] else ():
            severities[name][i] = drawn[name]
        for name, shares in carriers.items():
            planted[name][i] = rng.random() < shares[EYE_CLASSES[labels[i]]]
        one = fundus_photo(
            int(seeds[i]),
            size=size,
            without=without,
            **{name: float(values[i]) for name, values in severities.items()},
            **{name: float(values[i]) for name, values in planted.items()},
        )
        images[i] = one.image
        boxes.append(one.boxes)
        eyes.append(one.eye)
        poles.append(one.pole)
        for name in kept:
            kept[name][i] = one.masks[name]
    return FundusSet(
        images=images,
        labels=labels,
        class_names=EYE_CLASSES,
        **severities,
        boxes=tuple(boxes),
        masks=kept,
        seeds=seeds,
        eyes=tuple(eyes),
        poles=tuple(poles),
        **planted,
    )


def _checked_span(severity):
    """Least and greatest severity as floats."""
    if isinstance(severity, (str, int, float)) or not isinstance(severity, Sequence) or len(severity) != 2:
        raise LookInsideError(f"severity is {severity!r}; give the least and the greatest, such as (0.4, 1.0).")
    low, high = (checked_share(one, "severity") for one in severity)
    if low > high:
        raise LookInsideError(f"severity is {severity!r}; give the least one first.")
    return low, high


def checked_carriers(value: Carriers, what: str) -> dict[str, float]:
    """Class -> share of its photographs that carry a planted shortcut. Raises LookInsideError for anything else."""
    if value is None:
        value = ()
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, (Mapping, Sequence)):
        raise LookInsideError(f"{what} is {value!r}; give None, a class, several, or a dict class -> share.")
    shares = value if isinstance(value, Mapping) else dict.fromkeys(value, 1.0)
    found = {
        one_of(name, EYE_CLASSES, "class"): checked_share(one, f"{what}[{name!r}]") for name, one in shares.items()
    }
    return {name: found.get(name, 0.0) for name in EYE_CLASSES}
