"""The figures: what is drawn is what was given, and nonsense is refused in one line."""

import io

import matplotlib as mpl
import numpy as np
import pytest
from bs4 import BeautifulSoup

from lookinside import figures
from lookinside.errors import LookInsideError
from lookinside.figures.style import smallest_text
from lookinside.training import BodyProfile


def images(count=6, side=32):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 1), dtype=np.uint8)


def drawn(figure):
    """Panels that show something."""
    return [axes for axes in figure.axes if axes.images]


def test_a_sheet_shows_each_image_once_from_black_to_white():
    figure = figures.image_sheet(images(5), ["a", "b", "c", "d", "e"], columns=3)
    panels = drawn(figure)
    assert [panel.get_title() for panel in panels] == ["a", "b", "c", "d", "e"]
    assert np.array_equal(panels[4].images[0].get_array(), images(5)[4, ..., 0])
    assert panels[0].images[0].get_clim() == (0, 255)


def test_float_images_are_drawn_on_zero_to_one():
    panel = drawn(figures.image_sheet(np.full((1, 8, 8), 0.5, np.float32)))[0]
    assert panel.images[0].get_clim() == (0, 1)


def test_heat_is_more_opaque_where_it_is_hotter():
    heat = np.zeros((1, 32, 32))
    heat[0, 3, 4], heat[0, 5, 6] = 1.0, 0.25
    panel = drawn(figures.heat_grid(images(1), {"net": heat}))[1]
    alpha = panel.images[1].get_alpha()
    assert alpha[3, 4] > alpha[5, 6] > alpha[0, 0] == 0


def test_a_heat_grid_has_a_row_each_and_names_the_regions():
    masks = np.zeros((6, 32, 32), bool)
    masks[:, 4:9, 4:9] = True
    figure = figures.heat_grid(images(), {"one": masks * 1.0, "two": masks * 0.5}, regions=masks, region_name="plate")
    assert len(drawn(figure)) == 4 * 6
    names = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert names == ["image", "plate", "one", "two"]


def test_the_row_names_of_a_single_column_are_whole(tmp_path):
    """A notebook makes room for what hangs over the edge; `savefig` does not."""
    figure = figures.heat_grid(images(1), {"Deconvnet": np.ones((1, 32, 32))}, regions=np.ones((1, 32, 32), bool))
    figure.savefig(tmp_path / "heat.png")
    assert all(text.get_window_extent().x0 >= 0 for axes in figure.axes for text in axes.texts)


def test_heat_lies_over_the_image_that_the_network_saw():
    other = images()[::-1]
    figure = figures.heat_grid(
        images(), {"one": np.ones((6, 32, 32)), "two": np.ones((6, 32, 32))}, under={"two": other}
    )
    rows = np.array(drawn(figure)).reshape(3, 6)
    assert np.array_equal(rows[1, 0].images[0].get_array(), images()[0, ..., 0])
    assert np.array_equal(rows[2, 0].images[0].get_array(), other[0, ..., 0])


def test_number_grids_write_the_numbers():
    figure = figures.number_grids({"X": np.array([[1, 2.5], [0, -3]])}, highlight={"X": np.array([[0, 1], [0, 0]])})
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2.5", "0", "-3"]
    assert len(figure.axes[0].lines) == 1


def test_an_interval_plot_keeps_the_order_from_top_to_bottom():
    axes = figures.interval_plot({"first": (1, 0, 2), "second": (3, 2, 4)}, "share", chance=1.0).axes[0]
    heights = {
        label.get_text(): height for label, height in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }
    assert heights["first"] > heights["second"]
    assert list(axes.lines[0].get_xdata()) == [2, 4]


def test_a_confusion_matrix_must_fit_its_names():
    with pytest.raises(LookInsideError, match=r"\(3, 3\)"):
        figures.confusion_matrix(np.eye(2), ["a", "b", "c"])


def test_rows_without_a_title_leave_it_no_room():
    def side(titles):
        figure = figures.image_sheet(images(25), titles, columns=5, note="a note")
        figure.canvas.draw()
        return figure.axes[7].get_window_extent().width

    assert side([]) > side(list("abcde")) > 0.85 * side([]) > 1.1 * side(list("abcdefghijklmnopqrstuvwxy"))


