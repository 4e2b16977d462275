"""fit_patho_gan: it goes on after a kill, its batches, sheets and keys, and where it stops."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from long_runs import bar_that
from matplotlib.image import imread
from small_games import SHAPE, eyes, small_game, small_judge

from lookinside.errors import LookInsideError
from lookinside.training import fit_patho_gan
from lookinside.training.keys import run_key
from lookinside.training.resumable import optimizers_of
from lookinside.training.synthesis import patho_gan_fit

COLUMNS = ["generator_loss", "discriminator_loss", "patho_loss", "score_of_real", "score_of_drawn"]


class Killed(Exception):
    """Stands for a kill."""


def killed():
    raise Killed


def fit(folder=None, progress=False, sheets=None, train=None, optimizers=(None, None), **options):
    gan = small_game(small_judge(), noise_std=1.0)
    gan.compile(*optimizers)
    gan.run_eagerly = True  # a trace takes longer than the few steps
    options = {"steps": 6, "every": 2, "batch_size": 2, "rotation": 30, "seed": 3} | options
    history = fit_patho_gan(gan, train or eyes(), run_folder=folder, progress=progress, sheets=sheets, **options)
    return gan, history


def test_a_killed_run_goes_on_to_the_same_losses_weights_and_sheets(tmp_path):
    whole, history = fit(sheets=tmp_path / "whole")
    assert set(history.curves) == set(COLUMNS) and history.steps == [2, 4, 6]
    with pytest.raises(Killed):
        fit(tmp_path / "runs", bar_that(killed, 3), tmp_path / "sheets")
    assert [path.name for path in (tmp_path / "sheets").iterdir()] == ["samples_000002.png"]
    again, resumed = fit(tmp_path / "runs", sheets=tmp_path / "sheets")
    assert resumed.resumed_after == 1
    for column in COLUMNS:
        np.testing.assert_allclose(resumed.curves[column], history.curves[column], rtol=1e-5)
    for one, other in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    for step in (2, 4, 6):
        one, other = (imread(tmp_path / name / f"samples_{step:06d}.png")[..., :3] for name in ("sheets", "whole"))
        assert one.shape == (2 * 16, 6 * 16, 3)
        np.testing.assert_allclose(one, other, atol=1.5 / 255)
        np.testing.assert_allclose(one[:16, :16], eyes().pixels[0], atol=1 / 255)
    np.testing.assert_allclose(one[16:, :16], again.draw(eyes().masks["vessels"])[0], atol=1.5 / 255)
    assert fit(tmp_path / "runs")[1].curves == resumed.curves  # it has ended: loaded


def test_sheets_at_the_last_step_too_and_of_grey_images(tmp_path):
    gan = small_game(shape=(16, 24, 1))
    gan.run_eagerly = True
    options = {"steps": 3, "every": 2, "batch_size": 1, "sheets": str(tmp_path / "a" / "b"), "progress": False}
    history = fit_patho_gan(gan, eyes(10, (16, 24, 1)), **options)
    assert history.steps == [2, 3] and history.curves["patho_loss"] == [0, 0]
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == ["samples_000002.png", "samples_000003.png"]
    sheet = imread(tmp_path / "a" / "b" / "samples_000003.png")
    assert sheet.shape[:2] == (32, 8 * 24)
    np.testing.assert_allclose(sheet[:16, :24, 0], eyes(10, (16, 24, 1)).pixels[0, ..., 0], atol=1 / 255)


class Explodes(keras.optimizers.schedules.LearningRateSchedule):
    """Infinite from the fifth step on."""

    def __call__(self, step):
        return keras.ops.where(step < 4, 0.01, np.inf)

    def get_config(self):
        return {}


@pytest.mark.parametrize(
    ("place", "every", "says", "kept"),
    [
        (0, 1, "discriminator_loss became nan in epoch 5", "1 2 3 4"),
        (1, 1, "Weights became nan or infinite in epoch 5", "1 2 3 4"),
        (1, 3, "discriminator_loss became nan in epoch 2", "3"),
    ],
)
def test_nan_ends_in_one_line_and_the_last_good_state_stays(tmp_path, place, every, says, kept):
    optimizers = [keras.optimizers.SGD(Explodes() if place == number else 0.01) for number in (0, 1)]
    with pytest.raises(LookInsideError, match=rf"\A{says}: lower the learning rate, or what weighs [^\n]*\.\Z"):
        fit(tmp_path, every=every, steps=9, optimizers=optimizers)
    (run,) = tmp_path.iterdir()
    assert [line.split(",")[0] for line in (run / "history.csv").read_text().split()] == ["step", *kept.split()]
    state = np.load(run / "state.npz")
    assert all(np.isfinite(state[name]).all() for name in state.files if state[name].dtype.kind == "f")


def captured(monkeypatch, gan=None, train=None, **options):
    """What a call would hand over to the training."""
    found = {}

    def catch(model, batches, **given):
        found.update(given, batches=batches, optimizers=optimizers_of(model))

    monkeypatch.setattr(patho_gan_fit, "fit_resumable", catch)
    train = train or eyes()
    fit_patho_gan(gan or small_game(small_judge()), train, **{"steps": 4, "every": 3, "batch_size": 2, **options})
    return found


def test_another_configuration_is_another_run_and_the_same_one_is_not(monkeypatch):
    def key(gan=None, **options):
        found = captured(monkeypatch, gan, **options)
        return run_key(found["key"], found["optimizers"])

    masks = {"vessels": ~eyes().masks["vessels"], "other": eyes().masks["vessels"]}
    other = eyes().__class__(eyes().images, eyes().labels, eyes().class_names, eyes().names, masks=masks)
    wide = small_game(small_judge())
    wide.compile("sgd")
    others = [
        key(small_game()),
        key(small_game(small_judge(seed=1))),
        key(small_game(small_judge(head="softmax"))),
        key(small_game(small_judge(), trade_off=11)),
        key(small_game(small_judge(), which="high")),
        key(small_game(small_judge(), noise_std=0.5)),
        key(small_game(small_judge(), generator_steps=2)),
        key(small_game(small_judge(), class_index=0)),
        key(small_game(small_judge(), pixel_weight=1)),
        key(small_game(small_judge(), maps={"cmi": "gyration"})),
        key(wide),
        key(train=other),
        key(train=eyes(seed=1)),
        key(rotation=5),
        key(flip=False),
        key(batch_size=3),
    ]
    assert len({key(), *others}) == 1 + len(others)
    assert key() == key(small_game(small_judge())) == key(train=other, vessels="other")
    # With these stand in the key what fit_resumable adds itself: steps, every, seed.


def stream(monkeypatch, first=0, last=4, **options):
    batches = captured(monkeypatch, **options)["batches"](first, last)
    return [[np.array(one) for one in batch] for batch in batches]


def marked():
    """Black images of 20 x 32 px with one bright block, which is the mask: far from the middle, on no axis."""
    set_of = eyes(3, (20, 32, 3))
    set_of.images[:], set_of.masks["vessels"][:] = 0, False
    for number in range(3):
        block = number, slice(3, 7), slice(20 + number, 24 + number)
        set_of.images[block], set_of.masks["vessels"][block] = 255, True
    return set_of


def test_flips_and_turns_move_a_mask_with_its_photograph(monkeypatch):
    shape = (20, 32, 3)
    pairs = stream(monkeypatch, gan=small_game(shape=shape), train=marked(), rotation=180, batch_size=4, last=6)
    places, middle = [], np.array([9.5, 15.5])
    for masks, photographs in pairs:
        assert masks.shape == (4, 20, 32, 1) and photographs.shape == (4, 20, 32, 3)
        assert set(np.unique(masks)) <= {0, 1}
        np.testing.assert_array_equal(photographs[..., :1] > 0.5, masks == 1)
        places += [np.argwhere(mask[..., 0]).mean(axis=0) - middle for mask in masks if mask.sum() > 10]
    far = np.hypot(*np.transpose(places))
    # Blocks lie at (4.5, 21.5 + number): their distance from the middle stays, their direction is any.
    assert (np.abs(far[:, None] - np.hypot(5, 6 + np.arange(3))).min(axis=1) < 0.7).all()
    angles = np.sort(np.arctan2(*np.transpose(places)))
    assert len(places) > 40 and max(b - a for a, b in pairwise(angles)) < 1.2
    for masks, _ in stream(monkeypatch, gan=small_game(shape=shape), train=marked(), rotation=10, flip=False):
        for mask in masks:
            row, column = np.argwhere(mask[..., 0]).mean(axis=0) - middle
            angle = np.degrees(np.arctan2(row, column))
            assert min(abs(angle - np.degrees(np.arctan2(-5, 6 + number))) for number in range(3)) < 11


def test_flips_alone_are_of_both_kinds_and_each_image_has_its_own(monkeypatch):
    pairs = stream(monkeypatch, gan=small_game(shape=(20, 32, 3)), train=marked(), batch_size=4, last=6)
    above, right = set(), set()
    kinds = []
    for masks, photographs in pairs:
        np.testing.assert_array_equal(photographs[..., :1], masks)
        places = [np.argwhere(mask[..., 0]).mean(axis=0) for mask in masks]
        kinds.append([(bool(row < 10), bool(column > 16)) for row, column in places])
    flat = [one for batch in kinds for one in batch]
    above, right = np.mean(flat, axis=0)
    assert len(set(flat)) == 4 and 0.3 < above < 0.7 and 0.3 < right < 0.7
    assert any(len(set(batch)) > 1 for batch in kinds)
    still = stream(monkeypatch, gan=small_game(shape=(20, 32, 3)), train=marked(), flip=False)
    wanted = [one.tobytes() for one in marked().masks["vessels"][..., None].astype("float32")]
    assert {mask.tobytes() for masks, _ in still for mask in masks} == set(wanted)


def test_batches_follow_from_seed_and_step_alone(monkeypatch):
    whole = stream(monkeypatch, rotation=20, seed=5)
    assert len(whole) == 4 * 3
    for one, other in zip(stream(monkeypatch, first=2, rotation=20, seed=5), whole[6:], strict=True):
        for found, expected in zip(one, other, strict=True):
            np.testing.assert_array_equal(found, expected)
    for one, other in pairwise(whole):
        assert (one[1] != other[1]).any()
    assert (stream(monkeypatch, rotation=20, seed=6)[0][1] != whole[0][1]).any()
    assert whole[0][1].shape == (2, *SHAPE) and whole[0][1].dtype == np.float32
