"""Training: the best epoch's weights, whole batches, one trace, and refusals in one line."""

import keras
import numpy as np
import pytest
from long_runs import TRAIN, VALIDATION, striped

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.training import fit_classifier
from lookinside.training.epochs import EpochKeeper
from lookinside.training.history import Goal
from lookinside.training.resumable import run_limits
from lookinside.training.stream import training_batches


def small_net(classes=3, size=12, seed=1):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((size, size, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.BatchNormalization(momentum=0.9),
            keras.layers.ReLU(),
            keras.layers.MaxPooling2D(2),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(classes),
        ]
    )


def test_it_learns():
    history = fit_classifier(small_net(), TRAIN, VALIDATION, epochs=8, batch_size=8, learning_rate=0.05, progress=False)
    assert set(history.curves) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(len(values) == history.epochs == 8 for values in (*history.curves.values(), history.seconds))
    assert history.best() > 0.8
    with pytest.raises(LookInsideError, match="choose from accuracy, loss, val_accuracy, val_loss"):
        history.best("dice")


def test_it_ends_with_the_best_epoch():
    wrong = LabelledImages(VALIDATION.images, (VALIDATION.labels + 1) % 3, VALIDATION.class_names, VALIDATION.names)
    model = small_net()
    history = fit_classifier(model, TRAIN, wrong, epochs=4, batch_size=8, learning_rate=0.05, progress=False)
    assert history.best_epoch < 4  # the better it learns, the worse it does on wrong labels
    assert history.best("val_loss") == min(history.curves["val_loss"])
    loss, accuracy = model.evaluate(wrong.to_tf(8), verbose=0)
    assert loss == pytest.approx(history.best("val_loss"), rel=1e-4)
    assert accuracy == pytest.approx(history.best(), abs=1e-6)


def test_patience_stops():
    history = fit_classifier(
        small_net(), TRAIN, VALIDATION, epochs=60, batch_size=8, learning_rate=0.1, patience=2, progress=False
    )
    assert history.stopped_early
    assert history.epochs == history.best_epoch + 2 < 60


def test_steps_end_the_run_in_the_middle_of_an_epoch(tmp_path):
    options = {"batch_size": 8, "learning_rate": 0.05, "patience": None, "progress": False}
    whole = fit_classifier(small_net(), TRAIN, VALIDATION, epochs=3, **options)
    assert whole.steps == [6, 12, 18]
    model = small_net()
    cut = fit_classifier(model, TRAIN, VALIDATION, steps=15, run_folder=tmp_path, **options)
    assert cut.steps == [6, 12, 15]
    assert not cut.stopped_early
    for column, values in whole.curves.items():  # up to there it is the same run
        np.testing.assert_allclose(cut.curves[column][:2], values[:2], rtol=1e-5)
    assert cut.curves["loss"][2] != whole.curves["loss"][2]
    again = small_net()
    assert fit_classifier(again, TRAIN, VALIDATION, steps=15, run_folder=tmp_path, **options).resumed_after == 3
    np.testing.assert_array_equal(model.get_weights()[0], again.get_weights()[0])


@pytest.mark.parametrize(
    ("epochs", "steps", "limits"), [(1, 99, (1, 6)), (9, 7, (2, 7)), (None, 3, (1, 3)), (4, None, (4, 24))]
)
def test_of_epochs_and_steps_the_one_that_is_reached_first_counts(epochs, steps, limits):
    assert run_limits(epochs, steps, steps_per_epoch=6) == limits


@pytest.mark.parametrize("outputs", [1, 2])
def test_steps_are_traced_once_however_many_epochs(outputs):
    traces = []

    @keras.saving.register_keras_serializable("test")
    class Counting(keras.layers.Layer):
        def call(self, x, training=None):
            traces.append(training)
            return x

    inputs = keras.Input((12, 12, 1))
    x = keras.layers.Flatten()(Counting()(inputs))
    model = keras.Model(inputs, [keras.layers.Dense(3)(x) for _ in range(outputs)])
    traces.clear()
    fit_classifier(model, TRAIN, VALIDATION, epochs=4, batch_size=8, progress=False)
    assert traces == [True, False]  # a step of the training, one of the validation


def test_batches_are_whole_and_every_epoch_is_another_order():
    batches = list(training_batches(TRAIN, 8, seed=3, first_epoch=0, epochs=3))
    assert len(batches) == 3 * 6
    assert {batch.shape for batch, _ in batches} == {(8, 12, 12, 1)}
    epochs = [np.concatenate([images for images, _ in batches[6 * e : 6 * e + 6]]) for e in range(3)]
    assert not np.array_equal(epochs[0], epochs[1])
    seen = [{image.tobytes() for image in epoch} for epoch in epochs]
    assert all(len(images) == 48 for images in seen)  # no image twice in an epoch
    assert len(seen[0] | seen[1] | seen[2]) > 48  # what one epoch leaves out comes in another
    np.testing.assert_allclose(epochs[0].max(), TRAIN.images.max() / 255, atol=0.05)