@pytest.mark.parametrize("call", [lambda: figures.image_sheet([]), lambda: figures.learning_curves({})])
def test_nothing_to_draw_is_said(call):
    with pytest.raises(LookInsideError, match="at least one"):
        call()


def every_figure():
    masks, heat = np.zeros((6, 32, 32), bool), np.zeros((6, 32, 32))
    masks[:, 4:9, 4:9] = True
    long = "a note of several words that is far longer than the figure is wide, so that it needs a second line"
    curves = {"loss": [1, 2], "val_loss": [1, 2], "accuracy": [0.1, 0.2], "val_accuracy": [0.1, 0.2]}
    names = [f"thoracic spine {number}" for number in range(24)]
    spread = {name: (0.5, 0.4, 0.6) for name in names}
    yield figures.image_sheet(images(24), names, note=long)
    yield figures.heat_grid(images(), {name: heat for name in names[:5]}, regions=masks, titles=names, note=long)
    yield figures.map_strip(images(1)[0], heat, names, note=long)
    yield figures.number_grids({"X": np.eye(4), "P": np.eye(2)}, note=long)
    yield figures.learning_curves({name: curves for name in names[:5]})
    yield figures.confusion_matrix(np.eye(24), names, title=long)
    yield figures.interval_plot(
        {name: spread[name] for name in names[:9]}, "share", reference={names[0]: 0.4}, chance=0.5
    )
    for shape in ((32, 32), (20, 70), (70, 20)):
        field = np.ones((6, *shape, 2))
        yield figures.deformation_field(field[0], control_points=np.zeros((4, 2)))
        yield figures.deformation_field(field[:5], control_points=np.zeros((4, 2)))
        yield figures.deformed_grid(np.zeros((6, *shape)), field, names, note=long)
    for slices, pixel in ((130, (4.0, 7.5)), (275, (6.0, 1.0)), (60, (5.0, 5.0))):
        yield figures.body_profile(_profile(slices, pixel), note=long)
    yield figures.layer_shares({name: {"new": dict.fromkeys(names[:12], 0.5)} for name in "abcd"}, "share of maps")
    yield figures.embedding(dict.fromkeys(names[:3], np.zeros((6, 2))), np.arange(6) // 3, names[:2])
    yield figures.band_curves({name: np.ones((4, 5)) for name in names[:5]}, "height (mm)", "share", note=long)


def test_every_figure_fits_a_slide_and_is_read_from_the_last_row():
    """A slide of 1280 x 720 pixels has 1136 x 545 for a figure below its heading: its text keeps 14 pixels there."""
    for figure in every_figure():
        width, height = figure.get_size_inches() * figure.dpi
        scale = min(1.0, 1136 / width, 545 / height)
        assert smallest_text(figure) * scale >= 14, (figure.axes[0].get_title(), width, height)
        figure.canvas.draw()


def test_the_smallest_text_is_that_which_is_seen():
    figure = figures.new_figure(4, 4)
    first, second = figure.subplots(1, 2)
    first.text(0, 0, "small", fontsize=6, visible=False)
    first.set_title("", fontsize=5)
    second.set_axis_off()
    second.tick_params(labelsize=4)
    first.tick_params(labelsize=9)
    assert smallest_text(figure) == pytest.approx(9 * 100 / 72)
    second.legend(*second.plot([0], label="tiny") and second.get_legend_handles_labels(), fontsize=7)
    assert smallest_text(figure) == pytest.approx(7 * 100 / 72)
    assert smallest_text(figures.new_figure(1, 1)) is None


def test_figures_leave_no_global_state_behind():
    before = dict(mpl.rcParams)
    figures.image_sheet(images(2))
    assert dict(mpl.rcParams) == before
    assert not mpl._pylab_helpers.Gcf.get_all_fig_managers()


SHOWN = {
    "shallow": {"accuracy": (0.711, 0.65, 0.914), "weights": 103_809_816, "deletion": (-0.2, -0.3, 0.1)},
    "deep": {"accuracy": (0.913, 0.88, 0.95), "deletion": np.float32(0.12), "seen": "a < b"},
    "untrained": {"accuracy": (0.2, 0.1, 0.3), "weights": 4_600_000, "deletion": (float("nan"),) * 3},
}
OPTIONS = {"units": {"accuracy": "%"}, "best": {"accuracy": "high", "deletion": "low"}, "row_name": "network"}


def test_a_table_reads_the_same_as_text_and_as_html():
    shown = figures.table(SHOWN, **OPTIONS, note="95 % intervals over 20 images")
    assert repr(shown).splitlines() == [
        "network         accuracy (%) ↑      weights             deletion ↓  seen",
        "-------------------------------------------------------------------------",
        "shallow    ~ 71.1 [65.0, 91.4]  103,809,816  * -0.20 [-0.30, 0.10]  –",
        "deep       * 91.3 [88.0, 95.0]            –     0.12                a < b",
        "untrained    20.0 [10.0, 30.0]    4,600,000        –                –",
        "95 % intervals over 20 images; * best of its column; ~ its interval holds the best",
    ]
    page = BeautifulSoup(shown._repr_html_(), "html.parser")
    assert [head["scope"] for head in page.select("th")] == ["col"] * 5 + ["row"] * 3
    assert (
        page.caption.get_text() == "95 % intervals over 20 images; ★ best of its column; ≈ its interval holds the best"
    )
    cells = [[" ".join(cell.get_text().split()) for cell in row.select("th, td")] for row in page.select("tbody tr")]
    assert cells[0] == ["shallow", "≈ 71.1 [65.0, 91.4]", "103,809,816", "★ −0.20 [−0.30, 0.10]", "–"]
    assert cells[1] == ["deep", "★ 91.3 [88.0, 95.0]", "–", "0.12", "a < b"]
    assert [bold.get_text() for bold in page.select("strong")] == ["−0.20", "91.3"]


def test_a_table_of_dicts_takes_its_labels_from_a_column():
    rows = [{"what": "x", "n": 3, "share": 0.5}, {"what": "x", "n": 12, "share": 0.25}]
    lines = repr(figures.table(rows, digits={"share": 1})).splitlines()
    assert lines[0].split() == ["what", "n", "share"] and lines[3].split() == ["x", "12", "0.2"]
    named = repr(figures.table(rows, row_name="n", units={"share": "px"})).splitlines()
    assert named[0].split() == ["n", "what", "share", "(px)"] and named[2].split() == ["3", "x", "0.50"]


def test_one_unit_is_that_of_all_columns_of_numbers():
    rows = {"a": {"whole": (0.5, 0.4, 0.6), "called": "b"}, "b": {"whole": None, "called": None, "lost": 0.25}}
    each = figures.table(rows, units={"whole": "%", "lost": "%"})
    assert repr(figures.table(rows, units="%")) == repr(each) and "called  " in repr(each)


def test_what_reads_the_same_is_marked_the_same_and_one_row_is_not_marked():
    rows = {"a": {"s": 0.8149}, "b": {"s": 0.8151}, "c": {"s": 0.8}}
    assert repr(figures.table(rows, best={"s": "high"}, digits=1)).count("*") == 4  # three rows and the legend
    assert "*" not in repr(figures.table({"a": {"s": 0.8}}, best={"s": "high"}))


@pytest.mark.parametrize(
    ("rows", "options", "says"),
    [
        ({}, {}, "at least one row"),
        ({"a": {}}, {}, "at least one row with one column"),
        ({"a": {"b": 1}}, {"units": {"c": "%"}}, "units names the column 'c'; the table has: b"),
        ({"a": {"b": 1}}, {"best": {"b": "most"}}, '"high" or "low"'),
        ({"a": {"b": [1, 2]}}, {}, r"'b' of a table holds \[1, 2\]"),
        ([{"a": 1, "b": 2}, {"b": 3}], {}, "row 2 of the table has no 'a'"),
    ],
)
def test_a_table_that_cannot_be_shown_is_refused(rows, options, says):
    with pytest.raises(LookInsideError, match=says):
        figures.table(rows, **options)


def test_size_curves_show_every_size_with_its_interval():
    figure = figures.size_curves(
        {"one": [(1000, 0.8, 0.7, 0.9), (100, 0.5, 0.4, 0.6)], "two": []}, "training images", "accuracy", chance=0.2
    )
    (axes,) = figure.axes
    assert axes.get_xscale() == "log" and [t.get_text() for t in axes.get_xticklabels()] == ["100", "1,000"]
    line = axes.containers[0].lines[0]
    assert np.allclose(line.get_ydata(), [0.5, 0.8])  # ordered by size
    assert axes.get_ylim() == (0, 1.02)
    near = figures.size_curves({"one": [(1, 0.02, 0.01, 0.03)]}, "strength", "error", limits=(0, 0.1))
    assert near.axes[0].get_ylim() == (0, 0.1)
    steps = figures.step_curves({"one": [([1, 2], [0.8, 0.9])]}, "accuracy", limits=(0.5, 1))
    assert steps.axes[0].get_ylim() == (0.5, 1)
    with pytest.raises(LookInsideError, match="at least one"):
        figures.size_curves({"one": []}, "training images", "accuracy")


def test_another_run_lies_beside_its_size_curve_in_the_same_colour():
    curves = {"one": [(100, 0.5, 0.4, 0.6)], "two": [(100, 0.7, 0.6, 0.8)]}
    (axes,) = figures.size_curves(curves, "images", "accuracy", beside={"two": [(30, 0.2, 0.1, 0.3)]}).axes
    dot = axes.lines[-1]
    assert (dot.get_xdata()[0], dot.get_ydata()[0], dot.get_markerfacecolor()) == (30, 0.2, "none")
    assert dot.get_color() == axes.containers[1].lines[0].get_color() != axes.containers[0].lines[0].get_color()
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["one", "two"]
    with pytest.raises(LookInsideError, match="beside has 'three'"):
        figures.size_curves(curves, "images", "accuracy", beside={"three": []})


def test_layer_shares_have_a_panel_for_each_network_and_the_layers_in_their_order():
    shares = {"small": {"trained": {"b": 0.1, "a": 0.2}}, "big": {n: dict.fromkeys("xyz", 0.5) for n in ("new", "old")}}
    first, second = figures.layer_shares(shares, "share of maps").axes
    assert [text.get_text() for text in first.get_xticklabels()] == ["b", "a"] and first.get_title() == "small"
    assert list(first.lines[0].get_ydata()) == [0.1, 0.2] and len(second.lines) == 2
    assert first.get_position().width < second.get_position().width
    for wrong in ({}, {"net": {}}, {"net": {"new": {}}}, {"net": {"new": {"a": 0}, "old": {"b": 0}}}):
        with pytest.raises(LookInsideError, match=r"at least one|one at least"):
            figures.layer_shares(wrong, "share")


def test_a_scatter_shows_every_point():
    figure = figures.scatter({"one": [(0.1, 0.8), (0.5, 0.2)], "two": []}, "dead", "accuracy")
    (dots,) = figure.axes[0].collections
    assert np.allclose(dots.get_offsets(), [(0.1, 0.8), (0.5, 0.2)])
    with pytest.raises(LookInsideError, match="at least one"):
        figures.scatter({"one": []}, "dead", "accuracy")


def bent(height=20, width=31):
    """A field that moves to the left by 3, and down the more the further right."""
    return np.stack(np.broadcast_arrays(np.arange(width) / 10, np.full((height, 1), -3.0)), axis=-1)


def test_an_arrow_leads_from_a_pixel_to_what_it_shows():
    field = bent()
    figure = figures.deformation_field(field, control_points=[(0, 30)], arrows=8)
    (arrows,) = [drawn for drawn in figure.axes[0].collections if hasattr(drawn, "U")]
    assert (arrows.angles, arrows.scale_units, arrows.scale) == ("xy", "xy", 1)  # at their true length
    columns, rows = arrows.XY.astype(int).T
    assert len(rows) == 5 * 8
    np.testing.assert_allclose(np.stack([arrows.V, arrows.U], -1), field[rows, columns])
    np.testing.assert_allclose(arrows.get_array(), np.hypot(arrows.U, arrows.V))
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1]  # rows grow downwards
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[30, 0]]
    assert f"{np.hypot(3, 3):.1f} pixels at most" in figure.get_supxlabel()


