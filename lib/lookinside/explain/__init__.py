"""Explainers for any Keras model, and the scores that say whether they tell the truth."""

from lookinside.explain.deconvnet import Deconvnet, Projections
from lookinside.explain.heatmap import heat_map
from lookinside.explain.randomize import randomize_weights
from lookinside.explain.scores import (
    Interval,
    bootstrap_interval,
    landmark_share,
    map_correlation,
    mass_in_region,
    region_share,
)

__all__ = [
    "Deconvnet",
    "Interval",
    "Projections",
    "bootstrap_interval",
    "heat_map",
    "landmark_share",
    "map_correlation",
    "mass_in_region",
    "randomize_weights",
    "region_share",
]
