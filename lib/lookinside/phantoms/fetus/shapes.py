"""Plane shapes that a scan is made of: blobs, strips along a curve, regions between curves; all in mm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Curve:
    """A height over x: a parabola whose two halves may bend differently, and a bump.

    Attributes:
        x, y: where the parabola's halves meet, mm; y points down.
        slope: there.
        bend, bend_before: of its halves from x on and before x, 1/mm; positive bends downwards.
        bump: where, how high and how wide, mm.
    """

    x: float
    y: float
    slope: float = 0.0
    bend: float = 0.0
    bend_before: float | None = None
    bump: tuple[float, float, float] = (0.0, 0.0, 1.0)

    def _bends(self, d):
        return self.bend if self.bend_before is None else np.where(d < 0, self.bend_before, self.bend)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Height at x, mm."""
        d = x - self.x
        height = self.y + d * (self.slope + self._bends(d) * d)
        at, high, wide = self.bump
        return height + high * np.exp(-(((x - at) / wide) ** 2)) if high else height

    def steepness(self, x: np.ndarray) -> np.ndarray:
        """Slope at x."""
        d = x - self.x
        slope = self.slope + 2.0 * self._bends(d) * d
        at, high, wide = self.bump
        if high:
            slope = slope - 2.0 * high * (x - at) / wide**2 * np.exp(-(((x - at) / wide) ** 2))
        return slope


@dataclass(frozen=True)
class Blob:
    """An ellipse.

    Attributes:
        x, y: its middle, mm.
        rx, ry: half axes, mm.
        turn: degrees; positive turns x towards y.
    """

    x: float
    y: float
    rx: float
    ry: float
    turn: float = 0.0

    def near(self, x: np.ndarray, y: np.ndarray, margin: float) -> np.ndarray:
        """Indices of the points that may lie within `margin` of it."""
        reach = max(self.rx, self.ry) + margin
        return np.flatnonzero((np.abs(x - self.x) < reach) & (np.abs(y - self.y) < reach))

    def axes(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points in units of the half axes."""
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        dx, dy = x - self.x, y - self.y
        return (c * dx + s * dy) / self.rx, (c * dy - s * dx) / self.ry

    def inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points lie within: bool."""
        a, b = self.axes(x, y)
        return a * a + b * b < 1.0


@dataclass(frozen=True)
class Strip:
    """A band along a curve, thinner towards its ends.

    Attributes:
        curve: what it follows.
        start, end: from x to x, mm.
        thick: at its thickest place, mm.
        taper: 2 is a lens, 8 nearly a ribbon.
        lean: moves the thickest place, -0.5 (towards the start) to 0.5.
        hang: which of its lines follows the curve: 0 its upper edge, 0.5 its middle, 1 its lower edge.
    """

    curve: Curve
    start: float
    end: float
    thick: float
    taper: float = 4.0
    lean: float = 0.0
    hang: float = 0.5

    def near(self, x: np.ndarray, y: np.ndarray, margin: float) -> np.ndarray:
        """Indices of the points that may lie within `margin` of it."""
        ends = np.linspace(self.start, self.end, 9)
        heights, reach = self.curve(ends), margin + self.thick
        low, high = float(heights.min()) - reach, float(heights.max()) + reach
        return np.flatnonzero((x > self.start - margin) & (x < self.end + margin) & (y > low) & (y < high))

    def along(self, x: np.ndarray) -> np.ndarray:
        """-1 at its start, 1 at its end."""
        return (2.0 * x - self.start - self.end) / (self.end - self.start)

    def thickness(self, x: np.ndarray) -> np.ndarray:
        """At x, mm, 0 beyond its ends."""
        s = np.clip(self.along(x), -1.0, 1.0)
        s = s - self.lean * (1.0 - s * s)
        return self.thick * (1.0 - np.abs(s) ** self.taper)

    def level(self, x: np.ndarray, share: float) -> np.ndarray:
        """The height of a line through it: share 0 is its upper edge, 1 its lower one."""
        return self.curve(x) + (share - self.hang) * self.thickness(x)

    def thickest(self) -> float:
        """Where it is thickest: x in mm."""
        # s - lean (1 - s^2) = 0
        s = 0.0 if abs(self.lean) < 1e-6 else (math.sqrt(1.0 + 4.0 * self.lean**2) - 1.0) / (2.0 * self.lean)
        return float(0.5 * (self.start + self.end) + 0.5 * s * (self.end - self.start))

    def inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points lie within: bool."""
        thick = self.thickness(x)
        top = self.curve(x) - self.hang * thick
        return (x > self.start) & (x < self.end) & (y > top) & (y < top + thick)


@dataclass(frozen=True)
class Region:
    """All that lies below one curve and above another.

    Attributes:
        top, bottom: curves, or None for no border.
        start, end: from x to x, mm.
    """

    top: Curve | None
    bottom: Curve | None
    start: float = -1e3
    end: float = 1e3

    def near(self, x: np.ndarray, y: np.ndarray, margin: float) -> np.ndarray:
        """Indices of the points that may lie within `margin` of it."""
        return np.flatnonzero((x > self.start - margin) & (x < self.end + margin))

    def inside(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Which points lie within: bool."""
        found = (x > self.start) & (x < self.end)
        if self.top is not None:
            found &= y > self.top(x)
        if self.bottom is not None:
            found &= y < self.bottom(x)
        return found
