"""What an augmenting layer is called with: images alone, or a dictionary of images with masks and points on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keras import ops

IMAGES, MASKS, POINTS, BOXES = "images", "segmentation_masks", "points", "bounding_boxes"


def image_shape(shapes: Any) -> tuple[int, int, int]:
    """(H, W, C) from the shape of images, or from a dictionary of shapes.

    Raises:
        ValueError: where images are missing, of unknown size, or less than 2 x 2 pixels.
    """
    if isinstance(shapes, Mapping) and IMAGES not in shapes:
        raise ValueError(f'The inputs are {sorted(shapes)}: "{IMAGES}" must be among them.')
    shape = tuple(shapes[IMAGES] if isinstance(shapes, Mapping) else shapes)
    if len(shape) not in (3, 4) or None in shape[-3:]:
        raise ValueError(f"The images have shape {shape}: (N, H, W, C) or (H, W, C) with known H, W and C is needed.")
    if min(shape[-3:-1]) < 2:
        raise ValueError(f"The images have {shape[-3]} x {shape[-2]} pixels: 2 x 2 or more are needed.")
    return shape[-3:]


def entries(inputs: Any, size: tuple[int, int]) -> dict[str, Any]:
    """Inputs as a new dictionary, in which images, masks and points are tensors that fit one another.

    Args:
        inputs: images (N, H, W, C) or one image (H, W, C), or a dictionary as `ThinPlateSpline` takes it.
        size: (H, W) that images and masks must have.

    Raises:
        ValueError: where they do not, or where there are bounding boxes.
    """
    found = dict(inputs) if isinstance(inputs, Mapping) else {IMAGES: inputs}
    if BOXES in found:
        raise ValueError(f'"{BOXES}" would stay where they were: give their corners as "{POINTS}" (N, P, 2).')
    for name in {IMAGES, MASKS, POINTS} & set(found):
        found[name] = found[name] if hasattr(found[name], "dtype") else ops.convert_to_tensor(found[name])
    *batch, height, width, _ = found[IMAGES].shape if len(found[IMAGES].shape) in (3, 4) else (None, None, None)
    if (height, width) != size:
        raise ValueError(
            f"The layer was built for images of {size[0]} x {size[1]} pixels, these have shape "
            f"{tuple(found[IMAGES].shape)}: resize them, or make a layer of their own for them."
        )
    expected = (*batch, *size)
    if MASKS in found and not (_fits(found[MASKS], expected) or _fits(found[MASKS], (*expected, None))):
        raise ValueError(
            f'"{MASKS}" have shape {tuple(found[MASKS].shape)}: {expected} or {(*expected, "M")} is needed.'
        )
    if POINTS in found and not _fits(found[POINTS], (*batch, None, 2)):
        raise ValueError(f'"{POINTS}" have shape {tuple(found[POINTS].shape)}: {(*batch, "P", 2)} is needed.')
    return found


def _fits(array, expected):
    shape = tuple(array.shape)
    return len(shape) == len(expected) and all(
        None in pair or pair[0] == pair[1] for pair in zip(shape, expected, strict=True)
    )
