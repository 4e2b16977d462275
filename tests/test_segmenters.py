"""Training on masks: images and masks move together, the losses by hand, the best epoch, going on after a stop."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers as kl
from keras.layers import RandomFlip, RandomRotation
from long_runs import bar_that
from sklearn.metrics import f1_score, log_loss

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.models import unet
from lookinside.training import answers_of_folds, augmentation, fit_segmenter, folds, mask_probabilities
from lookinside.training.segmenter_checks import check_segmenter
from lookinside.training.segmenters import CrossEntropyAndDice, _MaskedImages, dice
from lookinside.training.stream import training_batches

SHAPE = (24, 32, 3)


def lines(count, seed, contrast=70):
    """Noise with a dark line at some height, which is the mask."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(120, 180, (count, *SHAPE))
    masks = np.zeros(pixels.shape[:3], bool)
    for mask, row in zip(masks, rng.integers(2, 20, count), strict=True):
        mask[row : row + 2, 4:] = True
    pixels[masks] -= contrast
    names = [f"{seed}-{i}" for i in range(count)]
    groups = [f"{seed}-{i // 2}" for i in range(count)]
    return LabelledImages(pixels.astype("uint8"), np.zeros(count, "int64"), ("line",), names, {"line": masks}, groups)


TRAIN, VALIDATION = lines(24, 0), lines(6, 1)


def convolutions():
    """A network that is quick to trace, with state of its own."""
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Conv2D(4, 3, padding="same"), keras.layers.BatchNormalization(), keras.layers.ReLU()]
    return keras.Sequential([keras.Input(SHAPE), *layers, keras.layers.Conv2D(1, 3, padding="same")])


def fit(model, folder=None, progress=False, train=TRAIN, **changes):
    options = {"mask": "line", "epochs": 4, "batch_size": 4, "learning_rate": 0.02, "augment": flips(), "seed": 3}
    return fit_segmenter(model, train, VALIDATION, run_folder=folder, progress=progress, **{**options, **changes})


def flips():
    return RandomFlip("horizontal_and_vertical", seed=2)


@pytest.mark.parametrize("kind", ["none", "flip", "rotate"])
def test_images_and_masks_move_together(kind):
    """Where the picture is its own mask, it still is after the move."""
    augment = {"none": None, "flip": flips(), "rotate": RandomRotation(0.1, fill_mode="constant", seed=2)}[kind]
    own = replace(TRAIN, images=np.repeat(TRAIN.masks["line"][..., None] * np.uint8(255), 3, axis=-1))
    stream = training_batches(_MaskedImages(own, "line"), 6, seed=0, first_epoch=0, epochs=1, augment=augment)
    batches = [[np.array(part) for part in batch] for batch in stream]
    assert [(x.shape, y.shape) for x, y in batches] == [((6, *SHAPE), (6, 24, 32, 1))] * 4
    moved = 0
    for images, masks in batches:
        assert set(np.unique(masks)) == {0, 1}
        np.testing.assert_array_equal(images[..., :1] > 0.5, masks == 1)
        still = {mask.tobytes() for mask in TRAIN.masks["line"]}
        moved += sum((mask[..., 0] == 1).tobytes() not in still for mask in masks)
    assert (moved == 0) == (kind == "none")


def test_the_loss_is_cross_entropy_and_soft_dice():
    rng = np.random.default_rng(0)
    truth = (rng.random((3, 5, 7, 1)) < 0.3).astype("float32")
    logits = rng.normal(0, 3, truth.shape).astype("float32")
    shares = 1 / (1 + np.exp(-logits.astype("float64")))
    for weight in (0.0, 2.5):
        found = np.array(CrossEntropyAndDice(weight, reduction=None)(truth, logits))
        for i in range(3):
            y, p = truth[i].ravel(), shares[i].ravel()
            soft = (2 * (y * p).sum() + 1) / (y.sum() + p.sum() + 1)
            assert found[i] == pytest.approx(log_loss(y, p) + weight * (1 - soft), rel=1e-5)
    assert CrossEntropyAndDice.from_config(CrossEntropyAndDice(2.5).get_config()).dice_weight == 2.5
    cut = np.array(dice(truth, logits))
    for i in range(3):
        y, p = truth[i].ravel(), logits[i].ravel() > 0
        share = f1_score(y, p)
        assert cut[i] == pytest.approx((share * (y.sum() + p.sum()) + 1) / (y.sum() + p.sum() + 1), rel=1e-6)
    assert np.all(np.array(dice(0 * truth, 0 * truth - 1)) == 1)


