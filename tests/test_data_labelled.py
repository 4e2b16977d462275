"""Labelled images, their division and their batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import LabelledImages, phantom_radiographs, stratified_split
from lookinside.errors import LookInsideError


def make(counts=(6, 4, 10), size=16, **masks) -> LabelledImages:
    """Image i is filled with i, so that an image tells where it came from."""
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    images = (
        np.zeros((len(labels), size, size, 1), np.uint8) + np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    )
    return LabelledImages(
        images, labels, tuple("abcdef"[: len(counts)]), tuple(f"n{i}" for i in range(len(labels))), **masks
    )


def test_counts_shape_and_repr():
    data = make()
    assert data.counts() == {"a": 6, "b": 4, "c": 10}
    assert data.shape == (16, 16, 1) and len(data) == 20
    assert "20 images of 16x16 px" in repr(data)


def test_subset_takes_everything_along():
    regions = np.zeros((20, 16, 16), bool)
    regions[7] = True
    part = make(regions=regions).subset([7, 3])
    assert part.names == ("n7", "n3") and part.images[:, 0, 0, 0].tolist() == [7, 3] and part.labels.tolist() == [1, 0]
    assert part.regions[0].all() and not part.regions[1].any() and part.bones is None
    assert make().subset(make().labels == 1).names == ("n6", "n7", "n8", "n9")


def test_only_renumbers_in_the_order_given():
    part = make().only(["c", "a"])
    assert part.class_names == ("c", "a") and part.counts() == {"c": 10, "a": 6}
    assert all((part.names[i] in {f"n{k}" for k in range(6)}) == (part.labels[i] == 1) for i in range(16))
    with pytest.raises(LookInsideError, match=r"no class 'z'.*a, b, c"):
        make().only(["z"])


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("images", np.zeros((20, 16, 16, 1), np.float32), "uint8"),
        ("images", np.zeros((20, 16, 16), np.uint8), "uint8"),
        ("labels", np.zeros(19, np.int64), "one for each image"),
        ("labels", np.zeros(20, np.int32), "int64"),
        ("labels", np.full(20, 3, np.int64), "0 to 2"),
        ("labels", np.full(20, -1, np.int64), "0 to 2"),
        ("names", ("x",), "one name"),
        ("regions", np.zeros((20, 8, 8), bool), "regions"),
        ("shortcuts", np.zeros((20, 16, 16), np.uint8), "shortcuts"),
    ],
)
def test_what_does_not_fit_is_refused(field, value, says):
    good = make()
    values = {name: getattr(good, name) for name in ("images", "labels", "class_names", "names")}
    with pytest.raises(LookInsideError, match=says):
        LabelledImages(**values | {field: value})


def test_split_is_stratified_seeded_and_whole():
    rest, part = make((20, 40, 60)).split(0.25, seed=3)
    assert part.counts() == {"a": 5, "b": 10, "c": 15}
    assert sorted(rest.names + part.names) == sorted(make((20, 40, 60)).names)
    assert make((20, 40, 60)).split(0.25, seed=3)[1].names == part.names
    assert make((20, 40, 60)).split(0.25, seed=4)[1].names != part.names


def test_split_of_small_classes():
    rest, part = stratified_split([0, 1, 1, 2, 2, 2], 0.1, 0)
    labels = np.array([0, 1, 1, 2, 2, 2])
    assert np.bincount(labels[part], minlength=3).tolist() == [0, 1, 1]  # one image stays in training
    assert np.bincount(labels[rest], minlength=3).tolist() == [1, 1, 2]


def test_split_keeps_groups_together_and_counts_images():
    labels = np.repeat([0, 1], 40)
    groups = np.concatenate([np.arange(40) // 4, 100 + np.arange(40)])
    for seed in range(5):
        rest, part = stratified_split(labels, 0.2, seed, groups)
        assert not set(groups[rest]) & set(groups[part])
        assert np.bincount(labels[part]).tolist() == [8, 8]


def test_split_where_every_group_is_large():
    rest, part = stratified_split(np.zeros(20, int), 0.1, 0, groups=np.repeat([0, 1, 2], [12, 3, 5]))
    assert len(part) == 3 and len(rest) == 17


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 15])
def test_split_fraction_is_checked(fraction):
    with pytest.raises(LookInsideError, match="between 0 and 1"):
        make().split(fraction, 0)


def read(dataset):
    batches = [(x.numpy(), y.numpy()) for x, y in dataset]
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches]), len(batches)


def test_batches_in_order():
    data = make()
    dataset = data.to_tf(8)
    assert dataset.element_spec[0].dtype == tf.float32 and dataset.element_spec[1].dtype == tf.int64
    x, y, steps = read(dataset)
    assert steps == 3 == len(dataset) and x.shape == (20, 16, 16, 1)
    np.testing.assert_array_equal(x, data.images.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(y, data.labels)


def test_shuffled_epochs_differ_and_come_again():
    data = make()

    def epochs(seed):
        dataset = data.to_tf(8, shuffle=True, seed=seed)
        return [np.rint(read(dataset)[0][:, 0, 0, 0] * 255).tolist() for _ in range(2)]

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == list(range(20)) and first != second
    assert epochs(1) == [first, second] and epochs(2) != [first, second]


def test_shuffling_keeps_images_and_labels_together():
    x, y, _ = read(make().to_tf(7, shuffle=True, seed=0))
    np.testing.assert_array_equal(make().labels[np.rint(x[:, 0, 0, 0] * 255).astype(int)], y)


def test_augmentation_gets_whole_float_batches_in_training_and_comes_again():
    seen = []

    class Noise(keras.layers.Layer):
        def call(self, x, training=False):
            seen.append((x.shape, x.dtype, training))
            return x

    read(make().to_tf(8, augment=Noise()))
    assert seen == [((None, 16, 16, 1), "float32", True)]  # once: the map is traced, not run image by image

    def augmented():
        flip = keras.layers.RandomTranslation(0.3, 0.3, fill_mode="constant", seed=5)
        images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 1), dtype=np.uint8)
        data = LabelledImages(images, make().labels, ("a", "b", "c"), make().names)
        return read(data.to_tf(8, augment=flip))[0], images

    (first, images), (again, _) = augmented(), augmented()
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, images / np.float32(255))


def test_batches_refuse_nothing_and_less():
    with pytest.raises(LookInsideError, match="no image"):
        make().subset([]).to_tf(8)
    with pytest.raises(LookInsideError, match="batch_size is 0"):
        make().to_tf(0)


def test_phantoms_carry_their_truth():
    data = phantom_radiographs("train", ("hand", "chest"), {"hand": 3, "chest": 2}, 48, 1, shortcut="hand")
    assert data.counts() == {"hand": 3, "chest": 2} and data.shape == (48, 48, 1)
    hand, chest = data.labels == 0, data.labels == 1
    assert data.regions[hand].any(axis=(1, 2)).all() and not data.regions[chest].any()
    assert (data.bones[hand] >= data.regions[hand]).mean() > 0.99
    assert data.shortcuts[hand].any(axis=(1, 2)).all() and not data.shortcuts[chest].any()


def test_phantom_splits_share_no_person():
    names = [
        set(phantom_radiographs(split, ("hand", "foot"), 4, 32, seed).names)
        for seed in (0, 1, 2)
        for split in ("train", "validation", "test")
    ]
    assert len(set.union(*names)) == sum(map(len, names)) == 9 * 8
    again = phantom_radiographs("test", ("hand", "foot"), 4, 32, 0)
    assert set(again.names) == names[2]


def test_phantom_arguments_are_checked():
    with pytest.raises(LookInsideError, match="no split 'tests'"):
        phantom_radiographs("tests", ("hand", "foot"), 1, 32, 0)
    with pytest.raises(LookInsideError, match="seed is -1"):
        phantom_radiographs("test", ("hand", "foot"), 1, 32, -1)
    with pytest.raises(LookInsideError, match="hnad"):
        phantom_radiographs("test", ("hnad", "foot"), 1, 32, 0)
