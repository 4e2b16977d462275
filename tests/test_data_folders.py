"""Class folders: what is read, what is converted and said, what is refused."""

import json
import os
import re
import shutil
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from lookinside.data import DataWarning, class_like, describe, find_set, load_images
from lookinside.data.files import progress_bars
from lookinside.data.files.reading import read_picture, to_square
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
    with pytest.warns(DataWarning) as caught:
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
    picture = read_picture(save(tmp_path / "a.png", clear))
    assert picture.change == "" and (picture.pixels[:10] == 255).all() and (picture.pixels[10:] == 0).all()
    bits = read_picture(save(tmp_path / "b.png", np.eye(20, dtype=bool)))
    assert bits.change == "" and bits.pixels[3, 3] == 255 and bits.pixels[3, 4] == 0


def test_grey_that_is_stored_as_colour_is_grey(tmp_path):
    grey = np.random.default_rng(0).integers(0, 255, (20, 30), dtype=np.uint8)
    for name, mode in (("a.png", "RGB"), ("b.gif", "P"), ("c.webp", "RGB")):
        path = tmp_path / name
        Image.fromarray(grey).convert(mode).save(path, lossless=True)
        picture = read_picture(path)
        assert picture.change == "", name
        np.testing.assert_array_equal(picture.pixels, grey, name)


def test_three_channels(folder):
    colour = np.random.default_rng(0).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    save(folder / "train/foot/colour.png", colour)
    save(folder / "train/foot/wide.png", np.full((18, 36, 3), (9, 99, 199), np.uint8))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = load_images(folder, "train", 24, channels=3)
    assert data.shape == (24, 24, 3)
    np.testing.assert_array_equal(data.images[data.names.index("train/foot/colour.png")], colour)
    grey = data.images[data.names.index("train/hand/0.png")]
    assert (grey == grey[..., :1]).all() and grey.any()
    wide = data.images[data.names.index("train/foot/wide.png")]
    assert (wide[6:18] == (9, 99, 199)).all() and not wide[:6].any()
    with pytest.raises(LookInsideError, match="channels is 4"):
        load_images(folder, "train", 24, channels=4)


DEEP = (np.arange(600).reshape(20, 30) * 100 + 1000).astype(np.uint16)


