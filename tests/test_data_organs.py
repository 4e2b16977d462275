"""Organs of several sources: what a name tells of its group, the split by groups, copies found by their looks."""

import csv
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import organs
import pytest
from PIL import Image
from preparing.copies import joined, mark, thumbprint
from test_data_scripts import left_behind, line

from lookinside.data import load_images
from lookinside.data.files.index_table import read_index

COLUMNS = ("file", "organ", "modality", "github_repo", "licence", "original")
# Folder -> names as the sources give them: cells with several groups, with one, and of an organ that is left out.
NAMES = {
    "heart/mri": [f"Whole-Heart-HVSMR-2.0__{10000 + i // 2}_{i}" for i in range(10)],
    "heart/xray_angiography": [f"Pre-Augmented-Coronary-Artery-Disease__{i}" for i in range(5)],
    "kidney/us": [f"Kidney-Stone-Ultrasound__deformed_alpha_1300_sigmoid_7_{10000 + i}" for i in range(10)],
    "kidney/ct": [f"Mendeley-Kidney-Stone-CT__P{100 + i // 2}_RA_M_S_I0{i % 2}" for i in range(10)],
    "liver/ct": [f"Augmented-Spleen__{10000 + i}_spleen_{i // 2}" for i in range(10)],
    "liver/pet": [f"Soft-Tissue-Sarcomas__hflipped_STS_005_{i}" for i in range(3)],
    "lung/pet": [f"Soft-Tissue-Sarcomas__distorted_0.02_rsigma0.5_sigma40_STS_005_{i}" for i in range(10, 14)],
    "lung/us": [f"pocus__Reg_pat{1 + i // 2}Image_1329{i}_0" for i in range(8)],
    "lumbar_spine/mri": [f"SPIDER-T2W-Subset__{1011 + i}_5" for i in range(10)] + ["Lumbar-Spine__10009_4"],
    "breast/xray": ["CDD-CESM-Mammogram__flipped_P108_L_DM_CC"],
}


