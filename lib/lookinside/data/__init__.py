"""Images with labels (phantom sets, class folders on disk, batches for Keras), and CT volumes."""

from lookinside.data.class_folders import load_images
from lookinside.data.class_names import class_like
from lookinside.data.filtered import magnified, without_detail, without_shading
from lookinside.data.labelled import LabelledImages
from lookinside.data.notices import DataWarning
from lookinside.data.phantom_sets import phantom_organs, phantom_radiographs, phantom_regions
from lookinside.data.places import SetInfo, describe, find_set
from lookinside.data.shared_labels import two_labels
from lookinside.data.stratify import stratified_split
from lookinside.data.volumes import Volume, read_volume, write_volume
from lookinside.data.windowing import window

__all__ = [
    "DataWarning",
    "LabelledImages",
    "SetInfo",
    "Volume",
    "class_like",
    "describe",
    "find_set",
    "load_images",
    "magnified",
    "phantom_organs",
    "phantom_radiographs",
    "phantom_regions",
    "read_volume",
    "stratified_split",
    "two_labels",
    "window",
    "without_detail",
    "without_shading",
    "write_volume",
]
