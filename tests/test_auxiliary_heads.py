"""Training with auxiliary classifiers, penalties and optimizers of one's own: exact losses and steps, all restored."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl
from long_runs import TRAIN, VALIDATION

from lookinside.errors import LookInsideError
from lookinside.explain import GradCAM
from lookinside.models import googlenet, inference_model, khan_cnn
from lookinside.training import accuracy_of_heads, evaluate_classifier, fit_classifier

RATE, DECAY, WEIGHT = 0.05, 0.02, 0.3


def headed(decay=DECAY, seed=1, heads=2, classes=3):
    """A trunk with a head at its end and two on the way, as GoogLeNet's are."""
    keras.utils.set_random_seed(seed)
    penalty = keras.regularizers.L2(decay / 2) if decay else None
    x = inputs = keras.Input((12, 12, 1))
    outputs = []
    for number in range(heads + 1):
        x = kl.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer=penalty, name=f"conv{number}")(x)
        head = kl.Dense(classes, name=f"head{number + 1}" if number < heads else "scores", kernel_regularizer=penalty)
        outputs.insert(0, head(kl.Flatten()(kl.MaxPooling2D(3)(x))))
    outputs = outputs[:1] + outputs[:0:-1]
    return keras.Model(inputs, outputs if heads else outputs[0], name="headed")


def cross_entropy(logits, labels):
    logits = np.asarray(logits, np.float64)
    logits = logits - logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(labels)), labels].mean()


def penalty_of(model):
    return DECAY / 2 * sum(float(np.sum(np.square(v))) for v in model.trainable_variables if v.path.endswith("kernel"))


def one_step(model, **options):
    """A step on the whole training set; returns the history, and the images as it saw them."""
    sgd = keras.optimizers.SGD(RATE)
    history = fit_classifier(
        model, TRAIN, VALIDATION, steps=1, batch_size=len(TRAIN), optimizer=sgd, progress=False, **options
    )
    return history


def test_the_loss_is_the_sum_as_szegedy_has_it():
    model = headed()
    images, labels = TRAIN.pixels, TRAIN.labels
    main, first, second = (cross_entropy(logits, labels) for logits in model(images))
    penalty = penalty_of(model)
    found = {name: values[0] for name, values in one_step(model).curves.items()}
    expected = {"loss": main, "head1_loss": first, "head2_loss": second}
    expected["total_loss"] = main + WEIGHT * (first + second) + penalty
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-5), name
    val_main, val_first, val_second = (cross_entropy(logits, VALIDATION.labels) for logits in model(VALIDATION.pixels))
    assert found["val_loss"] == pytest.approx(val_main, rel=1e-5)
    total = val_main + WEIGHT * (val_first + val_second) + penalty_of(model)
    assert found["val_total_loss"] == pytest.approx(total, rel=1e-5)
    columns = {"loss", "accuracy", "total_loss"} | {f"head{n}_{what}" for n in (1, 2) for what in ("loss", "accuracy")}
    assert found.keys() == columns | {f"val_{name}" for name in columns}


@pytest.mark.parametrize("weight", [0.3, 2.0])
def test_a_step_by_hand(weight):
    """w - rate * (gradient of the first loss + weight * that of the others + decay * w), decay on kernels alone."""
    model = headed()
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    before = {variable.path: variable.numpy() for variable in model.trainable_variables}
    with tf.GradientTape(persistent=True) as tape:
        losses = [entropy(TRAIN.labels, logits) for logits in model(TRAIN.pixels)]
    variables = [variable.value for variable in model.trainable_variables]
    gradients = [tape.gradient(one, variables, unconnected_gradients="zero") for one in losses]
    one_step(model, auxiliary_weight=weight)
    reached = 0
    for variable, main, first, second in zip(model.trainable_variables, *gradients, strict=True):
        old = before[variable.path]
        decay = DECAY * old if variable.path.endswith("kernel") else 0.0
        expected = old - RATE * (np.array(main) + weight * (np.array(first) + np.array(second)) + decay)
        np.testing.assert_allclose(variable, expected, rtol=1e-4, atol=1e-7, err_msg=variable.path)
        reached += variable.path.startswith("conv0") and np.any(first) and np.any(second)
    assert reached == 2  # the trunk's first kernel and bias feel both heads


