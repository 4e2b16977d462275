"""L_patho without a game: the same as in one, in any batches, and what does not fit."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_games import SHAPE, small_game, small_judge

from lookinside.errors import LookInsideError
from lookinside.training import PathoDistance, falling_adams

RANDOM = np.random.default_rng(0)
REAL, DRAWN = (RANDOM.random((5, *SHAPE)).astype("float32") for _ in range(2))


@pytest.mark.parametrize("which", ["low", "high", "both"])
def test_it_is_the_loss_of_the_game(which):
    judge = small_judge()
    gan = small_game(judge, which=which)
    wanted = gan.patho_loss(tf.constant(DRAWN), gan.reference(tf.constant(REAL)))
    distance = PathoDistance(judge, REAL, which=which, batch_size=2)
    np.testing.assert_allclose(distance(DRAWN), wanted, rtol=1e-5)
    np.testing.assert_array_equal(distance(REAL), np.zeros(5))
    assert distance(DRAWN).dtype == np.float32 and (distance(DRAWN) > 0.01).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"which": "middle"}, "which is 'middle': give one of low, high, both"),
        ({"batch_size": 0}, "batch_size is 0: give a whole number from 1 on"),
        ({"class_index": -1}, "class_index is -1"),
        ({"class_index": 7}, "Class 7 is outside the range"),
        ({"maps": {"colour": 1}}, "maps are {'colour': 1}"),
        ({"photographs": REAL[:, 1:]}, "The photographs are .15, 16, 3., the classifier takes .16, 16, 3."),
        ({"photographs": REAL * 255}, "The pixels of photographs run from"),
    ],
)
def test_what_does_not_fit_is_refused(change, says):
    given = {"classifier": small_judge(), "photographs": REAL} | change
    with pytest.raises(LookInsideError, match=says):
        PathoDistance(given.pop("classifier"), given.pop("photographs"), **given)


def test_each_photograph_has_its_picture():
    distance = PathoDistance(small_judge(), REAL)
    for pictures in (DRAWN[:4], DRAWN[:, :, 1:]):
        with pytest.raises(LookInsideError, match=r"give one for each photograph, \(5, 16, 16, 3\)"):
            distance(pictures)


def test_rates_fall_to_nothing_at_the_last_move_of_each_network():
    generator, discriminator = falling_adams(50, generator_steps=2)
    for adam, rate, moves in ((generator, 0.002, 100), (discriminator, 0.0002, 50)):
        schedule = keras.optimizers.Adam.get_config(adam)["learning_rate"]["config"]
        schedule = keras.optimizers.schedules.CosineDecay.from_config(schedule)
        values = [float(schedule(step)) for step in (0, moves // 2, moves)]
        np.testing.assert_allclose(values, [rate, rate / 2, 0], atol=1e-9)
        assert adam.beta_1 == 0.5
    small_game().compile(*falling_adams(3))
    for given in ({"steps": 0}, {"steps": 5, "generator": 0}, {"steps": 5, "discriminator": "fast"}):
        with pytest.raises(LookInsideError, match=r"give a (whole number|rate)"):
            falling_adams(**given)
