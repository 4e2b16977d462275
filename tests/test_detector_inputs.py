"""What a detector is not given: images of another type or size, by whatever way they come, end in one plain line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import BoxedImages
from lookinside.errors import LookInsideError
from lookinside.models.detection import FPN, CentreHeatMap, FasterRCNN, StructureLocalizer

SHAPE, SIZES = (48, 64, 1), [(24, 8), (30, 10)]
OPTIONS = {"width": 0.125, "train_regions": 8, "test_regions": 6, "detections": 4, "units": 16}
KINDS = {
    "FasterRCNN": lambda: FasterRCNN(SHAPE, ["a"], SIZES, **OPTIONS),
    "FPN": lambda: FPN(SHAPE, ["a"], SIZES, **OPTIONS),
    "StructureLocalizer": lambda: StructureLocalizer(SHAPE, ["a"], SIZES, **OPTIONS, primitives=5, steps=1),
    "CentreHeatMap": lambda: CentreHeatMap(SHAPE, ["a"], (24, 8), width=0.125),
}


def images(count=2):
    pixels = np.random.default_rng(0).integers(0, 255, (count, *SHAPE)).astype(np.uint8)
    return BoxedImages(pixels, [[[10, 10, 34, 18]]] * count, [[0]] * count, ("a",), tuple(map(str, range(count))))


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    keras.utils.set_random_seed(0)
    found = KINDS[request.param]()
    found.compile(keras.optimizers.SGD(0.001))
    return found


def of_images(stream, change):
    return stream.map(lambda batch: batch | {"images": change(batch["images"])})


def refusal(use, given):
    """What is said of it, in one line."""
    with pytest.raises(LookInsideError) as caught:
        use(given)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200
    return str(caught.value)


def test_a_stream_of_another_type_or_size_is_refused(model):
    right = images().to_tf(2)
    streams = {
        "images are uint8": of_images(right, lambda one: tf.cast(255 * one, tf.uint8)),
        "40, 64, 1), the detector takes (N, 48, 64, 1)": of_images(right, lambda one: one[:, :40]),
        "48, 64, 3), the detector takes (N, 48, 64, 1)": of_images(right, lambda one: tf.repeat(one, 3, axis=3)),
        "one image: batch the stream": right.unbatch(),
    }
    uses = {
        "fit": lambda stream: model.fit(stream, shuffle=False, verbose=0),
        "evaluate": lambda stream: model.evaluate(stream, verbose=0),
        "predict": lambda stream: model.predict(stream, verbose=0),
    }
    for name, use in uses.items():
        for said, stream in streams.items():
            assert said in refusal(use, stream), name


def test_an_array_of_another_type_or_size_is_refused_by_each_way_to_call(model):
    data = images()
    boxes, labels = data.padded()
    arrays = {
        "images are uint8": data.images,
        "images run from": 255 * data.pixels,
        "are (2, 40, 64, 1), the detector takes (N, 48, 64, 1)": data.pixels[:, :40],
        "This is one image": data.pixels[0],
        "The images are BoxedImages: give their pixels, images.pixels": data,
    }
    for said, given in arrays.items():
        for use in (model, model.predict, model.predict_on_batch):
            assert said in refusal(use, given)
        if isinstance(given, np.ndarray):
            assert said in refusal(model, {"images": given, "boxes": boxes, "labels": labels})
    for said, tensor in {
        "images are uint8": tf.constant(data.images),
        "are (2, 40, 64, 1), the detector takes": tf.constant(data.pixels[:, :40]),
        "images are int32": keras.Input(SHAPE, dtype="int32"),
        "are (None, None, 64, 1), the detector takes": keras.Input((None, 64, 1)),
    }.items():
        assert said in refusal(model, tensor)
    for use in (model.fit, model.train_on_batch, model.evaluate):
        assert "images are uint8" in refusal(use, data.images)
        assert "no boxes to learn from" in refusal(use, data.pixels)
        assert 'no "labels"' in refusal(use, {"images": data.pixels, "boxes": boxes})
    assert 'no "images"' in refusal(model.predict_on_batch, {"image": data.pixels})


def test_a_model_that_has_refused_goes_on_and_a_stream_that_tells_its_size_late_is_taken():
    model, pixels, right = KINDS["CentreHeatMap"](), images().pixels, images().to_tf(2)
    model.compile(keras.optimizers.SGD(0.001))
    wanted = model(pixels)["boxes"]
    small = of_images(right, lambda one: one[:, :40])
    unknown = tf.data.Dataset.from_generator(lambda: iter([pixels]), output_types=tf.float32)
    unknown = unknown.apply(tf.data.experimental.assert_cardinality(1))
    known = unknown.map(lambda one: tf.ensure_shape(one, (None, *SHAPE)))
    for given in (right, pixels, known, right.map(lambda batch: batch["images"])):
        np.testing.assert_allclose(model.predict(given, verbose=0)["boxes"], wanted, atol=1e-3)
        # Where a size was seen before, Keras traces another one as unknown: the line says what to do in either case.
        assert "the detector takes (N, 48, 64, 1)" in refusal(lambda stream: model.predict(stream, verbose=0), small)
    np.testing.assert_allclose(model.predict_on_batch(pixels)["boxes"], wanted, atol=1e-3)
    assert np.isfinite(model.fit(right, shuffle=False, verbose=0).history["loss"]).all()
    signature = [tf.TensorSpec(None, tf.float32)]
    once = tf.function(lambda one: model(one)["boxes"], input_signature=signature, autograph=False)
    assert "tf.ensure_shape(images, (None, 48, 64, 1))" in refusal(once, pixels)


def test_in_half_precision_true_boxes_stay_as_exact_as_they_are(monkeypatch):
    """The answer is held at (0, 8, 24, 16), so that only the true box decides."""
    model, data = CentreHeatMap(SHAPE, ["a"], (24, 8), width=0.125, dtype="mixed_float16"), images(1)
    monkeypatch.setattr(model, "shares", lambda pixels, training: tf.zeros((1, 48)))
    model({"images": data.pixels, "boxes": np.array([[[2, 8, 30.01, 16]]], np.float32), "labels": data.padded()[1]})
    assert float(model.mean("iou").result()) == pytest.approx(22 / 30.01, abs=1e-6)  # 22 / 30.016 in half precision
