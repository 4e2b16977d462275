"""CT slices of regions: what they belong to, who they are of, what can be taken away."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from lookinside.data import phantom_regions, two_labels, window
from lookinside.errors import LookInsideError
from lookinside.phantoms import (
    LOWER_ABDOMEN,
    REGIONS,
    organ_image,
    region_slice,
    region_slice_set,
    regions_in,
    whole_volume,
)
from lookinside.phantoms.tomography import region_slices
from lookinside.phantoms.tomography.regions import share_of

COUNTS = {"legs": 6, "pelvis": 4, "liver": 24, "lungs": 24, "neck": 6}


def test_regions_by_hand():
    names = ("lung_left", "lung_vessel", "liver", "ilium_wing", "femur_shaft", "c3_body", "l2_body", "lunge")
    labels = np.full((10, 10), 8)  # all of it a part that only begins alike
    assert regions_in(labels, names) == () and share_of(labels, names, ["lung"]) == 0
    labels[0], labels[1], labels[2, 0] = 1, 3, 3
    assert regions_in(labels, names) == ("liver",)  # 10 % of lung is not more than 10 %
    labels[3, 0] = 2
    assert regions_in(labels, names) == ("liver", "lungs") and share_of(labels, names, ["lung"]) == 0.11
    labels[:] = 8
    labels[0, 0] = 5
    assert regions_in(labels, names) == ("legs",)
    labels[3, :2] = 4
    assert regions_in(labels, names) == ("pelvis",)
    labels[:] = 0
    labels[4, 4] = 7
    assert regions_in(labels, names) == () and regions_in(labels, names, lower_abdomen=True) == (LOWER_ABDOMEN,)
    assert regions_in(np.zeros((4, 4), int), names) == ()


@pytest.mark.parametrize("region", [*REGIONS, LOWER_ABDOMEN])
def test_a_slice_belongs_to_its_region(region):
    levels = set()
    for seed in range(4):
        one = region_slice(region, seed, size=48)
        again = region_slice(region, seed, size=48)
        assert one.hu.dtype == np.int16 and one.hu.shape == one.labels.shape == (48, 48)
        assert one.hu.tobytes() == again.hu.tobytes()
        assert region in one.regions or (region == LOWER_ABDOMEN and not one.regions)
        # The picture shows what the labels say: air around, flesh within.
        assert np.median(one.hu[one.labels == 0]) < -900 and np.median(one.hu[one.labels > 0]) > -800
        levels.add(round(one.level))
    assert len(levels) == 4
    assert region_slice(region, 0, 1, size=48).level != one.level


def test_a_height_in_place_of_a_region():
    by_dome = region_slice(None, 5, above_diaphragm=-10.0, size=64)
    assert by_dome.region == "" and by_dome.regions == ("liver", "lungs")
    same = region_slice(None, 5, level=by_dome.level, size=64)
    np.testing.assert_array_equal(same.hu, by_dome.hu)
    assert region_slice(None, 5, above_diaphragm=40.0, size=64).regions == ("lungs",)
    assert region_slice(None, 5, level=780.0, size=64).regions == ()  # the head
    # No liver above its dome, some just below.
    for above, some in ((3.0, False), (-6.0, True)):
        cut = region_slice(None, 5, above_diaphragm=above, size=256)
        assert (share_of(cut.labels, cut.part_names, ["liver"]) > 0) == some


def test_without_a_part_all_else_stays():
    for gone in ("liver", "lung", "bones"):
        with_it = region_slice("liver", 3, size=96)
        left = region_slice("liver", 3, size=96, without=gone)
        assert left.removed_mask.sum() > 20 and left.regions == with_it.regions
        far = ~binary_dilation(left.removed_mask, iterations=4)
        np.testing.assert_array_equal(with_it.hu[far], left.hu[far])
        # What lies behind a part may be of the same tissue.
        assert (with_it.hu[left.removed_mask] != left.hu[left.removed_mask]).mean() > 0.7


def test_slices_of_one_person_in_a_row_do_not_change_one_another():
    """The person is built once and kept; what is taken away from one slice is there again in the next."""
    fresh = []
    for without in ("lung", "bones", ()):
        region_slices._whole_patient.cache_clear()
        fresh.append(region_slice("lungs", 3, size=48, without=without))
    region_slices._whole_patient.cache_clear()
    in_a_row = [region_slice("lungs", 3, size=48, without=without) for without in ("lung", "bones", ())]
    assert region_slices._whole_patient.cache_info().misses == 1
    for one, other in zip(fresh, in_a_row, strict=True):
        for name in ("hu", "labels", "removed_mask"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert not np.array_equal(fresh[0].hu, fresh[2].hu)


def test_a_set_has_patients():
    drawn = region_slice_set(COUNTS, size=32, seed=4)
    assert len(drawn) == 64 and drawn.regions == REGIONS
    assert len(set(drawn.seeds.tolist())) == round(64 / 2.6)
    assert len(set(zip(drawn.labels, drawn.seeds, drawn.indices, strict=True))) == 64, "no slice twice"
    i = 40
    one = region_slice(drawn.regions[drawn.labels[i]], int(drawn.seeds[i]), int(drawn.indices[i]), size=32)
    np.testing.assert_array_equal(one.hu, drawn.hu[i])
    assert not set(drawn.seeds.tolist()) & set(region_slice_set(COUNTS, size=32, seed=5).seeds.tolist())


def test_two_labels():
    one = phantom_regions("train", COUNTS, 32, 1, patients=20)
    assert len(one) == 64 and one.counts() == COUNTS and len(set(one.groups)) == 20
    belongs = {name: set(regions.split("+")) for name, regions in zip(one.names, one.tags["regions"], strict=True)}
    shared = [name for name, regions in belongs.items() if len(regions) == 2]
    assert {"liver", "lungs"} in belongs.values()
    for way, single in (("both", 1), ("soft", 2)):
        images = two_labels(one, way)
        assert len(images) == 2 * len(shared) + single * (64 - len(shared))
        for name in one.names:
            own = [i for i, other in enumerate(images.names) if other == name]
            assert len({images.images[i].tobytes() for i in own}) == 1 == len({images.groups[i] for i in own})
            assert {images.class_names[images.labels[i]] for i in own} == belongs[name]
            assert len(own) == (2 if name in shared else single)


def test_the_window():
    hu = np.array([-2000, -100, 50, 200, 3000], np.int16)
    np.testing.assert_array_equal(window(hu), [0, 0, 128, 255, 255])
    np.testing.assert_array_equal(window(hu, -1000, 1000), [0, 115, 134, 153, 255])
    with pytest.raises(LookInsideError, match="from 5 to 5"):
        window(hu, 5, 5)
    with pytest.raises(LookInsideError, match="not a number"):
        window(np.array([0.0, np.nan]))


def test_the_volume_is_of_the_same_person():
    """The whole volume, the slices and the organ images of a seed show one person."""
    volume = whole_volume(3, (5, 5, 10), shape=(30, 80, 100), bottom=200.0, arms=False)
    slices = [region_slice(None, 3, level=volume.level(z), size=100) for z in (2, 8, 14)]
    for z, one in zip((2, 8, 14), slices, strict=True):
        for part in ("liver", "lung"):
            here = share_of(volume.labels[z], volume.part_names, [part])
            assert abs(here - share_of(one.labels, one.part_names, [part])) < 0.02
    found = volume.regions(lower_abdomen=True)
    assert found == [regions_in(one, volume.part_names, lower_abdomen=True) for one in volume.labels]
    assert found[0] == (LOWER_ABDOMEN,) and volume.regions()[0] == () and ("liver",) in found
    names = np.array(("", *volume.part_names))
    assert not any(name.startswith(("humerus", "radius", "metacarpal")) for name in names)
    assert organ_image("liver", "ct", 3).seed == slices[0].seed


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: region_slice("leg", 0), "legs"),
        (lambda: region_slice("legs", 0, level=3.0), "Give one of"),
        (lambda: region_slice(None, 0), "Give one of"),
        (lambda: region_slice("legs", -1), "seed"),
        (lambda: region_slice("legs", 0, size=8), "size"),
        (lambda: region_slice("liver", 0, without="livre"), "liver"),
        (lambda: region_slice(None, 0, level=float("nan")), "level"),
        (lambda: region_slice_set({}), "no slice"),
        (lambda: region_slice_set({"lungs": 2.5}), "count"),
        (lambda: two_labels(phantom_regions("train", {"lungs": 2}, 32), "neither"), "'both' or 'soft'"),
        (lambda: two_labels(phantom_regions("train", {"lungs": 2}, 32), tag="organs"), "organs"),
        (lambda: phantom_regions("training", {"lungs": 2}), "split"),
    ],
)
def test_what_is_refused(call, said):
    with pytest.raises(LookInsideError, match=said) as error:
        call()
    assert "\n" not in str(error.value)
