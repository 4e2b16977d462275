"""The scanner: a zoomed window of a curved probe's sector, its beams, speckle, loss and shadows, the screen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.tomography.smoothing import blurred, grain, slow_field

BEAMS, SAMPLES = 144, 256
LOOKS = 3  # pictures with other speckle that are averaged


@dataclass(frozen=True)
class Scanner:
    """The window and the settings; the fetus' place in it.

    Attributes:
        width, height: of the window, mm.
        header: share of the window's height that is black, as where the set's burned-in text was.
        apex: where the beams meet: across from the window's middle, above its top, mm.
        half_angle: of the sector, degrees.
        depth: of the sector's end below the window's top, mm.
        blur: standard deviations of the point-spread function: along the beam in mm, across it in degrees.
        patchy: standard deviation of the tissue's uneven echo, dB.
        gain, range: dB; loss_given_back: dB/mm.
        place: of the thalami, share of width and height (the face to the right).
        turn: of the fetus, degrees; facing: 1 looks right, -1 left.
        bar: which side shows the grey scale, "left", "right" or "".
    """

    width: float
    height: float
    header: float
    apex: tuple[float, float]
    half_angle: float
    depth: float
    blur: tuple[float, float]
    patchy: float
    gain: float
    range: float
    loss_given_back: float
    place: tuple[float, float]
    turn: float
    facing: int
    bar: str

    def beams(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the samples of all beams lie in the window: right and down, mm, float32 (SAMPLES, BEAMS)."""
        angle = np.deg2rad(np.linspace(-self.half_angle, self.half_angle, BEAMS, dtype=np.float32))
        far = (self._near() + np.arange(SAMPLES, dtype=np.float32) * np.float32(self.step()))[:, None]
        return self._middle() + far * np.sin(angle), far * np.cos(angle) - np.float32(self.apex[1])

    def step(self) -> float:
        """Between two samples of a beam, mm."""
        return (self.depth + self.apex[1] - self._near()) / (SAMPLES - 1)

    def _near(self):
        return self.apex[1]

    def _middle(self):
        return 0.5 * self.width + self.apex[0]

    def screen(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The middles of the pixels in the window: right and down, mm, float32 (H, W)."""
        down = (np.arange(size[0], dtype=np.float32) + 0.5) * np.float32(self.height / size[0])
        right = (np.arange(size[1], dtype=np.float32) + 0.5) * np.float32(self.width / size[1])
        return np.broadcast_to(right, size), np.broadcast_to(down[:, None], size)

    def of_fetus(self, right: np.ndarray, down: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the window in the fetus' own coordinates, mm."""
        across = self.place[0] if self.facing > 0 else 1.0 - self.place[0]
        dx, dy = self.facing * (right - across * self.width), down - self.place[1] * self.height
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        return c * dx + s * dy, c * dy - s * dx

    def of_window(self, x: float, y: float) -> tuple[float, float]:
        """The way back of `of_fetus` for one point."""
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        across = self.place[0] if self.facing > 0 else 1.0 - self.place[0]
        return (
            float(across * self.width + self.facing * (c * x - s * y)),
            float(self.place[1] * self.height + s * x + c * y),
        )

    def mapping(self, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which sample and which beam each pixel shows, float32 (H, W), and where the sector is seen, bool (H, W)."""
        right, down = self.screen(size)
        x, y = right - np.float32(self._middle()), down + np.float32(self.apex[1])
        row = (np.sqrt(x * x + y * y) - np.float32(self._near())) / np.float32(self.step())
        angle = np.arctan2(x, y) * np.float32(180.0 / np.pi)
        column = (angle / np.float32(self.half_angle) + 1.0) * np.float32(0.5 * (BEAMS - 1))
        seen = (row >= 0) & (row <= SAMPLES - 1) & (column >= 0) & (column <= BEAMS - 1)
        return row, column, seen & (down > self.header * self.height)


def random_scanner(rng: np.random.Generator) -> Scanner:
    """Draw a window, its settings and the fetus' place: spreads of 980 images of the Fetus Framework set."""
    # The closer the window, the wider it is and the higher the head lies in it.
    close = float(np.clip(rng.normal(), -2.4, 1.8))
    height = 8.99 / (0.233 + 0.027 * close)
    width = height * float(np.clip(rng.normal(1.41 + 0.05 * close, 0.07), 1.2, 1.65))
    above = rng.uniform(55, 130)
    edge = rng.uniform(0.46, 0.66) * width
    angle = np.rad2deg(np.arctan2(edge, above + 0.6 * height))
    return Scanner(
        width=width,
        height=height,
        header=rng.uniform(0.09, 0.11),
        apex=(float(rng.normal(0, 0.05) * width), above),
        half_angle=float(angle),
        depth=height * rng.uniform(0.97, 1.06),
        blur=(rng.uniform(0.17, 0.27), rng.uniform(0.55, 0.9) * np.rad2deg(1.0 / (above + 0.6 * height))),
        patchy=rng.uniform(1.5, 3.5),
        gain=rng.normal(-0.5, 2.8),
        range=rng.uniform(40, 54),
        loss_given_back=rng.uniform(0.28, 0.44),
        place=(
            float(np.clip(rng.normal(0.378 - 0.015 * close, 0.055), 0.25, 0.56)),
            float(np.clip(rng.normal(0.462 - 0.02 * close, 0.038), 0.3, 0.91 - 14.5 / height)),  # the nape in view
        ),
        turn=float(rng.normal(0.0, 4.7)),
        facing=1 if rng.random() < 0.5 else -1,
        bar=("left", "right", "")[int(rng.choice(3, p=(0.6, 0.25, 0.15)))],
    )


def echo_image(echo: np.ndarray, shine: np.ndarray, way: np.ndarray, scanner: Scanner, seed) -> np.ndarray:
    """What comes back along the beams as grey levels in [0, 1]: float32 (SAMPLES, BEAMS).

    Tiny scatterers with random phases, as strong as `echo` says, and smooth borders (`shine`) add up under the
    point-spread function: the size of the sum is speckle, Rayleigh distributed where no border is near. Three
    such pictures, as of several frequencies, are averaged.

    Args:
        echo: strength of the speckle, dB, (SAMPLES, BEAMS).
        shine: amplitude of smooth borders, (SAMPLES, BEAMS).
        way: what was lost on the way there and back, dB.
    """
    rng = np.random.default_rng(seed)
    blur = spread(scanner)
    # Tissue is not the same all over: patches on a grid of every fourth sample; the blur rounds them.
    patches = np.repeat(np.repeat(grain(rng, (SAMPLES // 4, BEAMS // 4), (1.0, 1.5)), 4, axis=0), 4, axis=1)
    coarse = np.float32(scanner.patchy) * patches
    depth = np.arange(SAMPLES, dtype=np.float32)[:, None] * np.float32(scanner.step())
    back = np.float32(scanner.loss_given_back) * depth - way
    gain = 10.0 ** (0.05 * back)
    scatter = 10.0 ** (0.05 * (echo + coarse)) * gain
    # White noise under a bell keeps this share of its strength.
    kept = np.float32(1.0 / np.sqrt(4.0 * np.pi * blur[0] * blur[1]))
    smooth = blurred(shine * gain, blur)
    strength = np.zeros(echo.shape, np.float32)
    for _ in range(LOOKS):
        real = blurred(scatter * rng.standard_normal(echo.shape, dtype=np.float32), blur)
        imaginary = blurred(scatter * rng.standard_normal(echo.shape, dtype=np.float32), blur)
        strength += np.hypot(real / kept + smooth, imaginary / kept) / np.float32(LOOKS)
    strength *= slow_field(rng, echo.shape, 0.12)
    decibel = 20.0 * np.log10(strength + 0.02)
    return np.clip((decibel + np.float32(scanner.gain)) / np.float32(scanner.range) + np.float32(0.235), 0.0, 1.0)


def spread(scanner: Scanner) -> tuple[float, float]:
    """The point-spread function's standard deviations in samples and beams."""
    return scanner.blur[0] / scanner.step(), scanner.blur[1] * (BEAMS - 1) / (2.0 * scanner.half_angle)


def on_screen(polar: np.ndarray, mapping: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Values along the beams (SAMPLES, BEAMS) on the screen, interpolated: float32 (H, W), 0 beside the sector."""
    row, column, seen = mapping
    r, c = np.clip(row, 0, SAMPLES - 1.001), np.clip(column, 0, BEAMS - 1.001)
    i, j = r.astype(np.intp), c.astype(np.intp)
    a, b = r - i, c - j
    at, flat = i * BEAMS + j, polar.ravel()
    upper = flat.take(at) * (1 - b) + flat.take(at + 1) * b
    lower = flat.take(at + BEAMS) * (1 - b) + flat.take(at + BEAMS + 1) * b
    return np.where(seen, upper * (1 - a) + lower * a, np.float32(0.0))
