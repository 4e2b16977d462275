"""Images with labels: phantom sets, prepared sets on disk, and batches for Keras."""

from lookinside.data.labelled import LabelledImages
from lookinside.data.phantom_sets import phantom_radiographs
from lookinside.data.stratify import stratified_split

__all__ = ["LabelledImages", "phantom_radiographs", "stratified_split"]
