"""Labelled images, their division and their batches."""

import hashlib
import pickle
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from lookinside.data import (
    LabelledImages,
    phantom_eyes,
    phantom_fetuses,
    phantom_organs,
    phantom_radiographs,
    stratified_split,
)
from lookinside.data.files import progress_bars
from lookinside.errors import LookInsideError


def make(counts=(6, 4, 10), size=16, **more) -> LabelledImages:
    """Image i is filled with i, so that an image tells where it came from."""
    labels = np.repeat(np.arange(len(counts)), counts).astype(np.int64)
    images = (
        np.zeros((len(labels), size, size, 1), np.uint8) + np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    )
    return LabelledImages(
        images, labels, tuple("abcdef"[: len(counts)]), tuple(f"n{i}" for i in range(len(labels))), **more
    )


def test_counts_shape_and_repr():
    data = make()
    assert data.counts() == {"a": 6, "b": 4, "c": 10}
    assert data.shape == (16, 16, 1) and len(data) == 20
    assert "20 images of 16x16 px" in repr(data)


def test_cells_count_class_and_tags():
    data = make((2, 0, 3), tags={"modality": ["ct", "mri", "ct", "ct", "mri"], "source": list("xyxxz")})
    assert data.cells("modality") == {("a", "ct"): 1, ("a", "mri"): 1, ("c", "ct"): 2, ("c", "mri"): 1}
    assert data.cells("modality", "source")[("c", "ct", "x")] == 2 and data.cells() == {("a",): 2, ("c",): 3}
    with pytest.raises(LookInsideError, match="no tag 'view' in this set: choose from modality, source"):
        data.cells("view")


def filled(count=20, *where, size=16) -> np.ndarray:
    mask = np.zeros((count, size, size), bool)
    mask[list(where)] = True
    return mask


def test_subset_takes_everything_along():
    part = make(masks={"plate": filled(20, 7)}, groups=[f"p{i // 2}" for i in range(20)]).subset([7, 3])
    assert part.names == ("n7", "n3") and part.images[:, 0, 0, 0].tolist() == [7, 3] and part.labels.tolist() == [1, 0]
    assert part.masks["plate"].all(axis=(1, 2)).tolist() == [True, False] and part.groups == ("p3", "p1")
    assert make().subset(make().labels == 1).names == ("n6", "n7", "n8", "n9")
    assert make().subset([1]).groups is None and not make().masks


def test_masks_are_read_by_name():
    data = make(masks={"bones": filled(20, 1), "plate": filled(20)})
    assert list(data.masks) == ["bones", "plate"] and "disc" not in data.masks and data.masks.get("disc") is None
    with pytest.raises(LookInsideError, match="no mask 'disc' in this set: choose from bones, plate"):
        data.masks["disc"]
    with pytest.raises(LookInsideError, match="no mask 'bones' in this set: these images have no masks"):
        make().masks["bones"]
    with pytest.raises(LookInsideError, match=r"dataclasses\.replace\(data, masks={\*\*data\.masks, 'disc': mask}\)"):
        data.masks["disc"] = filled(20)
    more = replace(data, masks={**data.masks, "disc": filled(20, 5)})
    assert more.masks["disc"][5].all() and len(data.masks) == 2
    copied = pickle.loads(pickle.dumps(more))
    assert list(copied.masks) == ["bones", "plate", "disc"] and copied.names == more.names


def test_three_channels():
    data = replace(make(), images=np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8))
    batch = next(iter(data.to_tf(8)))[0]
    assert data.shape == (16, 16, 3) and batch.shape == (8, 16, 16, 3) and batch.dtype == tf.float32
    np.testing.assert_array_equal(batch, data.images[:8] / np.float32(255))


def test_joined_sets():
    groups = [f"p{i}" for i in range(20)]
    first = make(masks={"bones": filled(20, 2), "plate": filled(20)}, groups=groups)
    second = replace(first, masks={"plate": filled(20), "bones": filled(20, 3)}).subset([3, 19])
    both = first.join(second, second)
    assert both.counts() == {"a": 8, "b": 4, "c": 12} and both.names[20:] == ("n3", "n19") * 2
    assert np.flatnonzero(both.masks["bones"].all(axis=(1, 2))).tolist() == [2, 20, 22]
    assert both.groups[18:] == ("p18", "p19", "p3", "p19", "p3", "p19")
    rest, part = both.split(0.3, 0)
    assert len(rest) and len(part) and not set(rest.groups) & set(part.groups)  # copies of an image stay together
    assert first.join().names == first.names


