"""Figures of deformations: a field as arrows, and images with the grid that was straight before."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lookinside.errors import LookInsideError
from lookinside.figures.images import LINE, show_image
from lookinside.figures.style import COLOURS, INK, SLIDE, SMALLEST_TEXT, TEXT, caption, new_figure, wrapped

ARROWS = "viridis_r"  # short is light and long is dark, in grey too


def deformation_field(
    field: np.ndarray | Sequence[np.ndarray],
    image: np.ndarray | Sequence[np.ndarray] | None = None,
    control_points: np.ndarray | None = None,
    *,
    arrows: int = 20,
    note: str = "",
) -> Figure:
    """Return a displacement field d, once as arrows from x to x + d(x) at true length, once as the grid that it bends.

    Args:
        field: (H, W, 2), down and to the right in pixels: the deformed image shows at x what stood at x + d(x). Of
            several, (N, H, W, 2), the first has arrows, and each has its grid.
        image: the deformed image (H, W), (H, W, 1) or (H, W, 3), drawn below the grid; N of them for N fields.
        control_points: (K, 2), rows and columns in pixels, drawn as dots.
        arrows: how many stand along the longer side.
        note: written below in place of the sentence that explains the arrows.

    Raises:
        LookInsideError: for fields of another shape, or images that do not fit them.

    Source: Roth et al. 2015, Fig. 4.
    """
    several = np.ndim(field) == 4
    fields = list(field) if several else [field]
    images = [None] * len(fields) if image is None else list(image) if several else [image]
    if not fields or len(images) != len(fields):
        raise LookInsideError(f"{len(images)} images have {len(fields)} fields: give a field for each, one at least.")
    fields = [_checked(one, own) for one, own in zip(fields, images, strict=True)]
    height, width, _ = fields[0].shape
    panel = min((SLIDE[0] - 2.2) / 2, (SLIDE[1] - 6 * LINE) * width / height)
    figure = new_figure(max(7.0, 2 * panel + 2.2), panel * height / width + 6 * LINE)
    figure.set_layout_engine("compressed")  # for panels that keep their shape: else a flat one's title is cut
    first, *others = _panels(figure, len(fields))
    _arrows(figure, first, fields[0], arrows)
    for axes, one, own in zip(others, fields, images, strict=True):
        if own is not None:
            show_image(axes, own)
        _grid_lines(axes, one)
    others[0].set_title("the grid that it bends", fontsize=TEXT)
    if several and len(others) > 1:
        others[1].set_title("other fields", fontsize=TEXT)
    for axes in (first, *others):
        axes.set(xlim=(-0.5, width - 0.5), ylim=(height - 0.5, -0.5), aspect="equal")
        axes.set_axis_on()
        axes.tick_params(labelsize=SMALLEST_TEXT, colors=INK)
        if several and axes is not first:
            axes.set(xticks=[], yticks=[])
            continue
        axes.set_xlabel("column (pixels)", fontsize=TEXT)
        if control_points is not None:
            axes.plot(*np.asarray(control_points).T[::-1], "o", color=COLOURS[1], markersize=5, clip_on=False)
    first.set_ylabel("row (pixels)", fontsize=TEXT)
    longest = np.hypot(*np.moveaxis(fields[0], -1, 0)).max()
    dots = "; dots: control points" if control_points is not None else ""
    caption(figure, note or f"an arrow leads from a pixel to what it shows, {longest:.1f} pixels at most{dots}")
    return figure


def _panels(figure, grids):
    """A large panel at the left and, beside it, a block of panels of the same size in all: one for each grid."""
    columns = int(np.ceil(np.sqrt(grids)))
    rows = -(-grids // columns)
    places = [str(k) if k < grids else "." for k in range(rows * columns)]
    mosaic = [["field", *places[k * columns : (k + 1) * columns]] for k in range(rows)]
    panels = figure.subplot_mosaic(mosaic, width_ratios=[columns] + [1] * columns)
    return [panels["field"], *(panels[str(k)] for k in range(grids))]


def _arrows(figure, axes, field, count):
    height, width, _ = field.shape
    step = max(1, round(max(height, width) / count))
    rows, columns = np.mgrid[step // 2 : height : step, step // 2 : width : step]
    down, right = np.moveaxis(field[rows, columns], -1, 0)
    true = {"angles": "xy", "scale_units": "xy", "scale": 1}
    drawn = axes.quiver(columns, rows, right, down, np.hypot(down, right), cmap=ARROWS, width=0.004, **true)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8)
    bar.set_label("length (pixels)", size=TEXT)
    bar.ax.tick_params(labelsize=SMALLEST_TEXT)
    axes.set_title("displacement field", fontsize=TEXT)


def deformed_grid(
    images: np.ndarray | Sequence[np.ndarray],
    fields: np.ndarray | Sequence[np.ndarray],
    titles: Sequence[str] = (),
    *,
    lines: int = 12,
    columns: int = 5,
    note: str = "",
) -> Figure:
    """Return deformed images (N, H, W) or (N, H, W, C), each with the grid that lay straight on it before.

    Args:
        images: as they are after the deformation.
        fields: (N, H, W, 2), their displacement fields as for `deformation_field`; zeros for an image as it was.
        titles: of the panels.
        lines: how many lines of the grid cross the longer side.
        columns: panels in a row, at most.
        note: written below.

    Raises:
        LookInsideError: where there is no image, or fields do not fit images.
    """
    if len(images) == 0 or len(images) != len(fields):
        raise LookInsideError(f"{len(images)} images have {len(fields)} fields: give a field for each, one at least.")
    fields = [_checked(field, image) for field, image in zip(fields, images, strict=True)]
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height, width, _ = fields[0].shape
    below = LINE + 0.1 if note else 0
    panel = min(3.2, 11.0 / columns, ((SLIDE[1] - below) / rows - 2 * LINE) * width / height)
    titles = [wrapped(title, panel) for title in titles] + [""] * (len(images) - len(titles))
    above = LINE * (1 + max(title.count("\n") for title in titles)) if any(titles) else 0.05
    figure = new_figure(panel * columns, (panel * height / width + above) * rows + below)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, field, title in zip(grid.flat, images, fields, titles, strict=False):
        show_image(axes, image, title)
        _grid_lines(axes, field, lines)
    if note:
        caption(figure, note)
    return figure


def _grid_lines(axes: Axes, field: np.ndarray, lines: int = 16) -> None:
    """Draw where the input's straight lines are seen: they are the contours of the places that pixels read."""
    height, width, _ = field.shape
    step = (max(height, width) - 1) / lines
    rows, columns = np.moveaxis(field, -1, 0) + np.indices((height, width))
    for read, side, other, length in ((rows, height, columns, width), (columns, width, rows, height)):
        inside = np.where((other >= 0) & (other <= length - 1), read, np.nan)  # a line ends where the image does
        levels = np.clip(np.arange(0, side - 1 + 1e-6, step), 0.01, side - 1.01)
        axes.contour(inside, levels=np.unique(levels), colors=COLOURS[4], linewidths=0.8)


def _checked(field, image):
    field = np.asarray(field, float)
    if field.ndim != 3 or field.shape[-1] != 2:
        raise LookInsideError(f"a displacement field has shape (H, W, 2), this one has {field.shape}")
    if image is not None and np.shape(image)[:2] != field.shape[:2]:
        raise LookInsideError(f"an image of shape {np.shape(image)} does not fit a field of shape {field.shape}")
    return field
