"""How visible is a sign of glaucoma? The wedge's contrast and the notch's, where a drawn eye has them.

Both look at the green channel, as red-free photographs do. On drawn eyes the wedge stands out most there, and the notch
does about as well as in blue; red shows both worst. A sign is compared with what lies beside it, so that light and
pigment, which change slowly over a photograph, act on both alike. Pixels on vessels and next to them are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from lookinside.data import LabelledImages
from lookinside.data.labelled import checked_set
from lookinside.errors import LookInsideError
from lookinside.training.evaluation.synthesis.pictures import checked_pictures

_GREEN = 1
_LEAST = 5  # pixels of a sign; the mean of fewer is noise
# Lengths in 128ths of a photograph's side, about a twenty-third of a disc: pixels in a photograph of 128.
_VESSEL, _BORDER, _GAP, _FLANK, _RING, _DEPTH = 1.0, 2.0, 2.0, 5.0, 2.0, 1.0


def wedge_contrast(images: np.ndarray, eyes: LabelledImages) -> np.ndarray:
    """How much darker the nerve fibre defect is than the retina on both sides of it.

    Ring by ring around the disc, the wedge's pixels are compared with the mean of the two flanks, strips beside it at
    the same distance from the disc: (flank - wedge) / flank of the green channel. Rings where a flank is missing do
    not count. Fibres lie thickest where a wedge strikes, so that an eye without one has a few percent less than 0 (the
    flanks are darker there); the difference of two images of the same eye is free of that.

    Args:
        images: float (N, H, W, 3) in [0, 1], such as synthetic images, made after `eyes`.
        eyes: the drawn eyes that say where the wedge, the disc, the vessels and the field are, as `phantom_eyes` gives
            them: its masks "nerve_defect", "disc", "vessels" and "field".

    Returns:
        float64 (N,), percent; nan where the eye has no wedge, too little of it can be seen, or its flanks are black.

    Raises:
        LookInsideError: for images in another range or of another number or size than the eyes, and for eyes without
            these masks.
    """
    images, masks = _checked(images, eyes, ("nerve_defect", "disc", "vessels", "field"))
    unit = max(images.shape[1:3]) / 128
    found = np.full(len(images), np.nan)
    for i in np.flatnonzero(masks["nerve_defect"].any(axis=(1, 2)) & masks["disc"].any(axis=(1, 2))):
        wedge, disc, vessels, field = (mask[i] for mask in masks.values())
        seen = (_distance_to(vessels) > _VESSEL * unit) & (_distance_to(disc) > _BORDER * unit)
        seen &= _distance_to(~np.pad(field, 1))[1:-1, 1:-1] > _BORDER * unit
        distance, angle = _around(disc, wedge)
        ring = (distance / (_RING * unit)).astype(int)
        # The wedge follows the fibres, in an arc: which side a flank is on is asked anew in each ring.
        middle = _means(angle, wedge, ring)[ring]
        off = _distance_to(wedge)
        band = seen & (off > _GAP * unit) & (off <= (_GAP + _FLANK) * unit)
        own, flank = _compared(
            images[i, ..., _GREEN], wedge & seen, (band & (angle < middle), band & (angle > middle)), ring
        )
        found[i] = 100 * (flank - own) / flank if flank > 0 else np.nan
    return found


def notch_contrast(images: np.ndarray, eyes: LabelledImages) -> np.ndarray:
    """How much paler the place of the lost rim is than the rim that is left.

    The lost rim's pixels are compared with those of the rim that is left (disc, no cup) at the same distance from the
    disc's border: (lost - left) / left of the green channel.

    Args:
        images: float (N, H, W, 3) in [0, 1], such as synthetic images, made after `eyes`.
        eyes: the drawn eyes that say where the rim is lost and where it is left, as `phantom_eyes` gives them: its
            masks "rim_loss", "disc", "cup" and "vessels".

    Returns:
        float64 (N,), percent; nan where the eye has lost no rim, too little of its place can be seen (vessels cover
        it, or the disc fills the image), or the rim is black.

    Raises:
        LookInsideError: as `wedge_contrast`.
    """
    images, masks = _checked(images, eyes, ("rim_loss", "disc", "cup", "vessels"))
    unit = max(images.shape[1:3]) / 128
    found = np.full(len(images), np.nan)
    # Where a disc fills the image, its border is not seen, and no depth is known.
    for i in np.flatnonzero(masks["rim_loss"].any(axis=(1, 2)) & ~masks["disc"].all(axis=(1, 2))):
        lost, disc, cup, vessels = (mask[i] for mask in masks.values())
        seen = _distance_to(vessels) > _VESSEL * unit
        depth = (_distance_to(~disc) / (_DEPTH * unit)).astype(int)
        own, left = _compared(images[i, ..., _GREEN], lost & seen, (disc & ~cup & seen,), depth)
        found[i] = 100 * (own - left) / left if left > 0 else np.nan
    return found


def _checked(images, eyes, names):
    """The images and the masks of these names, which agree."""
    checked_set(eyes)
    images = checked_pictures(images, "images")
    if images.shape != eyes.images.shape or images.shape[-1] != 3:
        raise LookInsideError(
            f"images are {images.shape}, the eyes {eyes.images.shape}: give each eye its colour image."
        )
    return images, {name: eyes.masks[name] for name in names}


def _distance_to(mask):
    """How far each pixel is from the nearest one of a mask, pixels; infinity where there is none."""
    return ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)


def _around(disc, wedge):
    """Distance from the disc's middle, and angle from the wedge's, seen from there: (H, W) each."""
    rows, columns = np.indices(disc.shape)
    y, x = rows - rows[disc].mean(), columns - columns[disc].mean()
    turn = np.exp(-1j * np.arctan2(y[wedge].mean(), x[wedge].mean()))
    return np.hypot(x, y), np.angle((x + 1j * y) * turn)


def _means(values, where, stratum):
    """Mean of `values` over the pixels `where` of each stratum, (S,); nan where there is none."""
    strata = int(stratum.max()) + 1
    total = np.bincount(stratum[where], values[where], minlength=strata)
    count = np.bincount(stratum[where], minlength=strata)
    return np.divide(total, count, out=np.full(strata, np.nan), where=count > 0)


def _compared(values: np.ndarray, sign: np.ndarray, beside: Sequence[np.ndarray], stratum: np.ndarray):
    """Means of the sign's pixels and of what lies beside them, each side as much as the other, in the same strata."""
    values = np.asarray(values, np.float64)
    own = _means(values, sign, stratum)
    other = np.mean([_means(values, one, stratum) for one in beside], axis=0)
    known = np.isfinite(own) & np.isfinite(other)
    count = np.bincount(stratum[sign], minlength=len(own))[known]
    if count.sum() < _LEAST:
        return np.nan, np.nan
    return np.average(own[known], weights=count), np.average(other[known], weights=count)
