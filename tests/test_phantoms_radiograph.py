"""Radiographs: seeds, views, masks, sets, counts, the shortcut, errors, and how hard the classes are."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.phantoms import (
    CLASSES,
    LANDMARKS,
    clinic_counts,
    image_seed,
    radiograph,
    radiograph_set,
    random_person,
    views_of,
    whole_body,
)

GOLDEN = Path(__file__).parent / "oracles" / "radiographs_golden.npz"
EVERY_VIEW = [(name, view) for name in CLASSES for view in views_of(name)]


def _same(one, other):
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.parts, other.parts)
    assert one.part_names == other.part_names and one.view == other.view


def test_there_are_24_classes():
    assert len(CLASSES) == len(set(CLASSES)) == 24
    assert len(EVERY_VIEW) > 40


@pytest.mark.parametrize(("name", "view"), EVERY_VIEW)
def test_every_view_is_a_picture_with_its_truth(name, view):
    taken = radiograph(name, 5, size=64, view=view)
    assert taken.image.shape == (64, 64) and taken.image.dtype == np.uint8
    assert taken.view == view and taken.class_name == name and taken.seed == 5
    assert np.ptp(taken.image) > 80
    assert taken.parts.dtype == np.int16 and taken.parts.min() == 0
    assert taken.parts.max() <= len(taken.part_names)
    np.testing.assert_array_equal(taken.parts > 0, taken.body_mask)
    for mask in (taken.bone_mask, taken.body_mask, taken.shortcut_mask, taken.landmark_mask):
        assert mask.shape == (64, 64) and mask.dtype == bool
    assert not np.any(taken.bone_mask & ~taken.body_mask)
    assert taken.bone_mask.any() or name == "breast"
    assert set(taken.landmarks) == set(LANDMARKS.get(name, ()))


@pytest.mark.parametrize("name", sorted(LANDMARKS))
def test_every_landmark_is_in_the_picture_and_is_bone(name):
    for seed in range(40):
        taken = radiograph(name, seed, size=64, view=views_of(name)[seed % len(views_of(name))])
        for landmark, mask in taken.landmarks.items():
            assert mask.any(), (landmark, seed, taken.view)
            assert not np.any(mask & ~taken.bone_mask), (landmark, seed)
        assert 0.01 < taken.landmark_mask.mean() < 0.35


def test_bones_are_brighter_than_the_flesh_around_them():
    for seed in range(6):
        taken = radiograph("hand", seed, size=128, view="pa")
        flesh = taken.body_mask & ~taken.bone_mask
        assert taken.image[taken.landmarks["metacarpal_shafts"]].mean() > taken.image[flesh].mean() + 15


def test_the_same_seed_is_the_same_picture_and_another_is_not():
    for name in ("hand", "chest", "breast"):
        _same(radiograph(name, 3, size=64), radiograph(name, 3, size=64))
        assert np.any(radiograph(name, 3, size=64).image != radiograph(name, 4, size=64).image)


def test_sizes_show_the_same_scene():
    small, large = radiograph("hand", 9, size=64), radiograph("hand", 9, size=128)
    halved = large.bone_mask.reshape(64, 2, 64, 2).mean(axis=(1, 3)) > 0.5
    overlap = (halved & small.bone_mask).sum() / (halved | small.bone_mask).sum()
    assert small.view == large.view and overlap > 0.85


def test_pictures_are_those_of_the_golden_file_within_one_grey_level():
    with np.load(GOLDEN) as golden:
        assert set(golden.files) == set(CLASSES)
        for name in CLASSES:
            image = radiograph(name, 11, size=32).image
            assert np.abs(image.astype(int) - golden[name].astype(int)).max() <= 1, name


def test_an_image_of_a_set_does_not_depend_on_the_set():
    full = radiograph_set(("foot", "hand"), {"foot": 3, "hand": 2}, size=48, seed=7)
    alone = radiograph_set("hand", 4, size=48, seed=7)
    np.testing.assert_array_equal(full.images[3:], alone.images[:2])
    for i in range(len(full)):
        taken = radiograph(full.class_names[full.labels[i]], int(full.seeds[i]), size=48)
        np.testing.assert_array_equal(full.images[i], taken.image)
        np.testing.assert_array_equal(full.landmark_masks[i], taken.landmark_mask)
        np.testing.assert_array_equal(full.bone_masks[i], taken.bone_mask)
        np.testing.assert_array_equal(full.body_masks[i], taken.body_mask)
        assert full.views[i] == taken.view
    assert image_seed(7, "hand", 1) == full.seeds[4]


def test_a_set_has_the_promised_arrays():
    taken = radiograph_set(("wrist", "knee"), [1, 2], size=40, seed=1)
    assert len(taken) == 3 and taken.images.shape == (3, 40, 40) and taken.images.dtype == np.uint8
    assert taken.labels.tolist() == [0, 1, 1] and taken.labels.dtype == np.int64
    assert taken.class_names == ("wrist", "knee") and len(taken.views) == 3
    for masks in (taken.landmark_masks, taken.bone_masks, taken.body_masks, taken.shortcut_masks):
        assert masks.shape == (3, 40, 40) and masks.dtype == bool
    assert not taken.landmark_masks.any() and not taken.shortcut_masks.any()


def test_sets_of_different_seeds_share_no_person():
    seeds = [image_seed(s, name, i) for s in range(3) for name in CLASSES for i in range(20)]
    assert len(set(seeds)) == len(seeds)


def test_the_shortcut_goes_with_its_class_only_and_changes_nothing_else():
    plain = radiograph_set(("hand", "foot"), 3, size=64, seed=2)
    marked = radiograph_set(("hand", "foot"), 3, size=64, seed=2, shortcut="hand")
    hands = marked.labels == 0
    assert marked.shortcut_masks[hands].any(axis=(1, 2)).all() and not marked.shortcut_masks[~hands].any()
    np.testing.assert_array_equal(
        np.where(marked.shortcut_masks, 0, marked.images), np.where(marked.shortcut_masks, 0, plain.images)
    )
    plate = marked.images[marked.shortcut_masks]
    assert np.mean(plate == 255) > 0.4
    moved = radiograph_set(("hand", "foot"), 3, size=64, seed=2, shortcut="foot")
    assert moved.shortcut_masks[~hands].any(axis=(1, 2)).all() and not moved.shortcut_masks[hands].any()
    both = radiograph_set(("hand", "foot"), 1, size=64, shortcut=("hand", "foot"))
    assert both.shortcut_masks.any(axis=(1, 2)).all()


@pytest.mark.parametrize("total", [24, 100, 1001])
def test_clinic_counts_add_up_and_are_unbalanced(total):
    counts = clinic_counts(total)
    assert sum(counts.values()) == total and tuple(counts) == CLASSES
    assert min(counts.values()) >= 1
    if total > 24:
        assert max(counts, key=counts.get) == "chest" and counts["chest"] > 3 * counts["shoulder"]
    assert sum(clinic_counts(10, ("hand", "chest")).values()) == 10


@pytest.mark.parametrize(
    ("call", "hint"),
    [
        (lambda: radiograph("hands", 0), "'hand'|hand"),
        (lambda: radiograph("cervical", 0), "cervical_spine"),
        (lambda: radiograph("hand", 0, view="lateral"), "pa"),
        (lambda: radiograph("hand", 0, size=8), "from 32 to 1024"),
        (lambda: radiograph("hand", 0, size=64.5), "64.5"),
        (lambda: radiograph("hand", -1), "-1"),
        (lambda: radiograph("hand", 0, shortcut="hnd"), "hand"),
        (lambda: radiograph("hand", 0, shortcut=3), "3"),
        (lambda: radiograph_set(("hand", "hand"), 1), "once"),
        (lambda: radiograph_set((), 1), "at least one"),
        (lambda: radiograph_set(("hand", "foot"), [1]), "1 counts for 2 classes"),
        (lambda: radiograph_set(("hand",), -2), "-2"),
        (lambda: radiograph_set(("hand",), {"food": 2}), "food"),
        (lambda: clinic_counts(5), "24 or more"),
        (lambda: clinic_counts(50, ("chst",)), "chest"),
        (lambda: views_of("elbo"), "elbow"),
    ],
)
def test_errors_are_one_line_with_the_mend(call, hint):
    with pytest.raises(LookInsideError, match=hint) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_whole_body_is_one_person_in_three_dimensions():
    body = whole_body(random_person(np.random.default_rng(1)), np.random.default_rng(0))
    assert np.all(body.radii > 0) and np.all(np.isfinite(body.centres))
    np.testing.assert_allclose(
        body.rotations @ body.rotations.transpose(0, 2, 1), np.tile(np.eye(3), (len(body), 1, 1)), atol=1e-5
    )
    parts = Counter(body.parts)
    for name in ("femur_shaft", "metacarpal_2_shaft", "navicular", "l3_body", "heart", "kidney", "rib_5", "mandible"):
        assert parts[name] > 0, name
    assert {"femur left", "femur right"} <= set(body.unions)
    left = np.array([u == "femur left" for u in body.unions])
    right = np.array([u == "femur right" for u in body.unions])
    assert np.all(body.centres[left, 0] > 0) and np.all(body.centres[right, 0] < 0)


def test_neighbouring_classes_are_confusable_at_low_resolution():
    train, test = radiograph_set(per_class=14, size=64, seed=1), radiograph_set(per_class=7, size=64, seed=2)
    known, asked = (s.images.reshape(len(s), -1).astype(np.float32) for s in (train, test))
    distance = np.sum(known**2, axis=1) - 2.0 * asked @ known.T
    guess = train.labels[distance.argmin(axis=1)]
    right = guess == test.labels
    assert 0.3 < right.mean() < 0.75
    neighbours = ({"wrist", "hand", "forearm", "finger"}, {"hip", "pelvis"}, {"ribs", "chest", "thoracic_spine"})
    for group in neighbours:
        members = [CLASSES.index(name) for name in group]
        of_group = np.isin(test.labels, members)
        assert np.any(np.isin(guess[of_group], members) & ~right[of_group]), group
