"""Training that goes on after a kill, and what a classifier is worth on images that it has not seen."""

from lookinside.training.augment import augmentation
from lookinside.training.balancing import Copies, balance, repeated_to_balance
from lookinside.training.checkpoint import Checkpoint
from lookinside.training.classifier import fit_classifier
from lookinside.training.detectors import RatedAdam, fit_detector
from lookinside.training.evaluation.evaluate import Evaluation, evaluate_classifier, proportion_interval
from lookinside.training.evaluation.feature_space import Separation, features, flattened, separation
from lookinside.training.evaluation.part_loss import (
    PartLoss,
    accuracy_without,
    lost_by_class,
    lost_by_tag,
    uses_of_parts,
)
from lookinside.training.evaluation.roc import Roc, roc_curves
from lookinside.training.evaluation.shared_labels import floor_of, mistakes
from lookinside.training.evaluation.shortcuts import Confounding, confounding
from lookinside.training.evaluation.whole_volumes import BodyProfile, classify_volume
from lookinside.training.history import History
from lookinside.training.resumable import fit_resumable

__all__ = [
    "BodyProfile",
    "Checkpoint",
    "Confounding",
    "Copies",
    "Evaluation",
    "History",
    "PartLoss",
    "RatedAdam",
    "Roc",
    "Separation",
    "accuracy_without",
    "augmentation",
    "balance",
    "classify_volume",
    "confounding",
    "evaluate_classifier",
    "features",
    "fit_classifier",
    "fit_detector",
    "fit_resumable",
    "flattened",
    "floor_of",
    "lost_by_class",
    "lost_by_tag",
    "mistakes",
    "proportion_interval",
    "repeated_to_balance",
    "roc_curves",
    "separation",
    "uses_of_parts",
]
