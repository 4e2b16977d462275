"""What the layers of a network hold, as rows of small squares: filters, feature maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.figure import Figure

from lookinside.errors import LookInsideError
from lookinside.figures.images import LINE
from lookinside.figures.style import LETTER, SLIDE, SMALLEST_TEXT, TEXT, new_figure, wrapped

_GAP, _SPACE = 0.25, 0.05  # inches between two blocks, and between two tiles


def tile_rows(
    rows: Mapping[str, Mapping[str, Sequence[np.ndarray]]], *, from_zero: bool = False, note: str = ""
) -> Figure:
    """Return rows of grey tiles (h, w), in blocks that stand below each other; each tile is scaled by itself.

    A row's name is at the left, a block's title above its first tile. Tiles may differ in size; all are drawn as large.

    Args:
        rows: row -> title of a block -> its tiles: `{"LeNet": {"conv1": kernels}}`. A block may be empty.
        from_zero: black is zero, for feature maps behind a ReLU: a map that is zero everywhere is black. Otherwise
            black is the tile's smallest number, for filters. White is the largest number in both.
        note: a line below.

    Raises:
        LookInsideError: without a tile, for a tile that is not (h, w), or one that holds nan or infinity.
    """
    blocks = [list(row.items()) for row in rows.values()]
    if not any(len(tiles) for row in blocks for _, tiles in row):
        raise LookInsideError("rows of tiles need at least one tile")
    widths = [max(len(tiles) for _, tiles in column) for column in zip_longest(*blocks, fillvalue=("", ()))]
    left = 0.2 + 1.25 * LETTER * TEXT / 72 * max(len(name) for name in rows)  # a name of wide letters, too
    above = LINE if any(title for row in blocks for title, _ in row) else 0.0
    gaps = _GAP * (len(widths) - 1)
    lines = wrapped(note, SLIDE[0]) if note else ""
    below = LINE * (1 + lines.count("\n")) + 0.1 if note else 0.05
    side = min(1.2, (SLIDE[0] - left - gaps) / sum(widths), (SLIDE[1] - below) / len(rows) - above)
    width, height = left + side * sum(widths) + gaps, (side + above) * len(rows) + below
    figure = new_figure(width, height)
    figure.set_layout_engine("none")  # all places are known
    for line, (name, row) in enumerate(zip(rows, blocks, strict=True)):
        foot = height - (line + 1) * (side + above)
        figure.text(0.05 / width, (foot + side / 2) / height, name, fontsize=TEXT, va="center")
        for place, (title, tiles) in enumerate(row):
            start = left + side * sum(widths[:place]) + _GAP * place
            figure.text(start / width, (foot + side) / height, title, fontsize=SMALLEST_TEXT, va="bottom")
            for number, tile in enumerate(tiles):
                frame = (start + number * side, foot, side - _SPACE, side - _SPACE)
                axes = figure.add_axes([frame[0] / width, frame[1] / height, frame[2] / width, frame[3] / height])
                grey = _scaled(tile, from_zero, f"{name}, {title or 'tile'} {number + 1}")
                axes.imshow(grey, cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="auto")
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(True)
                axes.spines[:].set(color="#8a8a8a", linewidth=0.5)
    if note:
        figure.text(0.5, 0.04 / height, lines, fontsize=SMALLEST_TEXT, ha="center", va="bottom")
    return figure


def _scaled(tile: np.ndarray, from_zero: bool, what: str) -> np.ndarray:
    """A tile in [0, 1]."""
    tile = np.asarray(tile, np.float64)
    if tile.ndim != 2 or not tile.size:
        raise LookInsideError(f"{what} has shape {tile.shape}: give (h, w), one filter or map at a time")
    if not np.isfinite(tile).all():
        raise LookInsideError(f"{what} holds nan or infinity: look at the network's weights")
    low = 0.0 if from_zero else tile.min()
    return np.clip((tile - low) / max(tile.max() - low, 1e-12), 0.0, 1.0)
