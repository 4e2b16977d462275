"""COCO files: read with their pictures in one size, written and read again, and refused where they are wrong."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lookinside.data import (
    BoxedImages,
    DataWarning,
    coco_object,
    describe,
    load_boxed,
    load_images,
    read_coco,
    write_coco,
)
from lookinside.errors import LookInsideError

SIZE = (32, 48)


def entry(number, name=None, width=96, height=64, **more):
    return {"id": number, "file_name": name or f"{number}.png", "width": width, "height": height, **more}


def box(number, image, category, *bbox, **more):
    return {"id": number, "image_id": image, "category_id": category, "bbox": list(bbox), **more}


def good() -> dict:
    """Three images, the third without a box; categories with ids that are no positions."""
    return {
        "images": [entry(1), entry(2, width=64, height=64), entry(3)],
        "annotations": [box(1, 1, 7, 10, 20, 30, 16), box(2, 1, 3, 0, 0, 96, 64), box(3, 2, 7, 5, 6, 7, 8)],
        "categories": [{"id": 7, "name": "NT"}, {"id": 3, "name": "skull"}],
    }


def write(folder: Path, data=None, split="train", pictures=True) -> Path:
    """The set on the disk; each picture is black but for its boxes' place, which is white."""
    data = good() if data is None else data
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    (folder / "images").mkdir(exist_ok=True)
    (folder / "annotations" / f"{split}.json").write_text(data if isinstance(data, str) else json.dumps(data))
    for one in data["images"] if pictures else ():
        pixels = np.zeros((one["height"], one["width"]), np.uint8)
        pixels[6:14, 5:12] = 255
        path = folder / "images" / one["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return folder


def read(folder: Path, size=SIZE, **more) -> BoxedImages:
    return read_coco(folder / "annotations/train.json", folder / "images", size, **more)


def changed(*path, **values) -> dict:
    """A good file with other values at a place, such as changed("annotations", 0, bbox=[...])."""
    data = good()
    place = data
    for step in path:
        place = place[step]
    place.update(values)
    return data


def test_pictures_and_boxes_come_in_one_size(tmp_path):
    write(tmp_path)
    with pytest.warns(DataWarning, match="1 of 3 images of .*train.json have no box and are kept as negatives.*3.png"):
        data = read(tmp_path)
    assert data.class_names == ("skull", "NT") and data.names == ("1.png", "2.png", "3.png")
    assert data.shape == (32, 48, 1) and data.negatives.tolist() == [False, False, True]
    assert data.labels[0].tolist() == [1, 0]
    # Half the size; the square one has 8 columns of black on either side.
    assert data.boxes[0].tolist() == [[5, 10, 20, 18], [0, 0, 48, 32]]
    assert data.boxes[1].tolist() == [[10.5, 3, 14, 7]]
    bright = np.argwhere(data.images[1, :, :, 0] > 127)
    assert bright.min(axis=0).tolist() == [3, 10] and bright.max(axis=0).tolist() == [6, 13]
    assert data.tags["width"] == ("96", "64", "96") and data.groups is None
    assert read_quietly(tmp_path, channels=3).shape == (32, 48, 3)


def read_quietly(folder, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        return read(folder, **more)


def test_whole_numbers_may_be_written_as_floats(tmp_path):
    """A table with an empty row writes all of a column so: 7.0."""
    write(tmp_path)
    expected = read_quietly(tmp_path)
    file = tmp_path / "annotations" / "train.json"
    file.write_text(re.sub(r"(?<=[ \[])(\d+)(?=[,}\]])", r"\1.0", file.read_text()))
    assert '_id": 7.0' in file.read_text() and '"height": 64.0' in file.read_text()
    found = read_quietly(tmp_path)
    assert found.class_names == expected.class_names and found.tags == expected.tags
    for one, other in zip(found.boxes, expected.boxes, strict=True):
        np.testing.assert_array_equal(one, other)


def random_set(count=6, seed=0) -> BoxedImages:
    rng = np.random.default_rng(seed)
    corners = [np.sort(rng.uniform(0, 40, (rng.integers(0, 4), 2, 2)), axis=1).reshape(-1, 4) for _ in range(count)]
    return BoxedImages(
        rng.integers(0, 255, (count, 40, 52, 1), dtype=np.uint8),
        corners,
        [rng.integers(0, 2, len(one)) for one in corners],
        ("NT", "nasal bone"),
        [f"phantom {seed}-{i}" for i in range(count)],
        groups=[f"p{i // 2}" for i in range(count)],
        tags={"side": ["left", "right", "left"] * (count // 3)},
    )


@pytest.mark.filterwarnings("ignore::lookinside.data.DataWarning")
def test_what_is_written_is_read_again(tmp_path):
    data = random_set()
    path = write_coco(data, tmp_path / "set", "train")
    assert path == tmp_path / "set/annotations/train.json"
    again = load_boxed(tmp_path / "set", "train", (40, 52))
    both = again.join(load_boxed(tmp_path / "set", "test", (40, 52)))
    order = [both.names.index(f"{name}.png") for name in data.names]
    both = both.subset(order)
    np.testing.assert_array_equal(both.images, data.images)
    assert (
        both.class_names == data.class_names and both.groups == data.groups and both.tags["side"] == data.tags["side"]
    )
    for i in range(len(data)):
        np.testing.assert_allclose(both.boxes[i], data.boxes[i], atol=1e-5)
        assert both.labels[i].tolist() == data.labels[i].tolist()
    with pytest.raises(LookInsideError, match=r"train\.json: is there already: remove it"):
        write_coco(data, tmp_path / "set", "train")
    twins = data.join(data)
    with pytest.raises(LookInsideError, match=r"would both be phantom 0-0\.png: give each its own name"):
        write_coco(twins, tmp_path / "other", "train")
    assert not (tmp_path / "other").exists()


def test_masks_do_not_fit_into_a_coco_file_and_that_is_said(tmp_path):
    data = random_set(3)
    with_masks = BoxedImages(
        data.images, data.boxes, data.labels, data.class_names, data.names, {"NT": np.zeros((3, 40, 52), bool)}
    )
    with pytest.warns(DataWarning, match="COCO has no place for the masks NT"):
        write_coco(with_masks, tmp_path, "train")
    data = coco_object(with_masks)
    assert set(data) == {"images", "annotations", "categories"} and data["images"][0]["file_name"] == "phantom 0-0"


def test_two_parts(tmp_path):
    write(tmp_path)
    test = {**good(), "images": [entry(1, "a.png")], "annotations": [box(1, 1, 7, 1, 1, 5, 5)]}
    write(tmp_path, test, "test")
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / "images/forgotten.png")
    with pytest.warns(DataWarning) as said:
        data = load_boxed(tmp_path, "test", SIZE)
    assert data.names == ("a.png",) and len(said) == 1
    assert "1 pictures in" in str(said[0].message) and "forgotten.png" in str(said[0].message)
    assert said[0].filename == __file__
    told = describe(tmp_path)
    assert told.counts == {"train": {"skull": 1, "NT": 2}, "test": {"skull": 0, "NT": 1}}
    assert "train:    3 boxes in 3 images (NT 2, skull 1)" in str(told)


def test_parts_that_do_not_fit(tmp_path):
    write(tmp_path)
    write(tmp_path, {**good(), "images": [entry(1, "1.png")], "annotations": []}, "test")
    with pytest.raises(LookInsideError, match=r"test\.json: 1\.png is in train\.json too: keep it in one"):
        load_boxed(tmp_path, "train", SIZE)
    other = {"images": [entry(1, "a.png")], "annotations": [], "categories": [{"id": 7, "name": "NT"}]}
    write(tmp_path, other, "test")
    with pytest.raises(LookInsideError, match=r"has the categories NT, train\.json has skull, NT: give both the same"):
        load_boxed(tmp_path, "train", SIZE)


def test_a_patient_in_both_parts_is_said(tmp_path):
    write(tmp_path, {**good(), "images": [{**one, "group": f"p{one['id']}"} for one in good()["images"]]})
    write(tmp_path, {**good(), "images": [entry(1, "a.png", group="p2")], "annotations": []}, "test")
    with (
        pytest.warns(DataWarning, match="no box"),
        pytest.warns(DataWarning, match=r"1 groups \(patients\) are in train\.json and in test\.json, first: p2"),
    ):
        assert load_boxed(tmp_path, "train", SIZE).groups == ("p1", "p2", "p3")


def test_a_set_in_one_piece_is_divided(tmp_path):
    images = [entry(i, group=f"p{i // 2}") for i in range(40)]
    boxes = [box(i, i, 7 if i // 2 % 4 else 3, 1, 1, 5, 5) for i in range(36)]
    write(tmp_path, {**good(), "images": images, "annotations": boxes})
    said = "has no test.json: 6 of 40 images .about 15%, seed 0, groups kept together. are held back for testing"
    with pytest.warns(DataWarning, match="no box"), pytest.warns(DataWarning, match=said):
        train, test = load_boxed(tmp_path, "train", SIZE), load_boxed(tmp_path, "test", SIZE)
    assert (len(train), len(test)) == (34, 6) and not set(train.groups) & set(test.groups)
    assert min(test.counts().values()) > 0


NOT_A_BOX = r"annotation 1 \(1\.png\): the box "


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("{", r"train\.json: is no JSON"),
        ("[]", "has no lists images and annotations: export it as COCO"),
        ("[" * 100000, "is no JSON"),
        ({**good(), "categories": []}, "has no list categories"),
        ({**good(), "annotations": {}}, "no lists images and annotations"),
        ({**good(), "images": [*good()["images"], entry(2, "4.png")]}, "id 2 is there twice in images"),
        ({**good(), "images": [*good()["images"], entry(4, "2.png")]}, r"file_name 2\.png is there twice in images"),
        ({**good(), "annotations": [box(1, 1, 7, 1, 1, 5, 5)] * 2}, "id 1 is there twice in annotations"),
        (changed("categories", 1, id=7), "id 7 is there twice in categories"),
        (changed("categories", 1, name="NT"), "the name NT is there twice in categories"),
        (changed("images", 0, width=None), "entry 0 of images has no width: add it"),
        (changed("images", 0, id=[1]), r"entry 0 of images has the id \[1\]: give a whole number"),
        (changed("images", 0, file_name="../1.png"), "does not lie in the folder of images"),
        (changed("images", 0, height=64.5), r"is 96x64\.5 px: give whole numbers"),
        (changed("images", 0, group="p1"), r"2\.png has no group, others have"),
        (changed("images", 0, tags={"side": "left"}), r"2\.png has no tag side, others have"),
        (changed("annotations", 0, image_id=9), "annotation 1 is of image 9, which is not in images"),
        (changed("annotations", 0, category_id=1), r"\(1\.png\) is of category 1, which is not in categories"),
        (changed("annotations", 0, bbox=[1, 2, 3]), r"has the bbox \[1, 2, 3\]: give four numbers"),
        (changed("annotations", 0, bbox=[1, 2, 3, "4"]), "give four numbers"),
        (changed("annotations", 0, bbox=None), "entry 0 of annotations has no bbox"),
        (changed("annotations", 0, bbox=[1, 2, float("nan"), 4]), NOT_A_BOX + r".*not a number"),
        (changed("annotations", 0, bbox=[1, 2, float("inf"), 4]), NOT_A_BOX + r".*not a number"),
        (changed("annotations", 0, bbox=[30, 2, -10, 4]), r"bbox \[30, 2, -10, 4\] of negative width or height"),
        (changed("annotations", 0, bbox=[30, 2, 0, 4]), NOT_A_BOX + r"\[30, 2, 30, 6\] has no area"),
        (
            changed("annotations", 0, bbox=[50, 2, 80, 40]),
            NOT_A_BOX + ".*outside.*96 px wide and 64 px high: bbox",
        ),
        (changed("annotations", 0, bbox=[-3, 2, 8, 4]), NOT_A_BOX + ".*lies outside"),
        (changed("images", 0, width=80), r"annotation 2 \(1\.png\): the box \[0, 0, 96, 64\] lies outside"),
        (changed("images", 1, width=65), r"2\.png: is 64x64 px, but train\.json says 65x64: its boxes are of another"),
        (changed("images", 2, file_name="4.png"), r"4\.png: is not there: check the name"),
        (
            {**good(), "annotations": [box(i, 1, 7, 1, 1, 0, 5) for i in range(4)]},
            r"has no area: bbox is \[x_min, y_min, width, height\], correct or remove it \(and 3 more like it\)",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_one_line(tmp_path, data, says):
    write(tmp_path, good())
    write(tmp_path, data, pictures=False)
    with pytest.raises(LookInsideError, match=says) as problem:
        read_quietly(tmp_path)
    assert "\n" not in str(problem.value) and str(tmp_path) in str(problem.value)


def test_a_box_may_reach_over_the_rim_by_half_a_pixel(tmp_path):
    write(tmp_path, changed("annotations", 0, bbox=[-0.4, 20, 96.8, 44.5]))
    assert read_quietly(tmp_path).boxes[0][0].tolist() == [0, 10, 48, 32]


def test_crowds_are_left_out(tmp_path):
    write(tmp_path, changed("annotations", 0, iscrowd=1, segmentation={"counts": [], "size": [1, 1]}))
    with (
        pytest.warns(DataWarning, match="no box"),
        pytest.warns(DataWarning, match=r"1 boxes of crowds \(iscrowd\) in .* are left out"),
    ):
        assert read(tmp_path).counts() == {"skull": 1, "NT": 1}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("valid", SIZE), "no split 'valid': choose from train, test"),
        (("train", 32), r"size is 32: give \(height, width\)"),
        (("train", (32, 8)), "numbers of 16 or more"),
    ],
)
def test_arguments_are_checked(tmp_path, arguments, says):
    write(tmp_path)
    with pytest.raises(LookInsideError, match=says):
        load_boxed(tmp_path, *arguments)
    with pytest.raises(LookInsideError, match="channels is 2"):
        load_boxed(tmp_path, "train", SIZE, channels=2)


def test_a_set_without_a_coco_file_says_what_to_put_where(tmp_path):
    with pytest.raises(LookInsideError, match=r"train\.json: is not there: put a COCO file there"):
        load_boxed(tmp_path, "train", SIZE)
    with pytest.raises(LookInsideError, match=r"no set 'nothing-such' in data/"):
        load_boxed("nothing-such", "train", SIZE)
    with pytest.raises(LookInsideError, match=r"is a set with boxes, COCO files in annotations/: read it with load_b"):
        load_images(write(tmp_path), "train", 32)
