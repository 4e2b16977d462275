"""Images with boxes: the container, its division, its batches, and training on them."""

import pickle
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import BoxedImages, Placement
from lookinside.errors import LookInsideError
from lookinside.layers import BoxAugmentation
from lookinside.training import fit_resumable
from lookinside.training.stream import training_batches

# Boxes of the images in turn: two of class a, none, one of b, one of a and one of c.
BOXES = ([[0, 0, 4, 8], [2, 1, 12, 6]], [], [[3, 3, 20, 16]], [[1, 2, 3, 4], [10, 10, 12.5, 15.5]])
LABELS = ([0, 0], [], [1], [0, 2])


def make(rounds=5, height=16, width=20, **more) -> BoxedImages:
    """Image i is filled with i, so that an image tells where it came from; its boxes are `BOXES[i % 4]`."""
    count = 4 * rounds
    images = np.zeros((count, height, width, 1), np.uint8) + np.arange(count, dtype=np.uint8)[:, None, None, None]
    return BoxedImages(images, BOXES * rounds, LABELS * rounds, tuple("abc"), [f"n{i}" for i in range(count)], **more)


def test_counts_shape_and_repr():
    data = make()
    assert data.counts() == {"a": 15, "b": 5, "c": 5} and data.shape == (16, 20, 1) and len(data) == 20
    assert np.flatnonzero(data.negatives).tolist() == [1, 5, 9, 13, 17] and data.most_boxes == 2
    assert repr(data) == ("BoxedImages(20 images of 16x20 px, boxes {'a': 15, 'b': 5, 'c': 5}, 5 images without a box)")
    assert data.boxes[1].shape == (0, 4) and data.boxes[3].dtype == np.float32 and data.labels[1].dtype == np.int64
    empty = data.subset([])
    assert empty.counts() == {"a": 0, "b": 0, "c": 0} and empty.most_boxes == 1 and not len(empty.negatives)


def test_subset_and_join_take_everything_along():
    masks = {"skull": np.arange(20)[:, None, None] + np.zeros((16, 20), int) == 7}
    data = make(masks=masks, groups=[f"p{i // 2}" for i in range(20)], tags={"side": list("lr") * 10})
    part = data.subset([7, 1])
    assert part.names == ("n7", "n1") and part.images[:, 0, 0, 0].tolist() == [7, 1] and part.groups == ("p3", "p0")
    assert part.masks["skull"].all(axis=(1, 2)).tolist() == [True, False]
    assert [boxes.tolist() for boxes in part.boxes] == [BOXES[3], []] and part.labels[0].tolist() == [0, 2]
    both = part.join(data.tagged(side="l"))
    assert len(both) == 12 and both.names[2] == "n0" and both.labels[-1].tolist() == [1]
    assert len(data.subset(~data.negatives)) == 15 and pickle.loads(pickle.dumps(both)).names == both.names
    for other, says in (
        (make(height=17), r"\(16, 20, 1\) and of \(17, 20, 1\)"),
        (data.only(["a", "b"]), "a, b, c and a, b do not join"),
        (replace(data, tags={}), "tag 'side'"),
    ):
        with pytest.raises(LookInsideError, match=says):
            data.join(other)


def test_only_keeps_images_without_the_structure_as_negatives():
    part = make().only(["c", "b"])
    assert len(part) == 20 and part.counts() == {"c": 5, "b": 5} and part.labels[2].tolist() == [1]
    assert part.boxes[3].tolist() == [BOXES[3][1]] and part.negatives[:4].tolist() == [True, True, False, False]
    assert make().only("b").class_names == ("b",)
    with pytest.raises(LookInsideError, match=r"no class 'z'.*a, b, c"):
        make().only(["z"])


def test_split_brings_each_class_to_both_sides_and_tears_no_group():
    rest, part = make().split(0.2, seed=0)
    assert part.counts() == {"a": 3, "b": 1, "c": 1} and part.negatives.sum() == 1 and len(rest) == 16
    assert make().split(0.2, 0)[1].names == part.names != make().split(0.2, 1)[1].names
    rest, part = make(groups=[f"p{i // 4}" for i in range(20)]).split(0.2, 0)
    assert len(part) == 4 and not set(rest.groups) & set(part.groups)


@pytest.mark.parametrize(
    ("box", "label", "says"),
    [
        ([0, 0, 4, np.nan], 0, "n0: the box [0, 0, 4, nan] holds a value that is not a number: correct it"),
        ([8, 0, 4, 8], 0, "n0: the box [8, 0, 4, 8] ends before it begins (x_min, y_min, x_max, y_max)"),
        ([4, 0, 4, 8], 0, "n0: the box [4, 0, 4, 8] has no area"),
        ([0, 0, 16, 20], 0, "n0: the box [0, 0, 16, 20] lies outside of the image, which is 20 px wide and 16 px high"),
        ([-1, 0, 4, 8], 0, "n0: the box [-1, 0, 4, 8] lies outside"),
        ([0, 0, 4, 8], 3, "n0: a box has the label 3, but there are 3 class names: give labels 0 to 2"),
        ([0, 0, 4, 8], -1, "label -1"),
        ([0, 0, 4], 0, "n0: boxes are (1, 3) and labels int64 (1,)"),
        ([0, 0, 4, 8], 0.5, "labels float64"),
    ],
)
def test_what_is_no_box_is_refused(box, label, says):
    with pytest.raises(LookInsideError) as problem:
        BoxedImages(np.zeros((1, 16, 20, 1), np.uint8), [[box]], [[label]], tuple("abc"), ["n0"])
    assert says in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("images", np.zeros((4, 16, 20, 1), np.float32), "uint8"),
        ("boxes", BOXES[:3], "3 boxes for 4 images"),
        ("labels", ([0], [], [1], [0, 2]), r"n0: boxes are \(2, 4\) and labels int64 \(1,\)"),
        ("names", ("x",), "1 names for 4 images"),
        ("masks", {"skull": np.zeros((4, 8, 8), bool)}, "mask 'skull'"),
        ("groups", ["x"] * 3, "3 groups for 4 images"),
        ("tags", {"side": ["l"]}, "tag 'side' has 1 values"),
    ],
)
def test_what_does_not_fit_is_refused(field, value, says):
    good = make(1)
    values = {name: getattr(good, name) for name in ("images", "boxes", "labels", "class_names", "names")}
    with pytest.raises(LookInsideError, match=says):
        BoxedImages(**values | {field: value})


