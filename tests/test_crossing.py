"""The boundary of two regions along a body: one height, or none and the reason."""

import numpy as np
import pytest

from lookinside import figures
from lookinside.errors import LookInsideError
from lookinside.training import BodyProfile, boundary_between

NAMES = ("liver", "lungs", "neck")


def along(liver, lungs, step=10.0, start=-50.0):
    """A profile of these probabilities; the neck has the rest."""
    liver, lungs = np.asarray(liver, float), np.asarray(lungs, float)
    heights = start + step * np.arange(len(liver))
    probabilities = np.stack([liver, lungs, 1 - liver - lungs], axis=1).astype(np.float32)
    return BodyProfile(heights, probabilities, NAMES, np.zeros((len(liver), 8), np.uint8), (5.0, step))


def test_the_height_is_where_the_two_straight_lines_meet():
    found = boundary_between(along([0.9, 0.8, 0.3, 0.1], [0.1, 0.2, 0.7, 0.9]), "liver", "lungs", lasting=20)
    # From -0.6 at -40 mm to +0.4 at -30 mm: 0 after six tenths of the way.
    assert found.height == pytest.approx(-34.0, abs=1e-3) and found.crossings == (found.height,)
    assert found.sentence == "boundary of liver and lungs: -34 mm"


@pytest.mark.parametrize(("slices", "slope"), [(41, 0.7), (300, 3.0)])
def test_two_sigmoids_cross_where_they_were_made_to(slices, slope):
    at = np.linspace(-8, 8, slices)
    lungs = 0.9 / (1 + np.exp(-slope * (at - 1.3)))
    profile = along(0.9 - lungs, lungs, step=at[1] - at[0], start=-8.0)
    assert boundary_between(profile, "liver", "lungs", lasting=3).height == pytest.approx(1.3, abs=0.02)


@pytest.mark.parametrize(
    ("liver", "lungs", "crossings", "said"),
    [
        ([0.9, 0.8, 0.9], [0.1, 0.1, 0.0], 0, "was found"),
        ([0.02, 0.01, 0.0], [0.01, 0.02, 0.0], 0, "was found"),  # a head: two numbers near 0 change places
        ([0.9, 0.6, 0.0, 0.0, 0.3], [0.0, 0.0, 0.1, 0.3, 0.7], 0, "was found"),  # something else lies between
        ([0.9, 0.1, 0.9, 0.1], [0.1, 0.9, 0.1, 0.9], 3, "cross 3 times (-45, -35, -25 mm)"),
        ([0.9, 0.1] * 4, [0.1, 0.9] * 4, 7, "(-45, -35, -25, -15, ... mm)"),
        ([0.1, 0.9], [0.9, 0.1], 1, "at -45 mm liver lies over lungs"),  # the head at the bottom
        ([0.9], [0.1], 0, "was found"),
    ],
)
def test_where_there_is_no_one_boundary_the_reason_is_said(liver, lungs, crossings, said):
    found = boundary_between(along(liver, lungs), "liver", "lungs", lasting=10)
    assert found.height is None and len(found.crossings) == crossings and said in found.sentence


def test_a_tie_is_one_crossing():
    found = boundary_between(along([0.8, 0.5, 0.5, 0.2], [0.2, 0.5, 0.5, 0.8]), "liver", "lungs", lasting=0)
    assert len(found.crossings) == 1 and -40.1 <= found.height <= -29.9
    touched = along([0.8, 0.5, 0.8], [0.2, 0.5, 0.2])
    assert not boundary_between(touched, "liver", "lungs", lasting=0).crossings


def test_flicker_is_no_boundary():
    """Lower abdomen: two regions take turns slice by slice; then three slices of each, and the boundary among them."""
    liver = np.array([0.9, 0.1, 0.9, 0.1, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1, 0.9])
    profile = along(liver, 1 - liver)
    assert boundary_between(profile, "liver", "lungs").crossings == pytest.approx((15.0,))
    assert boundary_between(profile, "liver", "lungs", lasting=31).height is None
    assert len(boundary_between(profile, "liver", "lungs", lasting=0).crossings) == 7 - 1


@pytest.mark.parametrize("pair", [("liver", "knee"), ("liver", "liver")])
def test_refusals(pair):
    with pytest.raises(LookInsideError, match="two different ones of liver, lungs, neck"):
        boundary_between(along([0.9], [0.1]), *pair)
    with pytest.raises(LookInsideError, match="lasting is -1"):
        boundary_between(along([0.9], [0.1]), "liver", "lungs", lasting=-1)


def test_the_figure_marks_it_on_both_panels_and_says_what_it_found():
    profile = along([0.9, 0.8, 0.3, 0.1], [0.1, 0.2, 0.7, 0.9])
    found = boundary_between(profile, "liver", "lungs", lasting=20)
    drawn = figures.body_profile(profile, marked=found)
    for axes in drawn.axes:
        assert [
            line for line in axes.lines if np.allclose(line.get_ydata(), found.height) and line.get_linewidth() > 1.5
        ]
    texts = [text.get_text() for axes in drawn.axes for text in axes.texts] + [text.get_text() for text in drawn.texts]
    assert any("-34 mm" in text for text in texts)
    none = boundary_between(along([0.9, 0.9], [0.1, 0.1]), "liver", "lungs")
    plain = figures.body_profile(profile, marked=none, note="medians")
    assert len(plain.axes[0].lines) == len(figures.body_profile(profile).axes[0].lines)
    assert any("medians; no boundary of liver and lungs" in text.get_text() for text in plain.texts)
