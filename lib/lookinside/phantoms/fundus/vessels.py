"""The vessel tree of the retina: four arcades of an artery and a vein each, their branches, and small vessels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.fundus.anatomy import Eye

STEP = 0.05  # between two points of a vessel, disc diameters
# Headings, degrees, of the four arcades at the disc and far from it: 0 goes to the temple, 90 down.
_ARCADES = ((-94.0, 10.0, 1.75), (92.0, -8.0, 1.75), (-112.0, -150.0, 1.6), (114.0, 152.0, 1.6))


@dataclass(frozen=True)
class Vessels:
    """Points of V vessels, up to K each, from the disc outwards.

    Attributes:
        x, y: float32 (V, K), disc diameters.
        heading: where they go, radians, float32 (V, K).
        radius: float32 (V, K), disc diameters; 0 past a vessel's end.
        artery: bool (V,).
    """

    x: np.ndarray
    y: np.ndarray
    heading: np.ndarray
    radius: np.ndarray
    artery: np.ndarray


def random_vessels(eye: Eye, rng: np.random.Generator) -> list[Vessels]:
    """Draw the tree, generation by generation: trunks, two generations of branches, small vessels of the disc."""
    trunks = _trunks(eye, rng)
    branches = _branches(eye, rng, trunks, 4, (0.8, 5.2), 0.62, (1.6, 3.6), 0.016)
    twigs = _branches(eye, rng, branches, 2, (0.3, 2.4), 0.62, (0.7, 1.9), 0.009)
    return [trunks, branches, twigs, _small_vessels(eye, rng)]


def _trunks(eye, rng):
    """An artery and a vein for each of the four arcades."""
    count = len(_ARCADES)
    at_disc, far, bend = (np.repeat(column, 2) for column in zip(*_ARCADES, strict=True))
    artery = np.tile([True, False], count)
    at_disc = np.deg2rad(at_disc + rng.normal(0, 7, 2 * count) + np.where(artery, 4.0, -4.0))
    common = np.repeat(rng.normal(0, 8, count), 2)
    far = np.deg2rad(far + common + rng.normal(0, 5, 2 * count))
    bend = bend * np.exp(np.repeat(rng.normal(0, 0.13, count), 2) + rng.normal(0, 0.08, 2 * count))
    nasal = np.repeat([1.0, 1.0, 0.78, 0.78], 2)
    radius = np.where(artery, 0.029, 0.040) * nasal * np.exp(rng.normal(0, 0.12, 2 * count))
    start = (
        eye.trunk[0] + rng.normal(0, 0.02, 2 * count) + np.where(artery, 0.025, -0.025),
        eye.trunk[1] + rng.normal(0, 0.02, 2 * count),
    )
    way = np.arange(130, dtype=np.float32) * np.float32(STEP)
    heading = far[:, None] + (at_disc - far)[:, None] * np.exp(-way / bend[:, None])
    thin = (1.0 - 0.075 * way) * (way < rng.uniform(5.5, 6.5, 2 * count)[:, None])
    return _grown(eye, rng, start, heading, radius[:, None] * thin, artery)


def _branches(eye, rng, parents, each, span, thinner, lengths, least):
    """Branches of vessels: `each` of a parent, on alternating sides, that turn towards their parent's way."""
    count = len(parents.x) * each
    parent = np.repeat(np.arange(len(parents.x)), each)
    order = np.tile(np.arange(each), len(parents.x))
    low, high = span
    place = low + (order + rng.uniform(0.05, 0.95, count)) * (high - low) / each
    index = np.minimum((place / STEP).astype(np.intp), parents.x.shape[1] - 1)
    side = np.where((order + np.repeat(rng.integers(0, 2, len(parents.x)), each)) % 2 == 0, 1.0, -1.0)
    at = parent, index
    fork, stay = rng.uniform(0.5, 0.95, count), rng.uniform(0.1, 0.55, count)
    steps = int(max(lengths) / STEP)
    way = np.arange(steps, dtype=np.float32) * np.float32(STEP)
    heading = parents.heading[at][:, None] + (side * stay)[:, None] + (side * fork)[:, None] * np.exp(-way / 0.7)
    share = thinner * np.exp(rng.normal(0, 0.14, count))
    radius = np.maximum(parents.radius[at] * share, least) * (parents.radius[at] > 0)
    ends = rng.uniform(*lengths, count)[:, None]
    thin = (1.0 - 0.6 * way / ends) * (way < ends)
    start = parents.x[at], parents.y[at]
    return _grown(eye, rng, start, heading, radius[:, None] * thin, parents.artery[parent])


def _small_vessels(eye, rng):
    """Thin vessels from the disc to the macula and to the nose."""
    count = 7
    to_temple = np.arange(count) < 4
    heading = np.where(to_temple, rng.uniform(-1.0, 1.0, count), np.pi + rng.uniform(-1.0, 1.0, count))
    start = (
        np.where(to_temple, rng.uniform(-0.05, 0.2, count), eye.trunk[0] - rng.uniform(0.0, 0.15, count)),
        eye.trunk[1] + 0.16 * np.sin(heading) + rng.normal(0, 0.03, count),
    )
    way = np.arange(64, dtype=np.float32) * np.float32(STEP)
    ends = np.where(to_temple, rng.uniform(0.9, 2.0, count), rng.uniform(1.5, 3.2, count))[:, None]
    radius = rng.uniform(0.010, 0.020, count)[:, None] * (1.0 - 0.6 * way / ends) * (way < ends)
    return _grown(eye, rng, start, np.repeat(heading[:, None], 64, axis=1), radius, rng.random(count) < 0.5)


def _grown(eye, rng, start, heading, radius, artery):
    """Walk along headings that wander; vessels end before the fovea, which has none."""
    count, steps = heading.shape
    way = np.arange(steps, dtype=np.float32) * np.float32(STEP)
    for waves, strength in ((1.3, 0.16), (3.1, 0.16), (6.5, 0.1)):
        phase, speed = rng.uniform(0, 6.3, (count, 1)), waves * rng.uniform(0.7, 1.4, (count, 1))
        heading = heading + strength * rng.normal(0, 0.8, (count, 1)) * (np.sin(speed * way + phase) - np.sin(phase))
    x = start[0][:, None] + np.cumsum(np.cos(heading), axis=1) * STEP
    y = start[1][:, None] + np.cumsum(np.sin(heading), axis=1) * STEP
    to_fovea = np.hypot(x - eye.fovea[0], y - eye.fovea[1])
    open_way = np.minimum.accumulate(np.clip((to_fovea - 0.38) / 0.3, 0.0, 1.0), axis=1)
    return Vessels(*(one.astype(np.float32) for one in (x, y, heading, radius * open_way)), artery)