def test_all_heads_go_back_to_the_best_epoch_and_the_inference_model_with_them(tmp_path):
    wrong = VALIDATION.labels.copy()
    wrong[:] = (wrong + 1) % 3
    validation = type(VALIDATION)(VALIDATION.images, wrong, VALIDATION.class_names, VALIDATION.names)
    options = {"epochs": 4, "batch_size": 8, "learning_rate": 0.03, "run_folder": tmp_path, "progress": False}
    model = headed(decay=0)
    alone = inference_model(model)
    history = fit_classifier(model, TRAIN, validation, **options)
    assert history.best_epoch < 4
    assert history.best("val_loss") == min(history.curves["val_loss"])
    logits = [np.array(one) for one in model(validation.pixels)]
    for name, one in zip(("", "head1_", "head2_"), logits, strict=True):
        assert cross_entropy(one, wrong) == pytest.approx(history.best(f"val_{name}loss"), rel=1e-4)
    np.testing.assert_array_equal(alone(validation.pixels), logits[0])
    again = headed(decay=0, seed=5)
    assert fit_classifier(again, TRAIN, validation, **options).resumed_after == 4
    for found, expected in zip(again(validation.pixels), logits, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_inference_does_not_compute_the_heads():
    model = headed()
    alone = inference_model(model)
    assert not any("head" in layer.name for layer in alone.layers)
    assert len(alone.outputs) == 1
    model.get_layer("head1").set_weights([np.full((64, 3), np.nan), np.zeros(3)])
    assert np.isfinite(alone(VALIDATION.pixels)).all()
    assert evaluate_classifier(alone, VALIDATION).predictions.shape == (21,)
    assert GradCAM(alone)(VALIDATION.pixels[:2]).shape == (2, 12, 12)
    assert inference_model(alone) is alone
    with pytest.raises(LookInsideError, match=r"has 3 outputs: give inference_model\(headed\)"):
        evaluate_classifier(model, VALIDATION)
    with pytest.raises(LookInsideError, match="has 3 outputs: say output= one of scores, head1, head2"):
        GradCAM(model)


def test_the_gradient_of_googlenets_heads_reaches_its_trunk():
    keras.utils.set_random_seed(0)
    model = googlenet((32, 32, 1), 3, width=0.1, dropout=False)
    images = np.random.default_rng(0).random((4, 32, 32, 1), "float32")
    with tf.GradientTape(persistent=True) as tape:
        logits, *heads = model(images)
        values = [tf.reduce_sum(one**2) for one in heads]
    for value, reached, beyond in zip(
        values, ("inception_4a", "inception_4d"), ("inception_4b", "inception_4e"), strict=True
    ):
        kernels = [model.get_layer(name).kernel.value for name in ("conv1", f"{reached}_3x3", f"{beyond}_3x3")]
        trunk, module, later = tape.gradient(value, kernels)
        assert np.any(trunk)
        assert np.any(module)
        assert later is None
    assert model.output_names == ["logits", "auxiliary1", "auxiliary2"]


def test_a_penalty_is_not_in_the_loss_that_is_shown():
    model = headed(heads=0)
    expected = cross_entropy(model(TRAIN.pixels), TRAIN.labels)
    penalty = penalty_of(model)
    found = {name: values[0] for name, values in one_step(model).curves.items()}
    assert found.keys() == {f"{val}{name}" for val in ("", "val_") for name in ("loss", "accuracy", "total_loss")}
    assert found["loss"] == pytest.approx(expected, rel=1e-5)
    assert found["total_loss"] == pytest.approx(expected + penalty, rel=1e-5)
    assert found["val_loss"] == pytest.approx(cross_entropy(model(VALIDATION.pixels), VALIDATION.labels), rel=1e-5)
    assert set(one_step(headed(heads=0, decay=0)).curves) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_momentum_by_hand():
    """Two steps of SGD with momentum 0.9, the penalty's gradient in the velocity as in Caffe."""
    model, twin = headed(heads=0), headed(heads=0)
    sgd = keras.optimizers.SGD(RATE, momentum=0.9)
    options = {"epochs": 2, "batch_size": len(TRAIN), "patience": None, "progress": False}
    history = fit_classifier(model, TRAIN, VALIDATION, optimizer=sgd, **options)
    assert history.best_epoch == 2
    entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    velocities = [np.zeros(variable.shape) for variable in twin.trainable_variables]
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = entropy(TRAIN.labels, twin(TRAIN.pixels))
        gradients = tape.gradient(loss, [variable.value for variable in twin.trainable_variables])
        for number, (variable, gradient) in enumerate(zip(twin.trainable_variables, gradients, strict=True)):
            decay = DECAY * variable.numpy() if variable.path.endswith("kernel") else 0.0
            velocities[number] = 0.9 * velocities[number] - RATE * (np.array(gradient) + decay)
            variable.assign_add(velocities[number])
    for found, expected in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_papers_recipe_learns():
    """Khan & Yong's network on the three bands, with their SGD; the images are stretched to a size that it takes."""
    keras.utils.set_random_seed(0)
    net = khan_cnn(TRAIN.shape, 3, width=0.1, weight_decay=5e-4, initializer="he_normal", pixel_range=(-1, 1))
    sgd = keras.optimizers.SGD(0.01, momentum=0.9)
    history = fit_classifier(net, TRAIN, VALIDATION, epochs=30, batch_size=8, optimizer=sgd, progress=False)
    assert history.best() > 0.8


def used():
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(headed().trainable_variables)
    return optimizer


def as_dict():
    model = headed()
    return keras.Model(model.input, dict(zip("abc", model.outputs, strict=True)), name="named")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"optimizer": "sgd"}, "optimizer is 'sgd': give keras.optimizers.SGD"),
        ({"optimizer": keras.optimizers.SGD(0.1), "learning_rate": 0.1}, "learning_rate is Adam's"),
        ({"optimizer": used}, "trained a network already: make a new one"),
        ({"model": as_dict}, "Model named answers with a dict: give it a list"),
        ({"model": lambda: headed(classes=4)}, "4 outputs for 3 classes"),
        ({"auxiliary_weight": -1.0}, "auxiliary_weight is -1.0: give 0 or more"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(change, says):
    change = {name: value() if callable(value) else value for name, value in change.items()}
    model = change.pop("model", None) or headed()
    with pytest.raises(LookInsideError, match=says) as error:
        fit_classifier(model, TRAIN, VALIDATION, epochs=1, progress=False, **change)
    assert "\n" not in str(error.value)


def test_each_head_has_its_own_accuracy():
    model = headed(seed=3)
    for name, bias in (("scores", [9, 0, 0]), ("head1", [0, 9, 0]), ("head2", [0, 0, 9])):
        kernel = model.get_layer(name).get_weights()[0]
        model.get_layer(name).set_weights([np.zeros_like(kernel), np.array(bias, float)])
    uneven = VALIDATION.subset(np.argsort(VALIDATION.labels)[:13])  # 7, 6 and none of each class
    found = accuracy_of_heads(model, uneven, batch_size=5)
    wanted = {name: np.mean(uneven.labels == place) for place, name in enumerate(("scores", "head1", "head2"))}
    assert {name: one[0] for name, one in found.items()} == pytest.approx(wanted) and len(set(wanted.values())) == 3
    assert all(low <= share < high for share, low, high in found.values())
    assert not any("scores" in layer.name for layer in inference_model(model, 1).layers)
    for output in (3, -1, 1.5, "head1"):
        with pytest.raises(LookInsideError, match="headed has 3, counted from 0"):
            inference_model(model, output)
