"""Scans of a fetus: the same seed is the same scan, boxes fit, parts can be taken away, calipers, wrong arguments."""

import functools
import re

import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.phantoms import OTHER_PARTS, SCAN_GROUPS, STRUCTURES, fetus_scan, fetus_set

SEEDS = range(20, 24)
draw, fetus_scan = fetus_scan, functools.cache(fetus_scan)  # the tests look at a few scans again and again


def test_the_same_seed_is_the_same_scan():
    for seed in (0, 7):
        one, again, other = draw(seed), draw(seed), draw(seed + 1)
        assert one.image.dtype == np.uint8 and one.image.shape == (192, 256)
        assert one.image.tobytes() == again.image.tobytes() and one.boxes == again.boxes
        assert (one.image != other.image).mean() > 0.3
        assert all(np.array_equal(one.masks[name], again.masks[name]) for name in one.masks)


def test_another_size_is_the_same_scan_on_other_pixels():
    small, large = fetus_scan(3, size=(96, 128)), fetus_scan(3, size=(384, 512))
    assert small.pixel[0] == pytest.approx(4 * large.pixel[0])
    shrunk = large.image.reshape(96, 4, 128, 4).mean(axis=(1, 3))
    apart = np.corrcoef(shrunk[12:].ravel(), fetus_scan(4, size=(96, 128)).image[12:].ravel())[0, 1]
    assert np.corrcoef(shrunk[12:].ravel(), small.image[12:].ravel())[0, 1] > 0.97 > 0.8 > apart
    for name in ("NT", "thalami", "palate"):
        np.testing.assert_allclose(np.array(large.boxes[name]) / 4, small.boxes[name], atol=1.3)


def test_boxes_enclose_masks_exactly():
    for seed in SEEDS:
        scan = fetus_scan(seed)
        assert scan.present == tuple(name for name in STRUCTURES if name in scan.masks) == tuple(scan.boxes)
        for name, (left, top, right, bottom) in scan.boxes.items():
            mask = scan.masks[name]
            assert mask.dtype == bool and mask.shape == (192, 256)
            assert mask[top:bottom, left:right].sum() == mask.sum() > 0
            for edge in (mask[top], mask[bottom - 1], mask[:, left], mask[:, right - 1]):
                assert edge.any()


@pytest.mark.parametrize("gone", [*STRUCTURES, *OTHER_PARTS, *SCAN_GROUPS])
def test_without_a_part_all_else_keeps_its_bytes(gone):
    changed, names = 0, SCAN_GROUPS.get(gone, (gone,))
    for seed in SEEDS:
        whole, left = fetus_scan(seed), fetus_scan(seed, without=gone)
        outside = ~left.removed_mask
        np.testing.assert_array_equal(left.image[outside], whole.image[outside])
        assert set(left.boxes) == set(whole.boxes) - set(names)
        for name in left.boxes:
            np.testing.assert_array_equal(left.masks[name], whole.masks[name])
        for name in set(names) & set(whole.masks):
            own = whole.masks[name]
            assert left.removed_mask[own].all() and (left.image[own] != whole.image[own]).mean() > 0.4
        changed += (left.image != whole.image).sum()
        if gone in ("nasal_bone", "nasal_skin", "IT", "CM"):
            assert outside.mean() > 0.6
    assert changed > 60


def test_behind_a_bone_that_is_gone_the_beam_goes_on():
    brighter = []
    for seed in range(20, 34):
        whole, left = fetus_scan(seed), fetus_scan(seed, without="nasal_bone")
        start, _, end, bottom = whole.boxes["nasal_bone"]
        below = np.s_[bottom + 12 : bottom + 50, start:end]
        brighter.append(left.image[below].mean() - whole.image[below].mean())
        box = np.s_[whole.boxes["nasal_bone"][1] : bottom, start:end]
        assert whole.image[box].mean() > left.image[box].mean() + 20
    assert np.median(brighter) > 5 and min(brighter) > -2


def test_a_scan_without_the_nuchal_translucency():
    for seed in SEEDS:
        whole, left = fetus_scan(seed), fetus_scan(seed, without=("NT",))
        assert "NT" in whole.boxes and "NT" not in left.boxes and "NT" not in left.masks and "NT" not in left.present
        inside = whole.masks["NT"]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        assert left.removed_mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean() > 0.7
    inner = [(fetus_scan(s), fetus_scan(s, without="NT")) for s in range(20, 34)]
    darker = [other.image[one.masks["NT"]].mean() - one.image[one.masks["NT"]].mean() for one, other in inner]
    assert np.mean(np.array(darker) > 0) > 0.6