@pytest.mark.parametrize("photometric", ["miniswhite", "minisblack"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
def test_white_as_minimum(tmp_path, photometric, dtype):
    """Written by tifffile, not by the library that reads."""
    values = (DEEP / (257 if dtype == "u1" else 1)).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric=photometric)
    shown = read_picture(tmp_path / "a.tif").pixels.astype(int)
    share = (values.astype(float) - values.min()) / float(values.max() - values.min())
    expected = values.astype(int) if dtype == "u1" else np.rint(share * 255)
    assert np.abs(shown - (255 - expected if photometric == "miniswhite" else expected)).max() <= 1


def test_a_tiff_that_is_not_read_is_not_called_something_else(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DEEP, photometric="miniswhite", byteorder=">")
    with pytest.raises(LookInsideError, match=r"a\.tif: is a TIFF of a kind that is not read here: save it as PNG"):
        read_picture(tmp_path / "a.tif")


def test_damaged_pictures_never_end_in_a_traceback(tmp_path):
    """A few hundred files with bytes bent, cut or doubled: read, or refused in one line."""
    draw = np.random.default_rng(7)
    whole = {}
    for suffix in (".png", ".jpg", ".bmp", ".tif", ".webp", ".gif"):
        save(
            tmp_path / f"a{suffix}",
            draw.integers(0, 255, (24, 20, 3), dtype=np.uint8),
            "P" if suffix == ".gif" else None,
        )
        whole[suffix] = (tmp_path / f"a{suffix}").read_bytes()
    tifffile.imwrite(tmp_path / "b.tif", DEEP, photometric="miniswhite")
    whole["2.tif"] = (tmp_path / "b.tif").read_bytes()
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number in range(420):
            suffix = list(whole)[number % len(whole)]
            path = tmp_path / f"c{suffix}"
            path.write_bytes(bent(whole[suffix], draw))
            try:
                assert read_picture(path).pixels.dtype == np.uint8
            except LookInsideError as problem:
                refused += 1
                assert "\n" not in str(problem) and str(problem).startswith(str(path))
    assert 100 < refused < 400


def bent(raw: bytes, draw) -> bytes:
    """Some bytes changed (most in the head), or the end cut off, or a piece there twice."""
    raw = bytearray(raw)
    kind = draw.integers(4)
    if kind == 3:
        return bytes(raw[: draw.integers(len(raw))])
    if kind == 2:
        start, length = draw.integers(len(raw)), draw.integers(1, 40)
        return bytes(raw[:start] + raw[start : start + length] + raw[start:])
    for place in draw.integers(0, min(len(raw), 200) if kind else len(raw), draw.integers(1, 6)):
        raw[place] = draw.integers(256)
    return bytes(raw)


def test_a_phone_picture_is_turned_upright(tmp_path):
    image = Image.fromarray(np.tile(np.arange(40, dtype=np.uint8) * 6, (20, 1)))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").pixels.shape == (40, 20)


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
    with pytest.warns(DataWarning, match=r"has no test/: 6 of 40 images \(15% of each class, seed 0\)"):
        train = load_images(tmp_path / "set", "train", 16)
    with pytest.warns(DataWarning, match="has no test/"):
        test = load_images(tmp_path / "set", "test", 16)
    assert test.counts() == {"foot": 3, "hand": 3} and len(train) == 34
    assert not set(train.names) & set(test.names)


def test_what_is_left_out_is_said(folder):
    Image.new("L", (20, 20)).save(folder / "train/hand/a.webp")
    Image.new("L", (20, 20)).save(folder / "train/hand/b.gif")
    for name in ("hand/Thumbs.db", "foot/list.csv", "hand/c.heic", "hand/d.dcm"):
        (folder / "train" / name).write_bytes(b"x")
    save(folder / "train/foot/more/1.png")
    save(folder / "train/lost.png")
    with pytest.warns(DataWarning) as caught:
        data = load_images(folder, "train", 16)
    (said,) = caught
    assert re.search(r"4 files or folders in .*train left out \(PNG.* first: .*train/foot/more$", str(said.message))
    assert data.counts() == {"foot": 3, "hand": 5} and said.filename == __file__


@pytest.mark.parametrize(("train", "test"), [("Train", "Test"), ("training", "testing"), ("TRAIN", "test")])
def test_other_spellings_of_train_and_test(folder, train, test):
    (folder / "train").rename(folder / train)
    (folder / "test").rename(folder / test)
    assert load_images(folder, "train", 16).names[0] == f"{train}/foot/0.png"
    assert load_images(folder, "test", 16).counts() == {"foot": 2, "hand": 2}
    assert describe(folder).counts["train"] == {"foot": 3, "hand": 3}


def test_a_validation_part_is_said(folder):
    (folder / "test").rename(folder / "validation")
    with pytest.warns(DataWarning) as caught:
        assert load_images(folder, "train", 16).counts() == {"foot": 2, "hand": 2}
    said = [str(warning.message) for warning in caught]
    assert any(re.search(r"4 images in .*validation are not read: .* or call the folder test/$", text) for text in said)
    assert any("has no test/: 2 of 6 images" in text for text in said)
    (folder / "train").rename(folder / "training")
    (folder / "validation").rename(folder / "train")
    assert re.search(r"has both train/ and training/: keep one|has both training/ and train/", refusal(folder))


def test_misplaced_class_folders_are_explained(folder, tmp_path):
    (tmp_path / "outer").mkdir()
    folder.rename(tmp_path / "outer/mine")
    assert re.search(r"mine: holds no picture but folders \(test, train\): class folders", refusal(tmp_path / "outer"))
    (tmp_path / "outer/mine/test/hand").rename(tmp_path / "outer/mine/test/Hands")
    assert "Hands: this class is not in train/, which has hand: " in refusal(tmp_path / "outer/mine")


def grouped(folder, rows) -> Path:
    (folder / "index.csv").write_text("image,group\n" + "".join(f"{name},{group}\n" for name, group in rows))
    return folder


def test_groups_come_from_a_table(folder):
    names = [f"{s}/{c}/{i}.png" for s, n in (("train", 3), ("test", 2)) for c in ("foot", "hand") for i in range(n)]
    grouped(folder, [(name, f"p{i}") for i, name in enumerate(names)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load_images(folder, "train", 16).groups == ("p0", "p1", "p2", "p3", "p4", "p5")
        assert load_images(folder, "test", 16).groups == ("p6", "p7", "p8", "p9")
    grouped(folder, [(name, f"p{i % 8}") for i, name in enumerate(names)])
    with pytest.warns(DataWarning, match=r"2 groups \(patients\) are in train/ and in test/, first: p0"):
        load_images(folder, "test", 16)
    shutil.rmtree(folder / "test")
    names = [f"train/{name}/{i}.png" for name in ("foot", "hand") for i in range(10)]
    for name in names:
        save(folder / name)
    grouped(folder, [(name, name.split("/")[2]) for name in names])  # foot 0 and hand 0 are one patient
    with pytest.warns(DataWarning, match="groups kept together"):
        train, test = load_images(folder, "train", 16), load_images(folder, "test", 16)
    assert not set(train.groups) & set(test.groups) and test.counts() == {"foot": 2, "hand": 2}


def test_further_columns_are_tags(folder):
    names = [f"{s}/{c}/{i}.png" for s, n in (("train", 3), ("test", 2)) for c in ("foot", "hand") for i in range(n)]
    rows = "".join(f"{name},{'ct' if i % 2 else 'mri'},{i}\n" for i, name in enumerate(names))
    (folder / "index.csv").write_text("image,modality,group\n\n" + rows)
    train, test = load_images(folder, "train", 16), load_images(folder, "test", 16)
    assert list(train.tags) == ["modality"] and train.tags["modality"] == ("mri", "ct") * 3
    assert train.groups == ("0", "1", "2", "3", "4", "5") and test.tagged(modality="ct").groups == ("7", "9")
    (folder / "index.csv").write_text("image,view\n" + "".join(f"{name},{name}\n" for name in names))
    assert load_images(folder, "test", 16).groups is None  # a column group may be missing
    shutil.rmtree(folder / "test")
    with pytest.warns(DataWarning, match="has no test/"):
        held_back = load_images(folder, "test", 16)
    assert held_back.tags["view"] == held_back.names and len(held_back) == 2


def test_the_older_name_of_the_table_is_refused(folder):
    (folder / "groups.csv").write_text("image,group\n")
    assert "groups.csv: this table is called index.csv now: rename it" in refusal(folder)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("image,group\ntrain/foot/0.png,p\n", r"does not list train/foot/1\.png \(and 4 more\)"),
        ("image,Patient\n", "has the column Patient: call it group"),
        ("image,modality,case\n", "has the column case: call it group"),
        ("image\n", "has the columns image: give image and group, or image and a tag"),
        ("", "has the columns none"),
        ("file,group\n", "has the columns file, group: give image"),
        ("image,group,\n", "has a column without a name"),
        ("image,view,view\n", "has two columns view"),
        ("image,group\ntrain/foot/0.png\n", "line 2: gives no group"),
        ("image,group,view\ntrain/foot/0.png,p,\n", "line 2: gives no view"),
        ("image,group\n,p\n", "line 2: gives no image"),
        ("image,group\na,p,q\n", "line 2: has 3 values for 2 columns"),
        ("image,group\na,p\na,q\n", "line 3: a was there before with other values"),
        ("image,group\na,\xff\n", "cannot be read as a table"),
    ],
)
def test_tables_of_groups_that_do_not_fit(folder, text, says):
    (folder / "index.csv").write_bytes(text.encode("latin-1"))
    assert re.search(r"index\.csv: " + says, refusal(folder))


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (("Foot", "Hand"), "hand", "Hand"),
        (("feet", "hands"), "foot", "feet"),
        (("FEET", "Hands"), "hand", "Hands"),
        (("hands", "hand"), "hand", "hand"),
        (("Hand X-ray", "foot_xray"), "hand", "Hand X-ray"),
        (("lumbar-spine", "Sinuses", "Pelvis", "ribs"), "lumbar_spine", "lumbar-spine"),
        (("lumbar-spine", "Sinuses", "Pelvis", "ribs"), "sinuses", "Sinuses"),
        (("lumbar-spine", "Sinuses", "Pelvis", "Rib"), "ribs", "Rib"),
        (("left_hand", "handle", "x-ray"), "hand", None),
        ((), "hand", None),
    ],
)
def test_class_names_as_people_write_them(names, wanted, found):
    assert class_like(names, wanted) == found


