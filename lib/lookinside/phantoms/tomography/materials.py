"""What each modality measures of a tissue: one row a material.

The numbers are typical ones for adults, rounded. Real tissue varies from person to person and with age and disease;
here a person's noise and a tissue's texture are all that varies.

Sources: CT numbers as in Kalender, *Computed Tomography* (2011); T1 and T2 at 1.5 T after Stanisz et al. 2005 (blood,
muscle, heart, spinal cord) and de Bazelaire et al. 2004 (fat, liver, kidney, spleen, pancreas, bone marrow); proton
densities relative to water; standardised uptake values of FDG after Zincirkeser et al. 2007; attenuation of ultrasound
after Duck, *Physical Properties of Tissues* (1990). Echo levels have no such table: they follow the textbook's order
(renal cortex darker than liver, liver darker than spleen, fluid black, the renal sinus bright).
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np


class Material(NamedTuple):
    """One tissue.

    Attributes:
        hu: CT number.
        enhanced: CT numbers that a contrast medium adds in the portal venous phase.
        t1, t2: relaxation times in ms at 1.5 T.
        pd: proton density, 1 is water.
        suv: uptake of FDG, 1 is the body's mean.
        echo: level of the echo in dB, 0 is the liver; -60 is none.
        loss: attenuation of ultrasound in dB/(cm MHz), one way.
        grain: how uneven the tissue is, as a share of its signal.
    """

    hu: float
    enhanced: float
    t1: float
    t2: float
    pd: float
    suv: float
    echo: float
    loss: float
    grain: float = 0.02


MATERIALS = {
    "air": Material(-1000, 0, 1000, 50, 0.0, 0.0, -60, 0.0, 0.0),
    "fat": Material(-100, 0, 343, 58, 0.9, 0.3, 1, 0.6, 0.05),
    "muscle": Material(55, 10, 1008, 44, 0.8, 0.7, -9, 1.0, 0.06),
    "connective_tissue": Material(40, 10, 900, 40, 0.7, 0.6, 4, 1.2, 0.05),
    "lung": Material(-820, 10, 1200, 30, 0.15, 0.5, 8, 30.0, 0.30),
    "blood": Material(42, 110, 1441, 290, 0.9, 1.6, -55, 0.2, 0.01),
    "heart_muscle": Material(50, 50, 1030, 40, 0.85, 3.0, -7, 0.6, 0.04),
    "liver": Material(60, 50, 586, 46, 0.8, 2.2, 0, 0.5, 0.03),
    "gallbladder": Material(8, 0, 2500, 900, 1.0, 0.5, -60, 0.1, 0.0),
    "spleen": Material(50, 65, 1057, 79, 0.85, 1.8, 2, 0.5, 0.03),
    "pancreas": Material(42, 50, 584, 46, 0.8, 1.4, 3, 0.8, 0.08),
    "kidney": Material(35, 140, 966, 87, 0.85, 2.4, -6, 0.8, 0.02),
    "kidney_medulla": Material(32, 90, 1412, 95, 0.9, 2.6, -17, 0.7, 0.02),
    "urine": Material(5, 0, 3000, 1500, 1.0, 9.0, -60, 0.1, 0.0),
    "bowel": Material(35, 40, 1000, 70, 0.85, 1.4, -2, 0.9, 0.10),
    "food": Material(20, 0, 900, 80, 0.9, 0.6, 0, 0.8, 0.15),
    "stool": Material(10, 0, 700, 50, 0.7, 1.0, 6, 2.0, 0.25),
    "bone": Material(1000, 0, 800, 5, 0.05, 0.7, 20, 12.0, 0.05),
    "thin_bone": Material(600, 0, 700, 15, 0.15, 0.8, 18, 11.0, 0.08),
    "marrow": Material(180, 10, 549, 49, 0.7, 1.5, 5, 8.0, 0.12),
    "disc": Material(85, 0, 1100, 75, 0.8, 0.7, -12, 2.0, 0.04),
    "nucleus": Material(75, 0, 1300, 140, 0.95, 0.6, -14, 1.5, 0.03),
    "cartilage": Material(100, 0, 1000, 40, 0.7, 0.7, -10, 2.0, 0.03),
    "csf": Material(8, 0, 4000, 1800, 1.0, 0.4, -60, 0.1, 0.0),
    "nerve": Material(35, 5, 745, 74, 0.85, 1.5, -6, 0.7, 0.02),
    "brain": Material(36, 5, 900, 85, 0.85, 7.0, -6, 0.8, 0.03),
    "gland": Material(30, 20, 1200, 55, 0.8, 0.8, -2, 0.9, 0.12),
    "tumour": Material(38, 20, 1150, 95, 0.9, 8.0, -9, 0.8, 0.10),
    "cyst": Material(6, 0, 3000, 1200, 1.0, 0.3, -60, 0.1, 0.0),
}

NAMES = tuple(MATERIALS)
# (K, 9): one row a material, in the order of NAMES.
TABLE = np.array([tuple(material) for material in MATERIALS.values()], np.float32)

# A part's material by the beginning of its name; the longest one that fits counts. Other parts go by their tissue.
_BY_PART = {
    "lung": "lung",
    "lung_vessel": "blood",
    "hilum": "blood",
    "heart": "heart_muscle",
    "heart_chamber": "blood",
    "aorta": "blood",
    "pulmonary_trunk": "blood",
    "vena_cava": "blood",
    "mediastinum": "fat",
    "diaphragm": "muscle",
    "cavity_fat": "fat",
    "perirenal_fat": "fat",
    "pericardial_fat": "fat",
    "septum": "fat",
    "oesophagus": "muscle",
    "liver": "liver",
    "liver_vessel": "blood",
    "gallbladder": "gallbladder",
    "spleen": "spleen",
    "pancreas": "pancreas",
    "kidney": "kidney",
    "kidney_medulla": "kidney_medulla",
    "kidney_sinus": "fat",
    "kidney_pelvis": "urine",
    "bladder": "urine",
    "stomach": "bowel",
    "stomach_food": "food",
    "bowel": "bowel",
    "colon": "stool",
    "psoas": "muscle",
    "lumbar_disc": "disc",
    "disc": "disc",
    "disc_nucleus": "nucleus",
    "lumbar_disc_nucleus": "nucleus",
    "spinal_canal": "csf",
    "spinal_cord": "nerve",
    "breast": "fat",
    "breast_gland": "gland",
    "lesion": "tumour",
    "lesion_cyst": "cyst",
}
_BY_TISSUE = {
    "fat": "fat",
    "muscle": "muscle",
    "organ": "connective_tissue",
    "gland": "gland",
    "fat_in_gland": "fat",
    "lung": "lung",
    "in_lung": "muscle",
    "air": "air",
    "bone": "bone",
    "thin_bone": "thin_bone",
    "spongy": "marrow",
    "brain": "brain",
    "cartilage": "cartilage",
    "face_bone": "thin_bone",
    "face_hole": "air",
    "tooth": "bone",
}


@functools.cache
def material_of(part: str, tissue: str) -> int:
    """The row of `TABLE` of a part: its name, such as "lung_left", and its tissue out of `TISSUES`."""
    words = part.split("_")
    for k in range(len(words), 0, -1):
        name = _BY_PART.get("_".join(words[:k]))
        if name and not (tissue == "air" and name != "air"):  # gas in the stomach is gas
            return NAMES.index(name)
    return NAMES.index(_BY_TISSUE[tissue])
