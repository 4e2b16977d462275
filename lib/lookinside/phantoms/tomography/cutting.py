"""A plane through many ellipsoids: which of them each pixel lies in.

Where ellipsoids overlap, the one of the later layer counts: bones before flesh, an organ's inside before the organ.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lookinside.phantoms.body.parts import is_bony
from lookinside.phantoms.body.shapes import Shapes
from lookinside.phantoms.tomography.materials import material_of

# Later layers lie over earlier ones; a part stands in the layer of the longest beginning of its name.
_LAYERS = (
    ("skin", "breast"),
    ("breast_gland",),
    ("trunk_muscle", "neck_muscle", "arm_muscle", "forearm_muscle", "thigh_muscle", "calf_muscle", "foot_muscle"),
    ("cavity_fat", "septum"),
    ("psoas", "perirenal_fat", "bladder"),
    ("lung",),
    ("mediastinum", "diaphragm"),
    ("pericardial_fat",),
    ("bowel", "colon", "pancreas"),
    ("stomach", "oesophagus"),
    ("spleen",),
    ("kidney",),
    ("liver",),
    ("gallbladder",),
    ("stomach_food", "kidney_medulla", "liver_vessel"),
    ("aorta", "vena_cava", "pulmonary_trunk", "hilum"),
    ("heart",),
    ("heart_chamber",),
    ("kidney_sinus",),
    ("kidney_pelvis", "lung_vessel"),
    ("trachea", "bronchus", "bowel_gas", "stomach_gas"),
    ("disc", "lumbar_disc"),
    ("disc_nucleus", "lumbar_disc_nucleus"),
    (),  # bones
    (),  # what lies in bones
    ("spinal_canal",),
    ("spinal_cord",),
    ("lesion",),
)
_LAYER_OF = {name: number for number, names in enumerate(_LAYERS) for name in names}
_BONES = 23
_OTHER = 4
_SKIN, _FLESH = 1, 2  # layers up to these make the wall of the body
# Organs of the belly end where its wall begins: their ellipsoids reach a little beyond.
_HELD_IN = range(8, 15)


@dataclass(frozen=True)
class Plane:
    """Where a slice lies.

    Attributes:
        corner: (3,) mm, the middle of the first pixel.
        right, down: (3,), unit vectors along a row and along a column.
        pixel: (2,) mm, the pixel's width and height.
        size: (H, W) pixels.
    """

    corner: np.ndarray
    right: np.ndarray
    down: np.ndarray
    pixel: tuple[float, float]
    size: tuple[int, int]


def plane_around(middle: ArrayLike, right: ArrayLike, down: ArrayLike, extent: float, size: int) -> Plane:
    """A square `Plane` of `size` pixels and `extent` mm whose middle is the point `middle` (3,)."""
    right, down = (np.asarray(way, float) / np.linalg.norm(way) for way in (right, down))
    pixel = extent / size
    corner = np.asarray(middle, float) - 0.5 * (size - 1) * pixel * (right + down)
    return Plane(corner, right, down, (pixel, pixel), (size, size))


class Sliceable:
    """Ellipsoids made ready to be cut many times.

    Attributes:
        shapes: the `Shapes`.
        part_names: tuple of str, in the order of the labels: label i + 1 is part_names[i].

    Args:
        hidden: bool (M,), ellipsoids to leave out, or None. All others stay where they are: the dome of the liver
            also without the lung that it reaches into.
    """

    def __init__(self, shapes: Shapes, hidden: np.ndarray | None = None):
        layers = _layers(shapes)
        self._hidden = np.zeros(len(shapes), bool) if hidden is None else hidden
        self.shapes = shapes
        self._own = shapes.rotations.astype(np.float64) / shapes.radii[:, :, None]
        self._order = np.argsort(layers, kind="stable")
        names = {name: place for place, name in enumerate(dict.fromkeys(shapes.parts))}
        self.part_names = tuple(names)
        unions = {name: place for place, name in enumerate(dict.fromkeys((*shapes.unions, *shapes.within)))}
        outer = [within or own for own, within in zip(shapes.unions, shapes.within, strict=True)]
        self._family = np.array([unions[name] for name in outer])
        self._inner = np.array([bool(name) for name in shapes.within])
        pairs = zip(shapes.parts, shapes.tissues, strict=True)
        # The last entry is what lies outside of all: no part, air.
        # Skin lies at depth 1, muscle at 2, all else at 3, air at 0; a part stays where it is as deep as it must be.
        self._depth = np.where(layers <= _SKIN, 1, np.where(layers <= _FLESH, 2, 3)).astype(np.uint8)
        self._bound = np.select([layers <= _FLESH, np.isin(layers, _HELD_IN), layers < _BONES], [0, 3, 2], 1)
        self._label = np.array([names[part] + 1 for part in shapes.parts] + [0], np.int16)
        self._material = np.array([material_of(*pair) for pair in pairs] + [0], np.uint8)

    def cut(self, plane: Plane) -> tuple[np.ndarray, np.ndarray]:
        """The parts and materials that a plane meets.

        Returns:
            labels int16 (H, W), 0 outside of the body; materials uint8 (H, W), rows of `materials.TABLE`.
        """
        ids = self._paint(plane)
        return self._label[ids], self._material[ids]

    def _paint(self, plane):
        """The ellipsoid of each pixel: int16 (H, W), -1 outside of all."""
        height, width = plane.size
        # A point is corner + s right + t down; in an ellipsoid's own frame a + s b + t d, inside where |.| <= 1.
        a = np.einsum("mij,mj->mi", self._own, plane.corner - self.shapes.centres)
        b = self._own @ (plane.right * plane.pixel[0])
        d = self._own @ (plane.down * plane.pixel[1])
        bb, bd, dd = (np.einsum("mi,mi->m", *pair) for pair in ((b, b), (b, d), (d, d)))
        ab, ad = np.einsum("mi,mi->m", a, b), np.einsum("mi,mi->m", a, d)
        det = bb * dd - bd * bd
        s, t = (bd * ad - dd * ab) / det, (bd * ab - bb * ad) / det  # the middle of the ellipse that the plane cuts out
        room = 1.0 - (np.einsum("mi,mi->m", a, a) + s * ab + t * ad)  # below 0: the plane misses it
        reach = np.sqrt(np.maximum(room, 0.0) / det)
        across, along = reach * np.sqrt(dd), reach * np.sqrt(bb)
        x0, x1 = np.ceil(np.maximum(s - across, 0)), np.floor(np.minimum(s + across, width - 1)) + 1
        y0, y1 = np.ceil(np.maximum(t - along, 0)), np.floor(np.minimum(t + along, height - 1)) + 1
        met = (room > 0) & (x1 > x0) & (y1 > y0)
        windows = np.stack([x0, x1, y0, y1], axis=1).astype(np.int64)
        ids = np.full(plane.size, -1, np.int16)
        family, depth = np.full(plane.size, -1, np.int16), np.zeros(plane.size, np.uint8)
        columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        forms = np.stack([s, t, bb, 2 * bd, dd, room], axis=1).astype(np.float32)
        for i in self._order[met[self._order]].tolist():
            left, right, top, bottom = windows[i].tolist()
            middle, centre, p, q, r, most = forms[i]
            u, v = columns[left:right] - middle, rows[top:bottom] - centre
            inside = u * (p * u + q * v)
            inside += r * v * v
            inside = inside <= most
            here, deep = ids[top:bottom, left:right], depth[top:bottom, left:right]
            if self._bound[i]:
                inside &= deep >= self._bound[i]
            own = family[top:bottom, left:right]
            if self._inner[i]:
                inside &= own == self._family[i]
            else:
                np.copyto(own, np.int16(self._family[i]), where=inside)
            np.copyto(deep, self._depth[i], where=inside)
            if not self._hidden[i]:
                np.copyto(here, np.int16(i), where=inside)
        return ids


def _layers(shapes):
    bones = np.where([bool(within) for within in shapes.within], _BONES + 1, _BONES)
    named = np.array([_layer_of(part) for part in shapes.parts])
    return np.where(named >= 0, named, np.where(is_bony(shapes), bones, _OTHER))


@functools.cache
def _layer_of(part: str) -> int:
    """The layer of the longest beginning of a part's name; -1 where there is none."""
    words = part.split("_")
    beginnings = ("_".join(words[:k]) for k in range(len(words), 0, -1))
    return next((_LAYER_OF[name] for name in beginnings if name in _LAYER_OF), -1)
