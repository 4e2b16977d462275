"""A scene: shapes in front of the beam and the field that shows them."""

from dataclasses import dataclass

import numpy as np

from lookinside.phantoms.body.shapes import Shapes, turn


@dataclass(frozen=True)
class Scene:
    """One exposure, ready to project.

    Attributes:
        shapes: `Shapes`.
        view: (3, 3), rows u (to the right), v (down), w (along the beam).
        origin: (3,) mm, shown in the middle of the field.
        field: (width, height) of the field, mm.
        tilt: standard deviation of the turn in the image plane, degrees.
        beam, scatter, flatten, burn: typical values of `Film`.
        margin: how far the field may fall short of or go beyond the image (factors).
    """

    shapes: Shapes
    view: np.ndarray
    origin: tuple
    field: tuple
    tilt: float = 7.0
    beam: float = 1.0
    scatter: float = 0.12
    flatten: float = 0.25
    burn: float = 0.01
    margin: tuple = (0.95, 1.3)


def view_along(u, v):
    """View matrix (3, 3) from the directions that point right and down in the image."""
    u, v = np.asarray(u, float), np.asarray(v, float)
    return np.stack([u, v, np.cross(u, v)])


def turned(view, degrees, about="v"):
    """The view after the patient (or the tube) turned about the image's own axis "u", "v" or "w"."""
    return turn({"u": "x", "v": "y", "w": "z"}[about], degrees) @ view
