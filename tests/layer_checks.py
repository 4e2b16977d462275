"""What every layer of the library must be able to do, whatever it computes: one function for the tests of each layer.

A layer's own numbers are compared with an oracle in its own tests; here it is compared with itself.
"""

import keras
import numpy as np
import tensorflow as tf


def check_layer(make, inputs, *, path, half_tolerance=5e-3, compiles=True):
    """Assert that a layer is plain Keras 3.

    It is made again from its configuration, saved and loaded; eager, traced and compiled by XLA it gives one answer
    and one gradient, on batches of unknown size too; in half precision it stays near what it computes in full; and it
    trains for a step in a model.

    Args:
        make: `make(**kwargs)` makes the layer, kwargs being those of every Keras layer.
        inputs: float array (N, ...), N at least 2, or a list of them for a layer of several inputs.
        path: a folder to save into.
        half_tolerance: largest error in half precision, as a share of the largest value.
        compiles: False for a layer that says that XLA cannot compile it.
    """
    arrays = tf.nest.map_structure(lambda one: np.asarray(one, "float32"), inputs)
    layer = make()
    expected = np.array(layer(arrays))
    assert np.isfinite(expected).all()
    _same_shape(layer, arrays, expected)
    _same_when_made_again(layer, arrays, expected)
    _same_when_loaded(make, arrays, expected, path)
    _same_in_every_mode(layer, arrays, expected, compiles)
    _near_in_half_precision(make, arrays, expected, half_tolerance)
    for compiled in (False, True) if compiles else (False,):
        _trains(make, arrays, expected, compiled)


def finite_differences(function, x, step=1e-5):
    """The gradient of a function of an array to a number, in float64, by a step there and back for each element."""
    x = np.array(x, np.float64)
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[place] += step
        behind[place] -= step
        gradient[place] = (function(ahead) - function(behind)) / (2 * step)
    return gradient


def gradient_of(function, x):
    """The gradient of a function of a tensor to a number, by TensorFlow's tape, in the array's own precision."""
    x = tf.convert_to_tensor(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = function(x)
    return tape.gradient(value, x).numpy()


def _model(layer, arrays):
    """The layer in a functional model, the number of images open."""
    symbols = tf.nest.map_structure(lambda one: keras.Input(one.shape[1:]), arrays)
    return keras.Model(symbols, layer(symbols))


def _same_shape(layer, arrays, expected):
    symbolic = layer(tf.nest.map_structure(lambda one: keras.KerasTensor((None, *one.shape[1:])), arrays))
    assert tuple(symbolic.shape) == (None, *expected.shape[1:])
    shapes = tf.nest.map_structure(lambda one: one.shape, arrays)
    assert tuple(layer.compute_output_shape(shapes)) == expected.shape


def _same_when_made_again(layer, arrays, expected):
    again = type(layer).from_config(layer.get_config())
    again(arrays)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(arrays), expected)
    assert again.get_config() == layer.get_config()


def _same_when_loaded(make, arrays, expected, path):
    model = _model(make(), arrays)
    answer = np.array(model(arrays))
    model.save(path / "layer.keras")
    loaded = keras.models.load_model(path / "layer.keras")
    np.testing.assert_array_equal(loaded(arrays), answer)
    if not model.weights:
        np.testing.assert_allclose(answer, expected, rtol=1e-6)


def _same_in_every_mode(layer, arrays, expected, compiles):
    def answer_and_gradient(tensors):
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            answer = layer(tensors)
            value = tf.reduce_sum(answer**2)
        return answer, tape.gradient(value, tensors)

    tensors = tf.nest.map_structure(tf.convert_to_tensor, arrays)
    open_batch = tf.nest.map_structure(lambda one: tf.TensorSpec((None, *one.shape[1:])), arrays)
    eager = answer_and_gradient(tensors)
    for compiled in (False, True) if compiles else (False,):
        traced = tf.function(answer_and_gradient, input_signature=[open_batch], jit_compile=compiled)
        tf.nest.map_structure(_near, traced(tensors), eager)
    _near(eager[0], expected)


def _near(found, expected):
    if expected is None:  # an input that no gradient reaches
        assert found is None
        return
    expected = np.array(expected)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


def _near_in_half_precision(make, arrays, expected, tolerance):
    for half in ("float16", "bfloat16"):
        layer = make(dtype=f"mixed_{half}")
        answer = layer(arrays)
        assert keras.backend.standardize_dtype(answer.dtype) == half
        assert all(weight.dtype == "float32" for weight in layer.weights)
        if not layer.weights:  # those of another layer are drawn anew
            error = np.abs(np.array(keras.ops.cast(answer, "float32")) - expected).max()
            assert error <= tolerance * (1 if half == "float16" else 8) * np.abs(expected).max()


def _trains(make, arrays, expected, compiled):
    """A dense layer before it shows that the gradient comes through."""
    keras.utils.set_random_seed(0)
    symbols = tf.nest.map_structure(lambda one: keras.Input(one.shape[1:]), arrays)
    first, *others = tf.nest.flatten(symbols)
    before = keras.layers.Dense(first.shape[-1], name="before")
    layer = make()
    answer = layer(tf.nest.pack_sequence_as(symbols, [before(first), *others]))
    model = keras.Model(symbols, answer)
    model.compile(keras.optimizers.SGD(0.1), "mse", jit_compile=compiled)
    weights = [weight.numpy() for weight in model.trainable_variables]
    history = model.fit(arrays, np.zeros_like(expected), batch_size=len(expected), epochs=1, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    for weight, old in zip(model.trainable_variables, weights, strict=True):
        assert np.isfinite(weight).all()
        assert np.any(weight.numpy() != old), f"a step does not change {weight.path}"
