"""Sets of fundus photographs: labels, severities, planted shortcuts, and splits that share no eye."""

import re

import numpy as np
import pytest

from lookinside.data import phantom_eyes
from lookinside.errors import LookInsideError
from lookinside.phantoms import EYE_CLASSES, fundus_photo, fundus_set

SMALL = {"size": 96, "masks": ()}


def test_a_set_is_its_photographs():
    few = fundus_set(7, size=96, seed=3, without="rim_loss", colour_cast="glaucoma", camera_mark={"healthy": 0.5})
    assert len(few) == 7 and few.images.shape == (7, 96, 96, 3) and few.class_names == EYE_CLASSES
    for i, own in enumerate(few.seeds.tolist()):
        one = fundus_photo(
            own,
            size=96,
            rim_loss=few.rim_loss[i],
            nerve_defect=few.nerve_defect[i],
            without="rim_loss",
            colour_cast=bool(few.colour_cast[i]),
            camera_mark=bool(few.camera_mark[i]),
        )
        np.testing.assert_array_equal(few.images[i], one.image)
        for name, masks in few.masks.items():
            np.testing.assert_array_equal(masks[i], one.masks[name])
        assert few.boxes[i] == one.boxes and few.eyes[i] == one.eye and few.poles[i] == one.pole
        assert few.labels[i] == ((few.rim_loss[i] > 0) or (few.nerve_defect[i] > 0)) == few.colour_cast[i]
    assert not few.camera_mark[few.labels == 1].any()


def test_severities_labels_and_shortcuts_follow_the_shares():
    many = fundus_set(24, seed=5, glaucoma=0.75, severity=(0.2, 0.5), camera_mark={"glaucoma": 0.9}, **SMALL)
    assert many.labels.sum() == 18
    ill = many.labels == 1
    kinds = list(zip(many.rim_loss[ill] > 0, many.nerve_defect[ill] > 0, strict=True))
    assert [kinds.count(kind) for kind in ((True, False), (False, True), (True, True))] == [6, 6, 6]
    for values in (many.rim_loss, many.nerve_defect):
        shown = values[values > 0]
        assert len(shown) == 12 and 0.2 <= shown.min() < 0.3 and 0.4 < shown.max() <= 0.5
    both = (many.rim_loss > 0) & (many.nerve_defect > 0)
    assert (many.rim_loss[both] != many.nerve_defect[both]).all()
    assert 10 < many.camera_mark.sum() <= 18 and not many.camera_mark[~ill].any()
    few = fundus_set(9, glaucoma=1 / 3, **SMALL)
    assert few.labels.sum() == 3 == (few.rim_loss > 0).sum() + (few.nerve_defect > 0).sum() - 1
    more = fundus_set(26, seed=5, glaucoma=0.75, severity=(0.2, 0.5), camera_mark={"glaucoma": 0.9}, **SMALL)
    np.testing.assert_array_equal(more.images[:24], many.images)


def test_no_split_shares_an_eye_with_another():
    seeds = [
        {name.split("-")[1] for name in phantom_eyes(split, 6, 96, seed).names}
        for split in ("train", "validation", "test")
        for seed in (0, 1, 2)
    ]
    assert len(set().union(*seeds)) == sum(len(own) for own in seeds) == 54


def test_eyes_as_labelled_images():
    eyes = phantom_eyes("test", 8, 96, 2, colour_cast="healthy", camera_mark="glaucoma")
    assert eyes.shape == (96, 96, 3) and eyes.counts() == {"healthy": 4, "glaucoma": 4}
    assert set(eyes.tags["eye"]) == {"left", "right"} and set(eyes.tags["planted"]) == {"colour cast", "camera mark"}
    expected = {"none": (0, 0), "rim loss": (1, 0), "nerve defect": (0, 1), "both": (1, 1)}
    for i, pathology in enumerate(eyes.tags["pathology"]):
        shown = tuple(int(eyes.masks[name][i].any()) for name in ("rim_loss", "nerve_defect"))
        assert shown == expected[pathology] and (pathology == "none") == (eyes.labels[i] == 0)
        for name in ("rim_loss", "nerve_defect"):
            mask, box = eyes.masks[name][i], eyes.masks[f"{name}_box"][i]
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            assert box.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1) if mask.any() else not box.any()
            assert not (mask & ~box).any()
    left = phantom_eyes("test", 8, 96, 2, without="nerve_defect", colour_cast="healthy", camera_mark="glaucoma")
    assert left.tags["pathology"] == eyes.tags["pathology"] and left.names == eyes.names
    np.testing.assert_array_equal(left.labels, eyes.labels)
    outside = ~left.masks["removed"]
    np.testing.assert_array_equal(left.images[outside], eyes.images[outside])
    ill = np.isin(eyes.tags["pathology"], ("nerve defect", "both"))
    assert not left.masks["nerve_defect"].any()
    np.testing.assert_array_equal(left.masks["removed"].any(axis=(1, 2)), ill)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: fundus_set(0), "count"),
        (lambda: fundus_set(2, size=20), "size"),
        (lambda: fundus_set(2, glaucoma=1.5), "glaucoma"),
        (lambda: fundus_set(2, severity=0.5), "such as (0.4, 1.0)"),
        (lambda: fundus_set(2, severity=(0.5, 2.0)), "severity"),
        (lambda: fundus_set(2, severity=(0.8, 0.5)), "least one first"),
        (lambda: fundus_set(2, without="cup"), "no part 'cup'"),
        (lambda: fundus_set(2, masks="wedge"), "no mask 'wedge'"),
        (lambda: fundus_set(2, colour_cast="glaucom"), "did you mean glaucoma"),
        (lambda: fundus_set(2, camera_mark=0.5), "a dict class -> share"),
        (lambda: fundus_set(2, camera_mark={"healthy": 3}), "camera_mark['healthy']"),
        (lambda: phantom_eyes("training", 2), "split"),
        (lambda: phantom_eyes("train", 2, 96, -1), "seed"),
        (lambda: phantom_eyes("train", 2, 96, severity=(1.0, 0.4)), "least one first"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(call, says):
    with pytest.raises(LookInsideError, match=re.escape(says)) as caught:
        call()
    assert "\n" not in str(caught.value)
