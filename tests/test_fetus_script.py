"""The fetus script: boxes of two kinds of table, blacked rows, copies on one side, COCO files out."""

import csv
import json
import warnings
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import fetus
import numpy as np
import pytest
from PIL import Image
from test_data_scripts import left_behind, line

from lookinside.data import DataWarning, describe, load_boxed

COLUMNS = ("file", "structure", "y_min", "x_min", "y_max", "x_max")
PUBLISHED = ("fname", "structure", "h_min", "w_min", "h_max", "w_max")
COUNT, HEIGHT, WIDTH = 30, 90, 120


def pixels(number: int) -> np.ndarray:
    """Shapes under a bright line of text; numbers 4 and 11 are the same scan with other text."""
    coarse = np.random.default_rng(min(number, 4) if number == 11 else number).integers(0, 255, (6, 8), dtype=np.uint8)
    scan = np.array(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    scan[10:20, number : number + 40] = 255
    return scan


def rows(count=COUNT) -> list[tuple]:
    """Each picture but the last has an NT 20 px wide at its number, every third a nasal bone that begins at the top."""
    found = [(f"{i}.png", "NT", 60, i, 70, i + 20) for i in range(count - 1)]
    return found + [(f"{i}.png", "nasal bone", 40, 50, 52.5, 80) for i in range(0, count - 1, 3)]


def make(folder: Path, lines=None, columns=COLUMNS) -> Path:
    (folder / "images").mkdir(parents=True)
    for number in range(COUNT):
        Image.fromarray(pixels(number)).save(folder / "images" / f"{number}.png")
    table(folder / "boxes.csv", columns, rows() if lines is None else lines)
    table(folder / "images.csv", ("file", "split"), [(f"{number}.png", "trainval") for number in range(COUNT)])
    return folder


def table(path: Path, columns, lines) -> None:
    with path.open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *lines])


def workbook(path: Path, lines) -> None:
    """As spreadsheets write it: texts in a list of their own, numbers in the cells, empty cells left out."""
    texts = sorted({value for row in lines for value in row if isinstance(value, str)})

    def cell(row, column, value):
        name = f"{'ABCDEFGH'[column]}{row}"
        kind, inside = ('t="s"', texts.index(value)) if isinstance(value, str) else ("", value)
        return "" if value == "" else f'<c r="{name}" {kind}><v>{inside}</v></c>'

    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    body = "".join(
        f'<row r="{i}">{"".join(cell(i, k, value) for k, value in enumerate(row))}</row>'
        for i, row in enumerate(lines, 1)
    )
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("xl/worksheets/sheet1.xml", f"<worksheet {main}><sheetData>{body}</sheetData></worksheet>")
        opened.writestr("xl/sharedStrings.xml", f"<sst {main}>{shared}</sst>")


def prepared(*arguments) -> int:
    return fetus.main([str(a) for a in arguments])


def both(folder: Path, size=(HEIGHT, WIDTH)):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return load_boxed(folder, "train", size), load_boxed(folder, "test", size)


@pytest.fixture
def source(tmp_path) -> Path:
    return make(tmp_path / "source")


def test_boxes_become_coco_files(source, tmp_path, capsys):
    out = tmp_path / "data/fetus"
    assert prepared("--from", source, "--out", out) == 0
    said = capsys.readouterr().out
    assert "exact duplicates: 1 groups of 2 images, each on one side" in said and "patients: not known" in said
    assert left_behind(out) == ["annotations", "dataset.json", "images"] and left_behind(out.parent) == ["fetus"]
    train, test = both(out)
    assert len(train) + len(test) == COUNT and 4 <= len(test) <= 6
    assert f"train: {len(train)} images with" in said
    everything = train.join(test)
    assert everything.class_names == tuple(fetus.CLASSES) and everything.counts()["nasal_bone"] == 10
    for i, name in enumerate(everything.names):
        number = int(name.removesuffix(".png"))
        expected = pixels(number)
        expected[:48] = 0
        np.testing.assert_array_equal(everything.images[i, :, :, 0], expected)
        if number == COUNT - 1:
            assert everything.negatives[i]
        else:
            nt = everything.boxes[i][everything.labels[i] == everything.class_names.index("NT")]
            assert nt.tolist() == [[number, 60, number + 20, 70]]
    card = json.loads((out / "dataset.json").read_text())
    assert (
        card["duplicates"]["same_class"] == [["11.png", "4.png"]]
        and card["blacked_rows"]["boxes_that_begin_there"] == 10
    )
    assert card["images_without_boxes"] == {"train": 1, "test": 0} and card["images"]["test"] == len(test)
    assert "no series" in card["groups"] and describe(out).counts == card["counts"]
    assert prepared("--from", source, "--out", out) == 0
    assert f"is ready already: {COUNT} images" in capsys.readouterr().out


def test_the_copies_are_on_one_side_whatever_the_seed(source, tmp_path):
    for seed in (0, 10, 13):  # without groups, 10 would tear them apart
        assert prepared("--from", source, "--out", tmp_path / f"set{seed}", "--seed", seed) == 0
        sides = [set(part.names) for part in both(tmp_path / f"set{seed}")]
        assert sorted(len(names & {"4.png", "11.png"}) for names in sides) == [0, 2]
        assert len(sides[1]) >= 4


