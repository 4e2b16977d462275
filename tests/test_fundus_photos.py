"""Fundus photographs: same seed, same eye; masks agree with the picture; signs of illness come and go alone."""

import functools
import itertools
import re

import numpy as np
import pytest
from scipy import ndimage

from lookinside.errors import LookInsideError
from lookinside.phantoms import EYE_PARTS, PATHOLOGIES, fundus_photo
from lookinside.phantoms.fundus import fundus_photos
from lookinside.phantoms.fundus.painting import painted_eye

SEEDS = range(10, 20)
draw, fundus_photo = fundus_photo, functools.cache(fundus_photo)  # the tests look at a few eyes again and again


def green(photo):
    return photo.image[..., 1].astype(float)


def test_the_same_seed_is_the_same_photograph():
    for seed in (0, 7):
        one, again, other = (draw(s, rim_loss=0.6, nerve_defect=0.4) for s in (seed, seed, seed + 1))
        assert one.image.dtype == np.uint8 and one.image.shape == (224, 224, 3)
        assert one.image.tobytes() == again.image.tobytes() and one.boxes == again.boxes
        assert (one.image != other.image).mean() > 0.5
        for name, mask in one.masks.items():
            assert mask.dtype == bool and mask.shape == (224, 224)
            np.testing.assert_array_equal(mask, again.masks[name])


def _detail(image, size):
    """What is finer than the shade of the field."""
    grey = image.astype(float).mean(axis=-1)
    return ndimage.gaussian_filter(grey, size / 80) - ndimage.gaussian_filter(grey, size / 16)


def test_an_eye_is_painted_again_only_where_a_part_was_there(monkeypatch):
    painted = []
    monkeypatch.setattr(
        fundus_photos, "painted_eye", lambda *given, **more: painted.append(more["gone"]) or painted_eye(*given, **more)
    )
    whole = draw(7, size=96, rim_loss=0.6)
    same = draw(7, size=96, rim_loss=0.6, without="nerve_defect")
    assert len(painted) == 2 and not same.masks["removed"].any()
    assert same.image.tobytes() == whole.image.tobytes()
    for gone in ("rim_loss", "vessels"):
        assert draw(7, size=96, rim_loss=0.6, without=gone).masks["removed"].any()
    assert len(painted) == 6


