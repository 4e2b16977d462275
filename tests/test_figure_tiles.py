"""Rows of tiles: each is drawn once, scaled by itself, below the block above it."""

import numpy as np
import pytest

from lookinside import figures
from lookinside.errors import LookInsideError
from lookinside.figures.style import SLIDE, smallest_text


def shown(axes):
    return axes.images[0].get_array()


def test_filters_run_from_their_smallest_to_their_largest_number():
    kernels = np.array([[[-2.0, 0.0], [1.0, 2.0]], [[5.0, 5.5], [5.25, 6.0]]])
    figure = figures.tile_rows({"LeNet": {"conv1": kernels}})
    np.testing.assert_allclose(shown(figure.axes[0]), [[0, 0.5], [0.75, 1]])
    np.testing.assert_allclose(shown(figure.axes[1]), [[0, 0.5], [0.25, 1]])
    assert {axes.images[0].get_clim() for axes in figure.axes} == {(0, 1)}


def test_a_map_of_zeros_is_black_and_one_of_a_single_pixel_white_where_it_answers():
    maps = [np.zeros((3, 3)), np.full((1, 1), 0.2), np.array([[1.0, 4.0]])]
    found = [shown(axes) for axes in figures.tile_rows({"net": {"": maps}}, from_zero=True).axes]
    assert not found[0].any()
    assert found[1] == 1
    np.testing.assert_allclose(found[2], [[0.25, 1]])


def test_blocks_stand_below_each_other_and_names_beside_their_rows():
    tile = np.eye(4)
    rows = {"one": {"a": [tile], "b": [tile] * 2}, "GoogLeNet, AWAY": {"c": [tile] * 3, "d": [tile] * 2}}
    figure = figures.tile_rows(rows, note="two rows")
    figure.draw_without_rendering()
    places = [axes.get_position() for axes in figure.axes]
    assert len(places) == 8
    assert places[1].x0 == pytest.approx(places[6].x0), "the second blocks begin at the same place"
    assert places[0].x0 == pytest.approx(places[3].x0)
    assert len({(round(p.x0, 6), round(p.y0, 6)) for p in places}) == 8, "no tile lies on another"
    texts = {text.get_text(): text.get_window_extent() for text in figure.texts}
    assert set(texts) == {"one", "GoogLeNet, AWAY", "a", "b", "c", "d", "two rows"}
    pixels = figure.bbox
    assert all(box.x0 >= 0 and box.x1 <= pixels.x1 and box.y0 >= 0 and box.y1 <= pixels.y1 for box in texts.values())
    assert texts["GoogLeNet, AWAY"].x1 < places[3].x0 * pixels.width
    assert all(text.y0 >= places[0].y1 * pixels.height for title, text in texts.items() if title in "ab")
    assert texts["two rows"].y1 <= places[-1].y0 * pixels.height


@pytest.mark.parametrize(("rows", "tiles"), [(1, 3), (4, 13), (12, 8)])
def test_it_fits_a_slide_and_is_readable(rows, tiles):
    grey = np.random.default_rng(0).random((tiles, 5, 5))
    note = "a note of several words that is longer than the figure is wide, so that it goes on in a second line " * 2
    figure = figures.tile_rows({f"network {row}": {"conv1, 16 x 16": grey} for row in range(rows)}, note=note)
    assert figure.get_figwidth() <= SLIDE[0] + 0.01 and figure.get_figheight() <= SLIDE[1] + 0.01
    assert smallest_text(figure) >= 15
    assert len(figure.axes) == rows * tiles


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({}, "at least one tile"),
        ({"net": {"conv1": []}}, "at least one tile"),
        ({"net": {"conv1": np.zeros((2, 3, 3, 1))}}, r"net, conv1 1 has shape \(3, 3, 1\)"),
        ({"net": {"conv1": [np.eye(2), np.full((2, 2), np.nan)]}}, "net, conv1 2 holds nan or infinity"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(rows, says):
    with pytest.raises(LookInsideError, match=says):
        figures.tile_rows(rows)
