"""Many images of organs in modalities, each of another person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.radiography.radiographs import one_of, whole
from lookinside.phantoms.tomography.anatomy import ORGANS
from lookinside.phantoms.tomography.organ_images import MODALITIES, checked_organ_removal, organ_image


@dataclass(frozen=True)
class OrganSet:
    """N images, organ after organ and modality after modality.

    Attributes:
        images: uint8 (N, H, W).
        labels: int64 (N,), index into organs.
        organs: tuple of str, the class names.
        modalities: tuple of N names out of `MODALITIES`.
        views: tuple of N names of planes.
        seeds: int64 (N,): image i is `organ_image(organs[labels[i]], modalities[i], seeds[i], size=H, ...)`.
        organ_masks, lesion_masks, removed_masks: bool (N, H, W), see `OrganImage`.
    """

    images: np.ndarray
    labels: np.ndarray
    organs: tuple[str, ...]
    modalities: tuple[str, ...]
    views: tuple[str, ...]
    seeds: np.ndarray
    organ_masks: np.ndarray
    lesion_masks: np.ndarray
    removed_masks: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def organ_seed(seed: int, organ: str, modality: str, index: int) -> int:
    """The seed of image `index` of a cell in a set, whatever other cells or counts the set has."""
    cell = ORGANS.index(one_of(organ, ORGANS, "organ")), MODALITIES.index(one_of(modality, MODALITIES, "modality"))
    key = (whole(seed, "seed", 0), 24, *cell, index)
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _cells(cells) -> dict[str, tuple[str, ...]]:
    """Organ -> modalities, checked."""
    if not isinstance(cells, Mapping):
        cells = dict.fromkeys((cells,) if isinstance(cells, str) else tuple(cells), MODALITIES)
    found = {}
    for organ, modalities in cells.items():
        names = (modalities,) if isinstance(modalities, str) else tuple(modalities)
        found[one_of(organ, ORGANS, "organ")] = tuple(one_of(name, MODALITIES, "modality") for name in names)
        if not names or len(set(names)) != len(names):
            raise LookInsideError(f"modalities of {organ} are {modalities!r}; give each once, and at least one.")
    if not found:
        raise LookInsideError("cells is empty; give at least one organ.")
    return found


def organ_image_set(
    cells: str | Sequence[str] | Mapping[str, str | Sequence[str]] = ORGANS,
    per_organ: int = 50,
    *,
    size: int = 64,
    seed: int = 0,
    lesions: float = 0.25,
    without: str | Sequence[str] = (),
    progress: Callable[..., Iterable] | None = None,
) -> OrganSet:
    """Draw many images, each of another person.

    Args:
        cells: organs out of `ORGANS`, each in all modalities; or a dict organ -> modalities, for sets with holes.
        per_organ: images of each organ, shared between its modalities as evenly as can be.
        size: H = W in pixels.
        seed: int of 0 or more; sets of different seeds share no person.
        lesions: share of images with a lesion, 0 to 1.
        without: see `organ_image`.
        progress: called as progress(iterable, description), or None.

    Returns:
        `OrganSet`.

    Raises:
        LookInsideError: a wrong organ, modality, count, share, size, seed or part.
    """
    cells, per_organ, size = _cells(cells), whole(per_organ, "per_organ", 1), whole(size, "size", 32, 512)
    if not (isinstance(lesions, (int, float)) and 0 <= lesions <= 1):
        raise LookInsideError(f"lesions is {lesions!r}; give a share from 0 to 1.")
    checked_organ_removal(without, next(iter(cells)))
    plan = []
    for label, (organ, modalities) in enumerate(cells.items()):
        for place, modality in enumerate(modalities):
            count = per_organ // len(modalities) + (place < per_organ % len(modalities))
            plan += [(label, organ, modality, organ_seed(seed, organ, modality, i)) for i in range(count)]
    images = np.zeros((len(plan), size, size), np.uint8)
    masks = {name: np.zeros((len(plan), size, size), bool) for name in ("organ_mask", "lesion_mask", "removed_mask")}
    views = []
    steps = range(len(plan))
    for i in progress(steps, "images of organs") if progress else steps:
        _, organ, modality, own = plan[i]
        ill = np.random.default_rng((own, 11)).random() < lesions
        drawn = organ_image(organ, modality, own, size=size, lesion=bool(ill), without=without)
        images[i] = drawn.image
        views.append(drawn.view)
        for name, array in masks.items():
            array[i] = getattr(drawn, name)
    return OrganSet(
        images=images,
        labels=np.array([label for label, *_ in plan], np.int64),
        organs=tuple(cells),
        modalities=tuple(modality for _, _, modality, _ in plan),
        views=tuple(views),
        seeds=np.array([own for *_, own in plan], np.int64),
        **{name + "s": array for name, array in masks.items()},
    )