def test_calipers_lie_at_the_ends_of_what_is_measured_and_nowhere_else():
    for seed in SEEDS:
        plain, marked, faint = (fetus_scan(seed, calipers=strength) for strength in (False, True, 0.3))
        assert not plain.calipers_mask.any() and 10 <= marked.calipers_mask.sum() <= 18
        np.testing.assert_array_equal(plain.image[~marked.calipers_mask], marked.image[~marked.calipers_mask])
        assert (marked.image[marked.calipers_mask] == 255).all()
        np.testing.assert_array_equal(faint.calipers_mask, marked.calipers_mask)
        at = plain.calipers_mask | marked.calipers_mask
        assert (plain.image[at] <= faint.image[at]).all() and faint.image[at].mean() < 255 > plain.image[at].mean()
        # The middles of the two crosses: one above the other, at the edges of the band where it is thickest.
        band = plain.masks["NT"]
        rows, columns = np.nonzero(at)
        left, top, right, bottom = plain.boxes["NT"]
        assert left - 3 <= columns.min() and columns.max() < right + 3
        thick = band.sum(axis=0)
        middle = round(float(columns.mean()))
        assert thick[max(middle - 1, 0) : middle + 2].max() >= thick.max() - 1
        own = np.flatnonzero(band[:, middle])
        assert abs(rows.min() + 2 - own[0]) <= 2 and abs(rows.max() - 2 - own[-1]) <= 2


def test_calipers_stay_where_the_nuchal_translucency_was():
    one, left = fetus_scan(5, calipers=True), fetus_scan(5, calipers=True, without="NT")
    np.testing.assert_array_equal(one.calipers_mask, left.calipers_mask)


def test_a_set():
    few = fetus_set(8, size=(96, 128), seed=3, absent=0.5, calipers=True, without="nasal_bone")
    assert len(few) == 8 and few.images.shape == (8, 96, 128) and few.names == STRUCTURES
    assert 0 < few.absent.sum() < 8
    for i, own in enumerate(few.seeds.tolist()):
        gone = ("NT", "nasal_bone") if few.absent[i] else "nasal_bone"
        one = fetus_scan(own, size=(96, 128), without=gone, calipers=not few.absent[i])
        np.testing.assert_array_equal(few.images[i], one.image)
        np.testing.assert_array_equal(few.removed_masks[i], one.removed_mask)
        assert few.boxes[i] == one.boxes and few.facing[i] == one.facing
        assert ("NT" in few.boxes[i]) == few.masks["NT"][i].any() == few.calipers_masks[i].any() == (not few.absent[i])
        assert "nasal_bone" not in few.boxes[i]
    more = fetus_set(10, size=(96, 128), seed=3, masks="NT")
    np.testing.assert_array_equal(more.seeds[:8], few.seeds)
    assert set(more.masks) == {"NT"} and not more.absent.any() and not more.calipers_masks.any()
    assert not set(more.seeds.tolist()) & set(fetus_set(10, size=(64, 64), seed=4, masks=()).seeds.tolist())


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: draw(-1), "seed"),
        (lambda: draw(1.5), "seed"),
        (lambda: draw(1, size=192), "such as (192, 256)"),
        (lambda: draw(1, size=(192, 2000)), "size's width"),
        (lambda: draw(1, size=(20, 256)), "size's height"),
        (lambda: draw(1, without="nasal_bones"), "did you mean nasal_bone"),
        (lambda: draw(1, without="nt"), "did you mean NT"),
        (lambda: draw(1, without=("NT", "qqqq")), "no part 'qqqq'"),
        (lambda: draw(1, without=3), "names of parts"),
        (lambda: draw(1, calipers=2), "from 0 to 1"),
        (lambda: draw(1, calipers=float("nan")), "from 0 to 1"),
        (lambda: draw(1, calipers="yes"), "from 0 to 1"),
        (lambda: fetus_set(0), "count"),
        (lambda: fetus_set(2, absent=1.5), "share"),
        (lambda: fetus_set(2, without="nasal bone"), "nasal_bone"),
        (lambda: fetus_set(2, masks="thalamus"), "thalami"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(call, says):
    with pytest.raises(LookInsideError, match=re.escape(says)) as caught:
        call()
    assert "\n" not in str(caught.value)
