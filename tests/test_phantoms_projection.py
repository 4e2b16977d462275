"""The closed-form chord and Beer-Lambert against rays that are stepped through in float64."""

import numpy as np
import pytest
from oracles import ray_integral

from lookinside.phantoms import TISSUES, Person, ShapeBuilder, project, random_person
from lookinside.phantoms.body.hand import add_hand
from lookinside.phantoms.body.shapes import turn
from lookinside.phantoms.radiography.shadows import cast, shadow_forms


def _random_ellipsoids(rng, count):
    builder = ShapeBuilder()
    for i in range(count):
        axis, up = rng.normal(size=3), rng.normal(size=3)
        builder.add(f"p{i}", "bone", rng.uniform(-30, 30, 3), rng.uniform(4, 40, 3), axis=axis, up=up)
    return builder.shapes()


def _random_view(rng):
    return turn("x", rng.uniform(0, 360)) @ turn("y", rng.uniform(0, 360)) @ turn("z", rng.uniform(0, 360))


@pytest.mark.parametrize("seed", range(4))
def test_chord_is_the_length_of_the_ray_inside(seed):
    rng = np.random.default_rng(seed)
    shapes, view = _random_ellipsoids(rng, 6), _random_view(rng)
    centres, peak, forms = shadow_forms(shapes.centres, shapes.radii, shapes.rotations, view)
    for i in range(len(shapes)):
        u, v = centres[i] + rng.uniform(-8, 8, 2)
        du, dv = u - centres[i, 0], v - centres[i, 1]
        p, q, r = forms[i]
        formula = peak[i] * np.sqrt(max(0.0, 1 - p * du * du - 2 * q * du * dv - r * dv * dv))
        start = u * view[0] + v * view[1]
        expected = ray_integral.chord(start, view[2], shapes.centres[i], shapes.radii[i], shapes.rotations[i])
        assert formula == pytest.approx(expected, abs=0.02)


def test_windows_hold_every_pixel_of_the_shadow():
    rng = np.random.default_rng(5)
    shapes, view, size = _random_ellipsoids(rng, 20), _random_view(rng), 96
    shadows = cast(shapes, view, (0, 0, 0), 0.8, size)
    grid = np.arange(size, dtype=np.float32)
    for i in shadows.seen:
        rows, columns = np.nonzero(shadows.squares(i, grid, grid[:, None]) > 0)
        assert columns.min() >= shadows.low[i, 0] and columns.max() < shadows.high[i, 0]
        assert rows.min() >= shadows.low[i, 1] and rows.max() < shadows.high[i, 1]


@pytest.mark.parametrize(("size", "pixel"), [(48, 4.0), (256, 0.75)])
def test_beer_lambert_adds_unions_and_takes_marrow_away(size, pixel):
    builder = ShapeBuilder()
    builder.add("flesh", "fat", (3, 0, -5), (60, 50, 70), axis=(0.2, 0.1, 1))
    builder.add("bone", "bone", (-8, 4, 6), (16, 14, 40), axis=(0.3, -0.4, 1))
    builder.add("bone", "spongy", (-8, 4, 6), (9, 8, 30), axis=(0.3, -0.4, 1), union="marrow", within="bone")
    builder.add("gas", "air", (22, -6, 10), (9, 12, 10), axis=(1, 0.2, 0))
    shapes, view = builder.shapes(), _random_view(np.random.default_rng(2))
    shadow = project(shapes, view, (0, 0, 0), pixel, size)
    mu = [TISSUES[t].mu for t in shapes.tissues]
    for u, v in ((0, 0), (-10, 6), (14, -8), (-22, 20), (25, 12)):
        column, row = round(u / pixel + 0.5 * (size - 1)), round(v / pixel + 0.5 * (size - 1))
        start = (column - 0.5 * (size - 1)) * pixel * view[0] + (row - 0.5 * (size - 1)) * pixel * view[1]
        expected = ray_integral.attenuation(start, view[2], shapes, mu)
        assert shadow.attenuation[row, column] == pytest.approx(expected, abs=0.01)


def test_one_union_counts_once_and_two_add_up():
    def through_the_middle(unions):
        builder = ShapeBuilder()
        for union in unions:
            builder.add("p", "bone", (0, 0, 0), (20, 20, 20), union=union)
        return project(builder.shapes(), np.eye(3), (0, 0, 0), 1.0, 63).attenuation[31, 31]

    one = 40 * TISSUES["bone"].mu
    assert through_the_middle(["a"]) == pytest.approx(one, rel=1e-5)
    assert through_the_middle(["a", "a"]) == pytest.approx(one, rel=1e-5)
    assert through_the_middle(["a", "b"]) == pytest.approx(2 * one, rel=1e-5)


def test_small_and_large_families_are_drawn_alike(monkeypatch):
    builder = ShapeBuilder()
    add_hand(builder, random_person(np.random.default_rng(3)))
    shapes, view = builder.shapes(), turn("x", 90) @ turn("z", 10)
    marks = {"carpals": lambda part: part in ("lunate", "capitate"), "shafts": lambda part: part.endswith("_shaft")}
    pictures = []
    for limit in (0, 10**9):
        monkeypatch.setattr("lookinside.phantoms.radiography.projection._SMALL", limit)
        pictures.append(project(shapes, view, (0, 0, 80), 1.6, 128, marks))
    one, other = pictures
    np.testing.assert_allclose(one.attenuation, other.attenuation, atol=2e-5)
    np.testing.assert_allclose(one.bone, other.bone, atol=2e-5)
    for name in ("body", "bones"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.part_names == other.part_names
    for name in marks:
        np.testing.assert_array_equal(one.landmarks[name], other.landmarks[name])


def test_what_is_out_of_the_field_leaves_no_trace():
    builder = ShapeBuilder()
    builder.add("far", "bone", (500, 0, 0), (20, 20, 20))
    builder.add("near", "bone", (0, 0, 0), (10, 10, 10))
    shadow = project(builder.shapes(), np.eye(3), (0, 0, 0), 1.0, 64)
    assert shadow.part_names == ("near",)
    assert set(np.unique(shadow.labels)) == {0, 1}


def test_shapes_know_which_points_they_hold():
    rng = np.random.default_rng(8)
    shapes, points = _random_ellipsoids(rng, 5), rng.uniform(-50, 50, (200, 3))
    held = shapes.contains(points)
    for i in range(len(shapes)):
        expected = ray_integral.inside(points, shapes.centres[i], shapes.radii[i], shapes.rotations[i])
        np.testing.assert_array_equal(held[i], expected)


def test_a_person_keeps_the_details_of_a_region():
    person = Person(seed=4)
    assert person.details("hand").random() == person.details("hand").random()
    assert person.details("hand").random() != person.details("foot").random()
    assert person.posed(elbow=90.0).pose.elbow == 90.0 and person.pose.elbow == 0.0
