"""Figures of numbers: confusion matrices, values with their intervals, clouds of points."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from lookinside.errors import LookInsideError
from lookinside.figures.style import COLOURS, FAINT, INK, SLIDE, SMALLEST_TEXT, TEXT, new_figure, plain_axes

MARKS = "os^Dv<>P"


def confusion_matrix(matrix: np.ndarray, class_names: Sequence[str], title: str = "") -> Figure:
    """Return a confusion matrix (true class, predicted class) of counts, coloured by the share of its row."""
    matrix = np.asarray(matrix)
    count = len(class_names)
    if matrix.shape != (count, count):
        raise LookInsideError(f"a confusion matrix of {count} classes has shape ({count}, {count}), not {matrix.shape}")
    height = float(np.clip(0.3 * count + 2.2, 3.6, SLIDE[1]))
    figure = new_figure(min(SLIDE[0], max(height + 1.2, 0.33 * count + 3.2)), height)
    axes = figure.subplots()
    share = matrix / np.maximum(1, matrix.sum(axis=1, keepdims=True))
    picture = axes.imshow(share, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    labels = [name.replace("_", " ") for name in class_names]
    axes.set_xticks(range(count), labels, rotation=90, fontsize=SMALLEST_TEXT)
    axes.set_yticks(range(count), labels, fontsize=SMALLEST_TEXT)
    axes.set_xlabel("predicted class", fontsize=TEXT)
    axes.set_ylabel("true class", fontsize=TEXT)
    axes.set_title(title, fontsize=TEXT)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        ink = "black" if share[row, column] > 0.5 else "white"
        axes.text(column, row, int(matrix[row, column]), ha="center", va="center", fontsize=SMALLEST_TEXT, color=ink)
    bar = figure.colorbar(picture, ax=axes, shrink=0.8)
    bar.set_label("share of the true class", size=TEXT)
    bar.ax.tick_params(labelsize=SMALLEST_TEXT)
    return figure


def interval_plot(
    rows: Mapping[str, tuple[float, float, float]],
    label: str,
    *,
    reference: Mapping[str, float] | None = None,
    chance: float | None = None,
    chance_name: str = "chance",
) -> Figure:
    """Return one dot with its interval per row, a cross for the paper's value, a line for chance.

    `rows` maps a name to (estimate, low, high); `label` names the axis and its unit.
    """
    figure = new_figure(10.0, min(SLIDE[1], 0.5 * len(rows) + 1.3))
    axes = figure.subplots()
    for height, (name, (value, low, high)) in enumerate(reversed(rows.items())):
        axes.plot([low, high], [height, height], color=COLOURS[0], linewidth=2.2, solid_capstyle="butt")
        axes.plot(
            value, height, "o", color=COLOURS[0], markersize=7, label="ours" if height == 0 and reference else None
        )
        note = {
            "xytext": (7, 0),
            "textcoords": "offset points",
            "va": "center",
            "fontsize": SMALLEST_TEXT,
            "color": INK,
        }
        axes.annotate(f"{value:.2f}", (high, height), **note)
        if reference and name in reference:
            axes.plot(reference[name], height, "x", color=COLOURS[1], markersize=8, markeredgewidth=2)
    if reference:
        axes.plot([], [], "x", color=COLOURS[1], markeredgewidth=2, label="paper")
    if chance is not None:
        axes.axvline(chance, color=FAINT, linestyle="--", linewidth=1.2, label=chance_name)
    axes.set_yticks(range(len(rows)), list(reversed(rows)))
    axes.set_ylim(-0.6, len(rows) - 0.4)
    left, right = axes.get_xlim()
    axes.set_xlim(left, right + 0.06 * (right - left))  # room for the number beside the longest interval
    axes.set_xlabel(label)
    plain_axes(axes)
    if reference or chance is not None:
        axes.legend(fontsize=SMALLEST_TEXT, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def scatter(points: Mapping[str, Sequence[tuple[float, float]]], x: str, y: str) -> Figure:
    """Return dots of two shares, a colour a network: `points` maps a name to (x, y) pairs in [0, 1].

    `x` and `y` name the axes. Raises LookInsideError where there is nothing to draw.
    """
    if not any(points.values()):
        raise LookInsideError("a scatter needs at least one point")
    figure = new_figure(8.0, 4.2)
    axes = figure.subplots()
    for index, (name, pairs) in enumerate(points.items()):
        if pairs:
            across, up = np.array(pairs, float).T
            style = {"color": COLOURS[index % len(COLOURS)], "marker": "os^Dv"[index % 5]}
            axes.scatter(across, up, s=40, alpha=0.85, label=name, **style)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xlim(-0.02, 1.02 * max(0.1, *(one[0] for pairs in points.values() for one in pairs)))
    axes.set_ylim(0, 1.02)
    plain_axes(axes)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=9, frameon=False, loc="outside right center")
    return figure


def embedding(points: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, title: str = "") -> Figure:
    """Return dots in the plane, a colour and a mark a class; the axes have no meaning and no numbers.

    Args:
        points: float (N, 2), or a mapping title -> (N, 2) for panels side by side.
        labels: int (N,), the class of each dot.
        class_names: their names.
        title: above a single panel.
    """
    panels = dict(points) if isinstance(points, Mapping) else {title: points}
    figure = new_figure(min(11.0, 4.3 * len(panels) + 1.6), 4.6)
    for axes, (name, dots) in zip(np.atleast_1d(figure.subplots(1, len(panels))), panels.items(), strict=True):
        for k, label in enumerate(class_names):
            own = np.asarray(dots)[labels == k]
            style = {"color": COLOURS[k % len(COLOURS)], "marker": MARKS[k % len(MARKS)]}
            axes.scatter(*own.T, s=22, alpha=0.75, linewidth=0, label=label.replace("_", " "), **style)
        axes.set_title(name, fontsize=TEXT, color=INK)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color(FAINT)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=SMALLEST_TEXT, frameon=False, loc="outside right center")
    return figure
