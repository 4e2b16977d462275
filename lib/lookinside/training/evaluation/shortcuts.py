"""How far a classifier gets that does not look at the anatomy: the border, the grey levels, the size of the image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from PIL import Image
from sklearn.ensemble import RandomForestClassifier

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training.evaluation.evaluate import evaluate_classifier
from lookinside.training.evaluation.share_intervals import balanced_accuracy_interval, proportion_interval

CLASS = "class"
SIZE_TAGS = ("width", "height")
_BINS, _THUMBNAIL, _TREES = 32, 8, 100


@dataclass(frozen=True)
class Confounding:
    """What can be told from what a network should not need.

    Attributes:
        balanced_accuracy: what is seen -> target -> (estimate, low, high), each in [0, 1], 95 % interval.
        chance: target -> balanced accuracy of a guess: 1 / number of its values in the test set.
        images: of the test set; groups: patients in it, or None where they are not known.
    """

    balanced_accuracy: Mapping[str, Mapping[str, tuple[float, float, float]]]
    chance: Mapping[str, float]
    images: int
    groups: int | None

    def rows(self) -> dict[str, dict[str, tuple[float, float, float] | float]]:
        """The rows of a table, as `figures.table` takes them, with chance last."""
        return {seen: dict(row) for seen, row in self.balanced_accuracy.items()} | {"chance": dict(self.chance)}


def confounding(
    train: LabelledImages,
    test: LabelledImages,
    targets: str | Sequence[str] = CLASS,
    seen: str | Sequence[str] | None = None,
    *,
    border: int = 2,
    seed: int = 0,
) -> Confounding:
    """Teach a random forest to name class, modality or source from what is not the organ, and score it on new images.

    It sees one of these: "border", the outermost pixels; "grey levels", the histogram of 32 bins; "size", width, height
    and their ratio before scaling (tags width and height); "thumbnail", the image of 8 x 8 px. A high score does not
    say that a network uses this; it says that a network could do without the anatomy.

    Args:
        train, test: labelled images of one size and the same class names; no patient should be in both.
        targets: "class" or names of tags, such as "modality".
        seen: one or several of the four; without it all, "size" only where the tags are there.
        border: width of the border in pixels, less than half of the image.
        seed: of the forest.

    Returns:
        `Confounding`. Where the test set has groups, the intervals are over patients.

    Raises:
        LookInsideError: for sets that do not fit together or are empty, an unknown target or name, a border too wide,
            or a target that has one value only, or one in the test set that is not in the training set.

    Source of the classifier: Breiman 2001, by scikit-learn, 100 trees, classes weighted to be equal.
    """
    targets = (targets,) if isinstance(targets, str) else tuple(targets)
    features = _features(border)
    if seen is None:
        seen = [name for name in features if name != "size" or set(SIZE_TAGS) <= set(train.tags) & set(test.tags)]
    seen = (seen,) if isinstance(seen, str) else tuple(seen)
    _refuse_unfit(train, test, seen, features, border)
    values = {target: _values(train, test, target) for target in targets}
    scores: dict[str, dict[str, tuple[float, float, float]]] = {}
    for name in seen:
        shown, asked = features[name](train), features[name](test)
        scores[name] = {}
        for target, (known, wanted) in values.items():
            forest = RandomForestClassifier(_TREES, class_weight="balanced", random_state=seed)
            answers = forest.fit(shown, known).predict(asked)
            scores[name][target] = balanced_accuracy_interval(wanted, answers, test.groups)
    return Confounding(
        balanced_accuracy=scores,
        chance={target: 1 / len(np.unique(wanted)) for target, (_, wanted) in values.items()},
        images=len(test),
        groups=None if test.groups is None else len(set(test.groups)),
    )


def cue_conflict(
    model: keras.Model, images: LabelledImages, tag: str, goes_with: Mapping[str, str]
) -> dict[str, tuple[float, float, float]]:
    """What a classifier follows where two cues disagree: the class of an image, or the class that goes with its tag.

    Only images with a conflict count: their tag's value goes with another class than theirs. A network that learned
    from a set in which class and tag go together can be asked with them which of the two it has learned.

    Args:
        model: a Keras model from images (N, H, W, C) in [0, 1] to logits (N, K).
        images: the test set.
        tag: name of a tag, such as "modality".
        goes_with: value of the tag -> name of the class that it goes with; images with other values are left out.

    Returns:
        "class" and "tag": share of the images that are named after the one and after the other, each with its 95 %
        Wilson interval: (estimate, low, high).

    Raises:
        LookInsideError: for a tag or a class that the set does not have, or where no image has a conflict.

    Source: the idea of Geirhos et al. 2019, who set the texture of an object against its shape.
    """
    strangers = sorted(set(goes_with.values()) - set(images.class_names))
    if strangers:
        raise LookInsideError(f"goes_with names {strangers[0]!r}: the classes are {', '.join(images.class_names)}")
    whose = {value: images.class_names.index(name) for value, name in goes_with.items()}
    after_tag = np.array([whose.get(value, -1) for value in images.tags[tag]])
    conflict = (after_tag >= 0) & (after_tag != images.labels)
    if not conflict.any():
        raise LookInsideError(f"no image has a {tag} that goes with another class than its own: give other images")
    found = evaluate_classifier(model, images.subset(conflict))
    followed = {"class": found.right == 1, "tag": found.predictions == after_tag[conflict]}
    return {name: proportion_interval(int(one.sum()), len(one)) for name, one in followed.items()}


def _features(border: int) -> dict[str, Callable[[LabelledImages], np.ndarray]]:
    """Name -> what makes (N, F) numbers of a set."""
    return {
        "border": lambda data: _border(data.images, border),
        "grey levels": lambda data: _histograms(data.images),
        "size": _sizes,
        "thumbnail": lambda data: np.stack([_thumbnail(image) for image in data.images]),
    }


def _border(images: np.ndarray, width: int) -> np.ndarray:
    ring = np.ones(images.shape[1:3], bool)
    ring[width:-width, width:-width] = False
    return images[:, ring].reshape(len(images), -1)


def _histograms(images: np.ndarray) -> np.ndarray:
    bins = (images.reshape(len(images), -1, images.shape[-1]) // (256 // _BINS)).astype(np.int64)
    return np.stack([np.concatenate([np.bincount(c, minlength=_BINS) for c in image.T]) for image in bins])


def _sizes(data: LabelledImages) -> np.ndarray:
    try:
        width, height = (np.array([float(text) for text in data.tags[tag]]) for tag in SIZE_TAGS)
    except ValueError as error:
        if isinstance(error, LookInsideError):
            raise
        raise LookInsideError(f"the tags width and height hold no numbers ({error}): prepare the set again") from None
    return np.stack([width, height, width / height], axis=1)


def _thumbnail(image: np.ndarray) -> np.ndarray:
    small = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
    return np.asarray(small.resize((_THUMBNAIL, _THUMBNAIL), Image.Resampling.BOX)).ravel()


def _refuse_unfit(train, test, seen, features, border):
    for what, data in (("training", train), ("test", test)):
        if not len(data):
            raise LookInsideError(f"the {what} set holds no image: choose other images")
    if train.shape != test.shape or train.class_names != test.class_names:
        raise LookInsideError(
            f"the sets are of {train.shape} and {test.shape}, classes {', '.join(train.class_names)} and "
            f"{', '.join(test.class_names)}: give two parts of one set"
        )
    unknown = [name for name in seen if name not in features]
    if unknown or not seen:
        raise LookInsideError(f"seen is {', '.join(unknown) or 'empty'}: choose from {', '.join(features)}")
    if not 0 < border < min(train.shape[:2]) / 2:
        raise LookInsideError(f"border is {border}: give 1 or more, and less than half of {min(train.shape[:2])} px")


def _values(train: LabelledImages, test: LabelledImages, target: str) -> tuple[np.ndarray, np.ndarray]:
    """The target's values as numbers, of the training and of the test set."""

    def texts(data):
        return [data.class_names[k] for k in data.labels] if target == CLASS else data.tags[target]

    known, wanted = texts(train), texts(test)
    new = sorted(set(wanted) - set(known))
    if new:
        raise LookInsideError(
            f"{target} {new[0]!r} is in the test set only: give training images of it, or leave it out"
        )
    if len(set(known)) < 2:
        raise LookInsideError(f"all training images have {target} {known[0]!r}: there is nothing to tell apart")
    number = {text: place for place, text in enumerate(sorted(set(known)))}
    return np.array([number[text] for text in known]), np.array([number[text] for text in wanted])