@pytest.mark.parametrize("size", [96, 112, 200])
def test_another_size_is_the_same_eye_on_other_pixels(size):
    options = {"rim_loss": 0.8, "nerve_defect": 0.7}
    large, small = (fundus_photo(12, size=side, **options) for side in (448, size))
    shrunk = ndimage.zoom(ndimage.gaussian_filter(large.image.astype(float), (2, 2, 0)), (size / 448, size / 448, 1))
    inside = ndimage.binary_erosion(small.masks["field"], iterations=size // 20)
    known = small.masks["disc"] | small.masks["vessels"]
    texture = inside & ~ndimage.binary_dilation(known, iterations=size // 40)
    for where in (inside, texture):
        one, other = (_detail(image, size)[where].ravel() for image in (shrunk, small.image))
        assert np.corrcoef(one, other)[0, 1] > 0.98
    np.testing.assert_allclose(np.array(large.fovea) / 448, np.array(small.fovea) / size)
    for name in PATHOLOGIES:
        np.testing.assert_allclose(np.array(large.boxes[name]) / 448, np.array(small.boxes[name]) / size, atol=2 / size)
    for name in ("disc", "cup", "rim_loss", "nerve_defect"):
        assert large.masks[name].mean() == pytest.approx(small.masks[name].mean(), rel=0.2)


def test_vessels_disc_cup_and_macula_look_as_they_should():
    rows = []
    for seed in SEEDS:
        photo, empty = fundus_photo(seed), fundus_photo(seed, without="vessels")
        vessels, disc, cup = (photo.masks[name] for name in ("vessels", "disc", "cup"))
        beside = ndimage.binary_dilation(vessels, iterations=3) & ~ndimage.binary_dilation(vessels) & ~disc
        beside &= ndimage.binary_erosion(photo.masks["field"], iterations=4)
        assert 0.04 < vessels.mean() < 0.14 and 0.012 < disc.mean() < 0.035 and not (cup & ~disc).any()
        ring = ndimage.binary_dilation(disc, iterations=8) & ~ndimage.binary_dilation(disc, iterations=3)
        rows.append(
            [
                green(photo)[vessels & ~disc].mean() / green(photo)[beside].mean(),
                green(empty)[disc & ~cup].mean() / green(empty)[cup].mean(),
                green(empty)[ring].mean() / green(empty)[disc & ~cup].mean(),
            ]
        )
        assert (green(photo)[vessels] < green(empty)[vessels]).mean() > 0.9
        column, row = (int(one) for one in photo.fovea)
        centre = 0.5 * 224
        middle = np.argwhere(disc).mean(axis=0)
        assert (middle[1] > centre) == (photo.eye == "right") and (column < middle[1]) == (photo.eye == "right")
        if photo.masks["field"][row, column]:
            spot = np.s_[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
            rows[-1].append(green(photo)[spot].mean() / green(fundus_photo(seed, without="macula"))[spot].mean())
    vessel, rim, ring = np.array([row[:3] for row in rows]).T
    assert vessel.max() < 0.97 and rim.max() < 0.95 and ring.max() < 0.95
    fovea = [row[3] for row in rows if len(row) > 3]
    assert len(fovea) > 6 and max(fovea) < 0.95


def test_rim_loss_is_pale_and_opens_the_cup_to_the_border():
    for seed in SEEDS:
        ill, healthy = fundus_photo(seed, rim_loss=1.0, without="vessels"), fundus_photo(seed, without="vessels")
        lost = ill.masks["rim_loss"]
        np.testing.assert_array_equal(ill.masks["cup"], healthy.masks["cup"] | lost)
        assert not (lost & healthy.masks["cup"]).any() and not healthy.masks["rim_loss"].any()
        # Under a thick veil all is paler, and the notch is less so.
        assert green(ill)[lost].mean() > 1.06 * green(healthy)[lost].mean()
        assert ndimage.label(lost, np.ones((3, 3)))[1] == 1
        middle = np.argwhere(healthy.masks["disc"]).mean(axis=0)
        below = np.argwhere(lost)[:, 0].mean() > middle[0]
        assert ill.pole == ("lower" if below else "upper")
        # It reaches the disc's border.
        assert (ndimage.binary_dilation(lost, iterations=2) & ~healthy.masks["disc"]).any()
        assert ill.cup_to_disc == healthy.cup_to_disc


def test_vessels_bayonet_at_the_notch_and_nowhere_else():
    moved = 0
    for seed in SEEDS:
        ill, healthy = fundus_photo(seed, rim_loss=1.0), fundus_photo(seed)
        differ = ill.masks["vessels"] ^ healthy.masks["vessels"]
        assert not (differ & ~ndimage.binary_dilation(healthy.masks["disc"], iterations=2)).any()
        moved += differ.sum()
    assert moved > 20 * len(SEEDS)


def test_the_wedge_is_a_dark_strip_from_the_disc_that_widens_along_the_fibres():
    drops = []
    for seed in SEEDS:
        ill, healthy = fundus_photo(seed, nerve_defect=0.8), fundus_photo(seed)
        wedge = ill.masks["nerve_defect"]
        assert ndimage.label(wedge, np.ones((3, 3)))[1] == 1 and not (wedge & ill.masks["disc"]).any()
        assert (ndimage.binary_dilation(wedge, iterations=2) & ill.masks["disc"]).any()
        assert (green(ill)[wedge] <= green(healthy)[wedge]).all()
        drops.append(1.0 - green(ill)[wedge].mean() / green(healthy)[wedge].mean())
        row, column = np.indices(wedge.shape)
        middle = np.argwhere(ill.masks["disc"]).mean(axis=0)
        far = np.hypot(row - middle[0], column - middle[1]) / ill.disc_diameter
        near, out = (((far > low) & (far < low + 0.4) & wedge).sum() for low in (0.7, 2.0))
        assert out > 1.3 * near > 0
        # It bends towards the fovea's height.
        side = -1 if ill.eye == "right" else 1
        bearing = np.abs(np.arctan2(row - middle[0], side * (column - middle[1])))
        near, out = (bearing[(far > low) & (far < low + 0.4) & wedge].mean() for low in (0.6, 2.2))
        assert near - out > np.deg2rad(12)
        # It goes over or under the macula, towards the temple, on the side of the pole.
        assert (np.argwhere(wedge)[:, 0].mean() > middle[0]) == (ill.pole == "lower")
        assert abs(np.argwhere(wedge)[:, 1].mean() - ill.fovea[0]) < abs(middle[1] - ill.fovea[0])
    assert min(drops) > 0.04 and max(drops) < 0.35  # visible, subtle


def test_the_wedge_has_lost_its_stripes():
    alike = []
    for seed in list(SEEDS)[:7]:
        ill, healthy = (fundus_photo(seed, size=384, nerve_defect=severity) for severity in (1.0, 0.0))
        core = ndimage.binary_erosion(ill.masks["nerve_defect"], iterations=5)
        core &= ~ndimage.binary_dilation(ill.masks["vessels"], iterations=4)
        # What the wedge takes away is striped as the healthy eye is; light and noise are the same in both.
        taken, before = (one - ndimage.gaussian_filter(one, 3) for one in (green(healthy) - green(ill), green(healthy)))
        alike.append(np.corrcoef(*(ndimage.gaussian_filter(one, 0.8)[core] for one in (taken, before)))[0, 1])
    assert np.median(alike) > 0.35


def test_one_sign_changes_nothing_of_the_other():
    for seed in SEEDS:
        both, rim, wedge = (
            fundus_photo(seed, rim_loss=a, nerve_defect=b) for a, b in ((0.8, 0.6), (0.8, 0.0), (0.0, 0.6))
        )
        np.testing.assert_array_equal(both.masks["rim_loss"], rim.masks["rim_loss"])
        np.testing.assert_array_equal(both.masks["nerve_defect"], wedge.masks["nerve_defect"])
        assert both.boxes == rim.boxes | wedge.boxes
        for name, other in (("nerve_defect", rim), ("rim_loss", wedge)):
            left = draw(seed, rim_loss=0.8, nerve_defect=0.6, without=name)
            np.testing.assert_array_equal(left.image, other.image)
            assert getattr(left, name) == 0.0 and name not in left.boxes
        healthy = fundus_photo(seed, without=PATHOLOGIES)
        np.testing.assert_array_equal(healthy.image, fundus_photo(seed).image)
        assert not healthy.boxes and not healthy.masks["removed"].any()


@pytest.mark.parametrize("name", PATHOLOGIES)
def test_each_sign_grows_with_its_severity(name):
    for seed in SEEDS:
        photos = [fundus_photo(seed, **{name: severity}) for severity in (0.0, 0.1, 0.3, 0.6, 1.0)]
        areas = [photo.masks[name].sum() for photo in photos]
        assert areas[0] == 0 and (np.diff(areas) > 0).all()
        for less, more in itertools.pairwise(photos):
            assert not (less.masks[name] & ~more.masks[name]).any()
        changes = [np.abs(green(photo) - green(photos[0])).sum() for photo in photos]
        assert (np.diff(changes) > 0).all()
        box = photos[-1].boxes[name]
        mask = photos[-1].masks[name]
        assert mask[box[1] : box[3], box[0] : box[2]].sum() == mask.sum()
        assert all(e.any() for e in (mask[box[1]], mask[box[3] - 1], mask[:, box[0]], mask[:, box[2] - 1]))


@pytest.mark.parametrize("gone", [*PATHOLOGIES, *EYE_PARTS])
def test_without_a_part_all_else_keeps_its_bytes(gone):
    for seed in list(SEEDS)[:6]:
        whole = fundus_photo(seed, rim_loss=0.8, nerve_defect=0.6)
        left = fundus_photo(seed, rim_loss=0.8, nerve_defect=0.6, without=gone)
        removed = left.masks["removed"]
        np.testing.assert_array_equal(left.image[~removed], whole.image[~removed])
        assert not whole.masks["removed"].any() and not (removed & (left.image == 0).all(axis=-1)).any()
        assert removed.mean() < {"vessels": 0.6, "macula": 0.55}.get(gone, 0.15)
        lost = {"disc": ("disc", "cup", "rim_loss"), "macula": ()}.get(gone, (gone,))
        for name in lost:
            own = whole.masks[name]
            assert not left.masks[name].any() and removed[own].all()
            if name != "cup":  # the part is no longer to be seen
                assert (left.image[own] != whole.image[own]).any(axis=-1).mean() > 0.8
        cleft = {"vessels"} if gone in ("rim_loss", "disc") else set()  # these bend vessels or lie behind them
        for name in set(whole.masks) - {"removed", "cup", *lost} - cleft:
            np.testing.assert_array_equal(left.masks[name], whole.masks[name])
        if gone == "rim_loss":
            row, column = np.argwhere(removed).T
            middle = np.argwhere(whole.masks["disc"]).mean(axis=0)
            assert np.hypot(row - middle[0], column - middle[1]).max() < 0.95 * whole.disc_diameter


def test_planted_marks_change_only_what_they_say():
    for seed in list(SEEDS)[:6]:
        plain = fundus_photo(seed, rim_loss=0.5)
        marked, faint = (fundus_photo(seed, rim_loss=0.5, camera_mark=strength) for strength in (1.0, 0.4))
        tab = marked.masks["camera_mark"]
        assert 0.001 < tab.mean() < 0.012 and not (tab & plain.masks["field"]).any()
        assert not plain.masks["camera_mark"].any()
        np.testing.assert_array_equal(marked.image[~tab], plain.image[~tab])
        assert marked.image[tab].mean() > 1.5 * faint.image[tab].mean() > 10 * plain.image[tab].mean()
        cast, slight = (fundus_photo(seed, rim_loss=0.5, colour_cast=strength) for strength in (1.0, 0.3))
        for name, mask in plain.masks.items():
            np.testing.assert_array_equal(mask, cast.masks[name])
        ratio = [cast.image[..., k].sum() / plain.image[..., k].sum() for k in range(3)]
        assert ratio[0] < 0.95 and ratio[2] > 1.15
        for channel in range(3):  # one factor for all pixels: nothing but the white balance
            expected = np.minimum(plain.image[..., channel] * ratio[channel], 255)
            assert np.abs(cast.image[..., channel] - expected).max() < 2.5
            assert abs(slight.image[..., channel].mean() / plain.image[..., channel].mean() - 1) < 0.12


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: draw(-1), "seed"),
        (lambda: draw(1.5), "seed"),
        (lambda: draw(1, size=(224, 224)), "size"),
        (lambda: draw(1, size=95), "96 to 512"),
        (lambda: draw(1, size=513), "96 to 512"),
        (lambda: draw(1, rim_loss=1.1), "rim_loss"),
        (lambda: draw(1, nerve_defect=-0.1), "nerve_defect"),
        (lambda: draw(1, nerve_defect=float("nan")), "nerve_defect"),
        (lambda: draw(1, rim_loss="much"), "from 0 to 1"),
        (lambda: draw(1, colour_cast=2), "colour_cast"),
        (lambda: draw(1, camera_mark=None), "camera_mark"),
        (lambda: draw(1, without="rim"), "did you mean rim_loss"),
        (lambda: draw(1, without=("disc", "wedge")), "no part 'wedge'"),
        (lambda: draw(1, without=3), "names of parts"),
        (lambda: draw(1, without=None), "without holds None: give names of parts, or () for none"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(call, says):
    with pytest.raises(LookInsideError, match=re.escape(says)) as caught:
        call()
    assert "\n" not in str(caught.value)
