"""Pictures drawn again without a part: the same in all else, the part gone with its marrow, wrong names refused."""

import re

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from lookinside.errors import LookInsideError
from lookinside.phantoms import BONE_GROUPS, CLASSES, PART_GROUPS, SINGLE_BONES, radiograph, radiograph_set
from lookinside.phantoms.body.parts import meant_by
from lookinside.phantoms.body.shapes import BONY
from lookinside.phantoms.radiography import radiographs
from lookinside.phantoms.radiography.projection import project
from lookinside.phantoms.radiography.radiographs import known_parts

REACH = 2  # pixels by which the beam's blur carries a shadow


@pytest.mark.parametrize("name", CLASSES)
def test_nothing_else_changes(name):
    for seed in (3, 4):
        whole = radiograph(name, seed, size=96, shortcut=name)
        # At the field's edge the shadow of a part beyond it still shows.
        edge = binary_dilation(radiograph(name, seed, size=96, without="field").removed_mask, iterations=REACH + 1)
        for gone in (*BONE_GROUPS, "lungs", "muscles", "letter", "plate", "bones"):
            left = radiograph(name, seed, size=96, shortcut=name, without=gone)
            far = ~binary_dilation(left.removed_mask, np.ones((3, 3)), iterations=REACH) & ~edge
            np.testing.assert_array_equal(left.image[far], whole.image[far], err_msg=f"{name} {seed} without {gone}")
            inside = left.removed_mask & ~edge
            if inside.sum() > 40 and gone in BONE_GROUPS:
                assert (left.image[inside] != whole.image[inside]).mean() > 0.3, f"{name} {seed} without {gone}"


def test_every_part_stands_in_exactly_one_group():
    for part in known_parts():
        homes = [g for g, names in PART_GROUPS.items() if any(part == n or part.startswith(n + "_") for n in names)]
        assert len(homes) == 1, (part, homes)


@pytest.mark.parametrize("name", sorted(SINGLE_BONES))
def test_the_single_bones_are_all_bones_of_the_picture(name):
    for bone in SINGLE_BONES[name]:
        assert radiograph(name, 5, size=64, without=(bone, "field")).removed_mask.any(), bone
    few = ("sesamoid", "medial_malleolus", "olecranon", "coronoid")  # parts of a bone, or no bone of their own
    left = radiograph(name, 5, size=64, without=(*SINGLE_BONES[name], *few))
    assert not left.bone_mask.any()


def test_the_bones_are_all_gone_and_nothing_else_is():
    for name in ("hand", "cranium", "chest", "knee"):
        whole, left = radiograph(name, 6, size=96), radiograph(name, 6, size=96, without="bones")
        assert whole.bone_mask.any() and not left.bone_mask.any()
        assert not left.landmark_mask.any()
        np.testing.assert_array_equal(left.removed_mask, whole.bone_mask)
        skin_only = radiograph(name, 6, size=96, without=[g for g in PART_GROUPS if g != "skin"])
        assert (skin_only.body_mask == left.body_mask).mean() > 0.97
    bare = radiograph("hand", 6, size=96, without="soft_tissue")
    np.testing.assert_array_equal(bare.bone_mask, radiograph("hand", 6, size=96).bone_mask)
    assert set(bare.part_names) <= {part for part in known_parts() if "skin" not in part and "muscle" not in part}


def test_groups_of_bones_are_all_bones():
    for name in ("hand", "cranium", "chest", "knee"):
        by_group = radiograph(name, 6, size=96, without=BONE_GROUPS)
        np.testing.assert_array_equal(by_group.image, radiograph(name, 6, size=96, without="bones").image)


def test_marrow_goes_with_its_bone():
    """Left behind it would dig a dark hole: where a shaft was, the flesh is as bright as the flesh beside it."""
    for seed in range(5):
        whole = radiograph("hand", seed, size=128, view="pa")
        left = radiograph("hand", seed, size=128, view="pa", without="metacarpals")
        was = whole.landmarks["metacarpal_shafts"]
        beside = binary_dilation(was, iterations=4) & ~binary_dilation(whole.bone_mask, iterations=1) & whole.body_mask
        assert np.median(left.image[was]) > np.median(left.image[beside]) - 10
        assert np.median(whole.image[was]) > np.median(left.image[was]) + 20
        assert np.all(left.image[was].astype(int) <= whole.image[was].astype(int) + 12)


def test_what_lies_within_a_part_that_is_gone_is_meant_too():
    from lookinside.phantoms import random_person, whole_body

    shapes = whole_body(random_person(np.random.default_rng(0)), np.random.default_rng(1))
    gone = meant_by(shapes, ("skull", "lungs"))
    parts = {part for part, one in zip(shapes.parts, gone, strict=True) if one}
    assert {"vault", "brain", "lung_left", "heart", "lung_vessel"} <= parts
    assert not any(shapes.tissues[i] in BONY for i in np.flatnonzero(meant_by(shapes, ("soft_tissue",))))


