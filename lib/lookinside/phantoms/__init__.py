"""Images made by formula, with the truth known: pure NumPy, seeded."""

from .assembly import whole_body
from .body import Person, Pose, random_person, random_pose
from .landmarks import LANDMARKS
from .projection import Projection, project
from .radiograph import (
    CLASSES,
    Radiograph,
    RadiographSet,
    clinic_counts,
    image_seed,
    radiograph,
    radiograph_set,
    views_of,
)
from .shapes import TISSUES, ShapeBuilder, Shapes

__all__ = [
    "CLASSES",
    "LANDMARKS",
    "TISSUES",
    "Person",
    "Pose",
    "Projection",
    "Radiograph",
    "RadiographSet",
    "ShapeBuilder",
    "Shapes",
    "clinic_counts",
    "image_seed",
    "project",
    "radiograph",
    "radiograph_set",
    "random_person",
    "random_pose",
    "views_of",
    "whole_body",
]