def test_sets_that_do_not_join():
    data = make(masks={"bones": filled(20)})
    for other, says in (
        (make(size=32), r"\(16, 16, 1\) and of \(32, 32, 1\)"),
        (replace(data, class_names=("c", "b", "a")), "a, b, c and c, b, a do not join: .*only()"),
        (make(), "only one of the sets has the mask 'bones'"),
        (replace(data, groups=range(20)), "only one of the sets has groups"),
    ):
        with pytest.raises(LookInsideError, match=says):
            data.join(other)
        with pytest.raises(LookInsideError):
            other.join(data, data)


def test_only_renumbers_in_the_order_given():
    part = make().only(["c", "a"])
    assert part.class_names == ("c", "a") and part.counts() == {"c": 10, "a": 6}
    assert all((part.names[i] in {f"n{k}" for k in range(6)}) == (part.labels[i] == 1) for i in range(16))
    with pytest.raises(LookInsideError, match=r"no class 'z'.*a, b, c"):
        make().only(["z"])
    assert make().only("c").class_names == ("c",)
    for classes, says in ((5, "no class 5"), ([], "no class is named"), (["a", "a"], "name each once"), ("ca", "'ca'")):
        with pytest.raises(LookInsideError, match=says):
            make().only(classes)


def test_what_is_no_set_is_refused_by_name():
    for use in (lambda data: data.join(5), lambda data: data.mixed(5, 0.5, 0)):
        with pytest.raises(LookInsideError, match="5 is no set: give LabelledImages"):
            use(make())
    with pytest.raises(LookInsideError, match="share is 'half'"):
        make().mixed(make(), "half", 0)


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
        ("images", np.zeros((20, 16, 16, 2), np.uint8), "uint8"),
        ("masks", {"disc": np.zeros((20, 8, 8), bool)}, "mask 'disc'"),
        ("masks", {"disc": np.zeros((20, 16, 16), np.uint8)}, "mask 'disc' is uint8"),
        ("masks", None, "masks is a NoneType"),
        ("images", None, r"images are of type NoneType: give an array, uint8 \(N, H, W, 1\)"),
        ("images", [[[0]]] * 20, "images are of type list"),
        ("labels", None, r"labels are of type NoneType: give an array, int64 \(20,\)"),
        ("labels", [0] * 20, "labels are of type list"),
        ("names", None, "names is None: give a list of 20, one name for each image"),
        ("names", "a" * 20, "names is 'aaaa"),
        ("names", {f"n{i}" for i in range(20)}, "names is {'n"),
        ("class_names", None, "class_names is None: give a list of names"),
        ("class_names", "abc", "class_names is 'abc'"),
        ("class_names", ("a", "b", "a"), "each once"),
        ("class_names", ["a", ["b"], ["b"]], "each once"),
        ("masks", {"disc": [[1, 2], [3]]}, "mask 'disc' has rows of different lengths"),
        ("tags", {"a": 5}, "tag 'a' is 5: give a list of 20 texts, one for each image"),
        ("tags", {"a": "b" * 20}, "tag 'a' is 'bbb"),
        ("tags", {"a": ["b"] * 19}, "tag 'a' has 19 values for 20 images"),
        ("groups", 5, r"groups is 5: give a list of 20, one group \(patient\)"),
        ("groups", "g" * 20, "groups is 'ggg"),
        ("groups", ["x"] * 19, "19 groups for 20 images"),
        ("groups", ["x"] * 19 + [None], "group of image 19 is empty"),
    ],
)
def test_what_does_not_fit_is_refused(field, value, says):
    good = make()
    values = {name: getattr(good, name) for name in ("images", "labels", "class_names", "names")}
    with pytest.raises(LookInsideError, match=rf"\A[^\n]*{says}[^\n]*\Z"):
        LabelledImages(**values | {field: value})