def test_boxes_are_scaled_with_their_pictures(source, tmp_path):
    assert prepared("--from", source, "--out", tmp_path / "set", "--size", 60) == 0
    everything = both(tmp_path / "set", (45, 60))[0]
    i = everything.names.index("8.png")
    assert everything.boxes[i].tolist() == [[4, 30, 14, 35]] and everything.shape == (45, 60, 1)


def test_the_publishers_workbook_in_an_archive(source, tmp_path, capsys):
    (source / "boxes.csv").unlink()
    (source / "images.csv").unlink()
    lines = [PUBLISHED, *rows(), ("40.png", "NT", 60, 0, 70, 20)]  # the last is of a picture that is not there
    workbook(source / "ObjectDetection.xlsx", [("", *row) for row in lines])
    with zipfile.ZipFile(tmp_path / "fetus.zip", "w") as opened:
        for path in source.rglob("*"):
            opened.write(path, path.relative_to(tmp_path))
    assert prepared("--from", tmp_path / "fetus.zip", "--out", tmp_path / "set") == 0
    train, test = both(tmp_path / "set")
    # Without a table of the images, a picture without a box may be of anything: it is left out, and said.
    assert len(train) + len(test) == COUNT - 1 and train.join(test).counts()["NT"] == COUNT - 1
    said = capsys.readouterr().out
    assert "1 (box, in the table, no file)" in said and "1 (picture, no box of it and not listed)" in said


def changed(**values):
    return [tuple({**dict(zip(COLUMNS, rows()[0], strict=True)), **values}.values()), *rows()[1:]]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (changed(structure="lips"), "line 2: structure 'lips' is unknown: choose from thalami"),
        (changed(x_max=130), "line 2: 0.png: the box [0, 60, 130, 70] lies outside of the image, which is 120 px wide"),
        (changed(x_max=0), "line 2: 0.png: the box [0, 60, 0, 70] has no area"),
        (changed(x_min=20, x_max=0), "line 2: 0.png: the box [20, 60, 0, 70] ends before it begins"),
        (changed(y_min="nan"), "line 2: 0.png: the box [0, nan, 20, 70] holds a value that is not a number"),
        (changed(y_min="high"), "line 2: a corner is no number (could not convert string to float: 'high')"),
        ([*rows(), rows()[3]], "3.png has a second box of NT: keep one of its lines"),
        ([("0.png", "NT", 1)], "line 2 is cut short"),
        ([("x.png", "NT", 60, 0, 70, 20)], None),
    ],
)
def test_a_wrong_table_is_refused_in_one_line(tmp_path, lines, says, capsys):
    source = make(tmp_path / "source", lines)
    status = prepared("--from", source, "--out", tmp_path / "set")
    if says is None:  # a line of a picture that is not there is counted
        assert status == 0 and "left out: 1 (box, in the table, no file)" in capsys.readouterr().out
        return
    assert status == 1 and says in line(capsys) and left_behind(tmp_path) == ["source"]


def test_folders_that_do_not_do(source, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert prepared("--from", tmp_path / "empty", "--out", tmp_path / "set") == 1
    assert "holds no table of boxes: give the folder with ObjectDetection.xlsx" in line(capsys)
    assert prepared("--out", tmp_path / "set") == 1
    assert "is downloaded in a browser: data.mendeley.com/datasets/n2rbrb9t4f/1" in line(capsys)
    (source / "more").mkdir()
    Image.fromarray(pixels(3)).save(source / "more/2.png")
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert "two pictures of one name: give a folder with one of them" in line(capsys)
    (source / "more/2.png").unlink()
    (source / "images/2.png").write_bytes(b"no picture")
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert "2.png: is no picture" in line(capsys)
    (source / "boxes.csv").rename(source / "boxes.xlsx")
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert "boxes.xlsx: cannot be read as a workbook" in line(capsys)


def test_the_real_part(real_set, tmp_path):
    """Its first 30 pictures and the copies; the whole takes a minute."""
    whole, part = real_set("fetus_framework"), tmp_path / "part"
    (part / "images").mkdir(parents=True)
    names = {f"{number}.jpg" for number in (*range(30), 134, 458)}
    for name in names:
        (part / "images" / name).symlink_to(whole / "images" / name)
    for name in ("boxes.csv", "images.csv"):
        columns, *lines = list(csv.reader((whole / name).read_text().splitlines()))
        table(part / name, columns, [row for row in lines if row[0] in names])
    assert prepared("--from", part, "--out", tmp_path / "set") == 0
    train, test = both(tmp_path / "set", (96, 128))
    everything = train.join(test)
    assert len(everything) == 32 and 3 <= len(test) <= 7
    assert [{"134.png", "458.png"} & set(one.names) for one in (train, test)] in [
        [{"134.png", "458.png"}, set()],
        [set(), {"134.png", "458.png"}],
    ]
    nt = np.concatenate(everything.only("NT").boxes)
    assert 0.8 < len(nt) / 32 <= 1 and 4 < np.median((nt[:, 2] - nt[:, 0]) / (nt[:, 3] - nt[:, 1])) < 12
    assert (everything.images[:, :8] == 0).all()  # 48 of some 450 rows, after scaling to 96
