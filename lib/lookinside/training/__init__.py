"""Training that goes on after a kill, and what a classifier is worth on images that it has not seen."""

from lookinside.training.augment import augmentation
from lookinside.training.balancing import Copies, balance, repeated_to_balance
from lookinside.training.checkpoint import Checkpoint
from lookinside.training.classifier import fit_classifier
from lookinside.training.evaluate import Evaluation, evaluate_classifier, proportion_interval
from lookinside.training.history import History
from lookinside.training.part_loss import PartLoss, accuracy_without, lost_by_class
from lookinside.training.resumable import fit_resumable
from lookinside.training.roc import Roc, roc_curves
from lookinside.training.shortcuts import Confounding, confounding
from lookinside.training.whole_volumes import BodyProfile, classify_volume

__all__ = [
    "BodyProfile",
    "Checkpoint",
    "Confounding",
    "Copies",
    "Evaluation",
    "History",
    "PartLoss",
    "Roc",
    "accuracy_without",
    "augmentation",
    "balance",
    "classify_volume",
    "confounding",
    "evaluate_classifier",
    "fit_classifier",
    "fit_resumable",
    "lost_by_class",
    "proportion_interval",
    "repeated_to_balance",
    "roc_curves",
]