def test_it_finds_lines_and_keeps_the_best_epoch():
    keras.utils.set_random_seed(1)
    model = unet(SHAPE, base=2, depth=1, batch_norm=True)
    history = fit(model, epochs=8)
    assert set(history.curves) == {"loss", "dice", "val_loss", "val_dice"}
    found = history.curves["val_dice"]
    assert history.best_epoch == 1 + int(np.argmax(found)) and max(found) > 0.8 > found[0]
    answer = mask_probabilities(model, VALIDATION) > 0.5
    again = [f1_score(true.ravel(), own.ravel()) for true, own in zip(VALIDATION.masks["line"], answer, strict=True)]
    assert history.best("val_dice") == pytest.approx(np.mean(again), abs=0.01)  # the weights are those of that epoch


def test_a_run_that_was_stopped_goes_on_to_the_same_losses(tmp_path):
    def stop():
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fit(convolutions(), tmp_path, bar_that(stop, 15), epochs=4)  # in the third epoch of 6 steps
    resumed, whole = fit(convolutions(), tmp_path), fit(convolutions())
    assert resumed.resumed_after == 2
    for name, values in whole.curves.items():
        np.testing.assert_allclose(resumed.curves[name], values, rtol=1e-4, atol=1e-5, err_msg=name)
    moved = replace(TRAIN, masks={"line": np.roll(TRAIN.masks["line"], 1, axis=1)})
    assert fit(convolutions(), tmp_path).curves == resumed.curves  # it has ended: nothing is trained
    fit(convolutions(), tmp_path, train=moved)
    assert len(list(tmp_path.iterdir())) == 2  # another mask is another run


def test_a_trained_network_is_cloned_and_loaded_with_its_loss_or_without(tmp_path):
    model = convolutions()
    fit(model, epochs=1)
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    assert loaded.loss.get_config()["dice_weight"] == 1.0
    for other in (loaded, keras.models.load_model(tmp_path / "net.keras", compile=False)):
        np.testing.assert_allclose(other(TRAIN.pixels), model(TRAIN.pixels), atol=1e-6)
    assert keras.models.clone_model(model).count_params() == model.count_params()


def test_answers_of_folds_come_back_in_the_images_order():
    seen = []

    def answer(train, test):
        seen.append((set(train.groups), set(test.groups), len(test)))
        return test.masks["line"]

    np.testing.assert_array_equal(answers_of_folds(TRAIN, 3, answer, seed=1), TRAIN.masks["line"])
    assert all(not train & test for train, test, _ in seen) and sum(count for *_, count in seen) == 24
    assert [test for _, test, _ in seen] == [set(test.groups) for _, test in folds(TRAIN, 3, seed=1)]
    with pytest.raises(LookInsideError, match=r"The answers are \(2, 3\) for 8 images"):
        answers_of_folds(TRAIN, 3, lambda train, test: np.zeros((2, 3)))
    with pytest.raises(LookInsideError, match="k is 1 and there are 12 groups"):
        answers_of_folds(TRAIN, 1, answer)


def no_mask(pixels, training):
    """An augmentation that knows of three channels only."""
    return pixels[..., :3]


@pytest.mark.parametrize(
    "rest",
    [
        {"batch_size": np.int64(4), "epochs": np.int64(1)},
        {"learning_rate": keras.optimizers.schedules.CosineDecay(0.01, 5), "seed": 2**62},
        {"learning_rate": 1, "seed": np.int64(-3), "augment": lambda pixels, training: pixels},
    ],
)
def test_what_is_said_in_another_way_works(rest):
    assert fit(convolutions(), **{"epochs": 1, **rest}).epochs == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"train": TRAIN.images}, "type ndarray"),
        ({"train": TRAIN.subset([])}, "train holds no image"),
        ({"validation": lines(2, 5).subset([])}, "validation holds no image"),
        ({"mask": "vessels"}, "no mask 'vessels' in this set: choose from line"),
        ({"train": replace(TRAIN, masks={"line": TRAIN.masks["line"] & False})}, "'line' of train is empty"),
        ({"train": replace(TRAIN, images=TRAIN.images[..., :1])}, r"train has \(24, 32, 1\): build the model"),
        ({"model": unet(SHAPE, base=1, depth=1, outputs=2)}, "one logit for each pixel"),
        ({"augment": augmentation(SHAPE)}, r"augment takes images of \(24, 32, 3\): build it for \(24, 32, 4\)"),
        ({"augment": keras.layers.RandomCrop(16, 16)}, r"makes \(16, 16, 4\) of images of \(24, 32, 4\)"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 2.0}, "batch_size is 2.0"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast': give a number above 0"),
        ({"learning_rate": 0}, "learning_rate is 0"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"learning_rate": None}, "learning_rate is None"),
        ({"learning_rate": True}, "learning_rate is True"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"augment": "flip"}, "augment is 'flip': give a layer of Keras"),
        ({"augment": no_mask}, r"augment no_mask leaves images of \(24, 32, 2\), not \(24, 32, 3\)"),
        (
            {"augment": lambda x: x},
            r"augment <lambda> fails on a batch \(B, 24, 32, 4\) with training=True: .*training",
        ),
        ({"mask": ["line"]}, r"no mask \['line'\] in this set"),
        ({"seed": 1.5}, "seed is 1.5"),
        ({"dice_weight": -1}, "dice_weight is -1"),
        ({"epochs": None}, "Say how long to train"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, says):
    options = {"model": unet(SHAPE, base=1, depth=1), "train": TRAIN, "validation": VALIDATION, "mask": "line"}
    with pytest.raises(LookInsideError, match=says) as error:
        fit_segmenter(**{**options, "epochs": 1, "progress": False, **change})
    assert "\n" not in str(error.value)


