"""Figures of detections: boxes on their images, and how primitives vote for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike

from lookinside.errors import LookInsideError
from lookinside.figures.images import LINE, show_image
from lookinside.figures.style import COLOURS, HEAT_MAP, INK, LETTER, SLIDE, SMALLEST_TEXT, TEXT, caption, new_figure

if TYPE_CHECKING:
    from lookinside.explain import PrimitiveExamples

_BOX_COLOURS = (COLOURS[4], COLOURS[5], COLOURS[1], COLOURS[2], COLOURS[3], COLOURS[7])  # each shows on black and grey


def show_boxes(axes: Axes, boxes: ArrayLike, colour: str) -> None:
    """Draw boxes (K, 4) or (4,), xyxy in pixels, on an image's axes; one that is nan is left out.

    Raises:
        LookInsideError: for boxes that are not of four numbers each.
    """
    try:
        given = np.asarray(boxes, float)
    except (TypeError, ValueError):
        given = np.ones(1)
    if given.size and given.shape[-1:] != (4,):
        raise LookInsideError("these boxes are not four numbers each: give (K, 4) or (4,), x_min, y_min, x_max, y_max")
    for x_min, y_min, x_max, y_max in given.reshape(-1, 4):
        if np.isfinite(x_min):
            # A pixel's centre is at a whole number on the axes, its edge half a pixel before.
            corner, size = (x_min - 0.5, y_min - 0.5), (x_max - x_min, y_max - y_min)
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=colour, linewidth=1.6))


def boxed_sheet(
    images: np.ndarray,
    boxes: Mapping[str, Sequence[ArrayLike]],
    titles: Sequence[str] = (),
    *,
    columns: int = 4,
    note: str = "",
) -> Figure:
    """Return a sheet of images with boxes on them, a colour for each kind of box, named in a legend.

    Args:
        images: (N, H, W) or (N, H, W, C).
        boxes: name of a kind -> for each image its boxes, (K, 4) or (4,), x_min, y_min, x_max, y_max in pixels.
        titles: above the images.
        columns: images in a row.
        note: a line below.

    Raises:
        LookInsideError: for an empty sheet, more than six kinds of boxes, boxes for another number of images, or boxes
            that are not of four numbers each.
    """
    if len(images) == 0:
        raise LookInsideError("a sheet needs at least one image")
    if len(boxes) > len(_BOX_COLOURS):
        raise LookInsideError(
            f"{len(boxes)} kinds of boxes in one sheet: {len(_BOX_COLOURS)} colours can be told apart"
        )
    for name, own in boxes.items():
        if len(own) != len(images):
            raise LookInsideError(f"{name!r} has boxes for {len(own)} images, there are {len(images)}")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height, width = np.shape(images)[1:3]
    above, below = (LINE if titles else 0.05), LINE * (1 + bool(boxes)) + 0.15
    wide = min(11.0 / columns, ((SLIDE[1] - below) / rows - above) * width / height, 4.0)
    figure = new_figure(wide * columns, (wide * height / width + above) * rows + below)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for place, (axes, image) in enumerate(zip(grid.flat, images, strict=False)):
        show_image(axes, image, titles[place] if place < len(titles) else "")
        for (_, own), colour in zip(boxes.items(), _BOX_COLOURS, strict=False):
            show_boxes(axes, own[place], colour)
    _legend(figure, boxes)
    if note:
        caption(figure, note)
    return figure


def named_boxes(image: np.ndarray, boxes: Mapping[str, ArrayLike], *, note: str = "") -> Figure:
    """Return one image, enlarged, with boxes on it and their names.

    The names stand in a column to the right of the image, in the order of the boxes from top to bottom. A line joins
    each with the middle of its box's right edge.

    Args:
        image: (H, W) or (H, W, C).
        boxes: name -> box (4,), x_min, y_min, x_max, y_max in pixels. One with a nan, as of a structure that an image
            does not show, is left out with its name; if all are, the image stands alone.
        note: a line below.

    Raises:
        LookInsideError: without a box, or for one that is not four numbers.
    """
    if not boxes:
        raise LookInsideError("there is no box to draw")
    for name, box in boxes.items():
        if np.shape(box) != (4,):
            raise LookInsideError(f"{name!r} is {np.shape(box)}: give one box, (4,), x_min, y_min, x_max, y_max")
    height, width = np.shape(image)[:2]
    below = LINE + 0.1 if note else 0.0
    names = LETTER * TEXT / 72 * max(map(len, boxes)) + 0.8
    tall = min(SLIDE[1] - below, (SLIDE[0] - names) * height / width)
    figure = new_figure(tall * width / height + names, tall + below)
    axes = figure.subplots()
    axes.set_anchor("W")
    show_image(axes, image)
    corners = {name: np.asarray(box, float) for name, box in boxes.items() if np.isfinite(np.asarray(box, float)).all()}
    # From top to bottom, so that no lines cross.
    in_order = sorted(corners, key=lambda name: corners[name][1] + corners[name][3])
    heights = (np.arange(len(in_order)) + 0.5) / max(len(in_order), 1) * height
    for number, (name, at) in enumerate(zip(in_order, heights, strict=True)):
        colour, (_, top, right, bottom) = _BOX_COLOURS[number % len(_BOX_COLOURS)], corners[name]
        show_boxes(axes, corners[name], colour)
        line = {"arrowstyle": "-", "color": colour, "linewidth": 1.2}
        place = {"xytext": (1.03 * width, at), "fontsize": TEXT, "color": INK, "va": "center"}
        axes.annotate(name, (right, (top + bottom) / 2), annotation_clip=False, arrowprops=line, **place)
    if note:
        caption(figure, note)
    return figure


def voting_panels(
    image: np.ndarray, boxes: Mapping[str, ArrayLike], rows: Mapping[str, Mapping[str, np.ndarray]], *, note: str = ""
) -> Figure:
    """Return one image with its boxes, and beside it small maps in rows: what primitives saw and voted for.

    A cross marks the middle of each map.

    Args:
        image: (H, W) or (H, W, 1).
        boxes: name -> box (4,) in pixels, as for `boxed_sheet`.
        rows: name of a row, such as a primitive's -> title of a column -> map (M, N), each scaled by itself from 0.
        note: a line below.

    Raises:
        LookInsideError: without a map, or for rows of different columns.
    """
    columns = [tuple(row) for row in rows.values()]
    if not columns or not columns[0] or len(set(columns)) > 1:
        raise LookInsideError("the rows of a voting figure need the same columns, one at least")
    names = LETTER * SMALLEST_TEXT / 72 * max(map(len, rows)) + 0.15
    wide = 4.4
    panel = min(1.35, (SLIDE[0] - wide - names) / len(columns[0]), (SLIDE[1] - 2 * LINE) / len(rows) - 0.1)
    figure = new_figure(wide + names + panel * len(columns[0]), max(panel * len(rows) + 2 * LINE, wide * 0.85))
    left, right = figure.subfigures(1, 2, width_ratios=(wide, names + panel * len(columns[0])))
    axes = left.subplots()
    show_image(axes, image)
    for (_, box), colour in zip(boxes.items(), _BOX_COLOURS, strict=False):
        show_boxes(axes, box, colour)
    grid = right.subplots(len(rows), len(columns[0]), squeeze=False)
    for line, (name, row) in enumerate(rows.items()):
        for place, (title, one) in enumerate(row.items()):
            cell = grid[line, place]
            cell.imshow(one, cmap=HEAT_MAP, vmin=0, vmax=max(float(np.max(one)), 1e-9), interpolation="nearest")
            cell.plot((np.shape(one)[1] - 1) / 2, (np.shape(one)[0] - 1) / 2, "+", color=COLOURS[5], markersize=7)
            cell.set(xticks=[], yticks=[])
            if line == 0:
                cell.set_title(title, fontsize=SMALLEST_TEXT)
        grid[line, 0].set_ylabel(name, fontsize=SMALLEST_TEXT, rotation=0, ha="right", va="center")
    _legend(figure, boxes)
    if note:
        caption(figure, note)
    return figure


def primitive_panels(images: np.ndarray, examples: PrimitiveExamples, *, note: str = "") -> Figure:
    """Return a column for each primitive: what it answers to in a yellow frame, and its spatial template below.

    The middle of a template is the primitive, marked by a cross: it votes for a centre where the template is bright.

    Args:
        images: (N, H, W) or (N, H, W, C), those that the examples were found on.
        examples: from `explain.primitive_examples`; twelve primitives at most.
        note: a line below.

    Raises:
        LookInsideError: for more than twelve primitives, or examples on other images.
    """
    columns, rows = examples.images.shape
    if columns > 12:
        raise LookInsideError(f"{columns} primitives do not fit into one figure: give twelve at most")
    if examples.images.max() >= len(images):
        raise LookInsideError(f"The examples are on {examples.images.max() + 1} images or more, not on {len(images)}")
    height, width = np.shape(images)[1:3]
    below = LINE + 0.1 if note else 0.0
    # A panel is as wide as the template below it, which is square.
    wide = min(1.9, SLIDE[0] / columns, (SLIDE[1] - below - LINE) / (rows * height / width + 1) - 0.1)
    tall = wide * height / width
    figure = new_figure(wide * columns, (tall + 0.08) * rows + wide + LINE + below)
    grid = figure.subplots(rows + 1, columns, squeeze=False, height_ratios=[tall] * rows + [wide])
    for column, number in enumerate(examples.primitives):
        for row, (image, patch) in enumerate(zip(examples.images[column], examples.patches[column], strict=True)):
            show_image(grid[row, column], images[image], f"k = {number}" if row == 0 else "")
            show_boxes(grid[row, column], patch, COLOURS[7])
        template, cell = examples.templates[..., column], grid[rows, column]
        cell.imshow(template, cmap=HEAT_MAP, vmin=0, vmax=max(float(template.max()), 1e-9), interpolation="nearest")
        cell.plot(template.shape[1] // 2, template.shape[0] // 2, "+", color=COLOURS[5], markersize=8)
        cell.set_axis_off()
    if note:
        caption(figure, note)
    return figure


def _legend(figure, boxes):
    each = zip(boxes, _BOX_COLOURS, strict=False)
    handles = [Patch(fill=False, edgecolor=colour, linewidth=2, label=name) for name, colour in each]
    if handles:
        place = {"loc": "outside upper center", "ncols": len(handles)}
        figure.legend(handles=handles, fontsize=SMALLEST_TEXT, frameon=False, **place)