def test_of_several_fields_the_first_has_arrows_and_each_its_grid():
    fields = np.stack([bent(), -bent(), 0 * bent(), 2 * bent()])
    figure = figures.deformation_field(fields, images(4, 32)[:, :20, :31], arrows=8)
    first, *others = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    assert [hasattr(drawn, "U") for drawn in first.collections] == [True]
    assert len(others) == 4 and all(len(axes.collections) == 2 for axes in others)
    for axes, image, field in zip(others, images(4, 32), fields, strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), image[:20, :31, 0])
        alone = figures.deformation_field(field).axes[1].collections
        for drawn, expected in zip(axes.collections, alone, strict=True):
            ours, theirs = (np.concatenate([path.vertices for path in one.get_paths()]) for one in (drawn, expected))
            np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize(("field", "seen"), [(bent(), (3, 6)), (np.zeros((20, 31, 2)), (4, 7))])
def test_the_grid_is_drawn_where_the_images_straight_lines_have_gone(field, seen):
    figure = figures.deformed_grid(np.zeros((1, 20, 31, 1)), field[None], ["one"], lines=6)
    places = np.moveaxis(np.indices(field.shape[:2]), 0, -1) + field
    levels = ([0.01, 5, 10, 15], [0.01, 5, 10, 15, 20, 25, 29.99])  # a line of each has left the first image
    for axis, drawn in enumerate(figure.axes[0].collections):
        np.testing.assert_allclose(drawn.levels, levels[axis])
        lines = [(level, path.vertices) for level, path in zip(drawn.levels, drawn.get_paths(), strict=True)]
        lines = [(level, np.rint(line).astype(int)) for level, line in lines if len(line)]
        assert len(lines) == seen[axis]
        for level, line in lines:
            assert len(line) > 15 and np.abs(places[line[:, 1], line[:, 0], axis] - level).max() <= 0.6


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: figures.deformation_field(np.zeros((8, 9))), r"has shape \(H, W, 2\), this one has \(8, 9\)"),
        (lambda: figures.deformation_field(np.zeros((8, 9, 2)), np.zeros((9, 8))), r"\(9, 8\) does not fit a field"),
        (lambda: figures.deformation_field(np.zeros((2, 8, 9, 2)), np.zeros((1, 8, 9))), "1 images have 2 fields"),
        (lambda: figures.deformed_grid([], []), "0 images have 0 fields"),
        (lambda: figures.deformed_grid(np.zeros((2, 8, 9)), np.zeros((1, 8, 9, 2))), "2 images have 1 fields"),
    ],
)
def test_a_field_that_does_not_fit_is_refused(call, says):
    with pytest.raises(LookInsideError, match=says):
        call()