def test_models_of_another_kind_are_refused():
    class Other(keras.Model):
        pass

    for model in (Other(), "unet"):
        with pytest.raises(LookInsideError, match="answers with no known shape: give a functional model"):
            fit(model)


class OwnSigmoid(keras.layers.Layer):
    """A sigmoid whose type does not say so."""

    def call(self, x):
        return keras.ops.sigmoid(x)


PROBABILITIES = {
    "an activation": lambda x: kl.Conv2D(1, 1, activation="sigmoid")(x),
    "a layer": lambda x: kl.Activation("hard_sigmoid")(x),
    "a softmax": lambda x: kl.Activation("softmax")(x),
    "a softmax layer": lambda x: kl.Softmax()(x),
    "an operation": keras.ops.sigmoid,
    "a lambda": lambda x: kl.Activation(lambda y: keras.ops.sigmoid(y))(x),
    "a lambda layer": lambda x: kl.Lambda(lambda y: keras.ops.clip(y, 0, 1))(x),
    "one's own": lambda x: OwnSigmoid()(x),
    "made larger": lambda x: kl.UpSampling2D(2)(kl.Activation("sigmoid")(kl.MaxPooling2D(2)(x))),
    "one of two classes": lambda x: kl.Activation("softmax")(kl.Conv2D(2, 1)(x))[..., 1:],
    "a model in it": lambda x: keras.Sequential([keras.Input((*SHAPE[:2], 1)), kl.Activation("sigmoid")])(x),
    "for ever below 0": keras.ops.log_sigmoid,
}
LOGITS = {
    "none": lambda x: x,
    "linear": lambda x: kl.Activation("linear")(x),
    "a lambda": lambda x: kl.Activation(lambda y: 2 * y)(x),
    "a lambda layer": lambda x: kl.Lambda(lambda y: y - 1)(x),
    "their logarithm": lambda x: kl.Lambda(lambda y: keras.ops.log(y / (1 - y)))(keras.ops.sigmoid(x)),
    "weighted": lambda x: kl.Conv2D(1, 1)(keras.ops.sigmoid(x)),
    "about 0": lambda x: 2 * keras.ops.sigmoid(x) - 1,
    "gated": lambda x: x * keras.ops.sigmoid(x),
}


def ending_in(end):
    inputs = keras.Input(SHAPE)
    return keras.Model(inputs, end(kl.Conv2D(1, 3, padding="same")(inputs)))


@pytest.mark.parametrize("kind", PROBABILITIES)
def test_a_network_that_answers_with_probabilities_is_refused(kind):
    with pytest.raises(LookInsideError, match=r"^Model .* answers with the probabilities of [^\n]*logits are needed"):
        check_segmenter(ending_in(PROBABILITIES[kind]))


class OwnCall(keras.Model):
    """A network whose class has a call of its own."""

    def call(self, x, training=None):
        return super().call(x, training=training)


@pytest.mark.parametrize("activation", ["sigmoid", None])
def test_of_a_class_with_its_own_call_the_last_step_tells(activation):
    inputs = keras.Input(SHAPE)
    model = OwnCall(inputs, kl.Conv2D(1, 1, activation=activation, name="last")(inputs))
    if activation is None:
        return check_segmenter(model)
    with pytest.raises(LookInsideError, match="the probabilities of last"):
        check_segmenter(model)


@pytest.mark.parametrize("kind", LOGITS)
def test_a_network_that_answers_with_logits_is_none_of_these(kind):
    check_segmenter(ending_in(LOGITS[kind]))
