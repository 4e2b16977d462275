"""Slices, organ images, volumes: the truth fits the picture, parts can be taken away, contrast goes by the tables."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from lookinside.errors import LookInsideError
from lookinside.phantoms import (
    MODALITIES,
    ORGAN_PARTS,
    ORGANS,
    organ_image,
    organ_image_set,
    random_person,
    whole_body,
    whole_volume,
)
from lookinside.phantoms.body.parts import meant_by
from lookinside.phantoms.body.shapes import ShapeBuilder
from lookinside.phantoms.tomography import ct, mri, pet, ultrasound
from lookinside.phantoms.tomography.anatomy import sliced_body
from lookinside.phantoms.tomography.cutting import Plane, Sliceable, plane_around
from lookinside.phantoms.tomography.materials import MATERIALS, NAMES, TABLE, material_of
from lookinside.phantoms.tomography.smoothing import blurred, grain

INNER = ("lung", "liver", "heart", "kidney", "cavity", "colon", "bowel", "spleen", "septum", "perirenal")
CELLS = [(organ, modality) for organ in ORGANS for modality in MODALITIES]


# The cut -------------------------------------------------------------------------------------------------------


def test_a_cut_finds_what_the_ellipsoids_hold():
    """Against `Shapes.contains`, which knows nothing of windows and layers: one ellipsoid at a time, oblique."""
    shapes = whole_body(random_person(np.random.default_rng(2)), np.random.default_rng(2))
    right, down = np.array([0.8, 0.0, 0.6]), np.array([0.0, 1.0, 0.0])
    plane = Plane(np.array([-150.0, -120.0, 150.0]), right, down, (4.0, 3.0), (71, 83))
    rows, columns = np.mgrid[:71, :83]
    points = plane.corner + columns[..., None] * 4.0 * right + rows[..., None] * 3.0 * down
    met = 0
    for i in range(0, len(shapes), 7):
        one = shapes.only(np.arange(len(shapes)) == i)
        one = type(one)(one.centres, one.radii, one.rotations, ("skin",), ("fat",), ("skin",), ("",))
        expected = one.contains(points.reshape(-1, 3)).reshape(71, 83)
        found = Sliceable(one).cut(plane)[0] > 0
        assert (found != expected).sum() <= 1  # a pixel that lies on the border in single precision
        met += expected.sum()
    assert met > 1000


def test_bones_lie_over_flesh_and_marrow_stays_in_its_bone():
    builder = ShapeBuilder()
    builder.add("l3_body", "bone", (0, 0, 0), (20, 20, 20), union="l3_body")
    builder.add("l3_body", "spongy", (15, 0, 0), (10, 10, 10), union="l3_body inside", within="l3_body")
    builder.add("trunk_muscle", "muscle", (0, 0, 0), (40, 40, 40), union="muscle")
    builder.add("lesion", "organ", (0, 15, 0), (3, 3, 3))
    labels, materials = Sliceable(builder.shapes()).cut(plane_around((0, 0, 0), (1, 0, 0), (0, 1, 0), 100, 101))
    names = [NAMES[number] for number in materials[50, [50, 68, 72, 80]]]
    assert names == ["bone", "marrow", "muscle", "muscle"]  # the marrow's ellipsoid reaches to 25, its bone to 20
    assert NAMES[materials[65, 50]] == "tumour" and NAMES[materials[0, 0]] == "air" and labels[0, 0] == 0


def test_every_part_has_a_material():
    body = sliced_body(random_person(np.random.default_rng(1)), np.random.default_rng(1), lesion="liver", limbs=True)
    rows = {part: NAMES[material_of(part, tissue)] for part, tissue in zip(body.parts, body.tissues, strict=True)}
    assert {rows[part] for part in ("heart", "heart_chamber_left_atrium")} == {"heart_muscle", "blood"}
    assert rows["lung_left"] == "lung" and rows["lung_vessel"] == "blood" and rows["psoas"] == "muscle"
    assert NAMES[material_of("stomach_gas", "air")] == "air"
    used = set(rows.values())
    assert {"connective_tissue"} >= used - set(MATERIALS) and "connective_tissue" not in used, "an organ without a row"


def test_nothing_stands_out_of_the_skin():
    for seed in range(6):
        body = sliced_body(random_person(np.random.default_rng(seed)), np.random.default_rng(seed))
        ready = Sliceable(body)
        inner = [n for n, name in enumerate(ready.part_names, 1) if name.split("_")[0] in INNER]
        for level in (100, 220, 280, 330, 400, 460):
            labels, _ = ready.cut(plane_around((0, 0, level), (1, 0, 0), (0, 1, 0), 480, 160))
            rim = binary_dilation(labels == 0) & (labels > 0)
            assert rim.any() and not np.isin(labels[rim], inner).any(), (seed, level)


# Organ images --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("organ,modality", CELLS)
def test_an_image_and_its_truth(organ, modality):
    shown = 0
    for seed in (1, 2, 3):
        one = organ_image(organ, modality, seed, size=64)
        assert one.image.dtype == np.uint8 and one.image.shape == (64, 64) and one.image.std() > 5
        assert one.labels.max() <= len(one.part_names) and not one.lesion_mask.any() and not one.removed_mask.any()
        np.testing.assert_array_equal(one.image, organ_image(organ, modality, seed, size=64).image)
        shown += one.organ_mask.mean() > 0.01
        names = np.array(("", *one.part_names))[one.labels]
        if modality != "xray":
            own = [any(n == p or n.startswith(p + "_") for p in ORGAN_PARTS[organ]) for n in one.part_names]
            inside = np.isin(names, np.array(one.part_names)[own])
            assert (one.organ_mask | ~inside).all()
    assert shown == 3, "the organ is not in its own picture"


@pytest.mark.parametrize("organ,modality", CELLS)
def test_taking_the_organ_away_changes_the_organ_only(organ, modality):
    changed = 0
    for seed in (4, 5):
        whole = organ_image(organ, modality, seed, size=64)
        left = organ_image(organ, modality, seed, size=64, without=organ)
        assert not left.organ_mask.any() and left.removed_mask.any()
        reach = {"pet": 8, "xray": 3, "ct": 5}.get(modality, 1)
        far = ~binary_dilation(left.removed_mask, iterations=reach)
        off = np.abs(left.image[far].astype(int) - whole.image[far])
        if modality == "xray":  # at the field's edge a little of what lies beyond it still shows
            assert off.max() <= 1 and off.mean() < 0.01
        elif modality != "ultrasound":  # there what lies behind changes, too
            assert not off.any()
        changed += (left.image[left.removed_mask] != whole.image[left.removed_mask]).mean()
    assert changed / 2 > 0.3


def test_behind_a_bone_that_is_gone_the_beam_goes_on():
    darker = []
    for seed in range(8):
        whole = organ_image("lumbar_spine", "ultrasound", seed, size=96)
        left = organ_image("lumbar_spine", "ultrasound", seed, size=96, without="bones")
        same = whole.image == left.image
        assert same[:12].mean() > 0.9  # in front of all bones nothing changes
        darker.append(float(left.image.mean()) - float(whole.image.mean()))
    assert np.mean(darker) > 3


def test_a_lesion_is_the_only_change_and_can_be_taken_away_again():
    seen = 0
    for organ, modality in CELLS:
        for seed in range(2):
            well = organ_image(organ, modality, seed, size=64)
            ill = organ_image(organ, modality, seed, size=64, lesion=True)
            if modality != "ultrasound":
                far = ~binary_dilation(ill.lesion_mask, iterations=8 if modality == "pet" else 5)
                np.testing.assert_array_equal(well.image[far], ill.image[far], err_msg=f"{organ} {modality} {seed}")
            healed = organ_image(organ, modality, seed, size=64, lesion=True, without="lesion")
            np.testing.assert_array_equal(healed.image, well.image, err_msg=f"{organ} {modality} {seed}")
            seen += ill.lesion_mask.any()
    assert seen > 12


def test_a_seed_is_one_person_at_every_size():
    small, large = (organ_image("liver", "ct", 9, size=size) for size in (64, 128))
    coarse = large.image.reshape(64, 2, 64, 2).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), small.image.ravel().astype(float))[0, 1] > 0.9
    assert small.view == large.view and small.level == pytest.approx(large.level)


@pytest.mark.parametrize(
    "call,words",
    [
        (lambda: organ_image("livre", "ct", 0), "liver"),
        (lambda: organ_image("liver", "CT", 0), "modality"),
        (lambda: organ_image("liver", "ct", -1), "seed"),
        (lambda: organ_image("liver", "ct", 0, size=5), "size"),
        (lambda: organ_image("liver", "ct", 0, without="kidny"), "kidney"),
        (lambda: organ_image_set(("liver", "spleen"), 1), "organ"),
        (lambda: organ_image_set({"liver": ()}, 1), "at least one"),
        (lambda: organ_image_set(ORGANS, 1, lesions=2), "share"),
        (lambda: whole_volume(0, (1, 1)), "three numbers"),
        (lambda: whole_volume(0, shape=(0, 5, 5)), "shape"),
        (lambda: whole_volume(0, without="livr", shape=(1, 8, 8)), "liver"),
    ],
)
def test_wrong_calls_are_refused_with_the_nearest_names(call, words):
    with pytest.raises(LookInsideError, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_set_shares_no_person_with_another_and_keeps_its_cells():
    cells = {"lung": ("ct", "xray"), "liver": "ultrasound"}
    one = organ_image_set(cells, 5, size=32, seed=0, lesions=1.0)
    other = organ_image_set(cells, 5, size=32, seed=1)
    assert not set(one.seeds) & set(other.seeds) and len(set(one.seeds)) == len(one) == 10
    assert one.modalities == ("ct",) * 3 + ("xray",) * 2 + ("ultrasound",) * 5 and one.organs == ("lung", "liver")
    again = organ_image("lung", "xray", int(one.seeds[4]), size=32, lesion=True)
    np.testing.assert_array_equal(again.image, one.images[4])


def test_pixels_alone_do_not_tell_the_organ():
    """A nearest neighbour on the plain pixels must leave something to learn, and see something."""
    train, test = (organ_image_set(ORGANS, count, size=32, seed=seed) for count, seed in ((30, 0), (20, 1)))
    a, b = (one.images.reshape(len(one), -1).astype(np.float64) for one in (test, train))
    nearest = ((a**2).sum(1)[:, None] - 2 * a @ b.T + (b**2).sum(1)).argmin(1)
    accuracy = (train.labels[nearest] == test.labels).mean()
    assert 0.3 < accuracy < 0.75


# Contrast ------------------------------------------------------------------------------------------------------


def test_ct_numbers_and_noise():
    order = [NAMES.index(name) for name in ("air", "lung", "fat", "csf", "muscle", "liver", "marrow", "bone")]
    plain = ct.hounsfield(np.array([order]), 0.0, np.zeros((1, 8)))[0]
    assert (np.diff(plain) > 0).all() and plain[0] == -1000
    with_contrast = ct.hounsfield(np.array([[NAMES.index("blood")]]), 1.0, np.zeros((1, 1)))
    assert with_contrast[0, 0] == MATERIALS["blood"].hu + MATERIALS["blood"].enhanced
    scan = ct.Scan(0.0, 10.0, 0.5)
    wider = ct.noise_level(scan, 400, 1.0) / ct.noise_level(scan, 320, 1.0)
    assert wider == pytest.approx(np.exp(0.5 * ct.WATER * 80))
    water = np.full((128, 128), NAMES.index("csf"), np.uint8)
    shown = ct.ct_image(water, scan, (400, 8), 320.0, 1.0, (0,))
    assert shown.mean() == pytest.approx(0.5, abs=0.01) and shown.std() * 400 == pytest.approx(10, rel=0.1)


def test_mr_signal_follows_its_equations():
    t1, t2 = mri.signal(mri.SEQUENCES["T1"]), mri.signal(mri.SEQUENCES["T2"])
    fat, csf, muscle, blood = (NAMES.index(name) for name in ("fat", "csf", "muscle", "blood"))
    assert t1[fat] > t1[muscle] > t1[csf] and t2[csf] > t2[fat] > t2[muscle]
    row = MATERIALS["liver"]
    by_hand = row.pd * (1 - np.exp(-500 / row.t1)) * np.exp(-12 / row.t2)
    assert t1[NAMES.index("liver")] == pytest.approx(by_hand, rel=1e-5)
    bright = mri.signal(mri.SEQUENCES["bSSFP"])
    assert bright[blood] > 2 * bright[NAMES.index("heart_muscle")] and t1[blood] < 0.5 * t1[muscle]


def test_mr_noise_is_ricean():
    """Where there is no signal, the mean of a Rice distribution is sigma sqrt(pi / 2)."""
    air = np.zeros((256, 256), np.uint8)
    shown = mri.mr_image(air, mri.SEQUENCES["T1"], mri.Coil(0.0, 0.05, 0), (1,), 1.0)
    assert shown.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.02)


def test_pet_blur_has_the_width_it_claims():
    point = np.full((200, 200), NAMES.index("air"), np.uint8)
    point[100:102, 100:102] = NAMES.index("tumour")
    tracer = pet.Tracer(TABLE[:, 5], blur=8.0, counts=1e12, white=1.0, inverted=False)
    profile = pet.pet_image(point, tracer, 1.0, (0,))[50] * 50
    profile = profile / profile.max()
    assert np.interp(0.5, profile[50:60][::-1], np.arange(10)[::-1]) == pytest.approx(4.0, abs=0.35)


def test_ultrasound_loses_with_depth_and_casts_shadows():
    probe = ultrasound.Probe(40, 30, 120, 3.0, 0.0, 0.5, 60)
    liver = np.full((ultrasound.SAMPLES, ultrasound.BEAMS), NAMES.index("liver"), np.uint8)
    even = ultrasound.echoes(liver, probe, (0,))
    assert even[:40].mean() == pytest.approx(even[-40:].mean(), abs=0.02)  # the gain gives back what liver takes
    stone = liver.copy()
    stone[60:66, 50:70] = NAMES.index("bone")
    shadow = ultrasound.echoes(stone, probe, (0,))
    assert shadow[80:, 52:68].mean() < 0.3 * even[80:, 52:68].mean() and np.array_equal(shadow[:59], even[:59])
    cyst = liver.copy()
    cyst[60:90, 50:70] = NAMES.index("cyst")
    behind = ultrasound.echoes(cyst, probe, (0,))
    assert behind[100:, 52:68].mean() > even[100:, 52:68].mean() + 0.01  # fluid takes nothing: brighter behind


def test_grain_has_unit_spread_and_blur_keeps_the_mean():
    field = grain(np.random.default_rng(0), (300, 200), (1.3, 0.7))
    assert field.std() == pytest.approx(1.0, abs=0.05)
    image = np.random.default_rng(1).random((40, 50)).astype(np.float32)
    assert blurred(np.ones((40, 50), np.float32), 2.0) == pytest.approx(1.0)
    assert blurred(image, 0.0) == pytest.approx(image)


# Volumes -------------------------------------------------------------------------------------------------------


def test_a_volume_shows_the_body_the_right_way_round():
    volume = whole_volume(3, (4.0, 4.0, 6.0), shape=(160, 120, 120))
    assert volume.hu.dtype == np.int16 and volume.labels.shape == (160, 120, 120)
    where = {name: np.argwhere(volume.labels == n) for n, name in enumerate(volume.part_names, 1)}
    assert where["liver"][:, 2].mean() < where["spleen"][:, 2].mean()  # the liver is on the person's right, x small
    assert where["sternum"][:, 1].mean() < where["t6_body"][:, 1].mean()  # y grows to the back
    assert where["l5_body"][:, 0].mean() < where["l1_body"][:, 0].mean() < where["lung_left"][:, 0].mean()
    level = [volume.level(z) for z in (where["l5_body"][:, 0].min(), where["l1_body"][:, 0].max())]
    assert 60 < level[0] < level[1] < 300
    assert np.median(volume.hu[volume.labels == 0]) < -900
    liver = volume.hu[volume.labels == 1 + volume.part_names.index("liver")]
    assert 30 < liver.mean() < 140


def test_a_volume_without_a_part_is_the_same_elsewhere():
    options = {"shape": (40, 60, 60), "bottom": 200.0}
    whole, left = (whole_volume(5, (6, 6, 6), without=parts, **options) for parts in ((), "liver"))
    gone = np.isin(whole.labels, [n for n, p in enumerate(whole.part_names, 1) if p.startswith("liver")])
    assert gone.sum() > 500 and not np.isin(left.labels, np.unique(whole.labels[gone])).any()
    np.testing.assert_array_equal(whole.hu[~gone], left.hu[~gone])
    assert (whole.hu[gone] != left.hu[gone]).mean() > 0.9


def test_the_organs_names_mean_their_parts():
    body = sliced_body(random_person(np.random.default_rng(0)), np.random.default_rng(0))
    gone = meant_by(body, ORGAN_PARTS["heart"])
    parts = {part for part, one in zip(body.parts, gone, strict=True) if one}
    assert parts == {part for part in body.parts if part.startswith("heart")} and len(parts) == 5
