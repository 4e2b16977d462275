"""Many first-trimester scans, each of another fetus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.fetus.fetus_scans import checked_size, checked_strength, fetus_scan
from lookinside.phantoms.fetus.parts import STRUCTURES, checked_scan_removal
from lookinside.phantoms.radiography.radiographs import one_of, whole


@dataclass(frozen=True)
class FetusSet:
    """N scans.

    Attributes:
        images: uint8 (N, H, W).
        boxes: N dicts name -> (x_min, y_min, x_max, y_max) in pixels, see `FetusScan`.
        names: tuple of str, all names that boxes can have: `STRUCTURES`.
        masks: name -> bool (N, H, W); nothing is True where the structure is not seen.
        seeds: int64 (N,): image i is `fetus_scan(seeds[i], size=(H, W), ...)`, without its NT where absent[i].
        absent: bool (N,), which scans have been drawn without a nuchal translucency by the share `absent`.
        facing: tuple of N, "left" or "right".
        calipers_masks, removed_masks: bool (N, H, W), see `FetusScan`.
    """

    images: np.ndarray
    boxes: tuple[dict[str, tuple[int, int, int, int]], ...]
    names: tuple[str, ...]
    masks: dict[str, np.ndarray]
    seeds: np.ndarray
    absent: np.ndarray
    facing: tuple[str, ...]
    calipers_masks: np.ndarray
    removed_masks: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def fetus_seed(seed: int, index: int) -> int:
    """The seed of image `index` of a set, whatever its count."""
    key = (whole(seed, "seed", 0), 45, index)
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def fetus_set(
    count: int = 50,
    *,
    size: tuple[int, int] = (192, 256),
    seed: int = 0,
    absent: float = 0.0,
    calipers: bool | float = False,
    without: str | Sequence[str] = (),
    masks: str | Sequence[str] = STRUCTURES,
    progress: Callable[..., Iterable] | None = None,
) -> FetusSet:
    """Take many scans, each of another fetus.

    Args:
        count: scans.
        size: (H, W) in pixels, each 64 to 1024.
        seed: int of 0 or more; sets of different seeds share no fetus.
        absent: share of scans without a nuchal translucency, 0 to 1. The same seed with a greater share takes it
            from the same scans and from further ones.
        calipers: see `fetus_scan`; only on scans that show a nuchal translucency: a shortcut that goes with it.
        without: see `fetus_scan`.
        masks: names out of `STRUCTURES` whose masks are kept; each takes count x H x W bytes.
        progress: called as progress(iterable, description), or None.

    Returns:
        `FetusSet`.

    Raises:
        LookInsideError: a wrong count, size, seed, share, strength or part.
    """
    count, size, seed = whole(count, "count", 1), checked_size(size), whole(seed, "seed", 0)
    if isinstance(absent, bool) or not (isinstance(absent, (int, float)) and 0 <= absent <= 1):
        raise LookInsideError(f"absent is {absent!r}; give a share from 0 to 1.")
    strength, gone = checked_strength(calipers), checked_scan_removal(without)
    masks = (masks,) if isinstance(masks, str) else tuple(masks)
    kept = {one_of(name, STRUCTURES, "structure"): np.zeros((count, *size), bool) for name in masks}
    images = np.zeros((count, *size), np.uint8)
    crosses, removed = np.zeros((count, *size), bool), np.zeros((count, *size), bool)
    seeds = np.array([fetus_seed(seed, i) for i in range(count)], np.int64)
    lacking = np.array([np.random.default_rng((int(own), 43)).random() < absent for own in seeds])
    boxes, facing = [], []
    steps = range(count)
    for i in progress(steps, "scans of a fetus") if progress else steps:
        missing = gone | {"NT"} if lacking[i] else gone
        marks = 0.0 if "NT" in missing else strength
        one = fetus_scan(int(seeds[i]), size=size, without=sorted(missing), calipers=marks)
        images[i], crosses[i], removed[i] = one.image, one.calipers_mask, one.removed_mask
        boxes.append(one.boxes)
        facing.append(one.facing)
        for name in kept.keys() & one.masks.keys():
            kept[name][i] = one.masks[name]
    return FetusSet(
        images=images,
        boxes=tuple(boxes),
        names=STRUCTURES,
        masks=kept,
        seeds=seeds,
        absent=lacking,
        facing=tuple(facing),
        calipers_masks=crosses,
        removed_masks=removed,
    )