def test_images_and_labels_stay_together():
    by_image = {image.tobytes(): label for image, label in zip(TRAIN.images, TRAIN.labels, strict=True)}
    for images, labels in training_batches(TRAIN, 8, seed=0, first_epoch=0, epochs=1):
        restored = np.round(np.array(images) * 255).astype("uint8")
        assert [by_image[image.tobytes()] for image in restored] == list(np.array(labels))


def test_a_stream_that_starts_later_is_the_tail_of_the_whole():
    augment = keras.Sequential([keras.layers.RandomFlip(seed=1), keras.layers.RandomRotation(0.1, seed=2)])
    whole = list(training_batches(TRAIN, 8, seed=3, first_epoch=0, epochs=3, augment=augment))
    tail = list(training_batches(TRAIN, 8, seed=3, first_epoch=2, epochs=3, augment=augment))
    assert len(tail) == 6
    for (images, labels), (expected, expected_labels) in zip(tail, whole[12:], strict=True):
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, expected_labels)


def test_a_plain_function_may_augment():
    batches = training_batches(TRAIN, 8, seed=0, first_epoch=0, epochs=1, augment=lambda x, training: 1 - x)
    plain = training_batches(TRAIN, 8, seed=0, first_epoch=0, epochs=1)
    for (images, _), (original, _) in zip(batches, plain, strict=True):
        np.testing.assert_allclose(images, 1 - np.array(original), atol=1e-6)


def test_a_set_smaller_than_a_batch_is_one_batch():
    history = fit_classifier(small_net(), striped(5, 0), VALIDATION, epochs=1, batch_size=32, progress=False)
    assert history.epochs == 1


def test_the_bar_counts_steps_and_silence_is_silent(capfd):
    calls = []

    class Bar:
        def update(self, steps):
            calls.append(steps)

        def set_postfix_str(self, text):
            calls.append(text)

        def close(self):
            calls.append("closed")

    def progress(steps, description, unit):
        calls.append((steps, unit))
        return Bar()

    fit_classifier(small_net(), TRAIN, VALIDATION, epochs=2, batch_size=10, progress=progress)
    assert calls[0] == (10, "step")
    assert calls.count(1) == 10
    assert calls[-1] == "closed"
    assert any(str(call).startswith("epoch 2, val_accuracy") for call in calls)
    capfd.readouterr()
    fit_classifier(small_net(), TRAIN, VALIDATION, epochs=1, batch_size=10, progress=False)
    out, error = capfd.readouterr()
    assert out == ""
    assert "step/s" not in error


def test_a_loss_of_nan_ends_training():
    model = small_net()
    model.layers[-1].bias.assign([np.nan, 0, 0])
    with pytest.raises(LookInsideError, match="lower the learning rate"):
        fit_classifier(model, TRAIN, VALIDATION, epochs=2, progress=False)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"epochs": 0}, "1 or more"),
        ({"epochs": None}, "how long to train"),
        ({"steps": 0}, "1 or more"),
        ({"batch_size": 0}, "1 or more"),
        ({"train": TRAIN.subset([])}, "train set holds no image"),
        ({"validation": VALIDATION.subset([])}, "validation set holds no image"),
        ({"validation": striped(9, 0, size=14)}, r"validation set has \(14, 14, 1\)"),
        ({"validation": striped(9, 0, classes=2)}, "different class names"),
        ({"model": small_net(classes=4)}, "4 outputs for 3 classes"),
        ({"model": keras.Sequential([small_net(), keras.layers.Softmax(name="soft")])}, "soft is a softmax"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, says):
    model = change.pop("model", None) or small_net()
    train, validation = change.pop("train", TRAIN), change.pop("validation", VALIDATION)
    with pytest.raises(LookInsideError, match=says) as error:
        fit_classifier(model, train, validation, **{"epochs": 1, "progress": False, **change})
    assert "\n" not in str(error.value)


def test_dropout_follows_from_seed_and_epoch():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dropout(0.5)])

    def states(seed, epoch):
        keeper = EpochKeeper(Goal(None), 1, seed)
        keeper.set_model(model)
        keeper.on_epoch_begin(epoch)
        return [tuple(variable.numpy().tolist()) for variable in model.variables]

    assert states(3, 0) == states(3, 0)
    assert len({*states(3, 0), *states(3, 1), *states(4, 0), *states(4, 1)}) == 8
