"""What a forest reads off border, grey levels, size and thumbnail, on sets where it is known what tells."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from lookinside.data import LabelledImages
from lookinside.errors import LookInsideError
from lookinside.figures import table
from lookinside.training import confounding, cue_conflict
from lookinside.training.evaluation.share_intervals import balanced_accuracy_interval, proportion_interval

NUMBER = 60


def make(seed: int, **more) -> LabelledImages:
    """Two classes of noise of 32 px, with a modality and a size that nothing goes with."""
    draw = np.random.default_rng(seed)
    images = draw.integers(0, 256, (NUMBER, 32, 32, 1), dtype=np.uint8)
    tags = {
        "modality": draw.permutation(["ct", "mri", "pet"] * (NUMBER // 3)),
        "width": draw.integers(200, 400, NUMBER),
        "height": draw.integers(200, 400, NUMBER),
    }
    labels = np.arange(NUMBER) % 2
    return LabelledImages(images, labels, ("liver", "lung"), tuple(str(i) for i in range(NUMBER)), tags=tags, **more)


def unseen(score) -> bool:
    """Of two classes: nearer to chance than to all."""
    return score[0] < 0.65


def test_where_nothing_tells_it_is_chance():
    found = confounding(make(0), make(1), ("class", "modality"))
    assert list(found.balanced_accuracy) == ["border", "grey levels", "size", "thumbnail"]
    assert found.chance == {"class": 0.5, "modality": pytest.approx(1 / 3)}
    assert (found.images, found.groups) == (NUMBER, None)
    for row in found.balanced_accuracy.values():
        for target, chance in found.chance.items():
            assert row[target][1] <= chance <= row[target][2]


def with_border(data: LabelledImages) -> LabelledImages:
    """White above and black below for one class, the other way round for the other: the histogram stays the same."""
    images = data.images.copy()
    lungs = data.labels == 1
    images[lungs, :2], images[lungs, -2:] = 255, 0
    images[~lungs, :2], images[~lungs, -2:] = 0, 255
    return replace(data, images=images)


def test_where_only_the_border_tells_the_border_finds_it():
    found = confounding(
        with_border(make(0)), with_border(make(1)), ("class", "modality"), ("border", "grey levels", "size")
    )
    assert found.balanced_accuracy["border"]["class"] == (1, 1, 1)
    for seen in ("grey levels", "size"):
        assert unseen(found.balanced_accuracy[seen]["class"])
    assert unseen(found.balanced_accuracy["border"]["modality"])
    inside = [replace(data, images=data.images[:, 2:-2, 2:-2]) for data in map(with_border, (make(0), make(1)))]
    assert unseen(confounding(*inside, seen="border").balanced_accuracy["border"]["class"])


def test_grey_levels_and_size_find_what_only_they_tell():
    def spread(data):
        images = data.images.copy()
        images[data.labels == 1, 2:-2, 2:-2] //= 4
        images[data.labels == 1, 2:-2, 2:-2] += 96  # the same mean
        return replace(data, images=images)

    def wide(data):
        return replace(data, tags={**data.tags, "width": 300 * data.labels + 100})

    found = confounding(*map(spread, (make(0), make(1))), seen=("border", "grey levels")).balanced_accuracy
    assert found["grey levels"]["class"][0] == 1 and unseen(found["border"]["class"])
    found = confounding(*map(wide, (make(0), make(1))), seen=("size", "grey levels")).balanced_accuracy
    assert found["size"]["class"][0] == 1 and unseen(found["grey levels"]["class"])


def test_a_thumbnail_sees_where_it_is_bright():
    def corner(data):
        images = data.images.copy()
        images[data.labels == 1, 8:12, 8:12] = 255
        images[data.labels == 0, 20:24, 20:24] = 255
        return replace(data, images=images)

    found = confounding(*map(corner, (make(0), make(1))), seen=("border", "thumbnail")).balanced_accuracy
    assert found["thumbnail"]["class"][0] == 1 and unseen(found["border"]["class"])


def test_colour_and_sets_without_a_size():
    colour = [replace(data, images=np.repeat(data.images, 3, axis=3), tags={}) for data in (make(0), make(1))]
    for data in colour:
        data.images[data.labels == 1, :, :, 2] = 7
    found = confounding(*colour).balanced_accuracy
    assert list(found) == ["border", "grey levels", "thumbnail"]
    assert all(row["class"][0] == 1 for row in found.values())


def test_same_seed_same_numbers_and_a_table():
    both = with_border(make(0)), make(1)
    found = confounding(*both, seen="size")
    assert found == confounding(*both, seen="size") != confounding(*both, seen="size", seed=1)
    text = repr(table(found.rows(), units={"class": "%"}))
    assert "chance" in text.splitlines()[-1] and "50.0" in text.splitlines()[-1]


def test_intervals_over_patients():
    """30 patients of four like images each: the images tell as much as a quarter of them would."""
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    right = np.repeat(draw.random(30) < 0.7, 4)
    predictions = np.where(right, labels, 1 - labels)
    patients = [f"p{i // 4}" for i in range(120)]
    each = balanced_accuracy_interval(labels, predictions)
    whole = balanced_accuracy_interval(labels, predictions, patients)
    assert each[0] == whole[0] == pytest.approx(right.mean())
    assert 1.7 < (whole[2] - whole[1]) / (each[2] - each[1]) < 2.3  # a quarter of the images, twice the width
    alone = balanced_accuracy_interval(labels, predictions, [str(i) for i in range(120)])
    np.testing.assert_allclose(alone, each, atol=0.02)
    assert balanced_accuracy_interval(labels, np.full(120, 2))[0] == 0
    copies = np.repeat(np.arange(15), 4)
    test = make(1).subset(copies)
    alone, grouped = (confounding(make(0), one, seen="size") for one in (test, replace(test, groups=copies)))
    assert alone.groups is None and grouped.groups == 15
    widths = [np.diff(one.balanced_accuracy["size"]["class"][1:])[0] for one in (alone, grouped)]
    assert widths[1] > 1.6 * widths[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"seen": "colour"}, "seen is colour: choose from border, grey levels, size, thumbnail"),
        ({"seen": ()}, "seen is empty"),
        ({"targets": "scanner"}, "no tag 'scanner' in this set: choose from modality, width, height"),
        ({"border": 0}, "border is 0: give 1 or more, and less than half of 32 px"),
        ({"border": 16}, "border is 16"),
        ({"test": make(1).subset([])}, "the test set holds no image"),
        (
            {"test": replace(make(1), images=make(1).images[:, 1:])},
            r"\(32, 32, 1\) and \(31, 32, 1\).*two parts of one",
        ),
        ({"test": replace(make(1), class_names=("a", "b"))}, "classes liver, lung and a, b: give two parts of one set"),
        ({"train": make(0).subset(make(0).labels == 0)}, "class 'lung' is in the test set only"),
        ({"train": make(0).only(["lung"]), "test": make(1).only(["lung"])}, "all training images have class 'lung'"),
        ({"seen": "size", "train": replace(make(0), tags={})}, "no tag 'width' in this set"),
        (
            {"seen": "size", "train": replace(make(0), tags={**make(0).tags, "width": ["?"] * NUMBER})},
            "hold no numbers",
        ),
    ],
)
def test_what_does_not_fit_is_refused(arguments, says):
    with pytest.raises(LookInsideError, match=says):
        confounding(**{"train": make(0), "test": make(1)} | arguments)


def by_brightness() -> keras.Model:
    """Says "lung" of bright images and "liver" of dark ones."""
    model = keras.Sequential([keras.Input((32, 32, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)])
    model.layers[-1].set_weights([np.array([[-1.0, 1.0]]), np.array([0.5, -0.5])])
    return model


def test_where_class_and_tag_disagree_it_is_said_which_one_is_followed():
    bright, truth = np.array([1, 1, 0, 0, 1, 0, 1, 0]), np.array([0, 1, 0, 1, 0, 1, 0, 1])
    images = np.repeat(bright * 255, 32 * 32).reshape(8, 32, 32, 1).astype(np.uint8)
    modality = ["ct", "ct", "mri", "mri", "ct", "ct", "mri", "pet"]
    data = LabelledImages(images, truth, ("liver", "lung"), tuple("abcdefgh"), tags={"modality": modality})
    goes_with = {"ct": "lung", "mri": "liver"}
    # In conflict are images 0 and 4 (ct, liver) and 3 (mri, lung): all three are named after the modality.
    found = cue_conflict(by_brightness(), data, "modality", goes_with)
    assert found == {"class": proportion_interval(0, 3), "tag": proportion_interval(3, 3)}
    # The other way round 1, 2, 5 and 6 are: 1 and 2 are named after their class, 5 and 6 after the modality.
    other_way = cue_conflict(by_brightness(), data, "modality", {"ct": "liver", "mri": "lung"})
    assert other_way == {"class": proportion_interval(2, 4), "tag": proportion_interval(2, 4)}
    for wrong, says in (({"ct": "spleen"}, "names 'spleen'"), ({"us": "lung"}, "no image has a modality")):
        with pytest.raises(LookInsideError, match=says):
            cue_conflict(by_brightness(), data, "modality", wrong)
    with pytest.raises(LookInsideError, match="scanner"):
        cue_conflict(by_brightness(), data, "scanner", goes_with)
