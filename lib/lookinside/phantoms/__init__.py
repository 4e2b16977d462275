"""Images made by formula, with the truth known: pure NumPy, seeded."""

from lookinside.phantoms.body.parts import BONE_GROUPS, PART_GROUPS, SINGLE_BONES, TISSUE_GROUPS
from lookinside.phantoms.body.person import Person, Pose, random_person, random_pose
from lookinside.phantoms.body.shapes import TISSUES, ShapeBuilder, Shapes
from lookinside.phantoms.body.whole import whole_body
from lookinside.phantoms.fetus.fetus_scans import FetusScan, fetus_scan
from lookinside.phantoms.fetus.fetus_sets import FetusSet, fetus_set
from lookinside.phantoms.fetus.parts import OTHER_PARTS, SCAN_GROUPS, STRUCTURES
from lookinside.phantoms.fundus.fundus_photos import FundusPhoto, fundus_photo
from lookinside.phantoms.fundus.fundus_sets import EYE_CLASSES, FundusSet, fundus_set
from lookinside.phantoms.fundus.parts import EYE_PARTS, PATHOLOGIES
from lookinside.phantoms.radiography.landmarks import LANDMARKS
from lookinside.phantoms.radiography.projection import Projection, project
from lookinside.phantoms.radiography.radiograph_sets import RadiographSet, clinic_counts, image_seed, radiograph_set
from lookinside.phantoms.radiography.radiographs import Radiograph, radiograph, views_of
from lookinside.phantoms.radiography.views import CLASSES
from lookinside.phantoms.tomography.anatomy import ORGAN_PARTS, ORGANS
from lookinside.phantoms.tomography.materials import MATERIALS
from lookinside.phantoms.tomography.organ_images import MODALITIES, OrganImage, organ_image
from lookinside.phantoms.tomography.organ_sets import OrganSet, organ_image_set
from lookinside.phantoms.tomography.region_slices import RegionSet, RegionSlice, region_slice, region_slice_set
from lookinside.phantoms.tomography.regions import LOWER_ABDOMEN, REGIONS, regions_in
from lookinside.phantoms.tomography.volumes import CTVolume, whole_volume

__all__ = [
    "BONE_GROUPS",
    "CLASSES",
    "EYE_CLASSES",
    "EYE_PARTS",
    "LANDMARKS",
    "LOWER_ABDOMEN",
    "MATERIALS",
    "MODALITIES",
    "ORGANS",
    "ORGAN_PARTS",
    "OTHER_PARTS",
    "PART_GROUPS",
    "PATHOLOGIES",
    "REGIONS",
    "SCAN_GROUPS",
    "SINGLE_BONES",
    "STRUCTURES",
    "TISSUES",
    "TISSUE_GROUPS",
    "CTVolume",
    "FetusScan",
    "FetusSet",
    "FundusPhoto",
    "FundusSet",
    "OrganImage",
    "OrganSet",
    "Person",
    "Pose",
    "Projection",
    "Radiograph",
    "RadiographSet",
    "RegionSet",
    "RegionSlice",
    "ShapeBuilder",
    "Shapes",
    "clinic_counts",
    "fetus_scan",
    "fetus_set",
    "fundus_photo",
    "fundus_set",
    "image_seed",
    "organ_image",
    "organ_image_set",
    "project",
    "radiograph",
    "radiograph_set",
    "random_person",
    "random_pose",
    "region_slice",
    "region_slice_set",
    "regions_in",
    "views_of",
    "whole_body",
    "whole_volume",
]