def blobs(seed: int) -> np.ndarray:
    """A picture with shapes: noise alone is even when it is made small."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 6), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((60, 60), Image.Resampling.BICUBIC))


def make(folder: Path, names=NAMES) -> Path:
    main, spines = folder / "organ_multimodality", folder / "lumbar_spine_mri/images"
    spines.mkdir(parents=True)
    rows = []
    for place, stems in names.items():
        (main / place).mkdir(parents=True)
        organ, modality = place.split("/")
        for stem in stems:
            Image.fromarray(blobs(len(rows))).save(main / place / f"{stem}.png")
            rows.append((f"{place}/{stem}.png", organ, modality, "a repository", "CC BY 4.0", "a record"))
    for number in range(4):
        Image.fromarray(blobs(1000 + number)).save(spines / f"train_with_pain_spine_{number:04d}.jpg")
    write(main, rows)
    return folder


def write(main: Path, rows, columns=COLUMNS) -> None:
    with (main / "index.csv").open("w", newline="") as opened:
        csv.writer(opened).writerows([columns, *rows])


def rows_of(main: Path) -> list[list[str]]:
    return list(csv.reader((main / "index.csv").read_text().splitlines()))[1:]


def prepared(*arguments) -> int:
    return organs.main([str(a) for a in arguments])


@pytest.fixture
def source(tmp_path) -> Path:
    return make(tmp_path / "source")


def test_organ_is_the_class_modality_and_source_are_tags(source, tmp_path, capsys):
    assert prepared("--from", source, "--out", tmp_path / "set") == 0
    said = capsys.readouterr().out
    assert "left out: 1 (breast, not one of the five organs)" in said
    assert "no test part, too few groups: liver/pet/Soft-Tissue-Sarcoma, lumbar_spine/mri/Lumbar-MRI" in said
    train, test = load_images(tmp_path / "set", "train", 32), load_images(tmp_path / "set", "test", 32)
    assert train.class_names == tuple(sorted(organs.ORGANS)) == test.class_names
    assert set(train.tags) == {"modality", "source", "width", "height"} and set(train.tags["width"]) == {"60"}
    assert set(train.tags["modality"]) == {"ct", "mri", "pet", "ultrasound", "xray"}
    assert not set(train.groups) & set(test.groups)
    cells = Counter(zip((test.class_names[k] for k in test.labels), test.tags["source"], strict=True))
    two = ("HVSMR-2.0", "Kidney-Stone-Ultrasound", "Kidney-Stone-CT", "MSD-Spleen", "POCUS", "SPIDER-T2W")
    assert {source: number for (_, source), number in cells.items()} == dict.fromkeys(two, 2) | {"ARCADE": 1}
    card = json.loads((tmp_path / "set/dataset.json").read_text())
    assert card["cells"]["test"]["lung/ultrasound/POCUS"] == 2
    assert sum(card["cells"]["train"].values()) == len(train)
    told = card["sources"]["MSD-Spleen"]
    assert told["images"] == 10 and told["groups"] == 5 and told["licence"] == "CC BY 4.0"
    assert "medicaldecathlon" in told["published"] and "spleen_26" in told["group"]


def test_both_folders_or_the_first_of_them_may_be_given(source, tmp_path, capsys):
    assert prepared("--from", source / "organ_multimodality", "--out", tmp_path / "set") == 0
    assert prepared("--from", tmp_path, "--out", tmp_path / "other") == 0
    (source / "lumbar_spine_mri").rename(tmp_path / "elsewhere")
    capsys.readouterr()
    assert prepared("--from", source, "--out", tmp_path / "third") == 1
    assert "lumbar_spine_mri/images are not both in it: give the folder that holds both" in line(capsys)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("Aorta__10002_135", "Aorta 10002"),
        ("Augmented-Spleen__10003_spleen_26", "MSD-Spleen spleen_26"),
        ("HepaticVessel__11485_16", "MSD-HepaticVessel 11485"),
        ("Kidney-Disease-T2W__102000_5", "Kidney-T2W 102000"),
        ("Kidney-Disease-T2W__barrdistorted_1001_0.3_0.3_102000_10", "Kidney-T2W 102000"),
        ("Kidney-Stone-Ultrasound__10009", "Kidney-Stone-Ultrasound 10009"),
        ("Kidney-Stone-Ultrasound__distorted_0.01_rsigma0.5_sigma40_10009", "Kidney-Stone-Ultrasound 10009"),
        ("Mendeley-Kidney-Stone-CT__deformed_alpha_1300_sigmoid_8_P055_FA_M_S_I02", "Kidney-Stone-CT P055"),
        ("Mendeley-Kidney-Stone-CT__distorted_0.02_rsigma0.5_sigma40_P156_RA_M_S_I06", "Kidney-Stone-CT P148"),
        ("Pre-Augmented-Coronary-Artery-Disease__42", "ARCADE 42"),
        ("Soft-Tissue-Sarcomas__distorted_0.01_rsigma0.5_sigma40_STS_005_94", "Soft-Tissue-Sarcoma STS_005"),
        ("Ultrasound-Liver__10013", "Liver-Ultrasound 10013"),
        ("Whole-Heart-HVSMR-2.0__10001_142", "HVSMR-2.0 10001"),
        ("Lumbar-Spine__10031_4", "SPIDER patients 1 to 15"),
        ("SPIDER-T2W-Subset__1015_18", "SPIDER patients 1 to 15"),
        ("SPIDER-T2W-Subset__1023_18", "SPIDER-T2W patient 23"),
        ("pocus__Reg_pat3Image_134904_2", "POCUS Reg_pat3"),
        ("pocus__Reg_Image_181206_crop_0", "POCUS Reg_Image_18"),
        ("pocus__Reg_Image_182340_crop_1", "POCUS Reg_Image_18"),
        ("pocus__Vir_or_Pneu_prospective_file4_1", "POCUS prospective_file"),
        ("pocus__Vir_whitelung_h1n1_2", "POCUS Vir_whitelung_h1n1"),
    ],
)
def test_what_a_name_tells_of_its_group(name, group):
    assert organs._group("here", Path(f"{name}.png"))[1] == group


def test_a_patient_with_two_organs_stays_on_one_side(source, tmp_path):
    for seed in range(3):
        assert prepared("--from", source, "--out", tmp_path / f"set{seed}", "--seed", seed) == 0
        rows = read_index(tmp_path / f"set{seed}").rows
        sides = {}
        for image, row in rows.items():
            sides.setdefault(row["group"], set()).add(image.split("/")[0])
        assert all(len(where) == 1 for where in sides.values()) and len(sides) > 30
        assert sides["Soft-Tissue-Sarcoma STS_005"] == {"train"}
        spines = {image.split("__")[1]: row["group"] for image, row in rows.items() if re.search("Lumb|SPIDER", image)}
        assert spines["10009_4.png"] == spines["1015_5.png"] != spines["1016_5.png"]


def test_copies_of_other_groups_are_found_by_their_looks(source, tmp_path, capsys):
    """A slightly brighter copy, and a mirrored one under a third number."""
    place = source / "organ_multimodality/kidney/us"
    first, second, third = sorted(place.iterdir())[:3]
    pixels = np.asarray(Image.open(first)).astype(int)
    Image.fromarray((0.8 * pixels + 20 + np.arange(60) % 3).astype(np.uint8)).save(second)
    Image.fromarray(pixels[:, ::-1].astype(np.uint8)).save(third)
    for seed in range(4):
        assert prepared("--from", source, "--out", tmp_path / f"set{seed}", "--seed", seed) == 0
        rows = read_index(tmp_path / f"set{seed}").rows
        found = [
            (image.split("/")[0], row["group"]) for image, row in rows.items() if re.search(r"_1000[012]\.", image)
        ]
        assert len(found) == 3 and len(set(found)) == 1
    assert "near copies of different groups: 1 sets of 3, joined" in capsys.readouterr().out
    copies = json.loads((tmp_path / "set0/dataset.json").read_text())["duplicates"]["near_copies"]
    assert [len(names) for names in copies] == [3] and copies[0][0].startswith("kidney/Kidney-Stone-Ultrasound__")


def test_near_copies_and_what_is_none():
    one, other = blobs(1), blobs(2)
    flat = np.full((60, 60), 9, np.uint8)
    small = np.asarray(Image.fromarray(one).resize((45, 45), Image.Resampling.BICUBIC))
    pictures = [one, other, one[:, ::-1], small, one[::-1], flat, flat, flat + 1]
    marks = joined([mark(p) for p in pictures], np.stack([thumbprint(p) for p in pictures]), 0.98)
    assert marks[0] == marks[2] == marks[3] and len({marks[k] for k in (0, 1, 4, 5)}) == 4
    assert marks[5] == marks[6] != marks[7]  # even pictures: only the same pixels count
    assert joined(["a", "b"], np.stack([thumbprint(one), thumbprint(other)]), 0.98) == ["a", "b"]


def test_without_from_it_says_where_each_source_is_published(tmp_path, capsys):
    assert prepared("--out", tmp_path / "set") == 1
    text = line(capsys)
    assert "is no single download" in text and "--from FOLDER" in text
    for origin in (*organs.ORIGINS.values(), organs.SPINE_ORIGIN):
        assert f"{origin.name}: {origin.published}" in text
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda row: [row[0].replace("Whole", "Half"), *row[1:]], "line 2: there is no file "),
        (lambda row: [*row[:2], "xrays", *row[3:]], "line 2: modality 'xrays' is unknown: choose from ct, mri"),
        (lambda row: row[:2], "line 2 is cut short"),
        (lambda row: ["heart/mri/Whole-Heart-HVSMR-2.0__10000_1.png", *row[1:]], "_1.png is listed twice"),
        (lambda row: ["heart/mri/MyHeart__1_2.png", *row[1:]], "the source MyHeart of MyHeart__1_2.png is unknown"),
        (lambda row: ["heart/mri/Whole-Heart-HVSMR-2.0__a.png", *row[1:]], "does not tell its group, the case"),
    ],
)
def test_tables_that_do_not_fit(source, tmp_path, capsys, change, says):
    main = source / "organ_multimodality"
    for name in ("MyHeart__1_2", "Whole-Heart-HVSMR-2.0__a"):
        Image.fromarray(blobs(7)).save(main / f"heart/mri/{name}.png")
    rows = rows_of(main)
    write(main, [change(rows[0]), *rows[1:]])
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert says in line(capsys)
    assert left_behind(tmp_path) == ["source"]


def test_a_table_without_its_columns_and_files_without_a_line(source, tmp_path, capsys):
    main = source / "organ_multimodality"
    rows = rows_of(main)
    write(main, rows, columns=("path", *COLUMNS[1:]))
    assert prepared("--from", source, "--out", tmp_path / "set") == 1
    assert "index.csv: has no column file: it needs file, organ, modality, licence" in line(capsys)
    write(main, rows[1:])
    assert prepared("--from", source, "--out", tmp_path / "set") == 0
    assert "left out: 1 (file, not in the table)" in capsys.readouterr().out
