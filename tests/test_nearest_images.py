"""The nearest training image: a search that does not share code, copies, fields and blocks."""

import tracemalloc

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from lookinside.errors import LookInsideError
from lookinside.training import nearest_images

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((7, 6, 5, 3)).astype("float32")
TRAIN = RANDOM.random((23, 6, 5, 3)).astype("float32")


@pytest.mark.parametrize("batch", [1, 4, 64])
@pytest.mark.parametrize("masked", [False, True])
def test_it_is_what_scikit_learn_finds(batch, masked):
    field = RANDOM.random((6, 5)) < 0.5 if masked else None
    kept = np.ones((6, 5), bool) if field is None else field
    rows = [one[:, kept].reshape(len(one), -1).astype(float) for one in (TRAIN, IMAGES)]
    distances, indices = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(rows[0]).kneighbors(rows[1])
    found = nearest_images(IMAGES, TRAIN, field=field, batch=batch)
    np.testing.assert_array_equal(found.indices, indices[:, 0])
    np.testing.assert_allclose(found.distances, distances[:, 0] / np.sqrt(3 * kept.sum()))
    np.testing.assert_allclose(found.ratios, distances[:, 0] / distances[:, 1])


def test_the_distance_by_hand():
    black, white = np.zeros((1, 4, 4, 3)), np.ones((1, 4, 4, 3))
    assert nearest_images(white, black).distances[0] == 1
    half = white.copy()
    half[:, :2] = 0.5
    found = nearest_images(half, np.concatenate([black, white]))
    assert found.indices[0] == 1 and found.distances[0] == pytest.approx(np.sqrt(0.125))
    assert found.ratios[0] == pytest.approx(np.sqrt(0.125 / 0.625))
    field = np.zeros((4, 4), bool)
    field[0] = True
    assert nearest_images(half, white, field=field).distances[0] == pytest.approx(0.5)


def test_a_copy_is_at_no_distance_and_unseen_images_are_not():
    copied = np.concatenate([TRAIN[[5, 20]], IMAGES])
    found = nearest_images(copied, TRAIN, batch=3)
    assert found.indices[:2].tolist() == [5, 20] and (found.distances[:2] == 0).all() and (found.ratios[:2] == 0).all()
    assert found.distances[2:].min() > 0.2 and found.ratios[2:].min() > 0.7
    twice = nearest_images(TRAIN[:1], TRAIN[[3, 0, 0]])
    assert twice.indices[0] in (1, 2) and np.isnan(twice.ratios[0])
    assert np.isnan(nearest_images(IMAGES, TRAIN[:1]).ratios).all()


def test_memory_is_that_of_a_few_blocks():
    images, train = RANDOM.random((40, 32, 32, 3), np.float32), RANDOM.random((400, 32, 32, 3), np.float32)
    tracemalloc.start()
    nearest_images(images, train, batch=16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 16 * 32 * 32 * 3 * 8 < train.astype(float).nbytes  # eight blocks of float64


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"train": TRAIN[:, :5]}, "both in one size"),
        ({"train": TRAIN[:0]}, "train is"),
        ({"images": 255 * IMAGES}, "pixels of images run"),
        ({"images": (255 * IMAGES).astype("uint8")}, "images is uint8"),
        ({"field": np.ones((5, 6), bool)}, "field is"),
        ({"field": np.zeros((6, 5), bool)}, "field is"),
        ({"field": np.ones((6, 5))}, "field is float64"),
        ({"field": [[True], [True, False]]}, "field has rows of different lengths"),
        ({"batch": 0}, "batch is 0"),
    ],
)
def test_refusals(change, said):
    with pytest.raises(LookInsideError, match=said):
        nearest_images(**({"images": IMAGES, "train": TRAIN} | change))
