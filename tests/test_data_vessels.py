"""Pictures beside masks of their vessels: a user's own, and what is refused."""

import warnings

import numpy as np
import pytest
from PIL import Image

from lookinside.data import DataWarning, describe, load_vessels
from lookinside.errors import LookInsideError

RNG = np.random.default_rng(0)


def masked(shape=(40, 30)) -> np.ndarray:
    return np.where(RNG.random(shape) > 0.8, 255, 0).astype(np.uint8)


@pytest.fixture
def mine(tmp_path):
    """20 pictures of 10 people and their masks, black and white, or 0 and 1 as programs write them."""
    for folder in ("images", "vessels"):
        (tmp_path / folder).mkdir()
    for number in range(20):
        pixels = RNG.integers(0, 255, (40, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"images/{number}.jpg")
        Image.fromarray(masked() // (1 if number % 2 else 255)).save(tmp_path / f"vessels/{number}.png")
    return tmp_path


def black_on_transparent(path, mode="RGBA"):
    ink = Image.fromarray(masked())
    image = Image.new("LA", ink.size)
    image.putalpha(ink)
    image.convert(mode).save(path)


def loaded(folder, split="train", size=40):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load_vessels(folder, split, size)


def test_ones_own_pairs_are_divided_and_it_is_said(mine):
    with pytest.warns(DataWarning, match="3 of 20 pictures .* are held back"):
        train = load_vessels(mine, "train", 40)
    test = loaded(mine, "test")
    assert len(train) == 17 and len(test) == 3 and not set(train.names) & set(test.names)
    for part in (train, test):
        for name, mask in zip(part.names, part.masks["vessels"], strict=True):
            file = mine / name.replace("images", "vessels").replace("jpg", "png")
            np.testing.assert_array_equal(mask[:, 5:35], np.asarray(Image.open(file)) > 0)
    assert describe(mine).counts == {"all": {"pairs": 20}}


def test_index_csv_tells_the_part_and_the_patient(mine):
    lines = [f"images/{n}.jpg,p{n // 2},{'test' if n < 4 else 'train'},A" for n in range(20)]
    (mine / "index.csv").write_text("\n".join(["image,group,split,machine", *lines]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = load_vessels(mine, "train", 40), load_vessels(mine, "test", 40)
    assert set(test.groups) == {"p0", "p1"} and len(train) == 16 and set(train.tags) == {"machine"}
    (mine / "index.csv").write_text("\n".join(["image,group,split,machine", *lines]).replace("p1,test", "p9,test"))
    with pytest.warns(DataWarning, match=r"1 groups \(patients\) are in train and in test, first: p9"):
        load_vessels(mine, "train", 40)
    (mine / "index.csv").write_text("\n".join(["image,group,split,machine", *lines]).replace("p1,test", "p1,val"))
    with pytest.raises(LookInsideError, match="the split 'val': write train or test"):
        load_vessels(mine, "train", 40)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda at: (at / "vessels/3.png").unlink(), r"images/3\.jpg: has no mask in .*vessels: add 3\.png"),
        (lambda at: (at / "images/3.jpg").unlink(), r"vessels/3\.png: has no picture in .*images"),
        (
            lambda at: Image.fromarray(masked((39, 30))).save(at / "vessels/3.png"),
            r"is of 30x39 px, its picture of 30x40",
        ),
        (
            lambda at: Image.fromarray(masked() // 2 + 9).save(at / "vessels/3.png"),
            "2 grey levels from 9 to 136, not 0 and",
        ),
        (
            lambda at: Image.fromarray(RNG.integers(0, 3, (40, 30), dtype=np.uint8)).save(at / "vessels/3.png"),
            r"vessels/3\.png: has 3 grey levels from 0 to 2.*as PNG",
        ),
        (lambda at: Image.fromarray(masked()).save(at / "vessels/3.bmp"), "two files of one name"),
        (
            lambda at: Image.fromarray(masked() == 0).save(at / "vessels/3.png"),
            r"3\.png: \d\d% of it are vessels: turn",
        ),
        (lambda at: black_on_transparent(at / "vessels/3.png"), r"3\.png: is black on a transparent ground: save it"),
        (lambda at: black_on_transparent(at / "vessels/3.png", "LA"), "is black on a transparent ground"),
        (lambda at: (at / "vessels").rename(at / "masks"), "has no images/ with vessels/ beside it"),
        (lambda at: (at / "images/3.jpg").write_text("x"), r"3\.jpg: is no picture"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(mine, spoil, says):
    spoil(mine)
    with pytest.raises(LookInsideError, match=says) as caught:
        for split in ("train", "test"):
            loaded(mine, split)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_white_vessels_on_a_transparent_ground_are_read(mine, mode):
    ink = Image.fromarray(masked())
    image = Image.new("LA", ink.size, (255, 255))
    image.putalpha(ink)
    image.convert(mode).save(mine / "vessels/3.png")
    both = loaded(mine).join(loaded(mine, "test"))
    found = both.masks["vessels"][both.names.index("images/3.jpg")]
    np.testing.assert_array_equal(found[:, 5:35], np.asarray(ink) > 0)


@pytest.mark.parametrize("color", [0, (0, 0), (0, 255)])
def test_masks_without_vessels_are_counted(mine, color):
    (mine / "index.csv").write_text("\n".join(["image,split", *(f"images/{n}.jpg,train" for n in range(20))]))
    for number in (3, 7):
        Image.new("LA" if color else "L", (30, 40), color).save(mine / f"vessels/{number}.png")
    with pytest.warns(DataWarning, match=r"\A2 masks without any vessel, first: .*3\.png\Z") as caught:
        load_vessels(mine, "train", 40)
    assert caught[0].filename == __file__  # it names the reader's own line


def test_pictures_of_16_bits_and_pictures_that_are_gone_are_said(mine):
    lines = [f"images/{n}.{'png' if n == 3 else 'jpg'},train" for n in range(21)]
    (mine / "index.csv").write_text("\n".join(["image,split", *lines]))
    (mine / "images/3.jpg").unlink()
    Image.fromarray(RNG.integers(0, 4096, (40, 30)).astype(np.uint16)).save(mine / "images/3.png")
    with pytest.warns(DataWarning) as caught:
        load_vessels(mine, "train", 40)
    gone, stretched = (str(one.message) for one in caught)
    assert gone.endswith("index.csv: lists 1 picture not found in the set's folder, first: images/20.jpg")
    assert stretched == f"1 image of 16 bits or more stretched to 0-255, first: {mine / 'images/3.png'}"


def test_arguments_out_of_range(mine):
    for arguments, says in (
        ((mine, "val", 40), "no split 'val'"),
        ((mine, "train", 3), "size is 3"),
        ((None, "train", 40), "the set is None: give its name"),
    ):
        with pytest.raises(LookInsideError, match=says):
            load_vessels(*arguments)