@pytest.mark.parametrize("indices", [[20], [-21], 3, "a", None, [0.5], [True, False], np.zeros((2, 2), int), [0, [1]]])
def test_images_that_are_not_there_are_not_chosen(indices):
    with pytest.raises(
        LookInsideError, match=r"\Aindices are [^\n]*: give a list of whole numbers below 20, or a bool"
    ):
        make().subset(indices)


@pytest.mark.parametrize(
    "indices", [[3, -1], (3, -1), np.array([3, 19]), slice(3, 20, 16), np.isin(np.arange(20), (3, 19))]
)
def test_images_are_chosen_in_many_ways(indices):
    assert make().subset(indices).names == ("n3", "n19")


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


@pytest.mark.parametrize(
    ("labels", "fraction", "seed", "groups", "known"),
    [
        (np.repeat([0, 1, 2], [20, 40, 60]), 0.25, 3, None, "934c7a75f180992a"),
        (np.array(list("abca" * 30)), 0.4, 7, None, "3e2eac32ac447a28"),
        (np.repeat([0, 1], 48), 0.15, 1, np.arange(96) // 3, "4769a9ee51f69b4c"),
    ],
)
def test_a_division_never_changes(labels, fraction, seed, groups, known):
    """Prepared sets and recorded results rest on it."""
    part = stratified_split(labels, fraction, seed, groups)[1]
    assert hashlib.sha256(part.astype("<i8").tobytes()).hexdigest()[:16] == known


def test_split_by_patients_with_several_classes():
    """Patients of one to eight images of any class: shares as wanted, every class on both sides, none torn."""
    draw = np.random.default_rng(1)
    groups = np.repeat(np.arange(300), draw.integers(1, 9, 300))
    labels = np.minimum(draw.geometric(0.25, len(groups)) - 1, 11)  # from frequent to rare
    for seed in range(4):
        rest, part = stratified_split(labels, 0.15, seed, groups)
        assert not set(groups[rest]) & set(groups[part]) and len(rest) + len(part) == len(labels)
        wanted = np.bincount(labels) * 0.15
        assert (np.abs(np.bincount(labels[part], minlength=12) - wanted) <= 1.5 + 0.1 * wanted).all()
    # A class that one patient alone has stays in the rest, and takes this patient along.
    rest, part = stratified_split([0, 0, 0, 0, 1, 1], 0.4, 0, groups=list("abcddd"))
    assert not {3, 4, 5} & set(part) and len(part) == 2


def test_groups_of_another_length_are_refused():
    with pytest.raises(LookInsideError, match="3 groups for 4 images"):
        stratified_split([0, 0, 1, 1], 0.5, 0, groups=[1, 2, 3])
    with pytest.raises(LookInsideError, match="groups is 5: give a list of 4, one group for each image"):
        stratified_split([0, 0, 1, 1], 0.5, 0, groups=5)


@pytest.mark.parametrize(
    ("labels", "says"),
    [(5, r"of shape \(\)"), ([[0], [1]], r"of shape \(2, 1\)"), ([[0], [1, 2]], "different lengths")],
)
def test_labels_that_are_no_list_are_refused(labels, says):
    with pytest.raises(LookInsideError, match=says):
        stratified_split(labels, 0.5, 0)


@pytest.mark.parametrize("seed", ["a", 1.5, -1, None])
def test_split_seed_is_checked(seed):
    with pytest.raises(LookInsideError, match=r"seed is .*: give a whole number of 0 or more"):
        make().split(0.5, seed)


def test_split_where_every_group_is_large():
    rest, part = stratified_split(np.zeros(20, int), 0.1, 0, groups=np.repeat([0, 1, 2], [12, 3, 5]))
    assert len(part) == 3 and len(rest) == 17


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 15, "a", None, [0.5, 0.5]])
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
    marks, bones, body, plate = (data.masks[name] for name in ("landmarks", "bones", "body", "plate"))
    assert marks[hand].any(axis=(1, 2)).all() and not marks[chest].any()
    assert (bones[hand] >= marks[hand]).mean() > 0.99 and (body >= bones).all() and body.mean() > bones.mean()
    assert plate[hand].any(axis=(1, 2)).all() and not plate[chest].any()


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