def test_progress_wraps_the_files(folder):
    seen = []
    load_images(folder, "train", 16, progress=lambda files: seen.append(len(files)) or files)
    assert seen == [6]


@pytest.mark.parametrize("progress", [True, False, None])
def test_a_bar_or_none(folder, progress, monkeypatch):
    shown = []
    monkeypatch.setattr(progress_bars, "tqdm", lambda work, **_: shown.append(len(work)) or work)
    load_images(folder, "train", 16, progress=progress)
    assert shown == ([] if progress is False else [6])


@pytest.mark.parametrize("progress", ["yes", 1, []])
def test_what_is_no_bar_is_refused(folder, progress):
    with pytest.raises(
        LookInsideError, match=r"\Aprogress is .*: give True, False, or a function that wraps the work\Z"
    ):
        load_images(folder, "train", 16, progress=progress)


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


@pytest.mark.parametrize("locked", [".", "train", "train/hand"])
@pytest.mark.parametrize("read", [describe, lambda path: load_images(path, "train", 16)])
def test_a_folder_that_may_not_be_read_is_named(folder, read, locked, monkeypatch):
    def refuse(path):
        if path == folder / locked:
            raise PermissionError
        return listed(path)

    # An administrator may read everything, so permissions of the disk would test nothing there.
    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder / locked)
    where = re.escape(f"{folder / locked}")
    with pytest.raises(LookInsideError, match=rf"\A{where}: may not be read: change its permissions\Z"):
        read(folder)


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
    with pytest.raises(LookInsideError, match=r"put its folder there \(data/unifsp/\), .*; did you mean unifesp\?\Z"):
        find_set("unifsp")
    with pytest.raises(LookInsideError, match=r"did you mean fingers\?"):
        find_set("finger")


def test_a_folder_that_is_here_and_a_set_of_the_course_outside_of_its_repository(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    save(tmp_path / "photos/train/a/0.png")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LookInsideError, match=r"no set 'photos' .* give its path, \"\./photos\"\Z"):
        find_set("photos")
    with pytest.raises(
        LookInsideError, match=r"no set 'chase_db1' .*made in its repository: work there, or set COURSE_D"
    ):
        find_set("chase_db1")


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
