"""The wedge's and the notch's contrast: what was painted is measured, and what lies elsewhere is not."""

import dataclasses
import functools

import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from lookinside.data import phantom_eyes
from lookinside.errors import LookInsideError
from lookinside.phantoms import fundus_photo
from lookinside.training import notch_contrast, wedge_contrast

SIGNS = {"nerve_defect": wedge_contrast, "rim_loss": notch_contrast}
SIZE, COUNT = 128, 18


@functools.cache
def eyes(**options):
    return phantom_eyes("test", COUNT, SIZE, seed=3, glaucoma=1.0, **options)


def flat(eyes, sign, inside, outside):
    """Even images in which only the sign has another green, and in which red and blue say something else."""
    images = np.random.default_rng(0).random(eyes.images.shape)
    images[..., 1] = np.where(eyes.masks[sign], inside, outside)
    return images


def only(mask, eyes):
    """The images that have a mask; some of them show too little of it beside the vessels."""
    return eyes.masks[mask].any(axis=(1, 2))


@pytest.mark.parametrize(("sign", "inside", "percent"), [("nerve_defect", 0.3, 25.0), ("rim_loss", 0.6, 50.0)])
def test_what_was_painted_is_what_is_measured(sign, inside, percent):
    there, measure = only(sign, eyes()), SIGNS[sign]
    found = measure(flat(eyes(), sign, inside, 0.4), eyes())
    assert np.isnan(found[~there]).all() and np.isfinite(found[there]).mean() > 0.85
    np.testing.assert_allclose(found[np.isfinite(found)], percent)
    # Vessels and what is far away may be of any colour.
    painted = flat(eyes(), sign, inside, 0.4)
    painted[eyes().masks["vessels"] | ndimage.binary_dilation(eyes().masks["vessels"], np.ones((1, 1, 3)))] = 0.01
    far = eyes().masks[sign] | eyes().masks["disc"]
    painted[~ndimage.binary_dilation(far, np.ones((1, 19, 19)))] = 0.9
    np.testing.assert_allclose(measure(painted, eyes()), found)
    if sign == "nerve_defect":
        painted[eyes().masks["disc"]] = 1.0
    else:
        painted[~eyes().masks["disc"]] = 1.0
        painted[eyes().masks["cup"] & ~eyes().masks["rim_loss"]] = 1.0
    np.testing.assert_allclose(measure(painted, eyes()), found)


@pytest.mark.parametrize("sign", SIGNS)
def test_real_signs_stand_out_of_the_same_eyes_without_them(sign):
    measure = SIGNS[sign]
    ill, healthy = (measure(one.pixels, eyes()) for one in (eyes(), eyes(without=sign)))
    seen = np.isfinite(ill)
    assert seen.sum() >= 10 and np.array_equal(seen, np.isfinite(healthy))
    assert roc_auc_score(np.repeat([1, 0], seen.sum()), np.concatenate([ill[seen], healthy[seen]])) > 0.98
    assert (ill - healthy)[seen].min() > {"nerve_defect": 5, "rim_loss": 20}[sign]
    assert abs(healthy[seen].mean()) < 0.25 * ill[seen].mean()
    # Neither the exposure nor the vessels matter.
    np.testing.assert_allclose(measure(0.37 * eyes().pixels, eyes()), ill, rtol=1e-4)
    bare = measure(eyes(without="vessels").pixels, eyes())
    assert np.sqrt(np.mean((bare - ill)[seen] ** 2)) < 0.1 * ill[seen].mean()


@pytest.mark.parametrize("sign", SIGNS)
def test_the_contrast_grows_with_the_severity_at_one_place(sign):
    for seed in (1, 2):
        photos = [fundus_photo(seed, size=SIZE, **{sign: severity}) for severity in (0, 0.4, 0.7, 1)]
        one = eyes().subset([0] * len(photos))
        masks = {name: np.stack([photos[-1].masks[name]] * len(photos)) for name in photos[-1].masks}
        place = dataclasses.replace(one, masks=masks, images=np.stack([photo.image for photo in photos]))
        assert (np.diff(SIGNS[sign](place.pixels, place)) > 0).all()