def test_a_box_may_reach_over_the_rim_by_a_rounding():
    data = BoxedImages(np.zeros((1, 16, 20, 1), np.uint8), [[[-0.004, 0, 20.004, 16]]], [[0]], ["a"], ["n0"])
    assert data.boxes[0].tolist() == [[0, 0, 20, 16]]


def test_batches_are_padded_dictionaries():
    data = make()
    first, *_, last = list(data.to_tf(8, most=3))
    assert first["images"].shape == (8, 16, 20, 1) and len(last["images"]) == 4
    np.testing.assert_array_equal(first["images"], data.pixels[:8])
    assert first["boxes"].shape == (8, 3, 4) and first["labels"].numpy()[:4].tolist() == [
        [0, 0, -1],
        [-1, -1, -1],
        [1, -1, -1],
        [0, 2, -1],
    ]
    assert first["boxes"].numpy()[3].tolist() == [*BOXES[3], [0, 0, 0, 0]]
    assert next(iter(data.to_tf(2)))["boxes"].shape == (2, 2, 4)
    with pytest.raises(LookInsideError, match="n0 has 2 boxes: give 2 rows or more, not 1"):
        data.to_tf(2, most=1)
    with pytest.raises(LookInsideError, match="this set holds no image"):
        data.subset([]).to_tf(2)


def test_order_and_augmentation_follow_from_the_seed():
    def drawn(seed):
        stream = make().to_tf(6, shuffle=True, seed=seed, augment=BoxAugmentation(seed=seed))
        return [{name: one.numpy() for name, one in batch.items()} for _ in range(2) for batch in stream]

    one, same, other = drawn(0), drawn(0), drawn(1)
    for name in ("images", "boxes", "labels"):
        assert all(np.array_equal(a[name], b[name]) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0]["boxes"], other[0]["boxes"])
    assert not np.array_equal(one[0]["labels"], one[4]["labels"])  # the second epoch has another order


def test_batches_of_a_resumed_run_are_those_of_a_run_in_one_piece():
    def drawn(first_epoch):
        stream = training_batches(make(), 8, seed=3, first_epoch=first_epoch, epochs=3, augment=BoxAugmentation(seed=0))
        return [{name: one.numpy() for name, one in batch.items()} for batch in stream]

    whole, resumed = drawn(0), drawn(2)
    assert len(whole) == 6 and len(resumed) == 2
    for a, b in zip(whole[4:], resumed, strict=True):
        assert all(np.array_equal(a[name], b[name]) for name in ("images", "boxes", "labels"))


class Counter(keras.Model):
    """Learns how many boxes an image has: the least that eats dictionaries in a `train_step` of its own."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.error = keras.metrics.Mean("error")

    def call(self, images):
        return self.dense(keras.ops.mean(images, axis=(1, 2)))

    def train_step(self, batch):
        with tf.GradientTape() as tape:
            there = keras.ops.cast(batch["labels"] >= 0, "float32")
            count = keras.ops.sum(there, axis=1, keepdims=True)
            loss = keras.ops.mean((self(batch["images"]) - count) ** 2)
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        self.error.update_state(loss)
        return {"error": self.error.result()}


def test_a_train_step_of_ones_own_eats_the_batches():
    keras.utils.set_random_seed(0)
    model = Counter()
    model.compile(keras.optimizers.Adam(0.1))
    data = make()

    def batches(first_epoch, epochs):
        return training_batches(data, 10, seed=0, first_epoch=first_epoch, epochs=epochs)

    history = fit_resumable(model, batches, steps_per_epoch=2, epochs=30, monitor="error", progress=False)
    assert min(history.curves["error"]) < 0.8 < history.curves["error"][0]


def test_a_picture_finds_its_place_and_the_boxes_their_way_back():
    """640 x 450 into 320 x 240: half the size, 7.5 rows are over, 7 of them above."""
    placed = Placement.fit((450, 640), (240, 320))
    assert placed.inside == (225, 320) and placed.corner == (7, 0)
    boxes = np.array([[0, 0, 640, 450], [100, 50, 200, 60]], np.float32)
    assert placed.boxes(boxes).tolist() == [[0, 7, 320, 232], [50, 32, 100, 37]]
    np.testing.assert_allclose(placed.back(placed.boxes(boxes)), boxes, atol=1e-4)
    picture = np.zeros((450, 640), np.uint8)
    picture[50:60, 100:200] = 200
    frame = placed.pixels(picture)
    bright = np.argwhere(frame > 100)
    assert bright.min(axis=0).tolist() == [32, 50] and (bright.max(axis=0) + 1).tolist() == [37, 100]
    assert Placement.fit((20, 30), (240, 320)).inside == (213, 320)  # smaller ones are enlarged
    tall = Placement.fit((333, 77), (97, 131))
    assert tall.inside[0] == 97 and tall.boxes(np.array([[0, 0, 77, 333]])).max() <= 131
