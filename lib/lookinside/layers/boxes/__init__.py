"""Boxes of a detector: anchors, their coding, and what is left of many boxes that mean the same."""

from lookinside.layers.boxes.anchor_generator import AnchorGenerator
from lookinside.layers.boxes.anchor_sizes import fit_anchor_sizes
from lookinside.layers.boxes.box_coding import clip_boxes, decode_boxes, encode_boxes
from lookinside.layers.boxes.suppression import KeptBoxes, non_max_suppression

__all__ = [
    "AnchorGenerator",
    "KeptBoxes",
    "clip_boxes",
    "decode_boxes",
    "encode_boxes",
    "fit_anchor_sizes",
    "non_max_suppression",
]
