"""Images made by formula, with the truth known: pure NumPy, seeded."""

from lookinside.phantoms.body.assembly import whole_body
from lookinside.phantoms.body.parts import BONE_GROUPS, PART_GROUPS, SINGLE_BONES, TISSUE_GROUPS
from lookinside.phantoms.body.person import Person, Pose, random_person, random_pose
from lookinside.phantoms.body.shapes import TISSUES, ShapeBuilder, Shapes
from lookinside.phantoms.radiography.landmarks import LANDMARKS
from lookinside.phantoms.radiography.projection import Projection, project
from lookinside.phantoms.radiography.radiograph_sets import RadiographSet, clinic_counts, image_seed, radiograph_set
from lookinside.phantoms.radiography.radiographs import Radiograph, radiograph, views_of
from lookinside.phantoms.radiography.views import CLASSES

__all__ = [
    "BONE_GROUPS",
    "CLASSES",
    "LANDMARKS",
    "PART_GROUPS",
    "SINGLE_BONES",
    "TISSUES",
    "TISSUE_GROUPS",
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
