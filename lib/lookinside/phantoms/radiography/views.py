"""What the clinic takes of each body part: class -> (its views, the function that makes a scene of it)."""

from lookinside.phantoms.radiography.views_arm import ARM_VIEWS
from lookinside.phantoms.radiography.views_head import HEAD_VIEWS
from lookinside.phantoms.radiography.views_leg import LEG_VIEWS
from lookinside.phantoms.radiography.views_trunk import TRUNK_VIEWS

CLASSES = (
    "foot", "ankle", "lower_leg", "knee", "thigh", "hip", "pelvis", "hand", "finger", "wrist", "forearm", "elbow",
    "upper_arm", "shoulder", "clavicle", "cranium", "sinuses", "cervical_spine", "thoracic_spine", "lumbar_spine",
    "chest", "ribs", "abdomen", "breast",
)  # fmt: skip

# class -> (views, scene function (person, view, rng) -> Scene)
RECIPES = {**ARM_VIEWS, **LEG_VIEWS, **TRUNK_VIEWS, **HEAD_VIEWS}
