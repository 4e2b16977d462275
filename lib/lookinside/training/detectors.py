"""Training of a detector on images with boxes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras

from lookinside.data import BoxedImages
from lookinside.data.boxes.boxed_arguments import check_boxed
from lookinside.errors import LookInsideError
from lookinside.models.detection import BoxModel
from lookinside.training.history import History
from lookinside.training.optimizers import RatedAdam
from lookinside.training.resumable import fit_resumable
from lookinside.training.stream import training_batches

# Templates, temperature and mixture are few numbers with a long way to go: at the rate of the rest they hardly move.
FASTER = {"before_softplus": 20.0, "log_temperature": 20.0, "mixture/logit": 20.0}


def fit_detector(
    model: BoxModel,
    train: BoxedImages,
    validation: BoxedImages,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 8,
    learning_rate: Any = 0.001,
    faster: Mapping[str, float] | None = None,
    patience: int | None = None,
    augment: Callable | None = None,
    run_folder: str | Path | None = None,
    seed: int = 0,
    progress: bool | Callable = True,
) -> History:
    """Train a detector; it ends with the weights of its BEST epoch, the one with the highest mean IoU on `validation`.

    Args:
        model: `FasterRCNN`, `FPN`, `StructureLocalizer`, or `CentreHeatMap` for a floor; it is compiled here.
        train: images to learn from.
        validation: images to choose the epoch on, with the same class names; never the test set.
        epochs, steps: at most so many passes over `train`, or so many batches in all, as for `fit_classifier`.
        batch_size: images a step; a smaller set is one batch.
        learning_rate: of Adam, a number or a Keras schedule.
        faster: end of a variable's path -> how many times its rate is that of the rest; None is what a
            `StructureLocalizer` wants, twenty times for spatial templates, temperature and mixture.
        patience: stop after so many epochs without a better one; None never stops.
        augment: Keras layer, see `lookinside.layers.BoxAugmentation`.
        run_folder: where to keep what a resume needs, see `fit_resumable`; None keeps nothing.
        seed: of order, augmentation, and the regions drawn.
        progress: as for `fit_classifier`.

    Returns:
        The history, with a column for each loss, and "val_iou".

    Raises:
        LookInsideError: if images, boxes or classes do not fit to the model or to each other, or a loss becomes nan.
    """
    if not isinstance(model, BoxModel):
        kinds = "FasterRCNN, FPN, StructureLocalizer or CentreHeatMap"
        raise LookInsideError(f"The model is a {type(model).__name__}: give a {kinds}.")
    if not isinstance(batch_size, int) or batch_size < 1:
        raise LookInsideError(f"batch_size is {batch_size!r}: give a whole number, 1 or more.")
    if isinstance(augment, keras.Layer) and type(augment).__module__.startswith("keras."):
        raise LookInsideError(
            f"augment is Keras' {type(augment).__name__}, which does not move boxes along: give layers.BoxAugmentation."
        )
    for what, images in (("train", train), ("validation", validation)):
        check_boxed(**{what: images})
        if not len(images):
            raise LookInsideError(f"{what} has no image: give some.")
        if images.shape != model.image_shape:
            raise LookInsideError(
                f"{what} has images of {images.shape}, the detector takes {model.image_shape}: read them in that size."
            )
        if tuple(images.class_names) != model.class_names:
            raise LookInsideError(
                f"{what} has the classes {', '.join(images.class_names)}, the detector {', '.join(model.class_names)}."
            )
        if images.negatives.all():
            raise LookInsideError(f"No image of {what} has a box: there is nothing to learn from or to choose by.")
    batch_size = min(batch_size, len(train))

    def batches(first_epoch, epochs):
        return training_batches(train, batch_size, seed=seed, first_epoch=first_epoch, epochs=epochs, augment=augment)

    return fit_resumable(
        model,
        batches,
        steps_per_epoch=len(train) // batch_size,
        epochs=epochs,
        steps=steps,
        validation=validation.to_tf(batch_size),
        optimizer=RatedAdam(learning_rate, faster=FASTER if faster is None else faster),
        monitor="val_iou",
        mode="max",
        patience=patience,
        key=[train.images, *train.padded(), validation.images, *validation.padded(), augment, batch_size],
        run_folder=run_folder,
        seed=seed,
        progress=progress,
    )
