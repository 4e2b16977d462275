"""Figures made of numbers: learning curves, confusion matrices, values with their intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lookinside.errors import LookInsideError
from lookinside.figures.style import COLOURS, FAINT, INK, SLIDE, SMALLEST_TEXT, TEXT, caption, new_figure, plain_axes

LINES = ("-", "--", "-.", ":")


def learning_curves(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Return loss and accuracy over epochs, a colour a network: training thin, validation thick.

    `histories` maps a network's name to the columns loss, val_loss, accuracy, val_accuracy (accuracies in [0, 1]).
    """
    if not histories:
        raise LookInsideError("learning curves need at least one history")
    figure = new_figure(11.0, 4.6)
    panels = figure.subplots(1, 2)
    for axes, key, label in zip(
        panels, ("loss", "accuracy"), ("cross-entropy (nats)", "accuracy (share)"), strict=True
    ):
        for index, (name, history) in enumerate(histories.items()):
            epochs = np.arange(1, len(history[key]) + 1)
            style = {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}
            axes.plot(epochs, history[key], linewidth=1, alpha=0.6, **style)
            axes.plot(epochs, history[f"val_{key}"], linewidth=2.2, label=name, **style)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel(label)
        plain_axes(axes)
    top = _loss_top(histories)
    highest = max((max(h[key], default=0) for h in histories.values() for key in ("loss", "val_loss")), default=0)
    panels[0].set_ylim(bottom=0, top=top)
    panels[1].set_ylim(0, 1.02)
    figure.legend(
        *panels[1].get_legend_handles_labels(),
        fontsize=SMALLEST_TEXT,
        frameon=False,
        loc="outside upper center",
        ncols=4,
    )
    cut = f"; losses up to {highest:.1f} are cut off" if highest > top else ""
    caption(figure, f"thick: validation; thin: training{cut}")
    return figure


def _loss_top(histories) -> float:
    """Cut the loss axis at twice the first epoch's typical loss, or one spike would flatten the rest."""
    first = [history[key][0] for history in histories.values() for key in ("loss", "val_loss") if len(history[key])]
    return 2.0 * float(np.median(first)) if first else 1.0


def step_curves(
    curves: Mapping[str, Sequence[tuple[Sequence[int], Sequence[float]]]],
    label: str,
    *,
    chance: float | None = None,
    limits: tuple[float, float] = (0.0, 1.02),
) -> Figure:
    """Return a value against training steps, a colour a network and a line a seed.

    `curves` maps a network's name to one pair (steps, values) for each seed; `limits` are those of the value's axis.
    Raises LookInsideError where there is no curve.
    """
    if not any(curves.values()):
        raise LookInsideError("step curves need at least one network with one curve")
    figure = new_figure(9.0, 4.2)
    axes = figure.subplots()
    for index, (name, seeds) in enumerate(curves.items()):
        style = {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}
        for place, (steps, values) in enumerate(seeds):
            axes.plot(steps, values, linewidth=1.8, marker="o", markersize=3, label=None if place else name, **style)
    if chance is not None:
        axes.axhline(chance, color=FAINT, linewidth=1)
    axes.set_xlabel("training steps (batches)")
    axes.set_ylabel(label)
    axes.set_ylim(*limits)
    axes.set_xlim(left=0)
    plain_axes(axes)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=9, frameon=False, loc="outside right center")
    return figure


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
    axes.set_xlabel(label)
    plain_axes(axes)
    if reference or chance is not None:
        axes.legend(fontsize=SMALLEST_TEXT, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def size_curves(
    curves: Mapping[str, Sequence[tuple[float, float, float, float]]],
    size: str,
    label: str,
    *,
    chance: float | None = None,
    limits: tuple[float, float] = (0.0, 1.02),
) -> Figure:
    """Return a value with its interval against a size on a logarithmic axis, a colour a network.

    `curves` maps a network's name to (size, estimate, low, high) for each size; `size` and `label` name the axes, and
    `limits` are those of the value's.
    Raises LookInsideError where there is nothing to draw.
    """
    if not any(curves.values()):
        raise LookInsideError("size curves need at least one network with one size")
    figure = new_figure(9.0, 4.2)
    axes = figure.subplots()
    sizes = sorted({row[0] for rows in curves.values() for row in rows})
    for index, (name, rows) in enumerate(curves.items()):
        if not rows:
            continue
        # Side by side, so that one network's interval does not hide another's.
        at, value, low, high = np.array(sorted(rows), float).T
        at = at * 1.03 ** (index - 0.5 * (len(curves) - 1))
        style = {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}
        axes.errorbar(
            at, value, [value - low, high - value], marker="o", markersize=5, elinewidth=1, label=name, **style
        )
    if chance is not None:
        axes.axhline(chance, color=FAINT, linestyle="--", linewidth=1, label="chance")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [f"{one:,.0f}" for one in sizes])
    axes.minorticks_off()
    axes.set_xlabel(size)
    axes.set_ylabel(label)
    axes.set_ylim(*limits)
    plain_axes(axes)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=9, frameon=False, loc="outside right center")
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
