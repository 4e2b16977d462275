"""Figures of classes over a body: probability bands, a profile beside the coronal slice, an embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from lookinside.errors import LookInsideError
from lookinside.figures.plots import LINES
from lookinside.figures.style import COLOURS, FAINT, INK, SMALLEST_TEXT, TEXT, caption, new_figure, plain_axes

if TYPE_CHECKING:
    from lookinside.training import BodyProfile

MARKS = "os^Dv<>P"


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


def body_profile(profile: BodyProfile, *, note: str = "") -> Figure:
    """Return the coronal slice and, beside it at the same height, the probability of each class (Roth et al., Fig. 7).

    Lines across both mark where the most probable class changes and stays for at least 15 mm.
    """
    heights, width = profile.heights, profile.pixel[0] * profile.coronal.shape[1]
    half = 0.5 * profile.pixel[1]
    extent = (-0.5 * width, 0.5 * width, heights[0] - half, heights[-1] + half)
    # Both panels are equally high, and the slice keeps its proportions: a short scan makes a low figure.
    tall = (extent[3] - extent[2]) / width
    across = min(4.4 / tall, 4.2)
    high = max(across * tall, 1.8)
    figure = new_figure(across + 5.9, high + 1.0)
    left, right = figure.subplots(1, 2, width_ratios=(across, 4.0), sharey=True)
    left.imshow(profile.coronal, cmap="gray", vmin=0, vmax=255, origin="lower", extent=extent, aspect="equal")
    right.set_box_aspect(high / 4.0)
    left.set_ylabel("height (mm)")
    left.set_xticks([])
    for index, name in enumerate(profile.class_names):
        style = {"color": COLOURS[index % len(COLOURS)], "linestyle": LINES[index % len(LINES)]}
        right.plot(profile.probabilities[:, index], heights, linewidth=2, label=name.replace("_", " "), **style)
    for height in _lasting(profile):
        left.axhline(height, color="white", linewidth=1, linestyle="--")
        right.axhline(height, color=FAINT, linewidth=1, linestyle="--")
    right.set_xlabel("probability")
    right.set_xlim(-0.02, 1.02)
    right.set_ylim(extent[2:])
    for axes in (left, right):
        plain_axes(axes)
    figure.legend(*right.get_legend_handles_labels(), fontsize=SMALLEST_TEXT, frameon=False, loc="outside right center")
    if note:
        caption(figure, note)
    return figure


def _lasting(profile, mm=15.0):
    """Heights of the boundaries between two runs that are both long enough to be seen."""
    at = [profile.heights[0] - mm, *(height for height, *_ in profile.boundaries()), profile.heights[-1] + mm]
    return [
        here for below, here, above in zip(at, at[1:], at[2:], strict=False) if min(here - below, above - here) >= mm
    ]


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
