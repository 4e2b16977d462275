"""Beer-Lambert for many ellipsoids: what a beam loses on its way, and which parts it met.

Ellipsoids of one union are one thing: along a ray the longest chord counts once. What lies within a union (marrow in a
bone, the heart between the lungs) counts at most as long as the union itself. Different unions add up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lookinside.phantoms.body.shapes import BONY, TISSUES, Shapes
from lookinside.phantoms.radiography.shadows import cast

_UNSEEN = frozenset({"spongy", "brain", "fat_in_gland", "face_hole"})  # thins its container, which keeps the label
_SMALL = 700  # pixels: families whose windows are smaller on average are drawn all at once


@dataclass(frozen=True)
class Projection:
    """What the rays met: all arrays are (H, W), lengths in mm.

    Attributes:
        attenuation: float32, the line integral of mu (no unit): what is left of the beam is exp(-attenuation).
        bone: float32, the bones' part of it.
        labels: int16; 0 is nothing, i + 1 is part_names[i], the one drawn last where parts overlap (large ones first).
        part_names: tuple of the names of the parts that the image shows.
        body: bool, where the ray met anything.
        bones: bool, where it met bone.
        landmarks: dict name -> bool.
    """

    attenuation: np.ndarray
    bone: np.ndarray
    labels: np.ndarray
    part_names: tuple[str, ...]
    body: np.ndarray
    bones: np.ndarray
    landmarks: dict[str, np.ndarray]


class _Family:
    """A union and what lies within it: `unions` is a list of (tissue, member indices), the union itself first."""

    def __init__(self, unions, shadows):
        self.unions = unions
        own = unions[0][1]
        self.low, self.high = shadows.low[own].min(axis=0), shadows.high[own].max(axis=0)
        members = np.concatenate([held for _, held in unions])
        spans = shadows.high[members] - shadows.low[members]
        self.small = float((spans[:, 0] * spans[:, 1]).mean()) < _SMALL


def _families(shapes, shadows):
    unions = {}
    for i in shadows.seen.tolist():
        unions.setdefault(shapes.unions[i], []).append(i)
    within = {}
    for name, members in unions.items():
        outer = shapes.within[members[0]]
        within.setdefault(outer or name, []).insert(0 if not outer else len(within.get(outer, ())), name)
    return [
        _Family([(shapes.tissues[unions[name][0]], unions[name]) for name in names], shadows)
        for outer, names in within.items()
        if outer in unions
    ]


class _Canvas:
    """The images that a projection fills."""

    def __init__(self, shapes, shadows, size, landmarks):
        self.shapes, self.shadows, self.size = shapes, shadows, size
        self.total, self.bone = (np.zeros((size, size), np.float32) for _ in range(2))
        self.body, self.bones = (np.zeros((size, size), bool) for _ in range(2))
        self.labels = np.zeros((size, size), np.int16)
        self.masks = {name: np.zeros((size, size), bool) for name in landmarks}
        self.names = {}
        for i in shadows.seen.tolist():
            self.names.setdefault(shapes.parts[i], len(self.names) + 1)
        self.claims = {name: [key for key, holds in landmarks.items() if holds(name)] for name in self.names}

    def draw(self, family):
        """One family whose windows are large."""
        x0, y0, x1, y1 = *family.low.tolist(), *family.high.tolist()
        window = (slice(y0, y1), slice(x0, x1))
        value = chord = None
        for tissue, members in family.unions:
            square = np.zeros((y1 - y0, x1 - x0), np.float32)
            several = tissue not in _UNSEEN and len({self.shapes.parts[i] for i in members}) > 1
            for i in members:
                a, b = np.maximum(self.shadows.low[i], family.low).tolist()
                c, d = np.minimum(self.shadows.high[i], family.high).tolist()
                if c <= a or d <= b:
                    continue
                columns, rows = np.arange(a, c, dtype=np.float32), np.arange(b, d, dtype=np.float32)[:, None]
                part, own = square[b - y0 : d - y0, a - x0 : c - x0], self.shadows.squares(i, columns, rows)
                np.maximum(part, own, out=part)
                if several:
                    self._name(self.shapes.parts[i], own > 0, (slice(b, d), slice(a, c)))
            hit = square > 0
            if not several and tissue not in _UNSEEN:
                self._name(self.shapes.parts[members[0]], hit, window)
            np.sqrt(square, out=square)
            if value is None:
                chord, value = square, TISSUES[tissue].mu * square
                self.body[window] |= hit
                if tissue in BONY:
                    self.bones[window] |= hit
            else:
                value += TISSUES[tissue].mu * np.minimum(square, chord)
        self.total[window] += value
        if family.unions[0][0] in BONY:
            self.bone[window] += value

    def _name(self, name, hit, window):
        np.copyto(self.labels[window], self.names[name], where=hit)
        for key in self.claims[name]:
            self.masks[key][window] |= hit

    def draw_all(self, families):
        """Families whose windows are small: every pixel of every window in one long row."""
        spans = np.array([f.high - f.low for f in families])
        areas = spans[:, 0] * spans[:, 1]
        owner = np.array([k for k, f in enumerate(families) for _ in f.unions])  # family of each union
        starts = np.concatenate([[0], np.cumsum(areas[owner])])  # where each union's pixels begin
        members, union = [], []
        for family in families:
            for _, held in family.unions:
                union.extend([union[-1] + 1 if union else 0] * len(held))
                members.extend(held)
        members, union = np.array(members), np.array(union)
        home = owner[union]
        first = np.array([f.low for f in families])
        low = np.maximum(self.shadows.low[members], first[home])
        span = np.maximum(np.minimum(self.shadows.high[members], np.array([f.high for f in families])[home]) - low, 0)
        counts = span[:, 0] * span[:, 1]
        each = np.repeat(np.arange(len(members)), counts)
        at = np.arange(len(each)) - np.repeat(np.cumsum(counts) - counts, counts)
        row = at // span[each, 0]
        column = at - row * span[each, 0] + low[each, 0]
        row += low[each, 1]
        square = self.shadows.squares(members[each], column.astype(np.float32), row.astype(np.float32))
        base = (starts[union] - first[home, 1] * spans[home, 0] - first[home, 0])[each]
        slot = base + row * spans[home, 0][each] + column
        squares = np.zeros(starts[-1], np.float32)
        np.maximum.at(squares, slot, square)
        self._label_all(members[each], (row * self.size + column), square > 0)
        self._add_all(families, first, spans, areas, np.sqrt(squares), starts)

    def _label_all(self, which, pixel, inside):
        which, pixel = which[inside], pixel[inside]
        hidden = np.array([t in _UNSEEN for t in self.shapes.tissues])
        shown = ~hidden[which]
        which, pixel = which[shown], pixel[shown]
        code = np.array([self.names.get(name, 0) for name in self.shapes.parts], np.int16)
        named = code[which]
        self.labels.reshape(-1)[pixel] = named
        for key, mask in self.masks.items():
            claimed = np.array([False] + [key in self.claims[name] for name in self.names])
            mask.reshape(-1)[pixel[claimed[named]]] = True

    def _add_all(self, families, first, spans, areas, chords, starts):
        values = np.empty(int(areas.sum()), np.float32)
        hits = np.empty(len(values), bool)
        at = union = 0
        for family, area in zip(families, areas.tolist(), strict=True):
            begin = int(starts[union])
            chord, value = chords[begin : begin + area], values[at : at + area]
            np.multiply(chord, np.float32(TISSUES[family.unions[0][0]].mu), out=value)
            np.greater(chord, 0, out=hits[at : at + area])
            for k, (tissue, _) in enumerate(family.unions[1:], start=1):
                inner = chords[begin + k * area : begin + (k + 1) * area]
                value += np.float32(TISSUES[tissue].mu) * np.minimum(inner, chord)
            at += area
            union += len(family.unions)
        each = np.repeat(np.arange(len(families)), areas)
        k = np.arange(len(each)) - np.repeat(np.cumsum(areas) - areas, areas)
        row = k // spans[each, 0]
        pixel = (row + first[each, 1]) * self.size + k - row * spans[each, 0] + first[each, 0]
        bony = np.array([f.unions[0][0] in BONY for f in families])[each]
        cells = self.size * self.size
        shape = (self.size, self.size)
        of_bone = np.bincount(pixel[bony], values[bony], cells).astype(np.float32).reshape(shape)
        self.bone += of_bone
        self.total += of_bone + np.bincount(pixel[~bony], values[~bony], cells).astype(np.float32).reshape(shape)
        self.body.reshape(-1)[pixel[hits]] = True
        self.bones.reshape(-1)[pixel[hits & bony]] = True


def project(
    shapes: Shapes,
    view: ArrayLike,
    origin: ArrayLike,
    pixel: float,
    size: int,
    landmarks: Mapping[str, Callable[[str], bool]] | None = None,
) -> Projection:
    """Project `Shapes` along the rows of `view` on a square of `size` pixels of `pixel` mm whose middle is `origin`.

    Args:
        shapes: `Shapes`.
        view: float (3, 3), rows u (to the right), v (down), w (along the beam), orthonormal.
        origin: (3,) mm, the point that the middle of the image shows.
        pixel: mm.
        size: pixels, H = W.
        landmarks: dict name -> predicate of a part name, or None.

    Returns:
        `Projection`.
    """
    shadows = cast(shapes, view, origin, pixel, size)
    canvas = _Canvas(shapes, shadows, size, landmarks or {})
    families = _families(shapes, shadows)
    for family in families:
        if not family.small:
            canvas.draw(family)
    small = [family for family in families if family.small]
    if small:
        canvas.draw_all(small)
    np.maximum(canvas.total, 0.0, out=canvas.total)
    return Projection(
        canvas.total, canvas.bone, canvas.labels, tuple(canvas.names), canvas.body, canvas.bones, canvas.masks
    )