def test_a_name_is_a_beginning_up_to_an_underscore():
    taken = radiograph("chest", 1, size=64, without="t1")
    whole = radiograph("chest", 1, size=64)
    assert not any(re.fullmatch(r"t1_.*", part) for part in taken.part_names)
    assert {p for p in whole.part_names if p.startswith("t10_")} <= set(taken.part_names)


def test_the_letter_the_plate_and_the_field():
    whole = radiograph("hand", 5, size=128, shortcut="hand")
    bare = radiograph("hand", 5, size=128, shortcut="hand", without=("letter", "plate"))
    assert bare.removed_mask.mean() > 0.01 and not bare.shortcut_mask.any()
    np.testing.assert_array_equal(bare.image, radiograph("hand", 5, size=128, without="letter").image)
    wide = radiograph("hand", 5, size=128, without="field")
    assert (whole.image == 0).mean() > 0.1 and (wide.image == 0).mean() < 0.01
    assert wide.body_mask.sum() > whole.body_mask.sum()


def test_the_letter_stays_where_the_whole_body_left_room():
    stamped = 0
    for seed in range(12):
        letter = radiograph("foot", seed, size=64, without="letter").removed_mask
        bare = radiograph("foot", seed, size=64, without=("soft_tissue", "bones"))
        blank = radiograph("foot", seed, size=64, without=("soft_tissue", "bones", "letter"))
        assert not np.any((bare.image != blank.image) & ~letter), f"the letter of foot {seed} has moved"
        stamped += letter.any()
    assert stamped > 3


def test_a_part_that_is_not_in_the_picture_changes_nothing():
    left = radiograph("hand", 5, size=64, without="femur")
    np.testing.assert_array_equal(left.image, radiograph("hand", 5, size=64).image)
    assert not left.removed_mask.any()


def test_the_whole_picture_is_drawn_once_however_many_parts_are_left_out(monkeypatch):
    drawn = []
    monkeypatch.setattr(radiographs, "project", lambda *given: drawn.append(given[0]) or project(*given))
    radiographs._kept.cache_clear()
    names = ("carpals", "metacarpals", "letter", "carpals")
    found = [radiograph("hand", 3, size=64, without=name) for name in names]
    assert len(drawn) == 1 + 2 * 3  # a part that is gone: the rest, and the part alone
    assert not np.array_equal(found[0].image, found[1].image)
    for field in ("image", "parts", "removed_mask", "bone_mask"):  # what is kept stays as it was
        np.testing.assert_array_equal(getattr(found[0], field), getattr(found[3], field))


def test_sets_are_drawn_without_parts_too():
    few = radiograph_set(("hand", "foot"), 2, size=48, seed=3, without=("metacarpals", "metatarsals"))
    for image, label, seed, mask in zip(few.images, few.labels, few.seeds, few.removed_masks, strict=True):
        one = radiograph(few.class_names[label], int(seed), size=48, without=("metacarpals", "metatarsals"))
        np.testing.assert_array_equal(image, one.image)
        np.testing.assert_array_equal(mask, one.removed_mask)


def test_exposed_anew_brightness_does_not_tell_what_is_gone():
    kept, anew = (
        radiograph_set(("hand", "knee", "chest"), 8, size=64, seed=1, without="soft_tissue", reexpose=one)
        for one in (False, True)
    )
    whole = radiograph_set(("hand", "knee", "chest"), 8, size=64, seed=1)
    brightest = [np.percentile(one.images, 99, axis=(1, 2)).mean() for one in (whole, kept, anew)]
    assert brightest[1] < 0.75 * brightest[0] and abs(brightest[2] - brightest[0]) < 0.1 * brightest[0]
    np.testing.assert_array_equal(
        radiograph("hand", 5, size=64, reexpose=True).image, radiograph("hand", 5, size=64).image
    )


@pytest.mark.parametrize(
    ("without", "says"),
    [
        ("metacarpel", "did you mean metacarpal"),
        (("bones", "skull_bones"), "no part 'skull_bones'"),
        ("bone", "bones"),
        ("metacarpal_9", "no part 'metacarpal_9'"),
        (3, "names of parts"),
        ((None,), "names of parts"),
        ("", "no part ''"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(without, says):
    for draw in (lambda: radiograph("hand", 1, without=without), lambda: radiograph_set("hand", 1, without=without)):
        with pytest.raises(LookInsideError, match=re.escape(says)) as caught:
            draw()
        assert "\n" not in str(caught.value)
