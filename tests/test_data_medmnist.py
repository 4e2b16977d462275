"""MedMNIST+: an npz of the publisher's format becomes class folders with the publisher's split."""

import json
import warnings
from dataclasses import replace

import medmnist
import numpy as np
import pytest
from preparing.cli import run
from test_data_archives import md5, server  # noqa: F401  (a fixture)
from test_data_scripts import left_behind, line

from lookinside.data import load_images
from lookinside.data.files.index_table import read_index

PARTS = {"train": 44, "val": 22, "test": 33}


def arrays(size=28) -> dict[str, np.ndarray]:
    draw = np.random.default_rng(0)
    made = {}
    for part, number in PARTS.items():
        made[f"{part}_images"] = draw.integers(0, 256, (number, size, size), dtype=np.uint8)
        made[f"{part}_labels"] = (np.arange(number) % 11).astype(np.uint8)[:, np.newaxis]
    return made


def saved(path, made=None):
    np.savez_compressed(path, **(made or arrays()))
    return path


def prepared(*arguments) -> int:
    return medmnist.main([str(a) for a in arguments])


def test_the_publishers_split_is_kept_and_every_pixel(tmp_path, capsys):
    made = arrays()
    made["test_images"][5] = made["train_images"][5]  # on both sides already at the publisher's
    path = saved(tmp_path / "organcmnist.npz", made)
    assert prepared("--size", 28, "--from", path, "--out", tmp_path / "set") == 0
    said = capsys.readouterr().out
    assert "2 of them on both sides of the publisher's split" in said and "the split is the publisher's" in said
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train, test = load_images(tmp_path / "set", "train", 28), load_images(tmp_path / "set", "test", 28)
    assert train.class_names == tuple(sorted(medmnist.CLASSES)) and train.groups is None
    assert set(train.counts().values()) == {6} and set(test.counts().values()) == {3}
    val = train.tagged(published_split="val")
    assert len(val) == 22 and len(train.tagged(published_split="train")) == 44
    names = list(medmnist.CLASSES)
    for part, data in (("train", train), ("val", train), ("test", test)):
        for number in range(PARTS[part]):
            label = names[number % 11]
            place = data.names.index(f"{'test' if part == 'test' else 'train'}/{label}/{part}_{number:05d}.png")
            np.testing.assert_array_equal(data.images[place, ..., 0], made[f"{part}_images"][number])
    card = json.loads((tmp_path / "set/dataset.json").read_text())
    assert card["split"]["published"] and "115, 16 and 70 CT scans" in card["split"]["rule"]
    assert card["choices"] == {"view": "coronal"} and card["original_names"]["lung_left"] == "lung-left"
    assert card["duplicates"]["on_both_sides"] == 2 and card["input"]["name"] == "organcmnist.npz"
    assert next(iter(read_index(tmp_path / "set").rows.values()))["width"] == "28"


def test_from_the_folder_that_holds_it(tmp_path, capsys):
    saved(tmp_path / "organsmnist_64.npz", arrays(64))
    assert prepared("--view", "sagittal", "--from", tmp_path, "--out", tmp_path / "set") == 0
    assert "OrganSMNIST (MedMNIST+): sagittal slices of 64 px" in capsys.readouterr().out
    assert prepared("--out", tmp_path / "set") == 0  # what is there is told, not the default
    assert "is ready already: 99 images, view sagittal (--force" in capsys.readouterr().out
    assert prepared("--view", "axial", "--out", tmp_path / "set") == 1
    assert "ready already with --view sagittal: --force makes it anew with --view axial" in line(capsys)


def test_fetched_with_its_checksum(server, tmp_path, capsys):  # noqa: F811
    body = saved(tmp_path / "made.npz").read_bytes()
    server.files["/organcmnist.npz"] = body

    def nearby(checksum):
        def variant(card, size, view):
            made = medmnist.variant(card, size, view)
            return replace(made, address=f"{server.address}/{made.address.rsplit('/', 1)[1]}", checksum=checksum)

        return replace(medmnist.CARD, variant=variant)

    options = ["--size", "28", "--out", str(tmp_path / "data/medmnist")]
    assert run(nearby(md5(b"other")), options) == 1
    assert "organcmnist.npz: the checksum is not md5:" in line(capsys)
    assert run(nearby(md5(body)), options) == 0
    assert left_behind(tmp_path / "data") == ["downloads", "medmnist"]


