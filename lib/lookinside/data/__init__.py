"""Images with labels, boxes or masks (phantoms, class folders, COCO files, batches for Keras), and CT volumes."""

from lookinside.data.boxes.boxed import BoxedImages
from lookinside.data.boxes.caliper_traces import bridged, caliper_strips, strips_elsewhere
from lookinside.data.boxes.coco_reading import load_boxed, read_coco
from lookinside.data.boxes.coco_writing import coco_object, write_coco
from lookinside.data.boxes.drawn_scans import phantom_fetuses
from lookinside.data.boxes.placing import Placement
from lookinside.data.cropping import centre_crop, crop_around
from lookinside.data.files.class_folders import load_images
from lookinside.data.files.class_names import class_like
from lookinside.data.files.vessel_pairs import load_vessels
from lookinside.data.filtered import magnified, without_detail, without_shading
from lookinside.data.fundus_fields import field_of_view
from lookinside.data.labelled import LabelledImages
from lookinside.data.optic_discs import find_discs
from lookinside.data.phantom_sets import phantom_eyes, phantom_organs, phantom_radiographs, phantom_regions
from lookinside.data.places import SetInfo, describe, find_set
from lookinside.data.shared_labels import two_labels
from lookinside.data.stratify import stratified_split
from lookinside.data.volumes import Volume, read_volume, write_volume
from lookinside.data.windowing import window
from lookinside.errors import DataWarning

__all__ = [
    "BoxedImages",
    "DataWarning",
    "LabelledImages",
    "Placement",
    "SetInfo",
    "Volume",
    "bridged",
    "caliper_strips",
    "centre_crop",
    "class_like",
    "coco_object",
    "crop_around",
    "describe",
    "field_of_view",
    "find_discs",
    "find_set",
    "load_boxed",
    "load_images",
    "load_vessels",
    "magnified",
    "phantom_eyes",
    "phantom_fetuses",
    "phantom_organs",
    "phantom_radiographs",
    "phantom_regions",
    "read_coco",
    "read_volume",
    "stratified_split",
    "strips_elsewhere",
    "two_labels",
    "window",
    "without_detail",
    "without_shading",
    "write_coco",
    "write_volume",
]
