"""The names of a body's parts, in groups, and which ellipsoids a name means: what `without=` takes away."""

import difflib
from collections.abc import Collection, Iterable

import numpy as np

from lookinside.errors import LookInsideError
from lookinside.phantoms.body.shapes import BONY, Shapes

_VERTEBRAE = (*(f"c{i}" for i in range(1, 8)), *(f"t{i}" for i in range(1, 13)), *(f"l{i}" for i in range(1, 6)))

# Every part of every picture stands in one of these groups. A name stands for itself and for all that begins with it
# and an underscore: "metacarpal" is metacarpal_1_shaft and its like, "t1" is t1_body but not t10_body.
PART_GROUPS = {
    "phalanges": ("distal_phalanx", "middle_phalanx", "proximal_phalanx", "sesamoid"),
    "metacarpals": ("metacarpal",),
    "metatarsals": ("metatarsal",),
    "carpals": (
        *("scaphoid", "lunate", "triquetrum", "pisiform"),
        *("trapezium", "trapezoid", "capitate", "hamate"),
    ),
    "tarsals": (
        *("talus", "calcaneus", "navicular", "cuboid"),
        *("medial_cuneiform", "intermediate_cuneiform", "lateral_cuneiform"),
    ),
    "forearm_bones": ("radius", "ulna", "olecranon", "coronoid"),
    "upper_arm_bone": (
        *("humerus", "capitulum", "trochlea", "medial_epicondyle", "lateral_epicondyle"),
        "greater_tubercle",
    ),
    "shoulder_girdle": ("clavicle", "scapula", "acromion", "coracoid", "glenoid"),
    "lower_leg_bones": ("tibia", "fibula", "medial_malleolus"),
    "thigh_bone": (
        *("femur", "patella", "medial_condyle", "lateral_condyle"),
        *("greater_trochanter", "lesser_trochanter"),
    ),
    "pelvic_bones": (
        *("ilium", "iliac_border", "iliac_crest", "ischium", "ischial_ramus", "pubis"),
        *("pelvic_brim", "sciatic_notch", "acetabulum"),
    ),
    "spine": (*_VERTEBRAE, "sacrum", "coccyx"),
    "rib_cage": ("rib", "sternum"),
    "skull": (
        *("vault", "brain", "occiput", "skull_base", "petrous_bone", "mastoid", "sella", "sphenoid_wing"),
        *("face", "orbit", "zygoma", "zygomatic_arch", "maxilla", "nasal_bone", "nasal_septum", "brow"),
        *("hard_palate", "mandible", "upper_teeth", "lower_teeth"),
    ),
    "skin": ("skin", "breast_skin", "nipple"),
    "muscles": (
        *("arm_muscle", "forearm_muscle", "thenar", "hypothenar", "thigh_muscle", "calf_muscle", "foot_muscle"),
        *("trunk_muscle", "neck_muscle", "chest_muscle", "psoas"),
    ),
    "lungs": ("lung", "heart", "aorta", "pulmonary_trunk", "hilum", "mediastinum", "diaphragm"),
    "airways": (
        *("trachea", "bronchus", "pharynx", "nasal_cavity"),
        *("frontal_sinus", "maxillary_sinus", "ethmoid_cells", "sphenoid_sinus"),
        "air_cells_of_mastoid",
    ),
    "abdominal_organs": ("liver", "spleen", "kidney", "bladder", "bowel_gas", "stomach_gas"),
    "breast_tissue": ("gland", "duct", "ligament", "breast_fat", "calcification"),
}
_NO_BONES = ("calcification",)  # as dense as a tooth
BONE_GROUPS = tuple(PART_GROUPS)[: list(PART_GROUPS).index("skin")]
_FINGERS = tuple(
    f"{row}_phalanx_{ray}"
    for row in ("proximal", "middle", "distal")
    for ray in range(1, 6)
    if (row, ray) != ("middle", 1)
)
# The bones of a hand and of a foot one by one, as names for `without=`.
SINGLE_BONES = {
    "hand": (*PART_GROUPS["carpals"], *(f"metacarpal_{ray}" for ray in range(1, 6)), *_FINGERS, "radius", "ulna"),
    "foot": (*PART_GROUPS["tarsals"], *(f"metatarsal_{ray}" for ray in range(1, 6)), *_FINGERS, "tibia", "fibula"),
}
# Not names of parts but of tissues: every bone with what lies in it, and everything else.
TISSUE_GROUPS = ("bones", "soft_tissue")


def names_of(without: str | Iterable[str]) -> tuple[str, ...]:
    """The names in `without`: one, or several. Raises LookInsideError for what is no name."""
    try:
        names = (without,) if isinstance(without, str) else tuple(without)
    except TypeError:
        names = (without,)
    for name in names:
        if not isinstance(name, str):
            raise LookInsideError(f"without holds {name!r}: give names of parts, or () for none.")
    return names


def check_names(names: Iterable[str], parts: Collection[str], others: Collection[str] = ()) -> None:
    """Raise LookInsideError, with the nearest ones, for a name that means nothing.

    Args:
        names: what is to be taken away.
        parts: the names of all parts that there are.
        others: further names that mean something, such as "letter".
    """
    grouped = {one for group in PART_GROUPS.values() for one in group}  # some are drawn in a few people only
    for name in names:
        if name in {*others, *PART_GROUPS, *TISSUE_GROUPS, *grouped} or any(_means(name, one) for one in parts):
            continue
        stems = {"_".join(one.split("_")[:k]) for one in parts for k in range(1, one.count("_") + 2)}
        known = sorted(stems & grouped | set(parts))
        known += [*TISSUE_GROUPS, *PART_GROUPS, *others]
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or [*TISSUE_GROUPS, "metacarpal"]
        raise LookInsideError(f"There is no part {name!r}; did you mean {' or '.join(near)}?")


def meant_by(shapes: Shapes, names: Iterable[str]) -> np.ndarray:
    """Which ellipsoids the names mean, marrow and all that lies within a bone along with it: bool (M,).

    Args:
        shapes: M ellipsoids.
        names: parts, beginnings of parts, names out of `PART_GROUPS` or `TISSUE_GROUPS`.
    """
    names = tuple(names)
    single = {one for name in names for one in PART_GROUPS.get(name, (name,))}
    wanted = {part: any(_means(name, part) for name in single) for part in set(shapes.parts)}
    found = np.array([wanted[part] for part in shapes.parts], bool)
    bony = is_bony(shapes)
    if "bones" in names:
        found |= bony
    if "soft_tissue" in names:
        found |= ~bony
    # What lies within a union of which nothing is left goes with it: brain in the vault, the heart between the lungs.
    left = {union for union, gone in zip(shapes.unions, found, strict=True) if not gone}
    return found | np.array([bool(outer) and outer not in left for outer in shapes.within], bool)


def is_bony(shapes: Shapes) -> np.ndarray:
    """Which ellipsoids are bone, or lie within a bone (marrow, the inside of the skull): bool (M,)."""
    outer = {
        union: tissue in BONY and part not in _NO_BONES
        for union, tissue, part in zip(shapes.unions, shapes.tissues, shapes.parts, strict=True)
    }
    return np.array(
        [
            outer.get(within, False) if within else outer[own]
            for own, within in zip(shapes.unions, shapes.within, strict=True)
        ],
        bool,
    )


def _means(name: str, part: str) -> bool:
    return part == name or part.startswith(name + "_")
