"""Read one picture file as grey or colour, and bring it to a square size."""

from __future__ import annotations

import errno
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lookinside.errors import LookInsideError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif")
FORMATS = "PNG, JPEG, BMP, TIFF, WEBP or GIF"
SMALLEST = 16  # pixels; on less there is nothing to see
_TIFF_PHOTOMETRIC, _WHITE_IS_ZERO = 262, 0


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as it was read: `pixels` uint8 (H, W) or (H, W, 3), and what was done to make it so.

    `change` is "" where nothing was, "colour" where colour became grey, "16-bit" where a wider range became 0 to 255.
    `on_transparent` says that some pixels of the file are more transparent than others.
    """

    pixels: np.ndarray
    change: str = ""
    on_transparent: bool = False


def is_picture(path: Path) -> bool:
    """Whether the name ends like a picture's and is not a hidden file (copies from a Mac carry `._x.png`)."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def read_picture(path: Path, channels: int = 1) -> Picture:
    """Read a PNG, JPEG, BMP, TIFF, WEBP or GIF file as 8-bit grey, or as red, green and blue.

    Colour becomes luminance where one channel is asked for, grey three equal channels where three are; transparent
    pixels become black. More than 8 bits of grey (or floats) are stretched from the image's lowest and highest value to
    0 and 255: such files seldom use their whole range. A TIFF whose zero is white is turned: bright is high.

    Args:
        path: the file.
        channels: 1 gives pixels (H, W), 3 gives (H, W, 3).

    Raises:
        LookInsideError: if the file is empty, cut short, no picture, several pictures in one, or under 16 px a side.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's remarks on odd tags; what cannot be read is refused below
            with Image.open(path) as opened:
                if getattr(opened, "n_frames", 1) > 1:
                    raise LookInsideError(f"{path}: holds {opened.n_frames} pictures: save each as a file of its own")
                opened.load()
                # Pillow turns these itself up to 8 bits only.
                white_is_zero = getattr(opened, "tag_v2", {}).get(_TIFF_PHOTOMETRIC) == _WHITE_IS_ZERO
                picture = _as_pixels(ImageOps.exif_transpose(opened), path, channels, white_is_zero)
    except LookInsideError:
        raise
    except UnidentifiedImageError:
        raise LookInsideError(f"{path}: {_what_it_is(path)}") from None
    except FileNotFoundError:
        raise LookInsideError(f"{path}: is not there: check the name") from None
    except Image.DecompressionBombError:
        raise LookInsideError(f"{path}: is larger than 178 million pixels: save it smaller") from None
    except Exception as error:  # a damaged file can make its decoder raise anything
        if getattr(error, "errno", None) in (errno.EACCES, errno.EPERM):
            raise LookInsideError(f"{path}: may not be read: change its permissions") from None
        raise LookInsideError(f"{path}: is cut short or damaged: replace or delete it") from None
    height, width = picture.pixels.shape[:2]
    if min(height, width) < SMALLEST:
        raise LookInsideError(f"{path}: is only {width}x{height} px: give {SMALLEST} px a side or more")
    return picture


def _what_it_is(path: Path) -> str:
    with path.open("rb") as opened:
        start = opened.read(4)
    if not start:
        return "is an empty file: replace or delete it"
    if start in (b"II*\0", b"MM\0*"):
        return "is a TIFF of a kind that is not read here: save it as PNG"
    return f"is no picture, whatever {path.suffix} says: replace or delete it"


def _as_pixels(image: Image.Image, path: Path, channels: int, white_is_zero: bool) -> Picture:
    change, on_transparent = "", False
    if image.mode[0] in "IF":
        values = np.asarray(image)
        pixels, change = stretch(values, path), "16-bit"
        if white_is_zero:
            pixels = 255 - pixels
    elif image.mode in ("1", "L") and "transparency" not in image.info:
        pixels = np.asarray(image.convert("L"))
    else:
        if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
            image = image.convert("RGBA")
            least, most = image.getchannel("A").getextrema()
            on_transparent = least < most
            image = Image.alpha_composite(Image.new("RGBA", image.size, "black"), image)
        image = image.convert("RGB")
        pixels = np.asarray(image)
        if channels == 1:
            grey = np.asarray(image.convert("L"))
            change = "" if (pixels == grey[..., np.newaxis]).all() else "colour"
            pixels = grey
    if channels == 3 and pixels.ndim == 2:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    return Picture(pixels, change, on_transparent)


def conversions(changed: Mapping[str, Sequence[Path]]) -> list[str]:
    """What was done to pictures, a line for each kind of change (`Picture.change` -> the files)."""
    done = {"colour": "colour image{} converted to grey", "16-bit": "image{} of 16 bits or more stretched to 0-255"}
    return [
        f"{len(paths)} {done[change].format('s' if len(paths) > 1 else '')}, first: {paths[0]}"
        for change, paths in changed.items()
        if paths
    ]


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
    """Scale uint8 (H, W) or (H, W, 3), antialiased, so that its longer side is `longest` px; smaller ones stay."""
    if max(pixels.shape[:2]) <= longest:
        return pixels
    return _scale(pixels, longest)


def to_square(pixels: np.ndarray, size: int) -> np.ndarray:
    """Scale uint8 (H, W) or (H, W, 3), antialiased, to fit (size, size); the rest is black, equal on both sides.

    Bones keep their proportions this way; stretching would make a hand's shape depend on the film's format.
    """
    small = pixels if max(pixels.shape[:2]) == size else _scale(pixels, size)
    height, width = small.shape[:2]
    square = np.zeros((size, size, *pixels.shape[2:]), np.uint8)
    top, left = (size - height) // 2, (size - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def _scale(pixels: np.ndarray, longest: int) -> np.ndarray:
    height, width = (max(1, round(side * longest / max(pixels.shape[:2]))) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))
