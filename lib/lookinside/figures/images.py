"""Figures made of images: sheets, heat maps laid over radiographs, landmarks beside heat."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from lookinside.errors import LookInsideError
from lookinside.figures.style import COLOURS, HEAT_MAP, LETTER, SLIDE, SMALLEST_TEXT, TEXT, caption, new_figure, wrapped

LINE = 1.3 * SMALLEST_TEXT / 72  # inches that a line of text takes


def _grey(image: np.ndarray) -> np.ndarray:
    """Return one image as (H, W) or, where it has three channels, as (H, W, 3)."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    if image.ndim not in (2, 3):
        raise LookInsideError(f"an image has shape (H, W), (H, W, 1) or (H, W, 3), this one has {image.shape}")
    return image


def _top(image: np.ndarray) -> float:
    """Return the value drawn as white: 255 for bytes, 1 for floats that stay below it."""
    return 255.0 if image.dtype == np.uint8 else max(1.0, float(image.max(initial=0.0)))


def show_image(axes: Axes, image: np.ndarray, title: str = "") -> None:
    """Draw one image (H, W) or (H, W, 3), bytes or [0, 1], from black to white on its whole range."""
    image = _grey(image)
    axes.imshow(image, cmap="gray", vmin=0, vmax=_top(image), interpolation="nearest")
    axes.set_title(title, fontsize=SMALLEST_TEXT)
    axes.set_axis_off()


def show_heat(axes: Axes, image: np.ndarray, heat: np.ndarray, title: str = "") -> None:
    """Lay a heat map (H, W) in [0, 1] over its image (H, W): the hotter, the more opaque."""
    show_image(axes, image, title)
    heat = np.clip(np.nan_to_num(heat), 0.0, 1.0)
    axes.imshow(heat, cmap=HEAT_MAP, vmin=0, vmax=1, alpha=0.85 * np.sqrt(heat), interpolation="bilinear")


def show_region(axes: Axes, image: np.ndarray, region: np.ndarray, title: str = "", colour: str = COLOURS[5]) -> None:
    """Tint the pixels of a mask (H, W) on its image (H, W) and draw the mask's outline."""
    show_image(axes, image, title)
    tint = np.zeros((*region.shape, 4), np.float32)
    tint[region] = (*to_rgb(colour), 0.4)
    axes.imshow(tint, interpolation="nearest")
    if region.any() and not region.all():
        axes.contour(region.astype(float), levels=[0.5], colors=[colour], linewidths=0.8)


def image_sheet(
    images: np.ndarray | Sequence[np.ndarray],
    titles: Sequence[str] = (),
    *,
    columns: int = 8,
    note: str = "",
    panel: float = 0,
) -> Figure:
    """Return a sheet of images (N, H, W) or (N, H, W, C) in rows of `columns`, each with its title.

    `note` is written below; `panel` is a panel's side in inches, by default the largest, up to 2, at which a slide
    holds the sheet. Raises LookInsideError for an empty sheet.
    """
    if len(images) == 0:
        raise LookInsideError("a sheet needs at least one image")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    below = LINE + 0.1 if note else 0
    titles = [*titles, *[""] * (len(images) - len(titles))]
    titled = sum(any(titles[start : start + columns]) for start in range(0, len(images), columns))  # rows with a title
    panel = panel or min(2.0, SLIDE[0] / columns, (SLIDE[1] - below - 2 * LINE * titled) / rows - 0.05)
    titles = [wrapped(title, panel) for title in titles]
    above = LINE * (1 + max(title.count("\n") for title in titles))
    figure = new_figure(panel * columns, (panel + 0.05) * rows + above * titled + below)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, image, title in zip(grid.flat, images, titles, strict=False):
        show_image(axes, image, title)
    if note:
        caption(figure, note)
    return figure


def image_rows(rows: Mapping[str, np.ndarray], *, columns: int = 8, note: str = "") -> Figure:
    """Return rows of images, one below another, that belong together: photographs, masks of them, what was drawn.

    Args:
        rows: name, written above the row's first image -> images (N, H, W) or (N, H, W, C), of which the first
            `columns` are shown.
        columns: images a row.
        note: written below.

    Raises:
        LookInsideError: for no rows, or one that holds fewer images than `columns`.
    """
    short = [name for name, images in rows.items() if len(images) < columns]
    if not rows or short:
        what = f"{short[0]} has {len(rows[short[0]])} images, the rows show {columns}" if short else "there is no row"
        raise LookInsideError(f"{what}: give each row as many images as there are columns")
    titles = [name if place == 0 else "" for name in rows for place in range(columns)]
    stack = [image for images in rows.values() for image in images[:columns]]
    return image_sheet(stack, titles, columns=columns, note=note)


