"""What the clinic takes of each body part: class -> (its views, the function that makes a scene of it)."""

from .views_limbs import LIMB_VIEWS

CLASSES = (
    "foot", "ankle", "lower_leg", "knee", "thigh", "hip", "pelvis", "hand", "finger", "wrist", "forearm", "elbow",
    "upper_arm", "shoulder", "clavicle", "cranium", "sinuses", "cervical_spine", "thoracic_spine", "lumbar_spine",
    "chest", "ribs", "abdomen", "breast",
)  # fmt: skip

# class -> (views, scene function (person, view, rng) -> Scene)
RECIPES = {**LIMB_VIEWS}
