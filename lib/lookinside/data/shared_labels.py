"""Images that belong to two classes, in a training set that gives each image one label."""

from __future__ import annotations

import dataclasses

import numpy as np

from lookinside.data.labelled import LabelledImages
from lookinside.errors import LookInsideError


def two_labels(images: LabelledImages, way: str = "both", *, tag: str = "regions") -> LabelledImages:
    """What becomes of images that belong to two classes.

        "both": such an image stands there twice, once with each label, as in Roth et al. 2015;
        "soft": every image stands there twice, such an image once with each label, any other twice with its own. To a
            cross-entropy that is one image with a label of one half and one half.

    Args:
        images: a set with one label an image.
        way: "both" or "soft".
        tag: the tag with the classes of each image, "liver+lungs"; other names than class names are passed over.

    Returns:
        The set with the copies beside their originals; names, masks, groups and tags are copied, too.

    Raises:
        LookInsideError: for another way, or where there is no such tag.
    """
    if way not in ("both", "soft"):
        raise LookInsideError(f"way is {way!r}: give 'both' or 'soft'.")
    labels = [[int(label)] for label in images.labels]
    for own, names in zip(labels, images.tags[tag], strict=True):
        classes = [images.class_names.index(name) for name in names.split("+") if name in images.class_names]
        own += [label for label in classes if label != own[0]]
        if way == "soft" and len(own) == 1:
            own += own
    copied = images.subset(np.repeat(np.arange(len(images)), [len(own) for own in labels]))
    return dataclasses.replace(copied, labels=np.array([label for own in labels for label in own], np.int64))
