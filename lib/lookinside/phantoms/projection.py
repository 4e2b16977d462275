"""Beer-Lambert by formula: the chord of a ray through an ellipsoid, and the sum of what many of them attenuate.

A parallel ray through the pixel (u, v) runs a length L sqrt(1 - p u² - 2 q uv - r v²) through an ellipsoid whose centre is
at (0, 0): its shadow is an ellipse, whatever way it is turned. Each ellipsoid touches only its shadow's window.
"""

from dataclasses import dataclass

import numpy as np

from .shapes import BONY, TISSUES


_UNSEEN = ("spongy", "brain", "fat_in_gland", "face_hole")  # what thins its container keeps the container's label


@dataclass(frozen=True)
class Projection:
    """What the rays met: all arrays are (H, W), lengths in mm.

    Attributes:
        attenuation: float32, the line integral of mu (no unit): what is left of the beam is exp(-attenuation).
        bone: float32, the bones' part of it.
        labels: int16; 0 is nothing, i + 1 is part_names[i].
        part_names: tuple of the names of the parts that the image shows.
        body: bool, where the ray met anything.
        bones: bool, where it met bone.
        landmarks: dict name -> bool.
    """

    attenuation: np.ndarray
    bone: np.ndarray
    labels: np.ndarray
    part_names: tuple
    body: np.ndarray
    bones: np.ndarray
    landmarks: dict


def shadow_forms(centres, radii, rotations, view):
    """The shadows of M ellipsoids: (centres (M, 2), peak L (M,) in mm, forms (M, 3) = p, q, r).

    view: float (3, 3), rows u (to the right), v (down), w (along the beam), orthonormal.
    """
    own = np.einsum("mij,kj->mik", rotations, view) / radii[:, :, None]  # (M, own axis, u/v/w)
    form = np.einsum("mik,mil->mkl", own, own)
    a = form[:, 2, 2]
    bu, bv = form[:, 0, 2], form[:, 1, 2]
    forms = np.stack([form[:, 0, 0] - bu * bu / a, form[:, 0, 1] - bu * bv / a, form[:, 1, 1] - bv * bv / a], axis=1)
    return centres @ view[:2].T, 2.0 / np.sqrt(a), forms


def project(shapes, view, origin, pixel, size, landmarks=None):
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
    view = np.asarray(view, np.float64)
    middle, peak, forms = shadow_forms(
        shapes.centres - np.asarray(origin, np.float32), shapes.radii, shapes.rotations, view
    )
    half = 0.5 * (size - 1)
    middle = middle / pixel + half
    peak = peak.astype(np.float64)
    forms = forms * pixel * pixel
    det = forms[:, 0] * forms[:, 2] - forms[:, 1] ** 2
    reach = np.sqrt(np.stack([forms[:, 2], forms[:, 0]], axis=1) / det[:, None])
    low = np.ceil(np.maximum(middle - reach, 0.0)).astype(int)
    high = np.floor(np.minimum(middle + reach, size - 1.0)).astype(int) + 1
    seen = np.flatnonzero(np.all(high > low, axis=1))

    groups = {}
    for i in seen.tolist():
        groups.setdefault(shapes.unions[i], []).append(i)
    names = {}
    inner = {}
    for union, members in groups.items():
        outer = shapes.within[members[0]]
        if outer:
            inner.setdefault(outer, []).append(union)
    masks = {name: np.zeros((size, size), bool) for name in (landmarks or {})}
    claims = {}
    grid = np.arange(size, dtype=np.float32)
    scale = (peak * peak).astype(np.float32)
    # scaled forms: L² (1 - p u² - 2 q uv - r v²) is the squared chord
    p, q2, r = ((scale * forms[:, k]).astype(np.float32) * (2.0 if k == 1 else 1.0) for k in range(3))
    table = list(zip(low.tolist(), high.tolist(), middle.astype(np.float32), scale, p, q2, r, strict=True))
    labels = np.zeros((size, size), np.int16)

    def paint(name, inside, rows, cols):
        np.copyto(labels[rows, cols], names.setdefault(name, len(names) + 1), where=inside)
        if masks:
            if name not in claims:
                claims[name] = [key for key, holds in landmarks.items() if holds(name)]
            for key in claims[name]:
                masks[key][rows, cols] |= inside

    def union_chord(members, label):
        """The longest chord (h, w) of a union and its window."""
        x0, y0 = low[members].min(axis=0).tolist()
        x1, y1 = high[members].max(axis=0).tolist()
        chord = np.zeros((y1 - y0, x1 - x0), np.float32)
        one_name = len({shapes.parts[i] for i in members}) == 1
        for i in members:
            (a0, b0), (a1, b1), (mu, mv), s, pi, qi, ri = table[i]
            u = grid[a0:a1] - mu
            v = (grid[b0:b1] - mv)[:, None]
            square = qi * v + pi * u
            square *= u
            np.subtract(s - ri * v * v, square, out=square)
            part = chord[b0 - y0 : b1 - y0, a0 - x0 : a1 - x0]
            np.maximum(part, square, out=part)
            if label and not one_name:
                paint(shapes.parts[i], square > 0, slice(b0, b1), slice(a0, a1))
        window = (slice(y0, y1), slice(x0, x1))
        if label and one_name:
            paint(shapes.parts[members[0]], chord > 0, *window)
        np.sqrt(chord, out=chord)
        return chord, window

    total = np.zeros((size, size), np.float32)
    bone = np.zeros((size, size), np.float32)
    body = np.zeros((size, size), bool)
    bones = np.zeros((size, size), bool)
    for union, members in groups.items():
        if shapes.within[members[0]]:
            continue
        tissue = shapes.tissues[members[0]]
        chord, window = union_chord(members, label=True)
        hit = chord > 0
        body[window] |= hit
        value = TISSUES[tissue].mu * chord
        for name in inner.get(union, ()):
            held = groups[name]
            filled, (rows, cols) = union_chord(held, label=shapes.tissues[held[0]] not in _UNSEEN)
            y0, x0 = max(rows.start, window[0].start), max(cols.start, window[1].start)
            y1, x1 = min(rows.stop, window[0].stop), min(cols.stop, window[1].stop)
            if y1 > y0 and x1 > x0:
                there = (
                    slice(y0 - window[0].start, y1 - window[0].start),
                    slice(x0 - window[1].start, x1 - window[1].start),
                )
                here = (slice(y0 - rows.start, y1 - rows.start), slice(x0 - cols.start, x1 - cols.start))
                value[there] += TISSUES[shapes.tissues[held[0]]].mu * np.minimum(filled[here], chord[there])
        total[window] += value
        if tissue in BONY:
            bone[window] += value
            bones[window] |= hit
    np.maximum(total, 0.0, out=total)
    return Projection(total, bone, labels, tuple(names), body, bones, masks)
