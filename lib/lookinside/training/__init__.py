"""Training that goes on after a kill, and what classifiers, detectors and synthetic images are worth."""

from lookinside.training.augment import augmentation, crop_and_rotate
from lookinside.training.balancing import Copies, balance, repeated_to_balance
from lookinside.training.checkpoint import Checkpoint
from lookinside.training.classifier import fit_classifier
from lookinside.training.detectors import fit_detector
from lookinside.training.evaluation.crossing import RegionBoundary, boundary_between
from lookinside.training.evaluation.detection.alike_primitives import primitives_alike
from lookinside.training.evaluation.detection.box_overlap import box_iou, centre_distance
from lookinside.training.evaluation.detection.boxes_without import BoxImportance, box_importance
from lookinside.training.evaluation.detection.context_on_masks import ContextPlaces, context_places
from lookinside.training.evaluation.detection.deleted_evidence import EvidenceDeletion, evidence_deletion
from lookinside.training.evaluation.detection.detected import Detections
from lookinside.training.evaluation.detection.evidence_on_masks import EvidencePlaces, evidence_places
from lookinside.training.evaluation.detection.free_response import Froc, froc
from lookinside.training.evaluation.detection.localization import (
    DetectionEvaluation,
    detection_difference,
    evaluate_detections,
)
from lookinside.training.evaluation.detection.median_boxes import median_box
from lookinside.training.evaluation.detection.precision_recall import average_precision
from lookinside.training.evaluation.detection.recovery import recovered
from lookinside.training.evaluation.evaluate import (
    Evaluation,
    accuracy_of_heads,
    class_margins,
    class_probabilities,
    evaluate_classifier,
    recall_by_class,
)
from lookinside.training.evaluation.feature_space import Separation, features, flattened, separation
from lookinside.training.evaluation.folding import answers_of_folds, folds
from lookinside.training.evaluation.part_loss import (
    PartLoss,
    accuracy_on,
    accuracy_without,
    lost_by_class,
    lost_by_tag,
    uses_of_parts,
)
from lookinside.training.evaluation.records import images_to_record, scores_to_record, training_to_record
from lookinside.training.evaluation.roc import Roc, roc_curves
from lookinside.training.evaluation.segmentation import (
    MaskScores,
    best_threshold,
    darker_than_surroundings,
    evaluate_masks,
    mask_difference,
    mask_probabilities,
    vessel_masks,
)
from lookinside.training.evaluation.share_intervals import proportion_interval
from lookinside.training.evaluation.shared_labels import floor_of, mistakes
from lookinside.training.evaluation.shortcuts import Confounding, confounding, cue_conflict
from lookinside.training.evaluation.synthesis.frechet import FrechetByCount, frechet_by_count, frechet_distance
from lookinside.training.evaluation.synthesis.nearest import Nearest, nearest_images
from lookinside.training.evaluation.synthesis.resemblance import likeness
from lookinside.training.evaluation.synthesis.sign_contrast import notch_contrast, wedge_contrast
from lookinside.training.evaluation.synthesis.whole_sets import compare_sets
from lookinside.training.evaluation.volume_scores import SlicesNamed, slices_named
from lookinside.training.evaluation.whole_volumes import BodyProfile, classify_volume
from lookinside.training.history import History
from lookinside.training.optimizers import RatedAdam, falling_adams
from lookinside.training.resumable import fit_resumable
from lookinside.training.segmenters import fit_segmenter
from lookinside.training.synthesis.patho_distance import PathoDistance
from lookinside.training.synthesis.patho_gan import PathoGAN
from lookinside.training.synthesis.patho_gan_fit import fit_patho_gan

__all__ = [
    "BodyProfile",
    "BoxImportance",
    "Checkpoint",
    "Confounding",
    "ContextPlaces",
    "Copies",
    "DetectionEvaluation",
    "Detections",
    "Evaluation",
    "EvidenceDeletion",
    "EvidencePlaces",
    "FrechetByCount",
    "Froc",
    "History",
    "MaskScores",
    "Nearest",
    "PartLoss",
    "PathoDistance",
    "PathoGAN",
    "RatedAdam",
    "RegionBoundary",
    "Roc",
    "Separation",
    "SlicesNamed",
    "accuracy_of_heads",
    "accuracy_on",
    "accuracy_without",
    "answers_of_folds",
    "augmentation",
    "average_precision",
    "balance",
    "best_threshold",
    "boundary_between",
    "box_importance",
    "box_iou",
    "centre_distance",
    "class_margins",
    "class_probabilities",
    "classify_volume",
    "compare_sets",
    "confounding",
    "context_places",
    "crop_and_rotate",
    "cue_conflict",
    "darker_than_surroundings",
    "detection_difference",
    "evaluate_classifier",
    "evaluate_detections",
    "evaluate_masks",
    "evidence_deletion",
    "evidence_places",
    "falling_adams",
    "features",
    "fit_classifier",
    "fit_detector",
    "fit_patho_gan",
    "fit_resumable",
    "fit_segmenter",
    "flattened",
    "floor_of",
    "folds",
    "frechet_by_count",
    "frechet_distance",
    "froc",
    "images_to_record",
    "likeness",
    "lost_by_class",
    "lost_by_tag",
    "mask_difference",
    "mask_probabilities",
    "median_box",
    "mistakes",
    "nearest_images",
    "notch_contrast",
    "primitives_alike",
    "proportion_interval",
    "recall_by_class",
    "recovered",
    "repeated_to_balance",
    "roc_curves",
    "scores_to_record",
    "separation",
    "slices_named",
    "training_to_record",
    "uses_of_parts",
    "vessel_masks",
    "wedge_contrast",
]
