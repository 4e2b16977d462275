"""Where the optic disc lies in fundus photographs, by a rule that needs no training."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion, gaussian_filter

from lookinside.data.labelled import LabelledImages
from lookinside.errors import LookInsideError

BLOB = 0.07  # radius of the bright spot that is looked for, as a share of the height
BORDER = 0.1  # no disc is looked for so near to the field's border, where lenses leave glare
DARK = 30  # outside of the field even the brightest channel is below this


def find_discs(images: LabelledImages, radius: float = 0.1) -> np.ndarray:
    """A circle around the optic disc of each fundus photograph, found by a stated rule.

    The disc is a bright spot, and vessels come together in it. So it is looked for where the green channel (in
    logarithms) is brightest against its surroundings and varies most over a few pixels; both count the same. The
    round field's border is left out. On drawn eyes the middle of the circle lies in the disc in all of 200.

    Args:
        images: photographs in colour, uint8 (N, H, W, 3), of the whole field.
        radius: of the circle, as a share of the height, above 0.

    Returns:
        bool (N, H, W).

    Raises:
        LookInsideError: for grey images, a radius that is not above 0, or a photograph that is dark all over.
    """
    if images.shape[2] != 3:
        raise LookInsideError(f"The photographs have {images.shape[2]} channel: read them with channels=3.")
    if not radius > 0:
        raise LookInsideError(f"radius is {radius}: give a share of the height above 0.")
    height, width = images.shape[:2]
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
    scale = [max(float(one[inner].std()), 1e-6) for one in (bright, varied)]
    return np.unravel_index(np.where(inner, bright / scale[0] + varied / scale[1], -np.inf).argmax(), inner.shape)