def test_light_that_drifts_over_the_field_is_no_wedge():
    """Even retina under light that falls by half from one side to the other, in any direction."""
    for ramp in (np.linspace(1, 0.5, SIZE), np.linspace(0.5, 1, SIZE)):
        for light in (ramp[:, None], ramp[None, :]):
            images = np.broadcast_to(light[..., None], eyes().images.shape)
            found = wedge_contrast(images.astype(float), eyes())
            assert np.nanmax(np.abs(found)) < 3 and np.nanmean(np.abs(found)) < 1


@pytest.mark.parametrize("curl", [0, 0.015])
def test_both_flanks_count_alike(curl):
    """Flanks of 0.6 and 0.4 beside a wedge of 0.25: the retina is 0.5, however many pixels each has, in an arc too."""
    rows, columns = np.indices((SIZE, SIZE))
    y, x = rows - 64, columns - 20
    distance = np.hypot(x, y)
    off = (np.arctan2(y, x) - curl * distance) * distance  # from the middle of the wedge, pixels
    wedge = (abs(off) < 4) & (distance > 15) & (distance < 70)
    field = rows >= 64 - 9 + 30 * (curl > 0)  # a part of a flank lies out of it, and its edge is black
    edge = ndimage.binary_dilation(~field, iterations=2)
    masks = {"nerve_defect": wedge, "disc": distance < 10, "vessels": np.zeros_like(wedge), "field": field}
    place = dataclasses.replace(eyes().subset([0]), masks={name: mask[None] for name, mask in masks.items()})
    green = np.where(edge, 0.0, np.where(wedge, 0.25, np.where(off < 0, 0.6, 0.4)))
    found = wedge_contrast(np.repeat(green[None, ..., None], 3, axis=-1), place)
    assert found[0] == pytest.approx(50)


def test_a_disc_that_is_paler_inside_has_no_notch():
    """Green that depends on nothing but the distance from the disc's border."""
    inwards = np.stack([ndimage.distance_transform_edt(disc) for disc in eyes().masks["disc"]])
    images = np.repeat(0.3 + 0.03 * np.floor(inwards)[..., None], 3, axis=-1)
    found = notch_contrast(images, eyes())
    np.testing.assert_allclose(found[np.isfinite(found)], 0, atol=1e-9)


def test_nothing_to_measure_is_nan():
    healthy = phantom_eyes("test", 2, SIZE, glaucoma=0.0)
    ill = eyes().subset(only("nerve_defect", eyes()) & only("rim_loss", eyes()))
    covered = dataclasses.replace(ill, masks={**ill.masks, "vessels": np.ones_like(ill.masks["vessels"])})
    for measure in SIGNS.values():
        assert np.isnan(measure(healthy.pixels, healthy)).all()
        assert np.isnan(measure(0 * ill.pixels, ill)).all()
        assert np.isnan(measure(ill.pixels, covered)).all()
    filled = dataclasses.replace(ill, masks={**ill.masks, "disc": np.ones_like(ill.masks["disc"])})
    assert np.isnan(notch_contrast(ill.pixels, filled)).all()
    no_disc = phantom_eyes("test", 3, SIZE, glaucoma=1.0, without="disc")
    assert np.isnan(wedge_contrast(no_disc.pixels, no_disc)).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: (e.pixels[:-1], e), "give each eye its colour image"),
        (lambda e: (e.pixels[..., :1], e), "give each eye its colour image"),
        (lambda e: (e.images, e), "uint8"),
        (lambda e: (e, e), r"give the array in its \.pixels"),
        (lambda e: (2 * e.pixels - 1, e), "run from -0.984 to"),
        (lambda e: (np.full_like(e.pixels, np.nan), e), "from nan"),
        (lambda e: (e.pixels, e.images), "give LabelledImages"),
        (lambda e: (e.pixels, dataclasses.replace(e, masks={})), "no mask"),
        (lambda e: ([[1], [1, 2]], e), "no array"),
    ],
)
def test_refusals(change, said):
    for measure in SIGNS.values():
        with pytest.raises(LookInsideError, match=said):
            measure(*change(eyes()))