def test_every_view_and_size_has_its_address_and_checksum():
    for view in medmnist.VIEWS:
        for size in medmnist.CARD.sizes:
            card = medmnist.variant(medmnist.CARD, size, view)
            assert len(card.checksum) == len("md5:") + 32 and card.address.endswith(".npz")
    assert len(set(medmnist.MD5.values())) == 12
    # as ../shared/data/README.md and the package medmnist state them
    card = medmnist.variant(medmnist.CARD, 224, "coronal")
    assert card.address == "https://zenodo.org/records/10519652/files/organcmnist_224.npz"
    assert card.checksum == "md5:050f5e875dc056f6768abf94ec9995d1"


def without(key):
    return {name: array for name, array in arrays().items() if name != key}


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (without("val_labels"), "val_labels is missing: give organcmnist.npz as it was downloaded"),
        (without("train_images"), "train_images is missing"),
        (arrays(64), "train_images holds pictures of 64 px, not 28: say --size 64"),
        (arrays() | {"test_images": np.zeros((33, 28, 28, 3), np.uint8)}, "test_images is uint8 (33, 28, 28, 3), not"),
        (arrays() | {"test_images": np.zeros((33, 28, 20), np.uint8)}, "test_images is uint8 (33, 28, 20), not"),
        (arrays() | {"val_images": np.zeros((22, 28, 28), np.float32)}, "val_images is float32 (22, 28, 28), not"),
        (arrays() | {"val_images": np.zeros((0, 28, 28), np.uint8)}, "val_images is uint8 (0, 28, 28), not"),
        (arrays() | {"val_images": np.zeros((22, 28, 28), np.uint8, order="F")}, "val_images has its columns first"),
        (arrays() | {"val_images": np.zeros(22, object)}, "val_images cannot be read"),
        (arrays() | {"val_labels": np.zeros((21, 1), np.uint8)}, "val_labels is uint8 (21, 1), not whole numbers (22,"),
        (arrays() | {"val_labels": np.zeros((22, 1))}, "val_labels is float64 (22, 1), not whole numbers"),
        (arrays() | {"val_labels": np.full((22, 1), 11)}, "val_labels holds numbers from 11 to 11: 0 to 10"),
        (arrays() | {"val_labels": np.full((22, 1), -1)}, "val_labels holds numbers from -1 to -1"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, capsys, made, says):
    path = saved(tmp_path / "mine.npz", made)
    assert prepared("--size", 28, "--from", path, "--out", tmp_path / "set") == 1
    assert says in line(capsys)
    assert left_behind(tmp_path) == ["mine.npz"]


def test_broken_files_and_wrong_options(tmp_path, capsys):
    path = saved(tmp_path / "mine.npz")
    raw = path.read_bytes()
    for body, says in (
        (raw[:-2000], "mine.npz: is"),
        (b"text", "mine.npz: is no .zip or .tar archive"),
        (b"", "is no"),
    ):
        path.write_bytes(body)
        assert prepared("--size", 28, "--from", path, "--out", tmp_path / "set") == 1
        assert says in line(capsys)
    assert prepared("--size", 50, "--out", tmp_path / "set") == 1
    assert "--size is 50: choose from 28, 64, 128, 224" in line(capsys)
    with pytest.raises(SystemExit):
        prepared("--view", "oblique")
    assert "invalid choice: 'oblique'" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert prepared("--from", tmp_path / "empty", "--out", tmp_path / "set") == 1
    assert "train_images is missing: give organcmnist_64.npz as it was downloaded, or the folder" in line(capsys)
    other = saved(tmp_path / "organamnist.npz")
    assert prepared("--size", 28, "--from", other, "--out", tmp_path / "set") == 1
    assert "holds axial slices of 28 px, not coronal ones of 28 px: say --view axial --size 28" in line(capsys)
    assert prepared("--size", 28, "--view", "axial", "--from", other, "--out", tmp_path / "set") == 0
