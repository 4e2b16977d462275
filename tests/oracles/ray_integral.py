"""How long a ray runs through ellipsoids, in float64, by stepping along it: nothing of the closed form is used."""

import numpy as np


def inside(points, centre, radii, rotation):
    """Which points (P, 3) lie in the ellipsoid whose own axes are the rows of `rotation`: bool (P,)."""
    own = (np.asarray(points, np.float64) - centre) @ np.asarray(rotation, np.float64).T
    return np.sum((own / radii) ** 2, axis=1) <= 1.0


def chord(start, direction, centre, radii, rotation, *, steps=200_000, reach=400.0):
    """Length of {start + t direction, |t| <= reach} inside one ellipsoid, mm: middle points of `steps` equal pieces."""
    t = (np.arange(steps) + 0.5) / steps * 2 * reach - reach
    points = np.asarray(start, np.float64) + t[:, None] * np.asarray(direction, np.float64)
    return inside(points, centre, radii, rotation).sum() * 2 * reach / steps


def attenuation(start, direction, shapes, mu, *, steps=4000, reach=400.0):
    """Line integral of mu where every ellipsoid is a union of its own: each adds its mu where the point is inside."""
    t = (np.arange(steps) + 0.5) / steps * 2 * reach - reach
    points = np.asarray(start, np.float64) + t[:, None] * np.asarray(direction, np.float64)
    total = 0.0
    for i in range(len(shapes)):
        held = inside(points, shapes.centres[i], shapes.radii[i], shapes.rotations[i])
        total += mu[i] * held.sum() * 2 * reach / steps
    return total
