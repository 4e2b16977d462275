"""Phantom radiographs as a labelled set."""

from __future__ import annotations

import numpy as np

from lookinside.data.labelled import LabelledImages
from lookinside.errors import CourseError

# Streams of random people: no person of one split is ever a person of another.
_SPLITS = {"train": 0, "validation": 1, "test": 2}


def split_seed(split: str, seed: int) -> int:
    """The phantom seed of a split: `train`, `validation` and `test` never share a person for any two seeds."""
    if split not in _SPLITS:
        raise CourseError(f"no split {split!r}: choose from {', '.join(_SPLITS)}")
    return len(_SPLITS) * seed + _SPLITS[split]


def phantom_radiographs(split, classes, per_class, size, seed, shortcut=None) -> LabelledImages:
    """Draw a phantom set; its `regions` are the landmarks that the paper names (hand and foot, else empty).

    Args:
        split: `"train"`, `"validation"` or `"test"`; different people in each.
        classes: names from `lookinside.phantoms.CLASSES`.
        per_class: images of each class: a number, a sequence, or a dict by class name.
        size: height and width in pixels.
        seed: whole number; same seed, same images.
        shortcut: a planted marker, as `lookinside.phantoms.radiograph_set` takes it.

    Raises:
        CourseError: for an unknown split or class.
    """
    from lookinside.phantoms import radiograph_set

    drawn = radiograph_set(classes, per_class, size=size, seed=split_seed(split, seed), shortcut=shortcut)
    names = tuple(f"{split}-{drawn.class_names[k]}-{i:05d}" for i, k in enumerate(drawn.labels))
    return LabelledImages(
        images=drawn.images[..., np.newaxis],
        labels=drawn.labels,
        class_names=tuple(drawn.class_names),
        names=names,
        regions=drawn.landmark_masks,
    )
