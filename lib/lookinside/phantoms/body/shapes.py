"""Ellipsoids with names and tissues: the material that every phantom is made of, in mm, in three dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Tissue(NamedTuple):
    """A tissue: its CT number, and its attenuation beyond that of what it lies in, per mm at diagnostic kV."""

    hu: float
    mu: float


# `fat` fills the skin; every other tissue adds to, or (air, lung, marrow) takes from, what is around it.
TISSUES = {
    "fat": Tissue(-90.0, 0.0190),
    "muscle": Tissue(50.0, 0.0035),
    "organ": Tissue(60.0, 0.0030),
    "gland": Tissue(40.0, 0.0100),
    "fat_in_gland": Tissue(-90.0, -0.0100),
    "lung": Tissue(-780.0, -0.0165),
    "in_lung": Tissue(45.0, 0.0165),
    "air": Tissue(-1000.0, -0.0220),
    "bone": Tissue(1100.0, 0.0420),
    "thin_bone": Tissue(700.0, 0.0260),
    "spongy": Tissue(250.0, -0.0270),
    "brain": Tissue(35.0, -0.0390),
    "cartilage": Tissue(100.0, 0.0060),
    "face_bone": Tissue(450.0, 0.0110),
    "face_hole": Tissue(-500.0, -0.0120),
    "tooth": Tissue(2200.0, 0.0900),
}
Numbers = Sequence[float] | np.ndarray  # a point or a few lengths, mm
_ONE = frozenset({"skin", "muscle"})  # unions of the whole body
BONY = frozenset({"bone", "thin_bone", "face_bone", "tooth"})


@dataclass(frozen=True)
class Shapes:
    """M named ellipsoids.

    Attributes:
        centres: float32 (M, 3), mm. x points to the person's left, y to the back, z to the head.
        radii: float32 (M, 3), mm, along the ellipsoid's own axes.
        rotations: float32 (M, 3, 3); the rows are the ellipsoid's own axes.
        parts: tuple of M part names, such as "metacarpal_2_shaft".
        tissues: tuple of M names out of `TISSUES`.
        unions: tuple of M names ("femur left"); a union is one thing, so along a ray its longest chord counts once.
        within: tuple of M names; the union that this one is a part of (marrow in its bone), or "".
    """

    centres: np.ndarray
    radii: np.ndarray
    rotations: np.ndarray
    parts: tuple[str, ...]
    tissues: tuple[str, ...]
    unions: tuple[str, ...]
    within: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.parts)

    def only(self, kept: np.ndarray) -> Shapes:
        """The ellipsoids where `kept`, bool (M,), is true."""
        chosen = np.flatnonzero(kept)
        names = (tuple(one[i] for i in chosen) for one in (self.parts, self.tissues, self.unions, self.within))
        return Shapes(self.centres[chosen], self.radii[chosen], self.rotations[chosen], *names)

    def contains(self, points: ArrayLike) -> np.ndarray:
        """Which ellipsoids hold which points: points (P, 3) in mm -> bool (M, P)."""
        points = np.asarray(points, np.float32)
        offset = points[None] - self.centres[:, None]
        own = np.einsum("mij,mpj->mpi", self.rotations, offset) / self.radii[:, None]
        return np.einsum("mpi,mpi->mp", own, own) <= 1.0


class ShapeBuilder:
    """Collects ellipsoids limb by limb; `place` moves what was added since the last `place` into the body's frame."""

    def __init__(self) -> None:
        self._rows, self._names, self._placed = [], [], []
        self._named = 0

    def add(
        self,
        part: str,
        tissue: str,
        centre: Numbers,
        radii: Numbers,
        *,
        axis: Numbers = (0.0, 0.0, 1.0),
        up: Numbers = (1.0, 0.0, 0.0),
        union: str | None = None,
        within: str = "",
    ) -> None:
        """One ellipsoid: radii (across along `up`, across, along `axis`) in mm."""
        self._rows.append((*centre, *radii, *axis, *up))
        self._names.append((part, tissue, union or part, within))

    def segment(
        self,
        part: str,
        tissue: str,
        start: Numbers,
        end: Numbers,
        radii: float | Numbers,
        *,
        stretch: float = 1.0,
        up: Numbers = (1.0, 0.0, 0.0),
        union: str | None = None,
        within: str = "",
    ) -> None:
        """An ellipsoid from point to point, `stretch` times as long; radii: one number or two (along `up`, across)."""
        ax, ay, az = end[0] - start[0], end[1] - start[1], end[2] - start[2]
        half = 0.5 * stretch * (ax * ax + ay * ay + az * az) ** 0.5 + 1e-3
        r = (radii, radii) if isinstance(radii, (int, float)) else radii
        centre = (0.5 * (start[0] + end[0]), 0.5 * (start[1] + end[1]), 0.5 * (start[2] + end[2]))
        self.add(part, tissue, centre, (*r, half), axis=(ax, ay, az), up=up, union=union, within=within)

    def chain(
        self,
        part: str,
        tissue: str,
        points: Iterable[Numbers],
        radii: float | Numbers,
        *,
        stretch: float = 1.45,
        up: Numbers = (1.0, 0.0, 0.0),
        union: str | None = None,
        within: str = "",
    ) -> None:
        """A bent tube: overlapping ellipsoids along points (K, 3); radii as in `segment`, or a list of K - 1."""
        points = [tuple(map(float, p)) for p in points]
        each = radii if isinstance(radii, list) else [radii] * (len(points) - 1)
        for start, end, r in zip(points[:-1], points[1:], each, strict=True):
            self.segment(part, tissue, start, end, r, stretch=stretch, up=up, union=union or part, within=within)

    def tube(
        self,
        part: str,
        tissue: str,
        points: ArrayLike,
        widths: ArrayLike,
        *,
        caps: tuple[float, float] = (30.0, 30.0),
        pieces: int = 11,
        union: str | None = None,
        up: Numbers = (1.0, 0.0, 0.0),
    ) -> None:
        """Flesh along points (K, 3) with half widths (K, 2) (along `up`, across): a smooth outline.

        caps: how far, mm, it may reach beyond its ends; pieces: the number of ellipsoids.
        """
        points, widths = np.asarray(points, float), np.asarray(widths, float)
        at = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
        step = at[-1] / (pieces - 1)
        samples = np.linspace(0.0, at[-1], pieces)
        centres = np.stack([np.interp(samples, at, points[:, k]) for k in range(3)], axis=1)
        across = np.stack([np.interp(samples, at, widths[:, k]) for k in range(2)], axis=1)
        axes = np.gradient(centres, axis=0)
        half = np.minimum(3.2 * step, np.minimum(samples + caps[0], at[-1] - samples + caps[1]))
        for centre, (a, b), h, axis in zip(
            centres.tolist(), across.tolist(), half.tolist(), axes.tolist(), strict=True
        ):
            self.add(part, tissue, centre, (a, b, h), axis=axis, up=up, union=union)

    def small_bone(
        self,
        part: str,
        centre: Numbers,
        radii: Numbers,
        *,
        axis: Numbers = (0.0, 0.0, 1.0),
        up: Numbers = (1.0, 0.0, 0.0),
        rim: float = 0.84,
        union: str | None = None,
    ) -> None:
        """A bone of the wrist or the tarsus: a thin bright rim around spongy bone."""
        union = union or part
        self.add(part, "bone", centre, radii, axis=axis, up=up, union=union)
        inner = tuple(rim * r for r in radii)
        self.add(part, "spongy", centre, inner, axis=axis, up=up, union=union + " inside", within=union)

    def long_bone(
        self,
        bone: str,
        start: ArrayLike,
        end: ArrayLike,
        shaft: ArrayLike,
        base: ArrayLike,
        head: ArrayLike,
        *,
        up: Numbers = (1.0, 0.0, 0.0),
        hollow: float = 0.58,
        flare: float = 0.24,
        cap: float = 0.85,
        broad: bool = False,
    ) -> None:
        """A long bone from start to end: shaft, marrow, and two ends that flare.

        shaft, base, head: radii in mm, one number or two (along `up`, across). Parts: bone_shaft, bone_base, bone_head.
        hollow: the marrow's share of the shaft; flare: the ends' share of the length; cap: how round the ends are;
        broad: a big bone, whose flare reaches up to its ends.
        """
        start, end = np.asarray(start, float), np.asarray(end, float)
        along = end - start
        length = float(np.sqrt(along @ along))
        unit = along / length
        shaft, base, head = (np.broadcast_to(np.asarray(r, float), 2) for r in (shaft, base, head))
        ends = ((f"{bone}_base", start, unit, base), (f"{bone}_head", end, -unit, head))
        axis = tuple(unit)
        middle = start + 0.5 * along
        inside = bone + " inside"
        self.add(f"{bone}_shaft", "bone", middle, (*shaft, 0.48 * length), axis=axis, up=up, union=bone)
        self.add(
            f"{bone}_shaft",
            "spongy",
            middle,
            (*(hollow * shaft), 0.36 * length),
            axis=axis,
            up=up,
            union=inside,
            within=bone,
        )
        for part, point, inward, r in ends:
            depth = min(cap * float(r.mean()), 0.3 * length)
            neck, wide = flare * length, 0.45 * shaft + 0.55 * r
            centre = point + depth * inward
            self.add(part, "bone", centre, (*r, depth), axis=axis, up=up, union=bone)
            self.add(f"{bone}_shaft", "bone", point + neck * inward, (*wide, neck), axis=axis, up=up, union=bone)
            self.add(part, "spongy", centre, (*(0.86 * r), 0.86 * depth), axis=axis, up=up, union=inside, within=bone)
            if broad:
                full, reach = 0.2 * shaft + 0.8 * r, 0.5 * neck
                self.add(f"{bone}_shaft", "bone", point + reach * inward, (*full, reach), axis=axis, up=up, union=bone)
                self.add(
                    part,
                    "spongy",
                    point + reach * inward,
                    (*(0.88 * full), 0.94 * reach),
                    axis=axis,
                    up=up,
                    union=inside,
                    within=bone,
                )
            inner = (*(0.80 * wide - 0.10 * shaft), 0.9 * neck)
            self.add(
                f"{bone}_shaft", "spongy", point + neck * inward, inner, axis=axis, up=up, union=inside, within=bone
            )

    def place(
        self,
        matrix: ArrayLike | None = None,
        offset: ArrayLike = (0.0, 0.0, 0.0),
        *,
        pivot: ArrayLike = (0.0, 0.0, 0.0),
        scale: float = 1.0,
        side: str = "",
    ) -> ShapeBuilder:
        """Move what is new: x -> scale matrix (x - pivot) + pivot + offset; matrix (3, 3) may turn or mirror.

        side: "left" or "right" keeps the unions of two equal limbs apart (skin and muscle stay one).
        """
        if side:
            for i in range(self._named, len(self._names)):
                part, tissue, union, within = self._names[i]
                if union not in _ONE:
                    self._names[i] = (part, tissue, f"{union} {side}", within and f"{within} {side}")
        self._named = len(self._names)
        if not self._rows:
            return self
        rows = np.array(self._rows, np.float64).reshape(-1, 4, 3)
        if matrix is not None:
            matrix, pivot = np.asarray(matrix, float), np.asarray(pivot, float)
            rows[:, 0] = (rows[:, 0] - pivot) @ matrix.T + pivot
            rows[:, 2:] = rows[:, 2:] @ matrix.T
        rows[:, :2] *= scale
        rows[:, 0] += np.asarray(offset, float)
        self._placed.append(rows)
        self._rows = []
        return self

    def shapes(self) -> Shapes:
        """Everything so far as `Shapes`."""
        self.place()
        rows = np.concatenate(self._placed)
        along = rows[:, 2] / np.linalg.norm(rows[:, 2], axis=1, keepdims=True)
        up = rows[:, 3] + 1e-6 * np.array(
            [0.3, 0.5, 0.7]
        )  # an `up` that happens to lie along the axis still turns out well
        up = up - np.sum(up * along, axis=1, keepdims=True) * along
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        rotations = np.stack([up, np.cross(along, up), along], axis=1)
        parts, tissues, unions, within = zip(*self._names, strict=True)
        return Shapes(
            rows[:, 0].astype(np.float32),
            np.abs(rows[:, 1]).astype(np.float32),
            rotations.astype(np.float32),
            parts,
            tissues,
            unions,
            within,
        )


def turn(axis, degrees):
    """Rotation matrix (3, 3) about "x", "y" or "z" by an angle in degrees (right-handed)."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
