"""A picture of any size, with its boxes, in a frame of a given size and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Placement:
    """Where a picture lies in a frame: scaled to fit, in the middle, the rest black.

    `Placement.fit((450, 640), (240, 320))` is that of a file of 640 x 450 px in an image of 320 x 240 px. Both sides
    are scaled by the same factor, up to whole pixels.

    Attributes:
        picture: (height, width) of the file's pixels.
        frame: (H, W) of the image.
        inside: (height, width) of the picture in the frame.
        corner: (top, left) of the picture in the frame.
    """

    picture: tuple[int, int]
    frame: tuple[int, int]
    inside: tuple[int, int]
    corner: tuple[int, int]

    @classmethod
    def fit(cls, picture: tuple[int, int], frame: tuple[int, int]) -> Placement:
        """The largest that fits, for a picture (height, width) and a frame (H, W)."""
        scale = min(frame[0] / picture[0], frame[1] / picture[1])
        height, width = (max(1, min(round(scale * p), f)) for p, f in zip(picture, frame, strict=True))
        return cls(tuple(picture), tuple(frame), (height, width), ((frame[0] - height) // 2, (frame[1] - width) // 2))

    def boxes(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (..., 4) of the file as boxes of the image, float32."""
        return (np.asarray(boxes, np.float64) * self._scale + self._shift).astype(np.float32)

    def back(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (..., 4) of the image as boxes of the file, float32."""
        return ((np.asarray(boxes, np.float64) - self._shift) / self._scale).astype(np.float32)

    def pixels(self, pixels: np.ndarray) -> np.ndarray:
        """The file's pixels, uint8 (height, width) or (height, width, 3), in the frame; antialiased."""
        if pixels.shape[:2] != self.inside:
            size = self.inside[::-1]
            pixels = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
        framed = np.zeros((*self.frame, *pixels.shape[2:]), np.uint8)
        top, left = self.corner
        framed[top : top + self.inside[0], left : left + self.inside[1]] = pixels
        return framed

    @property
    def _scale(self):
        rows, columns = (i / p for i, p in zip(self.inside, self.picture, strict=True))
        return np.array([columns, rows, columns, rows])

    @property
    def _shift(self):
        top, left = self.corner
        return np.array([left, top, left, top], np.float64)
