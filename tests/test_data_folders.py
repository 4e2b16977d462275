"""Class folders: what is read, what is converted and said, what is refused."""

import json
import re
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookinside.data import describe, find_set, load_images
from lookinside.data.reading import read_grey, to_square
from lookinside.errors import LookInsideError


def save(path: Path, array=None, mode=None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if array is None:
        array = np.random.default_rng(zlib.crc32(path.name.encode())).integers(0, 255, (20, 30), dtype=np.uint8)
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(path)
    return path


@pytest.fixture
def folder(tmp_path) -> Path:
    for split, number in (("train", 3), ("test", 2)):
        for name in ("hand", "foot"):
            for i in range(number):
                save(tmp_path / "mine" / split / name / f"{i}.png")
    return tmp_path / "mine"


def refusal(folder, split="train", size=16) -> str:
    with pytest.raises(LookInsideError) as caught:
        load_images(folder, split, size)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_reads_both_parts(folder):
    (folder / "train" / "hand" / "notes.txt").write_text("not a picture, not named like one")
    (folder / "train" / "hand" / "._0.png").write_bytes(b"a Mac's shadow file")
    (folder / "train" / ".hidden").mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = load_images(folder, "train", 24), load_images(folder, "test", 24)
    assert train.class_names == test.class_names == ("foot", "hand")
    assert train.counts() == {"foot": 3, "hand": 3} and test.counts() == {"foot": 2, "hand": 2}
    assert train.shape == (24, 24, 1) and train.names[0] == "train/foot/0.png"


def test_proportions_are_kept_and_the_rest_is_black():
    square = to_square(np.full((20, 40), 200, np.uint8), 16)
    assert (square[4:12] == 200).all() and (square[:4] == 0).all() and (square[12:] == 0).all()
    tall = to_square(np.full((40, 20), 200, np.uint8), 80)  # enlarged, bars left and right
    assert (tall[:, 20:60] == 200).all() and (tall[:, :20] == 0).all() and (tall[:, 60:] == 0).all()


def test_scaling_is_antialiased():
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    small = to_square(stripes, 16)
    assert np.abs(small.astype(int) - 127).max() < 20  # dropping columns would give 0 or 255


def test_same_size_is_left_alone():
    image = np.random.default_rng(0).integers(0, 255, (32, 32), dtype=np.uint8)
    np.testing.assert_array_equal(to_square(image, 32), image)


def test_other_modes_become_grey_and_it_is_said(folder):
    ramp = (np.arange(600).reshape(20, 30) * 5 + 1000).astype(np.uint16)
    save(folder / "train/foot/deep.png", ramp)
    colour = np.zeros((20, 30, 3), np.uint8)
    colour[..., 1] = 255
    save(folder / "train/foot/green.png", colour)
    save(folder / "train/foot/palette.png", colour, "P")
    with pytest.warns(UserWarning) as caught:
        data = load_images(folder, "train", 30)
    said = [str(warning.message) for warning in caught]
    assert any(re.search(r"2 colour images converted to grey, first: .*green\.png$", text) for text in said)
    assert any(re.search(r"1 image of 16 bits or more stretched to 0-255, first: .*deep\.png$", text) for text in said)
    assert len(said) == 2
    deep = data.images[data.names.index("train/foot/deep.png"), 5:25, :, 0]
    assert deep[0, 0] == 0 and deep[-1, -1] == 255 and abs(int(deep[10, 0]) - 128) <= 1
    green = data.images[data.names.index("train/foot/green.png"), 10, 10, 0]
    assert green == 150  # 0.587 * 255


def test_transparent_pixels_are_black_and_bits_are_grey(tmp_path):
    clear = np.zeros((20, 20, 4), np.uint8)
    clear[..., :3] = 255
    clear[:10, :, 3] = 255
    picture = read_grey(save(tmp_path / "a.png", clear))
    assert picture.change == "colour" and (picture.pixels[:10] == 255).all() and (picture.pixels[10:] == 0).all()
    bits = read_grey(save(tmp_path / "b.png", np.eye(20, dtype=bool)))
    assert bits.change == "" and bits.pixels[3, 3] == 255 and bits.pixels[3, 4] == 0


def test_a_phone_picture_is_turned_upright(tmp_path):
    image = Image.fromarray(np.tile(np.arange(40, dtype=np.uint8) * 6, (20, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert read_grey(tmp_path / "a.jpg").pixels.shape == (40, 20)


def test_truncated_png_is_named(folder):
    path = save(folder / "train/hand/cut.png", np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:3000])
    assert re.search(r"cut\.png: is cut short or damaged: replace or delete it$", refusal(folder))


def test_damage_inside_a_png_is_named(folder):
    path = save(folder / "train/hand/bent.png", np.random.default_rng(0).integers(0, 255, (90, 90), dtype=np.uint8))
    raw = bytearray(path.read_bytes())
    raw[500:520] = bytes(20)
    path.write_bytes(bytes(raw))
    assert "bent.png: is cut short or damaged" in refusal(folder)


def test_text_named_png_and_empty_file(folder):
    (folder / "train/hand/a_text.png").write_text("I am a text")
    assert "a_text.png: is no picture, whatever .png says: replace or delete it" in refusal(folder)
    (folder / "train/hand/a_text.png").write_bytes(b"")
    assert "a_text.png: is an empty file" in refusal(folder)


def test_all_broken_files_are_counted(folder):
    for name in ("x", "y", "z"):
        (folder / f"train/foot/{name}.png").write_text("text")
    assert refusal(folder).endswith("x.png: is no picture, whatever .png says: replace or delete it (and 2 more files)")


def test_small_and_many_in_one(folder):
    save(folder / "train/foot/tiny.png", np.zeros((15, 40), np.uint8))
    assert "tiny.png: is only 40x15 px: give 16 px a side or more" in refusal(folder)
    (folder / "train/foot/tiny.png").unlink()
    frames = [Image.fromarray(np.full((20, 20), v, np.uint8)) for v in (0, 9)]
    frames[0].save(folder / "train/foot/stack.tif", save_all=True, append_images=frames[1:])
    assert "stack.tif: holds 2 pictures" in refusal(folder)


def test_values_that_are_no_numbers(folder):
    Image.fromarray(np.full((20, 20), np.nan, np.float32)).save(folder / "train/foot/nan.tif")
    assert "nan.tif: holds values that are not numbers" in refusal(folder)


def test_one_class(tmp_path):
    save(tmp_path / "train/hand/0.png")
    assert "has one class only, 'hand'" in refusal(tmp_path)


def test_empty_class(folder):
    (folder / "train" / "knee").mkdir()
    assert re.search(r"train/knee: holds no picture .* or remove the folder$", refusal(folder))
    (folder / "train" / "knee" / "x.dcm").write_bytes(b"")
    assert "only DICOM files" in refusal(folder)


def test_class_in_test_that_is_not_in_train(folder):
    save(folder / "test/knee/0.png")
    for split in ("train", "test"):
        assert re.search(
            r"test/knee: this class is not in train/: add .*train/knee or remove it$", refusal(folder, split)
        )


def test_class_in_train_that_is_not_in_test_is_fine(folder):
    save(folder / "train/knee/0.png")
    assert load_images(folder, "test", 16).counts() == {"foot": 2, "hand": 2, "knee": 0}


def test_other_refusals(folder, tmp_path):
    assert "no such folder" in refusal(tmp_path / "nowhere")
    assert "no split 'valid'" in refusal(folder, "valid")
    assert "size is 8" in refusal(folder, size=8)
    assert "size is '64'" in refusal(folder, size="64")
    (tmp_path / "bare").mkdir()
    assert "holds no class folder" in refusal(tmp_path / "bare")
    (tmp_path / "half" / "test").mkdir(parents=True)
    assert "has test/ but no train/" in refusal(tmp_path / "half")


@pytest.mark.parametrize("inside", ["", "train"])
def test_without_a_test_part_one_is_held_back(tmp_path, inside):
    for name in ("hand", "foot"):
        for i in range(20):
            save(tmp_path / "set" / inside / name / f"{i:02d}.png")
    with pytest.warns(UserWarning, match=r"has no test/: 6 of 40 images \(15% of each class, seed 0\)"):
        train = load_images(tmp_path / "set", "train", 16)
    with pytest.warns(UserWarning, match="has no test/"):
        test = load_images(tmp_path / "set", "test", 16)
    assert test.counts() == {"foot": 3, "hand": 3} and len(train) == 34
    assert not set(train.names) & set(test.names)


def test_progress_wraps_the_files(folder):
    seen = []
    load_images(folder, "train", 16, progress=lambda files: seen.append(len(files)) or files)
    assert seen == [6]


def test_sets_are_found_from_root_and_chapters(folder, tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    (tmp_path / "repo/chapters").mkdir(parents=True)
    (tmp_path / "repo/data").mkdir()
    folder.rename(tmp_path / "repo/data/mine")
    for place in ("repo", "repo/chapters"):
        monkeypatch.chdir(tmp_path / place)
        assert len(load_images("mine", "train", 16)) == 6
    assert find_set("mine") == tmp_path / "repo/data/mine"
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    save(tmp_path / "elsewhere/mine/train/a/0.png")
    assert find_set("mine") == tmp_path / "elsewhere/mine"  # the named place goes first


def test_a_missing_set_says_how_to_make_it(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    (tmp_path / "data/fingers").mkdir(parents=True)
    (tmp_path / "data_scripts").mkdir()
    (tmp_path / "data_scripts/unifesp.py").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        LookInsideError, match=r"no set 'unifesp' in data/ yet: make it with `python data_scripts/unifesp\.py`"
    ):
        find_set("unifesp")
    with pytest.raises(LookInsideError, match=r"data/unifsp/train/<class>/.*did you mean unifesp\?"):
        find_set("unifsp")
    with pytest.raises(LookInsideError, match=r"did you mean fingers\?"):
        find_set("finger")


def test_describe(folder):
    info = describe(folder)
    assert info.licence == "not stated" and info.counts == {
        "train": {"foot": 3, "hand": 3},
        "test": {"foot": 2, "hand": 2},
    }
    card = {"format": 1, "title": "Mine", "licence": "CC0", "citation": "Me", "source": "here", "left_out": {"x": 3}}
    (folder / "dataset.json").write_text(json.dumps(card))
    info = describe(folder)
    assert (info.name, info.licence, info.notes["left_out"]) == ("Mine", "CC0", {"x": 3})
    assert "Licence:  CC0" in str(info) and "train:    6 images" in str(info)


@pytest.mark.parametrize(
    ("text", "says"), [("{", "cannot be read"), ("[]", "not an object"), ('{"format": 2}', "format 2")]
)
def test_a_broken_card_is_named(folder, text, says):
    (folder / "dataset.json").write_text(text)
    with pytest.raises(LookInsideError, match=rf"dataset\.json: .*{says}"):
        describe(folder)
    assert "dataset.json" in refusal(folder)