# Bodies and classes ---------------------------------------------------------------------------------------------


def _profile(slices, pixel):
    rows = np.eye(3, dtype=np.float32)[np.arange(slices) * 3 // slices]
    coronal = np.zeros((slices, 60), np.uint8)
    return BodyProfile(pixel[1] * np.arange(slices), rows, ("legs", "liver", "lower_abdomen"), coronal, pixel)


@pytest.mark.parametrize(("slices", "pixel"), [(130, (4.0, 7.5)), (275, (6.0, 1.0)), (60, (5.0, 5.0))])
def test_a_slice_and_its_profile_are_equally_high(slices, pixel):
    figure = figures.body_profile(_profile(slices, pixel), note="one patient")
    figure.savefig(io.BytesIO())  # lays it out
    left, right = (axes.get_window_extent() for axes in figure.axes)
    assert abs(left.y0 - right.y0) < 2 and abs(left.y1 - right.y1) < 2
    assert left.height / left.width == pytest.approx(slices * pixel[1] / (60 * pixel[0]), rel=0.02)
    marked = sorted(
        line.get_ydata()[0]
        for line in figure.axes[1].lines
        if line.get_linestyle() == "--" and len(line.get_ydata()) == 2
    )
    assert marked == pytest.approx([pixel[1] * (round(slices * k / 3 + 0.49) - 0.5) for k in (1, 2)], abs=pixel[1])


def test_bands_and_embeddings():
    x = np.linspace(0, 1, 5)
    figure = figures.band_curves(
        {"a": (x, x, x - 0.1, x + 0.1), "b": (x, x**2, x**2, x**2)}, "x (mm)", "y", diagonal=True
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    panels = {"one": np.zeros((4, 2)), "two": np.ones((4, 2))}
    dots = figures.embedding(panels, np.array([0, 0, 1, 1]), ("a", "b_c"))
    assert [axes.get_title() for axes in dots.axes] == ["one", "two"]
    assert [text.get_text() for text in dots.legends[0].get_texts()] == ["a", "b c"]
    with pytest.raises(LookInsideError, match="at least one curve"):
        figures.band_curves({}, "x", "y")


def test_named_boxes_have_their_names_from_top_to_bottom():
    boxes = {"low": (1, 20, 9, 28), "high": (2, 1, 8, 5), "gone": [np.nan] * 4}
    figure = figures.named_boxes(np.zeros((30, 40)), boxes, note="a note")
    names = sorted((text for text in figure.axes[0].texts), key=lambda text: text.xyann[1])
    assert [text.get_text() for text in names] == ["high", "low"] and [text.xy for text in names] == [(8, 3), (9, 24)]
    assert len(figure.axes[0].patches) == 2 and smallest_text(figure) >= 9
    with pytest.raises(LookInsideError, match="no box"):
        figures.named_boxes(np.zeros((30, 40)), {})
    for box in ((1, 2, 3), [[1, 2, 3, 4]], None):
        with pytest.raises(LookInsideError, match=r"'low' is .*: give one box"):
            figures.named_boxes(np.zeros((30, 40)), {"low": box})
    alone = figures.named_boxes(np.zeros((30, 40)), {"gone": [np.nan] * 4})
    assert alone.axes[0].images and not alone.axes[0].texts and not alone.axes[0].patches


def test_a_sheet_of_boxes_draws_each_box_where_it_is_and_names_its_kind():
    boxes = {"true": [np.array([[2, 3, 12, 8]]), np.zeros((0, 4))], "found": [[4, 4, 9, 9], [np.nan] * 4]}
    figure = figures.boxed_sheet(images(2), boxes, ["a", "b"], note="a note")
    one, other = drawn(figure)
    drawn_boxes = [(*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in one.patches]
    assert drawn_boxes == [(1.5, 2.5, 10, 5), (3.5, 3.5, 5, 5)]  # a pixel's edge is half a pixel before its centre
    assert not other.patches
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["true", "found"]
    with pytest.raises(LookInsideError, match="'true' has boxes for 1 images, there are 2"):
        figures.boxed_sheet(images(2), {"true": [[0, 0, 1, 1]]})
    with pytest.raises(LookInsideError, match="at least one image"):
        figures.boxed_sheet(images(0), {})
    for own in ((1, 2, 3), [[1, 2, 3, 4], [5]], [[1, 2]] * 2):
        with pytest.raises(LookInsideError, match="these boxes are not four numbers each"):
            figures.boxed_sheet(images(1), {"true": [own]})


def test_votes_stand_beside_their_image_each_scaled_by_itself():
    rows = {"k = 1": {"Rs": np.eye(3), "vote": 5 * np.eye(3)}, "k = 2": {"Rs": np.ones((3, 3)), "vote": np.eye(3)}}
    figure = figures.voting_panels(images(1)[0], {"true": [2, 3, 12, 8]}, rows)
    panels = [axes for sub in figure.subfigs for axes in sub.axes]
    assert len(panels) == 5 and panels[0].patches
    assert panels[2].images[0].get_clim() == (0, 5) and panels[1].get_title() == "Rs"
    with pytest.raises(LookInsideError, match="same columns"):
        figures.voting_panels(images(1)[0], {}, {"a": {"Rs": np.eye(3)}, "b": {"vote": np.eye(3)}})


def test_rows_of_images_are_named_once_and_as_long_as_asked():
    rows = {"eye": images(), "drawn": images().astype(np.float32) / 255, "mask": np.ones((9, 32, 32), np.float32)}
    panels = drawn(figures.image_rows(rows, columns=4, note="four of each"))
    assert [panel.get_title() for panel in panels] == ["eye", *[""] * 3, "drawn", *[""] * 3, "mask", *[""] * 3]
    np.testing.assert_array_equal(panels[3].images[0].get_array(), images()[3, ..., 0])
    np.testing.assert_allclose(panels[7].images[0].get_array() * 255, images()[3, ..., 0], atol=1e-3)
    with pytest.raises(LookInsideError, match="eye has 6 images, the rows show 7: give each row as many"):
        figures.image_rows(rows, columns=7)
    with pytest.raises(LookInsideError, match="there is no row"):
        figures.image_rows({})
