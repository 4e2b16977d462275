"""Read one picture file as grey, and bring it to a square size."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lookinside.errors import LookInsideError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
SMALLEST = 16  # pixels; on less there is nothing to see


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was read: `pixels` uint8 (H, W), and what was done to make it so.

    `change` is "" for 8-bit grey, "colour" where colour became grey, "16-bit" where a wider range became 0 to 255.
    """

    pixels: np.ndarray
    change: str = ""


def is_picture(path: Path) -> bool:
    """Whether the name ends like a picture's and is not a hidden file (copies from a Mac carry `._x.png`)."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_grey(path: Path) -> Picture:
    """Read a PNG, JPEG, BMP or TIFF file as 8-bit grey.

    Colour becomes luminance, transparent pixels black. More than 8 bits (or floats) are stretched from the image's
    lowest and highest value to 0 and 255: such files seldom use their whole range.

    Raises:
        LookInsideError: if the file is empty, cut short, no picture, several pictures in one, or under 16 px a side.
    """
    try:
        with Image.open(path) as opened:
            if getattr(opened, "n_frames", 1) > 1:
                raise LookInsideError(f"{path}: holds {opened.n_frames} pictures: save each as a file of its own")
            opened.load()
            picture = _as_grey(ImageOps.exif_transpose(opened), path)
    except UnidentifiedImageError:
        empty = path.stat().st_size == 0
        what = "is an empty file" if empty else f"is no picture, whatever {path.suffix} says"
        raise LookInsideError(f"{path}: {what}: replace or delete it") from None
    except FileNotFoundError:
        raise LookInsideError(f"{path}: is not there: check the name") from None
    except Image.DecompressionBombError:
        raise LookInsideError(f"{path}: is larger than 178 million pixels: save it smaller") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, LookInsideError):
            raise
        if getattr(error, "errno", None) in (errno.EACCES, errno.EPERM):
            raise LookInsideError(f"{path}: may not be read: change its permissions") from None
        raise LookInsideError(f"{path}: is cut short or damaged: replace or delete it") from None
    if min(picture.pixels.shape) < SMALLEST:
        height, width = picture.pixels.shape
        raise LookInsideError(f"{path}: is only {width}x{height} px: give {SMALLEST} px a side or more")
    return picture


def _as_grey(image: Image.Image, path: Path) -> Picture:
    if image.mode == "L" and "transparency" not in image.info:
        return Picture(np.asarray(image))
    if image.mode == "1":
        return Picture(np.asarray(image.convert("L")))
    if image.mode[0] in "IF":
        return Picture(stretch(np.asarray(image), path), "16-bit")
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
    return Picture(np.asarray(image.convert("RGB").convert("L")), "colour")


def stretch(values: np.ndarray, path: Path | str) -> np.ndarray:
    """Map the lowest value of (H, W) to 0 and the highest to 255, as uint8; one single value becomes 0.

    Raises:
        LookInsideError: if a value is not finite; `path` names the file.
    """
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        raise LookInsideError(f"{path}: holds values that are not numbers: replace or delete it")
    low, high = values.min(), values.max()
    return np.rint((values - low) * (255.0 / max(high - low, 1e-12))).astype(np.uint8)


def shrink(pixels: np.ndarray, longest: int) -> np.ndarray:
    """Scale uint8 (H, W), antialiased, so that its longer side is `longest` px; smaller pictures stay as they are."""
    if max(pixels.shape) <= longest:
        return pixels
    return _scale(pixels, longest)


def to_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale uint8 (H, W), antialiased, to fit (size, size); the rest is black, equal on both sides.

    Bones keep their proportions this way; stretching would make a hand's shape depend on the film's format.
    """
    small = pixels if max(pixels.shape) == size else _scale(pixels, size)
    height, width = small.shape
    square = np.zeros((size, size), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def _scale(pixels: np.ndarray, longest: int) -> np.ndarray:
    height, width = (max(1, round(side * longest / max(pixels.shape))) for side in pixels.shape)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
