"""Augmentation: shape and range kept, seeded, filled with a constant, each change visible by itself."""

import keras
import numpy as np
import pytest

from lookinside.errors import LookInsideError
from lookinside.training import augmentation

NONE = {"crop": 0, "rotation": 0, "translation": 0, "shear": 0, "stretch": 0, "flip": False}
RNG = np.random.default_rng(0)
IMAGES = RNG.random((6, 25, 18, 1)).astype("float32")


@pytest.mark.parametrize("shape", [(25, 18, 1), (16, 16, 3)])
@pytest.mark.parametrize("finer", [1, 2, 3])
def test_shape_and_range_are_kept(shape, finer):
    images = RNG.random((5, *shape)).astype("float32")
    images[0], images[1] = 1, 0
    changed = np.array(augmentation(shape, finer=finer)(images, training=True))
    assert changed.shape == images.shape
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not np.allclose(changed, images, atol=0.05)


def test_same_seed_same_changes():
    one, same, other = (np.array(augmentation((25, 18, 1), seed=s)(IMAGES, training=True)) for s in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other, atol=0.05)


def test_each_call_and_each_image_is_changed_differently():
    augment = augmentation((25, 18, 1))
    same = np.repeat(IMAGES[:1], 4, axis=0)
    first, second = np.array(augment(same, training=True)), np.array(augment(same, training=True))
    assert not np.allclose(first, second, atol=0.05)
    assert not np.allclose(first[0], first[1], atol=0.05)


def test_nothing_asked_nothing_changed():
    np.testing.assert_allclose(augmentation((25, 18, 1), **NONE)(IMAGES, training=True), IMAGES, atol=1e-6)


def test_without_training_only_the_size_of_the_crop_is_seen():
    quiet = augmentation((25, 18, 1), **{**NONE, "rotation": 90, "flip": True, "shear": 0.5, "translation": 0.5})
    np.testing.assert_allclose(quiet(IMAGES, training=False), IMAGES, atol=1e-6)


@pytest.mark.parametrize(
    "change", [{"crop": 0.3}, {"rotation": 40}, {"translation": 0.3}, {"shear": 0.4}, {"stretch": 0.4}, {"flip": True}]
)
def test_each_change_works_alone(change):
    changed = np.array(augmentation((25, 18, 1), **{**NONE, **change}, seed=1)(IMAGES, training=True))
    assert not np.allclose(changed, IMAGES, atol=0.05)


def test_a_flip_is_left_to_right():
    images = np.repeat(IMAGES, 4, axis=0)
    changed = np.array(augmentation((25, 18, 1), **{**NONE, "flip": True})(images, training=True))
    flipped = [np.allclose(new, old[:, ::-1], atol=1e-6) for new, old in zip(changed, images, strict=True)]
    kept = [np.allclose(new, old, atol=1e-6) for new, old in zip(changed, images, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert any(flipped)
    assert any(kept)


@pytest.mark.parametrize("fill", [0.0, 0.25])
def test_the_outside_is_filled_with_a_constant(fill):
    white = np.ones((16, 25, 25, 1), "float32")
    changed = np.array(augmentation((25, 25, 1), **{**NONE, "translation": 0.5}, fill=fill)(white, training=True))
    assert np.mean(np.isclose(changed, fill, atol=1e-6) | np.isclose(changed, 1)) > 0.9
    assert np.isclose(changed, fill, atol=1e-6).any()


def test_the_finer_grid_keeps_detail():
    def detail(images):
        return np.std(np.diff(np.array(images), axis=1))

    coarse, fine = (augmentation((25, 18, 1), finer=f)(np.repeat(IMAGES, 8, axis=0), training=True) for f in (1, 2))
    assert detail(fine) > 1.15 * detail(coarse)


def test_only_layers_of_keras():
    layers = augmentation((25, 18, 1)).layers
    assert all(type(layer).__module__.startswith("keras.") for layer in layers)
    assert [layer.name for layer in layers] == [
        *("finer", "flip", "rotate", "shear", "stretch", "translate", "crop", "back"),
    ]
    assert all(layer.fill_mode == "constant" for layer in layers if hasattr(layer, "fill_mode"))


def test_it_reloads(tmp_path):
    augmentation((25, 18, 1)).save(tmp_path / "augment.keras")
    reloaded = keras.models.load_model(tmp_path / "augment.keras")
    assert reloaded(IMAGES, training=True).shape == IMAGES.shape


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"crop": 0.95}, "crop is 0.95"),
        ({"rotation": -1}, "rotation is -1"),
        ({"finer": 0}, "finer is 0"),
        ({"shear": "a"}, "shear is 'a'"),
    ],
)
def test_sizes_out_of_range_are_refused(change, says):
    with pytest.raises(LookInsideError, match=says):
        augmentation((25, 18, 1), **change)
    with pytest.raises(LookInsideError, match="height, width, channels"):
        augmentation((25, 18))
