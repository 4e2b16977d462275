"""Synthetic images beside photographs: one by one, and as a set, where the answer is known."""

import keras
import numpy as np
import pytest
from skimage.metrics import structural_similarity
from sklearn.metrics import f1_score

from lookinside.data import phantom_eyes, without_shading
from lookinside.errors import LookInsideError
from lookinside.models import unet
from lookinside.training import compare_sets, frechet_distance, likeness, vessel_masks

RANDOM = np.random.default_rng(0)
EYES = phantom_eyes("test", 5, 96, seed=1, progress=False)


@pytest.fixture(scope="module")
def finder():
    """An untrained network, which yet answers: about a fifth of the pixels."""
    keras.utils.set_random_seed(0)
    net = unet(EYES.shape, base=2, depth=1)
    kernel, bias = net.get_layer("logits").get_weights()
    logits = np.sort(net.predict(EYES.pixels, verbose=0), axis=None)
    some = logits[len(logits) * 3 // 4 : len(logits) * 17 // 20]
    place = np.argmax(np.diff(some))  # the widest gap: no logit is so near to 0 that rounding could turn its sign
    net.get_layer("logits").set_weights([kernel, bias - some[place : place + 2].mean()])
    assert np.abs(net.predict(EYES.pixels, verbose=0)).min() > 1e-5
    return net


def test_a_photograph_is_like_itself_and_the_scores_are_those_of_other_libraries(finder):
    eyes = vessel_masks(finder, EYES)
    same = likeness(EYES.pixels, eyes, finder, batch=2)
    np.testing.assert_allclose(same["vessels"], 1)
    np.testing.assert_allclose(same["SSIM"], 1, atol=1e-6)
    drawn = np.clip(EYES.pixels + RANDOM.normal(0, 0.05, EYES.pixels.shape), 0, 1).astype(np.float32)
    found = likeness(drawn, eyes, finder)
    again = finder.predict(drawn, verbose=0)[..., 0] > 0
    for i in range(len(EYES)):
        assert found["vessels"][i] == pytest.approx(f1_score(eyes.masks["segmented"][i].ravel(), again[i].ravel()))
        options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1.0}
        whole = structural_similarity(drawn[i], EYES.pixels[i], channel_axis=-1, full=True, **options)[1]
        assert found["SSIM"][i] == pytest.approx(whole[5:-5, 5:-5].mean(), abs=1e-4)  # windows that lie inside


@pytest.mark.parametrize(
    ("drawn", "eyes", "says"),
    [
        (EYES.pixels[:3], EYES, "drawn is .* photographs .*: give one for each"),
        (EYES.images, EYES, "drawn is uint8"),
        (phantom_eyes("test", 2, 112).pixels, phantom_eyes("test", 2, 112), "unet takes .*: see `at_size`"),
    ],
)
def test_images_that_do_not_fit(finder, drawn, eyes, says):
    with pytest.raises(LookInsideError, match=says):
        likeness(drawn, eyes, finder, mask="vessels")


def test_a_set_of_copies_is_nearer_to_what_was_learned_than_real_eyes_are():
    train = phantom_eyes("train", 9, 96, seed=1, progress=False).pixels

    def read(images):
        return images.mean(axis=(1, 2))

    copies = compare_sets(train[3:8], EYES.pixels, train, read)
    assert copies["nearest"] == 0 < copies["nearest, real"]
    assert copies["Frechet"] == frechet_distance(read(train[3:8]), read(EYES.pixels))
    assert copies["Frechet, real"] == frechet_distance(read(train[:5]), read(EYES.pixels))
    flat = without_shading(EYES, 4).pixels
    other = compare_sets(flat, EYES.pixels, train, read)
    assert other["Frechet"] > 3 * other["Frechet, real"] == 3 * copies["Frechet, real"]
    inside = EYES.masks["field"].all(axis=0)
    assert compare_sets(flat, EYES.pixels, train, read, field=inside)["nearest"] != other["nearest"]
