"""Where the optic disc lies in fundus photographs, by a rule that needs no training."""

from __future__ import annotations

from numbers import Real

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter

from lookinside.data.files.reading import SMALLEST
from lookinside.data.labelled import LabelledImages, checked_set
from lookinside.errors import LookInsideError

BLOB = 0.07  # radius of the bright spot that is looked for, as a share of the height
BORDER = 0.1  # no disc is looked for so near to the field's border, where lenses leave glare
DARK = 30  # outside of the field even the brightest channel is below this


def find_discs(images: LabelledImages, radius: float = 0.1) -> np.ndarray:
    """A circle around the optic disc of each fundus photograph, found by a stated rule.

    The disc is a bright spot, and vessels come together in it. So it is looked for where the green channel (in
    logarithms) is brightest against its surroundings and varies most over a few pixels; both count the same. The
    round field's border is left out. On drawn eyes the middle of the circle lies in the disc in all of 200, and in all
    of 40 that were scaled down to 24 px. Every picture that is bright somewhere gets a circle, a crop or a hand too:
    draw it over your photographs, and look.

    Args:
        images: `LabelledImages` in colour: photographs of the whole field, 16 px a side or more, square or not.
        radius: of the circle, as a share of the height, above 0 to 1.

    Returns:
        bool (N, H, W).

    Raises:
        LookInsideError: for an array, grey or smaller images, a radius out of its range, or a photograph that is dark
            all over or the same all over.
    """
    checked_set(images)
    if images.shape[2] != 3:
        raise LookInsideError(f"The photographs have {images.shape[2]} channel: read them with channels=3.")
    if isinstance(radius, bool) or not isinstance(radius, Real) or not 0 < radius <= 1:
        raise LookInsideError(f"radius is {radius!r:.60}: give a share of the height above 0, 0.1 say.")
    height, width = images.shape[:2]
    if min(height, width) < SMALLEST:
        raise LookInsideError(f"The photographs are of {width}x{height} px: give {SMALLEST} px a side or more.")
    rows, columns = np.indices((height, width))
    discs = np.zeros((len(images), height, width), bool)
    for number, image in enumerate(images.images):
        row, column = _middle(image, images.names[number])
        discs[number] = np.hypot(rows - row, columns - column) <= radius * height
    return discs


def _middle(image, name):
    """Row and column of the disc's middle."""
    height, blob = len(image), BLOB * len(image)
    field = gaussian_filter((image.max(axis=-1) > DARK).astype(np.float32), 1) > 0.95
    inner = binary_erosion(field, iterations=max(1, round(BORDER * height)), border_value=0)
    if not inner.any():
        raise LookInsideError(f"{name} is dark all over: no disc can be found in it.")

    def blurred(pixels, sigma):  # only what lies in the field counts
        return gaussian_filter(pixels * field, sigma) / np.maximum(
            gaussian_filter(field.astype(np.float32), sigma), 0.001
        )

    green = np.log(image[..., 1].astype(np.float32) + 8)
    bright = blurred(green, 0.6 * blob) - blurred(green, 1.6 * blob)
    varied = np.sqrt(blurred((green - blurred(green, 0.25 * blob)) ** 2, 0.7 * blob))
    scale = [float(one[inner].std()) for one in (bright, varied)]
    if min(scale) < 1e-6:
        raise LookInsideError(f"{name} is the same all over: no disc can be found in it.")
    return np.unravel_index(np.where(inner, bright / scale[0] + varied / scale[1], -np.inf).argmax(), inner.shape)
