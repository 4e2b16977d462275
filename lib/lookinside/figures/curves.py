"""Figures of curves: over epochs, steps and numbers of images, and with bands."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lookinside.errors import LookInsideError
from lookinside.figures.style import COLOURS, FAINT, SMALLEST_TEXT, caption, new_figure, plain_axes

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


def size_curves(
    curves: Mapping[str, Sequence[tuple[float, float, float, float]]],
    size: str,
    label: str,
    *,
    chance: float | None = None,
    limits: tuple[float, float] = (0.0, 1.02),
    beside: Mapping[str, Sequence[tuple[float, float, float, float]]] | None = None,
) -> Figure:
    """Return a value with its interval against a size on a logarithmic axis, a colour a network.

    `curves` maps a network's name to (size, estimate, low, high) for each size; `size` and `label` name the axes, and
    `limits` are those of the value's. `beside` is of the same form and has some of the same names: another run, whose
    estimates are drawn as hollow dots in the same colours.
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
    colours = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(curves)}
    strangers = sorted(set(beside or {}) - set(colours))
    if strangers:
        raise LookInsideError(f"beside has {strangers[0]!r}, which curves has not: give it names of curves only")
    for name, rows in (beside or {}).items():
        for at, value, *_ in rows:
            axes.plot(at, value, "o", markersize=7, markerfacecolor="none", color=colours[name])
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


def band_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]],
    x: str,
    y: str,
    *,
    limits: tuple[float, float] | None = (0.0, 1.02),
    diagonal: bool = False,
    marked: float | None = None,
    note: str = "",
) -> Figure:
    """Return lines with bands, a colour a name.

    Args:
        curves: name -> (x, value, low, high), each (P,).
        x, y: what the axes show, with units.
        limits: of the y axis; None takes what fits.
        diagonal: draw the line of chance of an ROC curve.
        marked: where to draw a vertical line.
        note: a line below.

    Raises:
        LookInsideError: where there is nothing to draw.
    """
    if not curves:
        raise LookInsideError("band curves need at least one curve")
    figure = new_figure(9.0, 4.6)
    axes = figure.subplots()
    for index, (name, (at, value, low, high)) in enumerate(curves.items()):
        style = {"color": COLOURS[index % len(COLOURS)]}
        axes.fill_between(at, low, high, alpha=0.18, linewidth=0, **style)
        axes.plot(at, value, linewidth=2, linestyle=LINES[index % len(LINES)], label=name, **style)
    if diagonal:
        axes.plot([0, 1], [0, 1], color=FAINT, linestyle=":", linewidth=1.2)
    if marked is not None:
        axes.axvline(marked, color=FAINT, linestyle="--", linewidth=1.2)
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    plain_axes(axes)
    figure.legend(*axes.get_legend_handles_labels(), fontsize=SMALLEST_TEXT, frameon=False, loc="outside right center")
    if note:
        caption(figure, note)
    return figure
