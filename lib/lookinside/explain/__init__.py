"""Explainers for any Keras model, and the scores that say whether they tell the truth."""

from lookinside.errors import BlankMapWarning
from lookinside.explain.activation_maximization import ActivationMaximization
from lookinside.explain.cam import CAM
from lookinside.explain.class_deconvnet import ClassDeconvnet
from lookinside.explain.deconvnet import Deconvnet, Projections
from lookinside.explain.detection.example_patches import PrimitiveExamples, primitive_examples
from lookinside.explain.detection.score_maps import detection_grad_cam
from lookinside.explain.explainer import Explainer
from lookinside.explain.grad_cam import GradCAM
from lookinside.explain.grad_cam_plus_plus import GradCAMPlusPlus
from lookinside.explain.guided_backprop import GuidedBackprop
from lookinside.explain.heatmap import heat_map
from lookinside.explain.layer_cam import LayerCAM
from lookinside.explain.maps.selected_maps import SelectedMaps, Selection
from lookinside.explain.network.filters import spatial_frequency
from lookinside.explain.occlusion import Occlusion
from lookinside.explain.pathology_aware import PathologyAware, PathologyMaps
from lookinside.explain.saliency import Saliency
from lookinside.explain.score_cam import ScoreCAM
from lookinside.explain.smooth_grad import SmoothGrad
from lookinside.explain.truth.comparison import Comparison, compare
from lookinside.explain.truth.dead_feature_maps import DeadMaps, dead_maps, feature_maps
from lookinside.explain.truth.heat_on_parts import compare_parts, heat_by_part, part_rank_correlation, summarize_parts
from lookinside.explain.truth.imputation import linear_imputation
from lookinside.explain.truth.insertion_deletion import Curves, PixelWalk, deletion, insertion
from lookinside.explain.truth.intervals import (
    Interval,
    bootstrap_interval,
    paired_difference,
    paired_difference_over_seeds,
)
from lookinside.explain.truth.intervention import Followed, map_follows_score
from lookinside.explain.truth.parts import PartImportance, mean_importance, part_importance
from lookinside.explain.truth.randomization import randomization_check, randomize_weights
from lookinside.explain.truth.scores import landmark_share, map_correlation, mass_in_region, pointing_game, region_share

__all__ = [
    "CAM",
    "ActivationMaximization",
    "BlankMapWarning",
    "ClassDeconvnet",
    "Comparison",
    "Curves",
    "DeadMaps",
    "Deconvnet",
    "Explainer",
    "Followed",
    "GradCAM",
    "GradCAMPlusPlus",
    "GuidedBackprop",
    "Interval",
    "LayerCAM",
    "Occlusion",
    "PartImportance",
    "PathologyAware",
    "PathologyMaps",
    "PixelWalk",
    "PrimitiveExamples",
    "Projections",
    "Saliency",
    "ScoreCAM",
    "SelectedMaps",
    "Selection",
    "SmoothGrad",
    "bootstrap_interval",
    "compare",
    "compare_parts",
    "dead_maps",
    "deletion",
    "detection_grad_cam",
    "feature_maps",
    "heat_by_part",
    "heat_map",
    "insertion",
    "landmark_share",
    "linear_imputation",
    "map_correlation",
    "map_follows_score",
    "mass_in_region",
    "mean_importance",
    "paired_difference",
    "paired_difference_over_seeds",
    "part_importance",
    "part_rank_correlation",
    "pointing_game",
    "primitive_examples",
    "randomization_check",
    "randomize_weights",
    "region_share",
    "spatial_frequency",
    "summarize_parts",
]
