"""Training of classifiers, and what they are worth on images they have not seen."""

from lookinside.training.augment import augmentation
from lookinside.training.evaluate import Evaluation, evaluate_classifier, proportion_interval
from lookinside.training.fit import fit_classifier
from lookinside.training.history import History

__all__ = [
    "Evaluation",
    "History",
    "augmentation",
    "evaluate_classifier",
    "fit_classifier",
    "proportion_interval",
]
