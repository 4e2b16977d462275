"""The classes of a whole CT along the body, beside its coronal slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from lookinside.figures.curves import LINES
from lookinside.figures.style import COLOURS, FAINT, INK, SMALLEST_TEXT, caption, new_figure, plain_axes

if TYPE_CHECKING:
    from lookinside.training import BodyProfile, RegionBoundary


def body_profile(profile: BodyProfile, *, marked: RegionBoundary | None = None, note: str = "") -> Figure:
    """Return the coronal slice and, beside it at the same height, the probability of each class (Roth et al., Fig. 7).

    Dashed lines across both mark where the most probable class changes and stays for at least 15 mm.

    Args:
        profile: the probabilities along a body.
        marked: a boundary to draw as a solid line with its height beside it (`training.boundary_between`). What was
            found, or why there is no line, is added to the note.
        note: a line below.
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
    if marked is not None:
        note = "; ".join(part for part in (note, marked.sentence) if part)
        if marked.height is not None:
            _mark(left, right, marked)
    right.set_xlabel("probability")
    right.set_xlim(-0.02, 1.02)
    right.set_ylim(extent[2:])
    for axes in (left, right):
        plain_axes(axes)
    figure.legend(*right.get_legend_handles_labels(), fontsize=SMALLEST_TEXT, frameon=False, loc="outside right center")
    if note:
        caption(figure, note)
    return figure


def _mark(left, right, boundary):
    """A solid line across both panels, and on the left its height in a box, so that no tissue hides it."""
    left.axhline(boundary.height, color="white", linewidth=2)
    right.axhline(boundary.height, color=INK, linewidth=2)
    box = {"facecolor": "white", "edgecolor": INK, "boxstyle": "round,pad=0.2", "alpha": 0.9}
    place = {"xy": (0.02, boundary.height), "xycoords": ("axes fraction", "data"), "va": "center", "bbox": box}
    left.annotate(f"{boundary.height:.0f} mm", fontsize=SMALLEST_TEXT, color=INK, **place)


def _lasting(profile, mm=15.0):
    """Heights of the boundaries between two runs that are both long enough to be seen."""
    at = [profile.heights[0] - mm, *(height for height, *_ in profile.boundaries()), profile.heights[-1] + mm]
    return [
        here for below, here, above in zip(at, at[1:], at[2:], strict=False) if min(here - below, above - here) >= mm
    ]