@pytest.mark.parametrize(
    "draw",
    [
        lambda progress: phantom_eyes("test", 2, 96, progress=progress),
        lambda progress: phantom_organs("test", ("heart",), 4, 32, progress=progress),
        lambda progress: phantom_fetuses("test", 1, (96, 128), progress=progress),
    ],
)
def test_sets_are_drawn_with_a_bar_or_without(draw, monkeypatch):
    shown = []
    monkeypatch.setattr(progress_bars, "tqdm", lambda work, **_: shown.append(1) or work)
    for progress, wanted in ((False, []), (None, []), (True, [1]), (lambda work, description: work, [1])):
        draw(progress)
        assert shown == wanted
    with pytest.raises(LookInsideError, match="progress is 'yes': give True, False, or a function"):
        draw("yes")


def test_tags_go_with_their_images():
    """Image i is filled with i, and its tag says so."""
    data = make(tags={"shade": [f"s{i}" for i in range(20)], "kind": ["odd" if i % 2 else "even" for i in range(20)]})
    rest, part = data.split(0.3, seed=0)
    for one in (data.subset([7, 3]), data.only(("c", "a")), rest, part, part.join(rest), data.tagged(kind="odd")):
        assert one.tags["shade"] == tuple(f"s{shade}" for shade in one.images[:, 0, 0, 0]) and len(one)
    assert data.tagged(kind="odd", shade="s5").names == ("n5",) and len(data.tagged(kind="even")) == 10
    with pytest.raises(LookInsideError, match="no tag 'source' in this set: choose from shade, kind"):
        data.tagged(source="x")
    with pytest.raises(LookInsideError, match="no image has kind 'none': choose from even, odd"):
        data.tagged(kind="none")
    with pytest.raises(LookInsideError, match="19 values for 20 images"):
        make(tags={"kind": ["x"] * 19})
    with pytest.raises(LookInsideError, match="only one of the sets has the tag 'kind'"):
        make().join(make(tags={"kind": ["x"] * 20}))


def test_phantom_organs_carry_their_truth():
    drawn = phantom_organs("test", {"lung": ("ct", "xray"), "liver": ("ct",)}, 4, 48, 0)
    assert drawn.counts() == {"lung": 4, "liver": 4} and set(drawn.masks) == {"organ", "lesion", "removed"}
    assert drawn.tags["modality"] == ("ct", "ct", "xray", "xray", "ct", "ct", "ct", "ct")
    assert drawn.masks["organ"].any(axis=(1, 2)).all() and not drawn.masks["removed"].any()
    left = phantom_organs("test", {"lung": ("ct", "xray"), "liver": ("ct",)}, 4, 48, 0, without="organ")
    assert left.names == drawn.names and not left.masks["organ"].any()
    assert left.masks["removed"].any(axis=(1, 2)).all() and (left.images != drawn.images).any(axis=(1, 2, 3)).all()
    train = phantom_organs("train", ("lung",), 4, 48, 0)
    assert not set(train.names) & set(drawn.names) and len(set(train.tags["modality"])) == 4


def test_a_share_of_a_set_is_taken_from_its_other_drawing():
    whole = phantom_radiographs("train", ("hand", "foot"), 5, 32, 0)
    boneless = phantom_radiographs("train", ("hand", "foot"), 5, 32, 0, without="bones")
    mixed = whole.mixed(boneless, 0.5, seed=3)
    taken = mixed.masks["removed"].any(axis=(1, 2))
    assert taken.sum() == 5 and not np.array_equal(taken, whole.mixed(boneless, 0.5, 4).masks["removed"].any((1, 2)))
    np.testing.assert_array_equal(mixed.images[taken], boneless.images[taken])
    np.testing.assert_array_equal(mixed.images[~taken], whole.images[~taken])
    assert mixed.names == whole.names and np.array_equal(mixed.labels, whole.labels)
    assert np.array_equal(whole.mixed(boneless, 0, 0).images, whole.images)
    assert np.array_equal(whole.mixed(boneless, 1, 0).images, boneless.images)
    with pytest.raises(LookInsideError, match=r"share is 1\.5: give a number from 0 to 1"):
        whole.mixed(boneless, 1.5, 0)
    with pytest.raises(LookInsideError, match="hold different images"):
        whole.mixed(phantom_radiographs("train", ("hand", "foot"), 5, 32, 1), 0.5, 0)