def heat_grid(
    images: np.ndarray | Sequence[np.ndarray],
    rows: dict[str, np.ndarray],
    *,
    regions: np.ndarray | Sequence[np.ndarray] | None = None,
    region_name: str = "landmarks",
    under: dict[str, np.ndarray] | None = None,
    titles: Sequence[str] = (),
    note: str = "",
) -> Figure:
    """Return images (N, H, W) on top, known regions next, then one row of heat maps (N, H, W) per entry of `rows`.

    Row names stand at the left, thin white lines over the heat are the regions' edges. `regions` are masks
    (N, H, W), or None where no truth is known; their row is called `region_name`. A row's heat is laid over
    `under[row]` (N, H, W) where that is given: the images that the network saw.
    """
    names = ["image"] + ([region_name] if regions is not None else []) + list(rows)
    count = len(images)
    left = 0.1 + LETTER * SMALLEST_TEXT / 72 * max(len(name) for name in names)
    above, below = (LINE if titles else 0.05), (LINE + 0.1 if note else 0)
    panel = min(2.0, (SLIDE[0] - left - 0.4) / count, (SLIDE[1] - above - below) / len(names))
    figure = new_figure(panel * count + left, panel * len(names) + above + below)
    figure.set_layout_engine("compressed")  # for panels that keep their shape: else a single column's names are cut
    grid = figure.subplots(len(names), count, squeeze=False)
    for row, name in enumerate(names):
        for column in range(count):
            axes, image = grid[row, column], (under or {}).get(name, images)[column]
            title = titles[column] if row == 0 and len(titles) > column else ""
            if name == "image":
                show_image(axes, image, title)
            elif name == region_name and regions is not None:
                show_region(axes, image, regions[column], title)
            else:
                show_heat(axes, image, rows[name][column], title)
                if regions is not None and regions[column].any() and not regions[column].all():
                    axes.contour(regions[column].astype(float), levels=[0.5], colors="white", linewidths=0.5)
        grid[row, 0].text(
            -0.06, 0.5, name, transform=grid[row, 0].transAxes, ha="right", va="center", fontsize=SMALLEST_TEXT
        )
    if note:
        caption(figure, note)
    return figure


def map_strip(
    image: np.ndarray, maps: np.ndarray, titles: Sequence[str] = (), *, columns: int = 5, note: str = ""
) -> Figure:
    """Return one image and, beside it, its single heat maps (n, H, W) in [0, 1], each laid over the image."""
    panels = len(maps) + 1
    columns = min(columns, panels)
    rows = -(-panels // columns)
    below = LINE + 0.1 if note else 0
    panel = min(2.2, SLIDE[0] / columns, (SLIDE[1] - below) / rows - LINE)
    figure = new_figure(panel * columns, (panel + LINE) * rows + below)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    show_image(grid.flat[0], image, "image")
    titles = list(titles) + [""] * (len(maps) - len(titles))
    for axes, heat, title in zip(list(grid.flat)[1:], maps, titles, strict=False):
        show_heat(axes, image, heat, title)
    if note:
        caption(figure, note)
    return figure


def number_grids(
    grids: dict[str, np.ndarray], *, note: str = "", highlight: dict[str, np.ndarray] | None = None
) -> Figure:
    """Return small matrices side by side with their numbers written in, for toys that are worked by hand.

    `grids` maps a title to an array (h, w); `highlight` maps a title to a mask (h, w) whose cells get a thick frame.
    """
    figure = new_figure(2.3 * len(grids), 2.6 + (0.25 if note else 0))
    for axes, (title, grid) in zip(figure.subplots(1, len(grids), squeeze=False)[0], grids.items(), strict=True):
        grid = np.asarray(grid, float)
        limit = max(1e-9, np.abs(grid).max())
        axes.imshow(grid, cmap="RdBu_r", vmin=-1.6 * limit, vmax=1.6 * limit)
        for row, column in np.ndindex(grid.shape):
            axes.text(column, row, f"{grid[row, column]:g}", ha="center", va="center", fontsize=TEXT)
        axes.set_xticks(np.arange(grid.shape[1] + 1) - 0.5, labels=[])
        axes.set_yticks(np.arange(grid.shape[0] + 1) - 0.5, labels=[])
        axes.grid(color="white", linewidth=2)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        for row, column in zip(*np.nonzero((highlight or {}).get(title, np.zeros((1, 1)))), strict=True):
            axes.plot(
                np.array([-0.5, 0.5, 0.5, -0.5, -0.5]) * 0.92 + column,
                np.array([-0.5, -0.5, 0.5, 0.5, -0.5]) * 0.92 + row,
                color=COLOURS[1],
                linewidth=2,
            )
        axes.set_title(title, fontsize=TEXT)
    if note:
        caption(figure, note)
    return figure
